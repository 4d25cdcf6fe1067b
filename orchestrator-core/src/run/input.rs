//! What the outside tells a run, and what the run says to that.

use super::event::Decided;
use crate::id::SignalName;
use crate::path::Path;
use crate::payload::Payload;
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
    /// A worker is alive. Of use for steps with a [`heartbeat_timeout`](crate::Step::heartbeat_timeout); harmless for others.
    Heartbeat {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// A person decided.
    Decided {
        /// Which decision.
        path: Path,
        /// What.
        decided: Decided,
    },
    /// A signal came. The first step that waits for it, or will, takes it; nobody takes it twice.
    Signalled {
        /// Its name.
        name: SignalName,
        /// What it says.
        payload: Payload,
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

/// Names one attempt of one step, or of its compensation.
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
    /// The attempt or the decision has already been answered, or the step that it belongs to is over.
    AlreadyAnswered,
    /// The run is paused, resumed, cancelled or started already; a heartbeat has nothing to extend; a signal came when no step will wait
    /// for it any more.
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
    /// A decision is answered after its [`Command::Decide`](crate::Command::Decide).
    #[error("step {path} has not asked for a decision")]
    NotAsked {
        /// The step.
        path: Path,
    },
    /// Decide for one of the choices of the command.
    #[error("{choice:?} is none of the choices of {path}; there are: {}", choices.join(", "))]
    UnknownChoice {
        /// The decision.
        path: Path,
        /// What was chosen.
        choice: String,
        /// What can be chosen.
        choices: Vec<String>,
    },
    /// Let a step wait for the signal, raise [`RunOptions::signals_max`](crate::RunOptions::signals_max), or send fewer.
    #[error("no signal named {name:?} is kept: {max} have come that nobody has waited for")]
    SignalsFull {
        /// The signal.
        name: SignalName,
        /// How many are kept.
        max: u32,
    },
    /// Store it, and send a [`BlobRef`](crate::BlobRef).
    #[error("what came with {what} has {bytes} bytes, of which {max} may travel")]
    TooLarge {
        /// The signal or decision.
        what: String,
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        max: usize,
    },
}
