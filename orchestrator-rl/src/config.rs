//! The settings of Q-learning: a plain struct whose default is the documents' preset, checked when a training is made.

use serde::{Deserialize, Serialize};

use crate::error::{RlError, check_ranges};

/// The most episodes that a training keeps a history of.
pub const EPISODES_MAX: u32 = 1_000_000;
/// The most steps of an episode.
pub const STEPS_MAX: u32 = 1_000_000;
/// How many episodes in a row must have small errors before the values count as converged: at the documents' exploration a
/// shorter calm is often chance.
pub const CONVERGENCE_WINDOW: usize = 15;

/// The settings of Q-learning, named as Sutton and Barto name them. [`Training::new`](crate::Training::new) checks them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QConfig {
    /// How far a value moves towards what was just seen, in (0, 1]. The documents say 0.1.
    pub alpha: f64,
    /// What a reward of the next step is worth now, in [0, 1]. The documents say 0.95.
    pub gamma: f64,
    /// The probability of a random action, in [0, 1]. The documents say 0.2.
    pub epsilon: f64,
    /// A training never ends before so many episodes, at least 1. The documents say 5.
    pub episodes_min: u32,
    /// It goes on to so many while it has not converged. The documents say 100.
    pub episodes_max: u32,
    /// The most steps of an episode, at least 1. The documents say 3.
    pub steps: u32,
    /// The values have converged when the mean error of the last [`CONVERGENCE_WINDOW`] episodes is at most this share of the
    /// greatest reward met. `None` never ends early: where rewards are rare, small errors may mean that none was met.
    pub converged_td: Option<f64>,
}

impl QConfig {
    /// The documents' preset: α 0.1, γ 0.95, ε 0.2, 5 to 100 episodes of 3 steps.
    pub fn documents() -> QConfig {
        QConfig {
            alpha: 0.1,
            gamma: 0.95,
            epsilon: 0.2,
            episodes_min: 5,
            episodes_max: 100,
            steps: 3,
            converged_td: Some(0.02),
        }
    }

    /// Whether one can learn with these settings.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), RlError> {
        check_ranges(&[
            ("alpha", self.alpha, f64::MIN_POSITIVE, 1.0),
            ("gamma", self.gamma, 0.0, 1.0),
            ("epsilon", self.epsilon, 0.0, 1.0),
            ("episodes_max", f64::from(self.episodes_max), 1.0, f64::from(EPISODES_MAX)),
            ("episodes_min", f64::from(self.episodes_min), 1.0, f64::from(self.episodes_max)),
            ("steps", f64::from(self.steps), 1.0, f64::from(STEPS_MAX)),
            ("converged_td", self.converged_td.unwrap_or(0.0), 0.0, 1.0),
        ])
    }
}

impl Default for QConfig {
    fn default() -> Self {
        QConfig::documents()
    }
}
