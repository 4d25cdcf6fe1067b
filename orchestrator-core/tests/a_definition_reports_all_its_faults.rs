//! A workflow cannot exist invalid: `build()` and `register_workflow()` say everything that is wrong, at once.

use std::time::Duration;

use orchestrator_core::{
    Capability, Context, Fault, Faults, Join, On, OnItemFailure, Orchestrator, Payload,
    RegisterError, RetryPolicy, Role, Step, Task, TaskError, TaskOutput, Worker, Workflow,
    build_website, condition_fn, pipeline, worker_fn,
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
            "step \"c\" is a loop, which has no `retry`; give it to the tasks inside, or try again with `on_failure_back_to`",
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
                    "loop \"inner\" nests workflows more than 32 deep"
                );
                return;
            }
            (depth, built) => panic!("{depth}: {built:?}"),
        }
    }
}

#[test]
fn every_kind_that_holds_a_workflow_is_bounded_in_depth() {
    let mut workflow = body();
    while let Ok(deeper) =
        Workflow::builder("w").step(Step::sub_workflow("s", workflow.clone())).build()
    {
        workflow = deeper;
    }
    check(
        [Step::sub_workflow("a", workflow.clone()), Step::map("b", workflow, 1)],
        &[
            "sub_workflow \"a\" nests workflows more than 32 deep",
            "map \"b\" nests workflows more than 32 deep",
        ],
    );
}

#[test]
fn a_branch_needs_cases_and_a_way_out() {
    let never = || condition_fn("never", 1, |_: &Context| Ok(false));
    check(
        [task("a"), Step::branch("b").after("a").otherwise("c"), task("c")],
        &["branch \"b\" has no case; add one, or draw an edge in its place"],
    );
    check(
        [Step::branch("b").case(never(), "c"), task("c")],
        &["branch \"b\" has no `otherwise`; say where it goes on when no case holds"],
    );
    check(
        [Step::branch("b").case(never(), "ghost").otherwise("spirit"), task("c")],
        &[
            "step \"b\" has an edge to or from \"ghost\", which is not defined",
            "step \"b\" has an edge to or from \"spirit\", which is not defined",
        ],
    );
    // Two ways to the same step are one edge; what a branch chose and what failed exclude each other.
    let both = |join| {
        [
            Step::branch("b").case(never(), "c").otherwise("c"),
            task("c").after_end("b", On::Failure).join(join),
        ]
    };
    check(both(Join::AtLeast(1)), &[]);
    check(
        both(Join::AtLeast(2)),
        &["step \"c\" waits for 2 of its edges, of which at most 1 can fire"],
    );
    // An edge under a condition may fire.
    check([task("a"), task("b").after_when("a", never()).join(Join::AtLeast(1))], &[]);
}

#[test]
fn a_setting_stands_only_where_it_means_something() {
    let never = || condition_fn("never", 1, |_: &Context| Ok(false));
    let same = || {
        orchestrator_core::transform_fn("same", 1, |payload: &Payload, _: &Context| {
            Ok(payload.clone())
        })
    };
    let second = Duration::from_secs(1);
    let gpu = Capability::parse("gpu").unwrap();
    check(
        [
            task("t")
                .case(never(), "t")
                .otherwise("t")
                .items_max(1)
                .on_item_failure(OnItemFailure::Collect)
                .rounds_kept(1)
                .default_choice("yes", second),
            Step::sub_workflow("s", body())
                .requires(gpu)
                .retry(RetryPolicy::attempts(0))
                .attempt_timeout(second)
                .heartbeat_timeout(second)
                .step_timeout(second)
                .priority(1)
                .expected(second)
                .compensate(Role::CODER, RetryPolicy::default())
                .output(same()),
            Step::decision("d", "which?", ["yes", "no"]).output(same()),
            Step::branch("b")
                .case(never(), "t")
                .otherwise("t")
                .step_timeout(second)
                .output(same())
                .input(same()),
        ],
        &[
            "step \"t\" is a task, which has no `case`; use `Step::branch`, or an edge with `after_when`",
            "step \"t\" is a task, which has no `otherwise`; use `Step::branch`, or an edge with `after_when`",
            "step \"t\" is a task, which has no `items_max`; only maps have items",
            "step \"t\" is a task, which has no `on_item_failure`; only maps have items",
            "step \"t\" is a task, which has no `rounds_kept`; only loops have rounds",
            "step \"t\" is a task, which has no `default_choice`; use `Step::decision`",
            "step \"s\" is a sub_workflow, which has no `requires`; only tasks have workers",
            "step \"s\" is a sub_workflow, which has no `retry`; give it to the tasks inside, or try again with `on_failure_back_to`",
            "step \"s\" is a sub_workflow, which has no `attempt_timeout`; only tasks make attempts; use `step_timeout`",
            "step \"s\" is a sub_workflow, which has no `heartbeat_timeout`; only tasks make attempts; use `step_timeout`",
            "step \"s\" is a sub_workflow, which has no `priority`; give it to the tasks inside: only they wait for a place",
            "step \"s\" is a sub_workflow, which has no `expected`; give it to the tasks inside: only attempts take time",
            "step \"s\" is a sub_workflow, which has no `compensate`; give it to the tasks inside: only they are undone",
            "step \"d\" is a decision, which has no `output`; shape the input of the step after it",
            "step \"b\" is a branch, which has no `step_timeout`; it decides at once",
            "step \"b\" is a branch, which has no `output`; shape the input of the step after it",
        ],
    );
}

#[test]
fn limits_that_nothing_could_keep_are_faults() {
    let never = || condition_fn("never", 1, |_: &Context| Ok(false));
    let ms = Duration::from_millis;
    check(
        [
            // Below a millisecond is nothing.
            task("a").attempt_timeout(Duration::from_micros(999)).heartbeat_timeout(ms(0)),
            task("b").step_timeout(ms(0)),
            task("c").attempt_timeout(ms(10)).heartbeat_timeout(ms(11)),
            task("d").attempt_timeout(ms(10)).heartbeat_timeout(ms(10)),
            task("e").compensate(Role::CODER, RetryPolicy::attempts(0)),
            Step::map("f", body(), 0).items_max(0),
            Step::repeat_until("g", body(), 1, never()).rounds_kept(0),
            Step::wait_for("h", ms(0)),
            Step::wait_for_signal("i", "two words"),
        ],
        &[
            "step \"a\": `attempt_timeout` is 0; give it at least 1 ms, or leave it out",
            "step \"a\": `heartbeat_timeout` is 0; give it at least 1 ms, or leave it out",
            "step \"b\": `step_timeout` is 0; give it at least 1 ms, or leave it out",
            "step \"c\" may be silent for 11 ms, longer than an attempt may take (10 ms); shorten its `heartbeat_timeout`",
            "the compensation of step \"e\": attempts_max is 0, and must be from 1 to 1000",
            "step \"f\": `concurrency_max` is 0; it must be at least 1",
            "step \"f\": `items_max` is 0; it must be at least 1",
            "step \"g\": `rounds_kept` is 0; it must be at least 1",
            "step \"i\" waits for a signal that nobody can send: signal name \"two words\" has ' ' at character 4; letters, digits, `_`, `-` and `.` are allowed",
        ],
    );
}

#[test]
fn a_decision_offers_choices_that_can_be_told_apart() {
    let ask = |id: &str, choices: &[&str]| Step::decision(id, "which?", choices.iter().copied());
    check(
        [
            ask("a", &[]),
            ask("b", &["yes", "no", "yes", " "]),
            ask("c", &["yes", "no"]).default_choice("maybe", Duration::from_secs(1)),
            ask("d", &["yes", "no"]).default_choice("no", Duration::ZERO),
        ],
        &[
            "decision \"a\" has no choices; give at least one",
            "decision \"b\" has the choice \"yes\" twice",
            "decision \"b\" has an empty choice; give it words",
            "decision \"c\" defaults to \"maybe\", which is not among its choices [\"yes\", \"no\"]",
            "step \"d\": `default_choice` is 0; give people at least 1 ms to decide, or leave the default out",
        ],
    );
}

#[test]
fn a_way_back_does_not_cut_through_a_branch() {
    let never = || condition_fn("never", 1, |_: &Context| Ok(false));
    // The branch lies whole between the two: its ways come together again in the step that goes back.
    check(
        [
            task("a"),
            Step::branch("b").after("a").case(never(), "c").otherwise("d"),
            task("c"),
            task("d"),
            task("e").after("c").after("d").join(Join::Any).on_failure_back_to("a", 2),
        ],
        &[],
    );
    check(
        [
            task("a"),
            Step::branch("b").after("a").case(never(), "c").otherwise("out"),
            task("c").on_failure_back_to("a", 2),
            task("out"),
        ],
        &[
            "step \"c\" goes back to \"a\", but \"b\" in between leads to \"out\"; a loop has one way out",
        ],
    );
    check(
        [
            Step::branch("b").case(never(), "a").otherwise("c"),
            task("a"),
            task("c").after("a").join(Join::Any).on_failure_back_to("a", 2),
        ],
        &[
            "step \"c\" goes back to \"a\", but \"b\" leads to \"c\" in between; a loop has one way in",
        ],
    );
    check(
        [
            task("a"),
            Step::branch("b")
                .after("a")
                .case(never(), "c")
                .otherwise("c")
                .on_failure_back_to("a", 2),
            task("c"),
        ],
        &[
            "step \"b\" is a branch, which has no `on_failure_back_to`; let the step before it go back",
        ],
    );
}

#[test]
fn a_step_is_registered_when_somebody_in_its_role_can_do_it() {
    struct Skilled(&'static [&'static str]);
    #[orchestrator_core::async_trait]
    impl Worker for Skilled {
        async fn execute(&self, _: Task) -> Result<TaskOutput, TaskError> {
            Ok(Payload::null().into())
        }
        fn capabilities(&self) -> Vec<Capability> {
            self.0.iter().map(|name| Capability::parse(name).unwrap()).collect()
        }
    }
    let needs = |id: &str, names: &[&str]| {
        let names = names.iter().map(|name| Capability::parse(name).unwrap());
        names.fold(task(id), Step::requires)
    };
    let inner = Workflow::builder("inner").step(needs("deep", &["rust", "gpu"])).build().unwrap();
    let workflow = build([
        needs("a", &["rust", "gpu"]),
        needs("b", &["rust"]),
        Step::sub_workflow("c", inner),
        Step::task("d", Role::TESTER)
            .requires(Capability::parse("gpu").unwrap())
            .compensate(Role::DEPLOYER, RetryPolicy::default()),
    ])
    .unwrap();
    let mut hub = Orchestrator::new();
    hub.register_worker("ada", Role::CODER, Skilled(&["rust"])).unwrap();
    hub.register_worker("grace", Role::CODER, Skilled(&["gpu"])).unwrap();
    let RegisterError::Faults(faults) = hub.register_workflow(workflow.clone()).unwrap_err() else {
        panic!("not a fault")
    };
    assert_eq!(
        faults.to_string(),
        "workflow \"wrong\" has 3 faults
  - no worker fills the role \"deployer\", asked for by \"d\"
  - no worker fills the role \"tester\", asked for by \"d\"
  - no worker in the role \"coder\" has all of the capabilities {\"gpu\", \"rust\"}, asked for by \"a\", \"deep\""
    );
    hub.register_worker("alan", Role::CODER, Skilled(&["gpu", "rust", "tea"])).unwrap();
    hub.register_worker("barbara", Role::TESTER, Skilled(&["gpu"])).unwrap();
    hub.register_worker("edsger", Role::DEPLOYER, Skilled(&[])).unwrap();
    hub.register_workflow(workflow).unwrap();
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
