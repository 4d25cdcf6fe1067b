//! What this system can cut off, found out once, and the command that does it.

use std::ffi::OsStr;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::limits::Limits;

/// What was really held back from a program. Each system offers other means; the field is false where there were none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Isolation {
    /// There was no network, not even this machine by itself (a network namespace of Linux).
    pub network_cut: bool,
    /// No child can outlive the program, whatever it does (a process namespace of Linux). Otherwise children are found by their
    /// group and, where there is `/proc`, by their parents and their environment: one that leaves all three at once escapes.
    pub children_bound: bool,
    /// [`Limits::memory_bytes`] was set.
    pub memory_limited: bool,
    /// [`Limits::processes`] is kept by the kernel. Otherwise, and always for the user `root`, processes are counted every few
    /// milliseconds where there is `/proc`, and the program is ended when there are too many.
    pub processes_limited: bool,
}

/// Whether namespaces of Linux are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Namespaces {
    /// Where the system has them.
    #[default]
    WhereOffered,
    /// Never. The program has the network, and its children are found by looking.
    Never,
}

/// A user's own names for the processes and without a network; all ends with the first process.
const UNSHARE: [&str; 5] = ["--map-root-user", "--net", "--pid", "--fork", "--kill-child=SIGKILL"];

/// Limits that every POSIX shell is asked for, in its words. The first number that a shell takes for processes is used.
const PROBE: &str = "\
(ulimit -v 4194304) 2>/dev/null && echo memory
if (ulimit -u 64 && : | :) 2>/dev/null || (ulimit -p 64 && : | :) 2>/dev/null; then echo processes; fi
echo ready";

/// What the system offers with and without namespaces.
static OFFERED: LazyLock<[Option<Isolation>; 2]> = LazyLock::new(|| {
    let probe = |namespaces: bool| {
        let mut command = wrapped(namespaces);
        command.arg(PROBE).stdin(Stdio::null()).stderr(Stdio::null()).env_clear();
        let said = command.env("PATH", super::run::PATH).output().ok()?;
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let has = |word: &str| said.lines().any(|line| line == word);
        has("ready").then(|| Isolation {
            network_cut: namespaces,
            children_bound: namespaces,
            memory_limited: has("memory"),
            // Without a namespace the kernel would count all processes of the user.
            processes_limited: namespaces && has("processes") && !is_root(),
        })
    };
    let linux = cfg!(target_os = "linux");
    [if linux { probe(true) } else { None }, if cfg!(unix) { probe(false) } else { None }]
});

impl Isolation {
    /// What this system offers. The first call starts a process or two; later calls know.
    pub(super) fn offered(namespaces: Namespaces) -> Isolation {
        let [with, without] = *OFFERED;
        match namespaces {
            Namespaces::WhereOffered => with.or(without).unwrap_or_default(),
            Namespaces::Never => without.unwrap_or_default(),
        }
    }

    /// How many processes the wrapping takes.
    pub(super) fn wrappers(self) -> usize {
        // A shell and its watch, and `unshare`.
        if self.children_bound { 3 } else { 2 }
    }

    /// The command that runs a program within limits. Its stdin must be a pipe that this process holds open: when it closes,
    /// because this process is gone, the program is ended.
    pub(super) fn command(self, limits: &Limits, program: &OsStr) -> Command {
        if cfg!(not(unix)) {
            return Command::new(program);
        }
        let mut command = wrapped(self.children_bound);
        command.arg(script(self, limits)).arg("sh").arg(program);
        command
    }
}

fn wrapped(namespaces: bool) -> Command {
    if !namespaces {
        let mut command = Command::new("/bin/sh");
        command.arg("-c");
        return command;
    }
    let mut command = Command::new("unshare");
    command.args(UNSHARE).args(["--", "/bin/sh", "-c"]);
    command
}

/// What the shell does: set the limits that it can, start the program, watch stdin, wait.
fn script(isolation: Isolation, limits: &Limits) -> String {
    let mut wanted = vec![("-c", 0)];
    let mut want = |option, limit: u64, unit: u64| {
        if limit < u64::MAX {
            wanted.push((option, limit.div_ceil(unit)));
        }
    };
    want("-t", limits.time.as_secs().saturating_add(1), 1);
    want("-v", limits.memory_bytes, 1024);
    want("-f", limits.file_bytes, 512);
    want("-n", bounded(limits.open_files), 1);
    if isolation.processes_limited && limits.processes < usize::MAX {
        // A shell may know one of the two.
        let processes = (limits.processes.saturating_add(isolation.wrappers())) as u64;
        want("-u", processes, 1);
        want("-p", processes, 1);
    }
    // In a subshell first: a shell that cannot do it might end there.
    let limits: String = wanted
        .iter()
        .map(|(option, value)| format!("(ulimit {option} {value}) && ulimit {option} {value}\n"))
        .collect();
    format!(
        "exec 3<&0 </dev/null 4>&2 2>/dev/null\n\
         {limits}\
         \"$@\" 2>&4 3<&- 4>&- &\n\
         child=$!\n\
         {{ read -r _ <&3; kill -KILL \"$child\"; }} >/dev/null 4>&- &\n\
         watch=$!\n\
         exec 3<&-\n\
         wait \"$child\"\n\
         code=$?\n\
         kill -KILL \"$watch\"\n\
         exit \"$code\"\n"
    )
}

fn bounded(count: usize) -> u64 {
    if count == usize::MAX { u64::MAX } else { count as u64 }
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}
