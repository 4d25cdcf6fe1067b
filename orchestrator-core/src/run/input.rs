//! What the outside tells a run, and what the run says to that.

use crate::path::Path;
use crate::route::{Decision, RouteError};
use crate::task::{TaskError, TaskOutput};

/// Something that happened outside.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Input {
    /// Begin. The first input of a new run.
    Started,
    /// A worker answered.
    Answered {
        /// Which attempt.
        attempt: AttemptId,
        /// What it said.
        result: Result<TaskOutput, TaskError>,
    },
    /// A router answered.
    Routed {
        /// Which attempt.
        attempt: AttemptId,
        /// What it said.
        result: Result<Decision, RouteError>,
    },
    /// Time has passed. To be sent when [`next_deadline`](crate::Run::next_deadline) has come; harmless at any other time.
    TimePassed,
    /// Begin no new work: no command goes out until the run is resumed or cancelled. Answers to what is in flight are taken.
    Paused,
    /// Go on.
    Resumed,
    /// Stop, and begin no new work. The run ends when everything in flight has answered.
    Cancelled {
        /// Why, for the history.
        reason: String,
    },
}

/// Names one attempt of one step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttemptId {
    /// The step.
    pub path: Path,
    /// Which attempt, counted from 1.
    pub attempt: u32,
}

/// What became of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handled {
    /// It was taken; the events, if any, can be polled.
    Taken,
    /// It came too late or twice. It left no event.
    Ignored(Ignored),
}

/// Why an input was ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ignored {
    /// The run is over.
    RunEnded,
    /// The attempt has already been answered.
    AlreadyAnswered,
    /// The run is paused, resumed, cancelled or started already.
    NothingToChange,
}

/// An input that no honest host sends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// Send [`Input::Started`] first.
    #[error("the run has not started")]
    NotStarted,
    /// The workflow has no such step, or the loop no such round.
    #[error("there is no step {path} in this run")]
    UnknownStep {
        /// The path that leads nowhere.
        path: Path,
    },
    /// The attempt has not begun.
    #[error("step {path} has made {made} attempts; there is no attempt {attempt}")]
    UnknownAttempt {
        /// The step.
        path: Path,
        /// The attempt that was named.
        attempt: u32,
        /// How many there have been.
        made: u32,
    },
    /// Route to one of the candidates of the command.
    #[error("step {path} was routed to {worker:?}, which is no candidate for it")]
    NoCandidate {
        /// The step.
        path: Path,
        /// The worker that was named.
        worker: String,
    },
}
