//! `Auto`, and what it chooses from.

use std::cell::Cell;

use orchestrator_core::{Bounds, ParameterSpace, Seed};
use orchestrator_ga::{
    Auto, Candidates, De, DeConfig, GaError, Optimizer, Search, Stop, StopReason, batch_fn,
    constrained, maximize, minimize,
};

/// The shifted functions of the quality table, in ten dimensions.
fn shift(space: &ParameterSpace) -> Vec<f64> {
    let golden = |at: usize| (0.618_033_988_749_894_9 * (at + 1) as f64).fract();
    let bounds = space.bounds().iter().enumerate();
    bounds.map(|(at, b)| b.min + b.width() * (0.2 + 0.6 * golden(at))).collect()
}

fn sphere(z: &[f64]) -> f64 {
    z.iter().map(|z| z * z).sum()
}

fn rosenbrock(z: &[f64]) -> f64 {
    let pair = |w: &[f64]| {
        let (x, y) = (w[0] + 1.0, w[1] + 1.0);
        100.0 * (y - x * x).powi(2) + (1.0 - x).powi(2)
    };
    z.windows(2).map(pair).sum()
}

fn rastrigin(z: &[f64]) -> f64 {
    z.iter().map(|z| 10.0 + z * z - 10.0 * (std::f64::consts::TAU * z).cos()).sum()
}

fn space(dimension: usize) -> ParameterSpace {
    ParameterSpace::uniform(dimension, -5.0, 5.0).unwrap()
}

/// The least cost of a run.
fn least(function: fn(&[f64]) -> f64, dimension: usize, evaluations: u64, seed: u64) -> f64 {
    let space = space(dimension);
    let shift = shift(&space);
    let cost = move |x: &[f64]| {
        let z: Vec<f64> = x.iter().zip(&shift).map(|(x, o)| x - o).collect();
        function(&z)
    };
    -minimize(space, evaluations, Seed(seed), &cost).unwrap().final_fitness
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[test]
fn a_smooth_bowl_is_found_to_rounding_within_forty_evaluations_a_dimension() {
    let costs = (0..5).map(|seed| least(sphere, 5, 200, seed)).collect();
    assert!(median(costs) < 1e-12);
}

#[test]
fn a_curved_valley_is_followed() {
    let costs = (0..3).map(|seed| least(rosenbrock, 3, 400, seed)).collect();
    let median = median(costs);
    assert!(median < 1e-2, "{median}");
}

#[test]
fn a_rugged_bowl_is_left_in_a_good_valley() {
    // A valley of the best has cost 0, its neighbours cost 1.
    let costs = (0..3).map(|seed| least(rastrigin, 4, 800, seed)).collect();
    let median = median(costs);
    assert!(median < 3.0, "{median}");
}

#[test]
fn many_parameters_and_long_rounds_are_searched_too() {
    assert!(least(sphere, 25, 2_500, 1) < 1.0);
    assert!(least(rastrigin, 2, 6_500, 1) < 1e-9);
}

#[test]
fn the_budget_is_used_to_the_last_evaluation_whatever_it_is() {
    for (dimension, evaluations) in [(3, 1), (3, 7), (3, 14), (3, 15), (3, 90), (30, 760), (1, 50)]
    {
        let space = space(dimension);
        let found = maximize(space.clone(), evaluations, Seed(3), &|x: &[f64]| -sphere(x)).unwrap();
        assert_eq!(found.evaluations, evaluations);
        assert!(space.check(&found.best).is_ok());
    }
}

#[test]
fn every_candidate_lies_inside_even_when_the_optimum_is_in_a_corner() {
    let bounds = [("a", -1.0, 2.0), ("still", 0.5, 0.5), ("b", 10.0, 11.0), ("c", -1e6, 1e6)];
    let space = ParameterSpace::new(bounds.map(|(n, min, max)| (n, Bounds { min, max }))).unwrap();
    let mut search = Auto::search(space.clone(), 600, Seed(1)).unwrap();
    while !search.finished() {
        let scores: Vec<_> = search
            .ask()
            .map(|candidate| {
                assert!(space.check(candidate.point).is_ok(), "{:?}", candidate.point);
                Ok(candidate.point[0] + candidate.point[2] + 1e-6 * candidate.point[3])
            })
            .collect();
        search.tell(scores).unwrap();
    }
    let best = search.result().unwrap().best;
    assert!(best[0] > 1.99 && best[2] > 10.99 && best[3] > 0.99e6, "{best:?}");
}

#[test]
fn no_point_is_evaluated_twice_in_a_round() {
    let seen = std::cell::RefCell::new(Vec::<Vec<f64>>::new());
    let fitness = |x: &[f64]| {
        assert!(!seen.borrow().iter().any(|known| known == x), "{x:?} again");
        seen.borrow_mut().push(x.to_vec());
        -rosenbrock(x)
    };
    maximize(space(3), 500, Seed(4), &fitness).unwrap();
    assert_eq!(seen.borrow().len(), 500);
}

#[test]
fn failures_and_constraints_do_not_stop_it() {
    let holds = constrained(
        |x: &[f64]| if x[2] > 4.0 { f64::NAN } else { -sphere(x) },
        |x: &[f64]| (1.0 - x[0]).max(0.0),
    );
    let found = maximize(space(3), 500, Seed(5), &holds).unwrap();
    assert!(found.best[0] >= 1.0 && found.final_fitness > -1.2, "{found:?}");
}

/// Saved and loaded in between, the search gives the same bytes as without.
#[track_caller]
fn goes_on_unchanged<O>(method: O, evaluations: u64, cost: fn(&[f64]) -> f64)
where
    O: Optimizer + Clone + serde::Serialize + serde::de::DeserializeOwned,
{
    let fitness = move |x: &[f64]| -cost(x);
    let mut straight = Search::new(method.clone(), Stop::Evaluations(evaluations)).unwrap();
    let mut broken = Search::new(method, Stop::Evaluations(evaluations)).unwrap();
    let mut steps = 0;
    while !straight.finished() {
        straight.step(&fitness).unwrap();
        broken.step(&fitness).unwrap();
        steps += 1;
        if steps % 17 == 0 {
            let text = serde_json::to_string(&broken).unwrap();
            broken = serde_json::from_str(&text).unwrap();
        }
    }
    assert_eq!(serde_json::to_string(&straight).unwrap(), serde_json::to_string(&broken).unwrap());
}

#[test]
fn a_saved_search_goes_on_as_if_nothing_had_happened() {
    goes_on_unchanged(Auto::new(space(3), 700, Seed(1)).unwrap(), 700, rosenbrock);
    goes_on_unchanged(Auto::new(space(22), 700, Seed(2)).unwrap(), 700, sphere);
    goes_on_unchanged(Auto::new(space(1), 3_600, Seed(3)).unwrap(), 3_600, rastrigin);
    let config = DeConfig::for_budget(3, 900);
    goes_on_unchanged(De::new(space(3), config, Seed(4)).unwrap(), 900, rastrigin);
}

#[test]
fn a_damaged_state_is_refused_and_not_believed() {
    let mut search = Auto::search(space(2), 300, Seed(1)).unwrap();
    (0..20).for_each(|_| search.step(&|x: &[f64]| -sphere(x)).unwrap());
    let good = serde_json::to_value(search.optimizer()).unwrap();
    let refused = |path: &str, value: serde_json::Value| {
        let mut bad = good.clone();
        *bad.pointer_mut(path).unwrap_or_else(|| panic!("no {path} in {good}")) = value;
        let error = serde_json::from_value::<Auto>(bad).unwrap_err().to_string();
        assert!(!error.is_empty());
    };
    assert!(serde_json::from_value::<Auto>(good.clone()).is_ok());
    refused("/evaluations", 0.into());
    refused("/of_models", 1_000_000.into());
    refused("/round", 4_000_000.into());
    refused("/evidence/points/points/0", 1e9.into());
    refused("/stage/modelled/0/config/memory", 0.into());
    refused("/stage/modelled/0/points/points/0", 77.0.into());
}

#[test]
fn a_budget_of_nothing_and_impossible_settings_are_refused() {
    assert!(Auto::new(space(2), 0, Seed(1)).is_err());
    let config = DeConfig { population: 3, ..DeConfig::default() };
    let error = De::new(space(2), config, Seed(1)).unwrap_err();
    assert!(matches!(error, GaError::Setting { setting: "population", .. }), "{error}");
    let config = DeConfig { population_final: 60, ..DeConfig::for_budget(10, 2_500) };
    assert!(De::new(space(10), config, Seed(1)).is_err());
    for evaluations in [0, u64::MAX] {
        let error =
            De::search(space(2), DeConfig::for_budget(2, evaluations), Seed(1)).unwrap_err();
        let named = format!("evaluations is {evaluations}");
        assert!(error.to_string().starts_with(&named) || evaluations > 0, "{error}");
        assert!(error.to_string().len() < 100, "{error}");
    }
}

#[test]
fn whatever_is_not_real_goes_to_the_genetic_algorithm() {
    let space = ParameterSpace::builder()
        .integer("depth", 1, 20)
        .boolean("wide")
        .real("rate", 0.0, 1.0)
        .build()
        .unwrap();
    let fitness = |x: &[f64]| x[1] - (x[0] - 7.0).abs() - (x[2] - 0.25).abs();
    let found = maximize(space, 600, Seed(1), &fitness).unwrap();
    assert_eq!((found.best[0], found.best[1]), (7.0, 1.0));
    assert!(found.final_fitness > 0.95);
}

#[test]
fn a_population_that_has_become_one_point_has_converged() {
    let flat = ParameterSpace::uniform(2, 1.0, 1.0).unwrap();
    let config = DeConfig::for_budget(2, 500);
    let found = De::search(flat, config, Seed(1)).unwrap().run(&|_: &[f64]| 1.0).unwrap();
    assert_eq!(found.stop, StopReason::Converged);
    assert!(found.evaluations <= 20, "{}", found.evaluations);
}

#[test]
fn the_same_seed_gives_the_same_answer_and_another_seed_another() {
    let run = |seed| least(rosenbrock, 3, 150, seed);
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_cost_over_batches_is_asked_by_the_batch() {
    let calls = Cell::new(0);
    let cost = batch_fn(|candidates: &Candidates<'_>| {
        calls.set(calls.get() + 1);
        candidates.iter().map(|candidate| sphere(candidate.point)).collect()
    });
    let found = minimize(space(3), 200, Seed(5), &cost).unwrap();
    assert!(calls.get() < 100, "{} calls", calls.get());
    assert_eq!(found, minimize(space(3), 200, Seed(5), &|x: &[f64]| sphere(x)).unwrap());

    // A constraint cuts the batch; what breaks it has no cost to be turned.
    let halved = |x: &[f64]| 1.0 - x[0];
    let found = minimize(space(3), 200, Seed(5), &constrained(cost, halved)).unwrap();
    let single = constrained(|x: &[f64]| sphere(x), halved);
    assert_eq!(found, minimize(space(3), 200, Seed(5), &single).unwrap());
    assert!(found.infeasible > 0 && (found.final_fitness + 1.0).abs() < 0.1);
}

// A change here changes every result that anybody has recorded.
#[test]
fn golden_values_stay() {
    let fitness = |x: &[f64]| -rosenbrock(x);
    let auto = maximize(space(3), 60, Seed(42), &fitness).unwrap();
    let mut de = De::search(space(3), DeConfig::for_budget(3, 60), Seed(42)).unwrap();
    let de = de.run(&fitness).unwrap();
    assert_eq!([auto.final_fitness, de.final_fitness], GOLDEN);
}

const GOLDEN: [f64; 2] = [-32.33197949966594, -3.638377678130147];
