//! Each way of replacing, keeping apart, adapting and sizing does what it says.

mod support;

use std::collections::BTreeSet;

use orchestrator_core::{ParameterSpace, Seed};
use orchestrator_ga::{
    Batch, Cost, Costs, Crossover, Duplicates, Ga, GaConfig, Mutation, Niching, Optimizer,
    RateControl, Replacement, Selection, Sizing, StepControl, StopReason, fitness_fn,
};
use proptest::prelude::*;
use support::landscape;

fn sphere(x: &[f64]) -> f64 {
    -x.iter().map(|v| (v - 0.3).powi(2)).sum::<f64>()
}

fn space() -> ParameterSpace {
    ParameterSpace::uniform(4, -1.0, 1.0).unwrap()
}

/// The costs that a population has, from best to worst.
fn sorted_costs(ga: &Ga) -> Vec<f64> {
    let costs = ga.population().costs;
    let mut values: Vec<f64> = (0..costs.len()).map(|at| costs.cost(at).value).collect();
    values.sort_by(f64::total_cmp);
    values
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn with_plus_no_rank_ever_gets_worse_and_with_crowding_no_place(
        seed: u64, population in 2..15_usize, children in 1..20_usize, rate in 0.0..1.0_f64,
    ) {
        let plus = GaConfig {
            population, generations: 10, mutation_rate: rate, selection: Selection::Roulette,
            replacement: Replacement::Plus { children }, elites: 0, ..GaConfig::documents()
        };
        let crowding = GaConfig { niching: Niching::Crowding, ..plus.clone() };
        for config in [plus, crowding] {
            let by_place = config.niching == Niching::Crowding;
            let mut search = Ga::search(space(), config, Seed(seed)).unwrap();
            let mut before: Option<Vec<f64>> = None;
            while !search.finished() {
                search.step(&sphere).unwrap();
                let ga = search.optimizer();
                let now = if by_place {
                    ga.population().costs.values().to_vec()
                } else {
                    sorted_costs(ga)
                };
                prop_assert_eq!(now.len(), population);
                if let Some(before) = before {
                    prop_assert!(now.iter().zip(&before).all(|(now, before)| now <= before));
                }
                before = Some(now);
            }
        }
    }

    #[test]
    fn the_elites_live_on_exactly(seed: u64, elites in 1..6_usize, failing in 0.0..0.5_f64) {
        let config = GaConfig {
            population: 6, generations: 8, elites, mutation_rate: 0.9,
            selection: Selection::Tournament { size: 1 }, ..GaConfig::documents()
        };
        let mut search = Ga::search(space(), config, Seed(seed)).unwrap();
        // Some of the candidates have no fitness: they are no elite while there are others.
        let fitness = fitness_fn(move |x: &[f64]| if x[0] < 2.0 * failing - 1.0 { f64::NAN } else { sphere(x) });
        let mut before: Vec<f64> = Vec::new();
        while !search.finished() {
            if search.step(&fitness).is_err() {
                return Ok(()); // not one of the first six has a fitness
            }
            let now = sorted_costs(search.optimizer());
            for elite in before.iter().take(elites).filter(|cost| cost.is_finite()) {
                prop_assert!(now.contains(elite), "{elite} of {before:?} is not in {now:?}");
            }
            before = now;
        }
    }
}

#[test]
fn without_elites_the_best_can_be_lost() {
    // The other side of the test above: it is the elites that keep the best.
    let config = GaConfig {
        elites: 0,
        mutation_rate: 0.9,
        selection: Selection::Tournament { size: 1 },
        ..GaConfig::documents()
    };
    let result = Ga::search(space(), config, Seed(1)).unwrap().run(&sphere).unwrap();
    assert!(result.fitness_history.windows(2).any(|pair| pair[1] < pair[0]));
}

/// Two equal peaks at 0.2 and 0.8 of the first of two parameters.
fn peaks(x: &[f64]) -> f64 {
    let near = |place: f64| (-((x[0] - place) / 0.1).powi(2)).exp();
    near(0.2).max(near(0.8)) - 0.1 * (x[1] - 0.5).powi(2)
}

/// How many of the last population stand on each peak.
fn on_peaks(config: GaConfig, seed: u64) -> [usize; 2] {
    let space = ParameterSpace::uniform(2, 0.0, 1.0).unwrap();
    let mut search = Ga::search(space, config, Seed(seed)).unwrap();
    search.run(&peaks).unwrap();
    let points = search.optimizer().population().points;
    [0.2, 0.8].map(|peak: f64| points.points().filter(|x| (x[0] - peak).abs() < 0.1).count())
}

#[test]
fn niching_holds_both_peaks_where_a_plain_search_loses_one() {
    let plain = GaConfig {
        population: 60,
        generations: 100,
        crossover: Crossover::Sbx { eta: 10.0 },
        mutation: Mutation::Gaussian { step: 0.02, final_step: 0.01 },
        ..GaConfig::documents()
    };
    let sharing = GaConfig {
        niching: Niching::Sharing { radius: 0.2, alpha: 1.0 },
        selection: Selection::StochasticUniversal,
        ..plain.clone()
    };
    let crowding = GaConfig { niching: Niching::Crowding, ..plain.clone() };
    let mut lost = 0;
    for seed in 0..8 {
        lost += i32::from(on_peaks(plain.clone(), seed).contains(&0));
        for config in [&sharing, &crowding] {
            let held = on_peaks(config.clone(), seed);
            assert!(held.iter().all(|&count| count >= 10), "{:?} {seed}: {held:?}", config.niching);
        }
    }
    assert!(lost >= 4, "the plain search lost a peak on {lost} of 8 seeds");
}

#[test]
fn duplicates_are_redrawn_until_there_is_none_or_the_space_is_exhausted() {
    let bits = |count: usize| {
        ParameterSpace::new(
            (0..count).map(|at| (format!("b{at}"), orchestrator_core::Domain::Boolean)),
        )
        .unwrap()
    };
    let config = |population, duplicates| GaConfig {
        population,
        generations: 20,
        crossover: Crossover::Uniform,
        replacement: Replacement::Plus { children: 12 },
        duplicates,
        ..GaConfig::documents()
    };
    let distinct = |ga: &Ga| {
        let points = ga.population().points.points();
        points
            .map(|x| x.iter().map(|&v| v as u8).collect::<Vec<_>>())
            .collect::<BTreeSet<_>>()
            .len()
    };
    let twelve = bits(12);
    let redraw = Duplicates::Redraw { attempts: 20 };
    let mut search = Ga::search(twelve.clone(), config(12, redraw), Seed(3)).unwrap();
    let start = {
        search.step(&landscape(&twelve)).unwrap();
        distinct(search.optimizer())
    };
    assert_eq!(start, 12, "the start population is random, and has no duplicate on this seed");
    while !search.finished() {
        // No child is there already, in the population or in its own generation.
        let known = search.optimizer().population().points.clone();
        let mut asked: Vec<Vec<f64>> = search.ask().map(|c| c.point.to_vec()).collect();
        assert!(asked.iter().all(|child| known.points().all(|point| point != child)));
        let count = asked.len();
        asked.sort_by(|a, b| a.partial_cmp(b).unwrap());
        asked.dedup();
        assert_eq!(asked.len(), count);
        search.step(&landscape(&twelve)).unwrap();
        assert_eq!(distinct(search.optimizer()), 12);
    }
    let mut plain = Ga::search(twelve.clone(), config(12, Duplicates::Allow), Seed(3)).unwrap();
    plain.run(&landscape(&twelve)).unwrap();
    assert!(distinct(plain.optimizer()) < 12);

    // Twenty candidates in a space of eight points: it ends, and what is known is not evaluated again.
    let three = bits(3);
    let mut full = Ga::search(three.clone(), config(20, redraw), Seed(3)).unwrap();
    let result = full.run(&landscape(&three)).unwrap();
    assert_eq!(distinct(full.optimizer()), 8);
    assert!(result.evaluations < 60, "{}", result.evaluations);
    assert_eq!(result.final_fitness, -best_of_bits(&landscape(&three), 3));
}

/// The least cost over all points of so many bits.
fn best_of_bits(fitness: &impl Fn(&[f64]) -> f64, count: usize) -> f64 {
    let points = (0..1_u32 << count)
        .map(|bits| (0..count).map(|at| f64::from(bits >> at & 1)).collect::<Vec<_>>());
    points.map(|point| -fitness(&point)).fold(f64::INFINITY, f64::min)
}

#[test]
fn the_one_fifth_rule_brings_the_step_down_to_where_there_is_success() {
    let fixed = GaConfig {
        population: 20,
        generations: 300,
        crossover_rate: 0.0,
        mutation_rate: 1.0,
        mutation: Mutation::Gaussian { step: 0.1, final_step: 0.1 },
        replacement: Replacement::Plus { children: 20 },
        ..GaConfig::documents()
    };
    let rule = GaConfig { step_control: StepControl::OneFifth { factor: 0.85 }, ..fixed.clone() };
    for seed in 0..5 {
        let run = |config: &GaConfig| {
            Ga::search(space(), config.clone(), Seed(seed)).unwrap().run(&sphere).unwrap()
        };
        let (fixed, rule) = (run(&fixed).final_fitness, run(&rule).final_fitness);
        assert!(fixed < -1e-5, "seed {seed}: {fixed}");
        assert!(rule > -1e-12, "seed {seed}: {rule}");
    }
}

#[test]
fn the_mutation_rate_rises_where_diversity_is_missing() {
    let still = GaConfig {
        crossover: Crossover::Arithmetic,
        mutation_rate: 0.01,
        generations: 60,
        ..GaConfig::documents()
    };
    let alert = GaConfig {
        rate_control: RateControl::Diversity { below: 0.1, rate_max: 0.6 },
        ..still.clone()
    };
    for seed in 0..5 {
        let late = |config: &GaConfig| {
            let mut search = Ga::search(space(), config.clone(), Seed(seed)).unwrap();
            let history = search.run(&sphere).unwrap().diversity_history;
            history[30..].iter().sum::<f64>() / (history.len() - 30) as f64
        };
        let (still, alert) = (late(&still), late(&alert));
        assert!(alert > 2.0 * still, "seed {seed}: {alert} and {still}");
    }
}

#[test]
fn a_population_shrinks_linearly_or_grows_when_it_stagnates() {
    let sizes = |config: GaConfig, fitness: &dyn Fn(&[f64]) -> f64| {
        let mut search = Ga::search(space(), config, Seed(5)).unwrap();
        let mut sizes = Vec::new();
        while !search.finished() {
            search.step(&fitness_fn(fitness)).unwrap();
            sizes.push(search.optimizer().population().costs.len());
        }
        (sizes, search.evaluations())
    };
    let ways = [
        (Replacement::Generational, Niching::None),
        (Replacement::Plus { children: 20 }, Niching::None),
        (Replacement::Generational, Niching::Crowding),
    ];
    for (replacement, niching) in ways {
        let fixed = GaConfig { generations: 10, replacement, niching, ..GaConfig::documents() };
        let shrinking = GaConfig { sizing: Sizing::Reduction { min: 4 }, ..fixed.clone() };
        let (sizes_found, fewer) = sizes(shrinking, &sphere);
        assert_eq!(sizes_found, [20, 18, 17, 15, 14, 12, 10, 9, 7, 6, 4], "{replacement:?}");
        let all = sizes(fixed.clone(), &sphere).1;
        assert!(fewer < all || replacement == Replacement::Plus { children: 20 }, "{fewer} {all}");
        let growing =
            GaConfig { sizing: Sizing::Growth { max: 70, after: 3, factor: 2.0 }, ..fixed.clone() };
        // Generation 0 is the first best; after 1, 2 and 3 without a better one comes growth.
        let (sizes_found, _) = sizes(growing.clone(), &|_| 1.0);
        assert_eq!(sizes_found, [20, 20, 20, 20, 40, 40, 40, 70, 70, 70, 70], "{replacement:?}");
        // Where every generation has a better candidate, nothing grows.
        let calls = std::cell::Cell::new(0.0);
        let rising = |_: &[f64]| {
            calls.set(calls.get() + 1.0);
            calls.get()
        };
        assert_eq!(sizes(growing, &rising).0, [20; 11]);
    }
}

#[test]
fn growth_brings_in_points_from_the_whole_space() {
    // All start at one point, and nothing else is random: only immigrants can bring another value.
    let start = vec![vec![0.3; 4]; 4];
    let config = GaConfig {
        population: 4,
        mutation_rate: 0.0,
        sizing: Sizing::Growth { max: 64, after: 2, factor: 4.0 },
        ..GaConfig::documents()
    };
    let mut ga = Ga::starting_from(space(), config, Seed(1), &start).unwrap();
    let mut batch = Batch::new(4);
    let mut asked = Vec::new();
    for _ in 0..6 {
        batch.clear();
        ga.ask(&mut batch);
        asked.push(batch.len());
        let mut costs = Costs::new(1);
        batch.points().for_each(|x| costs.push(Cost::feasible(-sphere(x))));
        ga.tell(&mut batch, &mut costs);
    }
    assert_eq!(asked[..4], [4, 0, 0, 12]);
    assert!(asked[4] > 0, "immigrants mate: {asked:?}");
}

#[test]
fn stagnant_searches_of_known_children_end() {
    let still = GaConfig {
        crossover_rate: 0.0,
        mutation_rate: 0.0,
        generations: 1000,
        replacement: Replacement::Plus { children: 10 },
        ..GaConfig::documents()
    };
    let result = Ga::search(space(), still, Seed(2)).unwrap().run(&sphere).unwrap();
    assert_eq!((result.stop, result.evaluations), (StopReason::Converged, 20));
}
