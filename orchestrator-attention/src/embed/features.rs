//! Rows out of names: features with a value, and layers with interests.
//!
//! A name's direction is a unit vector drawn from the seed derived from the name, so it does not depend on which other names
//! there are. A feature's row is √d · (1 + value)/2 times its direction: length tells the value, direction the feature, and a
//! value of 0 still differs from another feature's 0. The factor √d gives coordinates of about unit variance, as
//! the scaling by 1/√d_k of attention expects. A layer's row is √d times the direction of the weighted sum of the
//! features it is interested in; logits then measure how well a feature fits the interest, and how strong it is.

use std::collections::{BTreeMap, BTreeSet};

use nalgebra::{DMatrix, DVector};
use orchestrator_core::Seed;
use serde::{Deserialize, Serialize};

use crate::error::AttentionError;

/// A named quantity between 0 and 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// Its name.
    pub name: String,
    /// How much of it there is, in [0, 1].
    pub value: f64,
}

impl Feature {
    /// A feature.
    pub fn new(name: impl Into<String>, value: f64) -> Feature {
        Feature { name: name.into(), value }
    }
}

/// A layer that looks for features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerQuery {
    /// Its name.
    pub name: String,
    /// How much it looks for which feature; empty: for every feature by its value, so that strong ones are found.
    #[serde(default)]
    pub interests: BTreeMap<String, f64>,
}

impl LayerQuery {
    /// A layer without interests of its own.
    pub fn new(name: impl Into<String>) -> LayerQuery {
        LayerQuery { name: name.into(), interests: BTreeMap::new() }
    }

    /// The same layer, interested in one more feature.
    #[must_use]
    pub fn interested_in(mut self, feature: impl Into<String>, weight: f64) -> LayerQuery {
        self.interests.insert(feature.into(), weight);
        self
    }
}

/// A row for each feature, `embed_dim` columns.
///
/// ```
/// use orchestrator_attention::{Feature, embed};
/// use orchestrator_core::Seed;
/// let rows = embed(&[Feature::new("nulls", 0.0), Feature::new("types", 0.0)], 16, Seed(1))?;
/// assert_eq!(rows.shape(), (2, 16));
/// assert!((rows.row(0) - rows.row(1)).norm() > 0.5);
/// # Ok::<(), orchestrator_attention::AttentionError>(())
/// ```
///
/// # Errors
/// When there is no dimension, a name occurs twice, or a value is outside [0, 1].
pub fn embed(
    features: &[Feature],
    embed_dim: usize,
    seed: Seed,
) -> Result<DMatrix<f64>, AttentionError> {
    check(features, embed_dim)?;
    let length = (embed_dim as f64).sqrt();
    let mut rows = DMatrix::zeros(features.len(), embed_dim);
    for (at, feature) in features.iter().enumerate() {
        let row =
            direction(&feature.name, embed_dim, seed) * (length * 0.5 * (1.0 + feature.value));
        rows.row_mut(at).tr_copy_from(&row);
    }
    Ok(rows)
}

/// A row for each layer, to query the rows of [`embed`] with the same seed.
///
/// # Errors
/// As [`embed`], and when an interest is not finite or names no feature.
pub fn embed_layers(
    layers: &[LayerQuery],
    features: &[Feature],
    embed_dim: usize,
    seed: Seed,
) -> Result<DMatrix<f64>, AttentionError> {
    check(features, embed_dim)?;
    let length = (embed_dim as f64).sqrt();
    let mut rows = DMatrix::zeros(layers.len(), embed_dim);
    for (at, layer) in layers.iter().enumerate() {
        let refuse = |feature: &str, weight: f64, problem| AttentionError::Interest {
            layer: layer.name.clone(),
            feature: feature.to_owned(),
            weight,
            problem,
        };
        let mut sum = DVector::zeros(embed_dim);
        if layer.interests.is_empty() {
            for feature in features {
                sum += direction(&feature.name, embed_dim, seed) * feature.value;
            }
        }
        for (name, &weight) in &layer.interests {
            if !weight.is_finite() {
                return Err(refuse(name, weight, "not finite"));
            }
            if !features.iter().any(|feature| feature.name == *name) {
                return Err(refuse(name, weight, "no feature that was given"));
            }
            sum += direction(name, embed_dim, seed) * weight;
        }
        let norm = sum.norm();
        if !norm.is_finite() {
            let largest = layer.interests.iter().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
            let (name, weight) = largest.expect("only interests can be that large");
            return Err(refuse(name, *weight, "too large"));
        }
        // No interest at all stays a zero row: it attends evenly.
        if norm > 0.0 {
            rows.row_mut(at).tr_copy_from(&(sum * (length / norm)));
        }
    }
    Ok(rows)
}

fn check(features: &[Feature], embed_dim: usize) -> Result<(), AttentionError> {
    if embed_dim == 0 {
        return Err(AttentionError::Zero { what: "dimension" });
    }
    let mut seen = BTreeSet::new();
    for Feature { name, value } in features {
        if !(0.0..=1.0).contains(value) {
            return Err(AttentionError::FeatureValue { name: name.clone(), value: *value });
        }
        if !seen.insert(name) {
            return Err(AttentionError::DuplicateFeature { name: name.clone() });
        }
    }
    Ok(())
}

/// Normal coordinates, made unit length: uniform on the sphere (Muller, 1959).
fn direction(name: &str, embed_dim: usize, seed: Seed) -> DVector<f64> {
    let mut stream = seed.derive("feature").derive(name).stream();
    let coordinates = DVector::from_fn(embed_dim, |_, _| stream.normal());
    // All coordinates zero has a chance below 2⁻⁵³; it must still be a direction.
    let first = || DVector::from_fn(embed_dim, |at, _| f64::from(u8::from(at == 0)));
    coordinates.try_normalize(0.0).unwrap_or_else(first)
}
