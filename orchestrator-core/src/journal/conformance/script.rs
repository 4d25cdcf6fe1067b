//! The few words in which the checks are written.

use std::fmt::Debug;

use futures::executor::block_on;

use crate::id::RunId;
use crate::journal::{Batch, Past, RunStore, Snapshot, StoreError};
use crate::payload::Payload;
use crate::run::{Event, Recorded, RunResult};
use crate::time::Timestamp;

/// `Err` says what was found.
pub(super) type Outcome = Result<(), String>;

pub(super) fn id(name: &str) -> RunId {
    RunId::parse(name).expect("the checks use valid names")
}

/// An event that says something.
pub(super) fn says(seq: u64, text: &str) -> Recorded {
    let event = Event::CancelRequested { reason: text.to_owned() };
    Recorded { seq, at: Timestamp(1_000 + seq), event }
}

/// The event of that seq in a run that tells its own name.
pub(super) fn event(run: &RunId, seq: u64) -> Recorded {
    says(seq, &format!("{run} {seq}"))
}

pub(super) fn ended(seq: u64) -> Recorded {
    let result = RunResult::Cancelled { reason: "enough".to_owned() };
    Recorded {
        seq,
        at: Timestamp(1_000 + seq),
        event: Event::RunEnded { result, uncompensated: Vec::new() },
    }
}

pub(super) fn events(run: &RunId, seqs: std::ops::RangeInclusive<u64>) -> Vec<Recorded> {
    seqs.map(|seq| event(run, seq)).collect()
}

pub(super) fn batch(events: Vec<Recorded>) -> Batch {
    Batch::new(events).expect("the checks make whole batches")
}

/// An entry of an append: events of that run, from one seq to another.
pub(super) fn part(run: &RunId, seqs: std::ops::RangeInclusive<u64>) -> (RunId, Batch) {
    (run.clone(), batch(events(run, seqs)))
}

pub(super) fn snapshot(seq: u64, text: &str) -> Snapshot {
    Snapshot { v: 7, seq, at: Timestamp(1_000 + seq), state: Payload::text(text) }
}

pub(super) fn append(store: &dyn RunStore, parts: &[(RunId, Batch)]) -> Outcome {
    block_on(store.append(parts)).map_err(|error| format!("an append that fits failed: {error}"))
}

pub(super) fn compact(store: &dyn RunStore, run: &RunId, snapshot: Snapshot) -> Outcome {
    block_on(store.compact(run, snapshot))
        .map_err(|error| format!("a compaction that fits failed: {error}"))
}

pub(super) fn remove(store: &dyn RunStore, run: &RunId) -> Outcome {
    block_on(store.remove(run)).map_err(|error| format!("a removal failed: {error}"))
}

pub(super) fn load(store: &dyn RunStore, run: &RunId) -> Result<Option<Past>, String> {
    block_on(store.load(run)).map_err(|error| format!("loading run {run} failed: {error}"))
}

pub(super) fn refused(
    what: &str,
    result: Result<(), StoreError>,
    expected: impl FnOnce(&StoreError) -> bool,
) -> Outcome {
    match result {
        Ok(()) => Err(format!("{what} was accepted")),
        Err(error) if expected(&error) => Ok(()),
        Err(error) => Err(format!("{what} was refused with the wrong error: {error:?}")),
    }
}

pub(super) fn same<T: PartialEq + Debug>(what: &str, found: T, expected: T) -> Outcome {
    if found == expected {
        return Ok(());
    }
    let short = |value: &T| {
        let text = format!("{value:?}");
        // A mebibyte of payload tells nobody anything.
        if text.chars().count() > 600 {
            text.chars().take(600).collect::<String>() + "…"
        } else {
            text
        }
    };
    Err(format!("{what} is {}, not {}", short(&found), short(&expected)))
}

/// The run has exactly these events, and no snapshot.
pub(super) fn holds(store: &dyn RunStore, run: &RunId, events: Vec<Recorded>) -> Outcome {
    let stored = Past { snapshot: None, events };
    same(&format!("run {run}"), load(store, run)?, Some(stored))
}

/// Nothing is known of the run, in the list neither.
pub(super) fn knows_not(store: &dyn RunStore, run: &RunId) -> Outcome {
    same(&format!("run {run}"), load(store, run)?, None)?;
    let listed = list(store)?.iter().any(|(listed, _, _)| listed == run.as_str());
    same(&format!("whether run {run} is listed"), listed, false)
}

/// Id, last seq and end of every run.
pub(super) fn list(store: &dyn RunStore) -> Result<Vec<(String, u64, bool)>, String> {
    let entries =
        block_on(store.runs()).map_err(|error| format!("listing runs failed: {error}"))?;
    Ok(entries
        .into_iter()
        .map(|entry| (entry.run.as_str().to_owned(), entry.last_seq, entry.ended))
        .collect())
}
