//! A journal in a folder: one log for all runs, of which one fsync makes the events of many runs durable.
//!
//! ```text
//! DIR/lock                            held by the process that has the store open
//! DIR/log/00000001-00000001.log       the log, in segments; the only thing that counts
//! DIR/.runs/RUN.jsonl                 a projection: the events of a run, in the lines of the log
//! DIR/.state/RUN.json                 a projection: the snapshot of a run, in its line of the log
//! ```
//!
//! A disk makes some hundred or thousand fsyncs a second, and a file for each run would need one each. So all runs share a log, and
//! whatever several threads append while the disk works goes to it together.
//!
//! It does not recover from a disk that loses what it promised to keep: it says which file and which line is damaged, and opens nothing.

mod admit;
mod commit;
mod crc;
mod encode;
mod index;
mod line;
mod live;
mod name;
mod project;
mod recover;
mod segment;
mod tidy;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use self::commit::{Guard, Shared};
use self::encode::Encoded;
use self::project::Folders;
use self::recover::Scan;
use super::{Batch, Past, RunEntry, RunStore, Snapshot, StoreError};
use crate::id::RunId;

pub use self::recover::Cut;

/// The size at which a segment is closed: large enough that few are closed a second, small enough to be written anew in a blink.
pub const SEGMENT_BYTES: u64 = 8 << 20;

/// Lines that wait in memory for the projections of their runs, for all runs together. Written out when there are more, when a run ends,
/// is loaded or compacted, and when the store is dropped.
pub const PENDING_BYTES_MAX: usize = 4 << 20;

/// Settings of a [`FileStore`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOptions {
    /// The size at which a segment is closed, [`SEGMENT_BYTES`] unless said otherwise; 0 is taken for 1. An append is never divided, so that
    /// a segment can be larger by one append.
    pub segment_bytes: u64,
}

impl Default for FileOptions {
    fn default() -> Self {
        FileOptions { segment_bytes: SEGMENT_BYTES }
    }
}

/// What opening a store found out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Recovery {
    /// The end that a crash had left unfinished; `None` if the log was whole.
    pub cut: Option<Cut>,
    /// Runs whose projections were missing or stale, and were written anew.
    pub projections_rebuilt: u64,
}

/// Keeps runs in a folder.
///
/// # What it promises
/// - Acknowledged means that the disk has said so (`fdatasync`): kept through the loss of power.
/// - Of a batch that was not acknowledged all is kept or nothing, even if the write was torn.
/// - After a failed write or sync every call is [`StoreError::Poisoned`] until the store is opened again.
/// - A folder has one open store at a time.
///
/// # What it costs
/// - Memory: see [`PENDING_BYTES_MAX`]; beside that some hundred bytes a run, and 24 for each segment with events of that run.
/// - Disk: closed segments hold at most as many bytes that are of no use as are of use, and one segment's worth; then
///   [`compact`](RunStore::compact) and [`remove`](RunStore::remove) write segments anew. What a snapshot contains counts as of no use
///   once it contains all that a segment has of the run. Projections take as much again.
/// - Time: opening reads the log once. Every call blocks its thread until the disk has answered; calls of several threads share an answer.
///
/// ```
/// use orchestrator_core::{Batch, Event, FileStore, Recorded, RunId, RunStore, Timestamp};
/// # let dir = std::env::temp_dir().join(format!("orchestrator-journal-doc-{}", std::process::id()));
/// # futures::executor::block_on(async {
/// let run = RunId::parse("run-1")?;
/// let paused = Recorded { seq: 1, at: Timestamp(0), event: Event::Paused };
/// let store = FileStore::open(&dir)?;
/// store.append(&[(run.clone(), Batch::new(vec![paused.clone()])?)]).await?;
/// drop(store); // or the process is killed here
///
/// let store = FileStore::open(&dir)?;
/// assert_eq!(store.recovery().cut, None);
/// assert_eq!(store.load(&run).await?.unwrap().events, [paused]);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// # std::fs::remove_dir_all(dir).unwrap();
/// ```
pub struct FileStore {
    folders: Folders,
    options: FileOptions,
    recovery: Recovery,
    shared: Shared,
    /// Released when the store is dropped, after the log is closed.
    _lock: File,
}

impl FileStore {
    /// Opens the store in a folder, which is made if there is none.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if it is open elsewhere; [`StoreError::Damaged`] and [`StoreError::Version`] if the log cannot be read, in
    /// which case nothing in it is changed; [`StoreError::Io`].
    pub fn open(dir: impl AsRef<Path>) -> Result<FileStore, StoreError> {
        FileStore::open_with(dir, FileOptions::default())
    }

    /// As [`open`](FileStore::open), with settings.
    ///
    /// # Errors
    /// As those of [`open`](FileStore::open).
    pub fn open_with(dir: impl AsRef<Path>, options: FileOptions) -> Result<FileStore, StoreError> {
        let dir = dir.as_ref();
        // An empty segment must never count as full.
        let options = FileOptions { segment_bytes: options.segment_bytes.max(1) };
        let folders = Folders::of(dir);
        for folder in [&folders.log, &folders.runs, &folders.state] {
            fs::create_dir_all(folder).map_err(|error| StoreError::io("create", folder, &error))?;
        }
        let lock = lock(dir.join("lock"))?;
        let segments = segment::list(&folders.log)?;
        let begun = !segments.is_empty();
        let mut scan = Scan::default();
        let cut = scan.read(&folders.log, segments)?;
        let Scan { mut index, removed, .. } = scan;
        let writer = if begun {
            if let Some(cut) = &cut {
                cut.make()?;
            }
            let path = index.active().path(&folders.log);
            OpenOptions::new()
                .append(true)
                .open(&path)
                // What is there was read out of memory, perhaps: it counts as kept from here on.
                .and_then(|file| file.sync_data().map(|()| file))
                .map_err(|error| StoreError::io("open", &path, &error))?
        } else {
            refuse_orphans(&folders)?;
            let (segment, file) = segment::create(&folders.log, 1)?;
            segment::sync_folder(dir)?;
            if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                segment::sync_folder(parent)?;
            }
            index.segments.push(segment);
            file
        };
        for run in removed.iter().filter(|run| !index.runs.contains_key(*run)) {
            folders.forget(run);
        }
        let projections_rebuilt = project::rebuild(&folders, &mut index, PENDING_BYTES_MAX)?;
        let recovery = Recovery { cut, projections_rebuilt };
        let shared = Shared::new(index, writer);
        Ok(FileStore { folders, options, recovery, shared, _lock: lock })
    }

    /// What opening found out. Tell somebody about a [`Cut`].
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// Brings all projections up to date, for whoever reads them while the store is open.
    ///
    /// # Errors
    /// [`StoreError::Poisoned`].
    pub fn project(&self) -> Result<(), StoreError> {
        self.shared.settled()?.project_all(&self.folders);
        Ok(())
    }

    fn room(&self) -> Result<Guard<'_>, StoreError> {
        self.shared.with_room(&self.folders, self.options.segment_bytes)
    }

    fn settled_room(&self) -> Result<Guard<'_>, StoreError> {
        self.shared.settled_with_room(&self.folders, self.options.segment_bytes)
    }

    fn append_now(&self, batches: &[(RunId, Batch)]) -> Result<(), StoreError> {
        let encoded = Encoded::of(batches)?;
        let mut state = self.room()?;
        let upto = if admit::all_follow(&state, batches) {
            state.queue_batches(batches, &encoded)
        } else {
            drop(state);
            state = self.settled_room()?;
            let fresh = admit::fresh(&mut state, &self.folders, batches)?;
            state.queue_batches(&fresh, &Encoded::of(&fresh)?)
        };
        let mut state = self.shared.commit(state, upto)?;
        for (run, batch) in batches {
            if super::memory::ends(batch.events()) {
                state.project(&self.folders, run);
            }
        }
        if state.pending > PENDING_BYTES_MAX {
            state.project_all(&self.folders);
        }
        Ok(())
    }

    fn lines(&self, state: &mut Guard<'_>, run: &RunId) -> Result<Vec<u8>, StoreError> {
        let (lines, freed) = project::lines_of(&self.folders, &mut state.index, run)?;
        state.pending = state.pending.saturating_sub(freed);
        Ok(lines)
    }

    /// The snapshot that is kept of a run.
    fn snapshot(&self, state: &Guard<'_>, run: &RunId) -> Result<Option<Snapshot>, StoreError> {
        let Some(at) = state.index.runs.get(run).and_then(|entry| entry.snapshot) else {
            return Ok(None);
        };
        let bytes = project::snapshot_line(&self.folders, &state.index, at)?;
        line::read(&bytes)
            .map_err(|_| "the line of a snapshot is not what was written".to_owned())
            .and_then(|line| line.snapshot())
            .map(Some)
            .map_err(|reason| {
                live::damaged(&state.index.segment(at.segment).path(&self.folders.log), 0, reason)
            })
    }

    fn compact_now(&self, run: &RunId, snapshot: &Snapshot) -> Result<(), StoreError> {
        let mut state = self.settled_room()?;
        let Some(entry) = state.index.runs.get(run) else {
            return Err(StoreError::UnknownRun { run: run.clone() });
        };
        let (last_seq, ended) = (entry.last_seq, entry.ended && entry.last_seq == snapshot.seq);
        if !snapshot.follows(run, self.snapshot(&state, run)?.as_ref(), last_seq)? {
            return self.tidy(state);
        }
        let lines = self.lines(&mut state, run)?;
        let mut bytes = Vec::new();
        let crc = line::write_snapshot(&mut bytes, run, snapshot, ended).map_err(|error| {
            StoreError::Encode { run: run.clone(), seq: snapshot.seq, reason: error.to_string() }
        })?;
        let (mut kept, mut digest) = (Vec::new(), 0);
        for bytes in lines.split_inclusive(|byte| *byte == b'\n') {
            if let Ok(line) = line::read(bytes)
                && line.seq > snapshot.seq
            {
                kept.extend_from_slice(bytes);
                digest = project::chain(digest, line.crc);
            }
        }
        let at = state.next_line(snapshot.seq, bytes.len() as u64, crc);
        let upto = state.queue(&bytes);
        state.index.take_snapshot(run.as_str(), at);
        let entry = state.index.runs.get_mut(run).expect("it was there above, under this lock");
        (entry.bytes, entry.digest, entry.projected) = (kept.len() as u64, digest, None);
        let (before, after) = (entry.pending.len(), kept.len());
        entry.pending = kept;
        state.pending = state.pending.saturating_sub(before) + after;
        let mut state = self.shared.commit(state, upto)?;
        state.project(&self.folders, run);
        project::write_snapshot(&self.folders, run, &bytes);
        drop(state);
        self.tidy(self.shared.settled()?)
    }

    fn remove_now(&self, run: &RunId) -> Result<(), StoreError> {
        let mut state = self.settled_room()?;
        let Some(entry) = state.index.runs.get(run) else { return Ok(()) };
        let mut bytes = Vec::new();
        line::write_removed(&mut bytes, run, entry.last_seq, entry.last_at);
        let pending = entry.pending.len();
        let segment = state.index.active().first;
        let upto = state.queue(&bytes);
        state.index.take_removal(run.as_str(), segment, bytes.len() as u64);
        state.pending = state.pending.saturating_sub(pending);
        let state = self.shared.commit(state, upto)?;
        if !state.index.runs.contains_key(run) {
            self.folders.forget(run);
        }
        drop(state);
        self.tidy(self.shared.settled()?)
    }

    fn tidy(&self, mut state: Guard<'_>) -> Result<(), StoreError> {
        let tidied = tidy::tidy(&self.folders, &mut state.index, self.options.segment_bytes);
        tidied.map_err(|trouble| match trouble.fatal {
            true => state.poisoned_by(trouble.error),
            false => trouble.error,
        })
    }
}

fn lock(path: PathBuf) -> Result<File, StoreError> {
    let failed = |error| StoreError::io("lock", &path, &error);
    let file =
        OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { lock: path }),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Projections without a log: it was lost, and a new one would in time wipe out what they hold.
fn refuse_orphans(folders: &Folders) -> Result<(), StoreError> {
    for folder in [&folders.runs, &folders.state] {
        let mut entries =
            fs::read_dir(folder).map_err(|error| StoreError::io("list", folder, &error))?;
        if entries.next().is_some() {
            let reason = format!("the log is missing, but {} is not empty", folder.display());
            return Err(live::damaged(&folders.log, 0, reason));
        }
    }
    Ok(())
}

#[async_trait]
impl RunStore for FileStore {
    async fn append(&self, batches: &[(RunId, Batch)]) -> Result<(), StoreError> {
        if batches.is_empty() {
            return self.shared.lock().map(drop);
        }
        self.append_now(batches)
    }

    async fn load(&self, run: &RunId) -> Result<Option<Past>, StoreError> {
        let mut state = self.shared.settled()?;
        if !state.index.runs.contains_key(run) {
            return Ok(None);
        }
        let snapshot = self.snapshot(&state, run)?;
        let lines = self.lines(&mut state, run)?;
        drop(state);
        let events = admit::decode(&self.folders, run, &lines)?;
        Ok(Some(Past { snapshot, events }))
    }

    async fn runs(&self) -> Result<Vec<RunEntry>, StoreError> {
        let state = self.shared.settled()?;
        let entries = state.index.runs.iter().map(|(run, entry)| RunEntry {
            run: run.clone(),
            last_seq: entry.last_seq,
            ended: entry.ended,
        });
        Ok(entries.collect())
    }

    async fn compact(&self, run: &RunId, snapshot: Snapshot) -> Result<(), StoreError> {
        self.compact_now(run, &snapshot)
    }

    async fn remove(&self, run: &RunId) -> Result<(), StoreError> {
        self.remove_now(run)
    }
}

impl Drop for FileStore {
    fn drop(&mut self) {
        if let Ok(mut state) = self.shared.settled() {
            state.project_all(&self.folders);
        }
    }
}
