//! The door to a journal: what a store takes, keeps and gives back.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Batch, StoreError};
use crate::id::RunId;
pub use crate::run::{Past, Snapshot};

/// One run in the list of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunEntry {
    /// The run.
    pub run: RunId,
    /// The last event that is kept, or that the snapshot contains.
    pub last_seq: u64,
    /// Whether that event was [`RunEnded`](crate::Event::RunEnded): there is nothing to resume.
    pub ended: bool,
}

/// Keeps the events of many runs.
///
/// # Contract
/// 1. An event is acknowledged when the call that appended it returned `Ok`; from then on it is kept whatever happens to the process
///    (to the machine, for a store that says so). All batches of one call are made durable together.
/// 2. The events of a run are contiguous: the first has `seq` 1, and each next one is one more. Anything else is [`StoreError::Gap`].
/// 3. An event whose `seq` is already kept is accepted silently if it equals the one that is kept, since an append whose outcome is
///    unknown is made again; else it is [`StoreError::Conflict`], or [`StoreError::Trimmed`] if a snapshot took its place.
/// 4. A call that fails leaves nothing to be seen. After a crash, a prefix of its batches, in order, may have been kept.
/// 5. A run may occur several times in one call; its batches are taken in order.
///
/// Calls may come from many threads at once. `journal::conformance` (feature `testkit`) checks all of this on
/// any store.
///
/// A store may block the thread that polls it, as [[`FileStore`](crate::FileStore) does while the disk works.
#[async_trait]
pub trait RunStore: Send + Sync {
    /// Keeps the events, and returns when they are durable.
    ///
    /// # Errors
    /// As the contract says; and when the medium fails, in which case the outcome is unknown.
    async fn append(&self, batches: &[(RunId, Batch)]) -> Result<(), StoreError>;

    /// What is kept of a run; `None` if it is not known.
    ///
    /// # Errors
    /// When the medium fails, or what it holds is not what was written.
    async fn load(&self, run: &RunId) -> Result<Option<Past>, StoreError>;

    /// All runs, sorted by their ids.
    ///
    /// # Errors
    /// When the medium fails.
    async fn runs(&self) -> Result<Vec<RunEntry>, StoreError>;

    /// Keeps the snapshot, durably, and drops the events that it contains. The same snapshot again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::UnknownRun`]; [`StoreError::SnapshotAhead`] when the events it contains are not all kept;
    /// [`StoreError::SnapshotBehind`] when a newer one, or another of the same `seq`, is kept; and when the medium fails.
    async fn compact(&self, run: &RunId, snapshot: Snapshot) -> Result<(), StoreError>;

    /// Forgets the run, durably. Its name can be used again. An unknown run is forgotten already.
    ///
    /// # Errors
    /// When the medium fails.
    async fn remove(&self, run: &RunId) -> Result<(), StoreError>;
}

impl Snapshot {
    /// Whether this snapshot is news to a store that keeps `kept` and has events up to `last`; for implementors of [`RunStore`].
    ///
    /// # Errors
    /// [`StoreError::SnapshotAhead`] and [`StoreError::SnapshotBehind`], as [`RunStore::compact`] says.
    pub fn follows(
        &self,
        run: &RunId,
        kept: Option<&Snapshot>,
        last: u64,
    ) -> Result<bool, StoreError> {
        let (run, seq) = (run.clone(), self.seq);
        if seq > last || seq == 0 {
            return Err(StoreError::SnapshotAhead { run, seq, last });
        }
        match kept {
            Some(kept) if kept == self => Ok(false),
            Some(kept) if kept.seq >= seq => {
                Err(StoreError::SnapshotBehind { run, seq, kept: kept.seq })
            }
            Some(_) | None => Ok(true),
        }
    }
}
