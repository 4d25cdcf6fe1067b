//! What a run asks of the outside.

use super::input::AttemptId;
use crate::id::WorkerName;
use crate::path::Path;
use crate::payload::Payload;
use crate::route::{Candidate, Request};
use crate::task::Task;
use crate::time::Timestamp;

/// Something the host is to do. Given out once; after a restore, what was in flight is given out again. A run that is cancelled between
/// the start of an attempt and its hand-over gives out the attempt, cancelled already, and the command to cancel it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Command {
    /// Let the worker do the task, and answer with [`Input::Answered`](crate::Input::Answered).
    Execute {
        /// What to answer for.
        attempt: AttemptId,
        /// Who does it.
        worker: WorkerName,
        /// What is to be done. Boxed: it is much larger than the other commands.
        task: Box<Task>,
    },
    /// Choose one of the candidates, and answer with [`Input::Routed`](crate::Input::Routed).
    Route {
        /// What to answer for.
        attempt: AttemptId,
        /// What is to be done.
        request: Box<Request>,
        /// Who could do it; there is at least one.
        candidates: Vec<Candidate>,
    },
    /// Tell the worker to stop. An attempt that is in flight still needs its answer; one that has run out of time needs none, and may
    /// never have been handed out.
    Cancel {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// Ask a person, and answer with [`Input::Decided`](crate::Input::Decided). After a restore every open decision is asked again.
    Decide {
        /// What to answer for.
        path: Path,
        /// What is asked.
        question: String,
        /// What can be answered.
        choices: Vec<String>,
        /// What it is about.
        input: Payload,
        /// When the default counts, or the step fails for want of an answer.
        deadline: Option<Timestamp>,
    },
    /// The decision is no longer asked for; it may never have been.
    Withdraw {
        /// Which decision.
        path: Path,
    },
}
