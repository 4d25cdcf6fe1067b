//! A search over many objectives as it is written down: with a version, and checked when it is read.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::objectives::Objectives;
use super::outcome::ParetoGeneration;
use super::scratch::Scratch;
use super::search::{ParetoSearch, check};
use crate::error::GaError;
use crate::generation::History;
use crate::optimizer::Optimizer;
use crate::pending::Pending;
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
    stagnant: u32,
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
    stagnant: u32,
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
            stagnant: self.stagnant,
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
    let Saved {
        _version,
        optimizer,
        objectives,
        reference,
        stop,
        pending,
        feasible,
        stagnant,
        history,
        reason,
    } = saved;
    check(&optimizer, &objectives, reference.as_deref(), &stop)?;
    pending.check(optimizer.space(), objectives.len())?;
    history.check()?;
    if history.rows().iter().any(|row| row.failures > row.evaluations) {
        let what = "its history has more failures than evaluations";
        return Err(GaError::Damaged { what });
    }
    if reference.is_none() && history.rows().iter().any(|row| row.hypervolume.is_some()) {
        let what = "its history has hypervolumes without a reference point";
        return Err(GaError::Damaged { what });
    }
    Ok(ParetoSearch {
        optimizer,
        objectives,
        reference,
        stop,
        pending,
        feasible,
        stagnant,
        history,
        reason,
        scratch: Scratch::default(),
    })
}
