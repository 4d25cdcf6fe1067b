//! The documents' θ, and its space.
//!
//! ```
//! use orchestrator_core::{Parameters, WEIGHT_BOUNDS};
//! let space = Parameters::space(["complexity", "nulls"], ["layer_0"]);
//! assert_eq!(space.len(), 4);
//! let theta = Parameters::from_vector(&space, &[1.0, 0.5, 0.0, 1.0])?;
//! assert_eq!(theta.weights["complexity"], 1.0);
//! assert_eq!(theta.to_vector(), [1.0, 0.5, 0.0, 1.0]);
//! assert_eq!(space.bounds()[0], WEIGHT_BOUNDS);
//! # Ok::<(), orchestrator_core::ParameterError>(())
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bounds::Bounds;
use super::error::ParameterError;
use super::space::ParameterSpace;

/// Where the documents let a weight move.
pub const WEIGHT_BOUNDS: Bounds = Bounds { min: 0.1, max: 2.0 };
/// Where the documents let a bias move.
pub const BIAS_BOUNDS: Bounds = Bounds { min: -0.5, max: 0.5 };
/// Where the documents let the temperature move.
pub const TEMPERATURE_BOUNDS: Bounds = Bounds { min: 0.5, max: 2.0 };

/// The documents' θ: what the genetic search finds, the learning step refines, and the generator is steered by.
///
/// As a vector: the weights in the order of their names, then the biases in the order of theirs, then the temperature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    /// A weight for each context feature, within [`WEIGHT_BOUNDS`].
    pub weights: BTreeMap<String, f64>,
    /// A bias for each layer, within [`BIAS_BOUNDS`].
    pub biases: BTreeMap<String, f64>,
    /// Sharpness of the activations, within [`TEMPERATURE_BOUNDS`].
    pub temperature: f64,
}

const WEIGHT: &str = "weight.";
const BIAS: &str = "bias.";
const TEMPERATURE: &str = "temperature";

impl Parameters {
    /// The space of θ for these features and layers, each name prefixed by `weight.` or `bias.`. A name given twice counts once.
    pub fn space<W: Into<String>, B: Into<String>>(
        features: impl IntoIterator<Item = W>,
        layers: impl IntoIterator<Item = B>,
    ) -> ParameterSpace {
        let weights: BTreeMap<String, f64> =
            features.into_iter().map(|name| (name.into(), 1.0)).collect();
        let biases: BTreeMap<String, f64> =
            layers.into_iter().map(|name| (name.into(), 0.0)).collect();
        Parameters { weights, biases, temperature: 1.0 }.own_space()
    }

    /// The space that these parameters are a point of.
    pub fn own_space(&self) -> ParameterSpace {
        let weights = self.weights.keys().map(|name| (format!("{WEIGHT}{name}"), WEIGHT_BOUNDS));
        let biases = self.biases.keys().map(|name| (format!("{BIAS}{name}"), BIAS_BOUNDS));
        ParameterSpace::new(
            weights.chain(biases).chain([(TEMPERATURE.to_owned(), TEMPERATURE_BOUNDS)]),
        )
        .expect("the names differ by prefix or as keys of a map, and the bounds are constants")
    }

    /// The parameters at a point of such a space (or of a part of it).
    ///
    /// # Errors
    /// When the point is not in the space, or the space has a parameter that is no weight, bias or temperature.
    pub fn from_vector(space: &ParameterSpace, point: &[f64]) -> Result<Self, ParameterError> {
        space.check(point)?;
        let mut theta =
            Parameters { weights: BTreeMap::new(), biases: BTreeMap::new(), temperature: 1.0 };
        for (name, &value) in space.names().iter().zip(point) {
            if let Some(feature) = name.strip_prefix(WEIGHT) {
                theta.weights.insert(feature.to_owned(), value);
            } else if let Some(layer) = name.strip_prefix(BIAS) {
                theta.biases.insert(layer.to_owned(), value);
            } else if name == TEMPERATURE {
                theta.temperature = value;
            } else {
                return Err(ParameterError::Unknown { name: name.clone() });
            }
        }
        Ok(theta)
    }

    /// The values in the order of [`Parameters::own_space`].
    pub fn to_vector(&self) -> Vec<f64> {
        let values = self.weights.values().chain(self.biases.values());
        values.copied().chain([self.temperature]).collect()
    }

    /// Whether every value is within its bounds.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn check(&self) -> Result<(), ParameterError> {
        self.own_space().check(&self.to_vector())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::Seed;

    #[test]
    fn theta_goes_to_a_vector_and_back() {
        let space = Parameters::space(["b", "a"], ["layer_0", "layer_1"]);
        assert_eq!(
            space.names(),
            ["weight.a", "weight.b", "bias.layer_0", "bias.layer_1", "temperature"]
        );
        let point = [0.2, 0.3, -0.1, 0.1, 1.5];
        let theta = Parameters::from_vector(&space, &point).unwrap();
        assert_eq!(theta.to_vector(), point);
        assert_eq!(theta.own_space(), space);
        assert!(theta.check().is_ok());
        let text = serde_json::to_string(&space).unwrap();
        assert_eq!(serde_json::from_str::<ParameterSpace>(&text).unwrap(), space);
    }

    proptest! {
        #[test]
        fn the_part_around_a_point_stays_inside(seed: u64, share in 0.0..1.5_f64) {
            let space = Parameters::space(["a", "b"], ["l"]);
            let mut stream = Seed(seed).stream();
            let point = space.sample(&mut stream);
            let part = space.around(&point, share).unwrap();
            for _ in 0..20 {
                let inner = part.sample(&mut stream);
                prop_assert!(space.check(&inner).is_ok());
                prop_assert!(part.check(&inner).is_ok());
            }
            prop_assert!(part.check(&point).is_ok());
        }
    }
}
