//! A branch takes the first way whose condition holds, and says so in the history.

#[path = "support/host.rs"]
mod host;

use host::{Host, bad, flow, named, path, task};
use orchestrator_core::{
    ClosureError, Condition, Context, Event, Join, On, Payload, Step, StepStatus, condition_fn,
    transform_fn,
};

/// Holds if the output of `measure` is more than this.
fn more_than(limit: u64) -> impl Condition {
    condition_fn("more_than", 1, move |context: &Context| {
        Ok(context.output::<u64>("measure")? > limit)
    })
}

fn sorting() -> orchestrator_core::Workflow {
    flow([
        task("measure"),
        Step::branch("size")
            .after("measure")
            .case(more_than(100), "huge")
            .case(more_than(10), "large")
            .otherwise("small"),
        task("huge"),
        task("large"),
        task("small"),
        task("report").after_all(["huge", "large", "small"]),
    ])
}

#[test]
fn the_first_case_that_holds_is_taken_else_the_default() {
    for (measured, way) in
        [(500, "huge"), (101, "huge"), (100, "large"), (11, "large"), (3, "small")]
    {
        let mut host = Host::start(sorting());
        host.done("measure", measured);
        assert_eq!(host.open(), [way], "{measured}");
        assert_eq!(host.told("branch_taken"), [format!("branch_taken size {way}")]);
        // The chosen step gets what the branch got; the others are skipped.
        assert_eq!(host.task(way).input(), &Payload::of(&measured).unwrap());
        assert_eq!(host.told("step_skipped").len(), 2);
        host.done(way, "sorted");
        // A join behind the ways starts with the one that was taken.
        assert_eq!(host.task("report").input().as_json(), format!("{{\"{way}\":\"sorted\"}}"));
        host.done("report", "ok");
        assert_eq!(host.output(), "\"ok\"");
    }
}

#[test]
fn a_condition_that_errs_or_panics_fails_the_branch() {
    let errs = condition_fn("errs", 1, |_: &Context| Err(ClosureError::new("no idea")));
    let panics = condition_fn("panics", 1, |_: &Context| -> Result<bool, ClosureError> {
        panic!("out of its mind")
    });
    for workflow in [
        flow([Step::branch("b").case(errs, "x").otherwise("x"), task("x")]),
        flow([Step::branch("b").case(panics, "x").otherwise("x"), task("x")]),
    ] {
        let host = Host::start(workflow);
        assert_eq!(host.failure(), ("b".to_owned(), "condition".to_owned()));
        assert_eq!(host.status("x"), Some(StepStatus::Skipped));
        assert_eq!(host.executed.len(), 0);
    }
}

#[test]
fn a_case_after_the_match_is_not_asked() {
    let yes = condition_fn("yes", 1, |_: &Context| Ok(true));
    let errs = condition_fn("errs", 1, |_: &Context| Err(ClosureError::new("not to be asked")));
    let branch = Step::branch("b").case(yes, "x").case(errs, "y").otherwise("y");
    let host = Host::start(flow([branch, task("x"), task("y")]));
    assert_eq!(host.open(), ["x"]);
}

#[test]
fn two_cases_may_lead_to_the_same_step() {
    let no = || condition_fn("no", 1, |_: &Context| Ok(false));
    let yes = condition_fn("yes", 1, |_: &Context| Ok(true));
    let branch = Step::branch("b").case(no(), "x").case(yes, "x").case(no(), "y").otherwise("x");
    let mut host = Host::start(flow([branch, task("x"), task("y")]));
    assert_eq!(host.open(), ["x"]);
    host.done("x", 1);
    assert_eq!(host.output(), r#"{"x":1}"#);
}

#[test]
fn a_branch_may_lead_to_a_branch_and_be_skipped() {
    let no = || condition_fn("no", 1, |_: &Context| Ok(false));
    let mut host = Host::start(flow([
        Step::branch("outer").case(no(), "inner").otherwise("plain"),
        Step::branch("inner").case(no(), "a").otherwise("b"),
        task("plain"),
        task("a"),
        task("b"),
        task("end").after_all(["a", "b"]).after("plain"),
    ]));
    assert_eq!(host.status("inner"), Some(StepStatus::Skipped));
    assert_eq!(host.status("a"), Some(StepStatus::Skipped));
    host.done("plain", 1);
    host.done("end", 2);
    assert_eq!(host.output(), "2");
}

#[test]
fn a_branch_hands_on_what_its_transformer_made_even_if_that_is_nothing() {
    for made in ["7", "null"] {
        let payload = Payload::parse(made).unwrap();
        let shape = transform_fn("shape", 1, move |_: &Payload, _: &Context| Ok(payload.clone()));
        let no = condition_fn("no", 1, |_: &Context| Ok(false));
        let branch = Step::branch("b").case(no, "y").otherwise("x").input(shape);
        let mut host = Host::start(flow([branch, task("x"), task("y")]));
        assert_eq!(host.task("x").input().as_json(), made);
        host.crash();
        assert_eq!(host.task("x").input().as_json(), made);
        let taken = host.run.history().into_iter().find_map(|recorded| match recorded.event {
            Event::BranchTaken { input, .. } => input,
            _ => None,
        });
        assert_eq!(taken, Some(Payload::parse(made).unwrap()));
    }
}

#[test]
fn the_way_not_taken_does_not_poison_a_join_but_a_failure_on_the_way_does() {
    let no = || condition_fn("no", 1, |_: &Context| Ok(false));
    let workflow = || {
        flow([
            Step::branch("b").case(no(), "x").otherwise("y"),
            task("x"),
            task("y"),
            task("other"),
            task("all").after_all(["x", "y", "other"]),
            task("any").after_all(["x", "y"]).join(Join::Any),
            task("always").after_end("x", On::Always).after_end("y", On::Always),
        ])
    };
    let mut host = Host::start(workflow());
    host.done("y", 1);
    host.done("other", 1);
    assert_eq!(host.open(), ["all", "always", "any"]);

    let mut host = Host::start(workflow());
    host.done("other", 1);
    host.fail("y", bad());
    assert_eq!(host.open(), ["always"]);
    assert_eq!(host.status("all"), Some(StepStatus::Skipped));
    assert_eq!(host.status("any"), Some(StepStatus::Skipped));
    host.done("always", 1);
    assert_eq!(host.failure(), ("y".to_owned(), "bad".to_owned()));
}

#[test]
fn a_branch_in_a_loop_chooses_anew_in_every_round() {
    let later = condition_fn("later", 1, |context: &Context| Ok(context.round()?.index > 0));
    let body = named(
        "body",
        [
            Step::branch("which").case(later, "polish").otherwise("draft"),
            task("draft"),
            task("polish"),
        ],
    );
    let done = condition_fn("done", 1, |context: &Context| Ok(context.round()?.index == 2));
    let mut host = Host::start(flow([Step::repeat_until("work", body, 5, done)]));
    for (round, way) in [(0, "draft"), (1, "polish"), (2, "polish")] {
        let place = format!("work[{round}]/{way}");
        assert_eq!(host.open(), [place.as_str()]);
        host.done(&place, round);
    }
    assert_eq!(host.output(), r#"{"polish":2}"#);
    assert_eq!(host.told("branch_taken").len(), 3);
}

#[test]
fn nobody_answers_for_a_branch() {
    let mut host = Host::start(sorting());
    assert!(host.late("size", 1).is_err());
    assert!(host.decide("size", "huge").is_err());
    host.done("measure", 1);
    assert!(host.late("size", 1).is_err());
    assert!(host.late("huge", 1).is_err(), "it was never begun");
    assert_eq!(host.run.status(&path("huge")), Some(StepStatus::Skipped));
}
