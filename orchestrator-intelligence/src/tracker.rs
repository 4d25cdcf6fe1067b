//! The history of executions in memory: the newest so many, for any number of threads.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use orchestrator_core::WorkerName;

use crate::analytics::{Analytics, Summary};
use crate::record::{ExecutionOutcome, ExecutionRecord};

/// The newest `records_max` executions, oldest first.
///
/// ```
/// use orchestrator_core::{Role, WorkerName};
/// use orchestrator_intelligence::{ExecutionOutcome, ExecutionRecord, ExecutionTracker};
/// let tracker = ExecutionTracker::new(2);
/// for task in ["a", "b", "c"] {
///     let worker = WorkerName::parse("w").unwrap();
///     tracker.record(ExecutionRecord::new(task, Role::CODER, worker, ExecutionOutcome::Success));
/// }
/// let tasks: Vec<_> = tracker.records().into_iter().map(|record| record.task_id).collect();
/// assert_eq!(tasks, ["b", "c"]);
/// ```
#[derive(Debug)]
pub struct ExecutionTracker {
    records_max: usize,
    records: Mutex<VecDeque<ExecutionRecord>>,
}

impl ExecutionTracker {
    /// A tracker that keeps at most so many records.
    pub fn new(records_max: usize) -> Self {
        ExecutionTracker { records_max, records: Mutex::new(VecDeque::new()) }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<ExecutionRecord>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a record, forgetting the oldest beyond the bound.
    pub fn record(&self, record: ExecutionRecord) {
        let mut records = self.lock();
        records.push_back(record);
        while records.len() > self.records_max {
            records.pop_front();
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// All of them, oldest first.
    pub fn records(&self) -> Vec<ExecutionRecord> {
        self.matching(|_| true)
    }

    /// Those that a condition picks, oldest first.
    pub fn matching(&self, keep: impl Fn(&ExecutionRecord) -> bool) -> Vec<ExecutionRecord> {
        self.lock().iter().filter(|r| keep(r)).cloned().collect()
    }

    /// Those that ended so.
    pub fn by_outcome(&self, outcome: ExecutionOutcome) -> Vec<ExecutionRecord> {
        self.matching(|record| record.outcome == outcome)
    }

    /// Those of an area.
    pub fn by_area(&self, area: &str) -> Vec<ExecutionRecord> {
        self.matching(|record| record.area == area)
    }

    /// Those of a worker.
    pub fn by_worker(&self, worker: &WorkerName) -> Vec<ExecutionRecord> {
        self.matching(|record| record.worker == *worker)
    }

    /// Rates and means over all of them.
    pub fn statistics(&self) -> Summary {
        Analytics::new(self.records()).summary()
    }
}
