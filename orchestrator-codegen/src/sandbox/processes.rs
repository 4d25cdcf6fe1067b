//! The processes that a program started: found, counted, killed.

use std::process::{Child, ExitStatus};
use std::time::Duration;

#[cfg(unix)]
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

use super::isolation::Isolation;

/// Killing is repeated so often until no process is left: one may be about to start another.
const KILLS_MAX: usize = 400;
/// The pause between two of them.
const KILL_PAUSE: Duration = Duration::from_millis(2);

/// A process, so that another one that gets its number later is not taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Process {
    id: u32,
    /// Ticks since the machine started.
    started: u64,
}

/// A child in a group of its own, and all that descends from it.
pub(super) struct Family {
    child: Child,
    /// Whether nothing can outlive the child.
    bound: bool,
    /// Every descendant that was ever seen and may still be there.
    seen: Vec<Process>,
    /// What stands in the environment of the child and of no other program's; none if its environment is not our own.
    mark: Option<Vec<u8>>,
}

impl Family {
    /// `child` must lead a group of its own.
    pub(super) fn of(child: Child, isolation: Isolation) -> Family {
        Family { child, bound: isolation.children_bound, seen: Vec::new(), mark: None }
    }

    /// The same of a child with this entry `NAME=value` in its environment, by which a descendant is known that left both its group
    /// and its parents: what a daemon does.
    pub(super) fn marked(self, mark: Vec<u8>) -> Family {
        Family { mark: Some(mark), ..self }
    }

    /// Whether the child has ended. Its number, and with it its group, stays taken until [`Family::end`].
    pub(super) fn has_ended(&mut self) -> std::io::Result<bool> {
        #[cfg(unix)]
        {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
            Ok(rustix::process::waitid(WaitId::Pid(Pid::from_child(&self.child)), options)?
                .is_some())
        }
        #[cfg(not(unix))]
        Ok(self.child.try_wait()?.is_some())
    }

    /// How many processes there are, the child among them; 1 where the system does not tell.
    pub(super) fn count(&mut self) -> usize {
        self.look();
        self.seen.len().max(1)
    }

    /// Kills everything that is left, at once and without a warning that could be ignored, and says how the child ended.
    pub(super) fn end(mut self) -> std::io::Result<ExitStatus> {
        if self.bound && self.has_ended()? {
            return self.child.wait();
        }
        for _ in 0..KILLS_MAX {
            self.look();
            self.look_for_the_mark();
            let own = self.child.id();
            let others = self.seen.iter().filter(|process| process.id != own).count();
            if others == 0 && self.has_ended()? {
                break;
            }
            self.kill();
            std::thread::sleep(KILL_PAUSE);
        }
        // Whoever joined the group between the last look and now.
        self.kill();
        self.child.wait()
    }

    #[cfg(unix)]
    fn kill(&mut self) {
        // A process that is gone already is what was wanted: no error is one.
        let _ = rustix::process::kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        for process in &self.seen {
            let id = i32::try_from(process.id).ok().and_then(Pid::from_raw);
            if let Some(id) = id {
                let _ = rustix::process::kill_process(id, Signal::KILL);
            }
        }
    }

    #[cfg(not(unix))]
    fn kill(&mut self) {
        let _ = self.child.kill();
    }

    /// Finds the descendants that live: whoever is of the group, or descends from one that was ever seen.
    #[cfg(target_os = "linux")]
    fn look(&mut self) {
        let own = self.child.id();
        let mut others = linux::living();
        let seen = std::mem::take(&mut self.seen);
        let known = |found: &linux::Found| found.process.id == own || found.group == own;
        let before = |found: &linux::Found| seen.contains(&found.process);
        others.retain(|found| {
            let member = known(found) || before(found);
            if member {
                self.seen.push(found.process);
            }
            !member
        });
        loop {
            let members = self.seen.len();
            others.retain(|found| {
                let member = self.seen.iter().any(|parent| parent.id == found.parent);
                if member {
                    self.seen.push(found.process);
                }
                !member
            });
            if self.seen.len() == members {
                return;
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn look(&mut self) {}

    /// Finds descendants by their environment. Takes longer than [`Family::look`], and is for the end.
    #[cfg(target_os = "linux")]
    fn look_for_the_mark(&mut self) {
        let Some(mark) = &self.mark else { return };
        for linux::Found { process, .. } in linux::living() {
            if !self.seen.contains(&process) && linux::has_in_environment(process.id, mark) {
                self.seen.push(process);
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn look_for_the_mark(&mut self) {
        let _nowhere_to_look = &self.mark;
    }
}

#[cfg(target_os = "linux")]
mod linux {
    //! `/proc`, as proc(5) describes it.

    use super::Process;

    pub(super) struct Found {
        pub(super) process: Process,
        pub(super) parent: u32,
        pub(super) group: u32,
    }

    /// All processes that have not ended.
    pub(super) fn living() -> Vec<Found> {
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.filter_map(|id| {
            // One that ended meanwhile has no file.
            let stat = std::fs::read(format!("/proc/{id}/stat")).ok()?;
            parse(id, &String::from_utf8_lossy(&stat))
        })
        .collect()
    }

    /// Whether this was in the environment that the process started with; that of other users' processes cannot be read.
    pub(super) fn has_in_environment(id: u32, mark: &[u8]) -> bool {
        let environment = std::fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|entry| entry == mark)
    }

    /// One line of `/proc/ID/stat`; `None` for a process that only waits to be noticed.
    pub(super) fn parse(id: u32, stat: &str) -> Option<Found> {
        // The name stands in parentheses and may hold anything.
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        let [state, parent, group, ..] = fields[..] else { return None };
        if matches!(state, "Z" | "X" | "x") {
            return None;
        }
        // The 22nd field of all; the state is the third.
        let started = fields.get(19)?.parse().ok()?;
        let process = Process { id, started };
        Some(Found { process, parent: parent.parse().ok()?, group: group.parse().ok()? })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::linux::parse;

    #[test]
    fn a_name_may_hold_anything() {
        let tail = "1 77 77 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 12345 0 0";
        let found = parse(5, &format!("5 (a) R (b)) S {tail}")).unwrap();
        assert_eq!((found.process.id, found.process.started), (5, 12345));
        assert_eq!((found.parent, found.group), (1, 77));
        assert!(parse(5, &format!("5 (gone) Z {tail}")).is_none());
        assert!(parse(5, "5 (cut) S 1").is_none());
    }
}
