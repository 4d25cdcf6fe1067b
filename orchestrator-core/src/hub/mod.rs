//! The hub: knows workers and workflows, and drives runs on whatever executor the host has.
//!
//! Workers never talk to each other; everything passes through here and is recorded. The hub owns no thread and no runtime: it makes
//! progress while a future that it returned is polled, and spawns only on a [`Spawner`] that the host hands it.

mod clock;
mod drive;
mod observe;
mod report;
mod spawn;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use clock::{ManualClock, SystemClock};
pub use observe::{NoObserver, Observer};
pub use report::{RunFailure, RunReport};
pub use spawn::{Spawner, Threads};

use crate::id::{NameError, Role, RunId, WorkerName, WorkflowName};
use crate::payload::Payload;
use crate::random::Seed;
use crate::route::{Candidate, DeclaredOrder, Router};
use crate::run::{Run, RunOptions, Staff};
use crate::time::Clock;
use crate::worker::Worker;
use crate::workflow::{Fault, Faults, Workflow};

/// How many attempts one run may have in flight, unless the host says otherwise: what the documents allow.
const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(4).expect("four is not zero");

/// The hub.
///
/// ```
/// use orchestrator_core::{Orchestrator, Payload, Role, pipeline, typed_worker};
///
/// let mut hub = Orchestrator::new();
/// hub.register_worker("ada", Role::CODER, typed_worker(async |goal: String, _| {
///     Ok(format!("fn main() {{ println!({goal:?}) }}"))
/// }))?;
/// hub.register_worker("grace", Role::REVIEWER, typed_worker(async |code: String, _| {
///     Ok(code.contains("main"))
/// }))?;
/// hub.register_workflow(pipeline("write", [
///     ("code", Role::CODER, "write it"),
///     ("review", Role::REVIEWER, "read it"),
/// ])?)?;
///
/// let report = futures::executor::block_on(hub.execute("write", "hello"))?;
/// assert_eq!(report.output()?.to::<bool>()?, true);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Orchestrator {
    workers: BTreeMap<WorkerName, Arc<dyn Worker>>,
    staff: Staff,
    workflows: BTreeMap<WorkflowName, Workflow>,
    router: Arc<dyn Router>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    spawner: Option<Arc<dyn Spawner>>,
    concurrency_max: NonZeroUsize,
    /// How many runs have been started: they are numbered where the host names none.
    started: AtomicU64,
}

/// Why a worker or a workflow was not registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The worker's name is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Give each worker a name of its own.
    #[error("a worker named {0:?} is registered already")]
    DuplicateWorker(WorkerName),
    /// Give each workflow a name of its own.
    #[error("a workflow named {0:?} is registered already")]
    DuplicateWorkflow(WorkflowName),
    /// Register workers for the roles that it asks for first.
    #[error(transparent)]
    Faults(#[from] Faults),
}

/// Why a run did not begin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// Register it, or correct the name.
    #[error("no workflow named {name:?} is registered; there are: {}", known.join(", "))]
    UnknownWorkflow {
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
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
    /// Its name; `WORKFLOW-N` if `None`.
    pub id: Option<RunId>,
}

impl Default for Orchestrator {
    fn default() -> Self {
        Orchestrator {
            workers: BTreeMap::new(),
            staff: Staff::default(),
            workflows: BTreeMap::new(),
            router: Arc::new(DeclaredOrder),
            clock: Arc::new(SystemClock),
            observer: Arc::new(NoObserver),
            spawner: None,
            concurrency_max: CONCURRENCY,
            started: AtomicU64::new(0),
        }
    }
}

impl Orchestrator {
    /// A hub without workers and workflows.
    pub fn new() -> Orchestrator {
        Orchestrator::default()
    }

    /// Who chooses when several workers fill a role. Default: [`DeclaredOrder`].
    #[must_use]
    pub fn with_router(self, router: impl Router + 'static) -> Self {
        Orchestrator { router: Arc::new(router), ..self }
    }

    /// Where time comes from. Default: [`SystemClock`].
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Orchestrator { clock, ..self }
    }

    /// Who is told of every event and note. Default: nobody.
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn Observer>) -> Self {
        Orchestrator { observer, ..self }
    }

    /// Where workers run. Default: inside the future that drives the run, so that only one of them computes at a time.
    #[must_use]
    pub fn with_spawner(self, spawner: Arc<dyn Spawner>) -> Self {
        Orchestrator { spawner: Some(spawner), ..self }
    }

    /// How many attempts a run may have in flight. Default: 4.
    #[must_use]
    pub fn with_concurrency(self, concurrency_max: NonZeroUsize) -> Self {
        Orchestrator { concurrency_max, ..self }
    }

    /// Registers a worker in a role. Several may fill the same role, in the order of registration.
    ///
    /// # Errors
    /// When the name is none, or taken.
    pub fn register_worker(
        &mut self,
        name: &str,
        role: Role,
        worker: impl Worker + 'static,
    ) -> Result<(), RegisterError> {
        let name = WorkerName::parse(name)?;
        if self.workers.contains_key(&name) {
            return Err(RegisterError::DuplicateWorker(name));
        }
        let capabilities = worker.capabilities();
        self.staff.add(role, Candidate { worker: name.clone(), capabilities });
        self.workers.insert(name, Arc::new(worker));
        Ok(())
    }

    /// Registers a workflow, once there is a worker for every role that it asks for, able to do what its steps require.
    ///
    /// # Errors
    /// When the name is taken, or roles are not filled by somebody able: all of them are named.
    pub fn register_workflow(&mut self, workflow: Workflow) -> Result<(), RegisterError> {
        if self.workflows.contains_key(workflow.name()) {
            return Err(RegisterError::DuplicateWorkflow(workflow.name().clone()));
        }
        let missing = workflow.roles().into_iter().filter(|(role, _)| !self.staff.fills(role));
        let mut faults: Vec<Fault> =
            missing.map(|(role, steps)| Fault::NoWorker { role, steps }).collect();
        for ((role, requires), steps) in workflow.requirements() {
            if self.staff.fills(&role) && self.staff.able(&role, &requires).next().is_none() {
                faults.push(Fault::NoAbleWorker { role, requires, steps });
            }
        }
        if !faults.is_empty() {
            return Err(Faults { workflow: workflow.name().to_string(), faults }.into());
        }
        self.workflows.insert(workflow.name().clone(), workflow);
        Ok(())
    }

    /// Runs a workflow to its end. A run that fails is a report too; see [`RunReport::output`].
    ///
    /// Dropping the future drops the run, and the workers' futures with it; those that a [`Spawner`] runs elsewhere are cancelled.
    ///
    /// # Errors
    /// When no such workflow is registered.
    pub async fn execute(&self, workflow: &str, goal: &str) -> Result<RunReport, ExecuteError> {
        self.execute_with(workflow, Start { goal: goal.to_owned(), ..Start::default() }).await
    }

    /// As [`execute`](Orchestrator::execute), with an input, a seed or a name.
    ///
    /// # Errors
    /// When no such workflow is registered.
    pub async fn execute_with(
        &self,
        workflow: &str,
        start: Start,
    ) -> Result<RunReport, ExecuteError> {
        let Some(definition) = self.workflows.get(workflow) else {
            let known = self.workflows.keys().map(WorkflowName::to_string).collect();
            return Err(ExecuteError::UnknownWorkflow { name: workflow.to_owned(), known });
        };
        let number = self.started.fetch_add(1, Ordering::Relaxed) + 1;
        let id = start.id.unwrap_or_else(|| numbered(definition.name(), number));
        let options = RunOptions {
            input: start.input,
            seed: start.seed,
            staff: self.staff.clone(),
            ..RunOptions::new(id.as_str(), start.goal).expect("a run id is a name")
        };
        Ok(drive::to_end(self, Run::new(definition.clone(), options)).await)
    }
}

/// `WORKFLOW-N`, with a long name cut so that the number fits.
fn numbered(workflow: &WorkflowName, number: u64) -> RunId {
    let name: String = workflow.as_str().chars().take(24).collect();
    RunId::parse(format!("{name}-{number}")).expect("a name, a hyphen and digits are a name")
}
