//! The same seed gives the same bytes: in any order of evaluation, on any number of threads, in any number of batches.

mod support;

use std::num::NonZeroUsize;
use std::sync::Arc;

use futures::executor::block_on;
use orchestrator_core::{FastStream, Threads};
use orchestrator_ga::{
    Evaluation, FitnessError, GaConfig, batch_fn, constrained, fallible, on_spawner,
};
use support::{bytes, search, sphere};

/// With chance in it, which is the evaluation's own.
fn noisy(x: &[f64], evaluation: &Evaluation) -> Result<f64, FitnessError> {
    let mut chance: FastStream = evaluation.seed.fast_stream();
    match chance.unit() {
        unlucky if unlucky < 0.05 => Err(FitnessError::failed("bad luck")),
        _ => Ok(sphere(x) + 0.01 * chance.normal()),
    }
}

fn edge(x: &[f64]) -> f64 {
    x[0] + x[1] - 1.2
}

#[test]
fn the_order_of_evaluation_changes_nothing() {
    let mut forward = search(GaConfig::default(), 5);
    forward.run(&fallible(noisy)).unwrap();

    let mut backward = search(GaConfig::default(), 5);
    while !backward.finished() {
        let batch: Vec<_> = backward.ask().collect();
        let mut scores: Vec<_> =
            batch.iter().rev().map(|c| noisy(c.point, &c.evaluation)).collect();
        scores.reverse();
        backward.tell(scores).unwrap();
    }
    assert_eq!(bytes(&forward), bytes(&backward));
    let mut other = search(GaConfig::default(), 6);
    other.run(&fallible(noisy)).unwrap();
    assert_ne!(bytes(&forward), bytes(&other));
}

#[test]
fn a_fitness_over_batches_gives_what_the_plain_one_gives() {
    let mut plain = search(GaConfig::default(), 5);
    plain.run(&sphere).unwrap();
    let mut batched = search(GaConfig::default(), 5);
    let rows = batch_fn(|candidates| {
        candidates.as_slice().chunks_exact(candidates.dimension()).map(sphere).collect()
    });
    batched.run(&rows).unwrap();
    assert_eq!(bytes(&plain), bytes(&batched));
}

#[test]
fn on_the_threads_of_a_spawner_the_bytes_are_those_of_one_thread() {
    let mut alone = search(GaConfig::default(), 5);
    alone.run(&constrained(fallible(noisy), edge)).unwrap();
    for count in [1, 2, 16].map(|count| NonZeroUsize::new(count).unwrap()) {
        let threads = Arc::new(Threads::new(count).unwrap());
        let fitness = on_spawner(constrained(fallible(noisy), edge), threads);
        let mut together = search(GaConfig::default(), 5);
        block_on(together.run_async(&fitness, count)).unwrap();
        assert_eq!(bytes(&alone), bytes(&together), "{count} threads");
    }
}

#[cfg(feature = "rayon")]
#[test]
fn on_1_2_and_16_threads_of_rayon_the_bytes_are_those_of_one_thread() {
    use orchestrator_ga::parallel;
    let mut alone = search(GaConfig::default(), 5);
    alone.run(&constrained(fallible(noisy), edge)).unwrap();
    for count in [1, 2, 16] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
        let inside = parallel(constrained(fallible(noisy), edge));
        let outside = constrained(parallel(fallible(noisy)), edge);
        let mut one = search(GaConfig::default(), 5);
        let mut other = search(GaConfig::default(), 5);
        pool.install(|| one.run(&inside)).unwrap();
        pool.install(|| other.run(&outside)).unwrap();
        assert_eq!(bytes(&alone), bytes(&one), "{count} threads");
        assert_eq!(bytes(&alone), bytes(&other), "{count} threads");
    }
}

#[cfg(feature = "rayon")]
#[test]
fn the_last_of_many_failures_is_the_same_on_any_number_of_threads() {
    use orchestrator_ga::parallel;
    let named = fallible(|_: &[f64], e| Err(FitnessError::failed(format!("number {}", e.index))));
    let alone = search(GaConfig::default(), 5).step(&named).unwrap_err();
    for count in [2, 16] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build().unwrap();
        let mut ga = search(GaConfig::default(), 5);
        assert_eq!(pool.install(|| ga.step(&parallel(named))).unwrap_err(), alone);
    }
}
