//! A run as it stands, or stood at any event: plain data for people and programs that look at it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::{RunResult, present};
use super::node::{NodeIx, Phase};
use super::restore::{Past, RestoreError, replay};
use super::state::State;
use super::{Run, StepStatus};
use crate::path::Path;
use crate::payload::Payload;
use crate::task::TaskError;
use crate::time::Timestamp;
use crate::workflow::Workflow;

/// Where a run stands.
///
/// ```
/// use orchestrator_core::{Input, Path, Role, Run, RunOptions, RunView, Step, StepStatus, Timestamp, Workflow};
/// let workflow = Workflow::builder("one").step(Step::task("a", Role::GENERIC)).build()?;
/// let mut run = Run::new(workflow.clone(), RunOptions::new("run-1", "")?);
/// run.handle(Timestamp(0), Input::Started)?;
/// let path = Path::parse("a")?;
/// assert_eq!(run.view().steps[&path].status, StepStatus::Running);
/// // The first event is the start of the run: the step had not begun.
/// let then = RunView::at(&workflow, run.history(), 1)?;
/// assert_eq!(then.steps[&path].status, StepStatus::Waiting);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunView {
    /// The last event that is looked at.
    pub seq: u64,
    /// When that happened.
    pub at: Timestamp,
    /// Whether it is paused.
    pub paused: bool,
    /// How it ended, if it has.
    pub result: Option<RunResult>,
    /// Its steps, those inside rounds and items included, as far as they are kept.
    pub steps: BTreeMap<Path, StepView>,
}

/// Where a step stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepView {
    /// What it is at.
    pub status: StepStatus,
    /// Its last attempt; 0 when none was made.
    pub attempt: u32,
    /// What it gave.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub output: Option<Payload>,
    /// Why it failed, or will.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskError>,
}

impl RunView {
    /// Where a run stood after an event. A number that no event has counts as the last that one has.
    ///
    /// # Errors
    /// When the past is none, or begins after the event.
    pub fn at(
        workflow: &Workflow,
        past: impl Into<Past>,
        seq: u64,
    ) -> Result<RunView, RestoreError> {
        let past = past.into();
        if let Some(snapshot) = past.snapshot.as_ref().filter(|snapshot| seq < snapshot.seq) {
            return Err(RestoreError::Trimmed { oldest: snapshot.seq });
        }
        let replayed = replay(workflow, past, seq)?;
        Ok(view(&replayed.state, replayed.history.last(), replayed.now, replayed.result))
    }
}

impl Run {
    /// Where the run stands.
    pub fn view(&self) -> RunView {
        view(&self.state, self.event_count(), self.now, self.result.clone())
    }
}

fn view(state: &State, seq: u64, at: Timestamp, result: Option<RunResult>) -> RunView {
    let steps = state.nodes().map(|(node, _)| (state.path(node), step(state, node)));
    RunView { seq, at, paused: state.paused, result, steps: steps.collect() }
}

fn step(state: &State, node: NodeIx) -> StepView {
    let (attempt, error) = match &state.node(node).phase {
        Phase::Routing { attempt, .. }
        | Phase::Working { attempt, .. }
        | Phase::Succeeded { attempt } => (*attempt, None),
        Phase::Resting { attempt } => (attempt - 1, None),
        Phase::Failed { attempt, error } => (*attempt, Some(error)),
        Phase::Stopping { error } => (0, Some(error)),
        Phase::Waiting | Phase::Asking | Phase::Awaiting | Phase::Inside | Phase::Skipped => {
            (0, None)
        }
    };
    let output = if node.is_undo() { None } else { state.output(node).cloned() };
    StepView { status: state.status(node), attempt, output, error: error.map(|e| (**e).clone()) }
}
