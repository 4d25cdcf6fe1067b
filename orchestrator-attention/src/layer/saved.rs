//! A layer as it is written down: with a version, and checked when it is read.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::embed::Positions;
use crate::error::AttentionError;
use crate::layer::config::AttentionConfig;
use crate::layer::multi_head::MultiHeadAttention;
use crate::layer::projections::Projections;
use crate::real::Real;

/// The format that this version writes and reads.
const VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(bound = "T: Real")]
struct SavedRef<'a, T: Real> {
    version: u32,
    config: AttentionConfig,
    scale: Option<T>,
    positions: Positions,
    projections: &'a Projections<T>,
}

#[derive(Deserialize)]
#[serde(bound = "T: Real", deny_unknown_fields)]
struct Saved<T: Real> {
    #[serde(rename = "version", deserialize_with = "known_version")]
    _version: (),
    config: AttentionConfig,
    scale: Option<T>,
    positions: Positions,
    projections: Projections<T>,
}

impl<T: Real> Serialize for MultiHeadAttention<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        SavedRef {
            version: VERSION,
            config: self.config(),
            scale: self.custom_scale(),
            positions: self.positions(),
            projections: self.projections(),
        }
        .serialize(serializer)
    }
}

impl<'de, T: Real> Deserialize<'de> for MultiHeadAttention<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        checked(Saved::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

fn checked<T: Real>(saved: Saved<T>) -> Result<MultiHeadAttention<T>, AttentionError> {
    let layer = MultiHeadAttention::new(saved.config, saved.projections)?;
    let layer = layer.with_positions(saved.positions)?;
    match saved.scale {
        None => Ok(layer),
        Some(scale) => layer.with_scale(scale),
    }
}

fn known_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    match u32::deserialize(deserializer)? {
        VERSION => Ok(()),
        found => Err(serde::de::Error::custom(AttentionError::Version {
            what: "attention layer",
            found,
            known: VERSION,
        })),
    }
}
