//! The scheduler that judges simulations must be able to find fault: histories of sound runs, each falsified in one place, and the rules by
//! one of which that must be found out.

use std::sync::OnceLock;

use orchestrator_core::testkit::{Habits, Rule, Simulation, check_history};
use orchestrator_core::{Event, Path, Payload, Recorded, RunResult, Seed, Stream, Timestamp};

/// How many simulations are falsified in every way.
const SEEDS: u64 = 400;

/// Sound histories. There are no crashes in them: after one, what a batch had left out may follow later.
fn sound() -> &'static [(Simulation, Vec<Recorded>)] {
    static SOUND: OnceLock<Vec<(Simulation, Vec<Recorded>)>> = OnceLock::new();
    SOUND.get_or_init(|| {
        let simulated = (0..SEEDS).map(|seed| {
            let habits = Habits { crashes_max: 0, ..Habits::all() };
            let simulation = Simulation::new(seed).habits(habits);
            let report = simulation.run().unwrap_or_else(|violation| panic!("{violation}"));
            check_history(&simulation, &report.history).unwrap_or_else(|found| panic!("{found}"));
            (simulation, report.history)
        });
        simulated.collect()
    })
}

/// Falsifies histories with `falsify`, which says whether it found a place to do so.
#[track_caller]
fn check(rules: &[Rule], falsify: impl Fn(&mut Vec<Recorded>, &mut Stream) -> bool) {
    let mut falsified = 0;
    for (seed, (simulation, sound)) in (0..).zip(sound()) {
        let mut history = sound.clone();
        let mut dice = Seed(seed).derive("falsify").stream();
        if !falsify(&mut history, &mut dice) || history == *sound {
            continue;
        }
        falsified += 1;
        match check_history(simulation, &history) {
            Ok(()) => panic!("seed {seed}: nothing was found"),
            Err(found) => assert!(rules.contains(&found.rule), "by another rule: {found}"),
        }
    }
    assert!(falsified >= 10, "only {falsified} histories could be falsified");
}

/// The places of events, one of which is chosen.
fn place(
    history: &[Recorded],
    dice: &mut Stream,
    is_one: impl Fn(&Event) -> bool,
) -> Option<usize> {
    let places = history.iter().enumerate().filter(|(_, recorded)| is_one(&recorded.event));
    let places: Vec<usize> = places.map(|(at, _)| at).collect();
    (!places.is_empty()).then(|| places[dice.below(places.len())])
}

fn renumber(history: &mut [Recorded]) {
    history.iter_mut().zip(1..).for_each(|(recorded, seq)| recorded.seq = seq);
}

/// Leaves an event out.
fn without(is_one: fn(&Event) -> bool) -> impl Fn(&mut Vec<Recorded>, &mut Stream) -> bool {
    move |history, dice| {
        let Some(at) = place(history, dice, is_one) else { return false };
        history.remove(at);
        renumber(history);
        true
    }
}

/// Writes an event twice.
fn twice(is_one: fn(&Event) -> bool) -> impl Fn(&mut Vec<Recorded>, &mut Stream) -> bool {
    move |history, dice| {
        let Some(at) = place(history, dice, is_one) else { return false };
        history.insert(at + 1, history[at].clone());
        renumber(history);
        true
    }
}

/// Changes an event.
fn changed(change: fn(&mut Event) -> bool) -> impl Fn(&mut Vec<Recorded>, &mut Stream) -> bool {
    move |history, dice| {
        let could = |event: &Event| change(&mut event.clone());
        let Some(at) = place(history, dice, could) else { return false };
        change(&mut history[at].event)
    }
}

/// Puts what comes after an event of one kind before it.
fn swapped(is_one: fn(&Event, &Event) -> bool) -> impl Fn(&mut Vec<Recorded>, &mut Stream) -> bool {
    move |history, dice| {
        let pairs = history.windows(2).enumerate();
        let pairs: Vec<usize> = pairs
            .filter(|(_, pair)| pair[0].at == pair[1].at && is_one(&pair[0].event, &pair[1].event))
            .map(|(at, _)| at)
            .collect();
        if pairs.is_empty() {
            return false;
        }
        let at = pairs[dice.below(pairs.len())];
        history.swap(at, at + 1);
        renumber(history);
        true
    }
}

fn starts(event: &Event) -> Option<&Path> {
    match event {
        Event::AttemptStarted { path, attempt: 1, .. }
        | Event::RouteRequested { path, attempt: 1, .. }
        | Event::LoopStarted { path, .. }
        | Event::MapExpanded { path, .. }
        | Event::SubWorkflowStarted { path, .. }
        | Event::DecisionRequested { path, .. }
        | Event::WaitStarted { path, .. }
        | Event::BranchTaken { path, .. }
            if !path.is_compensation() =>
        {
            Some(path)
        }
        _ => None,
    }
}

/// The step that somebody's answer has ended.
fn ends(event: &Event) -> Option<&Path> {
    match event {
        Event::StepSucceeded { path, attempt: 1.., .. } | Event::WaitEnded { path, .. } => {
            Some(path)
        }
        Event::DecisionMade { path, decided } if decided.by.is_some() => Some(path),
        _ => None,
    }
}

fn is_start(event: &Event) -> bool {
    starts(event).is_some()
}

#[test]
fn the_numbers_have_a_gap() {
    check(&[Rule::History], |history, dice| {
        let at = dice.below(history.len());
        history[at].seq += 1;
        true
    });
}

#[test]
fn time_runs_backwards() {
    check(&[Rule::History], |history, dice| {
        let at = 1 + dice.below(history.len() - 1);
        history[at].at = Timestamp(3);
        true
    });
}

#[test]
fn a_start_is_left_out() {
    // Where something else was to start first it is out of order; what is then done with it has no beginning.
    let rules = [
        Rule::Missing,
        Rule::Order,
        Rule::Attempts,
        Rule::Frames,
        Rule::Cause,
        Rule::Join,
        Rule::Deadline,
        Rule::Concurrency,
        Rule::History,
        Rule::Value,
    ];
    check(&rules, |history, dice| {
        // One that was to be stopped in the same breath is missed by nobody.
        let goes_on = |event: &Event| {
            let path = starts(event);
            path.is_some_and(|path| history.iter().any(|other| ends(&other.event) == Some(path)))
        };
        let Some(at) = place(history, dice, goes_on) else { return false };
        history.remove(at);
        renumber(history);
        true
    });
}

#[test]
fn a_step_starts_twice() {
    check(&[Rule::Join], twice(is_start));
}

#[test]
fn a_step_is_skipped_and_nobody_writes_it_down() {
    check(
        &[Rule::Missing, Rule::Order, Rule::Frames, Rule::End, Rule::Join],
        without(|event| matches!(event, Event::StepSkipped { .. })),
    );
}

#[test]
fn a_step_starts_that_was_to_be_skipped_and_the_other_way_round() {
    check(
        &[Rule::Join],
        changed(|event| {
            let path = match event {
                Event::AttemptStarted { path, attempt: 1, .. } if !path.is_compensation() => path,
                _ => return false,
            };
            *event = Event::StepSkipped { path: path.clone() };
            true
        }),
    );
    check(
        &[Rule::Join],
        changed(|event| {
            let Event::StepSkipped { path } = event else { return false };
            *event = Event::SubWorkflowStarted { path: path.clone(), input: None };
            true
        }),
    );
}

#[test]
fn two_steps_start_in_the_wrong_order() {
    // A step that the other one made ready starts before its join says so.
    check(&[Rule::Order, Rule::Join, Rule::History], swapped(|a, b| is_start(a) && is_start(b)));
}

#[test]
fn a_step_starts_before_what_it_waits_for_has_ended() {
    check(
        &[Rule::Join, Rule::Order, Rule::History, Rule::Frames],
        // What follows an answer at once was made ready by it.
        swapped(|a, b| !matches!(a, Event::WaitEnded { .. }) && ends(a).is_some() && is_start(b)),
    );
}

#[test]
fn a_step_ends_twice() {
    let rules = [
        Rule::Attempts,
        Rule::Missing,
        Rule::Frames,
        Rule::Cause,
        Rule::Join,
        Rule::End,
        Rule::Deadline,
    ];
    check(
        &rules,
        twice(|event| {
            matches!(
                event,
                Event::StepSucceeded { .. }
                    | Event::StepFailed { .. }
                    | Event::DecisionMade { .. }
                    | Event::WaitEnded { .. }
            )
        }),
    );
}

#[test]
fn an_attempt_too_many_is_made() {
    check(
        &[Rule::Attempts],
        changed(|event| match event {
            Event::AttemptStarted { attempt, path, .. }
            | Event::RouteRequested { attempt, path, .. }
                if !path.is_compensation() =>
            {
                *attempt += 3;
                true
            }
            _ => false,
        }),
    );
}

#[test]
fn an_attempt_follows_that_the_policy_does_not_allow() {
    check(
        &[Rule::Attempts],
        changed(|event| {
            let Event::StepFailed { path, attempt, error } = event else { return false };
            if *attempt == 0 || matches!(error.code.as_str(), "step_timeout" | "worker_lost") {
                return false;
            }
            let (path, attempt, error) = (path.clone(), *attempt, error.clone());
            let retry_at = Timestamp(1_000_000);
            *event = Event::AttemptFailed { path, attempt, error, retry_at };
            true
        }),
    );
}

#[test]
fn a_step_gives_up_too_early_or_rests_too_short() {
    check(
        &[Rule::Attempts],
        changed(|event| {
            let Event::AttemptFailed { path, attempt, error, .. } = event else { return false };
            let (path, attempt, error) = (path.clone(), *attempt, error.clone());
            *event = Event::StepFailed { path, attempt, error };
            true
        }),
    );
    check(
        &[Rule::Attempts],
        changed(|event| {
            let Event::AttemptFailed { retry_at, .. } = event else { return false };
            retry_at.0 += 1_000;
            true
        }),
    );
}

#[test]
fn something_starts_after_a_cancellation() {
    check(&[Rule::Cancel], |history, dice| {
        let Some(at) = place(history, dice, |event| matches!(event, Event::CancelRequested { .. }))
        else {
            return false;
        };
        let before: Vec<Recorded> =
            history[..at].iter().filter(|recorded| is_start(&recorded.event)).cloned().collect();
        if before.is_empty() {
            return false;
        }
        let again = before[dice.below(before.len())].event.clone();
        history.insert(at + 1, Recorded { event: again, ..history[at].clone() });
        renumber(history);
        true
    });
}

#[test]
fn a_cancelled_run_ends_before_everything_has_answered() {
    check(&[Rule::Cancel], |history, dice| {
        let Some(at) = place(history, dice, |event| matches!(event, Event::CancelRequested { .. }))
        else {
            return false;
        };
        let answered = |event: &Event| matches!(event, Event::StepSucceeded { attempt, .. } | Event::StepFailed { attempt, .. } if *attempt > 0);
        let Some(last) = history.iter().rposition(|recorded| answered(&recorded.event)) else {
            return false;
        };
        let compensated =
            |recorded: &Recorded| matches!(recorded.event, Event::UnwindingStarted { .. });
        if last < at || history.iter().any(compensated) {
            return false;
        }
        history.remove(last);
        renumber(history);
        true
    });
}

#[test]
fn something_starts_while_the_run_is_paused() {
    check(&[Rule::Pause], |history, dice| {
        // What went on at once when the run was resumed, goes on before.
        let pairs = history.windows(2).enumerate();
        let pairs = pairs.filter(|(_, pair)| {
            matches!(pair[0].event, Event::Resumed) && starts(&pair[1].event).is_some()
        });
        let pairs: Vec<usize> = pairs.map(|(at, _)| at).collect();
        if pairs.is_empty() {
            return false;
        }
        let at = pairs[dice.below(pairs.len())];
        history.swap(at, at + 1);
        history[at].at = history[at.saturating_sub(1)].at;
        renumber(history);
        true
    });
}

#[test]
fn a_loop_a_map_or_a_sub_workflow_gives_something_else() {
    check(
        &[Rule::Frames],
        changed(|event| match event {
            Event::StepSucceeded { attempt: 0, output, .. } => {
                *output = Payload::text("something else");
                true
            }
            _ => false,
        }),
    );
}

#[test]
fn a_round_is_handed_something_else_or_left_out() {
    check(
        &[Rule::Frames],
        changed(|event| match event {
            Event::RoundStarted { carried, .. } => {
                *carried = Payload::text("something else");
                true
            }
            _ => false,
        }),
    );
    check(
        &[Rule::Frames, Rule::Missing, Rule::History, Rule::Order],
        without(|event| matches!(event, Event::RoundStarted { .. })),
    );
}

#[test]
fn an_item_is_left_out_or_comes_out_of_turn() {
    check(
        &[Rule::Concurrency],
        changed(|event| match event {
            Event::ItemStarted { item, .. } => {
                *item += 1;
                true
            }
            _ => false,
        }),
    );
    let rules = [Rule::Missing, Rule::Frames, Rule::Concurrency, Rule::Order, Rule::End];
    check(&rules, |history, _| {
        // Where the map is stopped in the same breath nobody misses it.
        let at = history.windows(2).position(|pair| {
            let Event::ItemEnded { path: map, .. } = &pair[0].event else { return false };
            match &pair[1].event {
                Event::ItemStarted { path, .. } | Event::StepSucceeded { path, .. } => path == map,
                _ => false,
            }
        });
        let Some(at) = at else { return false };
        history.remove(at);
        renumber(history);
        true
    });
}

#[test]
fn a_condition_says_the_opposite() {
    check(
        &[Rule::Value],
        changed(|event| match event {
            Event::EdgeDecided { fires, error: None, .. } => {
                *fires = !*fires;
                true
            }
            _ => false,
        }),
    );
}

#[test]
fn a_step_gets_something_else() {
    check(
        &[Rule::Value],
        changed(|event| match event {
            Event::AttemptStarted { input, attempt: 1, path, .. }
            | Event::RouteRequested { input, attempt: 1, path, .. }
                if !path.is_compensation() =>
            {
                let other = || Payload::text("something else");
                *input = input.is_none().then(other).or(Some(other()));
                true
            }
            Event::LoopStarted { input, .. } | Event::SubWorkflowStarted { input, .. } => {
                *input = Some(Payload::text("something else"));
                true
            }
            Event::MapExpanded { digest, .. } => {
                digest.push('0');
                true
            }
            _ => false,
        }),
    );
}

#[test]
fn a_deadline_is_another_or_comes_too_early() {
    check(
        &[Rule::Deadline],
        changed(|event| match event {
            Event::DecisionRequested { deadline: Some(instant), .. }
            | Event::WaitStarted { until: Some(instant), .. } => {
                instant.0 += 1;
                true
            }
            _ => false,
        }),
    );
    check(&[Rule::Deadline, Rule::History], |history, dice| {
        let waits = |event: &Event| matches!(event, Event::WaitStarted { until: Some(_), .. });
        let Some(at) = place(history, dice, waits) else { return false };
        let Event::WaitStarted { path: waiting, until: Some(until), .. } = &history[at].event
        else {
            return false;
        };
        let ended = history.iter().position(
            |recorded| matches!(&recorded.event, Event::WaitEnded { path, .. } if path == waiting),
        );
        let Some(ended) = ended.filter(|_| until.0 > history[at].at.0) else { return false };
        let event = history.remove(ended).event;
        history.insert(at + 1, Recorded { event, ..history[at].clone() });
        renumber(history);
        true
    });
}

#[test]
fn a_signal_is_used_that_never_came() {
    check(&[Rule::Deadline, Rule::Missing, Rule::Cause], |history, _| {
        // The only signal of a run in which somebody got one.
        let is_signal =
            |recorded: &Recorded| matches!(recorded.event, Event::SignalReceived { .. });
        if history.iter().filter(|recorded| is_signal(recorded)).count() != 1 {
            return false;
        }
        let at = history.iter().position(is_signal).unwrap_or(0);
        let next = history.get(at + 1);
        if !next.is_some_and(|next| matches!(next.event, Event::WaitEnded { .. })) {
            return false;
        }
        history.remove(at);
        renumber(history);
        true
    });
}

#[test]
fn steps_are_undone_in_another_order() {
    check(&[Rule::Unwinding], |history, _| {
        let Some(unwinding) = history
            .iter()
            .position(|recorded| matches!(recorded.event, Event::UnwindingStarted { .. }))
        else {
            return false;
        };
        let mut undone: Vec<Path> = Vec::new();
        for recorded in &history[unwinding..] {
            if let Event::AttemptStarted { path, .. } | Event::RouteRequested { path, .. } =
                &recorded.event
                && !undone.contains(path)
            {
                undone.push(path.clone());
            }
        }
        let [first, second, ..] = undone.as_slice() else { return false };
        for recorded in &mut history[unwinding..] {
            if let Event::AttemptStarted { path, .. }
            | Event::RouteRequested { path, .. }
            | Event::RouteDecided { path, .. }
            | Event::AttemptFailed { path, .. }
            | Event::StepSucceeded { path, .. }
            | Event::StepFailed { path, .. } = &mut recorded.event
            {
                if path == first {
                    *path = second.clone();
                } else if path == second {
                    *path = first.clone();
                }
            }
        }
        true
    });
}

#[test]
fn nothing_is_undone() {
    check(&[Rule::Unwinding, Rule::Missing], |history, _| {
        let Some(unwinding) = history
            .iter()
            .position(|recorded| matches!(recorded.event, Event::UnwindingStarted { .. }))
        else {
            return false;
        };
        let end = history.pop().expect("a run has an end");
        history.truncate(unwinding);
        history.push(end);
        renumber(history);
        true
    });
}

#[test]
fn a_run_ends_otherwise_or_goes_on_after_its_end() {
    check(
        &[Rule::End],
        changed(|event| match event {
            Event::RunEnded { result: RunResult::Succeeded { output }, .. } => {
                *output = Payload::text("something else");
                true
            }
            _ => false,
        }),
    );
    check(&[Rule::End], |history, _| {
        let last = history.last().cloned().expect("a run has an end");
        history.push(Recorded { event: Event::Paused, ..last });
        renumber(history);
        true
    });
    check(&[Rule::Missing], |history, _| history.pop().is_some());
}

#[test]
fn an_attempt_is_handed_out_again_too_often() {
    check(&[Rule::Redispatches], |history, dice| {
        let Some(at) = place(history, dice, |event| matches!(event, Event::AttemptStarted { .. }))
        else {
            return false;
        };
        let Event::AttemptStarted { path, attempt, .. } = history[at].event.clone() else {
            return false;
        };
        // Three times are allowed.
        for redispatches in (1..=4).rev() {
            let (path, attempt) = (path.clone(), attempt);
            let event = Event::AttemptRedispatched { path, attempt, redispatches };
            history.insert(at + 1, Recorded { event, ..history[at].clone() });
        }
        renumber(history);
        true
    });
}
