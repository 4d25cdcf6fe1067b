//! A run begins.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::cell::RunCell;
use super::drive::Hub;
use super::join::{Drive, Until};
use super::roll::Refused;
use super::{Orchestrator, RunHandle, RunReport};
use crate::id::{RunId, WorkflowName};
use crate::journal::StoreError;
use crate::payload::Payload;
use crate::random::Seed;
use crate::run::{Input, Run, RunOptions};

/// Why a run did not begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// Register it, or correct the name.
    #[error("no workflow named {name:?} is registered; there are: {}", known.join(", "))]
    UnknownWorkflow {
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// Give each run a name of its own, or none.
    #[error("a run named {run} is active already")]
    DuplicateRun {
        /// The name.
        run: RunId,
    },
    /// Wait for one to end, or raise [`Limits::runs_max`](crate::Limits::runs_max).
    #[error("{max} runs are active; no more may begin")]
    RunsFull {
        /// How many there may be.
        max: usize,
    },
    /// The hub was told to shut down. Make another.
    #[error("the hub is shutting down; no run begins any more")]
    ShuttingDown,
}

/// Why a run was let go of before its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The store took none of what was not yet kept, and no command of that went out. Mend the cause, and
    /// [resume](Orchestrator::resume) the run; it goes on from the last event that is kept.
    #[error("run {run} cannot be kept: {error}")]
    Store {
        /// The run.
        run: RunId,
        /// What the store said.
        error: StoreError,
    },
    /// The store has a run of that name, from another time. [Resume](Orchestrator::resume) it, or choose another name.
    #[error("the store has a run named {run} already")]
    Exists {
        /// The run.
        run: RunId,
    },
    /// The hub was shut down. With a store, the run can be resumed by another.
    #[error("run {run} was let go of when the hub was shut down")]
    Shutdown {
        /// The run.
        run: RunId,
    },
}

/// Why there is no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The run did not begin.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It began, and was let go of.
    #[error(transparent)]
    Join(#[from] JoinError),
}

/// What a run is started with beyond the name of its workflow.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// What it is for.
    pub goal: String,
    /// What its first steps get; the goal as a text if `None`.
    pub input: Option<Payload>,
    /// Where its randomness comes from.
    pub seed: Seed,
    /// Its name; `WORKFLOW-N` if `None`. Without a store N counts from 1. With one it is at least the present instant in milliseconds, so
    /// that no name comes twice when the process does.
    pub id: Option<RunId>,
}

impl Start {
    /// A start for this goal, else the defaults.
    pub fn goal(goal: impl Into<String>) -> Start {
        Start { goal: goal.into(), ..Start::default() }
    }
}

impl Orchestrator {
    /// Begins a run. It makes progress while something drives the hub.
    ///
    /// # Errors
    /// When no such workflow is registered, the name of the run is taken, too many are active, or the hub is shutting down.
    pub fn start(&self, workflow: &str, start: Start) -> Result<RunHandle, StartError> {
        self.hub.start(workflow, start)
    }

    /// Runs a workflow to its end: [`start`](Orchestrator::start) and [`join`](RunHandle::join). A run that fails is a report too; see
    /// [`RunReport::output`]. Where a person is to decide, it waits until somebody does: use [`start`](Orchestrator::start) for
    /// workflows with decisions, signals or pauses.
    ///
    /// A worker may execute on its own hub; it keeps its place meanwhile, so that [`Limits::attempts_max`](crate::Limits::attempts_max) has to
    /// leave room for what it waits for. A sub-workflow has no such trouble.
    ///
    /// Dropping the future loses nothing: the run stays in the hub, its workers' futures too, and goes on while anything else drives the hub.
    ///
    /// # Errors
    /// When the run does not begin, or is let go of, because the store fails or the hub is shut down.
    pub async fn execute(&self, workflow: &str, goal: &str) -> Result<RunReport, ExecuteError> {
        self.execute_with(workflow, Start::goal(goal)).await
    }

    /// As [`execute`](Orchestrator::execute), with an input, a seed or a name.
    ///
    /// # Errors
    /// When the run does not begin, or is let go of, because the store fails or the hub is shut down.
    pub async fn execute_with(
        &self,
        workflow: &str,
        start: Start,
    ) -> Result<RunReport, ExecuteError> {
        Ok(self.start(workflow, start)?.join().await?)
    }

    /// Drives all runs until none is active.
    pub async fn drive(&self) {
        Drive::new(self.hub.clone(), Until::Idle).await;
    }

    /// Drives all runs, those that begin meanwhile too, until the hub has been [shut down](Orchestrator::shutdown).
    pub async fn drive_until_shutdown(&self) {
        Drive::new(self.hub.clone(), Until::Closed).await;
    }
}

impl Hub {
    fn start(self: &Arc<Hub>, workflow: &str, start: Start) -> Result<RunHandle, StartError> {
        let setup = self.setup();
        let Some(registered) = setup.workflows.get(workflow) else {
            let known = setup.workflows.keys().map(WorkflowName::to_string).collect();
            return Err(StartError::UnknownWorkflow { name: workflow.to_owned(), known });
        };
        let now = setup.clock.now();
        let id = start.id.unwrap_or_else(|| {
            let least = if setup.store.is_some() { now.0 } else { 1 };
            numbered(registered.workflow.name(), self.number(least))
        });
        let runs_max = setup.limits.runs_max.get();
        self.desk.lock().roll.reserve(&id, runs_max).map_err(|refused| match refused {
            Refused::Closing => StartError::ShuttingDown,
            Refused::Taken(_) => StartError::DuplicateRun { run: id.clone() },
            Refused::Full => StartError::RunsFull { max: runs_max },
        })?;
        let options = RunOptions {
            input: start.input,
            seed: start.seed,
            staff: setup.staff.clone(),
            ..RunOptions::new(id.as_str(), start.goal).expect("a run id is a name")
        };
        let mut run = Run::new(registered.workflow.clone(), options);
        run.handle(now, Input::Started).expect("every run takes its start");
        Ok(self.enrol(RunCell::new(run, 0)))
    }

    /// The next number for a run, at least this one.
    fn number(&self, least: u64) -> u64 {
        let next = |before: u64| Some((before + 1).max(least));
        let before = self.started.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        before.map_or(least, |before| (before + 1).max(least))
    }

    /// Lets a run begin to be driven whose name has been reserved.
    pub(super) fn enrol(self: &Arc<Hub>, cell: RunCell) -> RunHandle {
        let cell = Arc::new(cell);
        self.desk.lock().roll.enrol(cell.clone());
        self.desk.post(|inbox| inbox.runs.push(cell.clone()));
        RunHandle::new(self.clone(), cell)
    }
}

/// `WORKFLOW-N`, with a long name cut so that the number fits.
fn numbered(workflow: &WorkflowName, number: u64) -> RunId {
    let name: String = workflow.as_str().chars().take(24).collect();
    RunId::parse(format!("{name}-{number}")).expect("a name, a hyphen and digits are a name")
}
