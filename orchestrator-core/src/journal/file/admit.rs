//! Which batches are new, which are there already, and which cannot be taken.

use std::collections::BTreeMap;

use super::commit::State;
use super::line;
use super::live::damaged;
use super::project::{self, Folders};
use crate::id::RunId;
use crate::journal::{Batch, StoreError};
use crate::run::Recorded;

/// Whether every batch begins where its run ends; no run twice is told from the order of names, so that the usual case costs one look-up
/// a batch. Others are for [`fresh`] to judge.
pub(super) fn all_follow(state: &State, batches: &[(RunId, Batch)]) -> bool {
    let last_seq = |run| state.index.runs.get(run).map_or(0, |entry| entry.last_seq);
    if batches.is_sorted_by(|before, after| before.0 < after.0) {
        return batches.iter().all(|(run, batch)| batch.first() == last_seq(run) + 1);
    }
    let mut ends: BTreeMap<&RunId, u64> = BTreeMap::new();
    batches.iter().all(|(run, batch)| {
        let end = ends.entry(run).or_insert_with(|| last_seq(run));
        let follows = batch.first() == *end + 1;
        *end = batch.last();
        follows
    })
}

/// What of a run is there already, while a call is judged.
struct Known {
    /// The first event kept, and all from it on.
    oldest: u64,
    events: Vec<Recorded>,
}

/// The parts of the batches that are not there yet, once the rest has been found equal to what is. What was queued must be on disk.
pub(super) fn fresh(
    state: &mut State,
    folders: &Folders,
    batches: &[(RunId, Batch)],
) -> Result<Vec<(RunId, Batch)>, StoreError> {
    let mut known: BTreeMap<&RunId, Known> = BTreeMap::new();
    let mut fresh = Vec::new();
    for (run, batch) in batches {
        if !known.contains_key(run) {
            known.insert(run, kept(state, folders, run)?);
        }
        let known = known.get_mut(run).expect("it was just put there");
        let wanted = known.oldest + known.events.len() as u64;
        if batch.first() > wanted {
            return Err(StoreError::Gap { run: run.clone(), wanted, found: batch.first() });
        }
        let duplicates = batch.events().iter().take_while(|recorded| recorded.seq < wanted);
        let count = duplicates.clone().count();
        for recorded in duplicates {
            let (run, seq, oldest) = (run.clone(), recorded.seq, known.oldest);
            if seq < oldest {
                return Err(StoreError::Trimmed { run, seq, oldest });
            }
            let at = usize::try_from(seq - oldest).expect("it is below the number of events");
            if !same(&known.events[at], recorded) {
                return Err(StoreError::Conflict { run, seq });
            }
        }
        let new = batch.events()[count..].to_vec();
        known.events.extend_from_slice(&new);
        if !new.is_empty() {
            fresh.push((run.clone(), Batch::new(new).expect("the end of a batch is a batch")));
        }
    }
    Ok(fresh)
}

/// Equal as bytes, which is how they are kept: a float that is no number equals itself.
fn same(kept: &Recorded, new: &Recorded) -> bool {
    kept == new
        || (kept.at == new.at
            && serde_json::to_vec(&kept.event).ok() == serde_json::to_vec(&new.event).ok())
}

fn kept(state: &mut State, folders: &Folders, run: &RunId) -> Result<Known, StoreError> {
    let Some(entry) = state.index.runs.get(run) else {
        return Ok(Known { oldest: 1, events: Vec::new() });
    };
    let oldest = entry.base() + 1;
    let (bytes, freed) = project::lines_of(folders, &mut state.index, run)?;
    state.pending = state.pending.saturating_sub(freed);
    Ok(Known { oldest, events: decode(folders, run, &bytes)? })
}

/// The events in lines whose checksums have been looked at.
pub(super) fn decode(
    folders: &Folders,
    run: &RunId,
    bytes: &[u8],
) -> Result<Vec<Recorded>, StoreError> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    lines
        .zip(1..)
        .map(|(bytes, number)| {
            let line = line::read(bytes).map_err(|_| "its checksum does not fit".to_owned());
            line.and_then(|line| line.recorded())
                .map_err(|reason| damaged(&folders.run(run), number, reason))
        })
        .collect()
}
