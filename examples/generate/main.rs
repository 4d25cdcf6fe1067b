//! Generates the scripts of any template, built in or your own, for any data file, into a folder that people may work in too.
//!
//! ```text
//! cargo run --release --example generate -- --list                                        # families, templates and what they ask for
//! cargo run --release --example generate                                                  # etl-python for the bundled penguins
//! cargo run --release --example generate -- --template etl-bash-sql --data mine.csv --out scripts
//! cargo run --release --example generate -- --template tests-python --set script=clean.py --out scripts/tests
//! cargo run --release --example generate -- --data mine.csv --out scripts --dry-run      # renders, validates, prints the difference
//! cargo run --release --example generate -- --templates my-templates --template greeting --set who=Ada
//! ```
//!
//! What a person has edited is not overwritten, unless `--force` says so; `--eject` leaves files to people for good. Exit codes: 0 done,
//! 1 nothing was written, because a layer does not validate or an edit would be lost (with `--dry-run`: would not be written),
//! 2 the arguments or the files are not usable; then one line on stderr says where and what to do.

mod arguments;
mod list;
mod request;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use orchestrator_ai::codegen::{
    Action, Completeness, Edits, GeneratedScripts, Generator, OutputError, OutputFolder, Plan,
    Severity, Template, Templates,
};

use arguments::{Arguments, Asked};

fn main() -> ExitCode {
    match answer(std::env::args_os()) {
        Ok(text) => {
            // Who has stopped reading (`| head`) has read enough.
            let _closed = write!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            let _closed = write!(std::io::stdout(), "{}", failure.shown);
            eprintln!("error: {}", failure.line);
            ExitCode::from(failure.code)
        }
    }
}

/// Why nothing was written.
#[derive(Debug)]
struct Failure {
    code: u8,
    /// What a dry run shows all the same.
    shown: String,
    /// One line.
    line: String,
}

/// What is generated, or would be, is not fit to be written.
const REFUSED: u8 = 1;
/// The arguments or the files are not usable.
const UNUSABLE: u8 = 2;

impl Failure {
    fn refused(line: impl Into<String>) -> Failure {
        Failure { code: REFUSED, shown: String::new(), line: one_line(&line.into()) }
    }
}

impl<E: std::fmt::Display> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure { code: UNUSABLE, shown: String::new(), line: one_line(&error.to_string()) }
    }
}

/// Several faults stand behind each other.
fn one_line(text: &str) -> String {
    let lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" | ")
}

/// What is printed.
fn answer(words: impl IntoIterator<Item = OsString>) -> Result<String, Failure> {
    let arguments = match arguments::parse(words)? {
        Asked::Help(text) => return Ok(text),
        Asked::ToRun(arguments) => arguments,
    };
    let templates = templates(&arguments)?;
    if arguments.list {
        return Ok(list::list(&templates, arguments.template.as_deref())?);
    }
    let template = match &arguments.template {
        Some(name) => templates.named(name)?.clone(),
        None => default_template(&arguments, &templates)?,
    };
    let folder = arguments.out.clone();
    let folder = folder.unwrap_or_else(|| PathBuf::from("target/generate").join(template.name()));
    let output = OutputFolder::new(&folder);
    if let Some(text) = hand_over(&arguments, &output)? {
        return Ok(text);
    }

    let request = request::request(&arguments, &template)?;
    let scripts = Generator::new().with_templates(templates).generate(&request)?;
    if scripts.completeness == Completeness::Partial {
        return Err(Failure::refused(faults(&scripts)));
    }
    let plan = output.plan(&scripts.template, &scripts.code_samples)?;
    let edits = if arguments.force { Edits::Overwrite } else { Edits::Keep };
    if arguments.dry_run {
        return dry_run(&plan, edits, &scripts);
    }
    let written = match plan.write(edits) {
        Err(error @ OutputError::Edits { .. }) => return Err(Failure::refused(error.to_string())),
        written => written?,
    };
    let mut text = said(&scripts);
    for change in plan.changes() {
        let path = folder.join(&change.path);
        let done = match (&change.action, written.contains(&path)) {
            (_, true) if change.after.is_none() => "removed",
            (_, true) => "written",
            (Action::Ejected, false) => "left to its owner",
            (_, false) => "unchanged",
        };
        writeln!(text, "{done:9} {}", path.display())?;
    }
    Ok(text)
}

/// The built-in templates and those of the user: one in the folder itself, or one in each folder in it.
fn templates(arguments: &Arguments) -> Result<Templates, Failure> {
    match &arguments.templates {
        None => Ok(Templates::default()),
        Some(folder) if folder.join(orchestrator_ai::codegen::MANIFEST).is_file() => {
            Ok(Templates::default().with(Template::load(folder)?))
        }
        Some(folder) => Ok(Templates::with_folder(folder)?),
    }
}

/// The one of the user's folder if that holds one template, else the ETL in Python.
fn default_template(arguments: &Arguments, templates: &Templates) -> Result<Template, Failure> {
    match &arguments.templates {
        Some(folder) if folder.join(orchestrator_ai::codegen::MANIFEST).is_file() => {
            Ok(Template::load(folder)?)
        }
        _ => Ok(templates.named(orchestrator_ai::codegen::DEFAULT_TEMPLATE)?.clone()),
    }
}

/// `--eject` and `--adopt`, which generate nothing.
fn hand_over(arguments: &Arguments, output: &OutputFolder) -> Result<Option<String>, Failure> {
    let mut text = String::new();
    if let Some(file) = &arguments.eject {
        let files = match file {
            Some(file) => vec![file.clone()],
            None => output.files()?,
        };
        if files.is_empty() {
            return Err(
                "--eject: nothing was generated into the folder; generate first, or correct --out"
                    .into(),
            );
        }
        for file in files {
            output.eject(&file)?;
            writeln!(text, "{file} is yours: it is not written, compared or removed any more")?;
        }
    }
    for file in &arguments.adopt {
        output.adopt(file)?;
        writeln!(text, "{file} is generated again")?;
    }
    Ok((!text.is_empty()).then_some(text))
}

/// What would be written, and whether it would be.
fn dry_run(plan: &Plan, edits: Edits, scripts: &GeneratedScripts) -> Result<String, Failure> {
    let shown = said(scripts) + &plan.diff();
    let refused: Vec<String> = plan
        .changes()
        .iter()
        .filter_map(|change| match &change.action {
            Action::Refuse(reason) => Some(format!("{} ({reason})", change.path)),
            _ => None,
        })
        .collect();
    if refused.is_empty() || edits == Edits::Overwrite {
        return Ok(shown);
    }
    let line = format!(
        "nothing would be written, because edits would be lost: {}; keep them in protected regions, --eject the file, or --force",
        refused.join(", ")
    );
    Err(Failure { shown, ..Failure::refused(line) })
}

/// What was generated, in a line or two.
fn said(scripts: &GeneratedScripts) -> String {
    let kept = scripts.blocks.iter().filter(|block| block.kept);
    let kept: Vec<String> = kept.map(|block| format!("{}.{}", block.layer, block.block)).collect();
    let kept = if kept.is_empty() { "none".to_owned() } else { kept.join(", ") };
    let mut text = format!(
        "{}: {} files, quality {:.2}, optional blocks: {kept}\n",
        scripts.template,
        scripts.layers.len(),
        scripts.quality_score()
    );
    if scripts.completeness == Completeness::Simplified {
        let attempts = scripts.attempts.len();
        text += &format!("simplified: {attempts} attempts were refused: {}\n", faults(scripts));
    }
    text
}

/// What did not validate: the first fault of each file.
fn faults(scripts: &GeneratedScripts) -> String {
    let found = match scripts.refused.is_empty() {
        true => &scripts.diagnostics,
        false => &scripts.refused,
    };
    let faults = found.iter().filter_map(|(file, found)| {
        let fault = found.iter().find(|found| found.severity == Severity::Error)?;
        let (line, column) = (fault.line, fault.column);
        Some(format!("{file}, line {line}, column {column}: {}", fault.message))
    });
    let mut faults: Vec<String> = faults.collect();
    faults.extend(scripts.attempts.iter().map(|attempt| attempt.error.clone()));
    faults.retain(|fault| !fault.is_empty());
    format!("{}; mend the template of that layer", faults.join(", "))
}
