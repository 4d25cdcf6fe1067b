//! The ways to learn values that there are, as settings.

use serde::{Deserialize, Serialize};

use crate::error::{RlError, check_ranges};

/// The most steps that a return is put together of before it bootstraps.
pub const N_MAX: u32 = 10_000;
/// The most steps of planning after a step.
pub const PLANNING_MAX: u32 = 100_000;

/// How values are learned. All of them are used in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Method {
    /// Towards the best of the next state, whatever is done there (Watkins, "Learning from delayed rewards", 1989).
    QLearning,
    /// Two tables, each judging the other's choice, so that noise does not look like gain (van Hasselt, "Double Q-learning", 2010). What is
    /// shown and chosen by is their mean.
    DoubleQ,
    /// Towards what is really done next (Rummery and Niranjan, "On-line Q-learning using connectionist systems", 1994).
    Sarsa,
    /// Towards the mean of what may be done next (van Seijen and others, "A theoretical and empirical analysis of Expected Sarsa", 2009).
    ExpectedSarsa,
    /// SARSA towards the rewards of `n` steps and what is done then (Sutton and Barto, 2018, section 7.2).
    NStep {
        /// How many, from 1 to [`N_MAX`].
        n: u32,
    },
    /// Q-learning that gives every error to the steps before it as well, as far as they were greedy (Watkins's Q(λ), with traces).
    QLambda {
        /// What is left of a trace after a step, beside γ; in [0, 1].
        lambda: f64,
        /// What a second visit does to a trace.
        trace: Trace,
    },
    /// Towards the return of a whole episode, without bootstrapping. An episode that is cut off teaches nothing of what it would have paid yet.
    MonteCarlo {
        /// Which visits of an episode count.
        visit: Visit,
    },
    /// Q-learning, and after each step `planning` more of them from a learned model (Sutton, "Integrated architectures for learning, planning,
    /// and reacting", 1990). Where an action may lead to several states, the model draws among those seen, by their number.
    DynaQ {
        /// How many, up to [`PLANNING_MAX`].
        planning: u32,
    },
    /// Values by expected backups of a learned model, where they change most first (Moore and Atkeson, "Prioritized sweeping", 1993). Actions
    /// are chosen by values to which what is seldom tried adds a bonus (Azar, Osband and Munos, "Minimax regret bounds for reinforcement
    /// learning", 2017).
    PrioritizedSweeping {
        /// At most so many states are backed up after a step, up to [`PLANNING_MAX`].
        backups: u32,
        /// Changes below this share of the range of values are not passed on, in [0, 1].
        threshold: f64,
        /// How much what is not known yet is hoped for, at least 0; with 0 exploration is left to
        /// [`RlConfig::exploration`](crate::RlConfig::exploration).
        optimism: f64,
    },
}

/// What a second visit within an episode does to an eligibility trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trace {
    /// It adds 1.
    Accumulating,
    /// It sets it to 1 (Singh and Sutton, "Reinforcement learning with replacing eligibility traces", 1996).
    #[default]
    Replacing,
}

/// Which visits of an episode a Monte Carlo method learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visit {
    /// The first of each state and action.
    #[default]
    First,
    /// All.
    Every,
}

impl Method {
    pub(crate) fn check(&self) -> Result<(), RlError> {
        match *self {
            Method::QLearning | Method::DoubleQ | Method::Sarsa | Method::ExpectedSarsa => Ok(()),
            Method::MonteCarlo { .. } => Ok(()),
            Method::NStep { n } => check_ranges(&[("n", f64::from(n), 1.0, f64::from(N_MAX))]),
            Method::QLambda { lambda, .. } => check_ranges(&[("lambda", lambda, 0.0, 1.0)]),
            Method::DynaQ { planning } => {
                check_ranges(&[("planning", f64::from(planning), 0.0, f64::from(PLANNING_MAX))])
            }
            Method::PrioritizedSweeping { backups, threshold, optimism } => check_ranges(&[
                ("backups", f64::from(backups), 0.0, f64::from(PLANNING_MAX)),
                ("threshold", threshold, 0.0, 1.0),
                ("optimism", optimism, 0.0, 1e6),
            ]),
        }
    }
}

impl Default for Method {
    fn default() -> Self {
        Method::PrioritizedSweeping { backups: 20, threshold: 1e-5, optimism: 1.5 }
    }
}
