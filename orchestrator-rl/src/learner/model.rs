//! What was seen to come of each state and action: a model of the world, by counting.

use orchestrator_core::FastStream;
use serde::{Deserialize, Serialize};

/// Stands for the end of an episode, in place of a state's number.
pub(super) const END: u32 = u32::MAX;

/// What came of a pair of state and action.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Pair {
    pub(super) visits: u64,
    pub(super) outcomes: Vec<Outcome>,
}

/// Where a pair led, how often, and what was paid on the way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// The number of a state, or [`END`].
    pub(super) next: u32,
    pub(super) count: u64,
    /// The mean of the rewards.
    pub(super) reward: f64,
    /// The sum of their squared differences from it.
    pub(super) spread: f64,
}

/// Pairs by state · actions + action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Model {
    actions: usize,
    pairs: Vec<Pair>,
}

impl Model {
    pub(super) fn new(actions: usize) -> Model {
        Model { actions, pairs: Vec::new() }
    }

    #[cold]
    pub(super) fn grow(&mut self, states: usize) {
        self.pairs.resize_with(states * self.actions, Pair::default);
    }

    pub(super) fn states(&self) -> usize {
        self.pairs.len() / self.actions
    }

    pub(super) fn pair(&self, state: usize, action: usize) -> &Pair {
        &self.pairs[state * self.actions + action]
    }

    /// Counts a step, and says whether it led where none of this pair had led before.
    pub(super) fn record(&mut self, state: usize, action: usize, reward: f64, next: u32) -> bool {
        let pair = &mut self.pairs[state * self.actions + action];
        pair.visits += 1;
        match pair.outcomes.iter_mut().find(|outcome| outcome.next == next) {
            Some(outcome) => {
                // Welford, "Note on a method for calculating corrected sums of squares and products", 1962.
                outcome.count += 1;
                let apart = reward - outcome.reward;
                outcome.reward += apart / outcome.count as f64;
                outcome.spread += apart * (reward - outcome.reward);
                false
            }
            None => {
                pair.outcomes.push(Outcome { next, count: 1, reward, spread: 0.0 });
                true
            }
        }
    }

    /// One of the outcomes of a pair that was visited, by their counts.
    pub(super) fn drawn(&self, state: usize, action: usize, stream: &mut FastStream) -> Outcome {
        let pair = self.pair(state, action);
        if let [only] = pair.outcomes[..] {
            return only;
        }
        let mut left = stream.below(pair.visits as usize) as u64;
        let drawn = pair.outcomes.iter().find(|outcome| {
            let here = left < outcome.count;
            left = left.saturating_sub(outcome.count);
            here
        });
        *drawn.expect("the counts of the outcomes sum to the visits")
    }

    pub(super) fn fits(&self, states: usize, actions: usize) -> bool {
        let sound = |pair: &Pair| {
            let counted = pair.outcomes.iter().try_fold(0_u64, |sum, outcome| {
                let inside = outcome.next == END || (outcome.next as usize) < self.states();
                let finite = outcome.reward.is_finite() && outcome.spread.is_finite();
                if inside && finite && outcome.count > 0 {
                    sum.checked_add(outcome.count)
                } else {
                    None
                }
            });
            counted == Some(pair.visits)
        };
        self.actions == actions
            && self.pairs.len().is_multiple_of(actions)
            && self.states() <= states
            && self.pairs.iter().all(sound)
    }
}
