//! Forgetting what is worth least.

use serde::{Deserialize, Serialize};

use super::QTable;
use crate::index::StateIndex;

/// How many entries a table keeps from run to run unless the caller says otherwise: a few hundred kilobytes as JSON, within what
/// travels between steps.
pub const TABLE_ENTRIES_MAX: usize = 4096;

/// What [`QTable::prune`] drops.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prune {
    /// Entries visited less often may go.
    pub visits_min: u64,
    /// Entries whose value is nearer to 0 may go.
    pub value_min: f64,
    /// At most so many entries stay.
    pub entries_max: usize,
}

impl Default for Prune {
    /// Drops nothing but what exceeds [`TABLE_ENTRIES_MAX`].
    fn default() -> Self {
        Prune { visits_min: 0, value_min: 0.0, entries_max: TABLE_ENTRIES_MAX }
    }
}

/// What [`QTable::prune`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pruned {
    /// How many entries went.
    pub entries: usize,
    /// How many states went with all their entries.
    pub states: usize,
}

impl<X: StateIndex> QTable<X> {
    /// Drops what is worth least. The greedy actions of every state that stays are the same as before: an entry goes only if
    /// its state chooses alike without it, and what exceeds the bound goes by whole states, the least visited first (of equally
    /// visited ones those met last). A hashed table gives the memory of whole states back; a dense one forgets them.
    pub fn prune(&mut self, rule: &Prune) -> Pruned {
        let (entries, states, initial) = (self.len(), self.known().count(), self.initial());
        for number in 0..self.values.states() {
            let best = self.values.best(number);
            for cell in self.values.row_mut(number).iter_mut().filter(|cell| cell.visits > 0) {
                let slight = cell.visits < rule.visits_min || cell.value.abs() < rule.value_min;
                // Without the entry the value is the initial one: it must be greatest exactly if it was.
                let alike = if cell.value == best { cell.value == initial } else { initial < best };
                if slight && alike {
                    (cell.value, cell.visits) = (initial, 0);
                }
            }
        }
        let mut left = self.len();
        let mut kept: Vec<bool> =
            (0..self.values.states()).map(|number| self.values.is_known(number)).collect();
        if left > rule.entries_max {
            let mut by_visits: Vec<(u64, std::cmp::Reverse<usize>)> = self
                .known()
                .map(|number| (self.values.visits(number), std::cmp::Reverse(number)))
                .collect();
            by_visits.sort_unstable();
            for (_, std::cmp::Reverse(number)) in by_visits {
                if left <= rule.entries_max {
                    break;
                }
                left -= self.values.row(number).iter().filter(|cell| cell.visits > 0).count();
                kept[number] = false;
            }
        }
        let keep = |number: usize| kept[number];
        if self.index.shrinks() {
            self.index = self.index.retain(&keep);
            self.values.retain(&keep);
        } else {
            for number in (0..self.values.states()).filter(|&number| !keep(number)) {
                for cell in self.values.row_mut(number) {
                    (cell.value, cell.visits) = (initial, 0);
                }
            }
        }
        Pruned { entries: entries - left, states: states - self.known().count() }
    }
}
