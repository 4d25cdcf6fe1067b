//! Monte Carlo control: a value is moved towards the return of the whole episode (Sutton and Barto, 2018, section 5.4).

use serde::{Deserialize, Serialize};

use super::{Rule, Seen};
use crate::method::Visit;
use crate::table::Values;

/// The steps of this episode; there are no more than an episode may have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct MonteCarlo {
    visit: Visit,
    steps: Vec<Taken>,
    /// State, action, and at which step both came first, in order; empty but while returns are learned, kept for its memory.
    #[serde(skip)]
    first: Vec<(usize, usize, usize)>,
    /// Whether the last step was the end; an episode that was cut off has no return.
    ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Taken {
    state: usize,
    action: usize,
    reward: f64,
}

impl MonteCarlo {
    pub(super) fn new(visit: Visit) -> MonteCarlo {
        MonteCarlo { visit, steps: Vec::new(), first: Vec::new(), ended: false }
    }

    pub(super) fn learn(
        &mut self,
        values: &mut Values,
        rule: &mut Rule,
        seen: &Seen,
    ) -> Option<f64> {
        if !seen.reward.is_finite() {
            return None;
        }
        let &Seen { state, action, reward, next } = seen;
        self.steps.push(Taken { state, action, reward });
        let ahead = next.map_or(0.0, |next| values.best(next));
        let error = reward + rule.gamma * ahead - values.cell(state, action).value;
        self.ended = next.is_none();
        if self.ended {
            self.end_episode(values, rule);
        }
        Some(error)
    }

    pub(super) fn end_episode(&mut self, values: &mut Values, rule: &mut Rule) {
        if self.ended {
            self.learn_returns(values, rule);
        }
        self.steps.clear();
        self.ended = false;
    }

    fn learn_returns(&mut self, values: &mut Values, rule: &Rule) {
        if self.visit == Visit::First {
            let steps = self.steps.iter().enumerate();
            self.first.extend(steps.map(|(at, step)| (step.state, step.action, at)));
            self.first.sort_unstable();
            self.first.dedup_by_key(|&mut (state, action, _)| (state, action));
        }
        let mut ahead = 0.0;
        for (at, &Taken { state, action, reward }) in self.steps.iter().enumerate().rev() {
            ahead = reward + rule.gamma * ahead;
            if self.visit == Visit::Every || self.first.binary_search(&(state, action, at)).is_ok()
            {
                // A return beyond all numbers teaches nothing.
                let _ = rule.towards(values, &Seen { state, action, reward, next: None }, ahead);
            }
        }
        self.first.clear();
    }

    pub(super) fn fits(&self, within: impl Fn(usize, usize) -> bool) -> bool {
        self.steps.iter().all(|step| within(step.state, step.action) && step.reward.is_finite())
    }
}
