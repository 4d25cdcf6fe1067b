//! A search as it is written down: with a version, and checked when it is read.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::candidates::Scores;
use crate::error::GaError;
use crate::generation::History;
use crate::optimizer::Optimizer;
use crate::pending::Pending;
use crate::search::Search;
use crate::stop::{Stop, StopReason};

/// The format that this version writes and reads. 1 was the generational algorithm alone; in 2 the parts of what is pending stood by
/// themselves.
const VERSION: u32 = 3;

#[derive(Serialize)]
struct SavedRef<'a, O> {
    version: u32,
    optimizer: &'a O,
    stop: &'a Stop,
    pending: &'a Pending,
    best: &'a Option<(Vec<f64>, f64)>,
    nearest: &'a Option<(Vec<f64>, f64)>,
    improved_to: Option<(f64, f64)>,
    improved_at: u64,
    stagnant: u32,
    given: usize,
    elapsed: Duration,
    history: &'a History,
    reason: Option<StopReason>,
}

#[derive(Deserialize)]
struct Saved<O> {
    #[serde(rename = "version", deserialize_with = "known_version")]
    _version: u32,
    optimizer: O,
    stop: Stop,
    pending: Pending,
    best: Option<(Vec<f64>, f64)>,
    nearest: Option<(Vec<f64>, f64)>,
    improved_to: Option<(f64, f64)>,
    improved_at: u64,
    stagnant: u32,
    given: usize,
    elapsed: Duration,
    history: History,
    reason: Option<StopReason>,
}

impl<O: Serialize> Serialize for Search<O> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SavedRef {
            version: VERSION,
            optimizer: &self.optimizer,
            stop: &self.stop,
            pending: &self.pending,
            best: &self.best,
            nearest: &self.nearest,
            improved_to: self.improved_to,
            improved_at: self.improved_at,
            stagnant: self.stagnant,
            given: self.given,
            elapsed: self.elapsed,
            history: &self.history,
            reason: self.reason,
        }
        .serialize(serializer)
    }
}

impl<'de, O: Optimizer + Deserialize<'de>> Deserialize<'de> for Search<O> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let saved = Saved::deserialize(deserializer)?;
        checked(saved).map_err(serde::de::Error::custom)
    }
}

fn known_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        VERSION => Ok(VERSION),
        found => Err(serde::de::Error::custom(GaError::Version { found, known: VERSION })),
    }
}

fn checked<O: Optimizer>(saved: Saved<O>) -> Result<Search<O>, GaError> {
    saved.stop.check()?;
    let search = Search {
        optimizer: saved.optimizer,
        stop: saved.stop,
        pending: saved.pending,
        best: saved.best,
        nearest: saved.nearest,
        improved_to: saved.improved_to,
        improved_at: saved.improved_at,
        stagnant: saved.stagnant,
        given: saved.given,
        elapsed: saved.elapsed,
        history: saved.history,
        reason: saved.reason,
        scores: Scores::new(),
    };
    match contradiction(&search) {
        Some(what) => Err(GaError::Damaged { what }),
        None => Ok(search),
    }
}

/// What cannot be so in any search.
fn contradiction<O: Optimizer>(search: &Search<O>) -> Option<&'static str> {
    let space = search.optimizer.space();
    let pending = &search.pending;
    if let Some(what) = pending.contradiction(space, 1) {
        return Some(what);
    }
    let known = |found: &Option<(Vec<f64>, f64)>| {
        found.as_ref().is_none_or(|(point, value)| space.check(point).is_ok() && value.is_finite())
    };
    let anything = search.best.is_some() || search.nearest.is_some();
    let rows = search.history.rows().len() as u64;
    let rules = [
        (search.optimizer.objectives() == 1, "its method has several objectives"),
        (known(&search.best), "the best is not in the space"),
        (known(&search.nearest), "the nearest is not in the space"),
        (
            search.nearest.as_ref().is_none_or(|(_, violation)| *violation > 0.0),
            "the nearest breaks no constraint",
        ),
        (
            search.best.is_none() || search.nearest.is_none(),
            "there are a best and a nearest candidate",
        ),
        (
            anything == (pending.evaluations > pending.failures),
            "what was found and what was evaluated contradict each other",
        ),
        (search.improved_to.is_some() == anything, "an improvement without a candidate"),
        (
            search.improved_to.is_none_or(|(v, f)| v >= 0.0 && v.is_finite() && f.is_finite()),
            "an improvement that is no number",
        ),
        (search.improved_at <= pending.evaluations, "it has improved in the future"),
        (search.stagnant <= pending.generation, "it has stagnated for longer than it runs"),
        (rows == search.history.rows_of(pending.generation), "its history is of another length"),
        (
            search.reason.is_some() || search.stop.reason(&search.standing()).is_none(),
            "it goes on after its end",
        ),
        (search.reason != Some(StopReason::Interrupted), "it was interrupted, which is no end"),
    ];
    rules.into_iter().find(|(holds, _)| !holds).map(|(_, what)| what)
}
