//! Python, by the parser of ruff.

use crate::python;
use crate::validate::{Diagnostic, Severity, Validator};

/// Accepts what is a program of Python 3.8 or later. Syntax that 3.8 lacks (`match`, `except*`, …) is a [`Severity::Warning`]
/// that names the release that has it. Types, and names that are not there, are not looked at.
///
/// Besides what does not parse it finds what CPython finds when it compiles: `return`, `yield`, `await`, `break` and `continue` out of place,
/// a parameter or keyword argument twice, `nonlocal` and `global` that cannot be, names used before they are declared, stars, patterns and
/// `__future__` imports out of place. What only CPython finds is named at [`PythonCompiler`](crate::PythonCompiler).
#[derive(Debug, Clone, Copy, Default)]
pub struct PythonValidator;

impl Validator for PythonValidator {
    fn validate(&self, source: &str) -> Vec<Diagnostic> {
        python::diagnostics(source, python::PYTHON_MINOR, Severity::Warning)
    }
}

/// Accepts what is a program of one release, Python 3.`minor`; syntax of a later one is an error.
///
/// ```
/// use orchestrator_codegen::{PythonRelease, Severity, Validator};
/// let matching = "match x:\n    case 1:\n        pass\n";
/// assert!(PythonRelease { minor: 10 }.validate(matching).is_empty());
/// assert_eq!(PythonRelease { minor: 9 }.validate(matching)[0].severity, Severity::Error);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PythonRelease {
    /// The number after `3.`; 7 is the oldest and 15 the latest that is known.
    pub minor: u8,
}

impl Validator for PythonRelease {
    fn validate(&self, source: &str) -> Vec<Diagnostic> {
        python::diagnostics(source, self.minor, Severity::Error)
    }
}
