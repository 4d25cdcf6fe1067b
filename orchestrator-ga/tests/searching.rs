//! A search finds, keeps its promises about evaluations and bounds, and is the same for the same seed.

use std::cell::Cell;

use orchestrator_core::{ParameterSpace, Parameters, Payload, Seed};
use orchestrator_ga::{
    DocumentFitness, FitnessError, Ga, GaConfig, GaError, Mutation, REGION_SHARE_MIN, Search,
    Selection, Stop, StopReason, fallible, fitness_fn, verify,
};
use proptest::prelude::*;

fn sphere(x: &[f64]) -> f64 {
    -x.iter().map(|v| (v - 0.3).powi(2)).sum::<f64>()
}

fn space() -> ParameterSpace {
    ParameterSpace::uniform(4, -1.0, 1.0).unwrap()
}

fn search(config: GaConfig, seed: u64) -> Search<Ga> {
    Ga::search(space(), config, Seed(seed)).unwrap()
}

fn bytes(ga: &Search<Ga>) -> Payload {
    Payload::of(ga).unwrap()
}

#[test]
fn the_documents_preset_comes_near_the_documents_optimum_on_every_seed() {
    let space = Parameters::space(
        ["complexity", "nulls", "size", "types", "duplicates"],
        ["layer_0", "layer_1", "layer_2"],
    );
    let fitness = DocumentFitness { desired_complexity: 0.7 }.over(&space).unwrap();
    for seed in 0..20 {
        let mut ga = Ga::search(space.clone(), GaConfig::documents(), Seed(seed)).unwrap();
        let result = ga.run(&fitness).unwrap();
        assert!(result.final_fitness > 2.85, "seed {seed}: {}", result.final_fitness);
        assert!(result.final_fitness <= DocumentFitness::OPTIMUM);
        let failed: Vec<_> = verify(&result, &space).into_iter().filter(|c| !c.passed).collect();
        assert!(failed.is_empty(), "seed {seed}: {failed:?}");
        assert_eq!(verify(&result, &space).len(), 5);
    }
}

#[test]
fn the_order_of_evaluation_changes_nothing() {
    let mut forward = search(GaConfig::default(), 5);
    let noisy = fallible(|x: &[f64], e| Ok(sphere(x) + 0.01 * e.seed.stream().normal()));
    forward.run(&noisy).unwrap();

    let mut backward = search(GaConfig::default(), 5);
    while !backward.finished() {
        let batch: Vec<_> = backward.ask().collect();
        let mut scores: Vec<Result<f64, FitnessError>> = batch
            .iter()
            .rev()
            .map(|c| Ok(sphere(c.point) + 0.01 * c.evaluation.seed.stream().normal()))
            .collect();
        scores.reverse();
        backward.tell(scores).unwrap();
    }
    assert_eq!(bytes(&forward), bytes(&backward));
    assert_ne!(bytes(&forward), bytes(&search(GaConfig::default(), 6)));
}

#[test]
fn saved_and_loaded_halfway_a_search_ends_with_the_same_bytes() {
    let config = GaConfig { generations: 20, ..GaConfig::default() };
    let mut whole = search(config.clone(), 9);
    let result = whole.run(&sphere).unwrap();

    let mut first = search(config, 9);
    for _ in 0..10 {
        first.step(&sphere).unwrap();
    }
    let mut second: Search<Ga> = bytes(&first).to().unwrap();
    drop(first);
    assert_eq!(second.run(&sphere).unwrap(), result);
    assert_eq!(bytes(&second), bytes(&whole));
}

#[test]
fn a_saved_search_of_another_version_or_a_damaged_one_is_refused() {
    let text = bytes(&search(GaConfig::default(), 1)).to_string();
    let newer = text.replace("\"version\":2", "\"version\":3");
    let error = Payload::parse(&newer).unwrap().to::<Search<Ga>>().unwrap_err();
    assert!(error.to_string().contains("format 3"), "{error}");
    let torn = text.replace("\"failures\":0", "\"failures\":1");
    let error = Payload::parse(&torn).unwrap().to::<Search<Ga>>().unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
}

#[test]
fn an_unchanged_individual_is_never_evaluated_again() {
    let calls = Cell::new(0_u64);
    let counting = fitness_fn(|x| {
        calls.set(calls.get() + 1);
        sphere(x)
    });
    let still = GaConfig { crossover_rate: 0.0, mutation_rate: 0.0, ..GaConfig::default() };
    let result = search(still, 2).run(&counting).unwrap();
    assert_eq!((calls.get(), result.evaluations), (20, 20));
    assert_eq!(result.fitness_history.len(), 31);

    calls.set(0);
    let result = search(GaConfig::default(), 2).run(&counting).unwrap();
    assert_eq!(calls.get(), result.evaluations);
    assert!(result.evaluations < 20 + 30 * 19, "{}", result.evaluations);
}

#[test]
fn failures_and_nan_rank_last_and_are_counted() {
    let patchy = fallible(|x: &[f64], _| match x[0] {
        a if a < -0.5 => Err(FitnessError::failed("too far left")),
        a if a < 0.0 => Ok(f64::NAN),
        a if a > 0.9 => Ok(f64::INFINITY),
        _ => Ok(sphere(x)),
    });
    let result = search(GaConfig::default(), 3).run(&patchy).unwrap();
    assert!(result.failures > 0);
    assert!((0.0..=0.9).contains(&result.best[0]), "{:?}", result.best);
    assert!(result.final_fitness > -0.1);
}

#[test]
fn a_fitness_that_always_fails_is_an_error_that_can_be_mended() {
    let mut ga = search(GaConfig::default(), 4);
    let before = bytes(&ga);
    let error = ga.step(&fitness_fn(|_| f64::NAN)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "generation 0: all 20 evaluations failed, the last because the fitness is NaN, not a finite number"
    );
    assert_eq!(bytes(&ga), before);
    assert!(ga.run(&sphere).is_ok());
}

#[test]
fn a_wrong_or_late_answer_changes_nothing() {
    let mut ga = search(GaConfig::default(), 4);
    assert_eq!(ga.result().unwrap_err(), GaError::NothingYet);
    let before = bytes(&ga);
    assert_eq!(ga.tell([Ok(1.0)]).unwrap_err(), GaError::Scores { wanted: 20, found: 1 });
    assert_eq!(bytes(&ga), before);
    ga.run(&sphere).unwrap();
    let after = bytes(&ga);
    assert_eq!(ga.ask().len(), 0);
    assert_eq!(ga.tell::<f64>([]).unwrap_err(), GaError::Ended);
    assert_eq!(bytes(&ga), after);
}

#[test]
fn a_warm_start_is_not_lost() {
    let best = vec![0.3; 4];
    let config = GaConfig::default();
    let ga =
        Ga::starting_from(space(), config.clone(), Seed(1), std::slice::from_ref(&best)).unwrap();
    let mut ga = Search::new(ga, Stop::Generations(30)).unwrap();
    let result = ga.run(&sphere).unwrap();
    assert_eq!((&result.best, result.final_fitness), (&best, 0.0));
    assert!(
        verify(&result, ga.space())
            .iter()
            .all(|check| check.name != "fitness improved over generations" || check.passed)
    );

    let outside = [vec![0.0; 4], vec![0.0, 0.0, 7.0, 0.0]];
    let error = Ga::starting_from(space(), config.clone(), Seed(1), &outside).unwrap_err();
    assert_eq!(error.to_string(), "start point 1: parameter \"x2\": 7 is outside [-1, 1]");
    let error = Ga::starting_from(space(), config, Seed(1), &vec![best; 21]).unwrap_err();
    assert_eq!(error, GaError::StartCount { found: 21, population: 20 });
}

#[test]
fn a_search_stops_at_its_target_or_when_it_stagnates() {
    let until = |rule| {
        let ga = Ga::new(space(), GaConfig::default(), Seed(7)).unwrap();
        Search::new(ga, Stop::Generations(30).or(rule)).unwrap()
    };
    let result = until(Stop::Target(-0.05)).run(&sphere).unwrap();
    assert_eq!(result.stop, StopReason::Target);
    assert!(result.fitness_history.len() < 31 && result.final_fitness >= -0.05);

    let result = until(Stop::Stagnation(4)).run(&fitness_fn(|_| 1.0)).unwrap();
    assert_eq!(result.stop, StopReason::Stagnation);
    assert_eq!(result.fitness_history.len(), 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn bounds_are_kept_the_best_is_never_lost_and_the_region_holds_it(
        seed: u64, population in 2..12_usize, mutation in 0.0..1.0_f64, crossover in 0.0..1.0_f64,
    ) {
        let config = GaConfig {
            population, generations: 8, mutation_rate: mutation, crossover_rate: crossover,
            selection: Selection::Tournament { size: 2 },
            mutation: Mutation::Gaussian { step: 0.8, final_step: 0.5 }, ..GaConfig::default()
        };
        let mut ga = search(config, seed);
        while !ga.finished() {
            for candidate in ga.ask() {
                prop_assert!(ga.space().check(candidate.point).is_ok());
            }
            ga.step(&sphere).unwrap();
        }
        let result = ga.result().unwrap();
        prop_assert!(result.fitness_history.windows(2).all(|pair| pair[1] >= pair[0]));
        prop_assert_eq!(result.fitness_history.last(), Some(&result.final_fitness));
        prop_assert_eq!(sphere(&result.best), result.final_fitness);
        prop_assert!(result.region.check(&result.best).is_ok());
        for (part, whole) in result.region.bounds().iter().zip(ga.space().bounds()) {
            prop_assert!(whole.contains(part.min) && whole.contains(part.max));
            prop_assert!(part.width() >= 0.5 * REGION_SHARE_MIN * whole.width() - 1e-12);
        }
    }
}
