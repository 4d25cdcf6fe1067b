//! Group commit: threads queue what they append; one of them writes the queue and waits for the disk, for all.
//!
//! What is queued is in the index at once, so that the next append of the same run is judged by it. Nobody is told anything before the
//! disk has answered: readers wait for an empty queue.

use std::fs::File;
use std::io::Write;
use std::sync::{Condvar, Mutex, MutexGuard};

use super::encode::Encoded;
use super::index::{Index, Lines, SnapshotAt};
use super::project::{self, Folders};
use super::segment;
use crate::id::RunId;
use crate::journal::{Batch, StoreError};

/// The state that all threads share, and the place where they wait for the disk.
pub(super) struct Shared {
    state: Mutex<State>,
    answered: Condvar,
}

pub(super) struct State {
    pub(super) index: Index,
    /// What no thread has begun to write.
    queue: Vec<u8>,
    /// Bytes ever queued, and ever durable, since the store was opened.
    queued: u64,
    durable: u64,
    /// The end of the last segment; away while a thread writes.
    writer: Option<File>,
    /// Why nothing more is taken.
    poison: Option<String>,
    /// Bytes of lines that wait for their projections, of all runs.
    pub(super) pending: usize,
}

pub(super) type Guard<'a> = MutexGuard<'a, State>;

impl Shared {
    pub(super) fn new(index: Index, writer: File) -> Shared {
        let state = State {
            index,
            queue: Vec::new(),
            queued: 0,
            durable: 0,
            writer: Some(writer),
            poison: None,
            pending: 0,
        };
        Shared { state: Mutex::new(state), answered: Condvar::new() }
    }

    pub(super) fn lock(&self) -> Result<Guard<'_>, StoreError> {
        let Ok(state) = self.state.lock() else {
            let reason = "a thread panicked while it held the store".to_owned();
            return Err(StoreError::Poisoned { reason });
        };
        match &state.poison {
            Some(reason) => Err(StoreError::Poisoned { reason: reason.clone() }),
            None => Ok(state),
        }
    }

    /// Waits until everything queued so far is durable; the guard is given back with nothing queued and nobody writing.
    pub(super) fn settled(&self) -> Result<Guard<'_>, StoreError> {
        let state = self.lock()?;
        self.settle(state)
    }

    fn settle<'a>(&'a self, mut state: Guard<'a>) -> Result<Guard<'a>, StoreError> {
        while state.durable < state.queued {
            let upto = state.queued;
            state = self.commit(state, upto)?;
        }
        Ok(state)
    }

    /// A state whose last segment has room; a full one is closed, and the next begun.
    pub(super) fn with_room(
        &self,
        folders: &Folders,
        segment_bytes: u64,
    ) -> Result<Guard<'_>, StoreError> {
        let mut state = self.lock()?;
        if state.index.active().bytes >= segment_bytes {
            state = self.settle(state)?;
            state.make_room(folders, segment_bytes)?;
        }
        Ok(state)
    }

    /// As [`with_room`](Shared::with_room), with nothing queued: for calls that read before they write.
    pub(super) fn settled_with_room(
        &self,
        folders: &Folders,
        segment_bytes: u64,
    ) -> Result<Guard<'_>, StoreError> {
        let mut state = self.settled()?;
        state.make_room(folders, segment_bytes)?;
        Ok(state)
    }

    /// Returns once the first `upto` bytes queued are durable. Whoever finds nobody writing writes for all.
    pub(super) fn commit<'a>(
        &'a self,
        mut state: Guard<'a>,
        upto: u64,
    ) -> Result<Guard<'a>, StoreError> {
        loop {
            if state.durable >= upto {
                return Ok(state);
            }
            if let Some(reason) = &state.poison {
                return Err(StoreError::Poisoned { reason: reason.clone() });
            }
            let Some(mut writer) = state.writer.take() else {
                let waited = self.answered.wait(state);
                state = waited.map_err(|_| StoreError::Poisoned {
                    reason: "a thread panicked while it held the store".to_owned(),
                })?;
                continue;
            };
            let bytes = std::mem::take(&mut state.queue);
            let all = state.queued;
            drop(state);
            let written = writer.write_all(&bytes).and_then(|()| writer.sync_data());
            // A lock that is poisoned here was poisoned by a thread that never wrote; the disk has answered all the same.
            state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            self.answered.notify_all();
            match written {
                Ok(()) => {
                    state.writer = Some(writer);
                    state.durable = all;
                }
                Err(error) => {
                    // What the kernel drops after a failed sync it does not report again: never on this handle.
                    let failed = StoreError::Io {
                        doing: "write and sync",
                        path: "the log".into(),
                        kind: error.kind(),
                        reason: error.to_string(),
                    };
                    return Err(state.poisoned_by(failed));
                }
            }
        }
    }
}

impl State {
    /// Begins the next segment if the last one is full. Nothing may be queued.
    fn make_room(&mut self, folders: &Folders, segment_bytes: u64) -> Result<(), StoreError> {
        let active = self.index.active();
        if active.bytes < segment_bytes {
            return Ok(());
        }
        let number = active.last + 1;
        let (segment, file) =
            segment::create(&folders.log, number).map_err(|error| self.poisoned_by(error))?;
        self.index.segments.push(segment);
        self.writer = Some(file);
        Ok(())
    }

    /// Takes nothing more from now on; gives the error back.
    pub(super) fn poisoned_by(&mut self, error: StoreError) -> StoreError {
        self.poison.get_or_insert_with(|| error.to_string());
        error
    }

    /// Queues lines at the end of the last segment; gives what to commit up to.
    pub(super) fn queue(&mut self, bytes: &[u8]) -> u64 {
        self.queue.extend_from_slice(bytes);
        self.queued += bytes.len() as u64;
        self.index.active().bytes += bytes.len() as u64;
        self.queued
    }

    /// Queues batches that follow on what is there.
    pub(super) fn queue_batches(&mut self, batches: &[(RunId, Batch)], encoded: &Encoded) -> u64 {
        let segment = self.index.active().first;
        for ((run, batch), lines) in batches.iter().zip(encoded.batches()) {
            if !self.index.runs.contains_key(run) {
                self.index.runs.insert(run.clone(), Default::default());
            }
            let entry = self.index.runs.get_mut(run).expect("it was there, or was just put there");
            let last = &batch.events()[batch.events().len() - 1];
            entry.take_events(Lines {
                segment,
                last_seq: last.seq,
                last_at: last.at.0,
                ended: crate::journal::memory::ends(batch.events()),
                bytes: lines.bytes.len() as u64,
            });
            for crc in lines.crcs {
                entry.digest = project::chain(entry.digest, *crc);
            }
            if entry.projected.is_some() || entry.pending.len() as u64 == entry.bytes {
                entry.pending.extend_from_slice(lines.bytes);
                self.pending += lines.bytes.len();
            }
            entry.bytes += lines.bytes.len() as u64;
        }
        self.queue(encoded.bytes())
    }

    /// Where the next line queued will be.
    pub(super) fn next_line(&mut self, seq: u64, bytes: u64, crc: u32) -> SnapshotAt {
        let active = self.index.active();
        SnapshotAt { seq, segment: active.first, offset: active.bytes, bytes, crc }
    }

    /// Brings the projection of a run up to date.
    pub(super) fn project(&mut self, folders: &Folders, run: &RunId) {
        if let Some(entry) = self.index.runs.get_mut(run) {
            self.pending = self.pending.saturating_sub(project::flush(folders, run, entry));
        }
    }

    /// Brings all projections up to date.
    pub(super) fn project_all(&mut self, folders: &Folders) {
        for (run, entry) in &mut self.index.runs {
            if !entry.pending.is_empty() {
                project::flush(folders, run, entry);
            }
        }
        self.pending = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures::executor::block_on;

    use super::*;
    use crate::journal::{FileStore, RunStore};
    use crate::run::{Event, Recorded};
    use crate::time::Timestamp;

    fn batch(run: &str, seq: u64) -> (RunId, Batch) {
        let recorded = Recorded { seq, at: Timestamp(0), event: Event::Paused };
        (RunId::parse(run).unwrap(), Batch::new(vec![recorded]).unwrap())
    }

    #[test]
    fn after_a_failed_write_nothing_is_taken_until_the_store_is_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::open(dir.path()).unwrap();
        block_on(store.append(&[batch("run", 1)])).unwrap();
        // A handle that only reads fails as a full or broken disk does.
        let log = store.folders.log.join("00000001-00000001.log");
        store.shared.lock().unwrap().writer = Some(File::open(&log).unwrap());
        let failed = block_on(store.append(&[batch("run", 2)])).unwrap_err();
        assert!(matches!(failed, StoreError::Io { .. }), "{failed}");
        for again in [
            block_on(store.append(&[batch("run", 2)])),
            block_on(store.append(&[])),
            block_on(store.load(&batch("run", 1).0)).map(drop),
            block_on(store.runs()).map(drop),
            block_on(store.remove(&batch("run", 1).0)),
            store.project(),
        ] {
            assert!(matches!(again, Err(StoreError::Poisoned { .. })), "{again:?}");
        }
        drop(store);
        let store = FileStore::open(dir.path()).unwrap();
        assert_eq!(block_on(store.runs()).unwrap()[0].last_seq, 1);
        block_on(store.append(&[batch("run", 2)])).unwrap();
    }

    /// While one thread "writes", others queue; then one of them writes for all.
    #[test]
    fn threads_that_wait_share_a_write() {
        const THREADS: u64 = 8;
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::open(dir.path()).unwrap();
        let writer = store.shared.lock().unwrap().writer.take();
        let answered = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let (store, answered) = (&store, &answered);
                scope.spawn(move || {
                    block_on(store.append(&[batch(&format!("run-{thread}"), 1)])).unwrap();
                    answered.fetch_add(1, Ordering::SeqCst);
                });
            }
            let all = || store.shared.lock().unwrap().index.runs.len() as u64 == THREADS;
            while !all() {
                std::thread::yield_now();
            }
            let mut state = store.shared.lock().unwrap();
            assert_eq!(answered.load(Ordering::SeqCst), 0, "answered before the disk was");
            state.writer = writer;
            let upto = state.queued;
            drop(store.shared.commit(state, upto).unwrap());
            let state = store.shared.lock().unwrap();
            assert!(state.queue.is_empty() && state.durable == upto, "one write for all of them");
        });
        assert_eq!(answered.into_inner(), THREADS);
    }
}
