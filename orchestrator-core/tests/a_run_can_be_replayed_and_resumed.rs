//! The state machine against a random host: replayed, resumed, told late, twice and in any order, it stays true to its history.

mod support;

use orchestrator_core::{
    AttemptId, Command, Event, Handled, Ignored, Input, Path, Payload, Recorded, RestoreError,
    RetryPolicy, Role, Run, RunOptions, RunResult, Seed, Step, StepStatus, TaskError, TaskOutput,
    Timestamp, Workflow,
};
use support::{Habits, Host, Joins, World, drive_in_order};

const ALL_HABITS: Habits = Habits { crashes_max: 3, pauses: true, nonsense: true, cancels: true };

#[test]
fn a_run_keeps_its_promises_whatever_the_host_does() {
    let (mut crashes, mut cancelled, mut failed) = (0, 0, 0);
    for seed in 0..1_500 {
        let world = World::new(seed, Joins::Every);
        let host = Host::new(&world, 0, ALL_HABITS).ended();
        crashes += host.crashes;
        match host.run.result().unwrap() {
            RunResult::Cancelled { .. } => cancelled += 1,
            RunResult::Failed { .. } => failed += 1,
            _ => {}
        }
    }
    // The world is as rough as it is meant to be.
    assert!(crashes > 500 && cancelled > 50 && failed > 200, "{crashes} {cancelled} {failed}");
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    for seed in 0..500 {
        let world = World::new(seed, Joins::Every);
        let habits = Habits { crashes_max: 0, ..ALL_HABITS };
        let host = Host::new(&world, 0, habits).ended();
        // This time nobody polls or commits anything.
        let mut again = world.run();
        for (now, input) in host.told {
            again.handle(now, input).unwrap();
        }
        let bytes = |run: &Run| serde_json::to_string(&run.history()).unwrap();
        assert_eq!(bytes(&again), bytes(&host.run), "seed {seed}");
    }
}

#[test]
fn the_order_of_arrival_does_not_show_in_the_outcome() {
    for seed in 0..500 {
        let world = World::new(seed, Joins::All);
        let habits = Habits { cancels: false, ..ALL_HABITS };
        let outcome = |order| Host::new(&world, order, habits).ended().run.outcome().unwrap();
        let first = outcome(1);
        for order in 2..4 {
            assert_eq!(first, outcome(order), "seed {seed}, order {order}");
        }
    }
}

#[test]
fn a_replay_gives_the_same_state() {
    for seed in 0..500 {
        let world = World::new(seed, Joins::Every);
        let host = Host::new(&world, 0, Habits { crashes_max: 1, ..ALL_HABITS }).ended();
        let history = host.run.history().to_vec();
        let last = history.last().unwrap().at;
        let again = world.restore(history.clone(), last);
        assert_eq!(again.history(), history, "seed {seed}: an ended run does not go on");
        assert_eq!(again.outcome(), host.run.outcome(), "seed {seed}");
        assert_eq!(again.next_deadline(), None);
        for path in paths(&history) {
            assert_eq!(again.status(&path), host.run.status(&path), "seed {seed}: {path}");
        }
    }
}

/// Stops at every event, amid batches too, and goes on: the outcome is as if nothing had happened.
#[test]
fn a_run_that_is_resumed_anywhere_ends_as_if_it_had_not_stopped() {
    for seed in 0..250 {
        let world = World::new(seed, Joins::Every);
        let now = Timestamp(1_000);
        let mut run = world.run();
        run.handle(now, Input::Started).unwrap();
        let whole = drive_in_order(&world, run, now);
        let history = whole.history();
        let stride = 1 + history.len() / 40;
        for kept in (1..=history.len()).step_by(stride) {
            let now = history[kept - 1].at;
            let resumed = drive_in_order(&world, world.restore(history[..kept].to_vec(), now), now);
            assert_eq!(resumed.outcome(), whole.outcome(), "seed {seed}, {kept} events kept");
        }
    }
}

#[test]
fn a_live_run_and_its_replay_agree_on_what_is_next() {
    for seed in 0..300 {
        let world = World::new(seed, Joins::Every);
        let mut run = world.run();
        let mut now = Timestamp(1_000);
        run.handle(now, Input::Started).unwrap();
        while run.result().is_none() {
            let replayed = world.restore(run.history().to_vec(), now);
            let redispatched = replayed.history().len() - run.history().len();
            assert!(redispatched <= run.in_flight(), "seed {seed}");
            assert_eq!(replayed.next_deadline(), run.next_deadline(), "seed {seed}");
            assert_eq!(replayed.in_flight(), run.in_flight(), "seed {seed}");
            for path in paths(&run.history()) {
                assert_eq!(replayed.status(&path), run.status(&path), "seed {seed}: {path}");
            }
            while run.poll_event().is_some() {}
            run.commit_polled();
            // One at a time; what is forgotten here is answered as the restored run asks for it.
            let input = match run.poll_command() {
                Some(command) => world.answer(&command),
                None => {
                    now = run.next_deadline().unwrap();
                    Input::TimePassed
                }
            };
            run.handle(now, input).unwrap();
        }
    }
}

#[test]
fn a_damaged_history_is_refused_or_followed_but_never_a_panic() {
    let mut refused = 0;
    for seed in 0..1_500 {
        let world = World::new(seed % 300, Joins::Every);
        let host = Host::new(&world, 0, ALL_HABITS).ended();
        let mut history = host.run.history().to_vec();
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
        match Run::restore(world.workflow.clone(), world.options.clone(), history, Timestamp(0)) {
            Err(_) => refused += 1,
            Ok(mut run) => {
                let now = run.history().last().unwrap().at;
                run.handle(now, Input::Resumed).unwrap();
                drive_in_order(&world, run, now);
            }
        }
    }
    assert!(refused > 300, "{refused}");
}

fn paths(history: &[Recorded]) -> Vec<Path> {
    let path = |recorded: &Recorded| match &recorded.event {
        Event::RouteRequested { path, .. }
        | Event::AttemptStarted { path, .. }
        | Event::StepFailed { path, .. }
        | Event::StepSkipped { path }
        | Event::LoopStarted { path, .. } => Some(path.clone()),
        _ => None,
    };
    history.iter().filter_map(path).collect()
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
