//! What is maximised: a function over candidates that may fail.
//!
//! One required method; a closure `Fn(&[f64]) -> f64` is a [`FitnessFn`] as it is, one that returns a `Result` becomes one by
//! [`fallible`]. A fitness does not keep score itself: what it returns is ranked, counted and stored by the search.

use std::sync::Arc;

use orchestrator_core::{ParameterError, Seed};
use serde::{Deserialize, Serialize};

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
}

impl<F: Fn(&[f64]) -> f64 + ?Sized> FitnessFn for F {
    fn evaluate(&self, candidate: &[f64], _: &Evaluation) -> Result<f64, FitnessError> {
        Ok(self(candidate))
    }
}

impl<T: FitnessFn + ?Sized> FitnessFn for Arc<T> {
    fn evaluate(&self, candidate: &[f64], evaluation: &Evaluation) -> Result<f64, FitnessError> {
        (**self).evaluate(candidate, evaluation)
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
