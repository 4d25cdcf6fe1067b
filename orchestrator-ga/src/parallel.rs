//! Evaluation on several threads, by rayon (feature `rayon`).
//!
//! A candidate's chance comes from its own seed and its score goes to its own place, so the result is the same on any number of threads.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::candidates::{Candidates, Evaluation, Scores};
use crate::fitness::{FitnessError, FitnessFn};

/// Into how many pieces a batch is cut for each thread: some, so that a slow candidate does not keep the others waiting.
const PIECES_PER_THREAD: usize = 4;

/// The same fitness, evaluated on the threads of the rayon pool that drives the search: the global one, or that of `ThreadPool::install`.
/// A panic is handed on to who drives.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Seed};
/// use orchestrator_ga::{Ga, GaConfig, fitness_fn, parallel};
///
/// let slow = fitness_fn(|x| -x.iter().map(|x| x * x).sum::<f64>());
/// let space = ParameterSpace::uniform(3, -5.0, 5.0)?;
/// let search = || Ga::search(space.clone(), GaConfig::documents(), Seed(7));
/// assert_eq!(search()?.run(&parallel(slow))?, search()?.run(&slow)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parallel<F: FitnessFn + Sync>(fitness: F) -> Parallel<F> {
    Parallel { fitness }
}

/// See [`parallel`].
#[derive(Debug, Clone, Copy)]
pub struct Parallel<F> {
    fitness: F,
}

impl<F: FitnessFn + Sync> FitnessFn for Parallel<F> {
    fn evaluate(&self, candidate: &[f64], evaluation: &Evaluation) -> Result<f64, FitnessError> {
        self.fitness.evaluate(candidate, evaluation)
    }

    fn violation(&self, candidate: &[f64]) -> f64 {
        self.fitness.violation(candidate)
    }

    fn repair(&self, candidate: &mut [f64]) -> bool {
        self.fitness.repair(candidate)
    }

    fn evaluate_batch(&self, candidates: &Candidates<'_>, scores: &mut Scores) {
        let pieces = PIECES_PER_THREAD * rayon::current_num_threads();
        let length = candidates.len().div_ceil(pieces).max(1);
        let parts: Vec<Scores> = (0..candidates.len().div_ceil(length))
            .into_par_iter()
            .map(|piece| {
                let end = candidates.len().min((piece + 1) * length);
                let mut scores = Scores::new();
                self.fitness.evaluate_batch(&candidates.part(piece * length..end), &mut scores);
                scores
            })
            .collect();
        parts.into_iter().for_each(|part| scores.append(part));
    }
}
