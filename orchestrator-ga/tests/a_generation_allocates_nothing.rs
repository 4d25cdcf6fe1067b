//! After its first generations a search asks for no memory: every allocation of the process is counted while it goes on.

use std::alloc::System;

use orchestrator_core::{ParameterSpace, Seed};
use orchestrator_ga::{Crossover, Ga, GaConfig, Search, Stop};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Both blocks of memory have been in both roles by then.
const WARM_UP: u32 = 10;
/// Long enough for the history to be thinned.
const COUNTED: u32 = 1_100;

fn main() {
    // The counter counts.
    let mut kept = Vec::new();
    assert_eq!(allocations(|| kept.push(vec![0_u8; 64])), 2);

    let preset = GaConfig::documents;
    check("the preset", preset());
    check("a large population", GaConfig { population: 100, ..preset() });
    check("uniform crossover", GaConfig { crossover: Crossover::Uniform, ..preset() });
    check("many elites", GaConfig { elites: 7, ..preset() });
    check("an odd number of children", GaConfig { population: 21, ..preset() });
    // Most children are one of their parents again, and the number of those that are not differs.
    let still = GaConfig { crossover_rate: 0.1, mutation_rate: 0.02, ..preset() };
    check("hardly any change", still);
}

#[track_caller]
fn check(what: &str, config: GaConfig) {
    let config = GaConfig { generations: WARM_UP + COUNTED, ..config };
    let space = ParameterSpace::uniform(5, -5.0, 5.0).unwrap();
    let stop = Stop::Generations(config.generations).or(Stop::Target(1.0));
    let mut search = Search::new(Ga::new(space, config, Seed(1)).unwrap(), stop).unwrap();
    let sphere = |x: &[f64]| -x.iter().map(|v| v * v).sum::<f64>();
    while search.generation() < WARM_UP {
        search.step(&sphere).unwrap();
    }
    let found = allocations(|| {
        while search.generation() < WARM_UP + COUNTED {
            search.step(&sphere).unwrap();
        }
    });
    println!("{what}: {found} allocations in {COUNTED} generations");
    assert_eq!(found, 0, "{what}");
}

/// How often the process asks for memory meanwhile.
fn allocations(mut work: impl FnMut()) -> usize {
    let before = COUNTING.stats();
    work();
    let counted = COUNTING.stats() - before;
    counted.allocations + counted.reallocations
}
