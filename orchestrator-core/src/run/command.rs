//! What a run asks of the outside.

use super::input::AttemptId;
use crate::id::WorkerName;
use crate::route::{Candidate, Request};
use crate::task::Task;

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
        /// Who can do it.
        candidates: Vec<Candidate>,
    },
    /// The answer is no longer wanted: tell the worker. It must answer all the same.
    Cancel {
        /// Whose.
        attempt: AttemptId,
    },
}
