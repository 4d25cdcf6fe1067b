//! "On failure, back to an earlier step" makes a bounded loop of the steps in between, or a fault that says why it is none.

use orchestrator_core::{
    Orchestrator, Payload, RetryPolicy, Role, RunReport, RunResult, Step, Task, TaskError,
    Workflow, worker_fn,
};

fn task(id: &str) -> Step {
    Step::task(id, Role::CODER)
}

fn build(steps: impl IntoIterator<Item = Step>) -> Result<Workflow, String> {
    let builder = Workflow::builder("back");
    let built = steps.into_iter().fold(builder, |builder, step| builder.step(step)).build();
    built.map_err(|faults| {
        faults.faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    })
}

#[track_caller]
fn refused(steps: impl IntoIterator<Item = Step>, want: &str) {
    assert_eq!(build(steps).unwrap_err(), want);
}

/// Runs with workers that fail while `fails` says so of path and round, and else give their path.
fn run(workflow: Workflow, fails: fn(&str) -> bool) -> RunReport {
    let mut hub = Orchestrator::new();
    let work = move |task: Task| async move {
        let path = task.path().to_string();
        if fails(&path) {
            return Err(TaskError::terminal("rejected", path));
        }
        let carried = task.context().round().ok().map(|round| round.carried.clone());
        let input = task.input().clone();
        Ok(Payload::of(&(path, input, carried.unwrap_or_default())).unwrap().into())
    };
    hub.register_worker("worker", Role::CODER, worker_fn(work)).unwrap();
    hub.register_workflow(workflow).unwrap();
    futures::executor::block_on(hub.execute("back", "goal")).unwrap()
}

fn website(rounds: u32) -> Workflow {
    build([
        task("specs"),
        task("code").after("specs"),
        task("review").after("code").on_failure_back_to("code", rounds),
        task("deploy").after("review"),
    ])
    .unwrap()
}

#[test]
fn the_steps_in_between_are_done_again() {
    let report = run(website(3), |path| path == "until_review[0]/review");
    let paths: Vec<String> = report.outputs.keys().map(ToString::to_string).collect();
    assert_eq!(
        paths,
        [
            "deploy",
            "specs",
            "until_review",
            "until_review[0]/code",
            "until_review[1]/code",
            "until_review[1]/review",
        ]
    );
    let code = report.outputs.iter().find(|(path, _)| path.to_string() == "until_review[1]/code");
    let (_, output) = code.unwrap();
    // It gets what the specification gave, and is handed the review's failure.
    assert_eq!(output.at::<String>("/1/0").unwrap(), "specs");
    assert_eq!(output.at::<String>("/2/code").unwrap(), "rejected");
    assert!(matches!(report.result, RunResult::Succeeded { .. }));
}

#[test]
fn the_rounds_are_bounded() {
    let report = run(website(2), |path| path.ends_with("/review"));
    match report.result {
        RunResult::Failed { path, error } => {
            assert_eq!(path.to_string(), "until_review");
            assert_eq!(error.code, "rounds_exhausted");
        }
        other => panic!("{other:?}"),
    }
    refused(
        [task("a"), task("b").after("a").on_failure_back_to("a", 0)],
        "loop \"until_b\" may run no round; give it at least one",
    );
}

#[test]
fn a_loop_may_go_around_a_loop() {
    let steps = [
        task("plan"),
        task("code").after("plan"),
        task("lint").after("code").on_failure_back_to("code", 2),
        task("review").after("lint").on_failure_back_to("plan", 2),
    ];
    let report = run(build(steps).unwrap(), |path| {
        path == "until_review[0]/until_lint[0]/lint" || path == "until_review[0]/review"
    });
    assert!(matches!(report.result, RunResult::Succeeded { .. }), "{:?}", report.result);
    let paths: Vec<String> = report.outputs.keys().map(ToString::to_string).collect();
    assert!(paths.contains(&"until_review[0]/until_lint[1]/lint".to_owned()), "{paths:?}");
    assert!(paths.contains(&"until_review[1]/until_lint[0]/code".to_owned()), "{paths:?}");

    // Two ways back to the same step lie inside each other too.
    let steps = [
        task("code"),
        task("lint").after("code").on_failure_back_to("code", 2),
        task("review").after("lint").on_failure_back_to("code", 2),
    ];
    let workflow = build(steps).unwrap();
    assert_eq!(workflow.steps().map(|s| s.as_str()).collect::<Vec<_>>(), ["until_review"]);
}

#[test]
fn a_step_may_go_back_to_itself_and_its_failure_may_be_handled() {
    let steps = [task("try").on_failure_back_to("try", 3).on_failure("give_up"), task("give_up")];
    let report = run(build(steps).unwrap(), |path| path.ends_with("/try"));
    assert!(matches!(report.result, RunResult::Succeeded { .. }), "{:?}", report.result);
    let given_up = report.outputs.keys().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(given_up, ["give_up"]);
}

#[test]
fn what_cannot_be_a_loop_is_refused_with_the_reason() {
    refused(
        [task("a"), task("b").after("a").on_failure_back_to("c", 2), task("c").after("a")],
        "step \"b\" goes back to \"c\", from which no way leads to it",
    );
    refused(
        [task("a").on_failure_back_to("nobody", 2)],
        "step \"a\" goes back to \"nobody\", from which no way leads to it",
    );
    refused(
        [
            task("a"),
            task("x"),
            task("b").after("a").after("x"),
            task("c").after("b").on_failure_back_to("a", 2),
        ],
        "step \"c\" goes back to \"a\", but \"x\" leads to \"b\" in between; a loop has one way in",
    );
    refused(
        [
            task("a").on_failure("failed"),
            task("b").after("a").on_failure_back_to("a", 2),
            task("failed"),
        ],
        "step \"b\" goes back to \"a\", but \"a\" in between leads to \"failed\"; a loop has one way out",
    );
    refused(
        [
            task("a"),
            task("b").after("a"),
            task("c").after("b").on_failure_back_to("a", 2),
            task("d").after("c").on_failure_back_to("b", 2),
        ],
        "the way back from \"d\" to \"b\" crosses another; loops lie inside each other, or apart",
    );
    // With the other faults, all at once.
    refused(
        [task("a"), task("b").after("a").after("ghost").on_failure_back_to("z", 2)],
        "step \"b\" has an edge to or from \"ghost\", which is not defined\n\
         step \"b\" goes back to \"z\", from which no way leads to it",
    );
    // A fault inside the loop is told once, and hides no other way back.
    let tired = RetryPolicy::attempts(0);
    refused(
        [
            task("a").retry(tired),
            task("b").after("a").on_failure_back_to("a", 2),
            task("c").after("b").on_failure_back_to("b", 2),
        ],
        "step \"a\": attempts_max is 0, and must be from 1 to 1000",
    );
    refused(
        [task("a b").on_failure_back_to("a b", 2)],
        "step name \"a b\" has ' ' at character 2; letters, digits, `_`, `-` and `.` are allowed",
    );
}
