//! Where generated scripts are run: a child process with limits, in a folder that is gone afterwards.
//!
//! # What it is
//! A fence against accidents. A generated script that loops, eats memory, prints without end, starts processes without end, fills the
//! disk or leaves children behind is ended together with its children, and its folder goes; a script that looks for a configuration in the
//! environment finds none, so that the same script on the same data does the same everywhere.
//!
//! | held back | by | where |
//! |---|---|---|
//! | time from start to end | this process watches, and kills without a warning that could be ignored | everywhere |
//! | processor time, memory, size of a file, open files | limits of the kernel (`ulimit`) for each process | Unix; memory where [`Isolation::memory_limited`] |
//! | stdout and stderr, size of the folder, number of files | this process looks every few milliseconds | everywhere |
//! | environment: `PATH` and `TMPDIR` alone; stdin is empty | | Unix; Windows adds `SystemRoot` and keeps `PATH` |
//! | the network, this machine's own included | a network namespace | Linux with namespaces for users, [`Isolation::network_cut`] |
//! | children that outlive the program, daemons too | a process namespace: all end with its first process | Linux with namespaces for users, [`Isolation::children_bound`] |
//! | the same, without a namespace | this process looks for them in `/proc`: by their group, their parents, and the `TMPDIR` of this run in their environment | other Linux |
//!
//! Where a means is missing the program runs all the same, and [`Outcome::isolation`] says which were there; the pipeline has it in its
//! report, and its summary names what is missing. Nothing is held back in silence or left out in silence.
//!
//! # What it is not
//! A security boundary. The program runs as the same user on the same kernel: it can read and change every file that the user can, by
//! its path, and signal the user's processes where there is no namespace. Code that somebody hostile may have written belongs into a
//! virtual machine or a container with a user of its own. In particular:
//!
//! - The memory limit is one of address space for each process, not for all together: at most `processes` times as much is used.
//! - Processes and the size of the folder are counted every few milliseconds; much can be started in between. The kernel counts
//!   processes only in a namespace and only for users other than `root`.
//! - Without a process namespace, a child escapes that leaves its group, its parents and its environment all at once, within a few
//!   milliseconds; without `/proc` (macOS), leaving the group is enough.
//! - Without a network namespace the program has the network of the user.
//! - If this process is killed, the program is ended by a shell that watches a pipe. Whoever ends that shell is ended by the limit
//!   of processor time only.
//! - Other systems than Unix have a time limit for the program itself, limits for output and folder, an empty environment, and no more.

mod interpreter;
mod isolation;
mod limits;
mod processes;
mod run;
mod scratch;

pub use interpreter::{
    Interpreter, InterpreterError, PYTHON, QualityReport, ReportedColumn, TIME_LIMIT,
};
pub use isolation::{Isolation, Namespaces};
pub use limits::{Exceeded, Limits};
pub use run::{Ending, Job, Outcome, Sandbox, SandboxError};
