//! How often a step of learning asks for memory, once the states are known: never. Exits 1 if one does. A program of its own, because
//! counting every allocation would slow down what `rl` measures.

mod lake;

use std::alloc::System;

use lake::{ACTIONS, Lake, STATES};
use orchestrator_core::Seed;
use orchestrator_rl::{HISTORY_KEPT, Method, RlConfig, StateIndex, Training};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const STEPS: u64 = 300_000;

fn main() {
    let methods = [
        ("q_learning", Method::QLearning),
        ("double_q", Method::DoubleQ),
        ("sarsa", Method::Sarsa),
        ("expected_sarsa", Method::ExpectedSarsa),
        ("n_step 4", Method::NStep { n: 4 }),
        ("q_lambda 0.9", Method::QLambda { lambda: 0.9, trace: Default::default() }),
        ("monte_carlo", Method::MonteCarlo { visit: Default::default() }),
        ("dyna_q 5", Method::DynaQ { planning: 5 }),
    ];
    println!("| what | allocations in {STEPS} steps |");
    println!("|---|---:|");
    let mut all = 0;
    for (name, method) in methods {
        let config = RlConfig::textbook(method, 0.1, 0.3, 0.95);
        all += report(&format!("{name}, dense"), {
            Training::dense(config.clone(), STATES, ACTIONS, Seed(1)).expect("sound settings")
        });
        all += report(&format!("{name}, hashed"), {
            Training::hashed(config, ACTIONS, Seed(1)).expect("sound settings")
        });
    }
    let default = Training::dense(RlConfig::default(), STATES, ACTIONS, Seed(1));
    all += report("the default, dense", default.expect("sound settings"));
    std::process::exit(i32::from(all > 0));
}

/// The history of episodes grows to its bound first; after that nothing does.
fn report<X: StateIndex<State = usize>>(name: &str, mut training: Training<X>) -> usize {
    let mut lake = Lake::new();
    let warm = |training: &Training<X>| {
        training.episodes().last().is_some_and(|row| row.index as usize > 2 * HISTORY_KEPT)
    };
    while !warm(&training) {
        training.run_steps(&mut lake, 100_000).expect("the lake pays finite rewards");
    }
    let before = COUNTING.stats();
    training.run_steps(&mut lake, STEPS).expect("the lake pays finite rewards");
    let counted = COUNTING.stats() - before;
    let count = counted.allocations + counted.reallocations;
    println!("| {name} | {count} |");
    count
}
