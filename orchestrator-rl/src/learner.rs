//! Q-learning as two pure steps (Watkins, "Learning from delayed rewards", 1989): choose an action, learn from what came of it.
//!
//! Neither calls an environment. Equal values are told apart at random, from the caller's stream.

use orchestrator_core::Stream;

use crate::error::RlError;
use crate::table::QTable;

/// Why an action was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motive {
    /// It has the greatest value, or one of equal greatest values.
    Greedy,
    /// It was drawn among all actions, to explore.
    Exploring,
}

/// An action, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The action.
    pub action: usize,
    /// Why.
    pub motive: Motive,
}

/// The rule by which values are learned and actions chosen. It holds no values; those are in a [`QTable`].
///
/// ```
/// use orchestrator_core::Seed;
/// use orchestrator_rl::{QLearning, QTable};
///
/// let rule = QLearning { alpha: 0.5, gamma: 0.9, epsilon: 0.0 };
/// let mut table = QTable::new(2);
/// rule.learn(&mut table, &"start", 1, 1.0, None)?; // that was the end
/// assert_eq!(table.value(&"start", 1), 0.5);
/// assert_eq!(rule.choose(&table, &"start", &mut Seed(1).stream()).action, 1);
/// # Ok::<(), orchestrator_rl::RlError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QLearning {
    /// How far a value moves towards what was just seen.
    pub alpha: f64,
    /// What a reward of the next step is worth now.
    pub gamma: f64,
    /// The probability of a random action.
    pub epsilon: f64,
}

impl QLearning {
    /// An action for a state, ε-greedy: a random one with probability ε, else one of the greatest value.
    pub fn choose<S: Ord + Clone>(
        &self,
        table: &QTable<S>,
        state: &S,
        stream: &mut Stream,
    ) -> Choice {
        if stream.chance(self.epsilon) {
            return Choice { action: stream.below(table.actions()), motive: Motive::Exploring };
        }
        let best = table.greedy(state);
        Choice { action: best[stream.below(best.len())], motive: Motive::Greedy }
    }

    /// Q(s, a) ← Q(s, a) + α [r + γ max Q(s′, a′) − Q(s, a)], and returns the bracket, the temporal difference error. `next` is
    /// s′; `None` where the episode has ended, which is worth nothing more.
    ///
    /// # Errors
    /// When there is no such action, or the value would not be finite. Nothing is learned then.
    pub fn learn<S: Ord + Clone>(
        &self,
        table: &mut QTable<S>,
        state: &S,
        action: usize,
        reward: f64,
        next: Option<&S>,
    ) -> Result<f64, RlError> {
        if action >= table.actions() {
            return Err(RlError::NoAction { action, count: table.actions() });
        }
        let ahead = next.map_or(0.0, |next| table.best_value(next));
        let old = table.value(state, action);
        let error = reward + self.gamma * ahead - old;
        let value = old + self.alpha * error;
        if !(error.is_finite() && value.is_finite()) {
            return Err(RlError::Reward { action, reward });
        }
        table.record(state, action, value);
        Ok(error)
    }
}
