//! Which lines of the log are still of use.

use std::collections::BTreeMap;
use std::path::Path;

use super::index::Index;
use super::line::{self, Body, Fault, Line};
use super::segment::{self, Segment};
use crate::id::RunId;
use crate::journal::StoreError;

/// Why a line of a file cannot be used.
pub(super) fn unreadable(path: &Path, number: u64, fault: &Fault) -> StoreError {
    let file = path.to_owned();
    match *fault {
        Fault::Broken(reason) => damaged(path, number, reason),
        Fault::Version(found) => {
            StoreError::Version { file, line: number, found, known: line::VERSION }
        }
    }
}

pub(super) fn damaged(path: &Path, line: u64, reason: impl Into<String>) -> StoreError {
    StoreError::Damaged { file: path.to_owned(), line, reason: reason.into() }
}

/// Calls `each` with the offset, the bytes and the content of every line of the segment that the index needs.
pub(super) fn live_lines(
    index: &Index,
    log: &Path,
    segment: &Segment,
    mut each: impl FnMut(u64, &[u8], &Line<'_>),
) -> Result<(), StoreError> {
    let path = segment.path(log);
    // A name that was used again has lines before its removal that are another run's.
    let mut removed: BTreeMap<RunId, u64> = BTreeMap::new();
    segment::lines(&path, |offset, number, bytes| {
        if line::looks_removed(bytes) {
            let line = line::read(bytes).map_err(|fault| unreadable(&path, number, &fault))?;
            removed.insert(run_id(&path, number, line.run)?, offset);
        }
        Ok(())
    })?;
    segment::lines(&path, |offset, number, bytes| {
        let line = line::read(bytes).map_err(|fault| unreadable(&path, number, &fault))?;
        let entry = index.runs.get(line.run);
        let before_removal = || removed.get(line.run).is_some_and(|at| offset < *at);
        let lives = match line.body {
            Body::Event(_) => entry.is_some_and(|entry| {
                line.seq > entry.base() && entry.lives_in(segment.first) && !before_removal()
            }),
            Body::Snapshot(_) => entry.and_then(|entry| entry.snapshot).is_some_and(|snapshot| {
                (snapshot.segment, snapshot.offset) == (segment.first, offset)
            }),
            Body::Removed => index
                .graves
                .iter()
                .any(|grave| grave.segment == segment.first && grave.run.as_str() == line.run),
        };
        if lives {
            each(offset, bytes, &line);
        }
        Ok(())
    })
}

pub(super) fn run_id(path: &Path, number: u64, run: &str) -> Result<RunId, StoreError> {
    RunId::parse(run).map_err(|error| damaged(path, number, error.to_string()))
}

/// The event lines of a run after its snapshot, as the log has them.
pub(super) fn lines_of(index: &Index, log: &Path, run: &RunId) -> Result<Vec<u8>, StoreError> {
    let Some(entry) = index.runs.get(run) else { return Ok(Vec::new()) };
    let mut found = Vec::with_capacity(usize::try_from(entry.bytes).unwrap_or(0));
    for extent in &entry.extents {
        live_lines(index, log, index.segment(extent.segment), |_, bytes, line| {
            if line.run == run.as_str() && matches!(line.body, Body::Event(_)) {
                found.extend_from_slice(bytes);
            }
        })?;
    }
    if found.len() as u64 != entry.bytes {
        let reason = format!("the log lacks events of run {run} that it had");
        return Err(damaged(log, 0, reason));
    }
    Ok(found)
}
