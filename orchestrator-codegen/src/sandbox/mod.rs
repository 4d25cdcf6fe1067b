//! Where generated scripts are run: a child process with limits, in a folder that is gone afterwards.
//!
//! # What it is
//! A fence against accidents. A generated script that loops, eats memory, prints without end, starts processes without end, fills the
//! disk or leaves children behind is ended together with its children, and its folder goes; a script that looks for a configuration in the
//! environment finds none, so that the same script on the same data does the same everywhere. Where the system offers it (namespaces of
//! Linux for unprivileged users), there is no network, and nothing that the program started outlives it; [`Isolation`] says what was
//! really held back.
//!
//! # What it is not
//! A security boundary. The program runs as the same user on the same kernel: it can read and change every file that the user can, by
//! its path, and signal the user's processes where there is no namespace. Code that somebody hostile may have written belongs into a
//! virtual machine or a container with a user of its own. In particular:
//!
//! - The memory limit is one of address space for each process, not for all together: at most `processes` times as much is used.
//! - Processes and the size of the folder are counted every few milliseconds; much can be started in between. The kernel counts
//!   processes only in a namespace and only for users other than `root`.
//! - Without a process namespace, a child that leaves its group and its parents between two looks escapes; without `/proc` (macOS),
//!   leaving the group is enough.
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
