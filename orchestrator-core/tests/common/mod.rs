//! Random definitions of every kind of step, for the tests that take any.

use std::time::Duration;

use orchestrator_core::{
    Capability, Closures, Context, Join, On, OnItemFailure, Payload, RetryPolicy, Role, Step,
    Workflow, condition_fn, transform_fn,
};

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn ms(&mut self) -> Duration {
        Duration::from_millis(1 + self.below(100_000))
    }
}

const WORDS: [&str; 6] = [
    "",
    "plain",
    "\"quoted\" & <b>bold</b>",
    "two\nlines\\",
    "größer als 日本 🙂",
    "a|b{c}[d](e);#%%",
];

fn condition(dice: &mut Dice) -> impl orchestrator_core::Condition + use<> {
    let name = ["large", "ready \"now\"", "näher"][dice.below(3) as usize];
    condition_fn(name, dice.below(3) as u32, |_: &Context| Ok(true))
}

fn transformer(dice: &mut Dice) -> impl orchestrator_core::Transformer + use<> {
    let name = ["title", "two words"][dice.below(2) as usize];
    transform_fn(name, dice.below(3) as u32, |payload: &Payload, _: &Context| Ok(payload.clone()))
}

/// Everything that a random definition may name.
pub(crate) fn closures() -> Closures {
    let mut closures = Closures::new();
    for version in 0..3 {
        for name in ["large", "ready \"now\"", "näher"] {
            closures = closures.condition(condition_fn(name, version, |_: &Context| Ok(true)));
        }
        for name in ["title", "two words"] {
            closures = closures.transformer(transform_fn(
                name,
                version,
                |payload: &Payload, _: &Context| Ok(payload.clone()),
            ));
        }
    }
    closures
}

fn retry(dice: &mut Dice) -> RetryPolicy {
    RetryPolicy {
        attempts_max: 1 + dice.below(5) as u32,
        delay_ms: dice.below(5_000),
        growth_percent: 100 + dice.below(300) as u32,
        jitter_percent: dice.below(101) as u32,
        repeat_unknown: dice.chance(50),
        ..RetryPolicy::default()
    }
    .never_on(WORDS[dice.below(6) as usize])
}

/// A definition of one to eight steps, with up to `depth` workflows inside each other.
pub(crate) fn workflow(dice: &mut Dice, depth: u32) -> Workflow {
    let count = 1 + dice.below(8);
    let names = ["a", "b-1", "ü", "d.e", "日本", "f_f", "g", "h"];
    let mut builder = Workflow::builder(["w", "größe", "w-1.2"][dice.below(3) as usize])
        .describe(WORDS[dice.below(6) as usize]);
    for at in 0..count {
        let mut step =
            step(dice, depth, names[at as usize], &names[at as usize + 1..count as usize]);
        let mut edges: u32 = 0;
        for before in &names[..at as usize] {
            match dice.below(7) {
                0 => step = step.after(*before),
                1 => step = step.after_end(*before, On::Failure),
                2 => step = step.after_end(*before, On::Always),
                3 => step = step.after_when(*before, condition(dice)),
                _ => continue,
            }
            edges += 1;
        }
        step = match dice.below(3) {
            0 => step.join(Join::Any),
            1 if edges > 0 => step.join(Join::AtLeast(1 + dice.below(edges.into()) as u32)),
            _ => step,
        };
        builder = builder.step(step.describe(WORDS[dice.below(6) as usize]));
    }
    builder.build().expect("the generator makes sound definitions only")
}

fn step(dice: &mut Dice, depth: u32, id: &str, later: &[&str]) -> Step {
    let kind = dice.below(if depth == 0 { 5 } else { 9 });
    let step = match kind {
        0 if !later.is_empty() => {
            let mut to = || later[dice.below(later.len() as u64) as usize];
            let (first, second, otherwise) = (to(), to(), to());
            let mut step = Step::branch(id).otherwise(otherwise);
            step = step.case(condition(dice), first);
            if dice.chance(50) {
                step = step.case(condition(dice), second);
            }
            return if dice.chance(30) { step.input(transformer(dice)) } else { step };
        }
        0 | 1 => task(dice, id),
        2 => {
            let step = Step::decision(id, WORDS[dice.below(6) as usize], ["yes", WORDS[2], "no"]);
            if dice.chance(50) { step.default_choice(WORDS[2], dice.ms()) } else { step }
        }
        3 => Step::wait_for_signal(id, ["go", "weiter-ü"][dice.below(2) as usize]),
        4 => Step::wait_for(id, dice.ms()),
        5 | 6 => {
            let body = workflow(dice, depth - 1);
            let rounds_max = 1 + dice.below(9) as u32;
            let step = if kind == 5 {
                let by = body.steps().next().expect("there is a step").to_string();
                Step::repeat_until_accepted(id, body, rounds_max, by)
            } else {
                Step::repeat_until(id, body, rounds_max, condition(dice))
            };
            if dice.chance(50) { step.rounds_kept(1 + dice.below(40) as u32) } else { step }
        }
        7 => Step::map(id, workflow(dice, depth - 1), 1 + dice.below(9) as u32)
            .items_max(1 + dice.below(99) as u32)
            .on_item_failure(match dice.below(3) {
                0 => OnItemFailure::FailFast,
                1 => OnItemFailure::Tolerate(dice.below(9) as u32),
                _ => OnItemFailure::Collect,
            }),
        _ => Step::sub_workflow(id, workflow(dice, depth - 1)),
    };
    let step = if dice.chance(30) { step.input(transformer(dice)) } else { step };
    let shaped = kind != 2 && dice.chance(30);
    let step = if shaped { step.output(transformer(dice)) } else { step };
    if dice.chance(30) { step.step_timeout(dice.ms()) } else { step }
}

fn task(dice: &mut Dice, id: &str) -> Step {
    let mut step =
        Step::task(id, Role::parse(["coder", "prüfer"][dice.below(2) as usize]).unwrap());
    for capability in ["gpu", "rust-2024"] {
        if dice.chance(30) {
            step = step.requires(Capability::parse(capability).unwrap());
        }
    }
    if dice.chance(40) {
        step = step.retry(retry(dice));
    }
    if dice.chance(30) {
        step = step.priority(dice.below(200) as i32 - 100);
    }
    if dice.chance(30) {
        let policy = if dice.chance(50) { retry(dice) } else { RetryPolicy::default() };
        step = step.compensate(Role::DEPLOYER, policy);
    }
    if dice.chance(30) {
        let attempt = dice.ms();
        step =
            step.attempt_timeout(attempt).heartbeat_timeout(attempt / 2 + Duration::from_millis(1));
    }
    step
}
