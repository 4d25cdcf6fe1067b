//! Checks of what is kept, and for how long.

use futures::executor::block_on;

use super::Subject;
use super::script::{
    Outcome, append, batch, compact, ended, events, holds, id, knows_not, list, load, part,
    refused, remove, same, says, snapshot,
};
use crate::journal::{Past, StoreError};

const MEBIBYTE: usize = 1 << 20;

/// Names that a file system or a database may take for each other, or for something else.
const NAMES: [&str; 14] = [
    "run",
    "Run",
    "RUN",
    ".",
    "..",
    "...",
    "con",
    "CON",
    "ä",
    "Ä",
    "a\u{308}x",
    "日本語",
    "-",
    "%41",
];

pub(super) fn empty(subject: &mut dyn Subject) -> Outcome {
    let store = subject.fresh();
    knows_not(&*store, &id("run"))?;
    same("the list of runs", list(&*store)?, Vec::new())
}

pub(super) fn listing(subject: &mut dyn Subject) -> Outcome {
    let (store, a, b, c) = (subject.fresh(), id("a"), id("b"), id("B"));
    append(&*store, &[part(&b, 1..=2), part(&a, 1..=7), part(&c, 1..=1)])?;
    append(&*store, &[(b.clone(), batch(vec![ended(3)]))])?;
    let entry = |run: &str, last_seq, ended| (run.to_owned(), last_seq, ended);
    let expected = vec![entry("B", 1, false), entry("a", 7, false), entry("b", 3, true)];
    same("the list of runs", list(&*store)?, expected)
}

pub(super) fn unicode(subject: &mut dyn Subject) -> Outcome {
    let store = subject.fresh();
    // A name can have letters of any script; what is no name is left out.
    let names = NAMES.iter().filter_map(|name| crate::id::RunId::parse(name).ok());
    let longest = ["A".repeat(128), "ß".repeat(64), "z".repeat(128)];
    let runs: Vec<_> = names.chain(longest.iter().map(|name| id(name))).collect();
    let text = "\u{0}\u{1f} \" \\ \n \r\n \u{7f} \u{2028} é e\u{301} 漢字 \u{1F600} \u{10ffff}";
    for run in &runs {
        append(&*store, &[(run.clone(), batch(vec![says(1, &format!("{run}: {text}"))]))])?;
    }
    for run in &runs {
        holds(&*store, run, vec![says(1, &format!("{run}: {text}"))])?;
    }
    let mut expected: Vec<_> = runs.iter().map(|run| (run.as_str().to_owned(), 1, false)).collect();
    expected.sort();
    same("the list of runs", list(&*store)?, expected)
}

pub(super) fn large(subject: &mut dyn Subject) -> Outcome {
    let (store, run) = (subject.fresh(), id("run"));
    let long = "0123456789abcdeé".chars().cycle().take(MEBIBYTE).collect::<String>();
    let kept = vec![says(1, "short"), says(2, &long), says(3, "short")];
    append(&*store, &[(run.clone(), batch(kept.clone()))])?;
    holds(&*store, &run, kept)?;
    compact(&*store, &run, snapshot(2, &long))?;
    let stored = Past { snapshot: Some(snapshot(2, &long)), events: vec![says(3, "short")] };
    same("the compacted run", load(&*store, &run)?, Some(stored))
}

pub(super) fn compaction(subject: &mut dyn Subject) -> Outcome {
    let (store, run, other) = (subject.fresh(), id("run"), id("other"));
    append(&*store, &[part(&run, 1..=4), part(&other, 1..=4)])?;
    append(&*store, &[part(&run, 5..=8)])?;
    let compacted = |seq, upto| {
        let events = events(&run, seq + 1..=upto);
        Some(Past { snapshot: Some(snapshot(seq, "state")), events })
    };
    for (seq, what) in [(3, "in the middle of a batch"), (4, "at its end"), (8, "at the end")] {
        compact(&*store, &run, snapshot(seq, "state"))?;
        same(&format!("the run, compacted {what}"), load(&*store, &run)?, compacted(seq, 8))?;
        compact(&*store, &run, snapshot(seq, "state"))?;
    }
    append(&*store, &[part(&run, 9..=10)])?;
    same("the run, with events after its snapshot", load(&*store, &run)?, compacted(8, 10))?;
    append(&*store, &[part(&run, 9..=11)])?;
    same("the run after a duplicate", load(&*store, &run)?, compacted(8, 11))?;
    holds(&*store, &other, events(&other, 1..=4))?;
    let trimmed = block_on(store.append(&[part(&run, 8..=12)]));
    refused("an event that a snapshot took the place of", trimmed, |error| {
        *error == StoreError::Trimmed { run: run.clone(), seq: 8, oldest: 9 }
    })
}

pub(super) fn unfit_snapshots(subject: &mut dyn Subject) -> Outcome {
    let (store, run) = (subject.fresh(), id("run"));
    let unknown = block_on(store.compact(&run, snapshot(1, "state")));
    refused("a snapshot of an unknown run", unknown, |error| {
        *error == StoreError::UnknownRun { run: run.clone() }
    })?;
    append(&*store, &[part(&run, 1..=5)])?;
    let ahead = block_on(store.compact(&run, snapshot(6, "state")));
    refused("a snapshot of seq 6 where seq 5 is the last", ahead, |error| {
        *error == StoreError::SnapshotAhead { run: run.clone(), seq: 6, last: 5 }
    })?;
    holds(&*store, &run, events(&run, 1..=5))?;
    compact(&*store, &run, snapshot(4, "state"))?;
    for (seq, text, what) in
        [(3, "state", "an older snapshot"), (4, "other", "another one of the same seq")]
    {
        refused(what, block_on(store.compact(&run, snapshot(seq, text))), |error| {
            *error == StoreError::SnapshotBehind { run: run.clone(), seq, kept: 4 }
        })?;
    }
    let events = events(&run, 5..=5);
    let stored = Past { snapshot: Some(snapshot(4, "state")), events };
    same("the compacted run", load(&*store, &run)?, Some(stored))
}

pub(super) fn compacted_end(subject: &mut dyn Subject) -> Outcome {
    let (store, run, open) = (subject.fresh(), id("run"), id("open"));
    let mut kept = events(&run, 1..=2);
    kept.push(ended(3));
    append(&*store, &[(run.clone(), batch(kept)), part(&open, 1..=3)])?;
    compact(&*store, &run, snapshot(3, "over"))?;
    compact(&*store, &open, snapshot(3, "not over"))?;
    let entry = |run: &str, ended| (run.to_owned(), 3, ended);
    let expected = vec![entry("open", false), entry("run", true)];
    same("the list of runs", list(&*store)?, expected.clone())?;
    if let Some(store) = subject.reopen(store) {
        same("the list of runs after reopening", list(&*store)?, expected)?;
    }
    Ok(())
}

pub(super) fn removal(subject: &mut dyn Subject) -> Outcome {
    let (store, run, other) = (subject.fresh(), id("run"), id("other"));
    append(&*store, &[part(&run, 1..=5), part(&other, 1..=2)])?;
    compact(&*store, &run, snapshot(3, "state"))?;
    remove(&*store, &run)?;
    knows_not(&*store, &run)?;
    holds(&*store, &other, events(&other, 1..=2))?;
    remove(&*store, &run)?;
    let again = vec![says(1, "another life")];
    append(&*store, &[(run.clone(), batch(again.clone()))])?;
    holds(&*store, &run, again.clone())?;
    if let Some(store) = subject.reopen(store) {
        holds(&*store, &run, again)?;
        remove(&*store, &other)?;
        if let Some(store) = subject.reopen(store) {
            knows_not(&*store, &other)?;
        }
    }
    Ok(())
}

pub(super) fn reopening(subject: &mut dyn Subject) -> Outcome {
    let (mut store, a, b) = (subject.fresh(), id("a"), id("B"));
    for n in 1..=6 {
        append(&*store, &[part(&a, n..=n), part(&b, 2 * n - 1..=2 * n)])?;
        if n == 4 {
            compact(&*store, &b, snapshot(5, "state"))?;
        }
        let Some(opened) = subject.reopen(store) else { return Ok(()) };
        store = opened;
        holds(&*store, &a, events(&a, 1..=n))?;
        let (base, kept) = if n < 4 { (0, None) } else { (5, Some(snapshot(5, "state"))) };
        let stored = Past { snapshot: kept, events: events(&b, base + 1..=2 * n) };
        same("run B after reopening", load(&*store, &b)?, Some(stored))?;
        append(&*store, &[part(&a, n..=n), part(&b, 2 * n - 1..=2 * n)])
            .map_err(|error| format!("a duplicate after reopening: {error}"))?;
        let other = block_on(store.append(&[(a.clone(), batch(vec![says(n, "other")]))]));
        refused("another event after reopening", other, |error| {
            matches!(error, StoreError::Conflict { .. })
        })?;
    }
    let entry = |run: &str, last_seq| (run.to_owned(), last_seq, false);
    same("the list of runs", list(&*store)?, vec![entry("B", 12), entry("a", 6)])
}
