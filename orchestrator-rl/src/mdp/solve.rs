//! The optimum of a table: value iteration (Bellman, "Dynamic programming", 1957), in place, and then the exact value of what it found.

use super::error::MdpError;
use super::{Policy, TableMdp};

/// The most sweeps over all states.
pub const SWEEPS_MAX: u32 = 100_000;
/// The values are at rest when a sweep changes none by more than this share of the greatest one.
const REST: f64 = 1e-14;
/// Actions whose values differ by no more than this share of the greatest one are equally good: rounding alone tells them apart.
const TIE: f64 = 1e-11;

/// The optimum of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Solution {
    /// What each state is worth.
    pub values: Vec<f64>,
    /// What each action is worth, `actions` of them for each state.
    pub action_values: Vec<f64>,
    /// What an episode is worth from its beginning: the mean over the initial states.
    pub start_value: f64,
    /// How many sweeps it took.
    pub sweeps: u32,
    actions: usize,
}

impl Solution {
    /// The best actions of a state, equal up to rounding.
    ///
    /// # Panics
    /// When there is no such state.
    pub fn best_actions(&self, state: usize) -> Vec<usize> {
        let row = &self.action_values[state * self.actions..][..self.actions];
        let best = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let scale = self.values.iter().fold(0.0_f64, |scale, value| scale.max(value.abs()));
        (0..self.actions).filter(|&action| best - row[action] <= TIE * scale).collect()
    }

    /// The policy that draws evenly among the best actions.
    pub fn policy(&self) -> Policy {
        Policy::of_ties(self.values.len(), self.actions, |state| self.best_actions(state))
            .expect("the actions of a solution are those of its table")
    }
}

impl TableMdp {
    /// What states and actions are worth to who always does the best.
    ///
    /// # Errors
    /// When γ is not within [0, 1], or the values do not come to rest within [`SWEEPS_MAX`] sweeps, as where rewards can be had for ever
    /// at γ 1.
    pub fn solve(&self, gamma: f64) -> Result<Solution, MdpError> {
        check_gamma(gamma)?;
        let mut values = vec![0.0_f64; self.states()];
        let (mut sweeps, mut residual) = (0, f64::INFINITY);
        while residual > 0.0 {
            if sweeps == SWEEPS_MAX {
                return Err(MdpError::Unsettled { sweeps, residual });
            }
            sweeps += 1;
            (residual, values) = self.sweep(values, gamma);
            let scale = values.iter().fold(0.0_f64, |scale, value| scale.max(value.abs()));
            if !scale.is_finite() {
                return Err(MdpError::Unsettled { sweeps, residual });
            }
            if residual <= REST * scale {
                break;
            }
        }
        let pairs = (0..self.states()).flat_map(|s| (0..self.actions()).map(move |a| (s, a)));
        let action_values: Vec<f64> =
            pairs.map(|(state, action)| self.backup(&values, gamma, state, action)).collect();
        let start_value = self.start_value(&values);
        Ok(Solution { values, action_values, start_value, sweeps, actions: self.actions() })
    }

    /// Every state once, each by the newest values of the others.
    fn sweep(&self, mut values: Vec<f64>, gamma: f64) -> (f64, Vec<f64>) {
        let mut residual = 0.0_f64;
        for state in 0..self.states() {
            let backups =
                (0..self.actions()).map(|action| self.backup(&values, gamma, state, action));
            let value = backups.fold(f64::NEG_INFINITY, f64::max);
            residual = residual.max((value - values[state]).abs());
            values[state] = value;
        }
        (residual, values)
    }
}

pub(super) fn check_gamma(gamma: f64) -> Result<(), MdpError> {
    if (0.0..=1.0).contains(&gamma) { Ok(()) } else { Err(MdpError::Gamma { gamma }) }
}
