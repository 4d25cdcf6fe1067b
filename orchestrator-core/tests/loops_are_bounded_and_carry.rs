//! Loops: bounded by their type, handing a value from round to round, and seeing no more than they should.

use std::collections::BTreeMap;

use orchestrator_core::{
    AttemptId, Command, Context, Input, Join, Payload, Role, Run, RunOptions, RunResult, Step,
    Task, TaskError, TaskOutput, Timestamp, Workflow, build_website, condition_fn,
};

type Answer = Result<TaskOutput, TaskError>;

fn task(id: &str) -> Step {
    Step::task(id, Role::GENERIC)
}

fn built(name: &str, steps: impl IntoIterator<Item = Step>) -> Workflow {
    let builder = Workflow::builder(name);
    steps.into_iter().fold(builder, |builder, step| builder.step(step)).build().unwrap()
}

/// A run whose answers come in the order in which they were asked for, by `work`; every task is kept by its path.
fn drive(workflow: Workflow, work: impl Fn(&Task) -> Answer) -> (Run, BTreeMap<String, Task>) {
    drive_in(workflow, &[], work)
}

/// The same, with the steps of `last` answered only when nothing else is open.
fn drive_in(
    workflow: Workflow,
    last: &[&str],
    work: impl Fn(&Task) -> Answer,
) -> (Run, BTreeMap<String, Task>) {
    let mut run = Run::new(workflow, RunOptions::new("run", "goal").unwrap());
    let mut tasks = BTreeMap::new();
    let mut open: Vec<(AttemptId, Box<Task>)> = Vec::new();
    let mut now = Timestamp(0);
    run.handle(now, Input::Started).unwrap();
    while run.result().is_none() {
        while run.poll_event().is_some() {}
        run.commit_polled();
        while let Some(command) = run.poll_command() {
            if let Command::Execute { attempt, task, .. } = command {
                tasks.insert(attempt.path.to_string(), (*task).clone());
                open.push((attempt, task));
            }
        }
        let next = open.iter().position(|(id, _)| !last.contains(&id.path.step().as_str()));
        let input = if open.is_empty() {
            now = run.next_deadline().expect("something is open or rests");
            Input::TimePassed
        } else {
            let (attempt, task) = open.remove(next.unwrap_or(0));
            Input::Answered { attempt, result: work(&task) }
        };
        run.handle(now, input).unwrap();
    }
    (run, tasks)
}

/// Says where it is.
fn echo(task: &Task) -> Answer {
    Ok(Payload::from(task.path().to_string()).into())
}

#[track_caller]
fn failure(run: &Run) -> (String, TaskError) {
    match run.result() {
        Some(RunResult::Failed { path, error }) => (path.to_string(), error.clone()),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn output(run: &Run) -> &str {
    match run.result() {
        Some(RunResult::Succeeded { output }) => output.as_json(),
        other => panic!("{other:?}"),
    }
}

fn after_round(last: u32) -> impl orchestrator_core::Condition {
    condition_fn("enough", 1, move |context: &Context| Ok(context.round()?.index >= last))
}

#[test]
fn a_loop_that_is_never_done_runs_out_of_rounds() {
    let never = condition_fn("never", 1, |_: &Context| Ok(false));
    let looped = Step::repeat_until("again", built("body", [task("draft")]), 3, never);
    let (run, tasks) = drive(built("w", [looped.clone()]), echo);
    let (path, error) = failure(&run);
    assert_eq!((path.as_str(), error.code.as_str()), ("again", "rounds_exhausted"));
    assert_eq!(error.message, "the loop was not done after the last of its rounds (3)");
    assert_eq!(error.details.as_json(), "\"again[2]/draft\"", "what the last round made");
    assert_eq!(tasks.len(), 3);
    // It is a failure like any other: it can be handled.
    let (run, tasks) = drive(built("w", [looped.on_failure("sorry"), task("sorry")]), echo);
    assert_eq!(output(&run), r#"{"sorry":"sorry"}"#);
    assert_eq!(tasks["sorry"].input().at::<String>("/code").unwrap(), "rounds_exhausted");
}

#[test]
fn a_round_hands_its_output_to_the_next() {
    let body = built("body", [task("draft"), task("polish").after("draft")]);
    let looped = Step::repeat_until("again", body, 9, after_round(2));
    let (run, tasks) = drive(built("w", [task("specs"), looped.after("specs")]), echo);
    assert_eq!(output(&run), "\"again[2]/polish\"");
    assert_eq!(tasks.len(), 7);
    let carried = |path: &str| tasks[path].context().round().unwrap().carried.clone();
    assert!(carried("again[0]/draft").is_null());
    assert_eq!(carried("again[1]/draft").as_json(), "\"again[0]/polish\"");
    assert_eq!(carried("again[2]/polish").as_json(), "\"again[1]/polish\"");
    // What is first in the body gets the input of the loop, in every round.
    assert_eq!(tasks["again[2]/draft"].input().as_json(), "\"specs\"");
    assert!(tasks["specs"].context().round().is_err());
    // Every round has randomness of its own, whatever the other rounds do.
    assert_ne!(tasks["again[1]/draft"].seed(), tasks["again[2]/draft"].seed());
}

#[test]
fn a_step_sees_its_ancestors_and_nobody_else() {
    let inner = built("inner", [task("x"), task("y").after("x"), task("z")]);
    let workflow = built(
        "w",
        [
            task("before"),
            task("beside"),
            Step::repeat_until("again", inner, 2, after_round(1)).after("before"),
            task("after").after("again"),
        ],
    );
    let (_, tasks) = drive(workflow, echo);
    let sees = |path: &str| tasks[path].context().visible();
    assert_eq!(sees("before"), Vec::<String>::new());
    assert_eq!(sees("again[0]/x"), ["before"]);
    assert_eq!(sees("again[0]/y"), ["before", "x"]);
    assert_eq!(sees("again[1]/y"), ["before", "x"]);
    assert_eq!(sees("again[1]/z"), ["before"], "not what ran beside it, nor an earlier round");
    assert_eq!(sees("after"), ["again", "before"], "not into the loop");
    let context = tasks["again[1]/y"].context();
    assert_eq!(context.output::<String>("x").unwrap(), "again[1]/x");
    assert!(context.payload("beside").is_none());
    assert_eq!(context.goal(), "goal");
}

#[test]
fn a_name_inside_hides_the_same_name_outside() {
    let inner = built("inner", [task("x").on_failure("y"), task("y")]);
    let looped = Step::repeat_until("again", inner, 1, after_round(0)).after("x");
    let (_, tasks) =
        drive(built("w", [task("x"), looped]), |task| match task.path().rounds().next() {
            Some(_) if task.path().step().as_str() == "x" => Err(TaskError::terminal("no", "no")),
            _ => echo(task),
        });
    assert_eq!(tasks["again[0]/x"].context().output::<String>("x").unwrap(), "x");
    // The inner `x` has failed: that the outer one has an output does not make up for it.
    assert!(tasks["again[0]/y"].context().payload("x").is_none());
    assert!(!tasks["again[0]/y"].context().visible().contains(&"x".to_owned()));
}

#[test]
fn a_step_sees_what_was_there_when_it_started() {
    // `late` is an ancestor of the loop, which does not wait for it; it ends while the first round is running.
    let inner = built("inner", [task("x"), task("y").after("x")]);
    let looped = Step::repeat_until("again", inner, 3, after_round(2))
        .after_all(["early", "late"])
        .join(Join::Any);
    let workflow = built("w", [task("early"), task("late"), looped]);
    let (_, tasks) = drive_in(workflow, &["late", "y"], echo);
    for path in ["again[0]/x", "again[0]/y", "again[1]/x", "again[2]/y"] {
        let seen = tasks[path].context().visible();
        assert!(!seen.contains(&"late".to_owned()), "{path} sees {seen:?}");
        assert!(seen.contains(&"early".to_owned()), "{path} sees {seen:?}");
    }
}

#[test]
fn a_failure_in_the_body_fails_the_loop_unless_it_is_the_verdict() {
    let body = || built("body", [task("draft"), task("judge").after("draft"), task("extra")]);
    let accepted = || built("w", [Step::repeat_until_accepted("again", body(), 3, "judge")]);
    let failing = |names: &'static [&'static str]| {
        move |task: &Task| match names.contains(&task.path().step().as_str()) {
            true => Err(TaskError::terminal(task.path().step().as_str(), "no")),
            false => echo(task),
        }
    };
    let (run, tasks) = drive(accepted(), failing(&["draft"]));
    assert_eq!(failure(&run).1.code, "draft");
    assert_eq!(tasks.len(), 2, "one round, without the judge");
    let (run, _) = drive(accepted(), failing(&["judge"]));
    assert_eq!(failure(&run).1.code, "rounds_exhausted");
    // The judge's verdict does not hide what else went wrong, wherever it stands.
    let (run, tasks) = drive(accepted(), failing(&["judge", "extra"]));
    assert_eq!(failure(&run).1.code, "extra");
    assert_eq!(tasks.len(), 3);
    let broken = condition_fn("broken", 1, |_: &Context| -> Result<bool, _> { panic!("oh") });
    let (run, _) = drive(built("w", [Step::repeat_until("again", body(), 3, broken)]), echo);
    let error = failure(&run).1;
    assert_eq!(
        (error.code.as_str(), error.message.as_str()),
        ("condition", "condition \"broken\": it panicked: oh")
    );
}

#[test]
fn loops_nest() {
    let inner = built("inner", [task("x")]);
    let middle = built(
        "middle",
        [task("first"), Step::repeat_until("inner_loop", inner, 5, after_round(1)).after("first")],
    );
    let outer = Step::repeat_until("outer_loop", middle, 5, after_round(2));
    let (run, tasks) = drive(built("w", [task("root"), outer.after("root")]), echo);
    assert_eq!(output(&run), "\"outer_loop[2]/inner_loop[1]/x\"");
    assert_eq!(tasks.len(), 1 + 3 * (1 + 2));
    let deep = tasks["outer_loop[2]/inner_loop[1]/x"].context();
    assert_eq!(deep.visible(), ["first", "root"]);
    assert_eq!(deep.output::<String>("first").unwrap(), "outer_loop[2]/first");
    assert_eq!(deep.round().unwrap().index, 1);
    assert_eq!(run.outcome().unwrap().outputs.len(), tasks.len() + 3 + 1);
}

#[test]
fn a_rejected_website_goes_back_to_the_coder() {
    let reviewer = |task: &Task| match task.path().to_string().as_str() {
        "draft[0]/review_code" => Err(TaskError::terminal("rejected", "no title")
            .with_details(Payload::parse(r#"["no title"]"#).unwrap())),
        // The coder stumbles once; that is a retry, not a round.
        "draft[1]/implement_code" if task.attempt() == 1 => Err(TaskError::retryable("flaky", "")),
        _ => echo(task),
    };
    let (run, tasks) = drive(build_website(3).unwrap(), reviewer);
    assert_eq!(output(&run), "\"draft[1]/review_code\"");
    let coder = &tasks["draft[1]/implement_code"];
    let carried = &coder.context().round().unwrap().carried;
    assert_eq!(carried.at::<Vec<String>>("/details").unwrap(), ["no title"]);
    assert_eq!(coder.input().as_json(), "\"create_specs\"");
    assert_eq!((coder.attempt(), tasks.len()), (2, 5));
    let (run, tasks) =
        drive(build_website(2).unwrap(), |task| match task.role() == &Role::REVIEWER {
            true => Err(TaskError::terminal("rejected", "never good enough")),
            false => echo(task),
        });
    let (path, error) = failure(&run);
    assert_eq!((path.as_str(), error.code.as_str()), ("draft", "rounds_exhausted"));
    assert_eq!(error.details.at::<String>("/message").unwrap(), "never good enough");
    assert_eq!(tasks.len(), 5);
}
