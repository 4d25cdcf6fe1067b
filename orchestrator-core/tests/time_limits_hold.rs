//! An attempt, the silence of a worker, and a whole step may be limited in time. Nothing but `Input::TimePassed` makes time pass.

#[path = "support/host.rs"]
mod host;

use host::{Host, bad, flow, given, ms, named, path, task};
use orchestrator_core::{
    AttemptId, Handled, Ignored, Input, InputError, On, RetryPolicy, Step, StepStatus, Timestamp,
    condition_fn,
};

fn beat(host: &mut Host, at: &str, attempt: u32) -> Result<Handled, InputError> {
    host.tell(Input::Heartbeat { attempt: AttemptId { path: path(at), attempt } })
}

const TAKEN: Result<Handled, InputError> = Ok(Handled::Taken);
const LATE: Result<Handled, InputError> = Ok(Handled::Ignored(Ignored::AlreadyAnswered));
const NOTHING: Result<Handled, InputError> = Ok(Handled::Ignored(Ignored::NothingToChange));

#[test]
fn an_attempt_over_time_is_called_off_and_tried_again() {
    let retry = RetryPolicy { jitter_percent: 0, ..RetryPolicy::attempts(2) };
    let mut host = Host::start(flow([task("a").attempt_timeout(ms(100)).retry(retry)]));
    host.commands();
    host.pass(99);
    assert_eq!(host.status("a"), Some(StepStatus::Running));
    host.pass(1);
    assert_eq!(host.commands(), ["cancel a 1"]);
    assert_eq!(host.told("attempt_failed"), ["attempt_failed a 1 attempt_timeout"]);
    assert_eq!(host.late("a", 1), LATE);
    host.pass(1000);
    assert_eq!(host.commands(), ["execute a 2"]);
    assert_eq!(host.late("a", 1), LATE, "what the first still says does not count for the second");
    assert_eq!(host.run.next_deadline(), Some(Timestamp(1200)), "the time is that of the attempt");
    host.pass(100);
    assert_eq!(host.failure(), ("a".to_owned(), "attempt_timeout".to_owned()));
    assert_eq!(host.late("a", 2), Ok(Handled::Ignored(Ignored::RunEnded)));
}

#[test]
fn an_answer_in_time_ends_the_time() {
    let a = task("a").attempt_timeout(ms(100)).heartbeat_timeout(ms(50)).step_timeout(ms(500));
    let mut host = Host::start(flow([a, task("b").after("a")]));
    host.done("a", 1);
    assert_eq!(host.run.next_deadline(), None);
    host.pass(10_000);
    assert_eq!(host.open(), ["b"]);
}

#[test]
fn an_answer_that_comes_before_anybody_looked_at_the_clock_counts() {
    let mut host = Host::start(flow([task("a").attempt_timeout(ms(100))]));
    host.now = 500;
    host.done("a", 1);
    assert_eq!(host.output(), "1");
}

#[test]
fn a_silent_worker_is_called_off_and_one_that_beats_is_not() {
    let mut host = Host::start(flow([task("a").heartbeat_timeout(ms(100)), task("b")]));
    host.commands();
    for _ in 0..50 {
        host.now += 50;
        assert_eq!(beat(&mut host, "a", 1), TAKEN);
        host.take(Input::TimePassed);
    }
    assert_eq!(host.status("a"), Some(StepStatus::Running));
    host.pass(99);
    assert_eq!(host.status("a"), Some(StepStatus::Running));
    host.pass(1);
    assert_eq!(host.commands(), ["cancel a 1"]);
    assert_eq!(host.told("step_failed"), ["step_failed a 1 heartbeat_timeout"]);
    assert_eq!(beat(&mut host, "a", 1), LATE);
}

#[test]
fn beats_are_recorded_at_most_twice_in_their_time() {
    let mut host = Host::start(flow([task("a").heartbeat_timeout(ms(100)), task("b")]));
    for now in 1..=1_000 {
        host.now = now;
        let told = beat(&mut host, "a", 1);
        assert_eq!(told, if now % 50 == 0 { TAKEN } else { NOTHING }, "{now}");
    }
    assert_eq!(host.told("heartbeat_received").len(), 20);
    assert_eq!(host.run.next_deadline(), Some(Timestamp(1_100)));
    assert_eq!(beat(&mut host, "b", 1), NOTHING, "of no use, and harmless");
    assert!(beat(&mut host, "a", 2).is_err());
    assert!(beat(&mut host, "nowhere", 1).is_err());
}

#[test]
fn a_beat_does_not_lengthen_the_attempt_or_the_step() {
    let a = task("a").heartbeat_timeout(ms(100)).attempt_timeout(ms(120));
    let mut host = Host::start(flow([a]));
    host.now = 90;
    assert_eq!(beat(&mut host, "a", 1), TAKEN);
    host.pass(30);
    assert_eq!(host.failure().1, "attempt_timeout");
}

#[test]
fn after_a_crash_the_time_of_an_attempt_begins_anew_and_that_of_its_step_does_not() {
    let a =
        task("a").attempt_timeout(ms(100)).step_timeout(ms(250)).retry(RetryPolicy::attempts(9));
    let mut host = Host::start(flow([a]));
    host.now = 90;
    host.crash();
    assert_eq!(host.run.next_deadline(), Some(Timestamp(190)));
    host.now = 180;
    host.crash();
    assert_eq!(host.run.next_deadline(), Some(Timestamp(250)));
    host.pass(70);
    assert_eq!(host.failure(), ("a".to_owned(), "step_timeout".to_owned()));
}

#[test]
fn a_step_over_time_is_not_tried_again() {
    let a = task("a").step_timeout(ms(100)).retry(RetryPolicy::attempts(9).at_once());
    let steps = || [a.clone(), task("instead").after_end("a", On::Failure)];
    // While somebody is at it.
    let mut host = Host::start(flow(steps()));
    host.commands();
    host.fail("a", host::flaky());
    host.pass(100);
    assert_eq!(host.commands(), ["execute a 2", "cancel a 2", "execute instead 1"]);
    assert_eq!(host.told("step_failed"), ["step_failed a 2 step_timeout"]);
    assert_eq!(host.late("a", 2), LATE);
    assert_eq!(host.late("a", 1), LATE);
    assert!(host.late("a", 3).is_err());
    // While it rests.
    let a = task("a").step_timeout(ms(100)).retry(RetryPolicy::attempts(9));
    let mut host = Host::start(flow([a]));
    host.fail("a", host::flaky());
    host.pass(100);
    assert_eq!(host.told("step_failed"), ["step_failed a 1 step_timeout"]);
    assert_eq!(host.run.next_deadline(), None);
}

#[test]
fn every_kind_of_step_may_be_limited() {
    let body = || named("body", [task("x")]);
    let done = condition_fn("done", 1, |_: &orchestrator_core::Context| Ok(true));
    for (step, busy) in [
        (Step::task("s", orchestrator_core::Role::GENERIC), None),
        (Step::repeat_until("s", body(), 3, done), Some("s[0]/x")),
        (Step::map("s", body(), 3), Some("s[0]/x")),
        (Step::sub_workflow("s", body()), Some("s[0]/x")),
        (Step::decision("s", "?", ["a", "b"]), None),
        (Step::wait_for_signal("s", "paid"), None),
        (Step::wait_for("s", ms(500)), None),
    ] {
        let mut host = Host::start_with(flow([step.step_timeout(ms(100))]), given("[1]"));
        host.pass(99);
        assert!(host.run.result().is_none());
        host.pass(1);
        if let Some(busy) = busy {
            assert_eq!(host.status("s"), Some(StepStatus::Stopping));
            assert_eq!(host.run.next_deadline(), None);
            host.fail(busy, bad());
        }
        assert_eq!(host.failure(), ("s".to_owned(), "step_timeout".to_owned()));
    }
}

#[test]
fn nothing_waits_for_ever_for_a_worker_with_a_limit() {
    // Neither a step that stops, nor a run that is cancelled.
    let x = || task("x").attempt_timeout(ms(100)).retry(RetryPolicy::attempts(3).at_once());
    let sub = Step::sub_workflow("sub", named("body", [x()])).step_timeout(ms(10));
    let mut host = Host::start(flow([sub]));
    host.pass(10);
    assert_eq!(host.status("sub"), Some(StepStatus::Stopping));
    assert_eq!(host.run.next_deadline(), Some(Timestamp(100)));
    host.pass(90);
    assert_eq!(host.failure().1, "step_timeout");
    assert_eq!(host.executed["sub[0]/x"], 1, "no retry in what stops");

    for limited in [x(), task("x").step_timeout(ms(100)), task("x").heartbeat_timeout(ms(100))] {
        let mut host = Host::start(flow([limited, task("next").after("x")]));
        host.pass(1);
        host.cancel();
        assert_eq!(host.run.next_deadline(), Some(Timestamp(100)));
        host.pass(99);
        let ended = host.run.result().cloned();
        assert!(matches!(ended, Some(orchestrator_core::RunResult::Cancelled { .. })), "{ended:?}");
    }
}

#[test]
fn no_time_limit_is_looked_at_in_a_pause() {
    let mut host = Host::start(flow([task("a").attempt_timeout(ms(100)), task("b")]));
    host.take(Input::Paused);
    assert_eq!(host.run.next_deadline(), None);
    host.pass(500);
    assert_eq!(host.status("a"), Some(StepStatus::Running));
    host.commands();
    host.take(Input::Resumed);
    assert_eq!(host.commands(), ["cancel a 1"]);
    assert_eq!(host.status("a"), Some(StepStatus::Failed));
}

#[test]
fn time_does_not_run_backwards() {
    let mut host = Host::start(flow([task("a"), task("b").after("a").attempt_timeout(ms(100))]));
    host.now = 1_000;
    host.done("a", 1);
    host.now = 5;
    host.take(Input::TimePassed);
    assert_eq!(host.run.next_deadline(), Some(Timestamp(1_100)));
    host.done("b", 1);
    let times: Vec<u64> = host.run.history().iter().map(|recorded| recorded.at.0).collect();
    assert!(times.is_sorted(), "{times:?}");
}
