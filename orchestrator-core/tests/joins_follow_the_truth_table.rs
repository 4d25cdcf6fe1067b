//! Which steps start, by what became of the steps before: the truth table, walked by real runs.

use std::collections::BTreeMap;

use orchestrator_core::{
    Command, Input, Join, On, Path, Payload, Role, Run, RunOptions, RunResult, Step, StepStatus,
    TaskError, TaskOutput, Timestamp, Workflow,
};

/// Drives a run in which the steps named in `failing` fail; answers come in the order of `order`, then as they were asked for.
fn drive(steps: Vec<Step>, failing: &[&str], order: &[&str]) -> (Run, BTreeMap<String, Payload>) {
    let builder = Workflow::builder("table");
    let workflow = steps.into_iter().fold(builder, |builder, step| builder.step(step)).build();
    let mut run = Run::new(workflow.unwrap(), RunOptions::new("run", "goal").unwrap());
    let mut inputs = BTreeMap::new();
    let mut open = Vec::new();
    run.handle(Timestamp(0), Input::Started).unwrap();
    loop {
        while run.poll_event().is_some() {}
        run.commit_polled();
        while let Some(command) = run.poll_command() {
            if let Command::Execute { attempt, task, .. } = command {
                inputs.insert(attempt.path.to_string(), task.input().clone());
                open.push(attempt);
            }
        }
        if open.is_empty() {
            return (run, inputs);
        }
        let first = order
            .iter()
            .find_map(|step| open.iter().position(|attempt| attempt.path.step().as_str() == *step));
        let attempt = open.remove(first.unwrap_or(0));
        let name = attempt.path.to_string();
        let result = if failing.contains(&name.as_str()) {
            Err(TaskError::terminal("broken", format!("{name} broke")))
        } else {
            Ok(TaskOutput::from(Payload::from(format!("{name} done"))))
        };
        run.handle(Timestamp(0), Input::Answered { attempt, result }).unwrap();
    }
}

fn task(id: &str) -> Step {
    Step::task(id, Role::GENERIC)
}

fn status(run: &Run, step: &str) -> StepStatus {
    run.status(&Path::parse(step).unwrap()).unwrap()
}

/// `a` and `b` lead to `target` by these edges; `ends` says how they end: `+`, `-`, or `0` for a step that is skipped because nobody
/// needs it, `x` for one that is skipped because of a failure that nobody handles.
#[track_caller]
fn check(join: Join, edges: [On; 2], ends: &str, handled: bool, starts: bool) {
    let mut steps = vec![task("gate"), task("broken")];
    let mut failing = vec!["broken"];
    let mut target = task("target").join(join);
    for ((id, on), end) in ["a", "b"].into_iter().zip(edges).zip(ends.chars()) {
        let mut step = match end {
            '0' => task(id).after_end("gate", On::Failure),
            'x' => task(id).after("broken"),
            _ => task(id),
        };
        if end == '-' {
            failing.push(id);
        }
        if handled && end != '0' && end != 'x' {
            step = step.on_failure("handler");
        }
        target = target.after_end(id, on);
        steps.push(step);
    }
    if handled {
        steps.push(task("handler").join(Join::Any).after_end("gate", On::Failure));
    }
    steps.push(target);
    let want = if starts { StepStatus::Succeeded } else { StepStatus::Skipped };
    for order in [["a", "b"], ["b", "a"]] {
        let (run, _) = drive(steps.clone(), &failing, &order);
        assert!(run.result().is_some());
        assert_eq!(status(&run, "target"), want, "{join:?} {edges:?} {ends} {order:?}");
    }
}

#[test]
fn all_starts_when_something_fired_and_nothing_is_poisoned() {
    use On::{Always, Failure, Success};
    let two = [Success, Success];
    check(Join::All, two, "++", false, true);
    check(Join::All, two, "+-", false, false);
    check(Join::All, two, "--", false, false);
    check(Join::All, two, "+-", true, true);
    check(Join::All, two, "--", true, false);
    check(Join::All, two, "+0", false, true);
    check(Join::All, two, "00", false, false);
    check(Join::All, two, "+x", false, false);
    check(Join::All, two, "xx", false, false);
    check(Join::All, [Success, Failure], "++", false, true);
    check(Join::All, [Success, Failure], "+-", false, true);
    check(Join::All, [Success, Failure], "-+", false, false);
    check(Join::All, [Failure, Failure], "++", false, false);
    check(Join::All, [Always, Always], "+-", false, true);
    check(Join::All, [Always, Always], "--", false, true);
    check(Join::All, [Always, Always], "0-", false, true);
    check(Join::All, [Always, Always], "00", false, false);
    check(Join::All, [Always, Success], "+x", false, false);
}

#[test]
fn any_and_n_of_m_start_at_the_nth() {
    use On::{Always, Failure, Success};
    let two = [Success, Success];
    check(Join::Any, two, "++", false, true);
    check(Join::Any, two, "+-", false, true);
    check(Join::Any, two, "+x", false, true);
    check(Join::Any, two, "0+", false, true);
    check(Join::Any, two, "--", false, false);
    check(Join::Any, two, "00", false, false);
    check(Join::Any, [Success, Failure], "--", false, true);
    check(Join::AtLeast(2), two, "++", false, true);
    check(Join::AtLeast(2), two, "+-", true, false);
    check(Join::AtLeast(2), two, "+x", false, false);
    check(Join::AtLeast(2), [Always, Failure], "+-", false, true);
    check(Join::AtLeast(1), two, "x+", false, true);
}

#[test]
fn a_step_is_skipped_and_so_is_what_follows() {
    let (run, _) = drive(
        vec![
            task("a"),
            task("b").after("a"),
            task("c").after("b"),
            task("d").after_end("c", On::Always),
            task("beside"),
            task("both").after("d").after("beside"),
        ],
        &["a"],
        &[],
    );
    for step in ["b", "c", "d", "both"] {
        assert_eq!(status(&run, step), StepStatus::Skipped, "{step}");
    }
    assert_eq!(status(&run, "beside"), StepStatus::Succeeded, "other branches run to their end");
}

#[test]
fn the_first_unhandled_failure_in_definition_order_is_the_result() {
    for order in [["late", "early"], ["early", "late"]] {
        let (run, _) = drive(
            vec![
                task("handled").on_failure("handler"),
                task("handler"),
                task("early"),
                task("late"),
            ],
            &["handled", "late", "early"],
            &order,
        );
        let Some(RunResult::Failed { path, error }) = run.result() else {
            panic!("{:?}", run.result())
        };
        assert_eq!((path.to_string().as_str(), error.code.as_str()), ("early", "broken"));
    }
}

#[test]
fn only_an_edge_on_failure_handles_a_failure() {
    let (handled, _) = drive(vec![task("a").on_failure("h"), task("h")], &["a"], &[]);
    assert!(matches!(handled.result(), Some(RunResult::Succeeded { .. })));
    let always = vec![task("a"), task("h").after_end("a", On::Always)];
    let (unhandled, _) = drive(always, &["a"], &[]);
    assert_eq!(status(&unhandled, "h"), StepStatus::Succeeded);
    assert!(matches!(unhandled.result(), Some(RunResult::Failed { .. })));
    // A handler that fails is a failure like any other.
    let (failed, _) = drive(vec![task("a").on_failure("h"), task("h")], &["a", "h"], &[]);
    let Some(RunResult::Failed { path, .. }) = failed.result() else { panic!() };
    assert_eq!(path.to_string(), "h");
}

#[test]
fn a_step_gets_what_its_fired_edges_bring() {
    let failure = r#"{"code":"broken","failure":"terminal","message":"a broke"}"#;
    #[track_caller]
    fn check(target: Step, failing: &[&str], want: &str) {
        let (_, inputs) = drive(vec![task("a"), task("b"), target], failing, &[]);
        assert_eq!(inputs["target"].as_json(), want);
    }
    check(task("target"), &[], "\"goal\"");
    check(task("target").after("a"), &[], "\"a done\"");
    check(task("target").after_end("a", On::Failure), &["a"], failure);
    check(task("target").after_end("a", On::Always), &["a"], failure);
    check(task("target").after_all(["a", "b"]), &[], r#"{"a":"a done","b":"b done"}"#);
    // A dead edge brings nothing: the success of `a` is no failure.
    check(task("target").after_end("a", On::Failure).after("b"), &[], r#"{"b":"b done"}"#);
    check(
        task("target").after_end("a", On::Failure).after("b"),
        &["a"],
        &format!(r#"{{"a":{failure},"b":"b done"}}"#),
    );
    // One step before, whichever way it ends.
    check(task("target").after("a").after_end("a", On::Failure), &[], "\"a done\"");
    check(task("target").after("a").after_end("a", On::Failure), &["a"], failure);
    check(task("target").after_all(["a", "b"]).join(Join::Any), &["a"], r#"{"b":"b done"}"#);
}

#[test]
fn the_output_of_a_run_is_that_of_the_steps_that_end_it() {
    #[track_caller]
    fn check(steps: Vec<Step>, failing: &[&str], want: &str) {
        let (run, _) = drive(steps, failing, &[]);
        let Some(RunResult::Succeeded { output }) = run.result() else {
            panic!("{:?}", run.result())
        };
        assert_eq!(output.as_json(), want);
    }
    check(vec![task("a"), task("b").after("a")], &[], "\"b done\"");
    check(vec![task("a"), task("b")], &[], r#"{"a":"a done","b":"b done"}"#);
    // A handler does not hide the output of the step that it guards.
    let guarded = || vec![task("a").on_failure("h"), task("h")];
    check(guarded(), &[], r#"{"a":"a done"}"#);
    check(guarded(), &["a"], r#"{"h":"h done"}"#);
    let rescued = vec![
        task("a").on_failure("h"),
        task("h"),
        task("end").after_all(["a", "h"]).join(Join::Any),
    ];
    check(rescued, &["a"], "\"end done\"");
}
