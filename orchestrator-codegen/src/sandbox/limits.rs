//! What a program in the sandbox may use up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a program in the sandbox may use up. `u64::MAX` bytes and `usize::MAX` of anything stand for no limit.
///
/// ```
/// use orchestrator_codegen::Limits;
/// use std::time::Duration;
/// let limits = Limits { time: Duration::from_secs(2), ..Limits::default() };
/// assert_eq!(limits.memory_bytes, 512 << 20);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The time from start to end, and, rounded up to seconds, the processor time of each process. Default 10 s.
    pub time: Duration,
    /// The address space of each process; an allocation beyond it fails. Default 512 MiB: an interpreter and its libraries
    /// reserve more than they use.
    pub memory_bytes: u64,
    /// What is kept of stdout, and of stderr; who writes more is ended. Default 1 MiB.
    pub output_bytes: u64,
    /// The size of one file; writing beyond it fails. Default 64 MiB.
    pub file_bytes: u64,
    /// The size of all files in the folder of the program, looked at every few milliseconds. Default 256 MiB.
    pub disk_bytes: u64,
    /// How many files and folders there may be in the folder of the program. Default 256.
    pub files: usize,
    /// How many processes there may be at a time, the program itself among them. Default 16.
    pub processes: usize,
    /// How many files a process may have open. Default 128.
    pub open_files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            time: Duration::from_secs(10),
            memory_bytes: 512 << 20,
            output_bytes: 1 << 20,
            file_bytes: 64 << 20,
            disk_bytes: 256 << 20,
            files: 256,
            processes: 16,
            open_files: 128,
        }
    }
}

impl Limits {
    /// A time limit and no other, for programs that one trusts.
    pub fn of_time(time: Duration) -> Limits {
        Limits {
            time,
            memory_bytes: u64::MAX,
            output_bytes: u64::MAX,
            file_bytes: u64::MAX,
            disk_bytes: u64::MAX,
            files: usize::MAX,
            processes: usize::MAX,
            open_files: usize::MAX,
        }
    }

    /// Whether looking at the folder of the program can find too much in it.
    pub(super) fn watches_folder(&self) -> bool {
        self.disk_bytes < u64::MAX || self.files < usize::MAX
    }
}

/// The limit that a program was ended for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Exceeded {
    /// [`Limits::time`].
    Time,
    /// [`Limits::output_bytes`].
    Output,
    /// [`Limits::file_bytes`], by a program that does not handle the refusal.
    File,
    /// [`Limits::disk_bytes`].
    Disk,
    /// [`Limits::files`].
    Files,
    /// [`Limits::processes`].
    Processes,
}

impl Exceeded {
    /// The name of the limit.
    pub fn name(self) -> &'static str {
        match self {
            Exceeded::Time => "time",
            Exceeded::Output => "output_bytes",
            Exceeded::File => "file_bytes",
            Exceeded::Disk => "disk_bytes",
            Exceeded::Files => "files",
            Exceeded::Processes => "processes",
        }
    }
}
