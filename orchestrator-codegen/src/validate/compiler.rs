//! Python, by the compiler of an interpreter: slower, and never wrong about itself.

use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::sandbox::PYTHON;
use crate::validate::{Diagnostic, Severity, Validator, is_too_long};

/// A file of a megabyte is compiled in a second or two; an interpreter that takes longer hangs.
pub const COMPILE_TIME_LIMIT: Duration = Duration::from_secs(10);

/// How often the interpreter is looked at.
const POLL: Duration = Duration::from_millis(1);

/// As much of an answer is read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Compiles what it reads, runs nothing of it, and says where it failed.
const ASK: &str = r#"
import json, sys, warnings
warnings.simplefilter("ignore")
found = None
try:
    compile(sys.stdin.buffer.read().decode("utf-8-sig"), "source", "exec", dont_inherit=True)
except SyntaxError as fault:
    found = [fault.lineno or 1, max(fault.offset or 1, 1), fault.msg[:1000]]
except (ValueError, OverflowError, RecursionError, MemoryError) as fault:
    found = [1, 1, type(fault).__name__ + ": " + str(fault)[:1000]]
print(json.dumps(found))
"#;

/// Why a compiler gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompilerError {
    /// Install Python 3.8 or newer, or name the program.
    #[error("{program} does not run ({source}); install Python 3.8 or newer, or name the program")]
    NotFound {
        /// The program.
        program: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The interpreter was ended; give it more time, or part the source.
    #[error("{program} compiled for more than {limit:?} and was ended")]
    TimedOut {
        /// The program.
        program: String,
        /// The limit.
        limit: Duration,
    },
    /// The program is no Python, or the source broke it.
    #[error("{program} gave no answer ({status}); name a Python 3.8 or newer, or part the source")]
    NoAnswer {
        /// The program.
        program: String,
        /// How it ended.
        status: String,
    },
    /// The operating system refuses.
    #[error("{program}: {source}")]
    Io {
        /// The program.
        program: String,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Accepts what a Python interpreter compiles: `compile()` in a child process that is isolated (`-I`), imports no packages of the machine (`-S`),
/// and has [`COMPILE_TIME_LIMIT`]. One process a file, about 20 ms; one finding, since CPython stops at the first.
///
/// It knows the syntax of its own release only. What it finds and [`PythonValidator`](crate::PythonValidator) does not:
/// more than 20 blocks nested in each other in one function, a definition or an import of a name before it is declared `global`,
/// and whatever is new in the interpreter at hand. All other scope errors need no interpreter.
///
/// ```no_run
/// use orchestrator_codegen::{PythonCompiler, Validator};
/// let faults = PythonCompiler::default().validate("def f(a, a): pass\n");
/// assert_eq!(faults[0].message, "duplicate argument 'a' in function definition");
/// ```
#[derive(Debug, Clone)]
pub struct PythonCompiler {
    program: String,
    limit: Duration,
}

impl Default for PythonCompiler {
    fn default() -> Self {
        PythonCompiler::named(PYTHON)
    }
}

impl PythonCompiler {
    /// The interpreter of this name or path. Whether there is one shows when it is asked.
    pub fn named(program: impl Into<String>) -> PythonCompiler {
        PythonCompiler { program: program.into(), limit: COMPILE_TIME_LIMIT }
    }

    /// The same with another time limit for each source.
    #[must_use]
    pub fn with_time_limit(self, limit: Duration) -> PythonCompiler {
        PythonCompiler { limit, ..self }
    }

    /// The first fault of a source, if there is one.
    ///
    /// # Errors
    /// When the interpreter is missing, does not end, or breaks.
    pub fn compile(&self, source: &str) -> Result<Option<Diagnostic>, CompilerError> {
        if let Some(fault) = is_too_long(source) {
            return Ok(Some(fault));
        }
        let mut child = Command::new(&self.program)
            .args(["-I", "-S", "-c", ASK])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| CompilerError::NotFound { program: self.program.clone(), source })?;
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let status = std::thread::scope(|scope| {
            // A pipe takes less than a source may have; one that dies meanwhile shows in its status.
            scope.spawn(move || drop(stdin.write_all(source.as_bytes())));
            self.wait(&mut child)
        })?;
        let mut answer = String::new();
        let read = stdout.take(ANSWER_BYTES_MAX).read_to_string(&mut answer);
        read.map_err(self.io_error())?;
        let found: Option<(usize, usize, String)> =
            serde_json::from_str(&answer).map_err(|_| CompilerError::NoAnswer {
                program: self.program.clone(),
                status: status.to_string(),
            })?;
        Ok(found.map(|(line, column, message)| Diagnostic {
            line,
            column,
            message,
            severity: Severity::Error,
        }))
    }

    /// Counts looks at the child instead of reading a clock; under load the limit is a little longer.
    fn wait(&self, child: &mut Child) -> Result<ExitStatus, CompilerError> {
        for _ in 0..=self.limit.as_millis() / POLL.as_millis() {
            if let Some(status) = child.try_wait().map_err(self.io_error())? {
                return Ok(status);
            }
            std::thread::sleep(POLL);
        }
        child.kill().map_err(self.io_error())?;
        child.wait().map_err(self.io_error())?;
        Err(CompilerError::TimedOut { program: self.program.clone(), limit: self.limit })
    }

    fn io_error(&self) -> impl Fn(io::Error) -> CompilerError + use<> {
        let program = self.program.clone();
        move |source| CompilerError::Io { program: program.clone(), source }
    }
}

/// An interpreter that gives no answer is a finding too: what could not be compiled is not known to be valid.
impl Validator for PythonCompiler {
    fn validate(&self, source: &str) -> Vec<Diagnostic> {
        match self.compile(source) {
            Ok(found) => found.into_iter().collect(),
            Err(error) => vec![Diagnostic {
                line: 1,
                column: 1,
                message: error.to_string(),
                severity: Severity::Error,
            }],
        }
    }
}
