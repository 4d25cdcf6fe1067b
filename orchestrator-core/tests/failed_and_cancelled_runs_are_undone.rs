//! When a run fails or is cancelled, what its steps did is undone: one compensation after the other, the last success first.

#[path = "support/host.rs"]
mod host;

use host::{Host, bad, flaky, flow, given, ms, named, task};
use orchestrator_core::{
    Candidate, Context, Event, Handled, Ignored, Input, On, Payload, RetryPolicy, Role, RunResult,
    Step, StepStatus, TaskOutput, WorkerName, condition_fn, transform_fn,
};

const UNDOER: Role = Role::TESTER;

fn undone(step: Step) -> Step {
    step.compensate(UNDOER, RetryPolicy::attempts(2).at_once())
}

/// Three bookings one after the other, and a payment that everything hangs on.
fn trip() -> orchestrator_core::Workflow {
    flow([
        undone(task("flight")),
        undone(task("hotel")).after("flight"),
        task("insure").after("flight"),
        undone(task("pay")).after_all(["hotel", "insure"]),
    ])
}

fn failed_trip() -> Host {
    let mut host = Host::start(trip());
    for (step, output) in [("flight", "F1"), ("hotel", "H2"), ("insure", "I3")] {
        host.done(step, output);
    }
    host.fail("pay", bad());
    host
}

#[test]
fn the_last_success_is_undone_first_one_after_the_other() {
    let mut host = failed_trip();
    assert_eq!(host.open(), ["hotel~compensation"], "what has failed is not undone");
    assert!(host.run.result().is_none());
    let task = host.task("hotel~compensation");
    assert_eq!(task.input().as_json(), "\"H2\"", "it gets what the step gave");
    assert_eq!((task.role(), task.attempt()), (&UNDOER, 1));
    assert_eq!(task.idempotency_key(), "run:hotel~compensation:1");
    assert_eq!(host.status("hotel"), Some(StepStatus::Succeeded));
    assert_eq!(host.status("hotel~compensation"), Some(StepStatus::Running));
    assert_eq!(host.status("flight~compensation"), Some(StepStatus::Waiting));
    assert_eq!(host.status("insure~compensation"), None);
    assert_eq!(host.status("pay~compensation"), None);
    host.done("hotel~compensation", ());
    assert_eq!(host.open(), ["flight~compensation"]);
    assert_eq!(host.late("hotel~compensation", 1), Ok(Handled::Ignored(Ignored::AlreadyAnswered)));
    host.done("flight~compensation", ());
    assert_eq!(host.failure(), ("pay".to_owned(), "bad".to_owned()));
    let outcome = host.run.outcome().unwrap();
    assert_eq!(outcome.uncompensated, []);
    assert_eq!(outcome.outputs.len(), 3, "what was done is still told, what undid it is not");
    let late = host.late("flight~compensation", 1);
    assert_eq!(late, Ok(Handled::Ignored(Ignored::RunEnded)));
}

#[test]
fn it_sees_what_its_step_saw_and_what_that_gave() {
    let mut host = failed_trip();
    let task = host.task("hotel~compensation");
    assert_eq!(task.context().visible(), ["flight", "hotel"]);
    assert_eq!(task.context().output::<String>("hotel"), Ok("H2".to_owned()));
    host.crash();
    assert_eq!(host.task("hotel~compensation").context().visible(), ["flight", "hotel"]);
}

#[test]
fn a_run_that_succeeds_undoes_nothing() {
    let mut host = Host::start(flow([
        undone(task("a")),
        undone(task("b")),
        task("mend").after_end("b", On::Failure),
    ]));
    host.done("a", 1);
    host.fail("b", bad());
    host.done("mend", 2);
    assert_eq!(host.output(), r#"{"a":1,"mend":2}"#);
    assert_eq!(host.told("unwinding_started"), [""; 0]);
}

#[test]
fn a_run_without_anything_to_undo_ends_at_once() {
    let mut host = Host::start(flow([undone(task("a")), task("b")]));
    host.done("b", 1);
    host.fail("a", bad());
    assert_eq!(host.told("unwinding_started"), [""; 0]);
    assert_eq!(host.told("run_ended").len(), 1);
}

#[test]
fn a_cancelled_run_is_undone_when_nothing_is_in_flight() {
    let mut host = Host::start(trip());
    host.done("flight", "F1");
    host.cancel();
    assert_eq!(host.open(), ["hotel", "insure"]);
    // A success that comes after the cancellation is undone too, first.
    host.fail("insure", bad());
    assert_eq!(host.status("flight~compensation"), Some(StepStatus::Waiting));
    host.done("hotel", "H2");
    assert_eq!(host.open(), ["hotel~compensation"]);
    assert!(!host.task("hotel~compensation").cancellation().is_cancelled());
    host.done("hotel~compensation", ());
    host.done("flight~compensation", ());
    let ended = host.run.result();
    assert_eq!(ended, Some(&RunResult::Cancelled { reason: "enough".to_owned() }));
}

#[test]
fn one_that_fails_is_recorded_and_the_others_go_on() {
    let mut host = failed_trip();
    host.fail("hotel~compensation", bad());
    assert_eq!(host.open(), ["flight~compensation"]);
    host.fail("flight~compensation", flaky());
    assert_eq!(host.attempt("flight~compensation").attempt, 2, "its own policy is kept");
    host.fail("flight~compensation", flaky());
    let (flight, hotel) = (host::path("flight~compensation"), host::path("hotel~compensation"));
    // The event tells them as they were tried, the outcome in the order of their paths.
    let ended = host.run.history().pop().map(|last| last.event);
    let Some(Event::RunEnded { uncompensated, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!(uncompensated, [hotel.clone(), flight.clone()]);
    assert_eq!(host.run.outcome().unwrap().uncompensated, [flight, hotel]);
    assert_eq!(host.failure(), ("pay".to_owned(), "bad".to_owned()), "the reason stays the same");
}

#[test]
fn its_retries_may_rest() {
    let rests = RetryPolicy { jitter_percent: 0, ..RetryPolicy::attempts(2) };
    let mut host = Host::start(flow([task("a").compensate(UNDOER, rests), task("b").after("a")]));
    host.done("a", 1);
    host.fail("b", bad());
    host.fail("a~compensation", flaky());
    assert_eq!(host.status("a~compensation"), Some(StepStatus::Resting));
    host.crash();
    assert_eq!(host.status("a~compensation"), Some(StepStatus::Resting));
    assert_eq!(host.run.next_deadline(), Some(orchestrator_core::Timestamp(1_000)));
    host.pass(1_000);
    host.done("a~compensation", ());
    assert_eq!(host.run.outcome().unwrap().uncompensated, []);
}

#[test]
fn rounds_and_items_are_undone_each_by_itself_and_are_kept_until_then() {
    let body = named("body", [undone(task("book")), task("check").after("book")]);
    let done = condition_fn("done", 1, |context: &Context| Ok(context.round()?.index == 3));
    let looped = Step::repeat_until("again", body.clone(), 9, done).rounds_kept(1);
    let each = Step::map("each", body, 2).after("again").input(transform_fn(
        "two",
        1,
        |_: &Payload, _: &Context| Ok(Payload::of(&["x", "y"])?),
    ));
    let mut host = Host::start(flow([looped, each, task("end").after("each")]));
    for round in 0..4 {
        host.done(&format!("again[{round}]/book"), round);
        host.done(&format!("again[{round}]/check"), round);
    }
    host.done("each[1]/book", "y");
    host.done("each[0]/book", "x");
    host.done("each[0]/check", 0);
    host.done("each[1]/check", 0);
    host.fail("end", bad());
    let mut order = Vec::new();
    while let Some(open) = host.open().first().cloned() {
        assert_eq!(host.open().len(), 1);
        order.push(format!("{open} {}", host.task(&open).input().as_json()));
        if open.starts_with("again") {
            let round = host.task(&open).context().round().unwrap().index;
            assert_eq!(open, format!("again[{round}]/book~compensation"));
        }
        host.done(&open, ());
    }
    assert_eq!(
        order,
        [
            "each[0]/book~compensation \"x\"",
            "each[1]/book~compensation \"y\"",
            "again[3]/book~compensation 3",
            "again[2]/book~compensation 2",
            "again[1]/book~compensation 1",
            "again[0]/book~compensation 0",
        ]
    );
}

#[test]
fn a_failure_that_is_handled_outside_undoes_nothing_inside() {
    let body = named("body", [undone(task("book")), task("check").after("book")]);
    let mut host = Host::start(flow([
        Step::sub_workflow("sub", body),
        task("mend").after_end("sub", On::Failure),
    ]));
    host.done("sub[0]/book", 1);
    host.fail("sub[0]/check", bad());
    assert_eq!(host.open(), ["mend"]);
    host.fail("mend", bad());
    assert_eq!(host.open(), ["sub[0]/book~compensation"], "only when the run fails");
}

#[test]
fn a_crash_amid_unwinding_goes_on_where_it_was() {
    let mut host = failed_trip();
    host.done("hotel~compensation", ());
    let key = host.task("flight~compensation").idempotency_key();
    host.crash();
    assert_eq!(host.open(), ["flight~compensation"]);
    assert_eq!(host.task("flight~compensation").idempotency_key(), key);
    for _ in 0..3 {
        host.crash();
    }
    let outcome = host.run.outcome().unwrap();
    assert_eq!(outcome.uncompensated, [host::path("flight~compensation")], "its worker is lost");
}

#[test]
fn a_pause_holds_unwinding() {
    for cancelled in [false, true] {
        let mut host = Host::start(flow([
            undone(task("a")),
            undone(task("b")).after("a"),
            task("c").after("b"),
        ]));
        host.done("a", 1);
        host.done("b", 2);
        if cancelled {
            host.cancel();
            host.done("c", 3);
        } else {
            host.fail("c", bad());
        }
        host.take(Input::Paused);
        host.commands();
        host.done("b~compensation", ());
        assert_eq!(host.commands(), [""; 0]);
        assert_eq!(host.status("a~compensation"), Some(StepStatus::Waiting));
        host.crash();
        assert_eq!(host.commands(), [""; 0]);
        host.take(Input::Resumed);
        assert_eq!(host.open(), ["a~compensation"]);
        host.done("a~compensation", ());
        assert!(host.run.result().is_some());
    }
}

#[test]
fn what_is_being_undone_cannot_be_cancelled_and_takes_no_signals() {
    let mut host = failed_trip();
    let nothing = Ok(Handled::Ignored(Ignored::NothingToChange));
    assert_eq!(host.tell(Input::Cancelled { reason: "no".to_owned() }), nothing);
    assert!(matches!(host.signal("paid", 1), Ok(Handled::Ignored(_))));
    assert!(host.late("flight~compensation", 1).is_err(), "it has not begun");
    assert!(host.late("pay~compensation", 1).is_err(), "there is none");
    host.finish(|_| Ok(TaskOutput::default()));
    assert_eq!(host.failure().0, "pay");
}

#[test]
fn who_undoes_may_be_chosen_and_may_be_missing() {
    let candidate = |worker: &str| Candidate {
        worker: WorkerName::parse(worker).unwrap(),
        capabilities: Vec::new(),
    };
    let mut options = host::options();
    options.staff.add(UNDOER, candidate("ada"));
    options.staff.add(UNDOER, candidate("bob"));
    let workflow = || flow([undone(task("a")), task("b").after("a")]);
    let mut host = Host::start_with(workflow(), options);
    host.done("a", 1);
    host.commands();
    host.fail("b", bad());
    assert_eq!(host.commands(), ["route a~compensation 1"]);
    host.crash();
    assert_eq!(host.commands(), ["route a~compensation 1"]);
    let attempt = orchestrator_core::AttemptId { path: host::path("a~compensation"), attempt: 1 };
    let none = Err(orchestrator_core::RouteError { reason: "nobody".to_owned() });
    host.take(Input::Routed { attempt, result: none });
    assert_eq!(host.run.outcome().unwrap().uncompensated.len(), 1);
}

#[test]
fn the_time_limit_of_an_attempt_holds_for_what_undoes_it_too() {
    let a = undone(task("a")).attempt_timeout(ms(100));
    let mut host = Host::start(flow([a, task("b").after("a")]));
    host.done("a", 1);
    host.fail("b", bad());
    host.pass(100);
    assert_eq!(host.attempt("a~compensation").attempt, 2);
    host.pass(100);
    assert_eq!(host.run.outcome().unwrap().uncompensated.len(), 1);
}

#[test]
fn a_transformer_shapes_what_the_step_gave_and_not_what_undid_it() {
    let shout = transform_fn("shout", 1, |said: &Payload, _: &Context| {
        Ok(Payload::text(&said.to::<String>()?.to_uppercase()))
    });
    let mut host =
        Host::start_with(flow([undone(task("a")).output(shout), task("b").after("a")]), given("1"));
    host.done("a", "quiet");
    host.fail("b", bad());
    assert_eq!(host.task("a~compensation").input().as_json(), "\"QUIET\"");
    host.done("a~compensation", 7);
    assert_eq!(host.run.outcome().unwrap().uncompensated, []);
}
