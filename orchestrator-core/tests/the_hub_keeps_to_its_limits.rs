//! How many attempts are in flight, who is next, what time does to them, and how a hub ends. No test sleeps: the clock is moved by hand.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::join_all;
use orchestrator_core::{
    BoxFuture, Event, JoinError, Limits, ManualClock, MemoryStore, Orchestrator, RetryPolicy, Role,
    RunFailure, RunHandle, RunId, RunReport, RunStore, Shutdown, Spawner, Start, StartError, Step,
    StepStatus, Task, TaskError, TaskOutput, Threads, Timestamp, Worker, Workflow, worker_fn,
    yield_now,
};

fn count(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

fn task(name: &str) -> Step {
    Step::task(name, Role::CODER)
}

fn built(name: &str, steps: impl IntoIterator<Item = Step>) -> Workflow {
    let builder = Workflow::builder(name);
    steps.into_iter().fold(builder, |builder, step| builder.step(step)).build().unwrap()
}

fn hub(base: Orchestrator, worker: impl Worker + 'static, workflow: Workflow) -> Orchestrator {
    let mut hub = base;
    hub.register_worker("ada", Role::CODER, worker).unwrap();
    hub.register_workflow(workflow).unwrap();
    hub
}

fn start(hub: &Orchestrator) -> RunHandle {
    hub.start("w", Start::goal("goal")).unwrap()
}

/// Drives as far as it goes without waiting.
fn drive(hub: &Orchestrator) {
    let _either_way = hub.drive().now_or_never();
}

#[track_caller]
fn error(report: &RunReport) -> TaskError {
    match report.output() {
        Err(RunFailure::Failed { error, .. }) => *error,
        other => panic!("{other:?}"),
    }
}

/// How many are at work together, at most, by what they are counted under.
#[derive(Default)]
struct Crowd(Mutex<BTreeMap<String, (usize, usize)>>);

impl Crowd {
    fn enter(&self, name: &str) {
        let mut crowd = self.0.lock().unwrap();
        let (now, most) = crowd.entry(name.to_owned()).or_default();
        *now += 1;
        *most = (*most).max(*now);
    }
    fn leave(&self, name: &str) {
        self.0.lock().unwrap().get_mut(name).unwrap().0 -= 1;
    }
    fn most(&self, name: &str) -> usize {
        self.0.lock().unwrap()[name].1
    }
}

#[test]
fn attempts_are_bounded_by_hub_workflow_and_role() {
    for spawned in [false, true] {
        let crowd = Arc::new(Crowd::default());
        let counted = |role: &'static str| {
            let crowd = crowd.clone();
            worker_fn(move |task: Task| {
                let crowd = crowd.clone();
                async move {
                    let workflow = task.context().goal().to_owned();
                    let names = ["all", role, workflow.as_str()];
                    names.iter().for_each(|name| crowd.enter(name));
                    for _ in 0..3 {
                        yield_now().await;
                    }
                    names.iter().for_each(|name| crowd.leave(name));
                    Ok(TaskOutput::default())
                }
            })
        };
        let narrow = built("narrow", (0..12).map(|at| task(&format!("s{at}"))));
        let mut limits = Limits { attempts_max: count(6), ..Limits::default() };
        limits.attempts_max_of_role.insert(Role::TESTER, count(2));
        limits.attempts_max_of_workflow.insert(narrow.name().clone(), count(3));
        let mut hub = Orchestrator::new().with_limits(limits);
        if spawned {
            hub = hub.with_spawner(Arc::new(Threads::new(count(8)).unwrap()));
        }
        hub.register_worker("ada", Role::CODER, counted("coder")).unwrap();
        hub.register_worker("grace", Role::TESTER, counted("tester")).unwrap();
        hub.register_workflow(narrow).unwrap();
        let mixed = (0..24).map(|at| match at % 2 {
            0 => task(&format!("s{at}")),
            _ => Step::task(format!("s{at}"), Role::TESTER),
        });
        hub.register_workflow(built("mixed", mixed)).unwrap();
        let runs = ["narrow", "mixed", "narrow", "mixed"].map(|name| hub.execute(name, name));
        assert!(block_on(join_all(runs)).iter().all(Result::is_ok));
        if spawned {
            assert!(crowd.most("all") <= 6 && crowd.most("tester") <= 2);
            assert!(crowd.most("narrow") <= 3);
        } else {
            assert_eq!((crowd.most("all"), crowd.most("tester")), (6, 2));
            assert_eq!(crowd.most("narrow"), 3);
        }
    }
}

/// Writes down who came.
fn scribe() -> (Arc<Mutex<Vec<String>>>, impl Worker) {
    let came: Arc<Mutex<Vec<String>>> = Arc::default();
    let list = came.clone();
    let worker = worker_fn(move |task: Task| {
        list.lock().unwrap().push(format!("{}:{}", task.context().goal(), task.path()));
        std::future::ready(Ok(TaskOutput::default()))
    });
    (came, worker)
}

#[test]
fn the_urgent_goes_first_and_equals_in_the_order_in_which_they_came() {
    let (came, worker) = scribe();
    let steps = [("low", -1), ("one", 0), ("two", 0), ("high", 5), ("three", 0)];
    let steps = steps.map(|(name, priority)| task(name).priority(priority));
    let hub = hub(Orchestrator::new().with_concurrency(count(1)), worker, built("w", steps));
    let runs = ["a", "b"].map(|goal| hub.start("w", Start::goal(goal)).unwrap());
    block_on(hub.drive());
    drop(runs);
    let wanted = [
        "a:high", "b:high", "a:one", "a:two", "a:three", "b:one", "b:two", "b:three", "a:low",
        "b:low",
    ];
    assert_eq!(*came.lock().unwrap(), wanted);
}

#[test]
fn an_attempt_that_takes_too_long_is_tried_again_and_gives_its_place_back() {
    struct Guard(Arc<AtomicUsize>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    for spawned in [false, true] {
        let gone = Arc::new(AtomicUsize::new(0));
        let count_gone = gone.clone();
        // The first attempt ignores everything.
        let stubborn = worker_fn(move |task: Task| {
            let guard = Guard(count_gone.clone());
            async move {
                if task.attempt() == 1 {
                    let _guard = guard;
                    std::future::pending::<()>().await;
                }
                Ok(TaskOutput::of(&task.attempt())?)
            }
        });
        let clock = Arc::new(ManualClock::at(Timestamp(0)));
        let mut base = Orchestrator::new().with_clock(clock.clone()).with_concurrency(count(1));
        if spawned {
            base = base.with_spawner(Arc::new(Threads::new(count(1)).unwrap()));
        }
        let step = task("a")
            .attempt_timeout(Duration::from_secs(10))
            .retry(RetryPolicy::attempts(2).at_once());
        let hub = hub(base, stubborn, built("w", [step]));
        let run = start(&hub);
        drive(&hub);
        clock.advance(Duration::from_secs(10));
        let report = block_on(run.join()).unwrap();
        assert_eq!(report.output().unwrap().as_json(), "2", "spawned: {spawned}");
        assert!(gone.load(Ordering::SeqCst) >= 1, "what nobody waits for is dropped");
    }
}

#[test]
fn a_worker_that_says_that_it_is_alive_is_not_given_up() {
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    for alive in [true, false] {
        let moved = clock.clone();
        let worker = worker_fn(move |task: Task| {
            let clock = moved.clone();
            async move {
                for turn in 0..6 {
                    clock.advance(Duration::from_secs(4));
                    match (alive, turn % 3) {
                        (false, _) => {}
                        (true, 0) => task.heartbeat(),
                        (true, 1) => task.progress(0.5, "half"),
                        (true, _) => task.log("still here"),
                    }
                    yield_now().await;
                }
                Ok(TaskOutput::default())
            }
        });
        let step = task("a").heartbeat_timeout(Duration::from_secs(5));
        let base = Orchestrator::new().with_clock(clock.clone());
        let hub = hub(base, worker, built("w", [step]));
        let report = block_on(start(&hub).join()).unwrap();
        if alive {
            assert!(report.output().is_ok());
        } else {
            assert_eq!(error(&report).code, "heartbeat_timeout");
        }
        let beat = |event: &Event| matches!(event, Event::HeartbeatReceived { .. });
        assert_eq!(report.history.iter().any(|recorded| beat(&recorded.event)), alive);
    }
}

#[test]
fn many_clocks_ring_for_many_runs() {
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let mut hub = Orchestrator::new().with_clock(clock.clone());
    for seconds in 1..=5 {
        let wait = Step::wait_for("wait", Duration::from_secs(seconds));
        hub.register_workflow(built(&format!("w{seconds}"), [wait])).unwrap();
    }
    let begin = |seconds: u64| hub.start(&format!("w{seconds}"), Start::default()).unwrap();
    let runs = [3, 1, 5, 2, 4].map(|seconds| (seconds, begin(seconds)));
    drive(&hub);
    for now in 1..=5 {
        clock.advance(Duration::from_secs(1));
        drive(&hub);
        for (seconds, run) in &runs {
            assert_eq!(run.view().result.is_some(), *seconds <= now, "{seconds} at {now}");
        }
    }
}

/// Works until it is let go on.
fn gated() -> (futures::channel::oneshot::Sender<()>, impl Worker) {
    let (open, opened) = futures::channel::oneshot::channel::<()>();
    let opened = opened.shared();
    let worker = worker_fn(move |task: Task| {
        let opened = opened.clone();
        async move {
            let _open = opened.await;
            Ok(TaskOutput::from(task.input().clone()))
        }
    });
    (open, worker)
}

#[test]
fn a_hub_that_shuts_down_leaves_every_run_resumable() {
    for how in [Shutdown::Finish, Shutdown::Cancel] {
        let store = Arc::new(MemoryStore::default());
        let workflow = || built("w", [task("a"), task("b").after("a")]);
        let (open, worker) = gated();
        let first = hub(Orchestrator::new().with_store(store.clone()), worker, workflow());
        let runs: Vec<RunHandle> = (0..6).map(|_| start(&first)).collect();
        drive(&first);
        let mut ending = Box::pin(first.shutdown(how));
        if how == Shutdown::Finish {
            assert!((&mut ending).now_or_never().is_none(), "four attempts are in flight");
            open.send(()).unwrap();
        }
        block_on(ending);
        for run in &runs {
            let lost = block_on(run.join()).unwrap_err();
            assert_eq!(lost, JoinError::Shutdown { run: run.id().clone() });
            assert!(run.pause().is_err());
        }
        let late = first.start("w", Start::default()).unwrap_err();
        assert_eq!(late, StartError::ShuttingDown);
        block_on(first.drive());
        drop((runs, first));

        let done = |run: &RunId| {
            let past = block_on(store.load(run)).unwrap().unwrap();
            let events = past.events.into_iter();
            events.filter(|r| matches!(r.event, Event::StepSucceeded { .. })).count()
        };
        let kept: usize =
            block_on(store.runs()).unwrap().iter().map(|entry| done(&entry.run)).sum();
        assert_eq!(kept, if how == Shutdown::Finish { 4 } else { 0 }, "{how:?}");
        let (came, worker) = scribe();
        let second = hub(Orchestrator::new().with_store(store.clone()), worker, workflow());
        let recovered = block_on(second.recover()).unwrap();
        assert_eq!((recovered.runs.len(), recovered.refused.len()), (6, 0));
        block_on(second.drive());
        for run in recovered.runs {
            assert!(block_on(run.join()).unwrap().output().is_ok(), "{how:?}");
        }
        assert_eq!(came.lock().unwrap().len(), 12 - kept, "what was finished is not done again");
    }
}

#[test]
fn a_shutdown_ends_who_drives_for_ever() {
    let (_open, worker) = gated();
    let hub = hub(Orchestrator::new(), worker, built("w", [task("a")]));
    let run = start(&hub);
    std::thread::scope(|scope| {
        let serving = scope.spawn(|| block_on(hub.drive_until_shutdown()));
        block_on(hub.shutdown(Shutdown::Cancel));
        serving.join().unwrap();
    });
    assert!(block_on(run.join()).is_err());
    assert_eq!(run.view().steps.values().next().unwrap().status, StepStatus::Running);
}

/// Keeps what it is to run.
#[derive(Default)]
struct Later(Mutex<Vec<BoxFuture<()>>>);

impl Spawner for Later {
    fn spawn(&self, work: BoxFuture<()>) {
        self.0.lock().unwrap().push(work);
    }
}

#[test]
fn a_late_answer_of_a_spawned_worker_does_no_harm() {
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let spawner = Arc::new(Later::default());
    let base = Orchestrator::new().with_clock(clock.clone()).with_spawner(spawner.clone());
    let (_, worker) = scribe();
    let step = task("a").attempt_timeout(Duration::from_secs(1));
    let hub = hub(base, worker, built("w", [step]));
    let run = start(&hub);
    drive(&hub);
    clock.advance(Duration::from_secs(1));
    assert_eq!(error(&block_on(run.join()).unwrap()).code, "attempt_timeout");
    // Only now does its executor come to it.
    let work = spawner.0.lock().unwrap().pop().unwrap();
    block_on(work);
    drive(&hub);
    assert!(hub.drive().now_or_never().is_some());
}
