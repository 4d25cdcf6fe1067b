//! A search over many objectives as it is written down: with a version, and checked when it is read.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::objectives::Objectives;
use super::outcome::ParetoGeneration;
use super::search::{ParetoSearch, check};
use crate::error::GaError;
use crate::generation::History;
use crate::optimizer::Optimizer;
use crate::pending::Pending;
use crate::scratch::Scratch;
use crate::stop::{Stop, StopReason};

/// The format that this version writes and reads.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct SavedRef<'a, O> {
    version: u32,
    optimizer: &'a O,
    objectives: &'a Objectives,
    reference: &'a Option<Vec<f64>>,
    stop: &'a Stop,
    pending: &'a Pending,
    feasible: bool,
    improved_to: Option<f64>,
    improved_at: u64,
    stagnant: u32,
    given: usize,
    elapsed: Duration,
    history: &'a History<ParetoGeneration>,
    reason: Option<StopReason>,
}

#[derive(Deserialize)]
struct Saved<O> {
    #[serde(rename = "version", deserialize_with = "known_version")]
    _version: u32,
    optimizer: O,
    objectives: Objectives,
    reference: Option<Vec<f64>>,
    stop: Stop,
    pending: Pending,
    feasible: bool,
    improved_to: Option<f64>,
    improved_at: u64,
    stagnant: u32,
    given: usize,
    elapsed: Duration,
    history: History<ParetoGeneration>,
    reason: Option<StopReason>,
}

impl<O: Serialize> Serialize for ParetoSearch<O> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SavedRef {
            version: VERSION,
            optimizer: &self.optimizer,
            objectives: &self.objectives,
            reference: &self.reference,
            stop: &self.stop,
            pending: &self.pending,
            feasible: self.feasible,
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

impl<'de, O: Optimizer + Deserialize<'de>> Deserialize<'de> for ParetoSearch<O> {
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

fn checked<O: Optimizer>(saved: Saved<O>) -> Result<ParetoSearch<O>, GaError> {
    check(&saved.optimizer, &saved.objectives, saved.reference.as_deref(), &saved.stop)?;
    let search = ParetoSearch {
        optimizer: saved.optimizer,
        objectives: saved.objectives,
        reference: saved.reference,
        stop: saved.stop,
        pending: saved.pending,
        feasible: saved.feasible,
        improved_to: saved.improved_to,
        improved_at: saved.improved_at,
        stagnant: saved.stagnant,
        given: saved.given,
        elapsed: saved.elapsed,
        history: saved.history,
        reason: saved.reason,
        scratch: Scratch::default(),
    };
    match contradiction(&search) {
        Some(what) => Err(GaError::Damaged { what }),
        None => Ok(search),
    }
}

/// What cannot be so in any search.
fn contradiction<O: Optimizer>(search: &ParetoSearch<O>) -> Option<&'static str> {
    let pending = &search.pending;
    if let Some(what) = pending.contradiction(search.optimizer.space(), search.objectives.len()) {
        return Some(what);
    }
    let rows = search.history.rows();
    let measured = search.reference.is_some();
    let unscored = pending.failures + pending.infeasible;
    let rules = [
        (
            rows.len() as u64 == search.history.rows_of(pending.generation),
            "its history is of another length",
        ),
        (
            rows.iter().all(|row| row.hypervolume.is_some() == measured),
            "its history and its reference point contradict each other",
        ),
        (
            search.improved_to.is_some() == (measured && pending.generation > 0)
                && search.improved_to.is_none_or(|volume| volume >= 0.0 && volume.is_finite()),
            "an improvement without a measure",
        ),
        (search.improved_at <= pending.evaluations, "it has improved in the future"),
        (search.stagnant <= pending.generation, "it has stagnated for longer than it runs"),
        (
            search.feasible == (pending.evaluations > unscored),
            "what was found and what was evaluated contradict each other",
        ),
        (
            search.reason.is_some() || search.stop.reason(&search.standing()).is_none(),
            "it goes on after its end",
        ),
        (search.reason != Some(StopReason::Interrupted), "it was interrupted, which is no end"),
    ];
    rules.into_iter().find(|(holds, _)| !holds).map(|(_, what)| what)
}
