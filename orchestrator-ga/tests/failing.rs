//! A fitness may fail, answer nonsense, or panic: the search counts it, and stays whole.

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};

use orchestrator_ga::{FitnessError, GaConfig, GaError, batch_fn, fallible, fitness_fn};
use support::{bytes, search, sphere};

#[test]
fn failures_and_nan_rank_last_and_are_counted() {
    let patchy = fallible(|x: &[f64], _| match x[0] {
        a if a < -0.5 => Err(FitnessError::failed("too far left")),
        a if a < 0.0 => Ok(f64::NAN),
        a if a > 0.9 => Ok(f64::INFINITY),
        _ => Ok(sphere(x)),
    });
    let mut ga = search(GaConfig::default(), 3);
    let result = ga.run(&patchy).unwrap();
    assert!(result.failures > 0);
    let rows = ga.history().rows();
    assert_eq!(rows.iter().map(|row| row.failures as u64).sum::<u64>(), result.failures);
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
fn after_a_first_success_even_a_generation_of_failures_is_survived() {
    let mut ga = search(GaConfig::default(), 4);
    ga.step(&sphere).unwrap();
    ga.step(&fitness_fn(|_| f64::NAN)).unwrap();
    assert!(ga.result().unwrap().failures > 0);
    ga.run(&sphere).unwrap();
}

#[test]
fn a_panic_unwinds_and_leaves_the_search_as_it_was() {
    let mut ga = search(GaConfig::default(), 4);
    ga.step(&sphere).unwrap();
    let before = bytes(&ga);
    let shaky = fitness_fn(|x| if x[0] > 0.2 { panic!("it broke") } else { sphere(x) });
    let outcome = catch_unwind(AssertUnwindSafe(|| ga.run(&shaky)));
    assert!(outcome.is_err());
    let broken_in = ga.generation();
    assert!(broken_in >= 1);
    // It broke in its second generation, of which nothing was kept.
    assert_eq!(bytes(&ga), before);
    let mut other = search(GaConfig::default(), 4);
    assert_eq!(ga.run(&sphere).unwrap(), other.run(&sphere).unwrap());
}

#[test]
fn a_batch_without_a_value_for_each_candidate_is_a_failure_of_all() {
    let mut ga = search(GaConfig::default(), 4);
    let error = ga.step(&batch_fn(|_| vec![1.0; 3])).unwrap_err();
    assert!(matches!(error, GaError::AllFailed { count: 20, .. }), "{error}");
    assert!(error.to_string().ends_with("3 values for 20 candidates"), "{error}");
}
