//! A policy: how probable each action is in each state.

use super::error::MdpError;

/// Probabilities of actions, a row of them for each state.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    actions: usize,
    probabilities: Vec<f64>,
}

/// As [`crate::mdp::TableMdp::new`] allows for a table.
const SUM_SLACK: f64 = 1e-9;

impl Policy {
    /// The policy that always does `chosen[state]`.
    ///
    /// # Errors
    /// When an action is not below `actions`.
    pub fn of_actions(actions: usize, chosen: &[usize]) -> Result<Policy, MdpError> {
        let mut probabilities = vec![0.0; actions * chosen.len()];
        for (state, &action) in chosen.iter().enumerate() {
            if action >= actions {
                return Err(MdpError::Policy {
                    what: format!("state {state} has action {action} of {actions}"),
                });
            }
            probabilities[state * actions + action] = 1.0;
        }
        Ok(Policy { actions, probabilities })
    }

    /// The policy that draws evenly among `tied(state)`, and among all actions where that is empty: what a learner does that breaks
    /// ties at random.
    ///
    /// # Errors
    /// When an action is not below `actions`.
    pub fn of_ties(
        states: usize,
        actions: usize,
        mut tied: impl FnMut(usize) -> Vec<usize>,
    ) -> Result<Policy, MdpError> {
        let mut probabilities = vec![0.0; actions * states];
        for state in 0..states {
            let mut chosen = tied(state);
            if chosen.is_empty() {
                chosen = (0..actions).collect();
            }
            for &action in &chosen {
                if action >= actions {
                    return Err(MdpError::Policy {
                        what: format!("state {state} has action {action} of {actions}"),
                    });
                }
                probabilities[state * actions + action] = 1.0 / chosen.len() as f64;
            }
        }
        Ok(Policy { actions, probabilities })
    }

    /// The policy of these probabilities, `actions` of them for each state.
    ///
    /// # Errors
    /// When one is no probability, or those of a state do not sum to 1.
    pub fn of_probabilities(actions: usize, probabilities: Vec<f64>) -> Result<Policy, MdpError> {
        if actions == 0 || !probabilities.len().is_multiple_of(actions) {
            return Err(MdpError::Policy {
                what: format!("{} probabilities for {actions} actions", probabilities.len()),
            });
        }
        for (state, row) in probabilities.chunks(actions).enumerate() {
            let sum: f64 = row.iter().sum();
            let sound = row.iter().all(|p| *p >= 0.0) && (sum - 1.0).abs() <= SUM_SLACK;
            if !sound {
                return Err(MdpError::Policy {
                    what: format!("the probabilities {row:?} of state {state} sum to {sum}"),
                });
            }
        }
        Ok(Policy { actions, probabilities })
    }

    /// How many states it is for.
    pub fn states(&self) -> usize {
        self.probabilities.len() / self.actions
    }

    /// How many actions there are.
    pub fn actions(&self) -> usize {
        self.actions
    }

    /// How probable each action is in a state.
    ///
    /// # Panics
    /// When there is no such state.
    pub fn probabilities(&self, state: usize) -> &[f64] {
        &self.probabilities[state * self.actions..][..self.actions]
    }
}
