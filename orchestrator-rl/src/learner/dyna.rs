//! Dyna-Q: learning from what happened, and from what a model says would have happened elsewhere.

use serde::{Deserialize, Serialize};

use super::model::{END, Model};
use super::{Rule, Seen, one_step};
use crate::table::Values;

/// A model, and the pairs that it knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dyna {
    planning: u32,
    model: Model,
    known: Vec<(usize, usize)>,
}

impl Dyna {
    pub(super) fn new(planning: u32, actions: usize) -> Dyna {
        Dyna { planning, model: Model::new(actions), known: Vec::new() }
    }

    pub(super) fn learn(
        &mut self,
        values: &mut Values,
        rule: &mut Rule,
        seen: &Seen,
    ) -> Option<f64> {
        let error = one_step::q_learning(values, rule, seen)?;
        if self.model.states() < values.states() {
            self.model.grow(values.states());
        }
        let next = seen.next.map_or(END, |next| next as u32);
        if self.model.pair(seen.state, seen.action).visits == 0 {
            self.known.push((seen.state, seen.action));
        }
        self.model.record(seen.state, seen.action, seen.reward, next);
        for _ in 0..self.planning {
            let (state, action) = self.known[rule.stream.below(self.known.len())];
            let drawn = self.model.drawn(state, action, &mut rule.stream);
            let next = (drawn.next != END).then_some(drawn.next as usize);
            let cell = values.cell(state, action);
            let ahead = next.map_or(0.0, |next| values.best(next));
            let moved = rule.alpha.at(rule.clock, cell.visits)
                * (drawn.reward + rule.gamma * ahead - cell.value);
            // Imagined visits are not counted.
            if (cell.value + moved).is_finite() {
                values.cell_mut(state, action).value += moved;
            }
        }
        Some(error)
    }

    pub(super) fn fits(&self, states: usize, actions: usize) -> bool {
        let known = |&(state, action): &(usize, usize)| {
            state < self.model.states()
                && action < actions
                && self.model.pair(state, action).visits > 0
        };
        self.model.fits(states, actions) && self.known.iter().all(known)
    }
}
