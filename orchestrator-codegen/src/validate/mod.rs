//! Whether generated code may be handed out.
//!
//! ```
//! use orchestrator_codegen::{PythonValidator, Validator};
//! assert!(PythonValidator.validate("x = 1\n").is_empty());
//! let faults = PythonValidator.validate("x = 1\nif x\n    pass\n");
//! assert_eq!(faults[0].line, 2);
//! ```

pub(crate) mod python;

use serde::{Deserialize, Serialize};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The code does not run.
    Error,
    /// It runs, but a reader should look.
    Warning,
}

/// A finding in a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// How bad it is.
    pub severity: Severity,
}

/// Judges the source of a whole file.
///
/// ```
/// use orchestrator_codegen::{Diagnostic, Severity, Validator};
/// /// Refuses tabs.
/// struct NoTabs;
/// impl Validator for NoTabs {
///     fn validate(&self, source: &str) -> Vec<Diagnostic> {
///         let tabs = source.lines().zip(1..).filter(|(line, _)| line.contains('\t'));
///         tabs.map(|(_, line)| Diagnostic { line, column: 1, message: "a tab".into(), severity: Severity::Error }).collect()
///     }
/// }
/// assert_eq!(NoTabs.validate("a\n\tb\n")[0].line, 2);
/// ```
pub trait Validator: Send + Sync {
    /// All findings, in the order of the lines. Code with an [`Severity::Error`] is not handed out.
    fn validate(&self, source: &str) -> Vec<Diagnostic>;
}

/// Accepts what parses as a Python module, by the parser of ruff. Names and types are not looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct PythonValidator;

impl Validator for PythonValidator {
    fn validate(&self, source: &str) -> Vec<Diagnostic> {
        let faults = python::syntax_errors(source).into_iter();
        let mut found: Vec<Diagnostic> = faults
            .map(|(at, message)| {
                let before = &source[..source.floor_char_boundary(at)];
                let line_start = before.rfind('\n').map_or(0, |at| at + 1);
                Diagnostic {
                    line: 1 + before.matches('\n').count(),
                    column: 1 + before[line_start..].chars().count(),
                    message,
                    severity: Severity::Error,
                }
            })
            .collect();
        found.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
        found
    }
}
