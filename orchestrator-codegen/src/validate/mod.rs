//! Whether generated code may be handed out: a [`Validator`] for each language.
//!
//! | language | who judges | feature |
//! |---|---|---|
//! | Python | ruff's parser and its rules of scope; a Python interpreter on request ([`PythonCompiler`]) | always on |
//! | Rust | `syn` | `rust` |
//! | shell | `brush-parser` | `shell` |
//! | SQL | `sqlparser`, in the dialect of SQLite | `sql` |
//! | JavaScript | tree-sitter (needs a C compiler) | `javascript` |
//! | text | nothing but its length | always on |
//!
//! No validator panics, hangs or overflows its stack, whatever it is given: a source longer than [`SOURCE_BYTES_MAX`], and one
//! that nests deeper than its parser can be trusted with, is refused with a diagnostic before it is parsed. None runs the code.
//!
//! ```
//! use orchestrator_codegen::{PythonValidator, Validator};
//! assert!(PythonValidator.validate("x = 1\n").is_empty());
//! let faults = PythonValidator.validate("x = 1\nif x\n    pass\n");
//! assert_eq!((faults[0].line, faults[0].column), (2, 5));
//! ```

mod compiler;
#[cfg(feature = "javascript")]
mod javascript;
#[cfg(any(feature = "shell", feature = "sql"))]
mod nesting;
mod place;
mod python;
mod registry;
#[cfg(feature = "rust")]
mod rust;
#[cfg(feature = "shell")]
mod shell;
#[cfg(feature = "sql")]
mod sql;
mod text;

use serde::{Deserialize, Serialize};

pub use compiler::{COMPILE_TIME_LIMIT, CompilerError, PythonCompiler};
#[cfg(feature = "javascript")]
pub use javascript::JavaScriptValidator;
pub(crate) use place::{Place, in_order, is_too_long, on_a_deep_stack};
pub use python::{PythonRelease, PythonValidator};
pub use registry::{NoValidator, Validators};
#[cfg(feature = "rust")]
pub use rust::RustValidator;
#[cfg(feature = "shell")]
pub use shell::ShellValidator;
#[cfg(feature = "sql")]
pub use sql::SqlValidator;
pub use text::TextValidator;

/// Longer sources are refused unread. Ten times the longest file of Python's standard library but one, and little enough that
/// no parser takes minutes.
pub const SOURCE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// As many findings of one source are reported; the first ones.
pub const DIAGNOSTICS_MAX: usize = 100;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The code does not run.
    Error,
    /// It runs, but a reader should look: it asks for a newer interpreter, for one.
    Warning,
}

/// A finding in a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The line, counted from 1. Lines end with `\n`, `\r\n` or `\r`.
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

/// One can be put where the other is asked for.
impl<V: Validator + ?Sized> Validator for Box<V> {
    fn validate(&self, source: &str) -> Vec<Diagnostic> {
        (**self).validate(source)
    }
}

/// Whether nothing that was found forbids the source to be handed out.
pub(crate) fn is_valid(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().all(|found| found.severity != Severity::Error)
}
