//! The vocabulary of the optimisers: named parameters with bounds, and the documents' θ.
//!
//! A [`ParameterSpace`] is what a search moves in; a candidate is a plain `[f64]` in its order. [`Parameters`] is the θ of the
//! generation pipeline: a weight for each feature, a bias for each layer, one temperature.
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

use crate::random::Stream;

/// An interval, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// The least value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
}

/// Where the documents let a weight move.
pub const WEIGHT_BOUNDS: Bounds = Bounds { min: 0.1, max: 2.0 };
/// Where the documents let a bias move.
pub const BIAS_BOUNDS: Bounds = Bounds { min: -0.5, max: 0.5 };
/// Where the documents let the temperature move.
pub const TEMPERATURE_BOUNDS: Bounds = Bounds { min: 0.5, max: 2.0 };

impl Bounds {
    /// Whether the value lies inside; NaN does not.
    pub fn contains(&self, value: f64) -> bool {
        self.min <= value && value <= self.max
    }

    /// The nearest value inside; NaN becomes the lower end.
    pub fn clamp(&self, value: f64) -> f64 {
        if value.is_nan() { self.min } else { value.clamp(self.min, self.max) }
    }

    /// The length of the interval.
    pub fn width(&self) -> f64 {
        self.max - self.min
    }

    /// The value in the middle.
    pub fn middle(&self) -> f64 {
        self.min + 0.5 * self.width()
    }
}

/// Why something is no parameter space, or no point of it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// Give the space at least one parameter.
    #[error("a parameter space needs at least one parameter")]
    Empty,
    /// Bounds must be finite, the lower at most the upper.
    #[error("parameter {name:?}: [{min}, {max}] is no interval")]
    Bounds {
        /// The parameter.
        name: String,
        /// The lower end as given.
        min: f64,
        /// The upper end as given.
        max: f64,
    },
    /// Every parameter needs a name of its own.
    #[error("parameter {name:?} occurs twice")]
    Duplicate {
        /// The name that occurs twice.
        name: String,
    },
    /// The vector has another length than the space.
    #[error("{found} values for {wanted} parameters")]
    Length {
        /// The dimension of the space.
        wanted: usize,
        /// The length of the vector.
        found: usize,
    },
    /// The value lies outside its bounds, or is NaN.
    #[error("parameter {name:?}: {value} is outside [{min}, {max}]")]
    Outside {
        /// The parameter.
        name: String,
        /// The value as given.
        value: f64,
        /// The lower end.
        min: f64,
        /// The upper end.
        max: f64,
    },
    /// The space is not laid out as [`Parameters::space`] lays it out.
    #[error("parameter {name:?} is no weight, bias or temperature")]
    Unknown {
        /// The name that has no place in [`Parameters`].
        name: String,
    },
}

/// Named real parameters with bounds, in a fixed order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(String, Bounds)>", into = "Vec<(String, Bounds)>")]
pub struct ParameterSpace {
    names: Vec<String>,
    bounds: Vec<Bounds>,
}

impl ParameterSpace {
    /// The space of these parameters.
    ///
    /// # Errors
    /// When there are none, a name occurs twice, or bounds are not finite or the wrong way round.
    pub fn new<N: Into<String>>(
        parameters: impl IntoIterator<Item = (N, Bounds)>,
    ) -> Result<Self, ParameterError> {
        let (names, bounds): (Vec<String>, Vec<Bounds>) =
            parameters.into_iter().map(|(name, bounds)| (name.into(), bounds)).unzip();
        if names.is_empty() {
            return Err(ParameterError::Empty);
        }
        let mut seen = std::collections::BTreeSet::new();
        for (name, Bounds { min, max }) in names.iter().zip(&bounds) {
            if !seen.insert(name.as_str()) {
                return Err(ParameterError::Duplicate { name: name.clone() });
            }
            if !(min.is_finite() && max.is_finite() && min <= max) {
                return Err(ParameterError::Bounds { name: name.clone(), min: *min, max: *max });
            }
        }
        Ok(ParameterSpace { names, bounds })
    }

    /// `count` parameters `x0`, `x1`, … within the same bounds.
    ///
    /// # Errors
    /// As [`ParameterSpace::new`].
    pub fn uniform(count: usize, min: f64, max: f64) -> Result<Self, ParameterError> {
        Self::new((0..count).map(|at| (format!("x{at}"), Bounds { min, max })))
    }

    /// How many parameters there are.
    #[allow(clippy::len_without_is_empty)] // A space is never empty.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// The names, in order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The bounds, in order.
    pub fn bounds(&self) -> &[Bounds] {
        &self.bounds
    }

    /// The place of a parameter.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// Whether the point lies in the space.
    ///
    /// # Errors
    /// When the length is wrong, or a value is outside its bounds or NaN: the first one is named.
    pub fn check(&self, point: &[f64]) -> Result<(), ParameterError> {
        if point.len() != self.len() {
            return Err(ParameterError::Length { wanted: self.len(), found: point.len() });
        }
        for ((name, bounds), &value) in self.names.iter().zip(&self.bounds).zip(point) {
            if !bounds.contains(value) {
                let Bounds { min, max } = *bounds;
                return Err(ParameterError::Outside { name: name.clone(), value, min, max });
            }
        }
        Ok(())
    }

    /// Moves every value to the nearest one inside its bounds.
    pub fn clamp(&self, point: &mut [f64]) {
        for (bounds, value) in self.bounds.iter().zip(point) {
            *value = bounds.clamp(*value);
        }
    }

    /// A uniformly random point.
    pub fn sample(&self, stream: &mut Stream) -> Vec<f64> {
        self.bounds.iter().map(|bounds| stream.between(bounds.min, bounds.max)).collect()
    }

    /// The point in the middle.
    pub fn middle(&self) -> Vec<f64> {
        self.bounds.iter().map(Bounds::middle).collect()
    }

    /// The part of this space around a point: each width times `share` (0 to 1), cut at the bounds.
    ///
    /// # Errors
    /// When the point is not in the space.
    pub fn around(&self, point: &[f64], share: f64) -> Result<ParameterSpace, ParameterError> {
        self.check(point)?;
        let share = share.clamp(0.0, 1.0);
        let bounds = self.bounds.iter().zip(point).map(|(bounds, &value)| {
            let reach = 0.5 * share * bounds.width();
            Bounds { min: bounds.clamp(value - reach), max: bounds.clamp(value + reach) }
        });
        Ok(ParameterSpace { names: self.names.clone(), bounds: bounds.collect() })
    }
}

impl TryFrom<Vec<(String, Bounds)>> for ParameterSpace {
    type Error = ParameterError;
    fn try_from(parameters: Vec<(String, Bounds)>) -> Result<Self, ParameterError> {
        Self::new(parameters)
    }
}

impl From<ParameterSpace> for Vec<(String, Bounds)> {
    fn from(space: ParameterSpace) -> Self {
        space.names.into_iter().zip(space.bounds).collect()
    }
}

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
        let (names, bounds) =
            weights.chain(biases).chain([(TEMPERATURE.to_owned(), TEMPERATURE_BOUNDS)]).unzip();
        ParameterSpace { names, bounds }
    }

    /// The parameters at a point of such a space (or of a part of it).
    ///
    /// # Errors
    /// When the point is not in the space, or the space has a parameter that is no weight, bias or temperature.
    pub fn from_vector(space: &ParameterSpace, point: &[f64]) -> Result<Self, ParameterError> {
        space.check(point)?;
        let mut theta =
            Parameters { weights: BTreeMap::new(), biases: BTreeMap::new(), temperature: 1.0 };
        for (name, &value) in space.names.iter().zip(point) {
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
    fn a_bad_space_names_its_parameter() {
        let twice = ParameterSpace::new([("a", WEIGHT_BOUNDS), ("a", WEIGHT_BOUNDS)]);
        assert_eq!(twice.unwrap_err().to_string(), "parameter \"a\" occurs twice");
        let turned = ParameterSpace::new([("a", Bounds { min: 1.0, max: 0.0 })]);
        assert_eq!(turned.unwrap_err().to_string(), "parameter \"a\": [1, 0] is no interval");
        assert_eq!(ParameterSpace::uniform(0, 0.0, 1.0).unwrap_err(), ParameterError::Empty);
    }

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
