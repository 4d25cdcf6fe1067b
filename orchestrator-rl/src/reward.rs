//! What a transition is worth.
//!
//! An environment has a reward of its own; a [`RewardFn`] replaces it without touching the environment, and sees both.

use std::sync::Arc;

use orchestrator_core::{ParameterError, ParameterSpace, Parameters};

/// What else is known of a transition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RewardContext {
    /// Which step of its episode it is, counted from 0.
    pub step: u32,
    /// The environment's own reward; in tuning, the change of the objective.
    pub own: f64,
}

/// A step that was taken.
#[derive(Debug, PartialEq)]
pub struct Transition<'a, S: ?Sized> {
    /// Where it began.
    pub state: &'a S,
    /// What was done.
    pub action: usize,
    /// Where it led.
    pub next: &'a S,
    /// Whether that is the end of the episode.
    pub terminal: bool,
    /// What else is known.
    pub context: RewardContext,
}

/// What a transition is worth. A closure over [`Transition`] is one; [`reward_fn`] lets its argument be inferred.
///
/// ```
/// use orchestrator_rl::{RewardFn, Transition};
///
/// /// The environment's own reward, less the price of every step.
/// struct Hurry { price: f64 }
///
/// impl<S: ?Sized> RewardFn<S> for Hurry {
///     fn reward(&self, transition: &Transition<'_, S>) -> f64 {
///         transition.context.own - if transition.terminal { 0.0 } else { self.price }
///     }
/// }
/// # let _: &dyn RewardFn<usize> = &Hurry { price: 0.1 };
/// ```
pub trait RewardFn<S: ?Sized> {
    /// The reward, a finite number.
    fn reward(&self, transition: &Transition<'_, S>) -> f64;
}

impl<S: ?Sized, F: Fn(&Transition<'_, S>) -> f64 + ?Sized> RewardFn<S> for F {
    fn reward(&self, transition: &Transition<'_, S>) -> f64 {
        self(transition)
    }
}

impl<S: ?Sized, T: RewardFn<S> + ?Sized> RewardFn<S> for Arc<T> {
    fn reward(&self, transition: &Transition<'_, S>) -> f64 {
        (**self).reward(transition)
    }
}

/// The same closure; it lets the compiler infer the argument's type.
pub fn reward_fn<S: ?Sized, F: Fn(&Transition<'_, S>) -> f64>(reward: F) -> F {
    reward
}

/// The environment's own reward, as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OwnReward;

impl<S: ?Sized> RewardFn<S> for OwnReward {
    fn reward(&self, transition: &Transition<'_, S>) -> f64 {
        transition.context.own
    }
}

/// The documents' R(params) = (1 − population variance of the weights) + (1 − |temperature − 1|), at the point a step leads to.
///
/// ```
/// use orchestrator_core::Parameters;
/// use orchestrator_rl::DocumentReward;
/// let space = Parameters::space(["a", "b"], ["layer_0"]);
/// let theta = Parameters::from_vector(&space, &[0.5, 0.5, 0.0, 1.25])?;
/// assert_eq!(DocumentReward::of(&theta), 1.75);
/// # Ok::<(), orchestrator_core::ParameterError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentReward {
    space: ParameterSpace,
}

impl DocumentReward {
    /// R over the points of a space of θ.
    ///
    /// # Errors
    /// When the space is none of θ.
    pub fn over(space: &ParameterSpace) -> Result<DocumentReward, ParameterError> {
        Parameters::from_vector(space, &space.middle())?;
        Ok(DocumentReward { space: space.clone() })
    }

    /// R(θ), at most 2.
    pub fn of(theta: &Parameters) -> f64 {
        let count = theta.weights.len().max(1) as f64;
        let mean = theta.weights.values().sum::<f64>() / count;
        let squares = theta.weights.values().map(|weight| (weight - mean).powi(2));
        (1.0 - squares.sum::<f64>() / count) + (1.0 - (theta.temperature - 1.0).abs())
    }
}

impl RewardFn<[f64]> for DocumentReward {
    fn reward(&self, transition: &Transition<'_, [f64]>) -> f64 {
        Parameters::from_vector(&self.space, transition.next)
            .map_or(f64::NAN, |theta| DocumentReward::of(&theta))
    }
}
