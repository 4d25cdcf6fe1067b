//! What is bounded, and by how much.

use std::collections::BTreeMap;
use std::num::{NonZeroU64, NonZeroUsize};

use crate::id::{Role, WorkflowName};

/// The bounds of a hub. An attempt is in flight from the moment its worker is called until its worker has ended; attempts that find no
/// place wait, the larger [`priority`](crate::Step::priority) first, and among equals in the order in which they came, of whatever run
/// they are: whoever waits is overtaken by nobody of its own priority, so that no run starves.
///
/// ```
/// use orchestrator_core::{Limits, Orchestrator, Role};
/// use std::num::NonZeroUsize;
///
/// let few = NonZeroUsize::new(2).unwrap();
/// let mut limits = Limits { attempts_max: NonZeroUsize::new(32).unwrap(), ..Limits::default() };
/// limits.attempts_max_of_role.insert(Role::REVIEWER, few);
/// let hub = Orchestrator::new().with_limits(limits);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// How many attempts of all runs may be in flight. Default 4: what the documents allow.
    pub attempts_max: NonZeroUsize,
    /// How many attempts of the runs of one workflow may be in flight. Default: as many as of all.
    pub attempts_max_of_workflow: BTreeMap<WorkflowName, NonZeroUsize>,
    /// How many attempts for one role may be in flight. Default: as many as of all.
    pub attempts_max_of_role: BTreeMap<Role, NonZeroUsize>,
    /// How many runs may be active: started or resumed, and not yet over. Default 10,000: each keeps its state in memory.
    pub runs_max: NonZeroUsize,
}

/// How many attempts are in flight, unless the host says otherwise.
const ATTEMPTS_MAX: NonZeroUsize = NonZeroUsize::new(4).expect("four is not zero");
/// How many runs are active, unless the host says otherwise.
const RUNS_MAX: NonZeroUsize = NonZeroUsize::new(10_000).expect("ten thousand is not zero");

impl Default for Limits {
    fn default() -> Self {
        Limits {
            attempts_max: ATTEMPTS_MAX,
            attempts_max_of_workflow: BTreeMap::new(),
            attempts_max_of_role: BTreeMap::new(),
            runs_max: RUNS_MAX,
        }
    }
}

/// When the history of a run is replaced by a snapshot of its state, in the store and in memory. Without a store nothing is: the report
/// of the run has its whole history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotPolicy {
    /// How many events after the last snapshot there is another. Default 10,000. A large state waits for more: until writing it costs no
    /// more than writing the events did. A run that does each of its steps once thus has no snapshot.
    pub every_events: NonZeroU64,
}

/// How many events after a snapshot there is another, unless the host says otherwise.
const EVERY_EVENTS: NonZeroU64 = NonZeroU64::new(10_000).expect("ten thousand is not zero");
/// About as long as an event is when it is written.
const EVENT_BYTES: u64 = 100;
/// A step that is done once has about two events; a history is worth a snapshot when it is clearly longer than that.
const EVENTS_PER_STEP: u64 = 4;

impl Default for SnapshotPolicy {
    fn default() -> Self {
        SnapshotPolicy { every_events: EVERY_EVENTS }
    }
}

impl SnapshotPolicy {
    /// How many events follow a snapshot of so many bytes (the beginning of a run of so many steps) before there is another.
    pub(super) fn rest(self, bytes: usize, steps: usize) -> u64 {
        let worth = (bytes as u64 / EVENT_BYTES).max(steps as u64 * EVENTS_PER_STEP);
        self.every_events.get().max(worth)
    }
}
