//! A step may wait for a signal from outside, or let time pass.

#[path = "support/host.rs"]
mod host;

use host::{Host, flow, given, ms, named, task};
use orchestrator_core::{
    ClosureError, Context, Handled, Ignored, Input, InputError, Payload, Step, StepStatus,
    Timestamp, condition_fn, transform_fn,
};

fn waits(id: &str) -> Step {
    Step::wait_for_signal(id, "paid")
}

#[test]
fn a_signal_that_comes_later_ends_the_wait_with_what_it_says() {
    let mut host = Host::start(flow([waits("wait"), task("next").after("wait")]));
    assert_eq!(host.status("wait"), Some(StepStatus::Awaiting));
    assert_eq!(host.run.next_deadline(), None);
    let seq = host.run.event_count();
    assert_eq!(host.signal("other", 0), Ok(Handled::Taken));
    assert_eq!(host.signal("paid", [1, 2]), Ok(Handled::Taken));
    assert_eq!(
        host.since(seq),
        [
            "signal_received other",
            "signal_received paid",
            "wait_ended wait",
            "attempt_started next 1",
        ]
    );
    assert_eq!(host.task("next").input().as_json(), "[1,2]");
}

#[test]
fn a_signal_that_came_before_counts() {
    let mut host = Host::start(flow([task("a"), waits("wait").after("a")]));
    host.signal("paid", "early").unwrap();
    host.crash();
    host.done("a", 1);
    assert_eq!(host.output(), "\"early\"");
}

#[test]
fn signals_are_used_once_in_the_order_in_which_they_came() {
    let mut host = Host::start(flow([
        task("a"),
        waits("first").after("a"),
        waits("second").after("first"),
        waits("third").after("second"),
    ]));
    for said in ["one", "two"] {
        host.signal("paid", said).unwrap();
    }
    host.done("a", 1);
    assert_eq!(host.told("wait_ended"), ["wait_ended first", "wait_ended second"]);
    let view = host.run.view();
    assert_eq!(view.steps[&host::path("first")].output, Some(Payload::from("one")));
    assert_eq!(view.steps[&host::path("second")].output, Some(Payload::from("two")));
    assert_eq!(host.status("third"), Some(StepStatus::Awaiting));
    host.signal("paid", "three").unwrap();
    assert_eq!(host.output(), "\"three\"");
}

#[test]
fn who_waited_first_is_served_first() {
    // `late` comes first in the definition and last in time.
    let mut host = Host::start(flow([task("a"), waits("late").after("a"), waits("x"), waits("y")]));
    host.done("a", 1);
    for said in 1..=3 {
        host.signal("paid", said).unwrap();
    }
    assert_eq!(host.told("wait_ended"), ["wait_ended x", "wait_ended y", "wait_ended late"]);
    assert_eq!(host.output(), r#"{"late":3,"x":1,"y":2}"#);
}

#[test]
fn only_so_many_signals_are_kept() {
    let mut options = host::options();
    options.signals_max = 2;
    let mut host = Host::start_with(flow([task("a"), waits("wait").after("a")]), options);
    host.signal("paid", 1).unwrap();
    host.signal("paid", 2).unwrap();
    let full = host.signal("paid", 3);
    assert!(matches!(full, Err(InputError::SignalsFull { max: 2, .. })), "{full:?}");
    let full = host.signal("other", 1);
    assert!(
        matches!(full, Err(InputError::SignalsFull { max: 2, .. })),
        "names are not free: {full:?}"
    );
    host.done("a", 1);
    assert_eq!(host.output(), "1");
}

#[test]
fn a_step_that_waits_can_be_woken_even_if_none_are_kept() {
    let mut options = host::options();
    options.signals_max = 0;
    let mut host = Host::start_with(flow([waits("wait"), task("a")]), options);
    assert!(host.signal("unawaited", 1).is_err());
    assert_eq!(host.signal("paid", 1), Ok(Handled::Taken));
    assert!(host.signal("paid", 1).is_err());
}

#[test]
fn in_a_pause_signals_are_kept_up_to_the_bound_and_used_on_resume() {
    let mut options = host::options();
    options.signals_max = 2;
    let mut host = Host::start_with(flow([waits("wait"), task("a")]), options);
    host.take(Input::Paused);
    // One for the step that waits, and as many as are kept.
    for said in 1..=3 {
        assert_eq!(host.signal("paid", said), Ok(Handled::Taken));
    }
    let full = host.signal("paid", 4);
    assert!(matches!(full, Err(InputError::SignalsFull { .. })), "{full:?}");
    assert_eq!(host.status("wait"), Some(StepStatus::Awaiting));
    host.crash();
    assert_eq!(host.status("wait"), Some(StepStatus::Awaiting));
    host.take(Input::Resumed);
    assert_eq!(host.told("wait_ended"), ["wait_ended wait"]);
}

#[test]
fn a_signal_in_a_pause_is_in_time_whenever_the_run_is_resumed() {
    let mut host = Host::start(flow([waits("wait").step_timeout(ms(100))]));
    host.take(Input::Paused);
    host.now = 50;
    host.signal("paid", "in time").unwrap();
    host.now = 500;
    host.take(Input::Resumed);
    assert_eq!(host.output(), "\"in time\"");
}

#[test]
fn a_wait_that_takes_too_long_fails_and_leaves_the_signal_to_others() {
    let mut host = Host::start(flow([waits("short").step_timeout(ms(10)), waits("long")]));
    host.pass(10);
    assert_eq!(host.told("step_failed"), ["step_failed short 0 step_timeout"]);
    host.signal("paid", 1).unwrap();
    assert_eq!(host.told("wait_ended"), ["wait_ended long"]);
    assert_eq!(host.failure().0, "short");
}

#[test]
fn waits_in_something_that_stops_take_no_signal() {
    let body = named("body", [waits("wait"), task("work")]);
    let sub = Step::sub_workflow("sub", body).step_timeout(ms(10));
    let mut host = Host::start(flow([sub, waits("outside"), task("other")]));
    host.pass(10);
    assert_eq!(host.status("sub"), Some(StepStatus::Stopping));
    host.signal("paid", 1).unwrap();
    assert_eq!(host.told("wait_ended"), ["wait_ended outside"]);
    host.done("sub[0]/work", 1);
    assert_eq!(host.status("sub[0]/wait"), Some(StepStatus::Awaiting), "it stays as it was");
    host.done("other", 1);
    assert_eq!(host.failure(), ("sub".to_owned(), "step_timeout".to_owned()));
    assert_eq!(host.signal("paid", 1), Ok(Handled::Ignored(Ignored::RunEnded)));
}

#[test]
fn a_cancelled_run_takes_no_signals() {
    let mut host = Host::start(flow([waits("wait"), task("a")]));
    host.cancel();
    assert_eq!(host.signal("paid", 1), Ok(Handled::Ignored(Ignored::NothingToChange)));
    host.done("a", 1);
    assert_eq!(host.told("signal_received"), [""; 0]);
    assert_eq!(host.told("run_ended").len(), 1);
}

#[test]
fn a_timer_ends_at_its_instant_with_its_input() {
    let steps = || [Step::wait_for("rest", ms(500)), task("next").after("rest")];
    let mut host = Host::start_with(flow(steps()), given("[7]"));
    assert_eq!(host.run.next_deadline(), Some(Timestamp(500)));
    host.pass(499);
    assert_eq!(host.status("rest"), Some(StepStatus::Awaiting));
    host.crash();
    assert_eq!(host.run.next_deadline(), Some(Timestamp(500)), "a crash does not begin it anew");
    host.pass(1);
    assert_eq!(host.task("next").input().as_json(), "[7]");
    assert_eq!(host.run.next_deadline(), None);
}

#[test]
fn a_timer_in_a_pause_ends_on_resume() {
    let mut host = Host::start(flow([Step::wait_for("rest", ms(500)), task("a")]));
    host.take(Input::Paused);
    assert_eq!(host.run.next_deadline(), None);
    host.pass(600);
    assert_eq!(host.status("rest"), Some(StepStatus::Awaiting));
    host.take(Input::Resumed);
    assert_eq!(host.status("rest"), Some(StepStatus::Succeeded));

    let mut host = Host::start(flow([Step::wait_for("rest", ms(500)), task("a")]));
    host.take(Input::Paused);
    host.pass(100);
    host.take(Input::Resumed);
    assert_eq!(host.run.next_deadline(), Some(Timestamp(500)));
}

#[test]
fn a_timer_of_no_time_and_one_of_all_time() {
    let mut host = Host::start(flow([Step::wait_for("at_once", ms(0)), task("a")]));
    assert_eq!(host.run.next_deadline(), Some(Timestamp(0)));
    host.pass(0);
    assert_eq!(host.status("at_once"), Some(StepStatus::Succeeded));
    let mut host = Host::start(flow([Step::wait_for("never", std::time::Duration::MAX)]));
    host.pass(1 << 60);
    assert_eq!(host.status("never"), Some(StepStatus::Awaiting));
    assert_eq!(host.run.next_deadline(), Some(Timestamp(u64::MAX)));
}

#[test]
fn what_a_wait_gives_is_transformed() {
    let count = transform_fn("count", 1, |said: &Payload, _: &Context| {
        Ok(Payload::of(&said.to::<Vec<u32>>()?.len())?)
    });
    let mut host = Host::start(flow([waits("wait").output(count)]));
    host.signal("paid", [5, 6, 7]).unwrap();
    assert_eq!(host.output(), "3");

    let errs = transform_fn("errs", 1, |_: &Payload, _: &Context| Err(ClosureError::new("no")));
    let mut host = Host::start(flow([waits("wait").output(errs)]));
    host.signal("paid", 1).unwrap();
    assert_eq!(host.failure(), ("wait".to_owned(), "transformer".to_owned()));
}

#[test]
fn every_round_waits_for_a_signal_of_its_own() {
    let done = condition_fn("done", 1, |context: &Context| Ok(context.output::<u32>("wait")? > 2));
    let looped = Step::repeat_until("again", named("body", [waits("wait")]), 5, done);
    let mut host = Host::start(flow([looped]));
    for said in 1..=3 {
        host.signal("paid", said).unwrap();
    }
    assert_eq!(host.output(), "3");
    assert_eq!(host.told("round_started").len(), 3);
}

#[test]
fn a_huge_signal_is_refused() {
    let mut options = host::options();
    options.payload_bytes_max = 64;
    let mut host = Host::start_with(flow([waits("wait")]), options);
    let told = host.signal("paid", "x".repeat(64));
    assert!(matches!(told, Err(InputError::TooLarge { bytes: 66, max: 64, .. })), "{told:?}");
    host.signal("paid", "x".repeat(62)).unwrap();
}
