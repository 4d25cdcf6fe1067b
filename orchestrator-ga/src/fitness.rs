//! What is maximised: a function over candidates that may fail.
//!
//! One required method; a closure `Fn(&[f64]) -> f64` is a [`FitnessFn`] as it is. Adapters make one of a closure that returns a
//! `Result` ([`fallible`](crate::fallible)), of one that takes many candidates at once ([`batch_fn`](crate::batch_fn)), and add constraints
//! ([`constrained`](crate::constrained)) or a repair ([`repaired`](crate::repaired)). A fitness does not keep score itself: what it
//! returns is ranked, counted and stored by the search.

use std::sync::Arc;

use orchestrator_core::ParameterError;

use crate::candidates::{Candidates, Evaluation, Score, Scores};

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
    /// A violation must be a finite number.
    #[error("the violation is {value}, not a finite number")]
    Violation {
        /// What was answered.
        value: f64,
    },
    /// There was no answer in time: allow more, or let the worker give up earlier.
    #[error("the fitness gave no answer within {after_ms} ms")]
    TimedOut {
        /// How long it was waited for.
        after_ms: u64,
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
/// A panic inside is not caught: it unwinds through [`Search::step`](crate::Search::step), and leaves the search as it was before that
/// call, so that a host that catches it can save the search, or mend the fitness and go on.
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

    /// How far the candidate breaks the constraints: more than 0 when it does, 0 or less when all hold. A candidate that breaks some is
    /// ranked by this alone, behind all that break none, and its fitness is not asked for.
    #[inline]
    fn violation(&self, _candidate: &[f64]) -> f64 {
        0.0
    }

    /// Moves the candidate to where the constraints hold, before it is evaluated, and says whether it moved it; by default it stays.
    /// What was moved out of the space is then moved back to its bounds. It may be called again for what it has moved already, and must
    /// leave that where it is.
    #[inline]
    fn repair(&self, _candidate: &mut [f64]) -> bool {
        false
    }

    /// Adds a score for each of the candidates, in their order. By default each is asked for its violation, and then for its fitness if
    /// there is none. Overridden by who is faster on many points at once, or evaluates them on several threads; a candidate's
    /// score must not depend on the others, since a budget may cut a generation anywhere.
    #[inline]
    fn evaluate_batch(&self, candidates: &Candidates<'_>, scores: &mut Scores) {
        for candidate in candidates.iter() {
            let violation = self.violation(candidate.point);
            scores.push(if violation <= 0.0 {
                self.evaluate(candidate.point, &candidate.evaluation).map(Score::Fitness)
            } else {
                Ok(Score::Violation(violation))
            });
        }
    }
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
    fn repair(&self, candidate: &mut [f64]) -> bool {
        (**self).repair(candidate)
    }
    fn evaluate_batch(&self, candidates: &Candidates<'_>, scores: &mut Scores) {
        (**self).evaluate_batch(candidates, scores);
    }
}
