//! A search as it is written down: with a version, and checked when it is read.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::batch::Batch;
use crate::cost::Costs;
use crate::error::GaError;
use crate::generation::History;
use crate::optimizer::Optimizer;
use crate::search::Search;
use crate::stop::{Stop, StopReason};

/// The format that this version writes and reads. 1 was the generational algorithm alone.
const VERSION: u32 = 2;

#[derive(Serialize)]
struct SavedRef<'a, O> {
    version: u32,
    optimizer: &'a O,
    stop: &'a Stop,
    batch: &'a Batch,
    costs: &'a Costs,
    failures_of_batch: usize,
    generation: u32,
    evaluations: u64,
    failures: u64,
    best: &'a Option<(Vec<f64>, f64)>,
    stagnant: u32,
    history: &'a History,
    reason: Option<StopReason>,
}

#[derive(Deserialize)]
struct Saved<O> {
    #[serde(rename = "version", deserialize_with = "known_version")]
    _version: u32,
    optimizer: O,
    stop: Stop,
    batch: Batch,
    costs: Costs,
    failures_of_batch: usize,
    generation: u32,
    evaluations: u64,
    failures: u64,
    best: Option<(Vec<f64>, f64)>,
    stagnant: u32,
    history: History,
    reason: Option<StopReason>,
}

impl<O: Serialize> Serialize for Search<O> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SavedRef {
            version: VERSION,
            optimizer: &self.optimizer,
            stop: &self.stop,
            batch: &self.batch,
            costs: &self.costs,
            failures_of_batch: self.failures_of_batch,
            generation: self.generation,
            evaluations: self.evaluations,
            failures: self.failures,
            best: &self.best,
            stagnant: self.stagnant,
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
    let damaged = |what| Err(GaError::Damaged { what });
    saved.stop.check()?;
    let space = saved.optimizer.space();
    if saved.batch.dimension() != space.len()
        || saved.batch.points().any(|point| space.check(point).is_err())
    {
        return damaged("a candidate is not in the space");
    }
    if saved.costs.objectives() != 1 || saved.costs.len() > saved.batch.len() {
        return damaged("the costs and the candidates contradict each other");
    }
    if let Some((point, fitness)) = &saved.best
        && (space.check(point).is_err() || !fitness.is_finite())
    {
        return damaged("the best is not in the space");
    }
    if saved.failures > saved.evaluations {
        return damaged("there are more failures than evaluations");
    }
    Ok(Search {
        optimizer: saved.optimizer,
        stop: saved.stop,
        batch: saved.batch,
        costs: saved.costs,
        failures_of_batch: saved.failures_of_batch,
        generation: saved.generation,
        evaluations: saved.evaluations,
        failures: saved.failures,
        best: saved.best,
        stagnant: saved.stagnant,
        history: saved.history,
        reason: saved.reason,
    })
}
