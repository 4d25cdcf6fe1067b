//! What is wrong with a template, and where.

use std::fmt;

/// One thing that is wrong with a manifest or a template file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file, as the template was named or found.
    pub file: String,
    /// The line, counted from 1; `None` where the file, the folder or the template as a whole is at fault.
    pub line: Option<usize>,
    /// The key of the manifest, or the name that the template uses; empty where there is none.
    pub key: String,
    /// What is wrong.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

impl Fault {
    pub(crate) fn new(
        file: impl Into<String>,
        line: impl Into<Option<usize>>,
        key: impl Into<String>,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Fault {
        Fault {
            file: file.into(),
            line: line.into(),
            key: key.into(),
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }

    /// A fault of something as a whole: it has no line, and no key.
    pub(crate) fn of_whole(
        file: impl Into<String>,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Fault {
        Fault::new(file, None, "", reason, remedy)
    }

    /// A template that was asked for by a name that none of these is.
    pub(crate) fn no_such_template<'a>(
        name: &str,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Fault {
        let names: Vec<&str> = names.into_iter().collect();
        let remedy = format!("the templates are {}", names.join(", "));
        Fault::of_whole(name, "there is no such template", remedy)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ", {}", self.key)?;
        }
        write!(f, ": {}; {}", self.reason, self.remedy)
    }
}

/// Why a template cannot be used: all that is wrong with it, as far as it can be told at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(faults))]
#[non_exhaustive]
pub struct TemplateError {
    /// The faults, at least one.
    pub faults: Vec<Fault>,
}

impl TemplateError {
    pub(crate) fn of(faults: Vec<Fault>) -> Result<(), TemplateError> {
        if faults.is_empty() { Ok(()) } else { Err(TemplateError { faults }) }
    }
}

impl From<Fault> for TemplateError {
    fn from(fault: Fault) -> TemplateError {
        TemplateError { faults: vec![fault] }
    }
}

fn lines(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")
}
