//! What a host does with the handle of a run: look, decide, signal, pause, cancel, and wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::executor::block_on;
use futures::{FutureExt, StreamExt};
use orchestrator_core::{
    Decided, Event, Handled, Ignored, Limits, ManualClock, Observer, OpenDecision, Orchestrator,
    Path, Payload, Role, RunFailure, RunHandle, RunId, SignalName, Start, StartError, Step,
    StepStatus, Task, TaskError, TaskOutput, TellError, Timestamp, Workflow, worker_fn,
};

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn built(steps: impl IntoIterator<Item = Step>) -> Workflow {
    let builder = Workflow::builder("w");
    steps.into_iter().fold(builder, |builder, step| builder.step(step)).build().unwrap()
}

fn task(id: &str) -> Step {
    Step::task(id, Role::GENERIC)
}

fn hub(base: Orchestrator, steps: impl IntoIterator<Item = Step>) -> Orchestrator {
    let mut hub = base;
    let echo = worker_fn(async |task: Task| Ok(TaskOutput::from(task.input().clone())));
    hub.register_worker("echo", Role::GENERIC, echo).unwrap();
    hub.register_workflow(built(steps)).unwrap();
    hub
}

fn start(hub: &Orchestrator) -> RunHandle {
    hub.start("w", Start::goal("goal")).unwrap()
}

/// Drives as far as it goes without waiting.
fn drive(hub: &Orchestrator) {
    let driven = hub.drive().now_or_never();
    let _either_way: Option<()> = driven;
}

fn ask(id: &str) -> Step {
    Step::decision(id, format!("{id}?"), ["yes", "no"])
}

#[derive(Default)]
struct Desk {
    asked: Mutex<Vec<OpenDecision>>,
    withdrawn: Mutex<Vec<Path>>,
}

impl Observer for Desk {
    fn asked(&self, _: &RunId, decision: &OpenDecision) {
        self.asked.lock().unwrap().push(decision.clone());
    }
    fn withdrawn(&self, _: &RunId, path: &Path) {
        self.withdrawn.lock().unwrap().push(path.clone());
    }
}

#[test]
fn decisions_are_answered_in_any_order_and_asked_once() {
    let names = ["a", "b", "c"];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let desk = Arc::new(Desk::default());
        let base = Orchestrator::new().with_observer(desk.clone());
        let hub = hub(base, names.map(ask));
        let run = start(&hub);
        assert!(run.open_decisions().is_empty(), "nothing goes out before somebody drives");
        drive(&hub);
        let open: Vec<String> = run.open_decisions().iter().map(|d| d.path.to_string()).collect();
        assert_eq!(open, names);
        for (done, at) in order.into_iter().enumerate() {
            let receipt = run.decide(path(names[at]), Decided::new("yes")).unwrap();
            assert_eq!(receipt.handled(), Handled::Taken);
            assert_eq!(block_on(receipt).unwrap(), Handled::Taken);
            assert_eq!(run.open_decisions().len(), 2 - done);
        }
        assert!(block_on(run.join()).unwrap().output().is_ok());
        assert_eq!(desk.asked.lock().unwrap().len(), 3, "answering one asks no other again");
        let late = run.decide(path("a"), Decided::new("no")).unwrap();
        assert_eq!(late.handled(), Handled::Ignored(Ignored::RunEnded));
    }
}

#[test]
fn what_makes_no_sense_is_an_error_that_says_so() {
    let hub = hub(Orchestrator::new(), [ask("a")]);
    let run = start(&hub);
    drive(&hub);
    #[track_caller]
    fn check(told: Result<orchestrator_core::Receipt, TellError>, wanted: &str) {
        match told {
            Err(error @ TellError::Input(_)) => assert_eq!(error.to_string(), wanted),
            Err(other) => panic!("{other}"),
            Ok(receipt) => panic!("{:?}", receipt.handled()),
        }
    }
    let decided = || Decided::new("yes");
    check(run.decide(path("b"), decided()), "there is no step b in this run");
    let wrong = Decided::new("perhaps");
    check(
        run.decide(path("a"), wrong),
        "\"perhaps\" is none of the choices of a; there are: yes, no",
    );
    assert_eq!(run.open_decisions().len(), 1);
}

#[test]
fn a_default_withdraws_the_question() {
    let desk = Arc::new(Desk::default());
    let clock = Arc::new(ManualClock::at(Timestamp(0)));
    let base = Orchestrator::new().with_observer(desk.clone()).with_clock(clock.clone());
    let hub = hub(base, [ask("a").default_choice("no", Duration::from_secs(5))]);
    let run = start(&hub);
    drive(&hub);
    assert_eq!(run.open_decisions()[0].deadline, Some(Timestamp(5_000)));
    let mut join = run.join();
    assert!((&mut join).now_or_never().is_none());
    clock.advance(Duration::from_secs(5));
    let report = block_on(join).unwrap();
    assert_eq!(report.output().unwrap().at::<String>("/choice").unwrap(), "no");
    assert!(run.open_decisions().is_empty());
}

#[test]
fn a_signal_is_kept_until_a_step_waits_for_it() {
    let name = || SignalName::parse("paid").unwrap();
    for early in [true, false] {
        let hub = hub(
            Orchestrator::new(),
            [task("first"), Step::wait_for_signal("w", "paid").after("first")],
        );
        let run = start(&hub);
        if !early {
            drive(&hub);
            assert_eq!(run.view().steps[&path("w")].status, StepStatus::Awaiting);
        }
        let receipt = run.signal(name(), Payload::from("10 euros")).unwrap();
        assert_eq!(receipt.handled(), Handled::Taken);
        let report = block_on(run.join()).unwrap();
        assert_eq!(report.output().unwrap().as_json(), "\"10 euros\"", "early: {early}");
    }
}

#[test]
fn a_paused_run_begins_nothing_until_it_is_resumed() {
    let hub = hub(Orchestrator::new(), [task("a"), task("b").after("a")]);
    let run = start(&hub);
    block_on(run.pause().unwrap()).unwrap();
    drive(&hub);
    assert!(run.view().paused);
    assert_eq!(run.view().steps[&path("b")].status, StepStatus::Waiting);
    assert!(run.join().now_or_never().is_none());
    let again = run.pause().unwrap();
    assert_eq!(again.handled(), Handled::Ignored(Ignored::NothingToChange));
    let _receipt = run.resume().unwrap();
    assert!(block_on(run.join()).unwrap().output().is_ok());
}

#[test]
fn a_cancelled_run_ends_when_its_workers_have_answered() {
    let stopped = Arc::new(AtomicUsize::new(0));
    let count = stopped.clone();
    let patient = worker_fn(move |task: Task| {
        let count = count.clone();
        async move {
            task.cancellation().cancelled().await;
            count.fetch_add(1, Ordering::SeqCst);
            Err(TaskError::cancelled())
        }
    });
    // Six attempts, of which two find no place.
    let mut hub = Orchestrator::new();
    hub.register_worker("patient", Role::GENERIC, patient).unwrap();
    hub.register_workflow(built((0..6).map(|at| task(&format!("s{at}"))))).unwrap();
    let run = start(&hub);
    drive(&hub);
    let _receipt = run.cancel("enough").unwrap();
    let report = block_on(run.join()).unwrap();
    assert_eq!(report.output(), Err(RunFailure::Cancelled { reason: "enough".to_owned() }));
    assert_eq!(stopped.load(Ordering::SeqCst), 4, "who had no place never began");
}

#[test]
fn events_come_as_a_stream_from_any_point_on() {
    let hub = hub(Orchestrator::new(), [task("a"), ask("b").after("a")]);
    let run = start(&hub);
    drive(&hub);
    let upto = run.view().seq;
    let (whole, rest) = (run.events(), run.events_after(upto));
    let watching = std::thread::spawn(move || block_on(rest.collect::<Vec<_>>()));
    let _receipt = run.decide(path("b"), Decided::new("yes")).unwrap();
    let report = block_on(run.join()).unwrap();
    let rest = watching.join().unwrap();
    let whole = block_on(whole.collect::<Vec<_>>());
    assert_eq!(whole, report.history);
    assert_eq!(rest, whole[upto as usize..]);
    assert!(matches!(rest.first().unwrap().event, Event::DecisionMade { .. }));
    assert_eq!(block_on(run.events().collect::<Vec<_>>()), whole, "also when it is over");
}

#[test]
fn names_are_taken_once_and_runs_are_bounded() {
    let limits = Limits { runs_max: std::num::NonZeroUsize::new(2).unwrap(), ..Limits::default() };
    let hub = hub(Orchestrator::new().with_limits(limits), [ask("a")]);
    let named = |name: &str| Start { id: Some(RunId::parse(name).unwrap()), ..Start::default() };
    let mine = hub.start("w", named("mine")).unwrap();
    let twice = hub.start("w", named("mine")).unwrap_err();
    assert_eq!(twice.to_string(), "a run named mine is active already");
    let _other = start(&hub);
    let full = hub.start("w", Start::default()).unwrap_err();
    assert_eq!(full, StartError::RunsFull { max: 2 });
    drive(&hub);
    let _receipt = mine.decide(path("a"), Decided::new("yes")).unwrap();
    block_on(mine.join()).unwrap();
    assert!(hub.start("w", named("mine")).is_ok(), "a place and a name are free again");
}

#[test]
fn handles_are_shared_between_threads() {
    fn check<T: Send + Sync + Clone + 'static>() {}
    check::<RunHandle>();
    fn sent<T: Send + 'static>(_: &T) {}
    let hub = hub(Orchestrator::new(), [ask("a")]);
    let run = start(&hub);
    sent(&run.join());
    sent(&run.events());
    // Somebody drives in this thread, somebody decides in another.
    let deciding = run.clone();
    let thread = std::thread::spawn(move || {
        let asked = async {
            let mut events = deciding.events();
            while let Some(recorded) = events.next().await {
                if matches!(recorded.event, Event::DecisionRequested { .. }) {
                    break;
                }
            }
        };
        block_on(asked);
        block_on(deciding.decide(path("a"), Decided::new("no")).unwrap()).unwrap()
    });
    let report = block_on(run.join()).unwrap();
    assert_eq!(report.output().unwrap().at::<String>("/choice").unwrap(), "no");
    assert_eq!(thread.join().unwrap(), Handled::Taken);
}

/// Decides as soon as it is asked, looks at the run whenever something happens, and starts another from within.
#[derive(Default)]
struct Meddler {
    hub: Mutex<Option<Arc<Orchestrator>>>,
    run: Mutex<Option<RunHandle>>,
    others: Mutex<Vec<RunHandle>>,
}

impl Observer for Meddler {
    fn recorded(&self, _: &RunId, event: &orchestrator_core::Recorded) {
        let run = self.run.lock().unwrap().clone().unwrap();
        assert!(run.view().seq >= 1);
        if matches!(event.event, Event::DecisionMade { .. }) {
            let hub = self.hub.lock().unwrap().clone().unwrap();
            self.others.lock().unwrap().push(hub.start("other", Start::default()).unwrap());
        }
    }
    fn asked(&self, _: &RunId, decision: &OpenDecision) {
        let run = self.run.lock().unwrap().clone().unwrap();
        let receipt = run.decide(decision.path.clone(), Decided::new("yes")).unwrap();
        assert_eq!(receipt.handled(), Handled::Taken);
    }
}

#[test]
fn an_observer_may_use_the_handles_while_it_is_told() {
    let meddler = Arc::new(Meddler::default());
    let mut hub = hub(
        Orchestrator::new().with_observer(meddler.clone()),
        [task("a"), ask("b").after("a"), task("c").after("b")],
    );
    hub.register_workflow(Workflow::builder("other").step(task("x")).build().unwrap()).unwrap();
    let hub = Arc::new(hub);
    let run = start(&hub);
    *meddler.run.lock().unwrap() = Some(run.clone());
    *meddler.hub.lock().unwrap() = Some(hub.clone());
    assert!(block_on(run.join()).unwrap().output().is_ok());
    block_on(hub.drive());
    let others = std::mem::take(&mut *meddler.others.lock().unwrap());
    assert_eq!(others.len(), 1);
    assert!(block_on(others[0].join()).unwrap().output().is_ok());
    // The hub and who watches it hold each other.
    meddler.hub.lock().unwrap().take();
    meddler.run.lock().unwrap().take();
}
