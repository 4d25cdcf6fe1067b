//! A workflow cannot exist invalid: `build()` and `register_workflow()` say everything that is wrong, at once.

use orchestrator_core::{
    Context, Fault, Faults, Join, On, Orchestrator, Payload, RegisterError, RetryPolicy, Role,
    Step, TaskOutput, Workflow, build_website, condition_fn, pipeline, worker_fn,
};

fn task(id: &str) -> Step {
    Step::task(id, Role::CODER)
}

fn body() -> Workflow {
    Workflow::builder("body").step(task("draft")).build().unwrap()
}

fn build(steps: impl IntoIterator<Item = Step>) -> Result<Workflow, Faults> {
    let builder = Workflow::builder("wrong");
    steps.into_iter().fold(builder, |builder, step| builder.step(step)).build()
}

/// Exactly these faults, in this order, in these words.
#[track_caller]
fn check(steps: impl IntoIterator<Item = Step>, want: &[&str]) -> Vec<Fault> {
    let faults = match build(steps) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.faults,
    };
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(said, want);
    faults
}

#[test]
fn every_fault_has_its_words() {
    check([], &["the workflow has no steps"]);
    check(
        [task("a b"), task("")],
        &[
            "step name \"a b\" has ' ' at character 2; letters, digits, `_`, `-` and `.` are allowed",
            "a step name is empty",
        ],
    );
    check([task("a"), task("a")], &["step \"a\" is defined twice"]);
    check(
        [task("a").after("b").on_failure("c")],
        &[
            "step \"a\" has an edge to or from \"b\", which is not defined",
            "step \"a\" has an edge to or from \"c\", which is not defined",
        ],
    );
    check(
        [task("a").on_success("b"), task("b").after("a")],
        &["the edge from \"a\" to \"b\" is drawn twice"],
    );
    check(
        [task("a"), task("b").after("a").join(Join::AtLeast(2))],
        &["step \"b\" waits for 2 of its edges, of which at most 1 can fire"],
    );
    check(
        [task("a"), task("b").after("a").join(Join::AtLeast(0))],
        &["step \"b\" waits for 0 of its edges, of which at most 1 can fire"],
    );
    // Success and failure of one step exclude each other.
    check(
        [task("a"), task("b").after("a").after_end("a", On::Failure).join(Join::AtLeast(2))],
        &["step \"b\" waits for 2 of its edges, of which at most 1 can fire"],
    );
    check(
        [
            task("a").retry(RetryPolicy::attempts(0)),
            task("b").retry(RetryPolicy { growth_percent: 99, ..RetryPolicy::default() }),
            task("c").retry(RetryPolicy { jitter_percent: 101, ..RetryPolicy::default() }),
        ],
        &[
            "step \"a\": attempts_max is 0, and must be from 1 to 1000",
            "step \"b\": growth_percent is 99, and must be at least 100",
            "step \"c\": jitter_percent is 101, and must be at most 100",
        ],
    );
    let never = || condition_fn("never", 1, |_: &Context| Ok(false));
    check(
        [
            Step::repeat_until("a", body(), 0, never()),
            Step::repeat_until_accepted("b", body(), 1, "nobody"),
            Step::repeat_until("c", body(), 1, never()).retry(RetryPolicy::attempts(2)),
        ],
        &[
            "loop \"a\" may run no round; give it at least one",
            "loop \"b\" is accepted by \"nobody\", which its body does not have",
            "loop \"c\" has a retry policy, which only tasks can have",
        ],
    );
    assert_eq!(build_website(0).unwrap_err().faults.len(), 1);
    assert!(pipeline("p", []).is_err());
}

#[test]
fn a_cycle_is_shown_with_its_path() {
    let faults = check(
        [task("a").after("c"), task("b").after("a"), task("c").after("b"), task("d")],
        &[
            "the steps a -> b -> c -> a form a cycle; to go back, use `on_failure_back_to` or a loop step",
        ],
    );
    let [Fault::Cycle { path }] = faults.as_slice() else { panic!("{faults:?}") };
    assert_eq!(path.first(), path.last());
    check(
        [task("a").after("a"), task("end")],
        &["the steps a -> a form a cycle; to go back, use `on_failure_back_to` or a loop step"],
    );
    // Two knots, and what lies behind them; `f` can be reached from `start` all the same.
    check(
        [
            task("start"),
            task("a").after("b"),
            task("b").after("a"),
            task("c").after("d"),
            task("d").after("c"),
            task("e").after("b"),
            task("f").after("e").after("start"),
        ],
        &[
            "the steps a -> b -> a form a cycle; to go back, use `on_failure_back_to` or a loop step",
            "the steps c -> d -> c form a cycle; to go back, use `on_failure_back_to` or a loop step",
            "step \"e\" cannot be reached: every way to it comes out of a cycle",
        ],
    );
    check(
        [task("a").after("b"), task("b").after("a")],
        &[
            "no step is terminal: each has an edge going out",
            "the steps a -> b -> a form a cycle; to go back, use `on_failure_back_to` or a loop step",
        ],
    );
}

#[test]
fn steps_that_all_lead_to_each_other_are_reported_within_reason() {
    let ids: Vec<String> = (0..120).map(|at| format!("s{at}")).collect();
    let steps = ids.iter().map(|id| task(id).after_all(ids.iter().filter(|other| *other != id)));
    let faults = build(steps).unwrap_err().faults;
    let cycles = faults.iter().filter(|fault| matches!(fault, Fault::Cycle { .. })).count();
    assert_eq!((cycles, faults.len()), (16, 17));
}

#[test]
fn all_faults_are_reported_at_once() {
    let faults = Workflow::builder("two words")
        .step(task("a").after("ghost").retry(RetryPolicy::attempts(0)))
        .step(task("a"))
        .step(task("b").after("c"))
        .step(task("c").after("b").join(Join::AtLeast(5)))
        .build()
        .unwrap_err();
    assert_eq!(
        faults.to_string(),
        "workflow \"two words\" has 6 faults
  - workflow name \"two words\" has ' ' at character 4; letters, digits, `_`, `-` and `.` are allowed
  - step \"a\" is defined twice
  - step \"a\" has an edge to or from \"ghost\", which is not defined
  - step \"a\": attempts_max is 0, and must be from 1 to 1000
  - step \"c\" waits for 5 of its edges, of which at most 1 can fire
  - the steps b -> c -> b form a cycle; to go back, use `on_failure_back_to` or a loop step"
    );
}

#[test]
fn loops_nest_as_deep_as_somebody_can_follow() {
    let mut workflow = body();
    for depth in 1..=33 {
        let judge = workflow.steps().next().unwrap().to_string();
        let step = Step::repeat_until_accepted("inner", workflow, 1, judge);
        match (depth, Workflow::builder("outer").step(step).build()) {
            (1..=32, Ok(built)) => workflow = built,
            (33, Err(faults)) => {
                assert_eq!(
                    faults.faults[0].to_string(),
                    "loop \"inner\" nests loops more than 32 deep"
                );
                return;
            }
            (depth, built) => panic!("{depth}: {built:?}"),
        }
    }
}

#[test]
fn a_workflow_is_registered_when_every_role_is_filled() {
    let worker = || worker_fn(async |_| Ok(TaskOutput::from(Payload::null())));
    let mut hub = Orchestrator::new();
    hub.register_worker("ada", Role::CODER, worker()).unwrap();
    assert_eq!(
        hub.register_worker("ada", Role::TESTER, worker()).unwrap_err().to_string(),
        "a worker named \"ada\" is registered already"
    );
    assert!(matches!(hub.register_worker("", Role::TESTER, worker()), Err(RegisterError::Name(_))));
    let site = build_website(3).unwrap();
    let RegisterError::Faults(faults) = hub.register_workflow(site.clone()).unwrap_err() else {
        panic!("not a fault")
    };
    assert_eq!(
        faults.to_string(),
        "workflow \"build_website\" has 2 faults
  - no worker fills the role \"product_manager\", asked for by \"create_specs\"
  - no worker fills the role \"reviewer\", asked for by \"review_code\""
    );
    hub.register_worker("grace", Role::PRODUCT_MANAGER, worker()).unwrap();
    hub.register_worker("edsger", Role::REVIEWER, worker()).unwrap();
    hub.register_workflow(site.clone()).unwrap();
    assert_eq!(
        hub.register_workflow(site).unwrap_err().to_string(),
        "a workflow named \"build_website\" is registered already"
    );
}

#[test]
fn the_digest_tells_definitions_apart_by_what_they_do() {
    let base = || task("b").after("a");
    let digest = |step: Step| build([task("a"), step]).unwrap().digest().to_owned();
    let same = digest(base().describe("words change nothing"));
    assert_eq!(digest(base()), same);
    // The same edge, drawn from its other end.
    let other_end = build([task("a").on_success("b"), task("b")]).unwrap();
    assert_eq!(other_end.digest(), same);
    let look = |version| {
        orchestrator_core::transform_fn("look", version, |payload: &Payload, _: &Context| {
            Ok(payload.clone())
        })
    };
    let mut digests = vec![
        same,
        digest(base().retry(RetryPolicy::attempts(2))),
        digest(base().join(Join::Any)),
        digest(base().input(look(1))),
        digest(base().input(look(2))),
        digest(base().output(look(1))),
        digest(task("b").after_end("a", On::Always)),
        digest(Step::task("b", Role::TESTER).after("a")),
        digest(task("c").after("a")),
    ];
    let count = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), count);
}
