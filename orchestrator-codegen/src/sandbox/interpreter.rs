//! Runs generated scripts in a Python interpreter, in a sandbox with a time limit.
//!
//! This is for verification on the host's side: the script may read and write what the host may.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::output::{GeneratedScripts, WriteError};
use crate::profile::ColumnType;

use super::limits::{Exceeded, Limits};
use super::run::{Ending, Environment, Job, Sandbox, SandboxError};
use super::scratch::Scratch;

/// The program that is asked for where the host names none.
pub const PYTHON: &str = "python3";

/// Long enough for a file of millions of rows, short enough to notice a script that hangs.
pub const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Fails where the version does not do, and says where the interpreter itself is.
const PROBE: &str = "import sys; print(sys.executable); sys.exit(sys.version_info < (3, 8))";

/// As much of a script's stderr is repeated in an error.
const STDERR_CHARS_MAX: usize = 2000;

/// Why a script did not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InterpreterError {
    /// Install Python 3.8 or newer, or name the program.
    #[error("{program} does not run ({source}); install Python 3.8 or newer, or name the program")]
    NotFound {
        /// The program.
        program: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// Install Python 3.8 or newer, or name another program.
    #[error("{program} is no Python 3.8 or newer ({probe}); install one, or name another program")]
    Unfit {
        /// The program.
        program: String,
        /// How it failed to run a line of Python.
        probe: Box<InterpreterError>,
    },
    /// The layer is not among the scripts: generation was partial.
    #[error("there is no {file} among the scripts")]
    NoScript {
        /// The layer that is missing.
        file: String,
    },
    /// The script failed; `stderr` says why.
    #[error(
        "{script} {}: {}",
        code.map_or("was ended by a signal".to_owned(), |code| format!("ended with exit code {code}")),
        if stderr.is_empty() { "it said nothing" } else { stderr }
    )]
    Failed {
        /// The script.
        script: String,
        /// Its exit code; none if a signal ended it.
        code: Option<i32>,
        /// What it wrote to stderr.
        stderr: String,
    },
    /// The script was ended; give it more time, or less to do.
    #[error("{script} ran for more than {limit:?} and was ended")]
    TimedOut {
        /// The script.
        script: String,
        /// The limit.
        limit: Duration,
    },
    /// The script was ended; give it more of what it used up.
    #[error("{script} exceeded the limit {limit:?} and was ended")]
    Exceeded {
        /// The script.
        script: String,
        /// The limit, a field of [`Limits`].
        limit: &'static str,
    },
    /// The report is not what the script writes.
    #[error("{path} is no quality report: {reason}")]
    Report {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The scripts could not be put where they run.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The operating system refuses.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: String,
        /// What the operating system said.
        source: io::Error,
    },
}

/// What `layer_2.py` says of the data it cleaned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualityReport {
    /// Data rows of the input.
    pub rows_in: u64,
    /// Rows of `cleaned.csv`.
    pub rows_out: u64,
    /// Empty and duplicate rows.
    pub rows_dropped: u64,
    /// Rows of `quarantine.csv`.
    pub rows_quarantined: u64,
    /// Lines that are no rows.
    pub blank_lines: u64,
    /// Exact duplicates among the dropped rows.
    pub duplicates: u64,
    /// The delimiter; empty for one column.
    pub delimiter: String,
    /// Whether the first record held names.
    pub header: bool,
    /// The optional blocks of the script.
    pub blocks: Vec<String>,
    /// The columns.
    pub columns: Vec<ReportedColumn>,
}

impl QualityReport {
    /// Whether no row is lost and none invented.
    pub fn conserves_rows(&self) -> bool {
        self.rows_in == self.rows_out + self.rows_dropped + self.rows_quarantined
    }
}

/// What the quality report says of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportedColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// Missing cells that are left.
    pub nulls: u64,
    /// Missing cells that were filled.
    pub imputed: u64,
    /// Outliers that were moved.
    pub clipped: u64,
}

/// A Python interpreter, which runs scripts in a [`Sandbox`].
///
/// Unless [`Interpreter::with_limits`] says otherwise, time is the only limit: the scripts are the host's own, and the file that they
/// clean may be as large as it likes.
#[derive(Debug, Clone)]
pub struct Interpreter {
    /// The program itself: what is called `python3` is often a script that needs the user's environment to find it.
    program: PathBuf,
    sandbox: Sandbox,
}

impl Interpreter {
    /// The interpreter that is called [`PYTHON`] on this machine.
    ///
    /// # Errors
    /// When there is none.
    pub fn find() -> Result<Interpreter, InterpreterError> {
        Interpreter::named(PYTHON)
    }

    /// The interpreter of this name or path.
    ///
    /// # Errors
    /// When it does not run, or is older than Python 3.8.
    pub fn named(program: &str) -> Result<Interpreter, InterpreterError> {
        let sandbox = Sandbox::new(Limits::of_time(TIME_LIMIT));
        let (folder, named) = (scratch()?, Path::new(program));
        let (code, environment) = (PROBE, Environment::Inherited);
        let stdout = match run(&sandbox, named, ["-c", code], folder.path(), environment, "a probe")
        {
            Ok(stdout) => stdout,
            Err(error @ (InterpreterError::Failed { .. } | InterpreterError::TimedOut { .. })) => {
                return Err(InterpreterError::Unfit {
                    program: program.to_owned(),
                    probe: error.into(),
                });
            }
            Err(error) => return Err(error),
        };
        let itself = String::from_utf8_lossy(&stdout).trim_end().to_owned();
        // An interpreter that is part of another program does not know its own path.
        let itself = Some(PathBuf::from(itself)).filter(|path| path.is_absolute());
        Ok(Interpreter { program: itself.unwrap_or_else(|| named.to_owned()), sandbox })
    }

    /// The same interpreter with another time limit for each script.
    #[must_use]
    pub fn with_time_limit(self, limit: Duration) -> Interpreter {
        let limits = Limits { time: limit, ..*self.sandbox.limits() };
        self.with_limits(limits)
    }

    /// The same interpreter with other limits for each script.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Interpreter {
        Interpreter { sandbox: self.sandbox.with_limits(limits), ..self }
    }

    /// The path of the interpreter, for a [`Job`].
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Whether `layer_0.py`, run in an empty folder, writes the very `layer_1.py` of these scripts, and that the very
    /// `layer_2.py`.
    ///
    /// # Errors
    /// When a layer is missing, or does not run.
    pub fn reproduces_chain(&self, scripts: &GeneratedScripts) -> Result<bool, InterpreterError> {
        let source = |file: &str| {
            let source = scripts.source(file);
            source.ok_or_else(|| InterpreterError::NoScript { file: file.to_owned() })
        };
        let (first, second, third) =
            (source("layer_0.py")?, source("layer_1.py")?, source("layer_2.py")?);
        let folder = scratch()?;
        write(&folder, "layer_0.py", first)?;
        for file in ["layer_0.py", "layer_1.py"] {
            self.run([OsStr::new(file)], folder.path(), file)?;
        }
        Ok(read(&folder, "layer_1.py")? == second.as_bytes()
            && read(&folder, "layer_2.py")? == third.as_bytes())
    }

    /// Cleans a file with `layer_2.py` and reads the report that it leaves in `out`.
    ///
    /// # Errors
    /// When the layer is missing, fails (with its stderr), or takes too long.
    pub fn run_etl(
        &self,
        scripts: &GeneratedScripts,
        input: impl AsRef<Path>,
        out: impl AsRef<Path>,
    ) -> Result<QualityReport, InterpreterError> {
        let file = "layer_2.py";
        let source = scripts.source(file);
        let source = source.ok_or_else(|| InterpreterError::NoScript { file: file.to_owned() })?;
        let folder = scratch()?;
        write(&folder, file, source)?;
        let input = absolute(input.as_ref())?;
        let out = absolute(out.as_ref())?;
        let arguments = [
            OsStr::new(file),
            OsStr::new("--out"),
            out.as_os_str(),
            OsStr::new("--"),
            input.as_os_str(),
        ];
        self.run(arguments, folder.path(), file)?;
        let path = out.join("quality_report.json");
        let bytes = fs::read(&path).map_err(io_error(&path))?;
        serde_json::from_slice(&bytes).map_err(|error| InterpreterError::Report {
            path: path.display().to_string(),
            reason: error.to_string(),
        })
    }

    fn run<'a>(
        &self,
        arguments: impl IntoIterator<Item = &'a OsStr>,
        folder: &Path,
        script: &str,
    ) -> Result<Vec<u8>, InterpreterError> {
        run(&self.sandbox, &self.program, arguments, folder, Environment::Empty, script)
    }
}

/// Runs an interpreter with these arguments in `folder`, and gives back what it wrote to stdout.
fn run(
    sandbox: &Sandbox,
    program: &Path,
    arguments: impl IntoIterator<Item = impl Into<OsString>>,
    folder: &Path,
    environment: Environment,
    script: &str,
) -> Result<Vec<u8>, InterpreterError> {
    // Isolated: neither the user's environment nor the folder takes part in imports.
    let job = Job::new(program).with_arguments(["-I"]).with_arguments(arguments);
    let outcome = sandbox.run_in(&job, folder, environment).map_err(|error| match error {
        SandboxError::Io(source) => {
            InterpreterError::Io { path: program.display().to_string(), source }
        }
        error => InterpreterError::NotFound {
            program: program.display().to_string(),
            source: io::Error::new(io::ErrorKind::NotFound, error.to_string()),
        },
    })?;
    let code = match outcome.ending {
        Ending::Exited(0) => return Ok(outcome.stdout),
        Ending::Exited(code) => Some(code),
        Ending::Signalled(_) => None,
        Ending::Exceeded(Exceeded::Time) => {
            let limit = sandbox.limits().time;
            return Err(InterpreterError::TimedOut { script: script.to_owned(), limit });
        }
        Ending::Exceeded(exceeded) => {
            let limit = exceeded.name();
            return Err(InterpreterError::Exceeded { script: script.to_owned(), limit });
        }
    };
    let stderr = String::from_utf8_lossy(&outcome.stderr);
    Err(InterpreterError::Failed {
        script: script.to_owned(),
        code,
        stderr: stderr.trim().chars().take(STDERR_CHARS_MAX).collect(),
    })
}

fn read(folder: &Scratch, name: &str) -> Result<Vec<u8>, InterpreterError> {
    let path = folder.path().join(name);
    fs::read(&path).map_err(io_error(&path))
}

fn write(folder: &Scratch, name: &str, text: &str) -> Result<(), InterpreterError> {
    folder.write(name, text).map_err(io_error(&folder.path().join(name)))
}

fn scratch() -> Result<Scratch, InterpreterError> {
    Scratch::new().map_err(io_error(&std::env::temp_dir()))
}

fn absolute(path: &Path) -> Result<PathBuf, InterpreterError> {
    std::path::absolute(path).map_err(io_error(path))
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> InterpreterError {
    let path = path.display().to_string();
    move |source| InterpreterError::Io { path, source }
}
