//! Runs of an earlier process, or of a store that failed, go on.

use std::sync::Arc;
use std::task::Waker;

use super::cell::RunCell;
use super::drive::Hub;
use super::roll::Refused;
use super::setup::Setup;
use super::{Orchestrator, RunHandle};
use crate::id::{RunId, WorkflowName};
use crate::journal::{Batch, StoreError};
use crate::run::{
    Event, Past, Recorded, RestoreError, Run, RunOptions, Snapshot, migrate, stand_in,
};
use crate::workflow::Workflow;

/// Why a run does not go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// Give the hub a store: [`Orchestrator::with_store`].
    #[error("the hub has no store to resume run {run} from")]
    NoStore {
        /// The run.
        run: RunId,
    },
    /// The store knows nothing of it.
    #[error("the store has no run {run}")]
    UnknownRun {
        /// The run.
        run: RunId,
    },
    /// Register the workflow first.
    #[error("run {run} follows workflow {workflow}, which is not registered")]
    UnknownWorkflow {
        /// The run.
        run: RunId,
        /// Its workflow.
        workflow: WorkflowName,
    },
    /// Somebody else is about to resume it. Wait for them.
    #[error("run {run} is just being resumed")]
    Busy {
        /// The run.
        run: RunId,
    },
    /// Wait for a run to end, or raise [`Limits::runs_max`](crate::Limits::runs_max).
    #[error("{max} runs are active; run {run} has to wait")]
    RunsFull {
        /// The run.
        run: RunId,
        /// How many there may be.
        max: usize,
    },
    /// The hub was told to shut down. Make another.
    #[error("the hub is shutting down; run {run} stays in the store")]
    ShuttingDown {
        /// The run.
        run: RunId,
    },
    /// What is kept makes no run under the definition that is registered. If it has changed, register the one that the run began with, or a
    /// [migration](Orchestrator::register_migration).
    #[error("run {run} cannot be restored: {error}")]
    Restore {
        /// The run.
        run: RunId,
        /// Why not.
        error: RestoreError,
    },
    /// The store failed.
    #[error("run {run} cannot be loaded: {error}")]
    Store {
        /// The run.
        run: RunId,
        /// What the store said.
        error: StoreError,
    },
}

/// What has become of the unfinished runs of a store.
#[derive(Debug)]
pub struct Recovered {
    /// Those that go on, sorted by their names.
    pub runs: Vec<RunHandle>,
    /// Those that do not, and why.
    pub refused: Vec<(RunId, ResumeError)>,
}

impl Orchestrator {
    /// Lets a run of the store go on, as soon as something drives the hub. Attempts that were in flight are handed out again, with the same
    /// attempt and key; open decisions are asked again. A run that is active already is left alone, and one that has ended gives its report.
    ///
    /// # Errors
    /// When the store has no such run, or fails, or what it has does not fit the workflow that is registered.
    pub async fn resume(&self, run: &RunId) -> Result<RunHandle, ResumeError> {
        self.hub.resume(run).await
    }

    /// [Resumes](Orchestrator::resume) all unfinished runs of the store. Without a store there are none.
    ///
    /// # Errors
    /// When the store fails to list its runs. What is wrong with a single run stands in [`Recovered::refused`].
    pub async fn recover(&self) -> Result<Recovered, StoreError> {
        let mut recovered = Recovered { runs: Vec::new(), refused: Vec::new() };
        let Some(store) = self.hub.setup().store.clone() else { return Ok(recovered) };
        for entry in store.runs().await?.into_iter().filter(|entry| !entry.ended) {
            match self.hub.resume(&entry.run).await {
                Ok(handle) => recovered.runs.push(handle),
                Err(why) => recovered.refused.push((entry.run, why)),
            }
        }
        Ok(recovered)
    }
}

/// Keeps a name while its run is loaded, unless the run is enrolled after all.
struct Reserved<'a> {
    hub: &'a Hub,
    run: &'a RunId,
    enrolled: bool,
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        if !self.enrolled {
            let woken = self.hub.desk.lock().roll.strike(self.run);
            woken.into_iter().for_each(Waker::wake);
        }
    }
}

impl Hub {
    async fn resume(self: &Arc<Hub>, id: &RunId) -> Result<RunHandle, ResumeError> {
        let setup = self.setup();
        let run = || id.clone();
        let Some(store) = setup.store.clone() else {
            return Err(ResumeError::NoStore { run: run() });
        };
        let max = setup.limits.runs_max.get();
        let reserved = self.desk.lock().roll.reserve(id, max);
        match reserved {
            Ok(()) => {}
            Err(Refused::Taken(Some(cell))) => return Ok(RunHandle::new(self.clone(), cell)),
            Err(Refused::Taken(None)) => return Err(ResumeError::Busy { run: run() }),
            Err(Refused::Full) => return Err(ResumeError::RunsFull { run: run(), max }),
            Err(Refused::Closing) => return Err(ResumeError::ShuttingDown { run: run() }),
        }
        let mut reserved = Reserved { hub: self, run: id, enrolled: false };
        let failed = |error| ResumeError::Store { run: run(), error };
        let unfit = |error| ResumeError::Restore { run: run(), error };
        let past = store.load(id).await.map_err(failed)?;
        let past = past.ok_or_else(|| ResumeError::UnknownRun { run: run() })?;
        let name = workflow_of(&past).map_err(unfit)?;
        let Some(registered) = setup.workflows.get(&name) else {
            return Err(ResumeError::UnknownWorkflow { run: run(), workflow: name });
        };
        let workflow = &registered.workflow;
        let options = RunOptions {
            staff: setup.staff.clone(),
            ..RunOptions::new(id.as_str(), "").expect("a run id is a name")
        };
        let past = match migrated(&setup, workflow, &options, &past).map_err(unfit)? {
            None => past,
            Some((snapshot, event)) => {
                // The snapshot takes the place of the history in one step; if the process ends before the event is kept, only that is missing.
                let batch = Batch::new(vec![event]).expect("one event is a batch");
                store.compact(id, snapshot).await.map_err(failed)?;
                store.append(&[(run(), batch)]).await.map_err(failed)?;
                let past = store.load(id).await.map_err(failed)?;
                past.ok_or_else(|| ResumeError::UnknownRun { run: run() })?
            }
        };
        let kept = past.last_seq();
        let run =
            Run::restore(workflow.clone(), options, past, setup.clock.now()).map_err(unfit)?;
        let cell = RunCell::new(run, kept);
        if cell.is_over() {
            return Ok(RunHandle::new(self.clone(), Arc::new(cell)));
        }
        reserved.enrolled = true;
        Ok(self.enrol(cell))
    }
}

/// The workflow that a run follows.
fn workflow_of(past: &Past) -> Result<WorkflowName, RestoreError> {
    match (&past.snapshot, past.events.first()) {
        (Some(snapshot), _) => snapshot.workflow(),
        (None, Some(Recorded { event: Event::RunStarted { workflow, .. }, .. })) => {
            Ok(workflow.clone())
        }
        (None, _) => Err(RestoreError::NoStart),
    }
}

/// What takes the place of a history that began under another definition, if there is a migration from there: a snapshot with the number of its
/// last event, and the event that follows.
fn migrated(
    setup: &Setup,
    workflow: &Workflow,
    options: &RunOptions,
    past: &Past,
) -> Result<Option<(Snapshot, Recorded)>, RestoreError> {
    let (None, Some(first), Some(last)) = (&past.snapshot, past.events.first(), past.events.last())
    else {
        return Ok(None);
    };
    let Event::RunStarted { definition, .. } = &first.event else { return Ok(None) };
    let key = (workflow.name().clone(), definition.clone());
    let Some(change) = setup.migrations.get(&key).filter(|_| definition != workflow.digest())
    else {
        return Ok(None);
    };
    let mut history = migrate(&past.events, workflow, |event| change(event))?;
    let Some(note) = history.pop_if(|last| matches!(last.event, Event::Migrated { .. })) else {
        // It has ended, and nothing is recorded any more: it keeps the definition that it had.
        return Ok(None);
    };
    let snapshot = stand_in(workflow, options.clone(), history, last.seq)?;
    Ok(Some((snapshot, Recorded { seq: last.seq + 1, ..note })))
}
