//! What was learned: a value and a number of visits for each state and action.
//!
//! What was never visited is worth the initial value, 0 unless another was asked for. A table outlives its run: it is saved with a version,
//! pruned within a bound, and merged with the tables of other runs.
//!
//! ```
//! use orchestrator_rl::QTable;
//! let (mut here, mut there) = (QTable::hashed(2), QTable::hashed(2));
//! here.record(&7_u32, 0, 1.0)?;
//! there.record(&7, 0, 4.0)?;
//! there.record(&7, 0, 4.0)?;
//! here.merge(&there)?;
//! assert_eq!(here.value(&7, 0), 3.0);
//! assert_eq!(here.visits(&7, 0), 3);
//! # Ok::<(), orchestrator_rl::RlError>(())
//! ```

mod merge;
mod prune;
mod saved;
mod values;

use std::fmt::Debug;
use std::hash::Hash;

use crate::error::{RlError, check_ranges};
use crate::index::{Dense, Hashed, StateIndex};

pub use prune::{Prune, Pruned, TABLE_ENTRIES_MAX};
pub use saved::SavedIndex;
pub(crate) use values::{Cell, Values};

/// A table with a row for each of a known number of states.
pub type DenseTable = QTable<Dense>;
/// A table with a row for each state that was met.
pub type HashedTable<S> = QTable<Hashed<S>>;

/// The most actions of a state.
pub const ACTIONS_MAX: usize = 1 << 16;

/// The learned values.
#[derive(Debug, Clone, PartialEq)]
pub struct QTable<X> {
    pub(crate) index: X,
    pub(crate) values: Values,
}

impl DenseTable {
    /// An empty table over so many states, all known beforehand, and actions.
    ///
    /// # Errors
    /// When there is no state or no action, or more than [`STATES_MAX`](crate::STATES_MAX) or [`ACTIONS_MAX`].
    pub fn dense(states: usize, actions: usize) -> Result<DenseTable, RlError> {
        check_ranges(&[("actions", actions as f64, 1.0, ACTIONS_MAX as f64)])?;
        Ok(QTable::over(Dense::new(states)?, actions))
    }
}

impl<S: Clone + Eq + Hash + Debug> HashedTable<S> {
    /// An empty table over so many actions; states are added as they are met.
    ///
    /// # Panics
    /// When there is no action, for nothing could be chosen, or more than [`ACTIONS_MAX`].
    pub fn hashed(actions: usize) -> HashedTable<S> {
        assert!((1..=ACTIONS_MAX).contains(&actions), "a table needs 1 to {ACTIONS_MAX} actions");
        QTable::over(Hashed::default(), actions)
    }
}

impl<X: StateIndex> QTable<X> {
    /// An empty table over an index.
    pub(crate) fn over(index: X, actions: usize) -> QTable<X> {
        let mut values = Values::new(actions, 0.0);
        values.grow(index.len());
        QTable { index, values }
    }

    /// The same table, what was never visited being worth `initial`: with more than can be had, a greedy agent tries everything
    /// (optimistic start). A value that is no finite number counts as 0.
    #[must_use]
    pub fn with_initial(mut self, initial: f64) -> Self {
        self.values.set_initial(if initial.is_finite() { initial } else { 0.0 });
        self
    }

    /// How many actions there are.
    pub fn actions(&self) -> usize {
        self.values.actions()
    }

    /// What was never visited is worth this.
    pub fn initial(&self) -> f64 {
        self.values.initial()
    }

    /// How many pairs of state and action were learned.
    pub fn len(&self) -> usize {
        self.values.learned()
    }

    /// Whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The states of which something was learned, in the order in which they were met (a dense table: in order).
    pub fn states(&self) -> impl Iterator<Item = X::State> {
        self.known().map(|number| self.index.state(number))
    }

    /// How these states are numbered.
    pub fn index(&self) -> &X {
        &self.index
    }

    /// The value of an action in a state; the initial value when it was never visited.
    pub fn value(&self, state: &X::State, action: usize) -> f64 {
        self.cell(state, action).value
    }

    /// How often an action was learned from in a state.
    pub fn visits(&self, state: &X::State, action: usize) -> u64 {
        self.cell(state, action).visits
    }

    /// The greatest value in a state.
    pub fn best_value(&self, state: &X::State) -> f64 {
        self.index.find(state).map_or(self.initial(), |number| self.values.best(number))
    }

    /// The actions of the greatest value in a state, in order; all of them in a state that was never visited.
    pub fn greedy(&self, state: &X::State) -> Vec<usize> {
        let Some(number) = self.index.find(state) else {
            return (0..self.actions()).collect();
        };
        let (row, best) = (self.values.row(number), self.values.best(number));
        (0..row.len()).filter(|&action| row[action].value == best).collect()
    }

    /// The actions of the greatest value among those that were tried in a state; all actions where none was. Unlike
    /// [`QTable::greedy`] it never prefers what is not known: what to do when learning is over.
    pub fn best_known(&self, state: &X::State) -> Vec<usize> {
        let row = self.index.find(state).map_or(&[][..], |number| self.values.row(number));
        let tried = row.iter().filter(|cell| cell.visits > 0).map(|cell| cell.value);
        match tried.reduce(f64::max) {
            None => self.greedy(state),
            Some(best) => (0..row.len())
                .filter(|&action| row[action].visits > 0 && row[action].value == best)
                .collect(),
        }
    }

    /// Writes a value down, and counts a visit.
    ///
    /// # Errors
    /// When there is no such action, the value is not finite, or there is no number left for the state.
    pub fn record(&mut self, state: &X::State, action: usize, value: f64) -> Result<(), RlError> {
        if action >= self.actions() {
            return Err(RlError::NoAction { action, count: self.actions() });
        }
        if !value.is_finite() {
            return Err(RlError::Reward { action, reward: value });
        }
        let number = self.intern(state)?;
        let cell = self.values.cell_mut(number, action);
        cell.value = value;
        cell.visits = cell.visits.saturating_add(1);
        Ok(())
    }

    /// The number of a state, with a row for it.
    #[inline(always)]
    pub(crate) fn intern(&mut self, state: &X::State) -> Result<usize, RlError> {
        let number = self.index.intern(state)?;
        if !self.values.covers(number) {
            self.values.grow(number + 1);
        }
        Ok(number)
    }

    /// The numbers of the states of which something was learned.
    fn known(&self) -> impl Iterator<Item = usize> {
        (0..self.values.states()).filter(|&number| self.values.is_known(number))
    }

    fn cell(&self, state: &X::State, action: usize) -> Cell {
        let number = self.index.find(state);
        let cell = number.and_then(|number| self.values.row(number).get(action));
        cell.copied().unwrap_or(Cell { value: self.initial(), visits: 0 })
    }
}
