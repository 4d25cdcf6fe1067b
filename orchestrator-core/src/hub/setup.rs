//! What a hub is told before it drives: workers, workflows, migrations, and the plugs.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use super::{Limits, Observer, Orchestrator, SnapshotPolicy, Spawner, SystemClock};
use crate::id::{NameError, Role, WorkerName, WorkflowName};
use crate::journal::RunStore;
use crate::route::{Candidate, DeclaredOrder, Router};
use crate::run::{Event, Staff};
use crate::time::Clock;
use crate::worker::Worker;
use crate::workflow::{Fault, Faults, Workflow};

/// Says of every event what becomes of it under a new definition.
pub(super) type Migration = dyn Fn(&Event) -> Option<Event> + Send + Sync;

#[derive(Clone)]
pub(super) struct Setup {
    pub(super) workers: BTreeMap<WorkerName, Arc<dyn Worker>>,
    pub(super) staff: Staff,
    pub(super) workflows: BTreeMap<WorkflowName, Registered>,
    /// By workflow, and the digest of the definition that they migrate from.
    pub(super) migrations: BTreeMap<(WorkflowName, String), Arc<Migration>>,
    pub(super) router: Arc<dyn Router>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Option<Arc<dyn Observer>>,
    pub(super) spawner: Option<Arc<dyn Spawner>>,
    pub(super) store: Option<Arc<dyn RunStore>>,
    pub(super) limits: Limits,
    pub(super) snapshots: SnapshotPolicy,
}

#[derive(Clone)]
pub(super) struct Registered {
    pub(super) workflow: Workflow,
    /// Whether some step of it listens for heartbeats.
    pub(super) hears: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            workers: BTreeMap::new(),
            staff: Staff::default(),
            workflows: BTreeMap::new(),
            migrations: BTreeMap::new(),
            router: Arc::new(DeclaredOrder),
            clock: Arc::new(SystemClock),
            observer: None,
            spawner: None,
            store: None,
            limits: Limits::default(),
            snapshots: SnapshotPolicy::default(),
        }
    }
}

/// Why a worker, a workflow or a migration was not registered.
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
    /// Two migrations that set out from one definition would contradict each other.
    #[error("a migration of workflow {workflow} from definition {from} is registered already")]
    DuplicateMigration {
        /// The workflow.
        workflow: WorkflowName,
        /// The digest of the definition.
        from: String,
    },
}

impl Orchestrator {
    /// Who chooses when several workers fill a role. Default: [`DeclaredOrder`].
    #[must_use]
    pub fn with_router(self, router: impl Router + 'static) -> Self {
        self.set(|setup| setup.router = Arc::new(router))
    }

    /// Where time comes from. Default: [`SystemClock`].
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        self.set(|setup| setup.clock = clock)
    }

    /// Who is told of every event and note, and of questions to people. Default: nobody; events are then not even made.
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn Observer>) -> Self {
        self.set(|setup| setup.observer = Some(observer))
    }

    /// Where workers run. Default: inside the future that drives, so that only one of them computes at a time.
    #[must_use]
    pub fn with_spawner(self, spawner: Arc<dyn Spawner>) -> Self {
        self.set(|setup| setup.spawner = Some(spawner))
    }

    /// Where runs are kept, so that they can be resumed. Default: nowhere, since a store in memory would only hold every history a second
    /// time: a run without a store lives and ends with this hub.
    #[must_use]
    pub fn with_store(self, store: Arc<dyn RunStore>) -> Self {
        self.set(|setup| setup.store = Some(store))
    }

    /// The bounds. Default: [`Limits::default`].
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        self.set(|setup| setup.limits = limits)
    }

    /// How many attempts may be in flight, of all runs together. Default: 4. Short for [`Limits::attempts_max`].
    #[must_use]
    pub fn with_concurrency(self, attempts_max: NonZeroUsize) -> Self {
        self.set(|setup| setup.limits.attempts_max = attempts_max)
    }

    /// When histories are replaced by snapshots. Of use with a store only.
    #[must_use]
    pub fn with_snapshots(self, policy: SnapshotPolicy) -> Self {
        self.set(|setup| setup.snapshots = policy)
    }

    fn set(self, change: impl FnOnce(&mut Setup)) -> Self {
        self.hub.change(change);
        self
    }

    /// Registers a worker in a role. Several may fill the same role, in the order of registration. Runs that have begun keep the staff
    /// that they began with.
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
        let capabilities = worker.capabilities();
        self.hub.change(|setup| {
            if setup.workers.contains_key(&name) {
                return Err(RegisterError::DuplicateWorker(name));
            }
            setup.staff.add(role, Candidate { worker: name.clone(), capabilities });
            setup.workers.insert(name, Arc::new(worker));
            Ok(())
        })
    }

    /// Registers a workflow, once there is a worker for every role that it asks for.
    ///
    /// # Errors
    /// When the name is taken, or roles are not filled by somebody able: all of them are named.
    pub fn register_workflow(&mut self, workflow: Workflow) -> Result<(), RegisterError> {
        self.hub.change(|setup| {
            if setup.workflows.contains_key(workflow.name()) {
                return Err(RegisterError::DuplicateWorkflow(workflow.name().clone()));
            }
            let roles = workflow.roles().into_iter();
            let missing = roles.filter(|(role, _)| !setup.staff.fills(role));
            let mut faults: Vec<Fault> =
                missing.map(|(role, steps)| Fault::NoWorker { role, steps }).collect();
            for ((role, requires), steps) in workflow.requirements() {
                let able = setup.staff.able(&role, &requires).next().is_some();
                if setup.staff.fills(&role) && !able {
                    faults.push(Fault::NoAbleWorker { role, requires, steps });
                }
            }
            if !faults.is_empty() {
                return Err(Faults { workflow: workflow.name().to_string(), faults }.into());
            }
            let hears = hears(&workflow);
            setup.workflows.insert(workflow.name().clone(), Registered { workflow, hears });
            Ok(())
        })
    }

    /// Registers what becomes of runs that began under another definition of a workflow, namely the one with the digest `from`
    /// (see [`Workflow::digest`]): `change` says of every event of theirs what becomes of it, if anything does, as for
    /// [`migrate`](crate::migrate). A run is migrated when it is [resumed](Orchestrator::resume). One of which the beginning
    /// is no longer kept cannot be migrated.
    ///
    /// # Errors
    /// When there is a migration from there already.
    pub fn register_migration(
        &mut self,
        workflow: WorkflowName,
        from: impl Into<String>,
        change: impl Fn(&Event) -> Option<Event> + Send + Sync + 'static,
    ) -> Result<(), RegisterError> {
        let key = (workflow, from.into());
        self.hub.change(|setup| {
            if setup.migrations.contains_key(&key) {
                let (workflow, from) = key;
                return Err(RegisterError::DuplicateMigration { workflow, from });
            }
            setup.migrations.insert(key, Arc::new(change));
            Ok(())
        })
    }
}

/// Whether some step listens for heartbeats, those of bodies included.
fn hears(workflow: &Workflow) -> bool {
    workflow.defs().iter().any(|def| {
        def.step.timeouts.heartbeat_ms.is_some() || def.step.kind.body().is_some_and(hears)
    })
}
