//! The template engine: minijinja, strict, with our delimiters, filters and markers, compiled once for each language.
//!
//! A value that is written without a filter must be harmless by itself: a number, or a text that is one word of ASCII letters,
//! digits and `_`. Everything else goes through a filter named like a language, which writes a literal; or through `comment`, for
//! text inside a comment; or through `safe`, by which the author of a template vouches for it. What macros and other templates
//! yield was written by an author and passes.

use std::ops::Range;
use std::sync::Arc;

use minijinja::value::{Kwargs, Rest, Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};

use crate::language::Language;
use crate::template::fault::Fault;
use crate::template::files::File;
use crate::template::input::is_identifier;
use crate::template::literal::{Dialect, Layout};
use crate::template::syntax::Delimiters;
use crate::template::token::{CLOSE, OPEN};

/// A template may take so many steps, a loop's round counting several: enough for megabytes of code, over in a second.
const FUEL: u64 = 5_000_000;

/// Templates that include or call each other go no deeper.
const RECURSION_MAX: usize = 64;

pub(crate) struct Engine {
    environment: Environment<'static>,
    files: Arc<Vec<File>>,
    delimiters: Delimiters,
}

impl Engine {
    /// Compiles the files for one language; the faults of those that do not compile, if asked for them, go into `faults`.
    pub(crate) fn new(
        files: &Arc<Vec<File>>,
        delimiters: &Delimiters,
        language: Language,
        faults: &mut Vec<Fault>,
    ) -> Engine {
        let mut environment = Environment::new();
        if let Ok(syntax) = delimiters.syntax() {
            environment.set_syntax(syntax);
        }
        environment.set_debug(true);
        environment.set_fuel(Some(FUEL));
        environment.set_recursion_limit(RECURSION_MAX);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| AutoEscape::Custom("code".into()));
        environment.set_formatter(move |out, _, value| write_plain(out, value, language));
        for (name, dialect) in Dialect::ALL {
            environment.add_filter(name, move |value: &Value, options: Kwargs| {
                literal(dialect, value, options)
            });
        }
        // They would write HTML, and call it safe.
        environment.remove_filter("escape");
        environment.remove_filter("e");
        environment.add_filter("comment", comment);
        environment.add_function("begin", |state: &State<'_, '_>, names: Rest<String>| {
            marker(state, '+', &names)
        });
        environment.add_function("unless", |state: &State<'_, '_>, names: Rest<String>| {
            marker(state, '-', &names)
        });
        environment.add_function("end", || Value::from_safe_string(format!("{OPEN}/{CLOSE}")));
        environment.add_function("data", data);
        for file in files.iter() {
            if let Err(error) = environment.add_template_owned(file.path.clone(), file.text.clone())
            {
                faults.push(fault_of(files, delimiters, &file.path, &error));
            }
        }
        Engine { environment, files: Arc::clone(files), delimiters: delimiters.clone() }
    }

    pub(crate) fn render(&self, path: &str, values: &Value) -> Result<String, Fault> {
        let fault = |error: Error| fault_of(&self.files, &self.delimiters, path, &error);
        let template = self.environment.get_template(path).map_err(fault)?;
        template.render(values.clone()).map_err(fault)
    }

    /// Whether a file may see what was decided; `debug` shows all there is.
    pub(crate) fn asks_decisions(&self) -> bool {
        self.files.iter().any(|file| {
            let Ok(template) = self.environment.get_template(&file.path) else { return true };
            let used = template.undeclared_variables(false);
            used.contains("decided") || used.contains("debug")
        })
    }

    /// The names that a file uses and does not set, with the line of the first use where that is found.
    pub(crate) fn names(&self, path: &str) -> Vec<(String, Option<usize>)> {
        let Ok(template) = self.environment.get_template(path) else {
            return Vec::new();
        };
        let mut names: Vec<String> = template.undeclared_variables(false).into_iter().collect();
        names.sort();
        let globals: Vec<&str> = self.environment.globals().map(|(name, _)| name).collect();
        names.retain(|name| !globals.contains(&name.as_str()));
        let placed = |name: String| {
            let line = line_of_word(template.source(), &name);
            (name, line)
        };
        names.into_iter().map(placed).collect()
    }
}

fn line_of_word(text: &str, word: &str) -> Option<usize> {
    let whole = |line: &str| {
        let part = |mark: char| mark.is_alphanumeric() || mark == '_';
        line.match_indices(word).any(|(at, _)| {
            !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part)
        })
    };
    text.lines().position(whole).map(|at| at + 1)
}

/// Where and why, in the file that is at fault, which may be an included one.
fn fault_of(files: &[File], delimiters: &Delimiters, path: &str, error: &Error) -> Fault {
    // The innermost cause knows the place: what includes it only says that it failed.
    let mut cause = error;
    while let Some(source) =
        std::error::Error::source(cause).and_then(|source| source.downcast_ref::<Error>())
    {
        cause = source;
    }
    let placed = if cause.line().is_some() { cause } else { error };
    let path = placed.name().unwrap_or(path);
    let shown = files.iter().find(|file| file.path == path).map_or(path, |file| &file.shown);
    let used = placed.range().zip(placed.template_source());
    let used = used.map_or("", |(range, source)| expression(source, range, delimiters));
    let kind = cause.kind();
    let reason = match cause.detail() {
        Some(detail) => format!("{kind}: {detail}"),
        None => kind.to_string(),
    };
    let remedy = match kind {
        ErrorKind::UndefinedError => "declare it as an input, set it, or correct the name",
        ErrorKind::SyntaxError => "correct the template syntax",
        ErrorKind::TemplateNotFound => "name a file of the template's folder that ends in .j2",
        ErrorKind::OutOfFuel => "let the template do less",
        ErrorKind::UnknownFilter | ErrorKind::UnknownFunction | ErrorKind::UnknownTest => {
            "see templates/README.md for what there is"
        }
        _ => "correct the expression",
    };
    Fault::new(shown, placed.line(), used.replace(char::is_control, " "), reason, remedy)
}

/// The whole expression, or statement, that a range lies in; nothing if it is long.
fn expression<'a>(source: &'a str, range: Range<usize>, delimiters: &Delimiters) -> &'a str {
    let Some((before, after)) = source.get(..range.start).zip(source.get(range.end..)) else {
        return "";
    };
    let pairs = [&delimiters.value, &delimiters.statement];
    let from = pairs.iter().filter_map(|[open, _]| Some(before.rfind(open)? + open.len())).max();
    let to = pairs.iter().filter_map(|[_, close]| after.find(close)).min();
    let (from, to) = (from.unwrap_or(range.start), to.map_or(range.end, |at| range.end + at));
    let used = source.get(from..to).unwrap_or("").trim();
    if used.len() <= EXPRESSION_BYTES_MAX && !used.contains('\n') { used } else { "" }
}

/// A longer expression is not repeated in an error; its line is.
const EXPRESSION_BYTES_MAX: usize = 80;

fn refused(reason: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, reason.into())
}

fn literal(dialect: Dialect, value: &Value, options: Kwargs) -> Result<Value, Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let indent: Option<usize> = options.get("indent")?;
    options.assert_all_used()?;
    let layout = indent.map_or(Layout::Line, |indent| Layout::Exploded { indent: indent.min(200) });
    dialect.literal(value, layout).map(Value::from_safe_string).map_err(refused)
}

/// Text for the rest of a comment line, or inside a docstring: printable, on one line, and without what ends a comment or a string.
fn comment(value: String) -> Value {
    let shown = |mark: char| {
        if mark.is_control() || "\"'`\\*<>\u{2028}\u{2029}".contains(mark) { ' ' } else { mark }
    };
    Value::from_safe_string(value.chars().map(shown).collect())
}

fn write_plain(out: &mut Output<'_>, value: &Value, language: Language) -> Result<(), Error> {
    let failed = |_| Error::from(ErrorKind::WriteFailure);
    match value.kind() {
        ValueKind::Undefined => Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            let word = |mark: char| mark.is_ascii_alphanumeric() || mark == '_';
            let prose = |mark: char| mark == '\n' || mark == '\t' || !mark.is_control();
            let harmless = match language {
                Language::Text => text.chars().all(prose),
                _ => text.chars().all(word),
            };
            if value.is_safe() || harmless {
                return out.write_str(text).map_err(failed);
            }
            let filter = Dialect::of(language)
                .and_then(|own| Dialect::ALL.iter().find(|(_, dialect)| *dialect == own))
                .map_or("json", |(name, _)| name);
            let shown: String = text.chars().take(40).collect();
            Err(refused(format!(
                "{shown:?} is no single word, so that it may break the code; write it by the filter `{filter}`"
            )))
        }
        ValueKind::Number | ValueKind::Bool => {
            let literal = match Dialect::of(language) {
                Some(dialect) => dialect.literal(value, Layout::Line).map_err(refused)?,
                None => value.to_string(),
            };
            out.write_str(&literal).map_err(failed)
        }
        kind => {
            Err(refused(format!("a value of kind {kind} cannot be written as it is; use a filter")))
        }
    }
}

fn marker(state: &State<'_, '_>, sign: char, names: &[String]) -> Result<Value, Error> {
    if names.is_empty() {
        return Err(Error::new(ErrorKind::MissingArgument, "a block needs a name"));
    }
    if let Some(known) = state.lookup("layer").and_then(|layer| layer.get_attr("markers").ok()) {
        let known: Vec<Value> = known.try_iter()?.collect();
        if let Some(unknown) =
            names.iter().find(|&name| !known.contains(&Value::from(name.as_str())))
        {
            return Err(refused(format!("{unknown:?} is no block of this layer")));
        }
    }
    if let Some(unfit) = names.iter().find(|name| !is_identifier(name)) {
        return Err(refused(format!("{unfit:?} is no name of a block")));
    }
    Ok(Value::from_safe_string(format!("{OPEN}{sign}{}{CLOSE}", names.join(","))))
}

/// `data("NAME")`, `data("NAME", "input")`: see [`Constant`](crate::template::Constant).
fn data(name: String, input: Option<String>) -> Result<Value, Error> {
    let input = input.unwrap_or_default();
    if !is_identifier(&name) || !(input.is_empty() || is_identifier(&input)) {
        return Err(refused(
            "data is called by an identifier, and the name of an input where it is one",
        ));
    }
    Ok(Value::from_safe_string(format!("{OPEN}={name}:{input}{CLOSE}")))
}
