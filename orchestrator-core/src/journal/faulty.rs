//! A store that fails at a chosen append, for tests of what stands on a store. Behind the feature `testkit`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Batch, Past, RunEntry, RunStore, Snapshot, StoreError};
use crate::id::RunId;

/// What a [`FaultyStore`] keeps of the append that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// All is lost: the process ended before the write.
    Everything,
    /// All but the first batches, so many of them: the write was torn.
    FirstOnly(usize),
    /// Nothing is lost but the answer: the process ended after the write.
    Answer,
}

/// Keeps in another store what it is given, until an append fails; from then on everything does, as if the process were gone.
/// What was kept is then in [`into_inner`](FaultyStore::into_inner).
///
/// ```
/// use orchestrator_core::journal::{FaultyStore, Loss};
/// use orchestrator_core::{Batch, Event, MemoryStore, Recorded, RunId, RunStore, StoreError, Timestamp};
/// # futures::executor::block_on(async {
/// let run = RunId::parse("run-1")?;
/// let batch = Batch::new(vec![Recorded { seq: 1, at: Timestamp(0), event: Event::Paused }])?;
/// let store = FaultyStore::new(MemoryStore::default(), 1, Loss::Answer);
/// assert!(store.append(&[(run.clone(), batch)]).await.is_err());
/// assert!(matches!(store.load(&run).await, Err(StoreError::Poisoned { .. })));
/// assert_eq!(store.into_inner().load(&run).await?.unwrap().last_seq(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct FaultyStore<S> {
    inner: S,
    at: u64,
    loss: Loss,
    appends: Mutex<u64>,
}

impl<S> FaultyStore<S> {
    /// A store that fails at the append of that number, counted from 1.
    pub fn new(inner: S, at: u64, loss: Loss) -> FaultyStore<S> {
        FaultyStore { inner, at, loss, appends: Mutex::new(0) }
    }

    /// A store that never fails, and counts.
    pub fn counting(inner: S) -> FaultyStore<S> {
        FaultyStore::new(inner, u64::MAX, Loss::Everything)
    }

    /// How many appends have been made, the one that failed included.
    pub fn appends(&self) -> u64 {
        *self.count()
    }

    /// What was kept: the store that is opened after the crash.
    pub fn into_inner(self) -> S {
        self.inner
    }

    fn count(&self) -> MutexGuard<'_, u64> {
        self.appends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn alive(&self) -> Result<&S, StoreError> {
        if *self.count() < self.at { Ok(&self.inner) } else { Err(gone()) }
    }
}

fn gone() -> StoreError {
    StoreError::Poisoned { reason: "the test took the store away".to_owned() }
}

#[async_trait]
impl<S: RunStore> RunStore for FaultyStore<S> {
    async fn append(&self, batches: &[(RunId, Batch)]) -> Result<(), StoreError> {
        self.alive()?;
        let number = {
            let mut appends = self.count();
            *appends += 1;
            *appends
        };
        if number < self.at {
            return self.inner.append(batches).await;
        }
        if number == self.at {
            let kept = match self.loss {
                Loss::Everything => 0,
                Loss::FirstOnly(kept) => kept.min(batches.len()),
                Loss::Answer => batches.len(),
            };
            self.inner.append(&batches[..kept]).await?;
        }
        Err(gone())
    }

    async fn load(&self, run: &RunId) -> Result<Option<Past>, StoreError> {
        self.alive()?.load(run).await
    }

    async fn runs(&self) -> Result<Vec<RunEntry>, StoreError> {
        self.alive()?.runs().await
    }

    async fn compact(&self, run: &RunId, snapshot: Snapshot) -> Result<(), StoreError> {
        self.alive()?.compact(run, snapshot).await
    }

    async fn remove(&self, run: &RunId) -> Result<(), StoreError> {
        self.alive()?.remove(run).await
    }
}
