//! What happened. Events alone change the state of a run; kept and applied again in order, they make the same state.

use serde::{Deserialize, Deserializer, Serialize};

use crate::id::{RunId, SignalName, StepId, WorkerName, WorkflowName};
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

/// What happened in a run. An `input` is there only where a transformer made it (or a restore could not know it otherwise): the default
/// input of a step follows from the events before.
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
        /// The digests of its steps, by step: what has changed can be told by them.
        steps: Payload,
        /// Where all randomness of the run comes from.
        seed: Seed,
        /// What the run is for.
        goal: String,
        /// What its first steps get.
        input: Payload,
    },
    /// The run goes on from what another had done: the events that follow, up to the next input, are that run's.
    Forked {
        /// The other run.
        parent: RunId,
        /// Its last event that was looked at.
        seq: u64,
        /// The steps that are done again, with all that came of them.
        reset: Vec<Path>,
    },
    /// The history was made to fit another definition, by a migration of the host.
    Migrated {
        /// The digest that the run had.
        from: String,
        /// The digest that it has now.
        to: String,
    },
    /// A step is to be done, and more than one worker can: the router is asked.
    RouteRequested {
        /// The step.
        path: Path,
        /// Which attempt, counted from 1.
        attempt: u32,
        /// The step's input, if a transformer made it; only with the first attempt.
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
        /// The step's input, if a transformer made it; only with the first attempt.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        input: Option<Payload>,
    },
    /// An attempt (or the routing of it) that was in flight when the host went down is handed out again, with the same attempt and key.
    AttemptRedispatched {
        /// The step.
        path: Path,
        /// Which attempt.
        attempt: u32,
        /// How often this attempt has been handed out again, this time included.
        redispatches: u32,
    },
    /// A worker said that it is alive. Recorded at most twice in a heartbeat's time.
    HeartbeatReceived {
        /// The step.
        path: Path,
        /// Which attempt.
        attempt: u32,
    },
    /// A step succeeded: an attempt of it, or the body of a loop, a map or a sub-workflow.
    StepSucceeded {
        /// The step.
        path: Path,
        /// Which attempt; 0 where there are none.
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
    /// A step will fail with this as soon as what it has under way has been answered: everything in it is told to stop.
    StepStopping {
        /// The loop, map or sub-workflow.
        path: Path,
        /// Why.
        error: TaskError,
    },
    /// The condition of an edge was looked at.
    EdgeDecided {
        /// The step where the edge ends.
        path: Path,
        /// The step where it starts.
        from: StepId,
        /// Whether it fires.
        fires: bool,
        /// Why that could not be said: the step where the edge ends fails with it, unless it has begun.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<TaskError>,
    },
    /// A branch chose its way, and has succeeded.
    BranchTaken {
        /// The branch.
        path: Path,
        /// The step that it leads to.
        to: StepId,
        /// Its input, if a transformer made it.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        input: Option<Payload>,
    },
    /// A loop began.
    LoopStarted {
        /// The loop.
        path: Path,
        /// Its input, if a transformer made it.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        input: Option<Payload>,
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
    /// A map began: its list is known.
    MapExpanded {
        /// The map.
        path: Path,
        /// How many items there are.
        len: u32,
        /// The digest of the list.
        digest: String,
        /// The list, if a transformer made it.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        input: Option<Payload>,
    },
    /// An item of a map began.
    ItemStarted {
        /// The map.
        path: Path,
        /// Which item, counted from 0.
        item: u32,
    },
    /// An item of a map ended.
    ItemEnded {
        /// The map.
        path: Path,
        /// Which item.
        item: u32,
        /// Its failure, if it failed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        error: Option<TaskError>,
    },
    /// A sub-workflow began.
    SubWorkflowStarted {
        /// The step.
        path: Path,
        /// Its input, if a transformer made it.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        input: Option<Payload>,
    },
    /// A person is asked.
    DecisionRequested {
        /// The decision.
        path: Path,
        /// When its default counts, if it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
        /// Its input, if a transformer made it.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        input: Option<Payload>,
    },
    /// The decision was made.
    DecisionMade {
        /// The decision.
        path: Path,
        /// What was decided.
        decided: Decided,
    },
    /// A step waits for a signal, or for an instant.
    WaitStarted {
        /// The step.
        path: Path,
        /// The instant.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        /// Its input, if a transformer made it.
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        input: Option<Payload>,
    },
    /// What the step waited for has come. A signal is used up by that.
    WaitEnded {
        /// The step.
        path: Path,
        /// What the signal said, or the step's input; transformed.
        output: Payload,
    },
    /// A signal came. It is kept until a step waits for it.
    SignalReceived {
        /// Its name.
        name: SignalName,
        /// What it says.
        payload: Payload,
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
    /// The run has failed or is cancelled, nothing is in flight, and steps are to be undone before it is over.
    UnwindingStarted {
        /// How the run will end.
        result: RunResult,
    },
    /// The run is over.
    RunEnded {
        /// How.
        result: RunResult,
        /// The compensations that failed, in the order in which they were tried.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        uncompensated: Vec<Path>,
    },
}

impl Event {
    /// The step that it speaks of; `None` when it is about the run.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Event::RouteRequested { path, .. }
            | Event::RouteDecided { path, .. }
            | Event::AttemptStarted { path, .. }
            | Event::AttemptRedispatched { path, .. }
            | Event::HeartbeatReceived { path, .. }
            | Event::StepSucceeded { path, .. }
            | Event::AttemptFailed { path, .. }
            | Event::StepFailed { path, .. }
            | Event::StepSkipped { path }
            | Event::StepStopping { path, .. }
            | Event::EdgeDecided { path, .. }
            | Event::BranchTaken { path, .. }
            | Event::LoopStarted { path, .. }
            | Event::RoundStarted { path, .. }
            | Event::MapExpanded { path, .. }
            | Event::ItemStarted { path, .. }
            | Event::ItemEnded { path, .. }
            | Event::SubWorkflowStarted { path, .. }
            | Event::DecisionRequested { path, .. }
            | Event::DecisionMade { path, .. }
            | Event::WaitStarted { path, .. }
            | Event::WaitEnded { path, .. } => Some(path),
            Event::RunStarted { .. }
            | Event::Forked { .. }
            | Event::Migrated { .. }
            | Event::SignalReceived { .. }
            | Event::Paused
            | Event::Resumed
            | Event::CancelRequested { .. }
            | Event::UnwindingStarted { .. }
            | Event::RunEnded { .. } => None,
        }
    }
}

/// A field that is there is `Some`, even if it is `null`: a step may well have nothing as its input.
pub(super) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Payload>, D::Error> {
    Payload::deserialize(deserializer).map(Some)
}

/// What a person decided; the output of a decision.
///
/// ```
/// use orchestrator_core::{Decided, Payload};
/// let decided: Decided = Payload::parse(r#"{"choice": "ship", "by": "ada"}"#)?.to()?;
/// assert_eq!(decided, Decided { by: Some("ada".into()), ..Decided::new("ship") });
/// # Ok::<(), orchestrator_core::PayloadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// One of the choices.
    pub choice: String,
    /// Who decided; nobody when time ran out and the default counts.
    #[serde(default)]
    pub by: Option<String>,
    /// What else there was to say.
    #[serde(default)]
    pub remark: Payload,
}

impl Decided {
    /// The choice, without a name and a remark.
    pub fn new(choice: impl Into<String>) -> Decided {
        Decided { choice: choice.into(), by: None, remark: Payload::null() }
    }
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
