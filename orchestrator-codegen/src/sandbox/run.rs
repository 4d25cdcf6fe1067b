//! One run of a program: prepare its folder, start it, watch its limits, end its children, read what it left.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::isolation::{Isolation, Namespaces};
use super::limits::{Exceeded, Limits};
use super::processes::Family;
use super::scratch::{Scratch, at, private_folder, read_bounded, size_of};

/// The `PATH` of programs in the sandbox.
pub(super) const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// The first pause between two looks at a running program; each one is a half longer than the one before.
const PAUSE_MIN: Duration = Duration::from_millis(1);
/// The longest one.
const PAUSE_MAX: Duration = Duration::from_millis(8);
/// Folders and processes take longer to look at.
const WIDE_LOOK: Duration = Duration::from_millis(25);

/// The signals of a process that wrote too large a file, or computed too long: the same numbers on Linux and macOS.
const SIGXCPU: i32 = 24;
const SIGXFSZ: i32 = 25;

/// A program to be run: what it is called with, which files lie before it, and which ones are wanted back.
///
/// ```
/// use orchestrator_codegen::{Ending, Job, Limits, Sandbox};
/// # if cfg!(unix) {
/// let job = Job::new("sh")
///     .with_arguments(["-c", "sort names.txt > sorted.txt; echo done"])
///     .with_file("names.txt", "Eve\nAda\n")
///     .keep("sorted.txt");
/// let outcome = Sandbox::new(Limits::default()).run(&job)?;
/// assert_eq!(outcome.ending, Ending::Exited(0));
/// assert_eq!(outcome.stdout, b"done\n");
/// assert_eq!(outcome.files["sorted.txt"], b"Ada\nEve\n");
/// # }
/// # Ok::<(), orchestrator_codegen::SandboxError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// A path, or a name that is looked for in `PATH`.
    pub program: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// What lies in the folder at the start: bytes by relative path.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The relative paths of files that are read back, where the program left them.
    pub keep: Vec<String>,
}

impl Job {
    /// A program without arguments and files.
    pub fn new(program: impl Into<OsString>) -> Job {
        Job {
            program: program.into(),
            arguments: Vec::new(),
            files: BTreeMap::new(),
            keep: Vec::new(),
        }
    }

    /// The same with more arguments.
    #[must_use]
    pub fn with_arguments(
        mut self,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Job {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// The same with one more file.
    #[must_use]
    pub fn with_file(mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Job {
        self.files.insert(path.into(), bytes.into());
        self
    }

    /// The same with one more file wanted back.
    #[must_use]
    pub fn keep(mut self, path: impl Into<String>) -> Job {
        self.keep.push(path.into());
        self
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// With this exit code.
    Exited(i32),
    /// By this signal. As in a shell: an exit code of 128 + n stands for signal n, so that a program that exits with 137 by
    /// itself is taken for one that was killed.
    Signalled(i32),
    /// It was ended, because it used up more than it may.
    Exceeded(Exceeded),
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// The first bytes of stdout, at most [`Limits::output_bytes`].
    pub stdout: Vec<u8>,
    /// The same of stderr.
    pub stderr: Vec<u8>,
    /// The files that were wanted back and are there, whole. What is longer than [`Limits::file_bytes`], or is no ordinary file,
    /// is not among them.
    pub files: BTreeMap<String, Vec<u8>>,
    /// From start to end; differs from run to run.
    pub run_time: Duration,
    /// What was held back from it.
    pub isolation: Isolation,
}

/// Why a program was not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// Install the program, or name it by its path.
    #[error("there is no program {program:?} in the path; install it, or name it by its path")]
    NoProgram {
        /// The program.
        program: String,
    },
    /// Name files inside of the folder.
    #[error("{path:?} leads out of the folder of the program; name a relative path without \"..\"")]
    Outside {
        /// The path.
        path: String,
    },
    /// The operating system refuses; it says which file is concerned.
    #[error("the program cannot be run: {0}")]
    Io(#[from] io::Error),
}

/// Runs programs in a temporary folder within [`Limits`]. A fence against accidents,
/// not against attacks: the section "The sandbox" of the README says what it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sandbox {
    limits: Limits,
    namespaces: Namespaces,
}

/// Whose environment a program gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Environment {
    /// `PATH` and `TMPDIR`, and nothing else.
    Empty,
    /// That of this process.
    Inherited,
}

impl Sandbox {
    /// A sandbox with these limits, and all isolation that the system offers.
    pub fn new(limits: Limits) -> Sandbox {
        Sandbox { limits, namespaces: Namespaces::WhereOffered }
    }

    /// The same sandbox with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Sandbox {
        Sandbox { limits, ..self }
    }

    /// The same sandbox with or without namespaces.
    #[must_use]
    pub fn with_namespaces(self, namespaces: Namespaces) -> Sandbox {
        Sandbox { namespaces, ..self }
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What is held back from programs on this system.
    pub fn isolation(&self) -> Isolation {
        Isolation::offered(self.namespaces)
    }

    /// Runs a program in a folder of its own, which is gone afterwards. Its stdin is empty, and its environment holds `PATH` and
    /// `TMPDIR` only.
    ///
    /// # Errors
    /// When it does not start. How it ends is no error.
    pub fn run(&self, job: &Job) -> Result<Outcome, SandboxError> {
        let folder = Scratch::new()?;
        for (path, bytes) in &job.files {
            folder.write(inside(path)?, bytes)?;
        }
        let mut outcome = self.run_in(job, folder.path(), Environment::Empty)?;
        for path in &job.keep {
            let found = read_bounded(&folder.path().join(inside(path)?), self.limits.file_bytes)?;
            if let Some((bytes, false)) = found {
                outcome.files.insert(path.clone(), bytes);
            }
        }
        Ok(outcome)
    }

    /// Runs a program in a folder that is there; neither writes the job's files nor reads any back.
    pub(super) fn run_in(
        &self,
        job: &Job,
        folder: &Path,
        environment: Environment,
    ) -> Result<Outcome, SandboxError> {
        let program = find(&job.program, environment)?;
        let isolation = self.isolation();
        // Into files, not pipes: a pipe that nobody reads would block the program, and one that a child keeps open would block us.
        let output = Scratch::new()?;
        let (stdout, stderr) = (output.path().join("stdout"), output.path().join("stderr"));
        let temporary = output.path().join("tmp");
        private_folder(&temporary).map_err(at(&temporary))?;
        let mut command = isolation.command(&self.limits, program.as_os_str());
        command
            .args(&job.arguments)
            .current_dir(folder)
            // The pipe stays open as long as this process is there; the program itself reads nothing from it.
            .stdin(if cfg!(unix) { Stdio::piped() } else { Stdio::null() })
            .stdout(File::create(&stdout).map_err(at(&stdout))?)
            .stderr(File::create(&stderr).map_err(at(&stderr))?);
        if environment == Environment::Empty {
            empty_environment(&mut command, &temporary);
        }
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let began = Instant::now();
        let mut family = Family::of(command.spawn()?, isolation);
        if environment == Environment::Empty {
            // The folder is this run's alone, and so is its name.
            let mark = [b"TMPDIR=", temporary.as_os_str().as_encoded_bytes()].concat();
            family = family.marked(mark);
        }
        let watched = Watched { folder, temporary: &temporary, stdout: &stdout, stderr: &stderr };
        let exceeded = self.watch(&mut family, &watched, began, isolation);
        let run_time = began.elapsed();
        let status = family.end()?;
        let exceeded = exceeded?.or_else(|| self.output_exceeded(&watched));
        let read = |path: &Path| -> Result<Vec<u8>, SandboxError> {
            let found = read_bounded(path, self.limits.output_bytes)?;
            Ok(found.map_or_else(Vec::new, |(bytes, _)| bytes))
        };
        Ok(Outcome {
            ending: exceeded.map_or_else(|| ending(status), Ending::Exceeded),
            stdout: read(&stdout)?,
            stderr: read(&stderr)?,
            files: BTreeMap::new(),
            run_time,
            isolation,
        })
    }

    /// Looks at the program until it ends, or exceeds a limit.
    fn watch(
        &self,
        family: &mut Family,
        watched: &Watched<'_>,
        began: Instant,
        isolation: Isolation,
    ) -> io::Result<Option<Exceeded>> {
        let mut pause = PAUSE_MIN;
        let mut looked = began;
        while !family.has_ended()? {
            if began.elapsed() >= self.limits.time {
                return Ok(Some(Exceeded::Time));
            }
            if let Some(exceeded) = self.output_exceeded(watched) {
                return Ok(Some(exceeded));
            }
            if looked.elapsed() >= WIDE_LOOK {
                looked = Instant::now();
                if let Some(exceeded) = self.wide_look(family, watched, isolation) {
                    return Ok(Some(exceeded));
                }
            }
            let left = self.limits.time.saturating_sub(began.elapsed());
            std::thread::sleep(pause.min(left));
            pause = (pause * 3 / 2).min(PAUSE_MAX);
        }
        Ok(None)
    }

    fn output_exceeded(&self, watched: &Watched<'_>) -> Option<Exceeded> {
        let above = |path: &Path| {
            fs::symlink_metadata(path).is_ok_and(|found| found.len() > self.limits.output_bytes)
        };
        (above(watched.stdout) || above(watched.stderr)).then_some(Exceeded::Output)
    }

    fn wide_look(
        &self,
        family: &mut Family,
        watched: &Watched<'_>,
        isolation: Isolation,
    ) -> Option<Exceeded> {
        let limits = &self.limits;
        // Also without a limit: who was seen once is found again.
        let processes = family.count().saturating_sub(isolation.wrappers());
        if processes > limits.processes {
            return Some(Exceeded::Processes);
        }
        if limits.watches_folder() {
            let (bytes, files) = size_of(watched.folder, limits.files);
            let (more, others) = size_of(watched.temporary, limits.files);
            if bytes.saturating_add(more) > limits.disk_bytes {
                return Some(Exceeded::Disk);
            }
            if files.saturating_add(others) > limits.files {
                return Some(Exceeded::Files);
            }
        }
        None
    }
}

/// Where a program writes.
struct Watched<'a> {
    folder: &'a Path,
    temporary: &'a Path,
    stdout: &'a Path,
    stderr: &'a Path,
}

fn empty_environment(command: &mut Command, temporary: &Path) {
    command.env_clear();
    if cfg!(unix) {
        command.env("PATH", PATH).env("TMPDIR", temporary);
    } else {
        // Without it no program starts on Windows.
        for name in ["SystemRoot", "PATH"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.env("TEMP", temporary).env("TMP", temporary);
    }
}

fn ending(status: ExitStatus) -> Ending {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    let code = status.code();
    match signal
        .or_else(|| code.map(|code| code - 128).filter(|n| cfg!(unix) && (1..=64).contains(n)))
    {
        Some(SIGXCPU) => Ending::Exceeded(Exceeded::Time),
        Some(SIGXFSZ) => Ending::Exceeded(Exceeded::File),
        Some(signal) => Ending::Signalled(signal),
        None => Ending::Exited(code.unwrap_or(-1)),
    }
}

/// The path of a program: itself if it has a folder, else found where its environment looks first.
fn find(program: &OsStr, environment: Environment) -> Result<PathBuf, SandboxError> {
    let path = Path::new(program);
    if path.components().count() > 1 || cfg!(not(unix)) {
        return Ok(if cfg!(unix) { std::path::absolute(path)? } else { path.to_owned() });
    }
    let own = std::env::var_os("PATH").unwrap_or_default();
    let (first, second) = match environment {
        Environment::Empty => (OsStr::new(PATH), own.as_os_str()),
        Environment::Inherited => (own.as_os_str(), OsStr::new(PATH)),
    };
    let folders = std::env::split_paths(first).chain(std::env::split_paths(second));
    let mut candidates = folders.filter(|folder| folder.is_absolute()).map(|f| f.join(path));
    candidates
        .find(|candidate| is_program(candidate))
        .ok_or_else(|| SandboxError::NoProgram { program: program.to_string_lossy().into_owned() })
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

fn inside(path: &str) -> Result<&str, SandboxError> {
    let mut components = Path::new(path).components();
    let normal = components.all(|component| matches!(component, Component::Normal(_)));
    if normal && !path.is_empty() {
        return Ok(path);
    }
    Err(SandboxError::Outside { path: path.to_owned() })
}
