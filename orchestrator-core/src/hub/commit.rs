//! The events of all runs of a turn go to the store together.

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tracing::warn;

use super::JoinError;
use super::cell::Fate;
use super::drive::{Active, Core};
use super::setup::Setup;
use crate::closure::panic_text;
use crate::id::RunId;
use crate::journal::{Batch, RunStore, StoreError};
use crate::run::{Recorded, Run, Snapshot};
use crate::time::{BoxFuture, Timestamp};

/// What is on its way to the store.
pub(super) type Commit = BoxFuture<Verdict>;

/// The new events of a run.
pub(super) struct Packet {
    run: u32,
    id: RunId,
    /// The store must not have a run of that name.
    fresh: bool,
    batch: Batch,
    snapshot: Option<Snapshot>,
}

/// What the store said.
#[derive(Default)]
pub(super) struct Verdict {
    kept: Vec<Kept>,
    refused: Vec<(u32, JoinError)>,
}

struct Kept {
    run: u32,
    batch: Batch,
    /// The event up to which the store keeps a snapshot instead, and how large that is.
    compacted: Option<(u64, usize)>,
}

impl Packet {
    /// The events of a run after those that are durable; `None` if there are none.
    pub(super) fn collect(run: u32, active: &Active, of: &mut Run, durable: u64) -> Option<Packet> {
        let unseen = of.event_count() - durable;
        if unseen == 0 {
            return None;
        }
        let mut events: Vec<Recorded> = Vec::with_capacity(unseen as usize);
        while let Some(recorded) = of.poll_event() {
            events.push(recorded);
        }
        let due = of.event_count() >= active.snapshot_at && of.result().is_none();
        let batch = Batch::new(events).expect("a run numbers its events without gaps");
        let snapshot = due.then(|| of.snapshot());
        Some(Packet { run, id: active.cell.id.clone(), fresh: active.fresh, batch, snapshot })
    }
}

impl Core {
    /// Sends what has been collected.
    pub(super) fn send(&mut self, setup: &Setup) {
        let Some(store) = setup.store.clone() else { unreachable!("packets are made for a store") };
        let packets = std::mem::take(&mut self.packets);
        let runs: Vec<(u32, RunId)> = packets.iter().map(|p| (p.run, p.id.clone())).collect();
        self.commit = Some(Box::pin(async move {
            let kept = AssertUnwindSafe(keep(&*store, packets)).catch_unwind().await;
            kept.unwrap_or_else(|panic| {
                let reason = format!("the store panicked: {}", panic_text(&*panic));
                let error = StoreError::backend("keep the events", reason);
                let refused = runs.into_iter().map(|(run, id)| (run, lost(id, error.clone())));
                Verdict { kept: Vec::new(), refused: refused.collect() }
            })
        }));
    }

    /// Goes on with the runs whose events are safe, and lets go of the others.
    pub(super) fn settle(&mut self, setup: &Setup, now: Timestamp, verdict: Verdict) {
        for Kept { run, batch, compacted } in verdict.kept {
            let Some(active) = self.active(run) else { continue };
            active.fresh = false;
            let cell = active.cell.clone();
            let (seq, bytes) = compacted.unzip();
            if let Some(bytes) = bytes {
                active.snapshot_at = batch.last() + setup.snapshots.rest(bytes);
            }
            let state = cell.lock();
            self.hand_out(setup, now, run, state, (batch.last(), batch.events()));
            if let Some(seq) = seq {
                cell.lock().run.trim(seq);
            }
        }
        for (run, why) in verdict.refused {
            warn!(error = %why, "a run is let go of");
            self.release(run, Fate::Lost(why));
        }
    }
}

/// Appends everything at once. What one run is refused for does not concern the others.
async fn keep(store: &dyn RunStore, packets: Vec<Packet>) -> Verdict {
    let mut verdict = Verdict::default();
    let mut metas = Vec::with_capacity(packets.len());
    let mut batches = Vec::with_capacity(packets.len());
    for Packet { run, id, fresh, batch, snapshot } in packets {
        let known =
            if fresh { store.load(&id).await.map(|past| past.is_some()) } else { Ok(false) };
        match known {
            Ok(false) => {
                metas.push((run, snapshot));
                batches.push((id, batch));
            }
            Ok(true) => verdict.refused.push((run, JoinError::Exists { run: id })),
            Err(error) => verdict.refused.push((run, lost(id, error))),
        }
    }
    while !batches.is_empty() {
        let Err(error) = store.append(&batches).await else { break };
        let guilty = culprit(&error).and_then(|run| batches.iter().position(|(id, _)| id == run));
        match guilty {
            Some(at) => {
                let ((run, _), (id, _)) = (metas.remove(at), batches.remove(at));
                verdict.refused.push((run, lost(id, error)));
            }
            None => {
                let all = metas.drain(..).zip(batches.drain(..));
                let refused = all.map(|((run, _), (id, _))| (run, lost(id, error.clone())));
                verdict.refused.extend(refused);
            }
        }
    }
    for ((run, snapshot), (id, batch)) in metas.into_iter().zip(batches) {
        let compacted = match snapshot {
            Some(snapshot) => compact(store, &id, snapshot).await,
            None => None,
        };
        verdict.kept.push(Kept { run, batch, compacted });
    }
    verdict
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

fn lost(run: RunId, error: StoreError) -> JoinError {
    JoinError::Store { run, error }
}
