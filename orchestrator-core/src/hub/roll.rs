//! The roll: which runs are active, and whether any more may begin.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Waker;

use super::cell::RunCell;
use crate::id::RunId;

/// The runs of a hub that have not ended, by name. A name without a run is kept for one that is being loaded.
#[derive(Default)]
pub(super) struct Roll {
    names: BTreeMap<RunId, Option<Arc<RunCell>>>,
    /// Who waits until there is no run, or the hub is closed.
    watchers: BTreeMap<u64, Waker>,
    /// No run may begin.
    pub(super) closing: bool,
    /// No run is driven any more.
    pub(super) closed: bool,
}

/// Why a name was not entered.
pub(super) enum Refused {
    Closing,
    Taken(Option<Arc<RunCell>>),
    Full,
}

impl Roll {
    /// Whether there is no run.
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(super) fn reserve(&mut self, run: &RunId, runs_max: usize) -> Result<(), Refused> {
        if self.closing {
            return Err(Refused::Closing);
        }
        if let Some(taken) = self.names.get(run) {
            return Err(Refused::Taken(taken.clone()));
        }
        if self.names.len() >= runs_max {
            return Err(Refused::Full);
        }
        self.names.insert(run.clone(), None);
        Ok(())
    }

    /// Puts a run in the place that was kept for it.
    pub(super) fn enrol(&mut self, cell: Arc<RunCell>) {
        self.names.insert(cell.id.clone(), Some(cell));
    }

    /// Takes a name off; gives whom that is to wake.
    #[must_use]
    pub(super) fn strike(&mut self, run: &RunId) -> Vec<Waker> {
        self.names.remove(run);
        if self.names.is_empty() { self.watched() } else { Vec::new() }
    }

    #[must_use]
    pub(super) fn close(&mut self) -> Vec<Waker> {
        self.closed = true;
        self.watched()
    }

    pub(super) fn watch(&mut self, driver: u64, waker: &Waker) -> Option<Waker> {
        self.watchers.insert(driver, waker.clone())
    }

    pub(super) fn forget(&mut self, driver: u64) -> Option<Waker> {
        self.watchers.remove(&driver)
    }

    fn watched(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.watchers).into_values().collect()
    }
}
