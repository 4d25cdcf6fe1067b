//! The form in which tables are written down, and the checks when they are read.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ACTIONS_MAX, Cell, QTable};
use crate::error::RlError;
use crate::index::{Dense, Hashed, StateIndex};

/// The format that this version writes and reads.
const VERSION: u32 = 1;

/// A table as it is written down: a list, because a state need not be a text.
#[derive(Serialize, Deserialize)]
struct SavedTable<S> {
    version: u32,
    actions: usize,
    /// Of a dense table, how many states there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    states: Option<usize>,
    #[serde(default, skip_serializing_if = "is_zero")]
    initial: f64,
    /// States with fewer actions than others.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    narrow: Vec<(S, usize)>,
    entries: Vec<SavedEntry<S>>,
}

#[derive(Serialize, Deserialize)]
struct SavedEntry<S> {
    state: S,
    action: usize,
    value: f64,
    visits: u64,
}

fn is_zero(initial: &f64) -> bool {
    *initial == 0.0
}

/// The kinds of index that are known when a table is read.
pub trait SavedIndex: StateIndex {
    /// How many states are known beforehand, if that is so.
    fn known(&self) -> Option<usize>;

    /// An empty index for so many states known beforehand.
    ///
    /// # Errors
    /// When the kind of index asks for a number and there is none, or the other way round.
    fn empty(known: Option<usize>) -> Result<Self, RlError>;
}

impl SavedIndex for Dense {
    fn known(&self) -> Option<usize> {
        Some(self.len())
    }

    fn empty(known: Option<usize>) -> Result<Dense, RlError> {
        /// A saved table says itself how long it is; this keeps a damaged one from asking for all memory.
        const SAVED_STATES_MAX: usize = 1 << 24;
        match known {
            Some(states) if states <= SAVED_STATES_MAX => Dense::new(states),
            _ => Err(RlError::Damaged { what: "the number of states" }),
        }
    }
}

impl<S: Clone + Eq + std::hash::Hash + std::fmt::Debug> SavedIndex for Hashed<S> {
    fn known(&self) -> Option<usize> {
        None
    }

    fn empty(known: Option<usize>) -> Result<Hashed<S>, RlError> {
        match known {
            None => Ok(Hashed::default()),
            Some(_) => Err(RlError::Damaged { what: "a number of states in a hashed table" }),
        }
    }
}

impl<X: SavedIndex> Serialize for QTable<X>
where
    X::State: Serialize,
{
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        let mut entries = Vec::with_capacity(self.len());
        let mut narrow = Vec::new();
        for number in 0..self.values.states() {
            let state = || self.index.state(number);
            let row = self.values.row(number);
            if row.len() < self.actions() {
                narrow.push((state(), row.len()));
            }
            let known = row.iter().enumerate().filter(|(_, cell)| cell.visits > 0);
            entries.extend(known.map(|(action, cell)| SavedEntry {
                state: state(),
                action,
                value: cell.value,
                visits: cell.visits,
            }));
        }
        let saved = SavedTable {
            version: VERSION,
            actions: self.actions(),
            states: self.index.known(),
            initial: self.initial(),
            narrow,
            entries,
        };
        saved.serialize(serializer)
    }
}

impl<'de, X: SavedIndex> Deserialize<'de> for QTable<X>
where
    X::State: Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let saved = SavedTable::deserialize(deserializer)?;
        checked(saved).map_err(serde::de::Error::custom)
    }
}

fn checked<X: SavedIndex>(saved: SavedTable<X::State>) -> Result<QTable<X>, RlError> {
    if saved.version != VERSION {
        return Err(RlError::Version { found: saved.version, known: VERSION });
    }
    let damaged = |what| Err(RlError::Damaged { what });
    if saved.actions == 0 || saved.actions > ACTIONS_MAX {
        return damaged("the number of actions");
    }
    if !saved.initial.is_finite() {
        return damaged("the initial value");
    }
    let mut table =
        QTable::over(X::empty(saved.states)?, saved.actions).with_initial(saved.initial);
    for (state, width) in saved.narrow {
        if width == 0 || width > saved.actions {
            return damaged("the number of actions of a state");
        }
        let number = table.intern(&state)?;
        table.values.narrow(number, width);
    }
    for SavedEntry { state, action, value, visits } in saved.entries {
        if action >= saved.actions || visits == 0 || !value.is_finite() {
            return damaged("an entry has no such action, no visit, or no finite value");
        }
        let number = table.intern(&state)?;
        if action >= table.values.width(number) {
            return damaged("an entry has no such action, no visit, or no finite value");
        }
        let cell = table.values.cell_mut(number, action);
        if cell.visits > 0 {
            return damaged("an entry occurs twice");
        }
        *cell = Cell { value, visits };
    }
    Ok(table)
}
