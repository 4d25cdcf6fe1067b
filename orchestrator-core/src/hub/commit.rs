//! The events of all runs of a turn go to the store together.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tracing::warn;

use super::JoinError;
use super::active::Active;
use super::cell::{CellState, Fate};
use super::drive::Core;
use super::setup::Setup;
use crate::closure::panic_text;
use crate::id::RunId;
use crate::journal::{Batch, RunStore, StoreError};
use crate::run::{Recorded, Snapshot};
use crate::time::{BoxFuture, Timestamp};

/// What is on its way to the store. `None` comes back if the store panics.
pub(super) type Commit = BoxFuture<Option<Load>>;

/// The new events of runs: what is known of each, and what goes to the store, in the same order. Used again for the next turn.
#[derive(Default)]
pub(super) struct Load {
    notes: Vec<Note>,
    batches: Vec<(RunId, Batch)>,
    refused: Vec<(u32, JoinError)>,
}

struct Note {
    run: u32,
    /// The store must not have a run of that name.
    fresh: bool,
    snapshot: Option<Snapshot>,
    /// The event up to which the store keeps the snapshot instead, and how large that is.
    compacted: Option<(u64, usize)>,
}

impl Load {
    pub(super) fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    /// Takes the events of a run after those that are durable; whether there were any.
    pub(super) fn collect(&mut self, run: u32, active: &mut Active, state: &mut CellState) -> bool {
        let unseen = state.run.event_count() - state.durable;
        if unseen == 0 {
            return false;
        }
        let mut events: Vec<Recorded> = Vec::with_capacity(unseen as usize);
        while let Some(recorded) = state.run.poll_event() {
            events.push(recorded);
        }
        let batch = Batch::new(events).expect("a run numbers its events without gaps");
        let due = batch.last() >= active.snapshot_at && state.run.result().is_none();
        let snapshot = due.then(|| state.run.snapshot());
        active.sent = true;
        self.notes.push(Note { run, fresh: active.fresh, snapshot, compacted: None });
        self.batches.push((active.cell.id.clone(), batch));
        true
    }

    /// Appends everything at once. What one run is refused for does not concern the others.
    async fn keep(mut self, store: &dyn RunStore) -> Load {
        let mut at = 0;
        while at < self.notes.len() {
            let known = match self.notes[at].fresh {
                true => store.load(&self.batches[at].0).await.map(|past| past.is_some()),
                false => Ok(false),
            };
            match known {
                Ok(false) => at += 1,
                Ok(true) => self.refuse(at, |run| JoinError::Exists { run }),
                Err(error) => self.refuse(at, |run| JoinError::Store { run, error }),
            }
        }
        while !self.batches.is_empty() {
            let Err(error) = store.append(&self.batches).await else { break };
            let guilty = culprit(&error);
            match guilty.and_then(|run| self.batches.iter().position(|(id, _)| id == run)) {
                Some(at) => self.refuse(at, |run| JoinError::Store { run, error }),
                None => {
                    for _ in 0..self.notes.len() {
                        self.refuse(0, |run| JoinError::Store { run, error: error.clone() });
                    }
                }
            }
        }
        for (note, (id, _)) in self.notes.iter_mut().zip(&self.batches) {
            if let Some(snapshot) = note.snapshot.take() {
                note.compacted = compact(store, id, snapshot).await;
            }
        }
        self
    }

    fn refuse(&mut self, at: usize, why: impl FnOnce(RunId) -> JoinError) {
        let (id, _) = self.batches.swap_remove(at);
        self.refused.push((self.notes.swap_remove(at).run, why(id)));
    }
}

impl Core {
    /// Sends what has been collected.
    pub(super) fn send(&mut self, setup: &Setup) {
        let Some(store) = setup.store.clone() else {
            unreachable!("events are collected for a store")
        };
        let load = std::mem::take(&mut self.load);
        self.commit = Some(Box::pin(async move {
            let kept = AssertUnwindSafe(load.keep(&*store)).catch_unwind().await;
            if let Err(panic) = &kept {
                warn!(panic = panic_text(&**panic), "the store panicked");
            }
            kept.ok()
        }));
    }

    /// Goes on with the runs whose events are safe, and lets go of the others.
    pub(super) fn settle(&mut self, setup: &Setup, now: Timestamp, load: Option<Load>) {
        let Some(mut load) = load else { return self.lose_sent() };
        for (note, (_, batch)) in load.notes.drain(..).zip(load.batches.drain(..)) {
            let Some(active) = self.active(note.run) else { continue };
            (active.fresh, active.sent) = (false, false);
            let cell = active.cell.clone();
            if let Some((_, bytes)) = note.compacted {
                active.snapshot_at = batch.last() + setup.snapshots.rest(bytes, 0);
            }
            self.hand_out(setup, now, note.run, cell.lock(), (batch.last(), batch.events()));
            if let Some((seq, _)) = note.compacted {
                cell.lock().run.trim(seq);
            }
        }
        for (run, why) in load.refused.drain(..) {
            warn!(error = %why, "a run is let go of");
            self.release(run, Fate::Lost(why));
        }
        self.load = load;
    }

    /// The store panicked, and nobody knows what it has kept.
    fn lose_sent(&mut self) {
        for run in 0..self.runs.len() as u32 {
            if let Some(active) = self.active(run).filter(|active| active.sent) {
                let error = StoreError::backend("keep the events", "the store panicked");
                let why = JoinError::Store { run: active.cell.id.clone(), error };
                self.release(run, Fate::Lost(why));
            }
        }
    }
}

/// A snapshot that is not taken costs room and nothing else: the events are safe, and the next turn tries again.
async fn compact(store: &dyn RunStore, id: &RunId, snapshot: Snapshot) -> Option<(u64, usize)> {
    let (seq, bytes) = (snapshot.seq, snapshot.state.bytes());
    match store.compact(id, snapshot).await {
        Ok(()) => Some((seq, bytes)),
        Err(error) => {
            warn!(run = %id, %error, "the snapshot was not taken");
            None
        }
    }
}

/// The one run that an error is about, if it says so.
fn culprit(error: &StoreError) -> Option<&RunId> {
    match error {
        StoreError::Gap { run, .. }
        | StoreError::Conflict { run, .. }
        | StoreError::Trimmed { run, .. }
        | StoreError::Encode { run, .. } => Some(run),
        StoreError::UnknownRun { .. }
        | StoreError::SnapshotAhead { .. }
        | StoreError::SnapshotBehind { .. }
        | StoreError::Io { .. }
        | StoreError::Poisoned { .. }
        | StoreError::Locked { .. }
        | StoreError::Damaged { .. }
        | StoreError::Version { .. }
        | StoreError::Backend { .. } => None,
    }
}
