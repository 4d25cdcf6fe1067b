//! A snapshot is as good as all events before it, whatever a run is at; and so is every prefix of a history.

#[path = "support/host.rs"]
mod host;

use std::collections::BTreeSet;

use host::{Host, bad, flaky, flow, given, ms, named, same, task};
use orchestrator_core::{
    Candidate, Context, Decided, Decision, DeclaredOrder, Event, Input, Join, On, OnItemFailure,
    Past, Payload, Recorded, RestoreError, RetryPolicy, Role, Router, Run, RunOptions, RunView,
    Snapshot, Step, Task, TaskOutput, Timestamp, WorkerName, Workflow, condition_fn, transform_fn,
};

/// What works: a function of the task alone, so that every way through a run has the same outcome.
fn works(task: &Task) -> host::Answer {
    match (task.path().step().as_str(), task.attempt()) {
        ("fails", _) => Err(bad()),
        ("flaky", 1) => Err(flaky()),
        _ => Ok(TaskOutput::of(&(task.path().to_string(), task.input()))?),
    }
}

fn undone(step: Step) -> Step {
    step.compensate(Role::TESTER, RetryPolicy::attempts(2))
}

fn null() -> impl orchestrator_core::Transformer {
    transform_fn("null", 1, |_: &Payload, _: &Context| Ok(Payload::null()))
}

fn list() -> impl orchestrator_core::Transformer {
    transform_fn("list", 1, |_: &Payload, _: &Context| Ok(Payload::of(&[1, 2, 3])?))
}

fn in_round(last: u32) -> impl orchestrator_core::Condition {
    condition_fn("in_round", 1, move |context: &Context| Ok(context.round()?.index == last))
}

/// A workflow for every kind of step and of ending.
fn workflows() -> Vec<(&'static str, Workflow)> {
    let yes = || condition_fn("yes", 1, |_: &Context| Ok(true));
    let flaky_task = || task("flaky").retry(RetryPolicy::attempts(3)).attempt_timeout(ms(500));
    let item = || named("item", [undone(task("x")), flaky_task().after("x")]);
    let failing = named("failing", [task("slow"), task("fails").heartbeat_timeout(ms(9_000))]);
    vec![
        (
            "tasks",
            flow([
                task("a").input(null()),
                flaky_task(),
                task("b").after_when("a", yes()).after("flaky").join(Join::Any),
                task("c").after("b").step_timeout(ms(60_000)),
            ]),
        ),
        (
            "a branch and a handled failure",
            flow([
                Step::branch("way").case(yes(), "fails").otherwise("other"),
                task("fails"),
                task("other"),
                task("mend").after_end("fails", On::Failure),
            ]),
        ),
        (
            "a map in a loop",
            flow([Step::repeat_until(
                "again",
                named(
                    "round",
                    [Step::map("each", item(), 2).input(list()), task("end").after("each")],
                ),
                5,
                in_round(2),
            )
            .rounds_kept(1)]),
        ),
        (
            "a map that fails, unwound",
            flow([
                undone(task("before")),
                Step::map("each", named("item", [Step::sub_workflow("sub", failing.clone())]), 2)
                    .input(list())
                    .after("before"),
            ]),
        ),
        (
            "a map that collects",
            flow([Step::map("each", failing, 2)
                .input(list())
                .on_item_failure(OnItemFailure::Collect)
                .step_timeout(ms(90_000))]),
        ),
        (
            "people, signals and time",
            flow([
                Step::decision("ask", "?", ["yes", "no"])
                    .default_choice("no", ms(50))
                    .input(null()),
                Step::decision("who", "?", ["ada", "bob"]),
                Step::wait_for_signal("paid", "paid"),
                Step::wait_for("rest", ms(100)).input(null()),
                task("end").after_all(["ask", "who", "paid", "rest"]),
            ]),
        ),
        (
            "routed work, unwound",
            flow([
                undone(Step::task("a", Role::CODER)),
                undone(Step::task("flaky", Role::CODER).retry(RetryPolicy::attempts(2))).after("a"),
                Step::task("fails", Role::CODER).after("flaky"),
            ]),
        ),
    ]
}

fn options() -> RunOptions {
    let mut options = given("7");
    for worker in ["ada", "bob"] {
        let worker = WorkerName::parse(worker).unwrap();
        options.staff.add(Role::CODER, Candidate { worker, capabilities: Vec::new() });
    }
    options
}

/// Whatever a run asks for, in a fixed order; time passes when nothing else is open.
struct Driver {
    run: Run,
    now: Timestamp,
    open: Vec<Input>,
    /// Whether it keeps what the run looked like after every input.
    keeps: bool,
    snapshots: Vec<Snapshot>,
    views: Vec<RunView>,
}

impl Driver {
    fn new(run: Run, now: Timestamp) -> Driver {
        Driver {
            run,
            now,
            open: Vec::new(),
            keeps: false,
            snapshots: Vec::new(),
            views: Vec::new(),
        }
    }

    fn look(&mut self) {
        if self.keeps {
            self.snapshots.push(self.run.snapshot());
            self.views.push(self.run.view());
        }
        while self.run.poll_event().is_some() {}
        self.run.commit_polled();
        while let Some(command) = self.run.poll_command() {
            use orchestrator_core::Command;
            self.open.extend(match command {
                Command::Execute { attempt, task, .. } => {
                    Some(Input::Answered { attempt, result: works(&task) })
                }
                Command::Route { attempt, request, candidates } => {
                    let result: Result<Decision, _> = DeclaredOrder.route(&request, &candidates);
                    Some(Input::Routed { attempt, result })
                }
                Command::Decide { path, choices, deadline: None, .. } => {
                    Some(Input::Decided { path, decided: Decided::new(&choices[0]) })
                }
                Command::Decide { .. } | Command::Cancel { .. } | Command::Withdraw { .. } => None,
                _ => panic!("a command of a new kind"),
            });
        }
    }

    /// Goes on by one input; false at the end.
    fn step(&mut self) -> bool {
        self.look();
        if self.run.result().is_some() {
            return false;
        }
        let input = if !self.open.is_empty() {
            self.open.remove(0)
        } else if let Some(due) = self.run.next_deadline() {
            self.now = self.now.max(due);
            Input::TimePassed
        } else {
            let name = orchestrator_core::SignalName::parse("paid").unwrap();
            Input::Signalled { name, payload: Payload::from("paid") }
        };
        self.run.handle(self.now, input).unwrap();
        true
    }

    fn finish(mut self) -> Driver {
        for _ in 0..1_000 {
            if !self.step() {
                return self;
            }
        }
        panic!("no end: {:#?}", self.run.history());
    }
}

fn started(workflow: &Workflow) -> Driver {
    let mut run = Run::new(workflow.clone(), options());
    run.handle(Timestamp(1_000), Input::Started).unwrap();
    Driver::new(run, Timestamp(1_000))
}

fn watched(workflow: &Workflow) -> Driver {
    Driver { keeps: true, ..started(workflow) }.finish()
}

fn read_again<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

/// Calls `check` with the run at its end.
fn for_each(check: impl Fn(&str, &Workflow, &Driver)) {
    for (name, workflow) in workflows() {
        check(name, &workflow, &watched(&workflow));
    }
}

#[test]
fn a_snapshot_with_the_events_after_it_restores_to_what_the_history_restores_to() {
    for_each(|name, workflow, ended| {
        let history = ended.run.history();
        assert!(ended.snapshots.len() > 2, "{name}");
        for (nth, snapshot) in ended.snapshots.iter().enumerate() {
            assert_eq!(&read_again(snapshot), snapshot);
            // With all the events after it, with some of them, and with none.
            for last in
                [history.len(), (history.len() + snapshot.seq as usize) / 2, snapshot.seq as usize]
            {
                let events = history[snapshot.seq as usize..last].to_vec();
                let past = Past { snapshot: Some(read_again(snapshot)), events };
                assert_eq!(past.last_seq(), last as u64);
                let now = Timestamp(1_000);
                let by_snapshot = Run::restore(workflow.clone(), options(), past, now).unwrap();
                let whole = history[..last].to_vec();
                let by_history = Run::restore(workflow.clone(), options(), whole, now).unwrap();
                same(&by_snapshot, &by_history);
                if nth % 3 != 0 {
                    continue;
                }
                // And they go on alike.
                let (one, other) = (Driver::new(by_snapshot, now), Driver::new(by_history, now));
                same(&one.finish().run, &other.finish().run);
            }
        }
    });
}

#[test]
fn every_prefix_of_a_history_goes_on_to_the_same_end() {
    for_each(|name, workflow, ended| {
        let history = ended.run.history();
        let outcome = ended.run.outcome();
        for kept in 1..=history.len() {
            let past = read_again(&history[..kept].to_vec());
            let now = past[kept - 1].at;
            let run = Run::restore(workflow.clone(), options(), past, now)
                .unwrap_or_else(|error| panic!("{name}, {kept} events: {error}"));
            let again = Driver::new(run, now).finish();
            let result = again.run.outcome().map(|outcome| outcome.result);
            assert_eq!(result.as_ref(), ended.run.result(), "{name}, {kept} events");
            // What was in flight in a step that stops is not waited for after a crash.
            let stops = |r: &Recorded| matches!(r.event, Event::StepStopping { .. });
            if !history.iter().take(kept + 1).any(stops) {
                assert_eq!(again.run.outcome(), outcome, "{name}, {kept} events");
            }
            let mut succeeded = BTreeSet::new();
            for recorded in again.run.history() {
                if let Event::StepSucceeded { path, .. } = recorded.event {
                    assert!(succeeded.insert(path.clone()), "{name}, {kept}: {path} again");
                }
            }
        }
    });
}

#[test]
fn the_view_at_an_event_is_the_view_that_there_was() {
    for_each(|name, workflow, ended| {
        let history = ended.run.history();
        for view in &ended.views {
            assert_eq!(&RunView::at(workflow, history.clone(), view.seq).unwrap(), view, "{name}");
            assert_eq!(&read_again(view), view);
        }
        // Amid a batch too there is one, and a number beyond the end is that of the end.
        for seq in 0..=history.len() as u64 {
            assert_eq!(RunView::at(workflow, history.clone(), seq).unwrap().seq, seq);
        }
        let end = RunView::at(workflow, history.clone(), u64::MAX).unwrap();
        assert_eq!(Some(&end), ended.views.last());
        // After a snapshot, and not before it.
        let snapshot = ended.snapshots[2].clone();
        let oldest = snapshot.seq;
        let events = history[oldest as usize..].to_vec();
        let past = Past { snapshot: Some(snapshot), events };
        assert_eq!(RunView::at(workflow, past.clone(), u64::MAX).unwrap(), end);
        assert_eq!(&RunView::at(workflow, past.clone(), oldest).unwrap(), &ended.views[2]);
        let before = RunView::at(workflow, past, oldest - 1);
        assert_eq!(before, Err(RestoreError::Trimmed { oldest }));
    });
}

#[test]
fn an_input_that_a_transformer_made_of_nothing_stays_nothing() {
    let mut host = Host::start_with(flow([task("a").input(null()), task("b")]), given("[1]"));
    assert_eq!(host.task("a").input(), &Payload::null());
    let past = Past { snapshot: Some(read_again(&host.run.snapshot())), events: Vec::new() };
    let now = Timestamp(0);
    let mut run = Run::restore(host.workflow.clone(), host.options.clone(), past, now).unwrap();
    while run.poll_event().is_some() {}
    run.commit_polled();
    let Some(orchestrator_core::Command::Execute { task, .. }) = run.poll_command() else {
        panic!("nothing is handed out")
    };
    assert_eq!(task.input(), &Payload::null());
    host.done("a", 1);
}

#[test]
fn trimming_forgets_events_and_changes_nothing_else() {
    let rounds = in_round(2_999);
    let looped = Step::repeat_until("again", named("body", [task("x")]), 3_000, rounds);
    let workflow = flow([looped.rounds_kept(2)]);
    let mut whole = started(&workflow);
    let mut trimmed = started(&workflow);
    trimmed.run.trim(u64::MAX);
    assert_eq!(trimmed.run.history(), whole.run.history(), "nothing has been polled yet");
    for turn in 0..3_000 {
        assert!(whole.step() && trimmed.step());
        if turn % 700 == 0 {
            let count = trimmed.run.event_count();
            trimmed.run.trim(count);
            trimmed.run.trim(count);
            trimmed.run.trim(0);
            assert_eq!(trimmed.run.event_count(), count, "numbers go on");
        }
    }
    let (whole, trimmed) = (whole.finish().run, trimmed.finish().run);
    let left = trimmed.history();
    assert!(left.len() < 3_000, "{}", left.len());
    assert!(left[0].seq > 1);
    assert_eq!(trimmed.event(1), None);
    assert_eq!(trimmed.event(left[0].seq).as_ref(), left.first());
    same(&whole, &trimmed);
    // What is left is no past without a snapshot.
    let restored = Run::restore(workflow.clone(), options(), left, Timestamp(0));
    assert_eq!(restored.unwrap_err(), RestoreError::NoStart);
}

#[test]
fn a_snapshot_may_be_newer_than_the_events_beside_it_but_not_leave_a_gap() {
    let (_, workflow) = workflows().remove(0);
    let ended = watched(&workflow);
    let history = ended.run.history();
    let snapshot = ended.snapshots[2].clone();
    let at = snapshot.seq as usize;
    let restored = |events: &[Recorded]| {
        let past = Past { snapshot: Some(snapshot.clone()), events: events.to_vec() };
        Run::restore(workflow.clone(), options(), past, Timestamp(0)).map(|run| run.event_count())
    };
    let last = history.len() as u64;
    assert_eq!(restored(&history), Ok(last), "the events before it are passed over");
    assert_eq!(restored(&history[at - 1..]), Ok(last));
    let (wanted, found) = (at as u64 + 1, at as u64 + 2);
    assert_eq!(restored(&history[at + 1..]), Err(RestoreError::Gap { wanted, found }));
    let doubled = [&history[at..], &history[last as usize - 1..]].concat();
    assert!(restored(&doubled).is_err());
}

#[test]
fn a_snapshot_that_cannot_be_read_is_refused() {
    let (_, workflow) = workflows().remove(0);
    let snapshot = watched(&workflow).snapshots[1].clone();
    let restored = |snapshot: Snapshot| {
        let past = Past { snapshot: Some(snapshot), events: Vec::new() };
        Run::restore(workflow.clone(), options(), past, Timestamp(0)).map(|_| ())
    };
    assert_eq!(restored(snapshot.clone()), Ok(()));
    for damaged in [
        Snapshot { v: 2, ..snapshot.clone() },
        Snapshot { state: Payload::null(), ..snapshot.clone() },
        Snapshot { state: Payload::parse(r#"{"definition":1}"#).unwrap(), ..snapshot.clone() },
        Snapshot {
            state: Payload::parse(&snapshot.state.as_json().replacen(
                "\"frame\":0",
                "\"frame\":9",
                1,
            ))
            .unwrap(),
            ..snapshot.clone()
        },
    ] {
        let error = restored(damaged.clone());
        assert!(matches!(error, Err(RestoreError::Snapshot { .. })), "{error:?} of {damaged:?}");
    }
}
