//! What several tests need.
#![allow(dead_code, unreachable_pub)] // Each test uses its part.

use orchestrator_core::{ParameterSpace, Payload};
use serde::Serialize;

/// The canonical bytes of a state.
pub fn bytes<T: Serialize>(state: &T) -> Payload {
    Payload::of(state).unwrap()
}

/// A fitness for any space: how near each coordinate is to a place of its own within its bounds.
pub fn landscape(space: &ParameterSpace) -> impl Fn(&[f64]) -> f64 + use<> {
    let bounds = space.bounds().to_vec();
    move |point: &[f64]| {
        let terms = point.iter().zip(&bounds).enumerate().map(|(at, (value, bounds))| {
            let share = (value - bounds.min) / bounds.width().max(f64::MIN_POSITIVE);
            (share - ((at + 1) as f64 * 0.618).fract()).powi(2)
        });
        -terms.sum::<f64>()
    }
}
