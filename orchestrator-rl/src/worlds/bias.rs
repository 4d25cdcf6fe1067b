//! Where the greatest of several noisy values misleads (Sutton and Barto, 2018, example 6.7).

use orchestrator_core::FastStream;

use crate::environment::{Environment, Step};

/// From the first state, `0`, action 0 (left) leads to the second for nothing and action 1 (right) ends the episode for nothing. In the
/// second, `1`, every action ends it with a reward drawn from a normal distribution of mean −0.1 and deviation 1. Right is best; who takes the
/// greatest of the noisy values for true goes left.
#[derive(Debug, Clone)]
pub struct MaximisationBias {
    actions: usize,
    at: usize,
}

impl MaximisationBias {
    /// The first state.
    pub const START: usize = 0;
    /// The action that leads to the noisy rewards.
    pub const LEFT: usize = 0;
    /// What a noisy reward is in the mean.
    pub const MEAN: f64 = -0.1;

    /// With so many noisy actions, at least 2.
    pub fn new(actions: usize) -> MaximisationBias {
        MaximisationBias { actions: actions.max(2), at: Self::START }
    }
}

impl Environment for MaximisationBias {
    type State = usize;

    fn actions(&self) -> usize {
        self.actions
    }

    fn available(&self, state: &usize) -> usize {
        if *state == Self::START { 2 } else { self.actions }
    }

    fn reset(&mut self, _: &mut FastStream) -> usize {
        self.at = Self::START;
        self.at
    }

    fn step(&mut self, action: usize, stream: &mut FastStream) -> Step<usize> {
        match (self.at, action) {
            (Self::START, Self::LEFT) => {
                self.at = 1;
                Step { next: 1, reward: 0.0, terminal: false }
            }
            (Self::START, _) => Step { next: Self::START, reward: 0.0, terminal: true },
            _ => Step { next: 1, reward: Self::MEAN + stream.normal(), terminal: true },
        }
    }
}
