//! Worlds of which the truth is known, and which change: who was good at an area is not any more.

use orchestrator_attention::RouterConfig;
use orchestrator_core::{FastStream, Seed};

use crate::log::{Log, Query};
use crate::policies::{Attention, EpsilonGreedy, Policy, best};

const AREAS: usize = 6;
const WORKERS: usize = 4;
const STEPS: usize = 4_000;
const SEEDS: u64 = 5;

/// Chances of success by area and worker.
type Skills = Vec<Vec<f64>>;

fn skills(stream: &mut FastStream) -> Skills {
    (0..AREAS).map(|_| (0..WORKERS).map(|_| stream.between(0.2, 0.95)).collect()).collect()
}

/// Prints what share of the best possible success each policy has, in a world that stays and one that changes every 1,000 steps; how
/// many rows fall short.
pub(crate) fn table(first: u64) -> usize {
    println!("\n| world | who | share of the best | goal | met |\n|---|---|---:|---|---|");
    let mut short = 0;
    for (world, period) in [("stays", STEPS), ("changes every 1,000 steps", 1_000)] {
        let mean = |make: &dyn Fn(Seed) -> Box<dyn Policy>| {
            let share = |seed| walk(period, Seed(first + seed), make(Seed(first + seed)).as_mut());
            (0..SEEDS).map(share).sum::<f64>() / SEEDS as f64
        };
        let router = |config: RouterConfig| {
            mean(&move |seed| Box::new(Attention::new(config.clone(), WORKERS, seed)))
        };
        let plain = RouterConfig { cost_weight: 0.0, ..RouterConfig::default() };
        let greedy = mean(&|seed| Box::new(EpsilonGreedy::new(0.1, &empty(), 0.0, seed)));
        println!("| {world} | ε-greedy .1, no context | {greedy:.3} | | |");
        let ours = router(plain.clone());
        let met = ours > greedy;
        short += usize::from(!met);
        let word = if met { "yes" } else { "NO" };
        println!("| {world} | AttentionRouter | {ours:.3} | > {greedy:.3} | {word} |");
        for half_life in [200.0, 1e6] {
            let share = router(RouterConfig { half_life, ..plain.clone() });
            println!("| {world} | AttentionRouter, half-life {half_life} | {share:.3} | | |");
        }
    }
    short
}

/// A log of nothing, for policies that ask how many models there are.
fn empty() -> Log {
    let models = (0..WORKERS).map(|worker| format!("worker {worker}")).collect();
    Log { queries: Vec::new(), models, usd_reference: 1.0 }
}

fn walk(period: usize, seed: Seed, policy: &mut dyn Policy) -> f64 {
    let mut stream = seed.derive("world").fast_stream();
    let mut truth = skills(&mut stream);
    let (mut ours, mut most) = (0.0, 0.0);
    for step in 0..STEPS {
        if step > 0 && step % period == 0 {
            truth = skills(&mut stream);
        }
        let area = stream.below(AREAS);
        let query = Query {
            area: format!("area {area}"),
            prompt_chars: 100 + stream.below(900) as u64,
            correct: Vec::new(),
            usd: Vec::new(),
        };
        let chosen = policy.choose(&query, step as u64);
        ours += truth[area][chosen];
        most += truth[area][best(&truth[area])];
        let correct = f64::from(u8::from(stream.chance(truth[area][chosen])));
        policy.learn(&query, step as u64, chosen, correct, 0.0);
    }
    ours / most
}
