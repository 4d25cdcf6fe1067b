//! What is wrong with a template, and where.

use std::fmt;

/// One thing that is wrong with a manifest or a template file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file, as the template was named or found.
    pub file: String,
    /// The line, counted from 1; 1 where the file as a whole is at fault.
    pub line: usize,
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
        line: usize,
        key: impl Into<String>,
        reason: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Fault {
        Fault {
            file: file.into(),
            line: line.max(1),
            key: key.into(),
            reason: reason.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.file, self.line)?;
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
