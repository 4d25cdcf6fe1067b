//! What must hold of commands: each has a committed cause, goes out once, and hands out the same thing every time.

use std::collections::{BTreeMap, BTreeSet};

use super::reference::{Checked, Reference, must};
use super::violation::Rule;
use super::worker::Sight;
use crate::path::Path;
use crate::payload::Payload;
use crate::random::Seed;
use crate::run::{AttemptId, Command, Event, Recorded};
use crate::task::Task;

/// What has been given out.
#[derive(Default)]
pub(super) struct Given {
    /// What every attempt was handed out with, since the beginning of time.
    attempts: BTreeMap<AttemptId, HandedOut>,
    /// Commands since the last restore.
    once: BTreeSet<String>,
    pub(super) executions: BTreeMap<AttemptId, u32>,
}

#[derive(Debug, PartialEq)]
struct HandedOut {
    key: String,
    seed: Seed,
    input: Payload,
    sight: Sight,
}

impl Given {
    pub(super) fn forget(&mut self) {
        self.once.clear();
    }

    /// Checks a command against the events that are known, of which so many are committed.
    pub(super) fn check(
        &mut self,
        command: &Command,
        log: &[Recorded],
        committed: usize,
        reference: &Reference<'_>,
    ) -> Checked {
        must(reference.result.is_none(), Rule::Command, || {
            format!("a finished run asks for {command:?}")
        })?;
        must(!reference.is_paused(), Rule::Pause, || format!("a paused run asks for {command:?}"))?;
        let causes = log.iter().rev().filter(|recorded| causes(&recorded.event, command));
        let mut causes = causes.map(|recorded| recorded.seq);
        // There may be more than one reason to call somebody back. What is handed out again is so because of the last.
        let cause = match command {
            Command::Cancel { .. } | Command::Withdraw { .. } => causes.last(),
            Command::Execute { .. } | Command::Route { .. } | Command::Decide { .. } => {
                causes.next()
            }
        };
        must(cause.is_some_and(|seq| seq <= committed as u64), Rule::Command, || {
            format!("of {command:?} the cause is {cause:?}, and {committed} are committed")
        })?;
        let mut once = name(command);
        if let Command::Cancel { attempt } = command {
            // One that was told to stop may run out of time besides: then nobody waits for its answer any more.
            once.push_str(if reference.awaits(attempt).is_some() { "" } else { " for good" });
        }
        must(self.once.insert(once), Rule::Command, || {
            format!("{} is given out twice", name(command))
        })?;
        match command {
            Command::Execute { attempt, worker, task } => {
                *self.executions.entry(attempt.clone()).or_default() += 1;
                must(reference.awaits(attempt) == Some(true), Rule::Command, || {
                    format!("{} is not under way", name(command))
                })?;
                let chosen = log.iter().rev().find_map(|recorded| chosen(&recorded.event, attempt));
                must(chosen == Some(worker), Rule::HandOut, || {
                    format!("{} goes to {worker} instead of {chosen:?}", name(command))
                })?;
                self.handed_out(attempt, task, reference)
            }
            Command::Route { attempt, request, candidates } => {
                must(reference.awaits(attempt) == Some(false), Rule::Command, || {
                    format!("{} is not under way", name(command))
                })?;
                let input = reference.hand_out(&attempt.path).map(|(input, _)| input);
                must(input.as_ref() == Some(&request.input), Rule::HandOut, || {
                    format!("the router is shown {}, the input is {input:?}", request.input)
                })?;
                must(candidates.len() > 1, Rule::HandOut, || "there is no choice".into())
            }
            Command::Decide { path, input, .. } => {
                let given = reference.hand_out(path).map(|(input, _)| input);
                must(given.as_ref() == Some(input), Rule::HandOut, || {
                    format!("the person is shown {input}, the input is {given:?}")
                })
            }
            Command::Cancel { .. } | Command::Withdraw { .. } => Ok(()),
        }
    }

    fn handed_out(&mut self, id: &AttemptId, task: &Task, reference: &Reference<'_>) -> Checked {
        let out = HandedOut {
            key: task.idempotency_key(),
            seed: task.seed(),
            input: task.input().clone(),
            sight: Sight::of(task.context()),
        };
        if let Some((input, context)) = reference.hand_out(&id.path) {
            must(input == out.input, Rule::HandOut, || {
                format!("the input is {}, and should be {input}", out.input)
            })?;
            let sight = context.map(|context| Sight::of(&context));
            must(sight.as_ref().is_none_or(|sight| *sight == out.sight), Rule::HandOut, || {
                format!("what is seen is {:?}, and should be {sight:?}", out.sight)
            })?;
        }
        let first = self.attempts.entry(id.clone()).or_insert_with(|| HandedOut {
            key: out.key.clone(),
            seed: out.seed,
            input: out.input.clone(),
            sight: out.sight.clone(),
        });
        must(*first == out, Rule::HandOut, || {
            format!("{id:?} is handed out with {out:?}, and was with {first:?}")
        })
    }

    /// Everybody who has been asked for what is no longer wanted has been told so. Asked when all is committed and no command is left; a
    /// run that is paused or has ended says nothing.
    pub(super) fn all_told(&self, reference: &Reference<'_>, log: &[Recorded]) -> Checked {
        if reference.is_paused() {
            return Ok(());
        }
        for recorded in log {
            if let Some(id) = begun(&recorded.event)
                && reference.is_called_off(&id)
            {
                let told = self.once.contains(&format!("cancel {} {}", id.path, id.attempt));
                must(told, Rule::Cancel, || format!("{id:?} was not told to stop"))?;
            }
            if let Event::StepFailed { path, attempt, error }
            | Event::AttemptFailed { path, attempt, error, .. } = &recorded.event
                && TIMEOUTS.contains(&error.code.as_str())
                && self.once.contains(&format!("execute {path} {attempt}"))
                && !failed_before(log, recorded.seq, path, *attempt)
            {
                let told = self.once.contains(&format!("cancel {path} {attempt} for good"));
                must(told, Rule::Cancel, || format!("{path} {attempt} was not told to stop"))?;
            }
            if let Event::DecisionRequested { path, .. } = &recorded.event
                && self.once.contains(&format!("decide {path}"))
                && reference.is_moot(path)
            {
                let told = self.once.contains(&format!("withdraw {path}"));
                must(told, Rule::Cancel, || format!("the decision {path} was not withdrawn"))?;
            }
        }
        Ok(())
    }
}

/// Whether the attempt had failed before that event, so that its step was at rest.
fn failed_before(log: &[Recorded], seq: u64, of: &Path, number: u32) -> bool {
    let before = log.iter().take_while(|recorded| recorded.seq < seq);
    let mut before = before.map(|recorded| &recorded.event);
    before.any(|event| {
        matches!(event, Event::AttemptFailed { path, attempt, .. } if path == of && *attempt == number)
    })
}

/// The codes of failures that nobody said but the clock.
const TIMEOUTS: [&str; 3] = ["attempt_timeout", "heartbeat_timeout", "step_timeout"];

/// The attempt that a worker began with this event.
fn begun(event: &Event) -> Option<AttemptId> {
    match event {
        Event::AttemptStarted { path, attempt, .. } | Event::RouteDecided { path, attempt, .. } => {
            Some(AttemptId { path: path.clone(), attempt: *attempt })
        }
        _ => None,
    }
}

fn chosen<'e>(event: &'e Event, id: &AttemptId) -> Option<&'e crate::id::WorkerName> {
    match event {
        Event::AttemptStarted { path, attempt, worker, .. } if is(path, *attempt, id) => {
            Some(worker)
        }
        Event::RouteDecided { path, attempt, decision } if is(path, *attempt, id) => {
            Some(&decision.worker)
        }
        _ => None,
    }
}

fn is(path: &Path, attempt: u32, id: &AttemptId) -> bool {
    *path == id.path && attempt == id.attempt
}

fn name(command: &Command) -> String {
    match command {
        Command::Execute { attempt, .. } => format!("execute {} {}", attempt.path, attempt.attempt),
        Command::Route { attempt, .. } => format!("route {} {}", attempt.path, attempt.attempt),
        Command::Cancel { attempt } => format!("cancel {} {}", attempt.path, attempt.attempt),
        Command::Decide { path, .. } => format!("decide {path}"),
        Command::Withdraw { path } => format!("withdraw {path}"),
    }
}

/// Whether an event is a reason for a command.
fn causes(event: &Event, command: &Command) -> bool {
    match (command, event) {
        (
            Command::Execute { attempt: id, .. },
            Event::AttemptStarted { path, attempt, .. }
            | Event::RouteDecided { path, attempt, .. }
            | Event::AttemptRedispatched { path, attempt, .. },
        )
        | (
            Command::Route { attempt: id, .. },
            Event::RouteRequested { path, attempt, .. }
            | Event::AttemptRedispatched { path, attempt, .. },
        ) => is(path, *attempt, id),
        (Command::Cancel { .. }, Event::CancelRequested { .. }) => true,
        (
            Command::Cancel { attempt: id },
            Event::AttemptFailed { path, attempt, .. } | Event::StepFailed { path, attempt, .. },
        ) => is(path, *attempt, id),
        (
            Command::Cancel { attempt: AttemptId { path: below, .. } },
            Event::StepStopping { path, .. },
        )
        | (Command::Withdraw { path: below }, Event::StepStopping { path, .. }) => {
            below.to_string().starts_with(&format!("{path}["))
        }
        (Command::Decide { path: asked, .. }, Event::DecisionRequested { path, .. }) => {
            path == asked
        }
        (Command::Withdraw { .. }, Event::CancelRequested { .. }) => true,
        (
            Command::Withdraw { path: asked },
            Event::DecisionMade { path, .. } | Event::StepFailed { path, .. },
        ) => path == asked,
        _ => false,
    }
}
