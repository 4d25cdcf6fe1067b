//! Checks of what goes in.

use futures::executor::block_on;

use super::Subject;
use super::script::{
    Outcome, append, batch, event, events, holds, id, knows_not, part, refused, says,
};
use crate::journal::StoreError;

const THREADS: u64 = 4;
const APPENDS: u64 = 25;

pub(super) fn order(subject: &mut dyn Subject) -> Outcome {
    let (store, run) = (subject.fresh(), id("run"));
    append(&*store, &[part(&run, 1..=1)])?;
    append(&*store, &[part(&run, 2..=5)])?;
    append(&*store, &[part(&run, 6..=12)])?;
    holds(&*store, &run, events(&run, 1..=12))
}

pub(super) fn many_runs(subject: &mut dyn Subject) -> Outcome {
    let store = subject.fresh();
    let runs: Vec<_> = (0..100).map(|number| id(&format!("run-{number}"))).collect();
    for round in 0..3 {
        let parts: Vec<_> =
            runs.iter().map(|run| part(run, 2 * round + 1..=2 * round + 2)).collect();
        append(&*store, &parts)?;
    }
    runs.iter().try_for_each(|run| holds(&*store, run, events(run, 1..=6)))
}

pub(super) fn twice_in_one_call(subject: &mut dyn Subject) -> Outcome {
    let (store, a, b) = (subject.fresh(), id("a"), id("b"));
    append(&*store, &[part(&b, 1..=1), part(&a, 1..=2), part(&b, 2..=2), part(&a, 2..=3)])?;
    holds(&*store, &a, events(&a, 1..=3))?;
    holds(&*store, &b, events(&b, 1..=2))?;
    let gap = block_on(store.append(&[part(&a, 4..=4), part(&a, 6..=6)]));
    refused("a gap between two batches of one call", gap, |error| {
        matches!(error, StoreError::Gap { wanted: 5, found: 6, .. })
    })?;
    holds(&*store, &a, events(&a, 1..=3))
}

pub(super) fn nothing(subject: &mut dyn Subject) -> Outcome {
    append(&*subject.fresh(), &[])
}

pub(super) fn gap(subject: &mut dyn Subject) -> Outcome {
    let (store, run) = (subject.fresh(), id("run"));
    let is_gap = |wanted, found| {
        let run = run.clone();
        move |error: &StoreError| *error == StoreError::Gap { run, wanted, found }
    };
    let late = block_on(store.append(&[part(&run, 2..=3)]));
    refused("a run that begins with seq 2", late, is_gap(1, 2))?;
    knows_not(&*store, &run)?;
    append(&*store, &[part(&run, 1..=3)])?;
    let gap = block_on(store.append(&[part(&run, 5..=6)]));
    refused("seq 5 after seq 3", gap, is_gap(4, 5))?;
    holds(&*store, &run, events(&run, 1..=3))?;
    append(&*store, &[part(&run, 4..=4)])
}

pub(super) fn duplicate(subject: &mut dyn Subject) -> Outcome {
    let (store, run) = (subject.fresh(), id("run"));
    append(&*store, &[part(&run, 1..=3)])?;
    append(&*store, &[part(&run, 1..=3)])?;
    append(&*store, &[part(&run, 2..=2)])?;
    holds(&*store, &run, events(&run, 1..=3))?;
    append(&*store, &[part(&run, 2..=5)])?;
    append(&*store, &[part(&run, 6..=6)])?;
    holds(&*store, &run, events(&run, 1..=6))
}

pub(super) fn conflict(subject: &mut dyn Subject) -> Outcome {
    let (store, run) = (subject.fresh(), id("run"));
    append(&*store, &[part(&run, 1..=3)])?;
    let is_conflict = |seq| {
        let run = run.clone();
        move |error: &StoreError| *error == StoreError::Conflict { run, seq }
    };
    let other = block_on(store.append(&[(run.clone(), batch(vec![says(3, "other")]))]));
    refused("another event at seq 3", other, is_conflict(3))?;
    let mut time = event(&run, 2);
    time.at.0 += 1;
    let other = block_on(store.append(&[(run.clone(), batch(vec![time, event(&run, 3)]))]));
    refused("the same event at another time", other, is_conflict(2))?;
    let mixed = vec![event(&run, 2), says(3, "other"), event(&run, 4)];
    let other = block_on(store.append(&[(run.clone(), batch(mixed))]));
    refused("another event between a duplicate and a new one", other, is_conflict(3))?;
    holds(&*store, &run, events(&run, 1..=3))
}

pub(super) fn all_or_nothing(subject: &mut dyn Subject) -> Outcome {
    let (store, a, b, c) = (subject.fresh(), id("a"), id("b"), id("c"));
    append(&*store, &[part(&a, 1..=2), part(&b, 1..=1)])?;
    let parts = [part(&a, 3..=4), part(&c, 1..=1), part(&b, 3..=3)];
    refused("a gap in the last of three batches", block_on(store.append(&parts)), |error| {
        matches!(error, StoreError::Gap { .. })
    })?;
    holds(&*store, &a, events(&a, 1..=2))?;
    holds(&*store, &b, events(&b, 1..=1))?;
    knows_not(&*store, &c)?;
    append(&*store, &[part(&a, 3..=3), part(&b, 2..=2), part(&c, 1..=1)])
}

pub(super) fn concurrent(subject: &mut dyn Subject) -> Outcome {
    let store = subject.fresh();
    let runs_of = |thread: u64| [id(&format!("left-{thread}")), id(&format!("right-{thread}"))];
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let store = &*store;
                scope.spawn(move || {
                    let [left, right] = runs_of(thread);
                    (1..=APPENDS).try_for_each(|n| {
                        append(store, &[part(&left, n..=n), part(&right, 2 * n - 1..=2 * n)])?;
                        holds(store, &left, events(&left, 1..=n))
                    })
                })
            })
            .collect();
        let join = |thread: std::thread::ScopedJoinHandle<'_, Outcome>| {
            thread.join().unwrap_or_else(|_| Err("the store panicked in a thread".to_owned()))
        };
        threads.into_iter().map(join).collect()
    });
    outcomes.into_iter().collect::<Outcome>()?;
    (0..THREADS).try_for_each(|thread| {
        let [left, right] = runs_of(thread);
        holds(&*store, &left, events(&left, 1..=APPENDS))?;
        holds(&*store, &right, events(&right, 1..=2 * APPENDS))
    })
}
