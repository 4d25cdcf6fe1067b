//! The two shortest ways from a function to its best point.

use orchestrator_core::{ParameterSpace, Seed};

use super::Auto;
use crate::candidates::{Candidates, Evaluation, Scores};
use crate::error::GaError;
use crate::fitness::{FitnessError, FitnessFn};
use crate::outcome::SearchResult;

/// The best point for a fitness, within so many evaluations. The same seed gives the same point.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Seed};
/// let space = ParameterSpace::uniform(2, -5.0, 5.0)?;
/// let found = orchestrator_ga::maximize(space, 300, Seed(1), &|x: &[f64]| 3.0 - x[0] * x[0] - x[1] * x[1])?;
/// assert!(found.final_fitness > 2.999_999);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`Auto::new`]; and when every evaluation of the first generation fails, or no candidate satisfies the constraints.
pub fn maximize<F: FitnessFn + ?Sized>(
    space: ParameterSpace,
    evaluations: u64,
    seed: Seed,
    fitness: &F,
) -> Result<SearchResult, GaError> {
    Auto::search(space, evaluations, seed)?.run(fitness)
}

/// The point that costs least, within so many evaluations: [`maximize`] with the sign turned. The result speaks of fitness
/// throughout, and a fitness is minus a cost.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Seed};
/// let space = ParameterSpace::uniform(2, -5.0, 5.0)?;
/// let found = orchestrator_ga::minimize(space, 300, Seed(1), &|x: &[f64]| x[0] * x[0] + (x[1] - 1.0).powi(2))?;
/// assert!(-found.final_fitness < 1e-6 && (found.best[1] - 1.0).abs() < 1e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`maximize`].
pub fn minimize<F: FitnessFn + ?Sized>(
    space: ParameterSpace,
    evaluations: u64,
    seed: Seed,
    cost: &F,
) -> Result<SearchResult, GaError> {
    maximize(space, evaluations, seed, &Negated(cost))
}

/// A cost as a fitness.
struct Negated<'a, F: ?Sized>(&'a F);

impl<F: FitnessFn + ?Sized> FitnessFn for Negated<'_, F> {
    fn evaluate(&self, candidate: &[f64], evaluation: &Evaluation) -> Result<f64, FitnessError> {
        self.0.evaluate(candidate, evaluation).map(|cost| -cost)
    }
    fn violation(&self, candidate: &[f64]) -> f64 {
        self.0.violation(candidate)
    }
    fn repair(&self, candidate: &mut [f64]) -> bool {
        self.0.repair(candidate)
    }
    /// What works on batches, or on several threads, still does.
    fn evaluate_batch(&self, candidates: &Candidates<'_>, scores: &mut Scores) {
        let before = scores.len();
        self.0.evaluate_batch(candidates, scores);
        scores.costs.for_each_feasible_row(before, |row| row[0] = -row[0]);
    }
}
