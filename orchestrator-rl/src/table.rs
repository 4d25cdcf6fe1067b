//! What was learned: a value and a number of visits for each state and action, in a map that is ordered by state.
//!
//! What was never visited is worth 0. A table outlives its run: it is saved with a version, pruned within a bound, and merged with
//! the tables of other runs.
//!
//! ```
//! use orchestrator_rl::QTable;
//! let (mut here, mut there) = (QTable::new(2), QTable::new(2));
//! here.record(&7_u32, 0, 1.0);
//! there.record(&7, 0, 4.0);
//! there.record(&7, 0, 4.0);
//! here.merge(&there)?;
//! assert_eq!(here.value(&7, 0), 3.0);
//! assert_eq!(here.visits(&7, 0), 3);
//! # Ok::<(), orchestrator_rl::RlError>(())
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::RlError;

/// The format that this version writes and reads.
const VERSION: u32 = 1;

/// How many entries a table keeps from run to run unless the caller says otherwise: a few hundred kilobytes as JSON, within what
/// travels between steps.
pub const TABLE_ENTRIES_MAX: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Entry {
    value: f64,
    visits: u64,
}

/// The learned values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    try_from = "SavedTable<S>",
    into = "SavedTable<S>",
    bound(
        serialize = "S: Ord + Clone + Serialize",
        deserialize = "S: Ord + Clone + Deserialize<'de>"
    )
)]
pub struct QTable<S> {
    actions: usize,
    rows: BTreeMap<S, Vec<Entry>>,
}

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

impl<S: Ord + Clone> QTable<S> {
    /// An empty table over so many actions.
    ///
    /// # Panics
    /// When there is no action: nothing could be chosen.
    pub fn new(actions: usize) -> QTable<S> {
        assert!(actions > 0, "a table needs at least one action");
        QTable { actions, rows: BTreeMap::new() }
    }

    /// How many actions there are.
    pub fn actions(&self) -> usize {
        self.actions
    }

    /// How many pairs of state and action were learned.
    pub fn len(&self) -> usize {
        self.rows.values().map(|row| learned(row)).sum()
    }

    /// Whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The states of which something was learned, in order.
    pub fn states(&self) -> impl Iterator<Item = &S> {
        self.rows.keys()
    }

    /// The value of an action in a state; 0 when it was never visited.
    pub fn value(&self, state: &S, action: usize) -> f64 {
        self.entry(state, action).value
    }

    /// How often an action was learned from in a state.
    pub fn visits(&self, state: &S, action: usize) -> u64 {
        self.entry(state, action).visits
    }

    /// The greatest value in a state.
    pub fn best_value(&self, state: &S) -> f64 {
        self.rows.get(state).map_or(0.0, |row| greatest(row))
    }

    /// The actions of the greatest value in a state, in order; all of them in a state that was never visited.
    pub fn greedy(&self, state: &S) -> Vec<usize> {
        let Some(row) = self.rows.get(state) else {
            return (0..self.actions).collect();
        };
        let best = greatest(row);
        (0..self.actions).filter(|&a| row[a].value == best).collect()
    }

    /// Writes a value down, and counts a visit.
    ///
    /// # Panics
    /// When there is no such action.
    pub fn record(&mut self, state: &S, action: usize, value: f64) {
        assert!(action < self.actions, "action {action} of {}", self.actions);
        let row = match self.rows.get_mut(state) {
            Some(row) => row,
            None => self
                .rows
                .entry(state.clone())
                .or_insert_with(|| vec![Entry::default(); self.actions]),
        };
        row[action].value = value;
        row[action].visits = row[action].visits.saturating_add(1);
    }

    /// Drops what is worth least. The greedy actions of every state that stays are the same as before: an entry goes only if
    /// its state chooses alike without it, and what exceeds the bound goes by whole states, the least visited first.
    pub fn prune(&mut self, rule: &Prune) -> Pruned {
        let (entries, states) = (self.len(), self.rows.len());
        for row in self.rows.values_mut() {
            let best = greatest(row);
            for entry in row.iter_mut().filter(|entry| entry.visits > 0) {
                let slight = entry.visits < rule.visits_min || entry.value.abs() < rule.value_min;
                // Without the entry the value is 0: it must be greatest exactly if it was.
                let alike = if entry.value == best { entry.value == 0.0 } else { 0.0 < best };
                if slight && alike {
                    *entry = Entry::default();
                }
            }
        }
        self.rows.retain(|_, row| learned(row) > 0);
        let mut left = self.len();
        if left > rule.entries_max {
            let mut by_visits: Vec<(u64, S)> =
                self.rows.iter().map(|(state, row)| (visits(row), state.clone())).collect();
            by_visits.sort();
            for (_, state) in by_visits {
                if left <= rule.entries_max {
                    break;
                }
                left -= self.rows.remove(&state).map_or(0, |row| learned(&row));
            }
        }
        Pruned { entries: entries - left, states: states - self.rows.len() }
    }

    /// Takes over what another run learned: each value becomes the mean of both, weighted by their visits.
    ///
    /// # Errors
    /// When the other table has another number of actions. Nothing is changed then.
    pub fn merge(&mut self, other: &QTable<S>) -> Result<(), RlError> {
        if other.actions != self.actions {
            return Err(RlError::Actions { wanted: self.actions, found: other.actions });
        }
        for (state, theirs) in &other.rows {
            let Some(ours) = self.rows.get_mut(state) else {
                self.rows.insert(state.clone(), theirs.clone());
                continue;
            };
            for (a, b) in ours.iter_mut().zip(theirs) {
                let visits = a.visits.saturating_add(b.visits);
                if visits > 0 {
                    let share = b.visits as f64 / (a.visits as f64 + b.visits as f64);
                    a.value = (1.0 - share) * a.value + share * b.value;
                    a.visits = visits;
                }
            }
        }
        Ok(())
    }

    fn entry(&self, state: &S, action: usize) -> Entry {
        let row = self.rows.get(state);
        row.and_then(|row| row.get(action)).copied().unwrap_or_default()
    }
}

fn learned(row: &[Entry]) -> usize {
    row.iter().filter(|entry| entry.visits > 0).count()
}

fn visits(row: &[Entry]) -> u64 {
    row.iter().fold(0, |sum, entry| entry.visits.saturating_add(sum))
}

fn greatest(row: &[Entry]) -> f64 {
    row.iter().map(|entry| entry.value).fold(f64::NEG_INFINITY, f64::max)
}

/// A table as it is written down: a list, because a state need not be a text.
#[derive(Serialize, Deserialize)]
struct SavedTable<S> {
    version: u32,
    actions: usize,
    entries: Vec<SavedEntry<S>>,
}

#[derive(Serialize, Deserialize)]
struct SavedEntry<S> {
    state: S,
    action: usize,
    value: f64,
    visits: u64,
}

impl<S: Ord + Clone> From<QTable<S>> for SavedTable<S> {
    fn from(table: QTable<S>) -> Self {
        let entries = table.rows.iter().flat_map(|(state, row)| {
            let known = row.iter().enumerate().filter(|(_, entry)| entry.visits > 0);
            known.map(|(action, entry)| SavedEntry {
                state: state.clone(),
                action,
                value: entry.value,
                visits: entry.visits,
            })
        });
        SavedTable { version: VERSION, actions: table.actions, entries: entries.collect() }
    }
}

impl<S: Ord + Clone> TryFrom<SavedTable<S>> for QTable<S> {
    type Error = RlError;

    fn try_from(saved: SavedTable<S>) -> Result<Self, RlError> {
        /// A saved table says itself how wide its rows are; this keeps a damaged one from asking for all memory.
        const ACTIONS_MAX: usize = 1 << 16;
        if saved.version != VERSION {
            return Err(RlError::Version { found: saved.version, known: VERSION });
        }
        let damaged = |what| Err(RlError::Damaged { what });
        if saved.actions == 0 || saved.actions > ACTIONS_MAX {
            return damaged("the number of actions");
        }
        let mut table = QTable::new(saved.actions);
        for SavedEntry { state, action, value, visits } in saved.entries {
            if action >= saved.actions || visits == 0 || !value.is_finite() {
                return damaged("an entry has no such action, no visit, or no finite value");
            }
            let row =
                table.rows.entry(state).or_insert_with(|| vec![Entry::default(); saved.actions]);
            if row[action].visits > 0 {
                return damaged("an entry occurs twice");
            }
            row[action] = Entry { value, visits };
        }
        Ok(table)
    }
}
