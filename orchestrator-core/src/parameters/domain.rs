//! What values a parameter can have, and how they lie in coordinates.

use serde::{Deserialize, Serialize};

use super::bounds::Bounds;
use super::error::ParameterError;

/// The greatest magnitude of a whole number: up to here every one of them is a coordinate (`f64`) of its own.
pub const INTEGER_MAX: i64 = 1 << 53;
/// The most things that the permutations of a space order together.
pub const PERMUTATION_MAX: usize = 1 << 16;

/// The values of one parameter.
///
/// As data a real domain is `{"min": 0.0, "max": 1.0}`, the others are `{"integer": {"min": 1, "max": 10}}`, `"boolean"`,
/// `{"categorical": ["a", "b"]}` and `{"permutation": 8}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub enum Domain {
    /// A real number within finite bounds. One coordinate.
    Real(Bounds),
    /// A whole number, both ends included and within ±[`INTEGER_MAX`]. One coordinate, which holds the number.
    Integer {
        /// The least number.
        min: i64,
        /// The greatest number.
        max: i64,
    },
    /// True or false. One coordinate, which holds 1 or 0.
    Boolean,
    /// One of these labels, of which none is nearer to another. One coordinate, which holds the place of the label, from 0.
    Categorical(Vec<String>),
    /// An order of so many things, 1 to [`PERMUTATION_MAX`]. As many coordinates, which hold each of 0, 1, … once: first the
    /// thing that comes first.
    Permutation(usize),
}

impl Domain {
    /// How many coordinates it has: more than one only for a permutation.
    pub fn coordinates(&self) -> usize {
        match self {
            Domain::Real(_) | Domain::Integer { .. } | Domain::Boolean | Domain::Categorical(_) => {
                1
            }
            Domain::Permutation(count) => *count,
        }
    }

    /// The bounds of each of its coordinates.
    pub fn bounds(&self) -> Bounds {
        match self {
            Domain::Real(bounds) => *bounds,
            Domain::Integer { min, max } => Bounds { min: *min as f64, max: *max as f64 },
            Domain::Boolean => Bounds { min: 0.0, max: 1.0 },
            Domain::Categorical(labels) => {
                Bounds { min: 0.0, max: labels.len().saturating_sub(1) as f64 }
            }
            Domain::Permutation(count) => Bounds { min: 0.0, max: count.saturating_sub(1) as f64 },
        }
    }

    /// Its kind in one word, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Domain::Real(_) => "real",
            Domain::Integer { .. } => "integer",
            Domain::Boolean => "boolean",
            Domain::Categorical(_) => "categorical",
            Domain::Permutation(_) => "permutation",
        }
    }

    /// Whether it has a value, and every value has its coordinates.
    pub(super) fn check(&self, name: &str) -> Result<(), ParameterError> {
        let name = || name.to_owned();
        match self {
            Domain::Real(bounds @ Bounds { min, max }) => {
                let finite = min.is_finite() && max.is_finite() && bounds.width().is_finite();
                if finite && min <= max {
                    return Ok(());
                }
                Err(ParameterError::Bounds { name: name(), min: *min, max: *max })
            }
            Domain::Integer { min, max } => {
                if -INTEGER_MAX <= *min && min <= max && *max <= INTEGER_MAX {
                    return Ok(());
                }
                Err(ParameterError::Integers { name: name(), min: *min, max: *max })
            }
            Domain::Boolean => Ok(()),
            Domain::Categorical(labels) => {
                let mut sorted: Vec<&String> = labels.iter().collect();
                sorted.sort_unstable();
                match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
                    None if labels.is_empty() => Err(ParameterError::NoLabels { name: name() }),
                    None => Ok(()),
                    Some(pair) => {
                        Err(ParameterError::LabelTwice { name: name(), label: pair[0].clone() })
                    }
                }
            }
            Domain::Permutation(count) => {
                if (1..=PERMUTATION_MAX).contains(count) {
                    return Ok(());
                }
                Err(ParameterError::Permutation { name: name(), count: *count })
            }
        }
    }
}

impl From<Bounds> for Domain {
    fn from(bounds: Bounds) -> Domain {
        Domain::Real(bounds)
    }
}

/// A domain as data.
#[derive(Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "no domain: it is {\"min\", \"max\"}, \"boolean\", or one of \"integer\", \"categorical\", \"permutation\" with its value"
)]
enum Written {
    Real(Bounds),
    Other(Other),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Other {
    Integer { min: i64, max: i64 },
    Boolean,
    Categorical(Vec<String>),
    Permutation(usize),
}

impl From<Written> for Domain {
    fn from(written: Written) -> Domain {
        match written {
            Written::Real(bounds) => Domain::Real(bounds),
            Written::Other(Other::Integer { min, max }) => Domain::Integer { min, max },
            Written::Other(Other::Boolean) => Domain::Boolean,
            Written::Other(Other::Categorical(labels)) => Domain::Categorical(labels),
            Written::Other(Other::Permutation(count)) => Domain::Permutation(count),
        }
    }
}

impl From<Domain> for Written {
    fn from(domain: Domain) -> Written {
        match domain {
            Domain::Real(bounds) => Written::Real(bounds),
            Domain::Integer { min, max } => Written::Other(Other::Integer { min, max }),
            Domain::Boolean => Written::Other(Other::Boolean),
            Domain::Categorical(labels) => Written::Other(Other::Categorical(labels)),
            Domain::Permutation(count) => Written::Other(Other::Permutation(count)),
        }
    }
}
