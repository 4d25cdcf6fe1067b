//! What may travel through a run is limited in size, wherever it comes from.

#[path = "support/host.rs"]
mod host;

use host::{Host, flow, named, options, task};
use orchestrator_core::{
    Context, On, OnItemFailure, Payload, RetryPolicy, RunOptions, Step, TaskError, condition_fn,
    transform_fn,
};

fn limited(bytes: usize) -> RunOptions {
    RunOptions { payload_bytes_max: bytes, input: Some(Payload::null()), ..options() }
}

/// A text that has so many bytes as a payload.
fn text(bytes: usize) -> String {
    "x".repeat(bytes - 2)
}

fn makes(bytes: usize) -> impl orchestrator_core::Transformer {
    transform_fn("makes", 1, move |_: &Payload, _: &Context| Ok(Payload::text(&text(bytes))))
}

#[track_caller]
fn too_large(host: &Host, at: &str) {
    assert_eq!(host.failure(), (at.to_owned(), "payload_too_large".to_owned()));
}

#[test]
fn an_output_may_have_so_many_bytes_and_not_one_more() {
    let a = || task("a").retry(RetryPolicy::attempts(5).at_once());
    let mut host = Host::start_with(flow([a()]), limited(100));
    host.done("a", text(100));
    assert_eq!(host.output().len(), 100);
    let mut host = Host::start_with(flow([a()]), limited(100));
    host.done("a", text(101));
    too_large(&host, "a");
    let json = serde_json::to_string(&host.run.history()).unwrap();
    assert!(!json.contains("xxxx"), "what is too large is not kept either");
}

#[test]
fn what_a_transformer_makes_is_measured_too() {
    let host = Host::start_with(flow([task("a").input(makes(101))]), limited(100));
    too_large(&host, "a");
    let mut host = Host::start_with(flow([task("a").output(makes(101))]), limited(100));
    host.done("a", 1);
    too_large(&host, "a");
    // It is what the transformer makes that counts.
    let mut host = Host::start_with(flow([task("a").output(makes(100))]), limited(100));
    host.done("a", text(1_000));
    assert_eq!(host.output().len(), 100);
    for step in [
        Step::decision("a", "?", ["x", "y"]),
        Step::wait_for_signal("a", "s"),
        Step::branch("a").case(condition_fn("no", 1, |_: &Context| Ok(false)), "b").otherwise("b"),
        Step::sub_workflow("a", named("body", [task("x")])),
    ] {
        let host = Host::start_with(flow([step.input(makes(101)), task("b")]), limited(100));
        assert_eq!(host.told("step_failed"), ["step_failed a 0 payload_too_large"]);
    }
}

#[test]
fn several_outputs_together_are_one_input() {
    let steps = || [task("a"), task("b"), task("c").after_all(["a", "b"])];
    let mut host = Host::start_with(flow(steps()), limited(100));
    host.done("a", text(60));
    host.done("b", text(60));
    too_large(&host, "c");
    let mut host = Host::start_with(flow(steps()), limited(100));
    host.done("a", text(60));
    host.done("b", text(20));
    host.done("c", 1);
}

#[test]
fn what_an_edge_does_not_bring_is_not_counted() {
    let no = condition_fn("no", 1, |_: &Context| Ok(false));
    let c = task("c").after_when("a", no).after("b").after_end("b", On::Always);
    let mut host = Host::start_with(flow([task("a"), task("b"), c]), limited(100));
    host.done("a", text(60));
    host.done("b", text(60));
    assert_eq!(host.task("c").input().bytes(), 60 + r#"{"b":}"#.len());
}

#[test]
fn results_of_items_and_values_of_rounds_are_measured() {
    let list = || transform_fn("list", 1, |_: &Payload, _: &Context| Ok(Payload::of(&[1, 2])?));
    for on_failure in [OnItemFailure::FailFast, OnItemFailure::Collect] {
        let each = Step::map("each", named("item", [task("x")]), 2).on_item_failure(on_failure);
        let mut host = Host::start_with(flow([each.input(list())]), limited(100));
        host.done("each[0]/x", text(60));
        host.done("each[1]/x", text(60));
        too_large(&host, "each");
    }
    let never = condition_fn("never", 1, |_: &Context| Ok(false));
    let body = named("body", [task("x"), task("y")]);
    let steps =
        [Step::repeat_until("again", body, 9, never), task("mend").after_end("again", On::Failure)];
    let mut host = Host::start_with(flow(steps), limited(300));
    host.done("again[0]/x", text(200));
    host.done("again[0]/y", text(200));
    let code: Result<String, _> = host.task("mend").input().at("/code");
    assert_eq!(code, Ok("payload_too_large".to_owned()));
}

#[test]
fn a_failure_counts_even_if_its_details_are_cut() {
    let a = task("a").retry(RetryPolicy::attempts(2).at_once());
    let mut host = Host::start_with(flow([a]), limited(100));
    let error = || TaskError::retryable("flaky", "no").with_details(Payload::text(&text(101)));
    host.fail("a", error());
    assert_eq!(host.told("attempt_failed"), ["attempt_failed a 1 flaky"], "it is tried again");
    host.fail("a", error());
    assert_eq!(host.failure(), ("a".to_owned(), "flaky".to_owned()));
    assert!(!serde_json::to_string(&host.run.history()).unwrap().contains("xxxx"));
}

#[test]
fn a_huge_payload_within_the_limit_goes_through_unharmed() {
    let odd: String =
        (0..100_000).map(|n| ["\u{0}", "\"", "é", "\u{1F600}", "\\"][n % 5]).collect();
    let mut options = options();
    options.payload_bytes_max = 10 << 20;
    let mut host = Host::start_with(flow([task("a"), task("b").after("a")]), options);
    host.done("a", &odd);
    host.crash();
    assert_eq!(host.task("b").input().to::<String>(), Ok(odd));
}
