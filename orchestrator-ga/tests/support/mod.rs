//! What the tests of a search share.
#![allow(dead_code)] // Each test file uses its part.

use orchestrator_core::{ParameterSpace, Payload, Seed};
use orchestrator_ga::{Ga, GaConfig, Search, Stop};
use serde::Serialize;

/// Its maximum is 0, where all values are 0.3.
pub(crate) fn sphere(x: &[f64]) -> f64 {
    -x.iter().map(|v| (v - 0.3).powi(2)).sum::<f64>()
}

pub(crate) fn space() -> ParameterSpace {
    ParameterSpace::uniform(4, -1.0, 1.0).unwrap()
}

/// The documents' preset or another over their 30 generations.
pub(crate) fn search(config: GaConfig, seed: u64) -> Search<Ga> {
    Ga::search(space(), config, Seed(seed)).unwrap()
}

/// The documents' preset under these rules.
pub(crate) fn until(stop: Stop, seed: u64) -> Search<Ga> {
    Search::new(Ga::new(space(), GaConfig::documents(), Seed(seed)).unwrap(), stop).unwrap()
}

/// All of a state, in one spelling.
pub(crate) fn bytes(state: &impl Serialize) -> Payload {
    Payload::of(state).unwrap()
}
