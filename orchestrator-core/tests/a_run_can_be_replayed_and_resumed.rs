//! A run out of its history: whole, damaged, or another's; and what it keeps back until it may say it. That it stays true to its history
//! whatever its host does is shown by `the_simulator_finds_no_violation`.

use std::collections::VecDeque;

use orchestrator_core::testkit::Simulation;
use orchestrator_core::{
    AttemptId, Command, Decided, DeclaredOrder, Handled, Ignored, Input, Path, Payload, Recorded,
    RestoreError, RetryPolicy, Role, Router, Run, RunOptions, RunResult, Seed, Step, StepStatus,
    TaskError, TaskOutput, Timestamp, Workflow,
};

/// Leaves events out, doubles and swaps them: the restore refuses that, or makes a run of it which goes on as far as it can.
#[test]
fn a_damaged_history_is_refused_or_followed_but_never_a_panic() {
    let (mut refused, mut followed) = (0, 0);
    for seed in 0..1_500 {
        let simulation = Simulation::new(seed % 300);
        let report = simulation.run().unwrap_or_else(|violation| panic!("{violation}"));
        let mut history = report.history;
        let mut dice = Seed(seed).derive("damage").stream();
        let at = dice.below(history.len());
        match dice.below(4) {
            0 => drop(history.remove(at)),
            1 => history.insert(at, history[dice.below(history.len())].clone()),
            2 => {
                let other = dice.below(history.len());
                history.swap(at, other);
            }
            _ => history.truncate(at),
        }
        for (at, recorded) in history.iter_mut().enumerate() {
            recorded.seq = at as u64 + 1;
        }
        let now = history.last().map_or(Timestamp(0), |recorded| recorded.at);
        let (workflow, options) = (simulation.definition().clone(), simulation.options());
        match Run::restore(workflow, options, history, now) {
            Err(_) => refused += 1,
            Ok(run) => {
                follow(run, now);
                followed += 1;
            }
        }
    }
    assert!(refused > 300 && followed > 300, "{refused} {followed}");
}

/// Answers whatever is asked until nothing more is; where the damage took an event away a run may wait for ever.
fn follow(mut run: Run, mut now: Timestamp) {
    run.handle(now, Input::Resumed).unwrap();
    let mut open = VecDeque::new();
    for _ in 0..3_000 {
        while run.poll_event().is_some() {}
        run.commit_polled();
        open.extend(std::iter::from_fn(|| run.poll_command()));
        let input = match (open.pop_front(), run.next_deadline()) {
            (Some(Command::Execute { attempt, task, .. }), _) => {
                Input::Answered { attempt, result: Ok(task.input().clone().into()) }
            }
            (Some(Command::Route { attempt, request, candidates }), _) => {
                let result = DeclaredOrder.route(&request, &candidates);
                Input::Routed { attempt, result }
            }
            (Some(Command::Decide { path, choices, .. }), _) => {
                Input::Decided { path, decided: Decided::new(&choices[0]) }
            }
            (Some(_), _) => continue,
            (None, Some(due)) => {
                now = now.max(due);
                Input::TimePassed
            }
            (None, None) => return,
        };
        // It may well be refused.
        let _ = run.handle(now, input);
    }
}

fn one_step(retry: RetryPolicy) -> Workflow {
    Workflow::builder("one").step(Step::task("work", Role::CODER).retry(retry)).build().unwrap()
}

fn options() -> RunOptions {
    RunOptions::new("run-1", "goal").unwrap()
}

fn restored(workflow: &Workflow, history: Vec<Recorded>) -> Run {
    Run::restore(workflow.clone(), options(), history, Timestamp(0)).unwrap()
}

#[test]
fn a_worker_that_kills_its_host_is_counted_out() {
    let workflow = one_step(RetryPolicy::attempts(5));
    let mut run = Run::new(workflow.clone(), options());
    run.handle(Timestamp(0), Input::Started).unwrap();
    for crash in 1..=3 {
        run = restored(&workflow, run.history().to_vec());
        while run.poll_event().is_some() {}
        assert!(run.poll_command().is_none(), "the redispatch is not committed");
        run.commit_polled();
        let Some(Command::Execute { task, .. }) = run.poll_command() else {
            panic!("crash {crash}: nothing is handed out");
        };
        assert_eq!(task.idempotency_key(), "run-1:work:1");
        assert!(run.poll_command().is_none());
    }
    run = restored(&workflow, run.history().to_vec());
    let Some(RunResult::Failed { error, .. }) = run.result() else {
        panic!("{:?}", run.history());
    };
    assert_eq!(error.code, "worker_lost");
    assert_eq!(error.message, "the host went down 4 times during this attempt");
}

#[test]
fn a_history_of_another_definition_is_refused() {
    let workflow = one_step(RetryPolicy::attempts(2));
    let mut run = Run::new(workflow.clone(), options());
    run.handle(Timestamp(0), Input::Started).unwrap();
    let refusal = |workflow: &Workflow, history: Vec<Recorded>| {
        Run::restore(workflow.clone(), options(), history, Timestamp(0)).unwrap_err()
    };
    let history = run.history().to_vec();
    let changed = refusal(&one_step(RetryPolicy::attempts(3)), history.clone());
    assert!(matches!(changed, RestoreError::DefinitionChanged { .. }));
    assert_eq!(refusal(&workflow, Vec::new()), RestoreError::NoStart);
    assert_eq!(refusal(&workflow, history[1..].to_vec()), RestoreError::NoStart);
    let mut gap = history.clone();
    gap[1].seq = 3;
    assert_eq!(refusal(&workflow, gap), RestoreError::Gap { wanted: 2, found: 3 });
    let mut twice = history.clone();
    twice.push(Recorded { seq: 3, ..history[0].clone() });
    assert_eq!(refusal(&workflow, twice), RestoreError::SecondStart { seq: 3 });
    let mut doubled = history.clone();
    doubled.push(Recorded { seq: 3, ..history[1].clone() });
    assert_eq!(
        refusal(&workflow, doubled).to_string(),
        "event 3 does not fit step work, which is not there or not at that point"
    );
}

#[test]
fn an_input_that_is_nothing_stays_an_input() {
    let workflow = one_step(RetryPolicy::default());
    let nothing = RunOptions { input: Some(Payload::null()), ..options() };
    let mut run = Run::new(workflow, nothing);
    run.handle(Timestamp(0), Input::Started).unwrap();
    let text = serde_json::to_string(&run.history()).unwrap();
    let read: Vec<Recorded> = serde_json::from_str(&text).unwrap();
    assert_eq!(read, run.history());
}

#[test]
fn numbers_that_json_cannot_hold_do_not_enter_a_history() {
    let mut run = Run::new(one_step(RetryPolicy::default()), options());
    run.handle(Timestamp(0), Input::Started).unwrap();
    let mut output = TaskOutput::default();
    output.usage.usd = f64::NAN;
    run.handle(Timestamp(0), answer("work", 1, Ok(output))).unwrap();
    let Some(RunResult::Failed { error, .. }) = run.result() else {
        panic!("{:?}", run.history());
    };
    assert_eq!(error.code, "usage");
    let text = serde_json::to_string(&run.history()).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Recorded>>(&text).unwrap(), run.history());
}

fn answer(path: &str, attempt: u32, result: Result<TaskOutput, TaskError>) -> Input {
    let path = Path::parse(path).unwrap();
    Input::Answered { attempt: AttemptId { path, attempt }, result }
}

#[test]
fn a_paused_run_hands_out_nothing_and_loses_nothing() {
    let workflow = one_step(RetryPolicy::attempts(2).at_once());
    let mut run = Run::new(workflow, options());
    let now = Timestamp(0);
    let path = Path::parse("work").unwrap();
    run.handle(now, Input::Started).unwrap();
    assert_eq!(run.handle(now, Input::Paused), Ok(Handled::Taken));
    let again = Ok(Handled::Ignored(Ignored::NothingToChange));
    assert_eq!(run.handle(now, Input::Paused), again);
    while run.poll_event().is_some() {}
    run.commit_polled();
    assert!(run.poll_command().is_none(), "recorded before the pause, but not yet begun");
    run.handle(now, Input::Resumed).unwrap();
    while run.poll_event().is_some() {}
    run.commit_polled();
    assert!(matches!(run.poll_command(), Some(Command::Execute { .. })));
    run.handle(now, Input::Paused).unwrap();
    run.handle(now, answer("work", 1, Err(TaskError::retryable("flaky", "")))).unwrap();
    assert_eq!((run.status(&path), run.next_deadline()), (Some(StepStatus::Resting), None));
    run.handle(now, Input::TimePassed).unwrap();
    assert_eq!(run.status(&path), Some(StepStatus::Resting));
    run.handle(now, Input::Resumed).unwrap();
    assert_eq!(run.status(&path), Some(StepStatus::Running));
    run.handle(now, answer("work", 2, Ok(Payload::null().into()))).unwrap();
    assert!(run.result().is_some());
}

#[test]
fn what_is_handed_out_after_a_cancellation_knows_of_it() {
    let mut run = Run::new(one_step(RetryPolicy::attempts(9)), options());
    let now = Timestamp(0);
    run.handle(now, Input::Started).unwrap();
    run.handle(now, Input::Cancelled { reason: "no".into() }).unwrap();
    while run.poll_event().is_some() {}
    run.commit_polled();
    let Some(Command::Execute { task, .. }) = run.poll_command() else { panic!() };
    assert!(task.cancellation().is_cancelled());
    assert!(matches!(run.poll_command(), Some(Command::Cancel { .. })));
    assert!(run.result().is_none(), "somebody may be at it");
    run.handle(now, answer("work", 1, Err(TaskError::retryable("flaky", "")))).unwrap();
    assert_eq!(run.result(), Some(&RunResult::Cancelled { reason: "no".into() }));
}

#[test]
fn nothing_goes_out_before_it_is_committed() {
    let mut run = Run::new(one_step(RetryPolicy::default()), options());
    assert!(run.handle(Timestamp(0), Input::TimePassed).is_err(), "not started");
    // A commit of what is not yet written means nothing.
    run.committed(u64::MAX);
    run.handle(Timestamp(0), Input::Started).unwrap();
    assert!(run.poll_command().is_none());
    run.committed(1);
    assert!(run.poll_command().is_none());
    run.committed(2);
    assert!(run.poll_command().is_some());
}

#[test]
fn time_does_not_run_backwards() {
    let mut run = Run::new(one_step(RetryPolicy::default()), options());
    run.handle(Timestamp(500), Input::Started).unwrap();
    run.handle(Timestamp(20), answer("work", 1, Ok(Payload::null().into()))).unwrap();
    assert!(run.history().iter().all(|recorded| recorded.at == Timestamp(500)));
}
