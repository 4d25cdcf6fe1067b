//! A table as a world to learn in.

use orchestrator_core::FastStream;

use super::{Outcome, TableMdp};
use crate::environment::{Environment, Step};

/// A walk through a table. Its states are the numbers of the table's.
#[derive(Debug, Clone)]
pub struct TableWalk<'a> {
    mdp: &'a TableMdp,
    at: usize,
}

/// Up to so many outcomes are looked through in order; more are halved.
const LOOKED_THROUGH: usize = 8;

impl<'a> TableWalk<'a> {
    pub(super) fn new(mdp: &'a TableMdp) -> TableWalk<'a> {
        TableWalk { mdp, at: mdp.initial[0].0 }
    }

    /// The same walk, at another state.
    ///
    /// # Panics
    /// When there is no such state.
    #[must_use]
    pub fn at(self, state: usize) -> TableWalk<'a> {
        assert!(state < self.mdp.states, "state {state} of {}", self.mdp.states);
        TableWalk { at: state, ..self }
    }
}

impl Environment for TableWalk<'_> {
    type State = usize;

    fn actions(&self) -> usize {
        self.mdp.actions
    }

    fn reset(&mut self, stream: &mut FastStream) -> usize {
        let initial = &self.mdp.initial;
        let drawn = match initial.len() {
            1 => 0,
            _ => {
                let unit = stream.unit();
                initial.partition_point(|&(.., cumulative)| cumulative <= unit)
            }
        };
        self.at = initial[drawn].0;
        self.at
    }

    #[inline]
    fn step(&mut self, action: usize, stream: &mut FastStream) -> Step<usize> {
        let outcome = drawn(self.mdp.outcomes(self.at, action), stream);
        self.at = outcome.next as usize;
        Step { next: self.at, reward: outcome.reward, terminal: outcome.terminal }
    }
}

#[inline]
fn drawn<'a>(outcomes: &'a [Outcome], stream: &mut FastStream) -> &'a Outcome {
    if let [only] = outcomes {
        return only;
    }
    let unit = stream.unit();
    // The last one's is 1, and a unit is below it.
    let at = if outcomes.len() <= LOOKED_THROUGH {
        outcomes[..outcomes.len() - 1]
            .iter()
            .take_while(|outcome| outcome.cumulative <= unit)
            .count()
    } else {
        outcomes.partition_point(|outcome| outcome.cumulative <= unit)
    };
    &outcomes[at]
}
