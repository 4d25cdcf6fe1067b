//! Templates: rendered by minijinja with delimiters that mean nothing in Python, then cut into tokens.
//!
//! `<% %>` holds statements, `<< >>` values, `<# #>` comments. An undefined variable is an error. On a line of their own,
//! `<< begin("a", "b") >>` … `<< end() >>` hold what is there if one of these blocks is kept, and `<< unless("a") >>` …
//! `<< end() >>` what is there if none is. Values go through the filter `python`, which writes them as literals in ASCII:
//! no text of a user can end a string, a line or a file.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Rest, Serde, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value};
use serde::Serialize;

use crate::template::{Guard, ScriptToken, Span, TokenKind};

/// Why a template gives no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template {template}, line {line}: {reason}")]
#[non_exhaustive]
pub struct TemplateError {
    /// The name of the template.
    pub template: String,
    /// The line, counted from 1; of the template where it is the template's fault.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

/// What the script and a generator of scripts read files by: included in both.
const READING: &str = include_str!("../../templates/reading.py.j2");

/// Frames a marker in rendered text. Literals are ASCII without control characters, so that no value can look like one.
const OPEN: char = '\u{2}';
const CLOSE: char = '\u{3}';

/// Renders a template. `blocks` are the names that its markers may use.
pub(crate) fn render(
    name: &str,
    source: &str,
    values: &impl Serialize,
    blocks: &[&str],
) -> Result<String, TemplateError> {
    let fault = |error: Error| TemplateError {
        template: name.to_owned(),
        line: error.line().unwrap_or(1),
        reason: reason(&error),
    };
    let mut environment = environment(blocks);
    environment.add_template("reading.py.j2", READING).map_err(fault)?;
    let template = environment.template_from_named_str(name, source).map_err(fault)?;
    template.render(Value::from(Serde(values))).map_err(fault)
}

fn reason(error: &Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

fn environment(blocks: &[&str]) -> Environment<'static> {
    let syntax = SyntaxConfig::builder()
        .block_delimiters("<%", "%>")
        .variable_delimiters("<<", ">>")
        .comment_delimiters("<#", "#>")
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .expect("the delimiters differ");
    let mut environment = Environment::new();
    environment.set_syntax(syntax);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.add_filter("python", |value: Value| literal(&value));
    for (function, sign) in [("begin", '+'), ("unless", '-')] {
        let known: Vec<String> = blocks.iter().map(|&block| block.to_owned()).collect();
        environment.add_function(function, move |names: Rest<String>| marker(sign, &names, &known));
    }
    environment.add_function("end", || format!("{OPEN}/{CLOSE}"));
    environment
}

fn marker(sign: char, names: &[String], known: &[String]) -> Result<String, Error> {
    match names.iter().find(|name| !known.contains(name)) {
        Some(unknown) => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("{unknown:?} is no block of this layer"),
        )),
        None if names.is_empty() => {
            Err(Error::new(ErrorKind::MissingArgument, "a block needs a name"))
        }
        None => Ok(format!("{OPEN}{sign}{}{CLOSE}", names.join(","))),
    }
}

/// A value as Python writes it, in printable ASCII.
fn literal(value: &Value) -> Result<String, Error> {
    let unfit = || Error::new(ErrorKind::InvalidOperation, "the value has no Python literal");
    match value.kind() {
        ValueKind::Bool => Ok(if value.is_true() { "True" } else { "False" }.to_owned()),
        ValueKind::None => Ok("None".to_owned()),
        ValueKind::Number if value.is_integer() => Ok(value.to_string()),
        ValueKind::Number => {
            let number = f64::try_from(value.clone()).map_err(|_| unfit())?;
            if number.is_finite() { Ok(format!("{number:?}")) } else { Err(unfit()) }
        }
        ValueKind::String => Ok(python_string(value.as_str().unwrap_or_default())),
        ValueKind::Seq => {
            let items: Result<Vec<String>, Error> =
                value.try_iter()?.map(|item| literal(&item)).collect();
            Ok(format!("[{}]", items?.join(", ")))
        }
        _ => Err(unfit()),
    }
}

/// The text as a Python string literal, in the quotes that need fewer escapes, as formatters have it.
pub(crate) fn python_string(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    let quote = if text.matches('"').count() > text.matches('\'').count() { '\'' } else { '"' };
    literal.push(quote);
    for mark in text.chars() {
        match mark {
            _ if mark == quote => literal.extend(['\\', mark]),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            ' '..='~' => literal.push(mark),
            _ if u32::from(mark) <= 0xffff => {
                literal.push_str(&format!("\\u{:04x}", u32::from(mark)));
            }
            _ => literal.push_str(&format!("\\U{:08x}", u32::from(mark))),
        }
    }
    literal.push(quote);
    literal
}

/// Cuts rendered text at its markers. `listens_to` gives the feature and the weight of a block.
pub(crate) fn tokenise(
    name: &str,
    rendered: &str,
    listens_to: impl Fn(&str) -> (String, f64),
) -> Result<Vec<ScriptToken>, TemplateError> {
    let fault = |line: usize, reason: &str| TemplateError {
        template: name.to_owned(),
        line,
        reason: reason.to_owned(),
    };
    let mut tokens = Vec::new();
    let mut guards: Vec<Guard> = Vec::new();
    let mut current: Option<ScriptToken> = None;
    for (line, text) in (1..).zip(rendered.split_inclusive('\n')) {
        let marker = text.trim().strip_prefix(OPEN).and_then(|rest| rest.strip_suffix(CLOSE));
        let Some(marker) = marker else {
            if text.contains([OPEN, CLOSE]) {
                return Err(fault(line, "a marker stands on a line of its own"));
            }
            let token = current.get_or_insert_with(|| begin(&guards, line, &listens_to));
            token.text.push_str(text);
            token.span.line_last = line;
            continue;
        };
        tokens.extend(current.take());
        if marker == "/" {
            guards.pop().ok_or_else(|| fault(line, "an end without a begin"))?;
        } else {
            guards.push(Guard {
                any_of: marker[1..].split(',').map(str::to_owned).collect(),
                kept: marker.starts_with('+'),
            });
        }
    }
    tokens.extend(current);
    if !guards.is_empty() {
        return Err(fault(rendered.lines().count(), "a begin without an end"));
    }
    Ok(tokens)
}

fn begin(
    guards: &[Guard],
    line: usize,
    listens_to: &impl Fn(&str) -> (String, f64),
) -> ScriptToken {
    let block = guards.last().map(|guard| guard.any_of[0].clone());
    let listening = block.as_deref().map(listens_to);
    let kind = match guards.last() {
        None => TokenKind::Core,
        Some(guard) if guard.kept => TokenKind::Block,
        Some(_) => TokenKind::Otherwise,
    };
    ScriptToken {
        text: String::new(),
        kind,
        weight: listening.as_ref().map_or(1.0, |(_, weight)| *weight),
        feature: listening.map(|(feature, _)| feature),
        block,
        guards: guards.to_vec(),
        span: Span { line_first: line, line_last: line },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::template::assemble;

    fn check(source: &str, reason: &str) {
        let values = BTreeMap::from([("known", "x")]);
        let tokens = render("t.py", source, &values, &["a", "b"])
            .and_then(|text| tokenise("t.py", &text, |_| ("f".into(), 0.5)));
        assert_eq!(tokens.unwrap_err().to_string(), reason);
    }

    #[test]
    fn an_error_names_template_and_line() {
        check("x = 1\ny = << unknown >>\n", "template t.py, line 2: undefined value");
        check(
            "<< begin(\"c\") >>\n<< end() >>\n",
            "template t.py, line 1: invalid operation: \"c\" is no block of this layer",
        );
        check("<< begin(\"a\") >>\nx\n", "template t.py, line 2: a begin without an end");
        check("<< end() >>\n", "template t.py, line 1: an end without a begin");
        check("x << end() >>\n", "template t.py, line 1: a marker stands on a line of its own");
    }

    #[test]
    fn tokens_know_their_block_and_stay_or_go_with_it() {
        let source = "one\n<< begin(\"a\", \"b\") >>\n  two\n<< begin(\"b\") >>\n  three\n<< end() >>\n<< end() >>\n<< unless(\"a\") >>\nfour\n<< end() >>\n";
        let text = render("t.py", source, &(), &["a", "b"]).unwrap();
        let tokens = tokenise("t.py", &text, |_| ("f".into(), 0.5)).unwrap();
        assert_eq!(assemble(&tokens, &["a"]), "one\n  two\n");
        assert_eq!(assemble(&tokens, &["b"]), "one\n  two\n  three\nfour\n");
        assert_eq!(assemble(&tokens, &[]), "one\nfour\n");
        assert_eq!(tokens[0].kind, TokenKind::Core);
        assert_eq!(tokens[2].block.as_deref(), Some("b"));
        assert_eq!(tokens[3].kind, TokenKind::Otherwise);
    }
}
