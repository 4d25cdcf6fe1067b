//! Which statements of a Python script a run executes, measured by the script's own interpreter.

use serde::{Deserialize, Serialize};

/// A Python program (3.8 or newer, standard library only) that runs another one and notes which of its statements are executed:
/// `python3 -I -c COVERAGE_RUNNER coverage.json script.py ARGUMENTS…`. The script runs as `__main__` with its own arguments, stdin, stdout and
/// exit code; when it ends, by whatever way but a signal, a [`Coverage`] is written to the first path. By `sys.monitoring` where the interpreter has it (3.12), where
/// each line costs once, else by `sys.settrace`, which makes a script about ten times slower. Threads are measured, child
/// processes are not.
pub const COVERAGE_RUNNER: &str = include_str!("coverage.py");

/// What the runner writes: statements by the lines they begin on. Docstrings, `global` and `nonlocal`, and what the compiler
/// leaves out are no statements.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Coverage {
    /// The version of the format, [`Coverage::VERSION`].
    pub version: u32,
    /// The lines of all statements, ascending.
    pub statements: Vec<usize>,
    /// Those of the statements that were executed, ascending.
    pub executed: Vec<usize>,
}

/// What was read is no coverage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no coverage of version {}: {reason}; run the script by COVERAGE_RUNNER",
    Coverage::VERSION
)]
#[non_exhaustive]
pub struct CoverageError {
    /// What is wrong.
    pub reason: String,
}

impl Coverage {
    /// The format that is written and read.
    pub const VERSION: u32 = 1;

    /// Reads what the runner wrote.
    ///
    /// # Errors
    /// When it is another format, or executes what is no statement.
    pub fn from_json(bytes: &[u8]) -> Result<Coverage, CoverageError> {
        let failed = |reason: String| CoverageError { reason };
        let coverage: Coverage =
            serde_json::from_slice(bytes).map_err(|error| failed(error.to_string()))?;
        if coverage.version != Coverage::VERSION {
            return Err(failed(format!("it has version {}", coverage.version)));
        }
        let ascending = |lines: &[usize]| lines.is_sorted_by(|one, other| one < other);
        if !ascending(&coverage.statements) || !ascending(&coverage.executed) {
            return Err(failed("its lines do not ascend".into()));
        }
        let stray = coverage.executed.iter();
        match { stray }.find(|line| coverage.statements.binary_search(line).is_err()) {
            Some(line) => Err(failed(format!("line {line} is executed, and no statement"))),
            None => Ok(coverage),
        }
    }

    /// The share of statements that were executed; 1 where there are none.
    pub fn share(&self) -> f64 {
        match self.statements.len() {
            0 => 1.0,
            statements => self.executed.len() as f64 / statements as f64,
        }
    }

    /// The lines of the statements that were not executed, ascending.
    pub fn missed(&self) -> Vec<usize> {
        let missed = self.statements.iter().copied();
        missed.filter(|line| self.executed.binary_search(line).is_err()).collect()
    }
}
