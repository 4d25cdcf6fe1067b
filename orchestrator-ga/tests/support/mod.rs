//! What the tests of a search share.
#![allow(dead_code)] // Each test file uses its part.

use orchestrator_core::{ParameterSpace, Payload, Seed};
use orchestrator_ga::{CmaConfig, DeConfig, Ga, GaConfig, Method, Search, Stop};
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

/// Every method that can be chosen at run time.
pub(crate) fn methods() -> Vec<Method> {
    vec![
        Method::Genetic(GaConfig { generations: 50, ..GaConfig::documents() }),
        Method::Differential(DeConfig::for_budget(4, 500)),
        Method::CmaEs(CmaConfig::default()),
        Method::Auto { evaluations: 500 },
    ]
}

/// A fitness for any space: how near each coordinate is to a place of its own within its bounds.
pub(crate) fn landscape(space: &ParameterSpace) -> impl Fn(&[f64]) -> f64 + use<> {
    let bounds = space.bounds().to_vec();
    move |point: &[f64]| {
        let terms = point.iter().zip(&bounds).enumerate().map(|(at, (value, bounds))| {
            let share = (value - bounds.min) / bounds.width().max(f64::MIN_POSITIVE);
            (share - ((at + 1) as f64 * 0.618).fract()).powi(2)
        });
        -terms.sum::<f64>()
    }
}
