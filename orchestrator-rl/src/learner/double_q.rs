//! Double Q-learning: two tables, of which a coin says which learns; the other one judges what the first thinks best.

use serde::{Deserialize, Serialize};

use super::{Rule, Seen};
use crate::explore::pick;
use crate::table::Values;

/// Both tables, by pairs; what is shown is their mean.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct DoubleQ {
    tables: [Vec<f64>; 2],
    /// How often each pair of each table was learned.
    visits: [Vec<u64>; 2],
}

impl DoubleQ {
    pub(super) fn learn(
        &mut self,
        values: &mut Values,
        rule: &mut Rule,
        seen: &Seen,
    ) -> Option<f64> {
        let actions = values.actions();
        let known = self.tables[0].len() / actions;
        if known < values.states() {
            self.grow(values, known);
        }
        let learns = usize::from(rule.stream.chance(0.5));
        let (own, other) = (&self.tables[learns], &self.tables[1 - learns]);
        let ahead = seen.next.map_or(0.0, |next| {
            let row = next * actions;
            let best = pick(values.width(next), |action| own[row + action], &mut rule.stream);
            other[row + best]
        });
        let pair = seen.state * actions + seen.action;
        let error = seen.reward + rule.gamma * ahead - own[pair];
        let visits = self.visits[learns][pair] + 1;
        let value = own[pair] + rule.alpha.at(rule.clock, visits) * error;
        if !value.is_finite() {
            return None;
        }
        self.tables[learns][pair] = value;
        self.visits[learns][pair] = visits;
        let cell = values.cell_mut(seen.state, seen.action);
        cell.value = 0.5 * (self.tables[0][pair] + self.tables[1][pair]);
        cell.visits += 1;
        Some(error)
    }

    /// New states begin with what is shown of them, in both tables.
    #[cold]
    fn grow(&mut self, values: &Values, known: usize) {
        for state in known..values.states() {
            for action in 0..values.actions() {
                let cell = values.cell(state, action);
                self.tables.iter_mut().for_each(|table| table.push(cell.value));
                self.visits.iter_mut().for_each(|visits| visits.push(cell.visits / 2));
            }
        }
    }

    pub(super) fn fits(&self, pairs: usize) -> bool {
        let count = self.tables[0].len();
        let lengths = [self.tables[1].len(), self.visits[0].len(), self.visits[1].len()];
        count <= pairs && lengths == [count; 3]
    }
}
