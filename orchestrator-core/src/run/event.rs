//! What happened. Events alone change the state of a run; kept and applied again in order, they make the same state.

use serde::{Deserialize, Deserializer, Serialize};

use crate::id::{WorkerName, WorkflowName};
use crate::path::Path;
use crate::payload::Payload;
use crate::random::Seed;
use crate::route::Decision;
use crate::task::{TaskError, Usage};
use crate::time::Timestamp;

/// An event with its place in the history of its run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// Counted from 1, without gaps.
    pub seq: u64,
    /// When the input that caused it was handled.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// What happened in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The run began.
    RunStarted {
        /// The workflow.
        workflow: WorkflowName,
        /// The digest of its definition.
        definition: String,
        /// Where all randomness of the run comes from.
        seed: Seed,
        /// What the run is for.
        goal: String,
        /// What its first steps get.
        input: Payload,
    },
    /// A step is to be done, and more than one worker can: the router is asked.
    RouteRequested {
        /// The step.
        path: Path,
        /// Which attempt, counted from 1.
        attempt: u32,
        /// The step's input; only with the first attempt.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        input: Option<Payload>,
    },
    /// The router chose; the attempt has begun.
    RouteDecided {
        /// The step.
        path: Path,
        /// Which attempt.
        attempt: u32,
        /// The choice.
        decision: Decision,
    },
    /// An attempt has begun, by the one worker that can do it.
    AttemptStarted {
        /// The step.
        path: Path,
        /// Which attempt, counted from 1.
        attempt: u32,
        /// Who does it.
        worker: WorkerName,
        /// The step's input; only with the first attempt.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        input: Option<Payload>,
    },
    /// An attempt that was in flight when the host went down is handed out again, with the same attempt and key.
    AttemptRedispatched {
        /// The step.
        path: Path,
        /// Which attempt.
        attempt: u32,
        /// How often this attempt has been handed out again, this time included.
        redispatches: u32,
    },
    /// An attempt, and with it the step, succeeded.
    StepSucceeded {
        /// The step.
        path: Path,
        /// Which attempt.
        attempt: u32,
        /// The step's output, transformed.
        output: Payload,
        /// What the attempt cost.
        usage: Usage,
    },
    /// An attempt failed; there will be another.
    AttemptFailed {
        /// The step.
        path: Path,
        /// Which attempt.
        attempt: u32,
        /// Why.
        error: TaskError,
        /// When the next one begins.
        retry_at: Timestamp,
    },
    /// A step failed: its last attempt, its input, its rounds.
    StepFailed {
        /// The step.
        path: Path,
        /// The last attempt; 0 when none was made.
        attempt: u32,
        /// Why.
        error: TaskError,
    },
    /// A step will not be done: its join can no longer fire.
    StepSkipped {
        /// The step.
        path: Path,
    },
    /// A loop began.
    LoopStarted {
        /// The loop.
        path: Path,
        /// Its input.
        input: Payload,
    },
    /// A round of a loop began.
    RoundStarted {
        /// The loop.
        path: Path,
        /// Which round, counted from 0.
        round: u32,
        /// What the round before handed on.
        carried: Payload,
    },
    /// A loop is done.
    LoopSucceeded {
        /// The loop.
        path: Path,
        /// The output of its last round, transformed.
        output: Payload,
    },
    /// No new work begins until the run is resumed.
    Paused,
    /// Work goes on.
    Resumed,
    /// No new work begins; what is in flight is told to stop.
    CancelRequested {
        /// Why.
        reason: String,
    },
    /// The run is over.
    RunEnded {
        /// How.
        result: RunResult,
    },
}

/// A field that is there is `Some`, even if it is `null`: a step may well have nothing as its input.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Payload>, D::Error> {
    Payload::deserialize(deserializer).map(Some)
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunResult {
    /// No failure was left unhandled.
    Succeeded {
        /// The output of the step that ends the workflow, or an object of outputs by step when several do. A step ends it when nothing
        /// follows its success; an edge on failure does not count.
        output: Payload,
    },
    /// A failure was left unhandled: the first in definition order.
    Failed {
        /// Where.
        path: Path,
        /// Why.
        error: TaskError,
    },
    /// The host cancelled it.
    Cancelled {
        /// Why.
        reason: String,
    },
}
