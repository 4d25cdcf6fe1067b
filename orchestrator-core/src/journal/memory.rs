//! A journal that lives as long as its process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{Batch, Past, RunEntry, RunStore, Snapshot, StoreError};
use crate::id::RunId;
use crate::run::{Event, Recorded};

/// Keeps runs in memory: for tests, and for hosts whose runs need not outlive them.
///
/// It grows with every event; [`compact`](RunStore::compact) and [`remove`](RunStore::remove) are its only bounds.
///
/// ```
/// use orchestrator_core::{Batch, Event, MemoryStore, Recorded, RunId, RunStore, Timestamp};
/// # futures::executor::block_on(async {
/// let store = MemoryStore::default();
/// let run = RunId::parse("run-1")?;
/// let paused = Recorded { seq: 1, at: Timestamp(0), event: Event::Paused };
/// store.append(&[(run.clone(), Batch::new(vec![paused.clone()])?)]).await?;
/// assert_eq!(store.load(&run).await?.unwrap().events, [paused]);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Debug, Default)]
pub struct MemoryStore {
    runs: Mutex<BTreeMap<RunId, Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    snapshot: Option<Snapshot>,
    /// Events after the snapshot, in order.
    batches: Vec<Batch>,
    last_seq: u64,
    ended: bool,
}

/// What `append` did to a run, so that a call that fails can take it back.
struct Undo<'a> {
    run: &'a RunId,
    last_seq: u64,
    ended: bool,
}

impl Kept {
    fn oldest(&self) -> u64 {
        self.snapshot.as_ref().map_or(1, |snapshot| snapshot.seq + 1)
    }

    /// The event at a `seq` from `oldest` to `last_seq`.
    fn at(&self, seq: u64) -> Option<&Recorded> {
        let after = self.batches.partition_point(|batch| batch.first() <= seq);
        let batch = self.batches.get(after.checked_sub(1)?)?;
        batch.events().get(usize::try_from(seq - batch.first()).ok()?)
    }

    fn try_push<'a>(
        &mut self,
        run: &'a RunId,
        batch: &Batch,
    ) -> (Undo<'a>, Result<(), StoreError>) {
        let before = Undo { run, last_seq: self.last_seq, ended: self.ended };
        (before, self.push(run, batch))
    }

    fn push(&mut self, run: &RunId, batch: &Batch) -> Result<(), StoreError> {
        let wanted = self.last_seq + 1;
        if batch.first() > wanted {
            return Err(StoreError::Gap { run: run.clone(), wanted, found: batch.first() });
        }
        if batch.first() == wanted {
            self.batches.push(batch.clone());
        } else {
            let fresh = self.after_duplicates(run, batch)?;
            if fresh.is_empty() {
                return Ok(());
            }
            let fresh = fresh.to_vec();
            self.batches.push(Batch::new(fresh).expect("the end of a batch is a batch"));
        }
        self.last_seq = batch.last();
        self.ended = ends(batch.events());
        Ok(())
    }

    /// The part of the batch that is not yet kept, once the rest has been found equal to what is.
    fn after_duplicates<'a>(
        &self,
        run: &RunId,
        batch: &'a Batch,
    ) -> Result<&'a [Recorded], StoreError> {
        for (index, recorded) in batch.events().iter().enumerate() {
            let (run, seq) = (run.clone(), recorded.seq);
            if seq > self.last_seq {
                return Ok(&batch.events()[index..]);
            }
            if seq < self.oldest() {
                return Err(StoreError::Trimmed { run, seq, oldest: self.oldest() });
            }
            if self.at(seq) != Some(recorded) {
                return Err(StoreError::Conflict { run, seq });
            }
        }
        Ok(&[])
    }
}

/// Whether a run is over after these events.
pub(super) fn ends(events: &[Recorded]) -> bool {
    matches!(events.last(), Some(Recorded { event: Event::RunEnded { .. }, .. }))
}

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<RunId, Kept>> {
        // Every change below is complete before anything that could panic.
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RunStore for MemoryStore {
    async fn append(&self, batches: &[(RunId, Batch)]) -> Result<(), StoreError> {
        let mut runs = self.lock();
        let mut done: Vec<Undo<'_>> = Vec::with_capacity(batches.len());
        for (run, batch) in batches {
            // One look-up where the run is known, which is nearly always.
            let (before, pushed) = match runs.get_mut(run) {
                Some(kept) => kept.try_push(run, batch),
                None => runs.entry(run.clone()).or_default().try_push(run, batch),
            };
            done.push(before);
            if let Err(error) = pushed {
                for Undo { run, last_seq, ended } in done.into_iter().rev() {
                    let kept = runs.get_mut(run).expect("append has put it there");
                    if kept.last_seq > last_seq {
                        kept.batches.pop();
                    }
                    (kept.last_seq, kept.ended) = (last_seq, ended);
                    if last_seq == 0 {
                        runs.remove(run);
                    }
                }
                return Err(error);
            }
        }
        Ok(())
    }

    async fn load(&self, run: &RunId) -> Result<Option<Past>, StoreError> {
        Ok(self.lock().get(run).map(|kept| Past {
            snapshot: kept.snapshot.clone(),
            events: kept.batches.iter().flat_map(|batch| batch.events()).cloned().collect(),
        }))
    }

    async fn runs(&self) -> Result<Vec<RunEntry>, StoreError> {
        let runs = self.lock();
        let entry = |(run, kept): (&RunId, &Kept)| RunEntry {
            run: run.clone(),
            last_seq: kept.last_seq,
            ended: kept.ended,
        };
        Ok(runs.iter().map(entry).collect())
    }

    async fn compact(&self, run: &RunId, snapshot: Snapshot) -> Result<(), StoreError> {
        let mut runs = self.lock();
        let Some(kept) = runs.get_mut(run) else {
            return Err(StoreError::UnknownRun { run: run.clone() });
        };
        if !snapshot.follows(run, kept.snapshot.as_ref(), kept.last_seq)? {
            return Ok(());
        }
        kept.batches.retain(|batch| batch.last() > snapshot.seq);
        if let Some(first) = kept.batches.first_mut()
            && first.first() <= snapshot.seq
        {
            let events: Vec<Recorded> =
                first.events().iter().filter(|event| event.seq > snapshot.seq).cloned().collect();
            *first = Batch::new(events).expect("its last event is later than the snapshot");
        }
        kept.snapshot = Some(snapshot);
        Ok(())
    }

    async fn remove(&self, run: &RunId) -> Result<(), StoreError> {
        self.lock().remove(run);
        Ok(())
    }
}
