//! Finds the faults of a single step: settings that its kind does not have, or that cannot be kept. Allocates only for a fault.

use super::fault::{Fault, NESTING_MAX};
use super::kind::{Awaited, DefaultChoice, Kind, Timeouts, Until};
use super::step::{Join, Step};
use super::{Edge, Fires, Workflow};
use crate::closure::BoundCondition;
use crate::id::{SignalName, StepId};
use crate::retry::RetryPolicy;

/// Adds the faults of one step.
pub(super) fn check(
    step: &Step,
    id: &StepId,
    incoming: &[Edge],
    conditions: &[BoundCondition],
    faults: &mut Vec<Fault>,
) {
    misplaced(step, id, faults);
    if matches!(step.kind, Kind::Task { .. }) {
        if let Err(error) = step.retry.check() {
            faults.push(Fault::Retry { step: id.clone(), error });
        }
        if let Some(Err(error)) = step.compensation.as_ref().map(|undo| undo.retry.check()) {
            faults.push(Fault::Compensation { step: id.clone(), error });
        }
    }
    timeouts(&step.timeouts, id, faults);
    kind(&step.kind, id, faults);
    let unusable = conditions
        .iter()
        .chain(own_conditions(&step.kind))
        .filter_map(|condition| Some(("condition", condition.0.name(), condition.unusable()?)));
    let transformers = step.input.iter().chain(&step.output).filter_map(|transformer| {
        Some(("transformer", transformer.0.name(), transformer.unusable()?))
    });
    faults.extend(unusable.chain(transformers).map(|(what, name, reason)| Fault::Closure {
        step: id.clone(),
        what,
        name: name.to_owned(),
        reason,
    }));
    if let Join::AtLeast(wanted) = step.join {
        let possible = fireable(incoming);
        if wanted == 0 || wanted > possible {
            faults.push(Fault::JoinNeverFires { step: id.clone(), wanted, possible });
        }
    }
}

fn misplaced(step: &Step, id: &StepId, faults: &mut Vec<Fault>) {
    let (is_task, is_branch) = match step.kind {
        Kind::Task { .. } => (true, false),
        Kind::Branch { .. } => (false, true),
        Kind::Loop { .. }
        | Kind::Map { .. }
        | Kind::Decision { .. }
        | Kind::Wait { .. }
        | Kind::Sub { .. } => (false, false),
    };
    let mut add = |setting| {
        let kind = step.kind.word();
        faults.push(Fault::Misplaced { step: id.clone(), setting, kind });
    };
    step.misplaced.iter().copied().for_each(&mut add);
    if !is_task {
        let given = [
            ("retry", step.retry != RetryPolicy::default()),
            ("attempt_timeout", step.timeouts.attempt_ms.is_some()),
            ("heartbeat_timeout", step.timeouts.heartbeat_ms.is_some()),
            ("priority", step.priority != 0),
            ("expected", step.expected_ms.is_some()),
            ("compensate", step.compensation.is_some()),
        ];
        given.into_iter().filter(|(_, given)| *given).for_each(|(setting, _)| add(setting));
    }
    if matches!(step.kind, Kind::Decision { .. }) && step.output.is_some() {
        add("output");
    }
    if is_branch {
        let given =
            [("step_timeout", step.timeouts.step_ms.is_some()), ("output", step.output.is_some())];
        given.into_iter().filter(|(_, given)| *given).for_each(|(setting, _)| add(setting));
    }
}

fn timeouts(timeouts: &Timeouts, id: &StepId, faults: &mut Vec<Fault>) {
    let Timeouts { attempt_ms, step_ms, heartbeat_ms } = *timeouts;
    zero("attempt_timeout", attempt_ms == Some(0), id, faults);
    zero("step_timeout", step_ms == Some(0), id, faults);
    zero("heartbeat_timeout", heartbeat_ms == Some(0), id, faults);
    if let (Some(heartbeat_ms), Some(attempt_ms @ 1..)) = (heartbeat_ms, attempt_ms)
        && heartbeat_ms > attempt_ms
    {
        faults.push(Fault::HeartbeatTooLong { step: id.clone(), heartbeat_ms, attempt_ms });
    }
}

fn zero(setting: &'static str, is_zero: bool, id: &StepId, faults: &mut Vec<Fault>) {
    if is_zero {
        faults.push(Fault::Zero { step: id.clone(), setting });
    }
}

fn kind(kind: &Kind, id: &StepId, faults: &mut Vec<Fault>) {
    let step = || id.clone();
    if kind.body().is_some_and(|body| body.0.nesting >= NESTING_MAX) {
        faults.push(Fault::NestedTooDeep { step: step(), kind: kind.word() });
    }
    match kind {
        Kind::Task { .. } | Kind::Sub { .. } => {}
        Kind::Branch { cases, otherwise } => {
            if cases.is_empty() {
                faults.push(Fault::NoCases { step: step() });
            }
            if otherwise.is_none() {
                faults.push(Fault::NoOtherwise { step: step() });
            }
        }
        Kind::Loop { body, rounds_max, rounds_kept, until } => {
            if *rounds_max == 0 {
                faults.push(Fault::NoRounds { step: step() });
            }
            zero("rounds_kept", *rounds_kept == 0, id, faults);
            judge(until, body, id, faults);
        }
        Kind::Map { concurrency_max, items_max, .. } => {
            zero("concurrency_max", *concurrency_max == 0, id, faults);
            zero("items_max", *items_max == 0, id, faults);
        }
        Kind::Decision { choices, default, .. } => choice(choices, default.as_ref(), id, faults),
        Kind::Wait { awaited: Awaited::Timer { .. } } => {}
        Kind::Wait { awaited: Awaited::Signal(signal) } => {
            if let Err(error) = SignalName::parse(signal) {
                faults.push(Fault::Signal { step: step(), error });
            }
        }
    }
}

/// The conditions of a branch or a loop; those of edges belong to the step where they end.
fn own_conditions(kind: &Kind) -> impl Iterator<Item = &BoundCondition> {
    let (cases, until) = match kind {
        Kind::Branch { cases, .. } => (cases.as_slice(), None),
        Kind::Loop { until: Until::Condition(condition), .. } => (&[][..], Some(condition)),
        Kind::Loop { until: Until::Accepted { .. }, .. }
        | Kind::Task { .. }
        | Kind::Map { .. }
        | Kind::Decision { .. }
        | Kind::Wait { .. }
        | Kind::Sub { .. } => (&[][..], None),
    };
    cases.iter().map(|(condition, _)| condition).chain(until)
}

fn judge(until: &Until, body: &Workflow, id: &StepId, faults: &mut Vec<Fault>) {
    match until {
        Until::Accepted { by } if body.position(by).is_none() => {
            faults.push(Fault::UnknownJudge { step: id.clone(), unknown: by.clone() });
        }
        Until::Accepted { .. } | Until::Condition(_) => {}
    }
}

fn choice(
    choices: &[String],
    default: Option<&DefaultChoice>,
    id: &StepId,
    faults: &mut Vec<Fault>,
) {
    let step = || id.clone();
    if choices.is_empty() {
        faults.push(Fault::NoChoices { step: step() });
    }
    for (at, choice) in choices.iter().enumerate() {
        if choice.trim().is_empty() {
            faults.push(Fault::EmptyChoice { step: step() });
        } else if choices[..at].contains(choice) {
            faults.push(Fault::DuplicateChoice { step: step(), choice: choice.clone() });
        }
    }
    let Some(DefaultChoice { choice, after_ms }) = default else { return };
    zero("default_choice", *after_ms == 0, id, faults);
    if !choices.is_empty() && !choices.contains(choice) {
        let (choice, choices) = (choice.clone(), choices.to_vec());
        faults.push(Fault::UnknownChoice { step: step(), choice, choices });
    }
}

/// How many of these edges can fire in one run. A step ends in one way: it succeeds, and as a branch chooses one way, or it fails.
fn fireable(incoming: &[Edge]) -> u32 {
    let edges = incoming.chunk_by(|a, b| a.step == b.step);
    let possible = edges.map(|edges| {
        let count = |fires| edges.iter().filter(|edge| edge.fires == fires).count();
        let success = count(Fires::Success) + count(Fires::Chosen).min(1);
        count(Fires::Always) + success.max(count(Fires::Failure))
    });
    possible.sum::<usize>() as u32
}
