//! The adapters: a worker whose every execution is recorded, and the improver as a worker.

use std::sync::Arc;

use orchestrator_core::{
    Capability, Clock, Failure, Payload, Task, TaskError, TaskOutput, Timestamp, Worker,
    WorkerName, async_trait,
};
use serde::{Deserialize, Serialize};

use crate::improve::{Improver, Suggestion};
use crate::knowledge::Knowledge;
use crate::metrics::RunMetrics;
use crate::pattern::{FailurePattern, failure_patterns};
use crate::profile::TaskProfile;
use crate::record::{ErrorRecord, ExecutionOutcome, ExecutionRecord};
use crate::tracker::ExecutionTracker;
use crate::troubleshoot::{Remedy, troubleshoot};

/// A worker whose executions are recorded. It changes nothing about them.
///
/// ```
/// use std::sync::Arc;
/// use orchestrator_core::{ManualClock, Payload, Seed, Task, Worker, worker_fn};
/// use orchestrator_intelligence::{ExecutionTracker, TrackedWorker};
/// let tracker = Arc::new(ExecutionTracker::new(100));
/// let echo = worker_fn(async |task: Task| Ok(task.input().clone().into()));
/// let clock = Arc::new(ManualClock::default());
/// let tracked = TrackedWorker::new("echo".parse()?, echo, tracker.clone(), clock);
/// futures::executor::block_on(tracked.execute(Task::detached(Payload::null(), Seed(1)))).unwrap();
/// assert_eq!(tracker.records()[0].worker.as_str(), "echo");
/// # Ok::<(), orchestrator_core::NameError>(())
/// ```
pub struct TrackedWorker<W> {
    name: WorkerName,
    provider: Option<String>,
    inner: W,
    tracker: Arc<ExecutionTracker>,
    clock: Arc<dyn Clock>,
}

impl<W: Worker> TrackedWorker<W> {
    /// Records what `inner` does under this name.
    pub fn new(
        name: WorkerName,
        inner: W,
        tracker: Arc<ExecutionTracker>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        TrackedWorker { name, provider: None, inner, tracker, clock }
    }

    /// The same worker, with its provider noted.
    #[must_use]
    pub fn with_provider(self, provider: impl Into<String>) -> Self {
        TrackedWorker { provider: Some(provider.into()), ..self }
    }
}

/// Records a cancellation if the execution is dropped before it ends.
struct Pending<'a> {
    tracker: &'a ExecutionTracker,
    clock: &'a dyn Clock,
    started: Timestamp,
    record: Option<ExecutionRecord>,
}

impl Pending<'_> {
    fn end(mut self, finish: impl FnOnce(&mut ExecutionRecord)) {
        if let Some(mut record) = self.record.take() {
            finish(&mut record);
            self.write(record);
        }
    }

    fn write(&self, mut record: ExecutionRecord) {
        record.at = self.clock.now();
        record.duration_ms = millis(self.started, record.at);
        self.tracker.record(record);
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if let Some(record) = self.record.take() {
            self.write(record);
        }
    }
}

fn millis(started: Timestamp, ended: Timestamp) -> u64 {
    u64::try_from(ended.since(started).as_millis()).unwrap_or(u64::MAX)
}

#[async_trait]
impl<W: Worker> Worker for TrackedWorker<W> {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let profile = TaskProfile::of(task.input(), task.role());
        let cancelled = ExecutionOutcome::Cancelled;
        let base = ExecutionRecord::new(
            task.idempotency_key(),
            task.role().clone(),
            self.name.clone(),
            cancelled,
        );
        let pending = Pending {
            tracker: &self.tracker,
            clock: &*self.clock,
            started: self.clock.now(),
            record: Some(ExecutionRecord {
                area: profile.area,
                risk: profile.risk,
                complexity: profile.complexity,
                provider: self.provider.clone(),
                retries: task.attempt().saturating_sub(1),
                ..base
            }),
        };
        let result = self.inner.execute(task).await;
        pending.end(|record| match &result {
            Ok(output) => {
                let usd = output.usage.usd;
                record.outcome = ExecutionOutcome::Success;
                // A worker's own arithmetic must not spoil every mean after it.
                record.usd = if usd.is_finite() { usd.max(0.0) } else { 0.0 };
                record.tokens = output.usage.tokens;
            }
            Err(error) => {
                if error.failure != Failure::Cancelled {
                    record.outcome = ExecutionOutcome::Failed;
                }
                record.error =
                    Some(ErrorRecord { kind: error.code.clone(), message: error.message.clone() });
            }
        });
        result
    }

    fn capabilities(&self) -> Vec<Capability> {
        self.inner.capabilities()
    }
}

/// What the improver found after a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Improvement {
    /// What to change for the next run.
    pub suggestions: Vec<Suggestion>,
    /// What to do about the troubles of this run.
    pub remedies: Vec<Remedy>,
    /// Failures that come again.
    pub failure_patterns: Vec<FailurePattern>,
    /// The knowledge that all this was argued from.
    pub knowledge_hash: String,
}

/// Reads [`RunMetrics`], answers with an [`Improvement`] argued from a snapshot.
///
/// ```
/// use orchestrator_core::{Payload, Seed, Task, Worker};
/// use orchestrator_intelligence::{Improvement, ImproverWorker, Knowledge, RunMetrics};
/// let worker = ImproverWorker::new(Knowledge::default());
/// let metrics = RunMetrics { syntax_errors: 2, ..RunMetrics::default() };
/// let task = Task::detached(Payload::of(&metrics)?, Seed(1));
/// let output = futures::executor::block_on(worker.execute(task)).unwrap();
/// let improvement: Improvement = output.payload.to()?;
/// assert_eq!(improvement.remedies[0].measured, "2 files did not parse");
/// # Ok::<(), orchestrator_core::PayloadError>(())
/// ```
#[derive(Debug, Clone)]
pub struct ImproverWorker {
    knowledge: Arc<Knowledge>,
}

impl ImproverWorker {
    /// A worker that knows this.
    pub fn new(knowledge: impl Into<Arc<Knowledge>>) -> Self {
        ImproverWorker { knowledge: knowledge.into() }
    }
}

#[async_trait]
impl Worker for ImproverWorker {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let metrics: RunMetrics = task.input().to()?;
        if task.cancellation().is_cancelled() {
            return Err(TaskError::cancelled());
        }
        let improvement = Improvement {
            suggestions: Improver::suggest(&self.knowledge, &metrics),
            remedies: troubleshoot(&metrics),
            failure_patterns: failure_patterns(&self.knowledge),
            knowledge_hash: self.knowledge.hash(),
        };
        let found = improvement.suggestions.len() + improvement.remedies.len();
        task.progress(1.0, format!("{found} proposals"));
        Ok(Payload::of(&improvement)?.into())
    }
}
