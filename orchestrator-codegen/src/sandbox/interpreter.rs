//! Runs generated scripts in a Python interpreter, in a child process with a time limit.
//!
//! This is for verification on the host's side. It is no sandbox: the script has the rights of the host.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::output::{GeneratedScripts, WriteError};
use crate::profile::ColumnType;

/// The program that is asked for where the host names none.
pub const PYTHON: &str = "python3";

/// Long enough for a file of millions of rows, short enough to notice a script that hangs.
pub const TIME_LIMIT: Duration = Duration::from_secs(120);

/// How often a running child is looked at.
const POLL: Duration = Duration::from_millis(2);

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

/// A Python interpreter.
#[derive(Debug, Clone)]
pub struct Interpreter {
    program: String,
    limit: Duration,
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
        let interpreter = Interpreter { program: program.to_owned(), limit: TIME_LIMIT };
        let folder = Scratch::new()?;
        let probe = "import sys; sys.exit(sys.version_info < (3, 8))";
        match interpreter.run([OsStr::new("-c"), OsStr::new(probe)], &folder.0, "a probe") {
            Ok(_) => Ok(interpreter),
            Err(error @ (InterpreterError::Failed { .. } | InterpreterError::TimedOut { .. })) => {
                Err(InterpreterError::Unfit { program: program.to_owned(), probe: error.into() })
            }
            Err(error) => Err(error),
        }
    }

    /// The same interpreter with another time limit for each script.
    #[must_use]
    pub fn with_time_limit(self, limit: Duration) -> Interpreter {
        Interpreter { limit, ..self }
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
        let folder = Scratch::new()?;
        folder.write("layer_0.py", first)?;
        for file in ["layer_0.py", "layer_1.py"] {
            self.run([OsStr::new(file)], &folder.0, file)?;
        }
        Ok(folder.read("layer_1.py")? == second.as_bytes()
            && folder.read("layer_2.py")? == third.as_bytes())
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
        let folder = Scratch::new()?;
        folder.write(file, source)?;
        let input = absolute(input.as_ref())?;
        let out = absolute(out.as_ref())?;
        let arguments = [
            OsStr::new(file),
            OsStr::new("--out"),
            out.as_os_str(),
            OsStr::new("--"),
            input.as_os_str(),
        ];
        self.run(arguments, &folder.0, file)?;
        let path = out.join("quality_report.json");
        let bytes = fs::read(&path).map_err(io_error(&path))?;
        serde_json::from_slice(&bytes).map_err(|error| InterpreterError::Report {
            path: path.display().to_string(),
            reason: error.to_string(),
        })
    }

    /// Runs the interpreter with these arguments in `folder`, and gives back what it wrote to stdout.
    fn run<'a>(
        &self,
        arguments: impl IntoIterator<Item = &'a OsStr>,
        folder: &Path,
        script: &str,
    ) -> Result<Vec<u8>, InterpreterError> {
        // Into files, not pipes: a pipe that nobody reads while waiting would block the script.
        let output = Scratch::new()?;
        let (stdout, stderr) = (output.0.join("stdout"), output.0.join("stderr"));
        let mut child = Command::new(&self.program)
            // Isolated: neither the user's environment nor the folder takes part in imports.
            .arg("-I")
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(File::create(&stdout).map_err(io_error(&stdout))?)
            .stderr(File::create(&stderr).map_err(io_error(&stderr))?)
            .spawn()
            .map_err(|source| InterpreterError::NotFound {
                program: self.program.clone(),
                source,
            })?;
        let status = self.wait(&mut child, script)?;
        if status.success() {
            return fs::read(&stdout).map_err(io_error(&stdout));
        }
        let said = fs::read(&stderr).map_err(io_error(&stderr))?;
        Err(InterpreterError::Failed {
            script: script.to_owned(),
            code: status.code(),
            stderr: String::from_utf8_lossy(&said).trim().chars().take(STDERR_CHARS_MAX).collect(),
        })
    }

    /// Counts looks at the child instead of reading a clock; under load the limit is a little longer.
    fn wait(&self, child: &mut Child, script: &str) -> Result<ExitStatus, InterpreterError> {
        let looks_max = self.limit.as_millis() / POLL.as_millis();
        let path = PathBuf::from(&self.program);
        for _ in 0..=looks_max {
            if let Some(status) = child.try_wait().map_err(io_error(&path))? {
                return Ok(status);
            }
            std::thread::sleep(POLL);
        }
        child.kill().map_err(io_error(&path))?;
        child.wait().map_err(io_error(&path))?;
        Err(InterpreterError::TimedOut { script: script.to_owned(), limit: self.limit })
    }
}

fn absolute(path: &Path) -> Result<PathBuf, InterpreterError> {
    std::path::absolute(path).map_err(io_error(path))
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> InterpreterError {
    let path = path.display().to_string();
    move |source| InterpreterError::Io { path, source }
}

/// A folder of its own that goes when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch, InterpreterError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("orchestrator-codegen-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Scratch(path)),
                // Left over from a process of the same number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io_error(&path)(error)),
            }
        }
    }

    fn write(&self, name: &str, text: &str) -> Result<(), InterpreterError> {
        let path = self.0.join(name);
        fs::write(&path, text).map_err(io_error(&path))
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, InterpreterError> {
        let path = self.0.join(name);
        fs::read(&path).map_err(io_error(&path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Temporary folders are swept by the system; a failure here harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}
