//! A sub-workflow runs once inside a step: in the same run and history, with the sight and the seed of its place.

#[path = "support/host.rs"]
mod host;

use host::{Host, bad, flaky, flow, given, ms, named, task};
use orchestrator_core::{
    Context, Handled, Ignored, On, Payload, RetryPolicy, Step, StepStatus, TaskOutput, Workflow,
    transform_fn,
};

fn body() -> Workflow {
    named("body", [task("x"), task("y").after("x")])
}

#[test]
fn its_output_is_that_of_its_end() {
    let mut host = Host::start_with(
        flow([Step::sub_workflow("sub", body()), task("next").after("sub")]),
        given("[1]"),
    );
    assert_eq!(host.told("sub_workflow_started"), ["sub_workflow_started sub"]);
    assert_eq!(host.status("sub"), Some(StepStatus::Running));
    assert_eq!(host.task("sub[0]/x").input().as_json(), "[1]", "it gets the input of its step");
    host.done("sub[0]/x", 1);
    host.crash();
    host.done("sub[0]/y", 2);
    assert_eq!(host.task("next").input().as_json(), "2");
    assert_eq!(host.late("sub[0]/x", 1), Ok(Handled::Ignored(Ignored::AlreadyAnswered)));
    assert!(host.late("sub[1]/x", 1).is_err(), "it runs once");
    assert!(host.late("sub", 1).is_err(), "nobody answers for it");
}

#[test]
fn several_ends_give_an_object_and_a_transformer_may_shape_it() {
    let two = named("two", [task("x"), task("y")]);
    let sum = transform_fn("sum", 1, |both: &Payload, context: &Context| {
        assert_eq!(context.visible(), ["before"], "from outside, the inside is not to be seen");
        Ok(Payload::of(&(both.at::<u32>("/x")? + both.at::<u32>("/y")?))?)
    });
    let sub = Step::sub_workflow("sub", two).after("before").output(sum);
    let mut host = Host::start(flow([task("before"), sub]));
    host.done("before", 0);
    host.done("sub[0]/y", 2);
    host.done("sub[0]/x", 1);
    assert_eq!(host.output(), "3");
}

#[test]
fn its_first_unhandled_failure_fails_the_step() {
    let both = named("both", [task("x"), task("y"), task("z").after("x")]);
    let steps = || {
        [
            Step::sub_workflow("sub", both.clone()),
            task("handler").after_end("sub", On::Failure),
            task("next").after("sub"),
        ]
    };
    let mut host = Host::start(flow(steps()));
    host.fail("sub[0]/y", flaky());
    assert_eq!(host.status("sub"), Some(StepStatus::Running), "the rest of it goes on");
    host.fail("sub[0]/x", bad());
    assert_eq!(host.status("sub[0]/z"), Some(StepStatus::Skipped));
    // The first in the order of the definition, whichever came first.
    assert_eq!(host.task("handler").input().at::<String>("/code"), Ok("bad".to_owned()));
    host.done("handler", 1);
    assert_eq!(host.output(), r#"{"handler":1}"#);
}

#[test]
fn a_failure_that_it_handles_itself_is_none() {
    let body = named("body", [task("x"), task("mend").after_end("x", On::Failure)]);
    let mut host = Host::start(flow([Step::sub_workflow("sub", body)]));
    host.fail("sub[0]/x", bad());
    host.done("sub[0]/mend", "mended");
    assert_eq!(host.output(), r#"{"mend":"mended"}"#);
}

#[test]
fn it_sees_what_its_step_sees() {
    let mut host = Host::start(flow([
        task("before"),
        task("beside"),
        Step::sub_workflow("sub", body()).after("before"),
    ]));
    host.done("beside", 0);
    host.done("before", 1);
    host.done("sub[0]/x", 2);
    let task = host.task("sub[0]/y");
    assert_eq!(task.context().visible(), ["before", "x"]);
    assert_eq!(task.context().output::<u32>("before"), Ok(1));
    assert!(task.context().round().is_err());
    host.crash();
    assert_eq!(host.task("sub[0]/y").context().visible(), ["before", "x"]);
}

#[test]
fn they_stand_in_each_other_and_in_rounds_and_items() {
    let deep = (0..4).fold(body(), |inner, depth| {
        named("nested", [Step::sub_workflow(format!("s{depth}"), inner)])
    });
    let mut host = Host::start(flow([Step::map("each", deep, 2)]));
    assert_eq!(host.failure().1, "map_input", "the input of the run is its goal, a text");
    let deep = (0..4).fold(body(), |inner, depth| {
        named("nested", [Step::sub_workflow(format!("s{depth}"), inner)])
    });
    host = Host::start_with(flow([Step::map("each", deep, 2)]), given("[1,2]"));
    let place = "each[1]/s3[0]/s2[0]/s1[0]/s0[0]/x";
    assert_eq!(host.task(place).context().item().unwrap().index, 1);
    let seeds = [host.task(place).seed(), host.task(&place.replace("each[1]", "each[0]")).seed()];
    assert_ne!(seeds[0], seeds[1]);
    host.finish(|task| Ok(TaskOutput::of(&task.path().to_string())?));
    assert_eq!(
        host.output(),
        r#"["each[0]/s3[0]/s2[0]/s1[0]/s0[0]/y","each[1]/s3[0]/s2[0]/s1[0]/s0[0]/y"]"#
    );
}

#[test]
fn one_that_takes_too_long_stops() {
    let x = task("x").retry(RetryPolicy::attempts(9).at_once());
    let sub =
        Step::sub_workflow("sub", named("body", [x, task("y").after("x")])).step_timeout(ms(9));
    let mut host = Host::start(flow([sub]));
    host.commands();
    host.pass(9);
    assert_eq!(host.commands(), ["cancel sub[0]/x 1"]);
    host.done("sub[0]/x", 1);
    assert_eq!(host.status("sub[0]/y"), Some(StepStatus::Waiting), "it was not begun");
    assert_eq!(host.failure(), ("sub".to_owned(), "step_timeout".to_owned()));
}
