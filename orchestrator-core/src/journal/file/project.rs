//! Projections: `.runs/RUN.jsonl`, the events of a run after its snapshot, and `.state/RUN.json`, the snapshot.
//!
//! They hold the very lines of the log and are written without waiting for the disk. Nothing depends on them: a projection counts as
//! fresh if it has the length that the log gives, every line has its checksum, and the checksum of those checksums is the one that
//! the log gives; otherwise it is written anew out of the log.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::crc;
use super::index::{Index, RunIndex, SnapshotAt};
use super::line::{self, Body};
use super::live;
use super::name::file_name;
use crate::id::RunId;
use crate::journal::StoreError;

/// The folders of a store.
#[derive(Debug, Clone)]
pub(super) struct Folders {
    pub(super) log: PathBuf,
    pub(super) runs: PathBuf,
    pub(super) state: PathBuf,
}

impl Folders {
    pub(super) fn of(dir: &Path) -> Folders {
        Folders { log: dir.join("log"), runs: dir.join(".runs"), state: dir.join(".state") }
    }

    pub(super) fn run(&self, run: &RunId) -> PathBuf {
        self.runs.join(file_name(run) + ".jsonl")
    }

    pub(super) fn snapshot(&self, run: &RunId) -> PathBuf {
        self.state.join(file_name(run) + ".json")
    }

    /// Deletes the projections of a run. That this may fail is no harm: what is left is found stale.
    pub(super) fn forget(&self, run: &RunId) {
        let _ = fs::remove_file(self.run(run));
        let _ = fs::remove_file(self.snapshot(run));
    }
}

/// The checksum of the lines' checksums.
pub(super) fn chain(digest: u32, line_crc: u32) -> u32 {
    crc::extend(digest, &line_crc.to_le_bytes())
}

/// Brings the projection of a run up to date, as far as the file system lets us; gives how many bytes are no longer pending.
pub(super) fn flush(folders: &Folders, run: &RunId, entry: &mut RunIndex) -> usize {
    let path = folders.run(run);
    let whole = entry.projected.is_none();
    if (whole && entry.pending.len() as u64 != entry.bytes) || (!whole && entry.pending.is_empty())
    {
        return 0;
    }
    let written = if entry.bytes == 0 {
        fs::remove_file(&path).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        })
    } else {
        OpenOptions::new()
            .create(true)
            .write(true)
            .append(!whole)
            .truncate(whole)
            .open(&path)
            .and_then(|mut file| file.write_all(&entry.pending))
    };
    entry.projected = written.is_ok().then_some(entry.bytes);
    let freed = entry.pending.len();
    entry.pending = Vec::new();
    freed
}

/// The event lines of a run after its snapshot: out of the projection if it is fresh, else out of the log. What was queued must be on
/// disk. Gives how many bytes are no longer pending, too.
pub(super) fn lines_of(
    folders: &Folders,
    index: &mut Index,
    run: &RunId,
) -> Result<(Vec<u8>, usize), StoreError> {
    let Some(entry) = index.runs.get_mut(run) else { return Ok((Vec::new(), 0)) };
    if entry.bytes == 0 {
        return Ok((Vec::new(), 0));
    }
    let mut freed = flush(folders, run, entry);
    if entry.projected.is_some()
        && let Ok(bytes) = fs::read(folders.run(run))
        && is_fresh(entry, run, &bytes)
    {
        return Ok((bytes, freed));
    }
    let bytes = live::lines_of(index, &folders.log, run)?;
    let entry = index.runs.get_mut(run).expect("it was there above");
    freed += entry.pending.len();
    (entry.projected, entry.pending) = (None, bytes.clone());
    flush(folders, run, entry);
    Ok((bytes, freed))
}

fn is_fresh(entry: &RunIndex, run: &RunId, bytes: &[u8]) -> bool {
    if bytes.len() as u64 != entry.bytes {
        return false;
    }
    let mut digest = 0;
    for bytes in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line::read(bytes) {
            Ok(line) if line.run == run.as_str() => digest = chain(digest, line.crc),
            Ok(_) | Err(_) => return false,
        }
    }
    digest == entry.digest
}

/// The line of a snapshot, from the log.
pub(super) fn snapshot_line(
    folders: &Folders,
    index: &Index,
    at: SnapshotAt,
) -> Result<Vec<u8>, StoreError> {
    let path = index.segment(at.segment).path(&folders.log);
    let read = || {
        let mut bytes = vec![0; usize::try_from(at.bytes).unwrap_or(0)];
        let mut file = File::open(&path)?;
        file.seek(SeekFrom::Start(at.offset))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|error| StoreError::io("read", &path, &error))
}

/// Writes the projection of a snapshot, if the file system lets us.
pub(super) fn write_snapshot(folders: &Folders, run: &RunId, line: &[u8]) {
    let path = folders.snapshot(run);
    let tmp = path.with_extension("json.tmp");
    let _ = fs::write(&tmp, line).and_then(|()| fs::rename(&tmp, &path));
}

/// Finds the projections that are stale after opening and writes them anew in one pass over the log, with at most `bytes_max` in
/// memory; gives how many runs that concerned. Length alone is looked at here; the rest when a run is loaded.
pub(super) fn rebuild(
    folders: &Folders,
    index: &mut Index,
    bytes_max: usize,
) -> Result<u64, StoreError> {
    let length = |path: PathBuf| fs::metadata(path).map_or(0, |file| file.len());
    let mut stale: BTreeMap<RunId, Vec<u8>> = BTreeMap::new();
    let mut snapshots = Vec::new();
    for (run, entry) in &mut index.runs {
        entry.projected = Some(entry.bytes);
        if length(folders.run(run)) != entry.bytes {
            // Emptied at once; if that fails, so will what follows, and the run is read from the log.
            let _ = fs::remove_file(folders.run(run));
            stale.insert(run.clone(), Vec::new());
        }
        if let Some(at) = entry.snapshot
            && length(folders.snapshot(run)) != at.bytes
        {
            snapshots.push((run.clone(), at));
        }
    }
    let rebuilt = stale.keys().chain(snapshots.iter().map(|(run, _)| run));
    let rebuilt = rebuilt.collect::<std::collections::BTreeSet<_>>().len() as u64;
    for (run, at) in snapshots {
        write_snapshot(folders, &run, &snapshot_line(folders, index, at)?);
    }
    let mut pending = 0;
    for segment in &index.segments {
        if !stale.keys().any(|run| index.runs[run].lives_in(segment.first)) {
            continue;
        }
        live::live_lines(index, &folders.log, segment, |_, bytes, line| {
            if let Body::Event(_) = line.body
                && let Some(lines) = stale.get_mut(line.run)
            {
                lines.extend_from_slice(bytes);
                pending += bytes.len();
                if pending > bytes_max {
                    append_all(folders, &mut stale);
                    pending = 0;
                }
            }
        })?;
    }
    append_all(folders, &mut stale);
    Ok(rebuilt)
}

/// What cannot be written shows when the run is loaded.
fn append_all(folders: &Folders, lines: &mut BTreeMap<RunId, Vec<u8>>) {
    for (run, lines) in lines {
        if !lines.is_empty() {
            let _ = OpenOptions::new()
                .create(true)
                .append(true)
                .open(folders.run(run))
                .and_then(|mut file| file.write_all(lines));
            *lines = Vec::new();
        }
    }
}
