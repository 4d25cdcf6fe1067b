//! The hub: workers, routers, observers and clocks around a run. No test sleeps: the clock is moved by hand.

use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use futures::executor::block_on;
use futures::future::poll_fn;
use orchestrator_core::{
    BlobRef, Candidate, ClosureError, Context, Decision, Event, ExecuteError, ManualClock, Note,
    Observer, Orchestrator, Outcome, Path, Payload, Recorded, Request, RetryPolicy, Role,
    RouteError, Router, RunFailure, RunId, RunReport, Seed, Spawner, Start, StartError, Step, Task,
    TaskError, TaskOutput, Threads, Timestamp, Usage, Worker, Workflow, async_trait, pipeline,
    transform_fn, typed_worker, worker_fn,
};

fn built(steps: impl IntoIterator<Item = Step>) -> Workflow {
    let builder = Workflow::builder("w");
    steps.into_iter().fold(builder, |builder, step| builder.step(step)).build().unwrap()
}

fn task(id: &str) -> Step {
    Step::task(id, Role::CODER)
}

fn hub(worker: impl Worker + 'static, workflow: Workflow) -> Orchestrator {
    prepared(Orchestrator::new(), worker, workflow)
}

fn prepared(
    mut hub: Orchestrator,
    worker: impl Worker + 'static,
    workflow: Workflow,
) -> Orchestrator {
    hub.register_worker("ada", Role::CODER, worker).unwrap();
    hub.register_workflow(workflow).unwrap();
    hub
}

fn run(hub: &Orchestrator) -> RunReport {
    block_on(hub.execute("w", "goal")).unwrap()
}

#[track_caller]
fn error(report: &RunReport) -> TaskError {
    match report.output() {
        Err(RunFailure::Failed { error, .. }) => *error,
        other => panic!("{other:?}"),
    }
}

/// Gives the input back.
fn echo() -> impl Worker {
    worker_fn(async |task: Task| Ok(TaskOutput::from(task.input().clone())))
}

/// Polls to the end, and moves the clock whenever nothing else moves.
fn with_clock<T>(clock: &ManualClock, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    block_on(poll_fn(|context| {
        let polled = future.as_mut().poll(context);
        if polled.is_pending() {
            clock.advance(Duration::from_millis(100));
            context.waker().wake_by_ref();
        }
        polled
    }))
}

#[test]
fn a_pipeline_of_typed_workers_runs_to_its_end() {
    let mut hub = Orchestrator::new();
    let length = typed_worker(async |goal: String, _: Task| Ok(goal.len()));
    let double = typed_worker(async |length: usize, task: Task| {
        assert_eq!(task.context().output::<usize>("count")?, length);
        Ok(2 * length)
    });
    hub.register_worker("ada", Role::CODER, length).unwrap();
    hub.register_worker("grace", Role::TESTER, double).unwrap();
    let steps = [("count", Role::CODER, ""), ("double", Role::TESTER, "")];
    hub.register_workflow(pipeline("w", steps).unwrap()).unwrap();
    let report = run(&hub);
    assert_eq!(report.output().unwrap().to::<usize>().unwrap(), 8);
    assert_eq!(report.run.as_str(), "w-1");
    assert_eq!(report.outputs.len(), 2);
    let start = Start {
        input: Some(Payload::from("a text")),
        id: Some(RunId::parse("mine").unwrap()),
        ..Start::default()
    };
    let report = block_on(hub.execute_with("w", start)).unwrap();
    assert_eq!((report.run.as_str(), report.output().unwrap().as_json()), ("mine", "12"));
    // A wrong shape is the step's failure.
    let start = Start { input: Some(Payload::null()), ..Start::default() };
    let report = block_on(hub.execute_with("w", start)).unwrap();
    assert_eq!(error(&report).code, "payload");
}

#[test]
fn an_unknown_workflow_is_an_error_that_names_the_known_ones() {
    let refused = block_on(hub(echo(), built([task("a")])).execute("v", "goal")).unwrap_err();
    assert_eq!(refused.to_string(), "no workflow named \"v\" is registered; there are: w");
    assert!(matches!(refused, ExecuteError::Start(StartError::UnknownWorkflow { .. })));
}

#[test]
fn a_retry_waits_for_the_clock() {
    let clock = Arc::new(ManualClock::at(Timestamp(5_000)));
    let flaky = worker_fn(async |task: Task| match task.attempt() {
        1 => Err(TaskError::retryable("flaky", "")),
        2 => Err(TaskError::retryable_after(Duration::from_secs(30), "busy", "")),
        attempt => Ok(TaskOutput::of(&attempt)?),
    });
    let workflow = built([task("a").retry(RetryPolicy::attempts(3))]);
    let hub = prepared(Orchestrator::new().with_clock(clock.clone()), flaky, workflow);
    let report = with_clock(&clock, hub.execute("w", "goal")).unwrap();
    assert_eq!(report.output().unwrap().as_json(), "3");
    let rests: Vec<u64> = report
        .history
        .iter()
        .filter_map(|recorded| match recorded.event {
            Event::AttemptFailed { retry_at, .. } => Some(retry_at.0 - recorded.at.0),
            _ => None,
        })
        .collect();
    assert!((800..=1_000).contains(&rests[0]), "a second, shortened by jitter: {rests:?}");
    assert_eq!(rests[1], 30_000);
    let starts: Vec<u64> = report
        .history
        .iter()
        .filter(|recorded| matches!(recorded.event, Event::AttemptStarted { .. }))
        .map(|recorded| recorded.at.0)
        .collect();
    assert!(starts[2] >= starts[1] + 30_000, "{starts:?}");
}

/// Panics while it makes its future, not while that is polled.
struct Hasty;

impl Worker for Hasty {
    fn execute<'a, 'b>(
        &'a self,
        task: Task,
    ) -> Pin<Box<dyn Future<Output = Result<TaskOutput, TaskError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        assert!(task.attempt() > 1, "too soon");
        Box::pin(async { Ok(TaskOutput::default()) })
    }
}

#[test]
fn a_worker_that_panics_has_failed_an_attempt() {
    let retried = || built([task("a").retry(RetryPolicy::attempts(2).at_once())]);
    let slow = worker_fn(async |task: Task| {
        assert!(task.attempt() > 1, "not {}", "yet");
        Ok(TaskOutput::default())
    });
    for report in [run(&hub(slow, retried())), run(&hub(Hasty, retried()))] {
        assert!(report.output().is_ok(), "the second attempt succeeds");
    }
    let report = run(&hub(Hasty, built([task("a")])));
    let error = error(&report);
    assert_eq!(error.to_string(), "panic: the worker panicked: too soon");
}

#[test]
fn transformers_shape_inputs_and_outputs_and_may_fail() {
    let upper = || {
        transform_fn("upper", 1, |payload: &Payload, context: &Context| {
            assert_eq!(context.goal(), "goal");
            Ok(Payload::from(payload.to::<String>()?.to_uppercase()))
        })
    };
    let report = run(&hub(echo(), built([task("a").input(upper())])));
    assert_eq!(report.output().unwrap().as_json(), "\"GOAL\"");
    let report = run(&hub(echo(), built([task("a").output(upper())])));
    assert_eq!(report.output().unwrap().as_json(), "\"GOAL\"");
    let refusing = || {
        transform_fn("refuse", 1, |_: &Payload, _: &Context| {
            Err::<Payload, _>(ClosureError::new("I would rather not"))
        })
    };
    let panicking = || {
        transform_fn("panic", 1, |_: &Payload, _: &Context| -> Result<Payload, ClosureError> {
            panic!("oh")
        })
    };
    #[track_caller]
    fn check(step: Step, message: &str) {
        // A transformer is pure: it would fail again.
        let step = step.retry(RetryPolicy::attempts(3));
        let error = error(&run(&hub(echo(), built([step]))));
        assert_eq!((error.code.as_str(), error.message.as_str()), ("transformer", message));
    }
    check(task("a").input(refusing()), "transformer \"refuse\": I would rather not");
    check(task("a").output(refusing()), "transformer \"refuse\": I would rather not");
    check(task("a").input(panicking()), "transformer \"panic\": it panicked: oh");
    check(task("a").output(panicking()), "transformer \"panic\": it panicked: oh");
}

/// Keeps what it is asked and told.
#[derive(Default)]
struct Scribe {
    asked: Mutex<Vec<(Request, usize)>>,
    told: Mutex<Vec<Outcome>>,
}

struct Routing(Arc<Scribe>);

impl Router for Routing {
    fn route(&self, request: &Request, candidates: &[Candidate]) -> Result<Decision, RouteError> {
        self.0.asked.lock().unwrap().push((request.clone(), candidates.len()));
        let chosen = candidates.iter().rev().find(|c| !request.tried.contains(&c.worker));
        Ok(Decision {
            worker: chosen.unwrap_or(&candidates[0]).worker.clone(),
            rationale: "the last that has not tried".to_owned(),
            confidence: 1.0,
            propensity: 1.0,
        })
    }

    fn observe(&self, outcome: &Outcome) {
        self.0.told.lock().unwrap().push(outcome.clone());
        panic!("who watches does no harm");
    }
}

#[test]
fn the_router_is_asked_among_several_and_learns_how_it_went() {
    let scribe = Arc::new(Scribe::default());
    let mut hub = Orchestrator::new().with_router(Routing(scribe.clone()));
    let usage = Usage { tokens: 7, ..Usage::default() };
    let good = worker_fn(move |_: Task| async move {
        Ok(TaskOutput::from(Payload::from("by grace")).with_usage(usage))
    });
    let bad = worker_fn(async |_: Task| Err(TaskError::retryable("tired", "")));
    hub.register_worker("alone", Role::TESTER, echo()).unwrap();
    hub.register_worker("grace", Role::CODER, good).unwrap();
    hub.register_worker("ada", Role::CODER, bad).unwrap();
    let retry = RetryPolicy::attempts(2).at_once();
    let steps = [Step::task("alone", Role::TESTER), task("a").after("alone").retry(retry)];
    hub.register_workflow(built(steps)).unwrap();
    let report = run(&hub);
    assert_eq!(report.output().unwrap().as_json(), "\"by grace\"");
    assert_eq!(report.usage().tokens, 7);
    let asked = scribe.asked.lock().unwrap();
    assert_eq!(asked.len(), 2, "not about the step that only one can do");
    assert!(asked.iter().all(|(request, count)| request.path.to_string() == "a" && *count == 2));
    assert_eq!((asked[0].0.attempt, asked[0].0.tried.len()), (1, 0));
    assert_eq!((asked[1].0.attempt, asked[1].0.tried[0].as_str()), (2, "ada"));
    assert_ne!(asked[0].0.seed, asked[1].0.seed);
    let told = scribe.told.lock().unwrap();
    assert_eq!(told.len(), 2);
    assert_eq!(
        (told[0].worker.as_str(), told[0].error.as_ref().unwrap().code.as_str()),
        ("ada", "tired")
    );
    assert_eq!((told[1].worker.as_str(), told[1].usage.tokens), ("grace", 7));
    assert!(told[1].error.is_none());
}

/// Answers with what it was given.
struct Fixed(fn() -> Result<Decision, RouteError>, Arc<AtomicUsize>);

impl Router for Fixed {
    fn route(&self, _: &Request, _: &[Candidate]) -> Result<Decision, RouteError> {
        self.0()
    }
    fn observe(&self, _: &Outcome) {
        self.1.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_router_that_fails_fails_the_step() {
    #[track_caller]
    fn check(route: fn() -> Result<Decision, RouteError>, message: &str) {
        let observed = Arc::new(AtomicUsize::new(0));
        let mut hub = Orchestrator::new().with_router(Fixed(route, observed.clone()));
        hub.register_worker("grace", Role::CODER, echo()).unwrap();
        let hub = prepared(hub, echo(), built([task("a")]));
        let error = error(&run(&hub));
        assert_eq!((error.code.as_str(), error.message.as_str()), ("no_route", message));
        assert_eq!(observed.load(Ordering::Relaxed), 0, "nobody was routed to");
    }
    fn decision(worker: &str, confidence: f64) -> Result<Decision, RouteError> {
        let worker = orchestrator_core::WorkerName::parse(worker).unwrap();
        Ok(Decision { worker, rationale: String::new(), confidence, propensity: 1.0 })
    }
    check(|| Err(RouteError { reason: "nobody will do".to_owned() }), "nobody will do");
    check(
        || decision("edsger", 1.0),
        "step a was routed to \"edsger\", which is no candidate for it",
    );
    check(|| decision("ada", f64::NAN), "the router's confidence or propensity is not finite");
    check(|| panic!("oh"), "the router panicked: oh");
}

#[test]
fn no_more_attempts_are_in_flight_than_allowed() {
    for allowed in [1, 3] {
        let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (counted, seen) = (open.clone(), most.clone());
        let slow = worker_fn(move |_: Task| {
            let (open, most) = (counted.clone(), seen.clone());
            async move {
                most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                for _ in 0..3 {
                    yield_once().await;
                }
                open.fetch_sub(1, Ordering::SeqCst);
                Ok(TaskOutput::default())
            }
        });
        let steps = (0..12).map(|at| task(&format!("s{at}")));
        let base = Orchestrator::new().with_concurrency(NonZeroUsize::new(allowed).unwrap());
        assert!(run(&prepared(base, slow, built(steps))).output().is_ok());
        assert_eq!(most.load(Ordering::SeqCst), allowed);
    }
}

async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[test]
fn threads_give_the_same_outcome_as_none() {
    let workflow = || {
        let fan = (0..20).map(|at| task(&format!("s{at:02}")).after("first"));
        let all: Vec<String> = (0..20).map(|at| format!("s{at:02}")).collect();
        built([task("first")].into_iter().chain(fan).chain([task("last").after_all(all)]))
    };
    let draw = || {
        worker_fn(async |task: Task| {
            let mut stream = task.seed().stream();
            TaskOutput::of(&(task.path().to_string(), stream.word(), task.context().visible()))
                .map_err(Into::into)
        })
    };
    let alone = run(&hub(draw(), workflow()));
    let threads = Threads::new(NonZeroUsize::new(4).unwrap()).unwrap();
    let base = Orchestrator::new().with_spawner(Arc::new(threads));
    let together = run(&prepared(base, draw(), workflow()));
    assert_eq!(alone.result, together.result);
    assert_eq!(alone.outputs, together.outputs);
    let start = Start { goal: "goal".to_owned(), seed: Seed(1), ..Start::default() };
    let other = block_on(hub(draw(), workflow()).execute_with("w", start)).unwrap();
    assert_ne!(alone.outputs, other.outputs, "another seed is another run");
}

/// Keeps what it is to run.
#[derive(Default)]
struct Later(Mutex<Vec<orchestrator_core::BoxFuture<()>>>);

impl Spawner for Later {
    fn spawn(&self, work: orchestrator_core::BoxFuture<()>) {
        self.0.lock().unwrap().push(work);
    }
}

#[test]
fn a_dropped_hub_cancels_what_is_still_at_work() {
    let stopped = Arc::new(AtomicUsize::new(0));
    let count = stopped.clone();
    let patient = worker_fn(move |task: Task| {
        let count = count.clone();
        async move {
            assert!(!task.cancellation().is_cancelled());
            task.cancellation().cancelled().await;
            count.fetch_add(1, Ordering::SeqCst);
            Err(TaskError::cancelled())
        }
    });
    let spawner = Arc::new(Later::default());
    let base = Orchestrator::new().with_spawner(spawner.clone());
    let hub = prepared(base, patient, built([task("a")]));
    let mut execution = Box::pin(hub.execute("w", "goal"));
    let polled =
        block_on(poll_fn(|context| Poll::Ready(execution.as_mut().poll(context).is_pending())));
    let mut work = spawner.0.lock().unwrap().pop().unwrap();
    let pending =
        block_on(poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_pending())));
    assert!(polled && pending);
    drop(execution);
    let pending =
        block_on(poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_pending())));
    assert!(pending, "the run is still in the hub: whoever drives next goes on with it");
    drop(hub);
    block_on(work);
    assert_eq!(stopped.load(Ordering::SeqCst), 1);
}

#[test]
fn a_spawner_that_drops_its_work_leaves_an_unknown_outcome() {
    struct Careless;
    impl Spawner for Careless {
        fn spawn(&self, _: orchestrator_core::BoxFuture<()>) {}
    }
    let base = Orchestrator::new().with_spawner(Arc::new(Careless));
    let report = run(&prepared(base, echo(), built([task("a").retry(RetryPolicy::attempts(3))])));
    assert_eq!(error(&report).code, "dropped");
}

#[derive(Default)]
struct Watcher {
    events: Mutex<Vec<Recorded>>,
    notes: Mutex<Vec<(String, Note)>>,
}

impl Observer for Watcher {
    fn recorded(&self, _: &RunId, event: &Recorded) {
        self.events.lock().unwrap().push(event.clone());
        assert!(event.seq != 2, "an observer that panics has no influence");
    }
    fn noted(&self, run: &RunId, path: &Path, note: &Note) {
        self.notes.lock().unwrap().push((format!("{run} {path}"), note.clone()));
        assert!(!matches!(note, Note::Log { .. }), "nor has this one");
    }
}

#[test]
fn an_observer_hears_every_event_and_note() {
    let watcher = Arc::new(Watcher::default());
    let talker = worker_fn(async |task: Task| {
        task.progress(1.5, "more than done");
        task.log("a line");
        Ok(TaskOutput::default())
    });
    let base = Orchestrator::new().with_observer(watcher.clone());
    let report = run(&prepared(base, talker, built([task("a")])));
    assert!(report.output().is_ok());
    assert_eq!(*watcher.events.lock().unwrap(), report.history);
    let progress = Note::Progress { done: 1.0, message: "more than done".to_owned() };
    let log = Note::Log { line: "a line".to_owned() };
    let at = || "w-1 a".to_owned();
    assert_eq!(*watcher.notes.lock().unwrap(), [(at(), progress), (at(), log)]);
}

#[test]
fn a_payload_that_is_too_large_does_not_travel() {
    let large = || Payload::from("x".repeat(orchestrator_core::PAYLOAD_BYTES_MAX));
    let worker = worker_fn(move |_: Task| async move { Ok(TaskOutput::from(large())) });
    let report = run(&hub(worker, built([task("a").retry(RetryPolicy::attempts(2))])));
    let refused = error(&report);
    assert_eq!(refused.code, "payload_too_large");
    assert_eq!(
        refused.message,
        "the payload has 1048578 bytes, of which 1048576 may travel; store it and pass on a BlobRef"
    );
    let inflate = transform_fn("inflate", 1, move |_: &Payload, _: &Context| Ok(large()));
    let report = run(&hub(echo(), built([task("a").input(inflate)])));
    assert_eq!(error(&report).code, "payload_too_large");
    // A failure stays what it is; only what it carries is cut.
    let failing = worker_fn(move |_: Task| async move {
        Err(TaskError::terminal("bad", "").with_details(large()))
    });
    let report = run(&hub(failing, built([task("a")])));
    let cut = error(&report);
    assert!(cut.code == "bad" && cut.details.bytes() < 200, "{} {}", cut.code, cut.details.bytes());
    let _way_out: Option<BlobRef> = None;
}

/// A worker may be shared, and a hub drive several runs at once.
#[test]
fn one_hub_drives_many_runs() {
    struct Shared(AtomicUsize);
    #[async_trait]
    impl Worker for Shared {
        async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            yield_once().await;
            Ok(task.input().clone().into())
        }
    }
    let hub = hub(Shared(AtomicUsize::new(0)), built([task("a"), task("b").after("a")]));
    let goals: Vec<String> = (0..8).map(|at| format!("goal {at}")).collect();
    let runs = goals.iter().map(|goal| hub.execute("w", goal));
    let reports = block_on(futures::future::join_all(runs));
    for (goal, report) in goals.iter().zip(reports) {
        assert_eq!(report.unwrap().output().unwrap().to::<String>().unwrap(), *goal);
    }
}
