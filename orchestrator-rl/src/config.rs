//! The settings of a training: a plain struct, checked when a training is made.

use serde::{Deserialize, Serialize};

use crate::error::{RlError, check_ranges};
use crate::explore::Exploration;
use crate::method::Method;
use crate::schedule::Schedule;

/// The most episodes that a training keeps a history of.
pub const EPISODES_MAX: u32 = 1_000_000;
/// The most steps of an episode.
pub const STEPS_MAX: u32 = 1_000_000;
/// How many episodes in a row must have small errors before the values count as converged: at the documents' exploration a
/// shorter calm is often chance.
pub const CONVERGENCE_WINDOW: usize = 15;

/// The settings of a training, named as Sutton and Barto name them. [`Training`](crate::Training) checks them.
///
/// ```
/// use orchestrator_rl::{Exploration, Method, RlConfig, Schedule};
///
/// let double = RlConfig {
///     method: Method::DoubleQ,
///     alpha: Schedule::Visits { scale: 1.0, omega: 0.77, least: 0.0 },
///     exploration: Exploration::Softmax { temperature: 0.5.into() },
///     ..RlConfig::default()
/// };
/// assert!(double.check().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RlConfig {
    /// How values are learned.
    pub method: Method,
    /// How far a value moves towards what was just seen, in (0, 1]. Methods that learn a model and solve it do not use it.
    pub alpha: Schedule,
    /// What a reward of the next step is worth now, in [0, 1].
    pub gamma: f64,
    /// How actions are chosen.
    pub exploration: Exploration,
    /// What is not known is worth this: 0, or more than can be had for an optimistic start.
    pub initial: f64,
    /// A training never ends before so many episodes, at least 1.
    pub episodes_min: u32,
    /// It goes on to so many while it has not converged.
    pub episodes_max: u32,
    /// The most steps of an episode, at least 1. One that is cut off here is not over: its last state is worth what it is worth.
    pub steps: u32,
    /// The values have converged when the mean error of the last [`CONVERGENCE_WINDOW`] episodes is at most this share of the
    /// greatest reward met. `None` never ends early: where rewards are rare, small errors may mean that none was met.
    pub converged_td: Option<f64>,
}

impl RlConfig {
    /// The documents' preset: Q-learning with α 0.1, γ 0.95, ε 0.2, 5 to 100 episodes of 3 steps.
    pub fn documents() -> RlConfig {
        RlConfig {
            method: Method::QLearning,
            alpha: Schedule::Constant(0.1),
            gamma: 0.95,
            exploration: Exploration::epsilon(0.2),
            initial: 0.0,
            episodes_min: 5,
            episodes_max: 100,
            steps: 3,
            converged_td: Some(0.02),
        }
    }

    /// A learner without a model, with a constant step size and ε-greedy exploration: how the textbook compares them. Episodes are as in
    /// the default.
    pub fn textbook(method: Method, alpha: f64, epsilon: f64, gamma: f64) -> RlConfig {
        RlConfig {
            method,
            alpha: Schedule::Constant(alpha),
            gamma,
            exploration: Exploration::epsilon(epsilon),
            ..RlConfig::default()
        }
    }

    /// Whether one can learn with these settings.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), RlError> {
        self.alpha.check("alpha", f64::MIN_POSITIVE, 1.0)?;
        self.exploration.check()?;
        self.method.check()?;
        check_ranges(&[
            ("gamma", self.gamma, 0.0, 1.0),
            ("initial", self.initial, f64::MIN, f64::MAX),
            ("episodes_max", f64::from(self.episodes_max), 1.0, f64::from(EPISODES_MAX)),
            ("episodes_min", f64::from(self.episodes_min), 1.0, f64::from(self.episodes_max)),
            ("steps", f64::from(self.steps), 1.0, f64::from(STEPS_MAX)),
            ("converged_td", self.converged_td.unwrap_or(0.0), 0.0, 1.0),
        ])
    }
}

impl Default for RlConfig {
    /// Prioritized sweeping over a learned model, optimistic where it has seen little: of all methods here the one that needs the
    /// fewest steps and no tuning to the world. γ 0.95; episodes of at most 1,000 steps, long enough to cross a world of as many states.
    fn default() -> Self {
        RlConfig {
            method: Method::default(),
            alpha: Schedule::Constant(0.1),
            gamma: 0.95,
            exploration: Exploration::Greedy,
            initial: 0.0,
            episodes_min: 1,
            episodes_max: EPISODES_MAX,
            steps: 1_000,
            converged_td: None,
        }
    }
}
