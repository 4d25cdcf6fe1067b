//! Taking over what other runs learned.

use super::{Cell, QTable};
use crate::error::RlError;
use crate::index::StateIndex;

impl<X: StateIndex> QTable<X> {
    /// Takes over what another run learned: each value becomes the mean of both, weighted by their visits. In whatever order tables
    /// are merged, the values are the same up to rounding.
    ///
    /// # Errors
    /// When the other table has another number of actions, or a state that this one cannot have. Nothing is changed then.
    pub fn merge(&mut self, other: &QTable<X>) -> Result<(), RlError> {
        self.transfer(other, |state| Some(state.clone()))
    }

    /// Takes over what was learned elsewhere, where `here` says what its states are here; those that are nothing here are left out.
    /// Several states may become one.
    ///
    /// # Errors
    /// As [`QTable::merge`].
    pub fn transfer<Y: StateIndex>(
        &mut self,
        other: &QTable<Y>,
        here: impl Fn(&Y::State) -> Option<X::State>,
    ) -> Result<(), RlError> {
        if other.actions() != self.actions() {
            return Err(RlError::Actions { wanted: self.actions(), found: other.actions() });
        }
        let mut changed = self.clone();
        for number in other.known() {
            let Some(state) = here(&other.index.state(number)) else {
                continue;
            };
            let ours = changed.intern(&state)?;
            if changed.values.width(ours) != other.values.width(number) {
                let width = changed.values.width(ours).min(other.values.width(number));
                changed.values.narrow(ours, width);
            }
            let theirs = other.values.row(number);
            for (cell, theirs) in changed.values.row_mut(ours).iter_mut().zip(theirs) {
                *cell = mean(*cell, *theirs);
            }
        }
        *self = changed;
        Ok(())
    }
}

fn mean(a: Cell, b: Cell) -> Cell {
    match (a.visits, b.visits) {
        (_, 0) => a,
        (0, _) => b,
        (of_a, of_b) => {
            let share = of_b as f64 / (of_a as f64 + of_b as f64);
            Cell {
                value: (1.0 - share) * a.value + share * b.value,
                visits: of_a.saturating_add(of_b),
            }
        }
    }
}
