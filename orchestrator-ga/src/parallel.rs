//! Evaluation on several threads, by rayon (feature `rayon`).
//!
//! A candidate's chance comes from its own seed and its score goes to its own place, so the result is the same on any number of threads.

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::candidates::{Candidates, Evaluation, Scores};
use crate::fitness::{FitnessError, FitnessFn};
use crate::pareto::ObjectivesFn;

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
        in_pieces(candidates, scores, |part, scores| self.fitness.evaluate_batch(part, scores));
    }
}

/// The same objectives, evaluated on the threads of the rayon pool that drives the search, as [`parallel`] does it for a fitness.
pub fn parallel_objectives<F: ObjectivesFn + Sync>(objectives: F) -> ParallelObjectives<F> {
    ParallelObjectives { objectives }
}

/// See [`parallel_objectives`].
#[derive(Debug, Clone, Copy)]
pub struct ParallelObjectives<F> {
    objectives: F,
}

impl<F: ObjectivesFn + Sync> ObjectivesFn for ParallelObjectives<F> {
    fn evaluate(
        &self,
        candidate: &[f64],
        values: &mut [f64],
        evaluation: &Evaluation,
    ) -> Result<(), FitnessError> {
        self.objectives.evaluate(candidate, values, evaluation)
    }

    fn violation(&self, candidate: &[f64]) -> f64 {
        self.objectives.violation(candidate)
    }

    fn repair(&self, candidate: &mut [f64]) -> bool {
        self.objectives.repair(candidate)
    }

    fn evaluate_batch(&self, candidates: &Candidates<'_>, scores: &mut Scores) {
        in_pieces(candidates, scores, |part, scores| self.objectives.evaluate_batch(part, scores));
    }
}

/// Scores the candidates piece by piece on all threads, and puts the pieces together in their order.
fn in_pieces(
    candidates: &Candidates<'_>,
    scores: &mut Scores,
    evaluate: impl Fn(&Candidates<'_>, &mut Scores) + Sync,
) {
    let objectives = scores.costs.objectives();
    let pieces = PIECES_PER_THREAD * rayon::current_num_threads();
    let length = candidates.len().div_ceil(pieces).max(1);
    let parts: Vec<Scores> = (0..candidates.len().div_ceil(length))
        .into_par_iter()
        .map(|piece| {
            let end = candidates.len().min((piece + 1) * length);
            let mut scores = Scores::of(objectives);
            evaluate(&candidates.part(piece * length..end), &mut scores);
            scores
        })
        .collect();
    parts.into_iter().for_each(|part| scores.append(part));
}
