//! Thousands of simulated runs, each out of one seed, under the eyes of a scheduler that shares nothing with the real one.
//! `ORCHESTRATOR_SEED=17 cargo test -p orchestrator-core --test the_simulator_finds_no_violation` repeats one.

use orchestrator_core::testkit::{
    Coverage, Habits, Made, Report, Simulation, Violation, seeds, sweep,
};
use orchestrator_core::{
    Context, Payload, RetryPolicy, Role, Step, Task, TaskError, TaskOutput, Workflow, condition_fn,
};

/// What 10,000 simulations must come to, and how often at least: about half of what they do come to, so that a new habit of the author or
/// the host fails nothing, and the loss of one does.
const REACHED: &[(&str, u64)] = &[
    ("attempt_failed", 1_000),
    ("attempt_redispatched", 9_000),
    ("attempt_started", 10_000),
    ("branch_taken", 2_000),
    ("cancel_requested", 600),
    ("cancelled", 600),
    ("code attempt_timeout", 400),
    ("code bad", 2_000),
    ("code busy", 900),
    ("code cancelled", 1_000),
    ("code condition", 600),
    ("code flaky", 1_000),
    ("code heartbeat_timeout", 300),
    ("code lost", 900),
    ("code map_input", 900),
    ("code no_route", 1_000),
    ("code rounds_exhausted", 1_000),
    ("code step_timeout", 1_000),
    ("code too_many_items", 600),
    ("code transformer", 1_000),
    ("code worker_lost", 300),
    ("compensation", 3_000),
    ("crash", 5_000),
    ("decision_made", 2_000),
    ("decision_requested", 2_000),
    ("double answer", 4_000),
    ("edge_decided", 3_000),
    ("failed", 2_000),
    ("heartbeat_received", 200),
    ("invented attempt", 2_000),
    ("invented decision", 2_000),
    ("invented round", 2_000),
    ("invented step", 2_000),
    ("item_ended", 6_000),
    ("item_started", 7_000),
    ("late answer", 1_000),
    ("loop_started", 5_000),
    ("map_expanded", 4_000),
    ("outlived the host", 800),
    ("paused", 3_000),
    ("resumed", 3_000),
    ("round_started", 6_000),
    ("route_decided", 10_000),
    ("route_requested", 10_000),
    ("run_ended", 5_000),
    ("second start", 2_000),
    ("signal_received", 2_000),
    ("snapshot", 3_000),
    ("step_failed", 10_000),
    ("step_skipped", 5_000),
    ("step_stopping", 1_000),
    ("step_succeeded", 20_000),
    ("sub_workflow_started", 3_000),
    ("succeeded", 1_000),
    ("superfluous signal", 500),
    ("told to stop", 1_000),
    ("torn line", 1_000),
    ("unwinding_started", 1_000),
    ("wait_ended", 4_000),
    ("wait_started", 4_000),
    ("withdrawn", 300),
];

#[test]
fn ten_thousand_runs_break_no_rule() {
    let all = seeds(0..10_000);
    let reached = swept(all.clone(), |seed| Simulation::new(seed).run());
    if all.end - all.start > 1 {
        for &(what, least) in REACHED {
            let times = reached.count(what);
            assert!(times >= least, "{what}: {times} times, should be {least}\n{reached}");
        }
    }
}

#[test]
fn the_order_of_arrival_does_not_show_in_the_outcome() {
    // Enough crashes to disturb, and too few to lose a worker.
    let habits = Habits { crashes_max: 3, cancels_percent: 0, ..Habits::all() };
    swept(seeds(0..1_000), |seed| {
        Simulation::random(seed, Made::OrderFree).habits(habits).run_in_orders(3)
    });
}

#[test]
fn the_same_seed_is_the_same_simulation() {
    for seed in seeds(0..50) {
        let bytes = || {
            let report =
                Simulation::new(seed).run().unwrap_or_else(|violation| panic!("{violation}"));
            serde_json::to_string(&report.history).unwrap()
        };
        assert_eq!(bytes(), bytes(), "seed {seed}");
    }
}

/// What a user does with a workflow and workers of their own.
#[test]
fn a_workflow_of_ones_own_is_put_through_it() {
    let body = Workflow::builder("draft")
        .step(Step::task("write", Role::CODER).retry(RetryPolicy::attempts(3)))
        .step(Step::task("review", Role::REVIEWER).after("write"))
        .build()
        .unwrap();
    let long = condition_fn("long", 1, |context: &Context| Ok(context.output::<u64>("draft")? > 2));
    let workflow = Workflow::builder("publish")
        .step(Step::repeat_until_accepted("draft", body, 3, "review"))
        .step(Step::branch("size").after("draft").case(long, "shorten").otherwise("print"))
        .step(Step::task("shorten", Role::CODER).compensate(Role::CODER, RetryPolicy::attempts(2)))
        .step(Step::task("print", Role::DEPLOYER))
        .build()
        .unwrap();
    let work = |task: &Task| -> Result<TaskOutput, TaskError> {
        match task.path().step().as_str() {
            "review" if task.seed().0.is_multiple_of(3) => {
                Err(TaskError::terminal("rejected", "again"))
            }
            "write" if task.seed().0.is_multiple_of(5) => {
                Err(TaskError::retryable("flaky", "again"))
            }
            _ => Ok(TaskOutput::of(&(task.seed().0 % 5))?),
        }
    };
    let reached = swept(seeds(0..500), |seed| {
        Simulation::new(seed).workflow(workflow.clone()).input(Payload::null()).work(work).run()
    });
    assert!(reached.count("succeeded") > 0 || reached.simulations() == 1, "{reached}");
}

#[track_caller]
fn swept(
    seeds: std::ops::Range<u64>,
    simulate: impl Fn(u64) -> Result<Report, Violation> + Sync,
) -> Coverage {
    sweep(seeds, simulate).unwrap_or_else(|violation| panic!("{violation}"))
}
