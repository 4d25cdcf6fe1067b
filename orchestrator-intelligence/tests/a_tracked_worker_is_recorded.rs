//! The adapters: recorded success, failure and cancellation, and the improver as a worker.

use std::sync::Arc;
use std::time::Duration;

use futures::executor::block_on;
use orchestrator_core::{
    Cancellation, Failure, ManualClock, Payload, Seed, Task, TaskError, TaskOutput, Timestamp,
    Usage, Worker, WorkerName, worker_fn,
};
use orchestrator_intelligence::{
    ExecutionOutcome, ExecutionTracker, ImproverWorker, Knowledge, RunMetrics, TrackedWorker,
};

fn task(json: &str) -> Task {
    Task::detached(Payload::parse(json).unwrap(), Seed(1))
}

#[test]
fn time_cost_and_kind_of_task_are_recorded() {
    let tracker = Arc::new(ExecutionTracker::new(10));
    let clock = Arc::new(ManualClock::at(Timestamp(1_000)));
    let moved = clock.clone();
    let inner = worker_fn(move |task: Task| {
        let clock = moved.clone();
        async move {
            clock.advance(Duration::from_millis(450));
            let usage = Usage { tokens: 7, usd: 0.38, seconds: 0.0 };
            Ok(TaskOutput::from(task.input().clone()).with_usage(usage))
        }
    });
    let name = WorkerName::parse("sonnet").unwrap();
    let worker = TrackedWorker::new(name, inner, tracker.clone(), clock).with_provider("claude");
    let input = r#"{"area": "docs", "risk": "high", "complexity": "large"}"#;
    let output = block_on(worker.execute(task(input))).unwrap();
    assert_eq!(output.payload, Payload::parse(input).unwrap());
    let record = &tracker.records()[0];
    assert_eq!((record.duration_ms, record.at, record.tokens), (450, Timestamp(1_450), 7));
    assert_eq!((record.area.as_str(), record.usd), ("docs", 0.38));
    assert_eq!(record.provider.as_deref(), Some("claude"));
    let json: serde_json::Value = serde_json::to_value(record).unwrap();
    assert_eq!((&json["risk"], &json["complexity"]), (&"high".into(), &"large".into()));
}

#[test]
fn failures_and_cancellations_are_told_apart() {
    let tracker = Arc::new(ExecutionTracker::new(10));
    let worker = |error: TaskError| {
        let inner = worker_fn(move |_| {
            let error = error.clone();
            async move { Err(error) }
        });
        let name = WorkerName::parse("w").unwrap();
        TrackedWorker::new(name, inner, tracker.clone(), Arc::new(ManualClock::default()))
    };
    block_on(worker(TaskError::retryable("busy", "later")).execute(task("1"))).unwrap_err();
    block_on(worker(TaskError::cancelled()).execute(task("1"))).unwrap_err();
    let records = tracker.records();
    assert_eq!(records[0].outcome, ExecutionOutcome::Failed);
    assert_eq!(records[0].error.as_ref().unwrap().kind, "busy");
    assert_eq!(records[1].outcome, ExecutionOutcome::Cancelled);
}

#[test]
fn an_execution_that_is_dropped_counts_as_cancelled() {
    let tracker = Arc::new(ExecutionTracker::new(10));
    let inner =
        worker_fn(async |_| -> Result<TaskOutput, TaskError> { std::future::pending().await });
    let name = WorkerName::parse("w").unwrap();
    let worker = TrackedWorker::new(name, inner, tracker.clone(), Arc::new(ManualClock::default()));
    let mut execution = worker.execute(task("1"));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(execution.as_mut().poll(&mut context).is_pending());
    drop(execution);
    assert_eq!(tracker.records()[0].outcome, ExecutionOutcome::Cancelled);
    // One that never began is not recorded at all.
    drop(worker.execute(task("1")));
    assert_eq!(tracker.len(), 1);
}

#[test]
fn the_improver_answers_the_same_bytes_and_names_its_knowledge() {
    let knowledge = Knowledge::default();
    let hash = knowledge.hash();
    let worker = ImproverWorker::new(knowledge);
    let input = Payload::of(&RunMetrics { syntax_errors: 1, ..RunMetrics::default() }).unwrap();
    let answer = || block_on(worker.execute(Task::detached(input.clone(), Seed(1)))).unwrap();
    assert_eq!(answer(), answer());
    assert_eq!(answer().payload.at::<String>("/knowledge_hash").unwrap(), hash);

    let (cancel, cancellation) = Cancellation::new();
    cancel.cancel();
    let late = Task::detached(input.clone(), Seed(1)).with_cancellation(cancellation);
    assert_eq!(block_on(worker.execute(late)).unwrap_err().failure, Failure::Cancelled);
    assert_eq!(block_on(worker.execute(task("[1]"))).unwrap_err().code, "payload");
}
