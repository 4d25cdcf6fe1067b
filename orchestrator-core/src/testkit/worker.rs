//! What workers, routers and people say: a pure function of the seed, where they are asked, and all that they are shown. A difference in
//! what is shown is thereby a difference in the outcome.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::context::{Context, Item, Round};
use crate::path::Path;
use crate::payload::Payload;
use crate::random::Seed;
use crate::route::{Candidate, Decision, Request, RouteError};
use crate::run::Decided;
use crate::task::{Task, TaskError, TaskOutput, Usage};

/// All that a context shows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sight {
    goal: String,
    outputs: BTreeMap<String, Payload>,
    round: Option<Round>,
    item: Option<Item>,
}

impl Sight {
    pub(super) fn of(context: &Context) -> Sight {
        let visible = context.visible().into_iter();
        Sight {
            goal: context.goal().to_owned(),
            outputs: visible
                .filter_map(|step| context.payload(&step).map(|output| (step, output)))
                .collect(),
            round: context.round().ok().cloned(),
            item: context.item().ok().cloned(),
        }
    }
}

/// A number that stands for a payload and all that is seen beside it.
pub(super) fn sight(payload: &Payload, sight: &Sight) -> Seed {
    let mut seed = Seed(0).derive(payload.as_json()).derive(&sight.goal);
    for (step, output) in &sight.outputs {
        seed = seed.derive(step).derive(output.as_json());
    }
    if let Some(round) = &sight.round {
        seed = seed.index(u64::from(round.index)).derive(round.carried.as_json());
    }
    match &sight.item {
        Some(item) => seed.index(u64::from(item.index)).derive(item.value.as_json()),
        None => seed,
    }
}

/// What a worker says to a task.
pub(super) fn work(world: Seed, task: &Task) -> Result<TaskOutput, TaskError> {
    let seen = sight(task.input(), &Sight::of(task.context()));
    let roll = world.derive(&task.idempotency_key()).index(seen.0).0;
    let said = || format!("attempt {}", task.attempt());
    // In some worlds nothing goes wrong, so that runs get far; in others little does.
    let fails = match world.0 % 4 {
        0 => false,
        1 => (roll >> 32) % 4 == 0,
        _ => true,
    };
    match roll % 20 {
        0..=5 if !fails => Ok(number(roll >> 40).into()),
        0..=1 => Err(TaskError::retryable("flaky", said())),
        2 => Err(TaskError::retryable_after(Duration::from_millis(70), "busy", said())),
        3 => Err(TaskError::outcome_unknown("lost", said())),
        4..=5 => Err(TaskError::terminal("bad", said()).with_details(number(roll >> 48))),
        6 => Ok(Payload::null().into()),
        7 => Ok(TaskOutput::of(&[roll >> 60, roll >> 56]).unwrap_or_default()),
        _ => Ok(TaskOutput::from(number(roll >> 40)).with_usage(Usage {
            tokens: roll >> 50,
            usd: (roll >> 44) as f64 * 1e-7,
            seconds: 0.5,
        })),
    }
}

/// Whom a router chooses.
pub(super) fn route(request: &Request, candidates: &[Candidate]) -> Result<Decision, RouteError> {
    let seen = request.seed.derive(request.input.as_json());
    let seen = request.tried.iter().fold(seen, |seen, tried| seen.derive(tried.as_str()));
    let mut dice = seen.stream();
    if dice.chance(0.05) {
        return Err(RouteError { reason: "none of them will do".to_owned() });
    }
    Ok(Decision {
        worker: candidates[dice.below(candidates.len())].worker.clone(),
        rationale: "a throw of the dice".to_owned(),
        confidence: dice.unit(),
        propensity: 1.0 / candidates.len() as f64,
    })
}

/// What a person decides.
pub(super) fn decide(world: Seed, path: &Path, choices: &[String], input: &Payload) -> Decided {
    let mut dice = world.derive(&path.to_string()).derive(input.as_json()).stream();
    let choice = choices[dice.below(choices.len())].clone();
    Decided {
        by: Some("ada".to_owned()),
        remark: number(dice.word() >> 40),
        ..Decided::new(choice)
    }
}

fn number(number: u64) -> Payload {
    Payload::of(&number).unwrap_or_default()
}
