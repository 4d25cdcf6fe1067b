//! A run where its handles and the driver can both reach it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use super::JoinError;
use super::observe::OpenDecision;
use crate::id::RunId;
use crate::path::Path;
use crate::run::Run;

/// One run of a hub.
///
/// Its lock is held while the run decides, which may call transformers and conditions (they are pure, and have no business with a hub),
/// and never while an observer, a router, a worker or a waker is called.
pub(super) struct RunCell {
    pub(super) id: RunId,
    /// Its number among the runs that are driven; [`RunCell::NOWHERE`] before and after.
    slot: AtomicU32,
    /// It stands in the inbox.
    pub(super) touched: AtomicBool,
    /// It is no longer going: for a look without the lock.
    over: AtomicBool,
    state: Mutex<CellState>,
}

pub(super) struct CellState {
    pub(super) run: Run,
    pub(super) fate: Fate,
    /// Events up to this one are safe, and may be shown.
    pub(super) durable: u64,
    /// What people have been asked and have not answered.
    pub(super) decisions: BTreeMap<Path, OpenDecision>,
    /// Who waits for events, for the safety of something, and for the end.
    pub(super) streams: BTreeMap<u64, Waker>,
    pub(super) receipts: BTreeMap<u64, Waker>,
    pub(super) joins: BTreeMap<u64, Waker>,
}

/// What became of a run.
pub(super) enum Fate {
    Going,
    /// It is over, and all its events are safe. It does not change any more.
    Ended,
    /// The hub has let go of it; it can be resumed from the store.
    Lost(JoinError),
}

impl RunCell {
    pub(super) const NOWHERE: u32 = u32::MAX;

    /// A run of which `durable` events are kept already.
    pub(super) fn new(run: Run, durable: u64) -> RunCell {
        let over = run.result().is_some() && durable == run.event_count();
        RunCell {
            id: run.id().clone(),
            slot: AtomicU32::new(RunCell::NOWHERE),
            touched: AtomicBool::new(false),
            over: AtomicBool::new(over),
            state: Mutex::new(CellState {
                run,
                fate: if over { Fate::Ended } else { Fate::Going },
                durable,
                decisions: BTreeMap::new(),
                streams: BTreeMap::new(),
                receipts: BTreeMap::new(),
                joins: BTreeMap::new(),
            }),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, CellState> {
        // A run's closures are guarded against panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn slot(&self) -> u32 {
        self.slot.load(Ordering::Acquire)
    }

    pub(super) fn move_to(&self, slot: u32) {
        self.slot.store(slot, Ordering::Release);
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Ends it, or lets go of it; gives whom that is to wake.
    #[must_use]
    pub(super) fn seal(&self, state: &mut CellState, fate: Fate) -> Vec<Waker> {
        state.fate = fate;
        state.decisions.clear();
        self.over.store(true, Ordering::Release);
        let mut woken = state.advanced();
        woken.extend(std::mem::take(&mut state.joins).into_values());
        woken
    }
}

impl CellState {
    /// Whom it is to wake that more events are safe.
    #[must_use]
    pub(super) fn advanced(&mut self) -> Vec<Waker> {
        if self.streams.is_empty() && self.receipts.is_empty() {
            return Vec::new();
        }
        let streams = std::mem::take(&mut self.streams).into_values();
        streams.chain(std::mem::take(&mut self.receipts).into_values()).collect()
    }
}
