//! What is maximised: a function over candidates that may fail.
//!
//! One required method; a closure `Fn(&[f64]) -> f64` is a [`FitnessFn`] as it is, one that returns a `Result` becomes one by
//! [`fallible`]. A fitness does not keep score itself: what it returns is ranked, counted and stored by the search.

use std::sync::Arc;

use orchestrator_core::{ParameterError, Seed};
use serde::{Deserialize, Serialize};

/// What an evaluation found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Score {
    /// All constraints hold, and this is the fitness: the greater, the better.
    Fitness(f64),
    /// The constraints are broken this far (more than 0).
    Violation(f64),
}

impl From<f64> for Score {
    fn from(fitness: f64) -> Score {
        Score::Fitness(fitness)
    }
}

/// Where in a search an evaluation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The generation, counted from 0 (the start population).
    pub generation: u32,
    /// The place of the candidate in its generation.
    pub index: usize,
    /// A seed that belongs to this evaluation alone: a fitness with chance in it draws from here, and stays reproducible.
    pub seed: Seed,
}

/// Why a candidate has no fitness. It ranks last and is counted; the search goes on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitnessError {
    /// The function failed.
    #[error("the fitness failed: {reason}")]
    Failed {
        /// What the function said.
        reason: String,
    },
    /// The function answered with NaN or an infinity, which cannot be ranked or written down.
    #[error("the fitness is {value}, not a finite number")]
    NotFinite {
        /// What the function answered.
        value: f64,
    },
    /// The function needs a weight that the candidate does not have: name it when the space is made.
    #[error("there is no weight {feature:?}")]
    NoWeight {
        /// The feature without a weight.
        feature: String,
    },
    /// A violation must be 0 or more.
    #[error("the violation is {value}, not a number of at least 0")]
    Violation {
        /// What was answered.
        value: f64,
    },
    /// The candidate is no point of the space.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
}

impl FitnessError {
    /// A failure with a reason in words.
    pub fn failed(reason: impl Into<String>) -> FitnessError {
        FitnessError::Failed { reason: reason.into() }
    }
}

/// What is maximised.
///
/// ```
/// use orchestrator_ga::{Evaluation, FitnessError, FitnessFn};
///
/// /// A judge whose patience differs from evaluation to evaluation, reproducibly.
/// struct NoisyPeak { noise: f64 }
///
/// impl FitnessFn for NoisyPeak {
///     fn evaluate(&self, candidate: &[f64], evaluation: &Evaluation) -> Result<f64, FitnessError> {
///         let x = *candidate.first().ok_or_else(|| FitnessError::failed("no parameter"))?;
///         Ok(-x * x + self.noise * evaluation.seed.stream().normal())
///     }
/// }
/// # let _: &dyn FitnessFn = &NoisyPeak { noise: 0.1 };
/// # let _: &dyn FitnessFn = &|x: &[f64]| -x[0];
/// ```
pub trait FitnessFn {
    /// The fitness of a candidate: the greater, the better.
    ///
    /// # Errors
    /// When the candidate has none.
    fn evaluate(&self, candidate: &[f64], evaluation: &Evaluation) -> Result<f64, FitnessError>;

    /// How far the candidate breaks the constraints: 0 when they hold, which they do unless you say otherwise. A candidate that
    /// breaks one is ranked by this alone, behind all that break none, and its fitness is not asked for.
    fn violation(&self, _candidate: &[f64]) -> f64 {
        0.0
    }

    /// Moves the candidate to where the constraints hold, before it is evaluated; by default it stays. What leaves the bounds is
    /// moved back to them.
    fn repair(&self, _candidate: &mut [f64]) {}
}

impl<F: Fn(&[f64]) -> f64 + ?Sized> FitnessFn for F {
    #[inline]
    fn evaluate(&self, candidate: &[f64], _: &Evaluation) -> Result<f64, FitnessError> {
        Ok(self(candidate))
    }
}

impl<T: FitnessFn + ?Sized> FitnessFn for Arc<T> {
    fn evaluate(&self, candidate: &[f64], evaluation: &Evaluation) -> Result<f64, FitnessError> {
        (**self).evaluate(candidate, evaluation)
    }
    fn violation(&self, candidate: &[f64]) -> f64 {
        (**self).violation(candidate)
    }
    fn repair(&self, candidate: &mut [f64]) {
        (**self).repair(candidate);
    }
}

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
    fn evaluate(&self, candidate: &[f64], evaluation: &Evaluation) -> Result<f64, FitnessError> {
        (self.fitness)(candidate, evaluation)
    }
}
