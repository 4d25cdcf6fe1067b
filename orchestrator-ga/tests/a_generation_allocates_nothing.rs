//! After its first generations a search asks for no memory: every allocation of the process is counted while it goes on.

use std::alloc::System;

use orchestrator_core::{ParameterSpace, Seed};
use orchestrator_ga::pareto::{
    Directions, Nsga2, Nsga2Config, Nsga3, Nsga3Config, Objectives, ParetoSearch,
};
use orchestrator_ga::{
    Crossover, Duplicates, Ga, GaConfig, Niching, Optimizer, OrderCrossover, RateControl,
    Replacement, Search, Selection, Sizing, StepControl, Stop,
};
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

    let plus = Replacement::Plus { children: 30 };
    check("plus", GaConfig { replacement: plus, ..preset() });
    for selection in [
        Selection::Roulette,
        Selection::Rank { pressure: 1.5 },
        Selection::StochasticUniversal,
        Selection::Truncation { share: 0.5 },
    ] {
        check(&format!("{selection:?}"), GaConfig { selection, ..preset() });
    }
    let sharing = Niching::Sharing { radius: 0.1, alpha: 1.0 };
    for niching in [sharing, Niching::Crowding] {
        check(&format!("{niching:?}"), GaConfig { niching, ..preset() });
    }
    let redraw = Duplicates::Redraw { attempts: 5 };
    check("no duplicates", GaConfig { duplicates: redraw, ..preset() });
    let adaptive = GaConfig {
        crossover: Crossover::Sbx { eta: 5.0 },
        step_control: StepControl::OneFifth { factor: 0.85 },
        rate_control: RateControl::Diversity { below: 0.1, rate_max: 0.25 },
        sizing: Sizing::Reduction { min: 4 },
        ..preset()
    };
    check("adaptive", adaptive);

    let mixed = ParameterSpace::builder()
        .real("x", -1.0, 1.0)
        .integer("n", 0, 99)
        .categorical("c", ["a", "b", "c"])
        .permutation("p", 12);
    let space = mixed.build().unwrap();
    let orders = OrderCrossover::PartiallyMapped;
    for order_crossover in [OrderCrossover::Ordered, orders] {
        let config = GaConfig { order_crossover, ..preset() };
        counted(&format!("{order_crossover:?}"), &space, config);
    }

    let space = || ParameterSpace::uniform(6, 0.0, 1.0).unwrap();
    let config = Nsga2Config { population: 20, ..Nsga2Config::default() };
    check_pareto("NSGA-II", Nsga2::new(space(), 2, config.clone(), Seed(1)).unwrap());
    check_pareto("NSGA-II, three objectives", Nsga2::new(space(), 3, config, Seed(1)).unwrap());
    let directions = Directions::das_dennis(3, 4).unwrap();
    let method = Nsga3::new(space(), directions, Nsga3Config::default(), Seed(1));
    check_pareto("NSGA-III", method.unwrap());
}

#[track_caller]
fn check_pareto<O: Optimizer>(what: &str, method: O) {
    let objectives = Objectives::minimize((0..method.objectives()).map(|at| format!("f{at}")));
    let reference = vec![9.0; method.objectives()];
    let stop = Stop::Generations(WARM_UP + COUNTED);
    let search = ParetoSearch::with_reference(method, objectives.unwrap(), &reference, stop);
    let mut search = search.unwrap();
    let distances = |x: &[f64], values: &mut [f64]| {
        for (corner, value) in values.iter_mut().enumerate() {
            let wanted = |at: usize| f64::from(u8::from(at == corner));
            *value = x.iter().enumerate().map(|(at, x)| (x - wanted(at)).powi(2)).sum();
        }
    };
    while search.generation() < WARM_UP {
        search.step(&distances).unwrap();
    }
    let found = allocations(|| {
        while search.generation() < WARM_UP + COUNTED {
            search.step(&distances).unwrap();
        }
    });
    println!("{what}: {found} allocations in {COUNTED} generations");
    assert_eq!(found, 0, "{what}");
}

#[track_caller]
fn check(what: &str, config: GaConfig) {
    counted(what, &ParameterSpace::uniform(5, -5.0, 5.0).unwrap(), config);
}

#[track_caller]
fn counted(what: &str, space: &ParameterSpace, config: GaConfig) {
    let config = GaConfig { generations: WARM_UP + COUNTED, ..config };
    let stop = Stop::Generations(config.generations).or(Stop::Target(1e9));
    let mut search = Search::new(Ga::new(space.clone(), config, Seed(1)).unwrap(), stop).unwrap();
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
