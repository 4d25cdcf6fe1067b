//! Fitness functions made of closures, and of other fitness functions.

use std::fmt;

use orchestrator_core::Seed;

use crate::candidates::{Candidates, Evaluation, Score, Scores};
use crate::fitness::{FitnessError, FitnessFn};

/// The same closure; it lets the compiler infer the argument's type.
pub fn fitness_fn<F: Fn(&[f64]) -> f64>(fitness: F) -> F {
    fitness
}

/// A fitness out of a closure that may fail.
///
/// ```
/// use orchestrator_ga::{FitnessError, fallible};
/// let root = fallible(|x: &[f64], _| match x[0] {
///     x if x < 0.0 => Err(FitnessError::failed("negative")),
///     x => Ok(x.sqrt()),
/// });
/// # let _: &dyn orchestrator_ga::FitnessFn = &root;
/// ```
pub fn fallible<F>(fitness: F) -> Fallible<F>
where
    F: Fn(&[f64], &Evaluation) -> Result<f64, FitnessError>,
{
    Fallible { fitness }
}

/// See [`fallible`].
#[derive(Debug, Clone, Copy)]
pub struct Fallible<F> {
    fitness: F,
}

impl<F> FitnessFn for Fallible<F>
where
    F: Fn(&[f64], &Evaluation) -> Result<f64, FitnessError>,
{
    #[inline]
    fn evaluate(&self, candidate: &[f64], evaluation: &Evaluation) -> Result<f64, FitnessError> {
        (self.fitness)(candidate, evaluation)
    }
}

/// A fitness out of a closure that takes many candidates at once, and gives one value for each, in their order: for what works on
/// whole matrices, or asks a service that charges by the request. A value that is not finite is a failure.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Seed};
/// use orchestrator_ga::{Ga, GaConfig, batch_fn};
///
/// let sphere = batch_fn(|candidates| {
///     let rows = candidates.as_slice().chunks_exact(candidates.dimension());
///     rows.map(|row| -row.iter().map(|x| x * x).sum::<f64>()).collect()
/// });
/// let space = ParameterSpace::uniform(3, -5.0, 5.0)?;
/// assert!(Ga::search(space, GaConfig::documents(), Seed(7))?.run(&sphere)?.final_fitness > -1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn batch_fn<F>(fitness: F) -> BatchFn<F>
where
    F: Fn(&Candidates<'_>) -> Vec<f64>,
{
    BatchFn { fitness }
}

/// See [`batch_fn`].
#[derive(Debug, Clone, Copy)]
pub struct BatchFn<F> {
    fitness: F,
}

impl<F> FitnessFn for BatchFn<F>
where
    F: Fn(&Candidates<'_>) -> Vec<f64>,
{
    /// Asks about a batch of one. Searches do not come here.
    fn evaluate(&self, candidate: &[f64], evaluation: &Evaluation) -> Result<f64, FitnessError> {
        let Evaluation { generation, index: first, .. } = *evaluation;
        let dimension = candidate.len().max(1);
        let one = Candidates { points: candidate, dimension, first, generation, seed: Seed(0) };
        match (self.fitness)(&one)[..] {
            [value] => Ok(value),
            ref values => Err(miscounted(values.len(), 1)),
        }
    }

    fn evaluate_batch(&self, candidates: &Candidates<'_>, scores: &mut Scores) {
        let values = (self.fitness)(candidates);
        if values.len() == candidates.len() {
            return values.into_iter().for_each(|value| scores.push(Ok(value)));
        }
        // Nobody knows which value belongs to whom.
        for _ in 0..candidates.len() {
            scores.push(Err::<f64, _>(miscounted(values.len(), candidates.len())));
        }
    }
}

fn miscounted(found: usize, wanted: usize) -> FitnessError {
    FitnessError::failed(format!("{found} values for {wanted} candidates"))
}

/// The same fitness, maximised where a constraint holds. The closure says how far a candidate breaks it: more than 0 when it does, 0 or
/// less when it holds (so `g(x) ≤ 0` is `|x| g(x)`). Several constraints add up, and are best scaled alike.
///
/// Any candidate that breaks none is better than any that breaks some, and among the latter the smaller violation is better (Deb, "An
/// efficient constraint handling method for genetic algorithms", 2000). The fitness of what breaks a constraint is not asked for.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Seed};
/// use orchestrator_ga::{Ga, GaConfig, constrained, fitness_fn};
///
/// // The largest product of two numbers whose sum is at most 1.
/// let fitness = constrained(fitness_fn(|x| x[0] * x[1]), |x| x[0] + x[1] - 1.0);
/// let space = ParameterSpace::uniform(2, 0.0, 1.0)?;
/// let found = Ga::search(space, GaConfig::documents(), Seed(3))?.run(&fitness)?;
/// assert!(found.final_fitness > 0.22 && found.best[0] + found.best[1] <= 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn constrained<F, V: Fn(&[f64]) -> f64>(fitness: F, violation: V) -> Constrained<F, V> {
    Constrained { fitness, violation }
}

/// See [`constrained`].
#[derive(Clone, Copy)]
pub struct Constrained<F, V> {
    pub(crate) fitness: F,
    violation: V,
}

impl<F: fmt::Debug, V> fmt::Debug for Constrained<F, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Constrained").field("fitness", &self.fitness).finish_non_exhaustive()
    }
}

impl<F, V: Fn(&[f64]) -> f64> Constrained<F, V> {
    /// How far this constraint is broken: 0 when it holds, and NaN when that cannot be said.
    pub(crate) fn own_violation(&self, candidate: &[f64]) -> f64 {
        above_zero((self.violation)(candidate))
    }
}

/// What of a violation counts. NaN stays NaN, and is a failure in the end.
pub(crate) fn above_zero(violation: f64) -> f64 {
    if violation <= 0.0 { 0.0 } else { violation }
}

impl<F: FitnessFn, V: Fn(&[f64]) -> f64> FitnessFn for Constrained<F, V> {
    fn evaluate(&self, candidate: &[f64], evaluation: &Evaluation) -> Result<f64, FitnessError> {
        self.fitness.evaluate(candidate, evaluation)
    }

    fn violation(&self, candidate: &[f64]) -> f64 {
        self.own_violation(candidate) + above_zero(self.fitness.violation(candidate))
    }

    fn repair(&self, candidate: &mut [f64]) -> bool {
        self.fitness.repair(candidate)
    }

    /// Hands on neighbours that keep the constraint together, so that a fitness over batches stays one.
    fn evaluate_batch(&self, candidates: &Candidates<'_>, scores: &mut Scores) {
        let mut kept_from = 0;
        for at in 0..candidates.len() {
            let point = candidates.point(at);
            let own = self.own_violation(point);
            if own == 0.0 {
                continue;
            }
            if kept_from < at {
                self.fitness.evaluate_batch(&candidates.part(kept_from..at), scores);
            }
            kept_from = at + 1;
            let all = own + above_zero(self.fitness.violation(point));
            scores.push(Ok(Score::Violation(all)));
        }
        if kept_from < candidates.len() {
            let rest = candidates.part(kept_from..candidates.len());
            self.fitness.evaluate_batch(&rest, scores);
        }
    }
}

/// The same fitness, each candidate moved to where constraints hold before it is evaluated. What leaves the space is moved back to its
/// bounds. The closure must leave what it has moved already where it is.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Seed};
/// use orchestrator_ga::{Ga, GaConfig, fitness_fn, repaired};
///
/// // Shares that make one whole.
/// let fitness = repaired(fitness_fn(|x| -(x[0] - 0.7).abs()), |x| {
///     let sum: f64 = x.iter().sum();
///     if sum != 1.0 {
///         x.iter_mut().for_each(|share| *share /= sum);
///     }
/// });
/// let space = ParameterSpace::uniform(3, 0.01, 1.0)?;
/// let found = Ga::search(space, GaConfig::documents(), Seed(3))?.run(&fitness)?;
/// assert!((found.best.iter().sum::<f64>() - 1.0).abs() < 0.02);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn repaired<F, R: Fn(&mut [f64])>(fitness: F, repair: R) -> Repaired<F, R> {
    Repaired { fitness, repair }
}

/// See [`repaired`].
#[derive(Clone, Copy)]
pub struct Repaired<F, R> {
    pub(crate) fitness: F,
    pub(crate) repair: R,
}

impl<F: fmt::Debug, R> fmt::Debug for Repaired<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repaired").field("fitness", &self.fitness).finish_non_exhaustive()
    }
}

impl<F: FitnessFn, R: Fn(&mut [f64])> FitnessFn for Repaired<F, R> {
    fn evaluate(&self, candidate: &[f64], evaluation: &Evaluation) -> Result<f64, FitnessError> {
        self.fitness.evaluate(candidate, evaluation)
    }

    fn violation(&self, candidate: &[f64]) -> f64 {
        self.fitness.violation(candidate)
    }

    fn repair(&self, candidate: &mut [f64]) -> bool {
        self.fitness.repair(candidate);
        (self.repair)(candidate);
        true
    }

    fn evaluate_batch(&self, candidates: &Candidates<'_>, scores: &mut Scores) {
        self.fitness.evaluate_batch(candidates, scores);
    }
}
