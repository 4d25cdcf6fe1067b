//! An edge with a condition fires if that holds when its source has succeeded, and says so in the history.

#[path = "support/host.rs"]
mod host;

use host::{Host, bad, flow, task};
use orchestrator_core::{
    ClosureError, Condition, Context, Input, Join, On, Payload, StepStatus, condition_fn,
};

fn says(verdict: Option<bool>) -> impl Condition {
    condition_fn("says", 1, move |_: &Context| verdict.ok_or_else(|| ClosureError::new("unclear")))
}

#[test]
fn it_fires_or_is_dead_or_fails_its_target() {
    for (verdict, status) in [
        (Some(true), StepStatus::Running),
        (Some(false), StepStatus::Skipped),
        (None, StepStatus::Failed),
    ] {
        let mut host = Host::start(flow([
            task("a"),
            task("b").after_when("a", says(verdict)),
            task("c").after("b"),
        ]));
        host.done("a", 1);
        assert_eq!(host.status("b"), Some(status), "{verdict:?}");
        let decided = host.told("edge_decided");
        let code = if verdict.is_none() { " condition" } else { "" };
        let fires = verdict == Some(true);
        assert_eq!(decided, [format!("edge_decided b a {fires}{code}")]);
        match verdict {
            Some(true) => assert_eq!(host.task("b").input().as_json(), "1"),
            Some(false) => assert_eq!(host.output(), "null", "{:?}", host.story()),
            None => assert_eq!(host.failure(), ("b".to_owned(), "condition".to_owned())),
        }
    }
}

#[test]
fn a_condition_that_does_not_hold_is_no_poison_but_a_failed_source_is() {
    let workflow =
        || flow([task("a"), task("b"), task("c").after_when("a", says(Some(false))).after("b")]);
    let mut host = Host::start(workflow());
    host.done("a", 1);
    host.done("b", 2);
    // Of the two only one brings something.
    assert_eq!(host.task("c").input().as_json(), r#"{"b":2}"#);

    let mut host = Host::start(workflow());
    host.done("b", 2);
    host.fail("a", bad());
    assert_eq!(host.status("c"), Some(StepStatus::Skipped));
    assert_eq!(host.told("edge_decided"), [""; 0], "a failed source has no output to ask about");
}

#[test]
fn a_failure_of_the_condition_can_be_handled() {
    let mut host = Host::start(flow([
        task("a"),
        task("b").after_when("a", says(None)),
        task("handler").after_end("b", On::Failure),
    ]));
    host.done("a", 1);
    assert_eq!(host.task("handler").input().at::<String>("/code"), Ok("condition".to_owned()));
    host.done("handler", 2);
    assert_eq!(host.output(), r#"{"handler":2}"#);
}

#[test]
fn an_error_does_not_fail_a_target_that_has_begun() {
    let workflow = || {
        flow([
            task("a"),
            task("b"),
            task("c").after_when("a", says(None)).after("b").join(Join::Any),
        ])
    };
    let mut host = Host::start(workflow());
    host.done("b", 1);
    assert_eq!(host.status("c"), Some(StepStatus::Running));
    host.done("a", 2);
    assert_eq!(host.told("edge_decided"), ["edge_decided c a false condition"]);
    assert_eq!(host.status("c"), Some(StepStatus::Running));
    host.done("c", 3);
    assert_eq!(host.output(), "3");
    // The other way round it has not begun, and fails.
    let mut host = Host::start(workflow());
    host.done("a", 2);
    assert_eq!(host.status("c"), Some(StepStatus::Failed));
    host.done("b", 1);
    assert_eq!(host.failure(), ("c".to_owned(), "condition".to_owned()));
}

#[test]
fn joins_count_only_edges_that_fire() {
    let mut host = Host::start(flow([
        task("a"),
        task("b"),
        task("d"),
        task("two")
            .after_when("a", says(Some(true)))
            .after_when("b", says(Some(false)))
            .after_when("d", says(Some(true)))
            .join(Join::AtLeast(2)),
        task("three")
            .after_when("a", says(Some(true)))
            .after_when("b", says(Some(false)))
            .after_when("d", says(Some(true)))
            .join(Join::AtLeast(3)),
    ]));
    host.done("a", 1);
    assert_eq!(host.status("two"), Some(StepStatus::Waiting));
    host.done("b", 2);
    assert_eq!(host.status("three"), Some(StepStatus::Skipped), "two of them are left");
    host.done("d", 3);
    assert_eq!(host.task("two").input().as_json(), r#"{"a":1,"d":3}"#);
}

#[test]
fn a_condition_sees_its_source_and_what_is_before_that_and_nothing_else() {
    let sees = condition_fn("sees", 1, |context: &Context| {
        assert_eq!(context.visible(), ["a", "b"], "of a flow in which all have ended");
        assert_eq!(context.output::<u32>("b")?, 2);
        Ok(context.payload("beside").is_none() && context.payload("c").is_none())
    });
    let mut host = Host::start(flow([
        task("a"),
        task("beside"),
        task("b").after("a"),
        task("c").after_when("b", sees).after("beside"),
    ]));
    host.done("beside", 0);
    host.done("a", 1);
    host.done("b", 2);
    assert_eq!(host.task("c").input().as_json(), r#"{"b":2,"beside":0}"#);
}

#[test]
fn the_input_is_that_of_the_moment_in_which_the_step_started() {
    let mut host = Host::start(flow([
        task("a"),
        task("b"),
        task("c")
            .after_when("a", says(Some(true)))
            .after_when("b", says(Some(true)))
            .join(Join::Any),
    ]));
    host.done("a", 1);
    host.done("b", 2);
    assert_eq!(host.task("c").input().as_json(), r#"{"a":1}"#);
    host.crash();
    assert_eq!(host.task("c").input().as_json(), r#"{"a":1}"#);
}

#[test]
fn in_a_pause_no_condition_is_asked() {
    let mut host = Host::start(flow([task("a"), task("b").after_when("a", says(Some(true)))]));
    host.take(Input::Paused);
    host.done("a", 1);
    assert_eq!(host.told("edge_decided"), [""; 0]);
    host.crash();
    assert_eq!(host.told("edge_decided"), [""; 0]);
    host.take(Input::Resumed);
    assert_eq!(host.open(), ["b"]);
}

#[test]
fn a_run_that_is_cancelled_asks_no_condition() {
    let asked =
        condition_fn("asked", 1, |_: &Context| -> Result<bool, ClosureError> { panic!("asked") });
    let mut host = Host::start(flow([task("a"), task("b").after_when("a", asked)]));
    host.cancel();
    host.done("a", 1);
    assert_eq!(host.told("edge_decided"), [""; 0]);
    assert!(host.run.result().is_some());
}

#[test]
fn a_replay_asks_nothing() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    let calls = Arc::new(AtomicU32::new(0));
    let counter = calls.clone();
    let counts = condition_fn("counts", 1, move |_: &Context| {
        counter.fetch_add(1, Ordering::Relaxed);
        Ok(true)
    });
    let mut host = Host::start(flow([task("a"), task("b").after_when("a", counts)]));
    let (workflow, options) = (host.workflow.clone(), host.options.clone());
    let attempt = host.attempt("a");
    let result = Ok(Payload::null().into());
    host.run.handle(orchestrator_core::Timestamp(0), Input::Answered { attempt, result }).unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    Host::resume(workflow, options, host.run.history());
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}
