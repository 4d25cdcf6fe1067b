//! Which blocks stay: from features, θ and emphasis to a decision for each block of each layer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::GenerateError;
use crate::request::GenerateRequest;
use crate::template::{Block, Template};

/// The feature that `complexity_above` of a block is compared with.
const COMPLEXITY: &str = "complexity";

/// Why a block is, or is not, in a layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockDecision {
    /// The layer.
    pub layer: String,
    /// The block.
    pub block: String,
    /// The feature it listens to.
    pub feature: String,
    /// The value of the feature, after the layer's emphasis.
    pub value: f64,
    /// θ's weight for the feature, times the block's own.
    pub weight: f64,
    /// θ's bias for the layer.
    pub bias: f64,
    /// θ's temperature.
    pub temperature: f64,
    /// (weight · value + bias) / temperature.
    pub score: f64,
    /// The activation of the score.
    pub activation: f64,
    /// The activation from which the block stays.
    pub threshold: f64,
    /// Whether it is in.
    pub kept: bool,
}

/// Decides on every block of every layer, outermost first: what a layer decided is a feature for the ones after it.
pub(crate) fn decide(
    template: &Template,
    request: &GenerateRequest,
) -> Result<Vec<BlockDecision>, GenerateError> {
    request.parameters.check()?;
    for (feature, &value) in &request.features {
        if !(0.0..=1.0).contains(&value) {
            let feature = feature.clone();
            return Err(GenerateError::FeatureOutside { feature, value });
        }
    }
    let mut decisions = Vec::new();
    let mut earlier = BTreeMap::new();
    for layer in template.layers() {
        let own = template.blocks().iter().filter(|block| block.layers.contains(&layer.name));
        for block in own {
            let decision = decide_one(template, request, &layer.name, block, &earlier)?;
            let kept = f64::from(u8::from(decision.kept));
            earlier.insert(format!("{}.{}", layer.name, block.name), kept);
            decisions.push(decision);
        }
    }
    Ok(decisions)
}

fn decide_one(
    template: &Template,
    request: &GenerateRequest,
    layer: &str,
    block: &Block,
    earlier: &BTreeMap<String, f64>,
) -> Result<BlockDecision, GenerateError> {
    let theta = &request.parameters;
    let value = feature(request, layer, block, earlier)?;
    let weight = match theta.weights.get(&block.feature) {
        Some(weight) => *weight,
        // θ weighs the features of the data. What a layer decided has the weight of the block alone.
        None if template.is_earlier(&block.feature) => 1.0,
        None => return Err(GenerateError::MissingWeight { feature: block.feature.clone() }),
    };
    let weight = weight * block.weight;
    let bias = *theta
        .biases
        .get(layer)
        .ok_or_else(|| GenerateError::MissingBias { layer: layer.to_owned() })?;
    let score = (weight * value + bias) / theta.temperature;
    let complexity = request.features.get(COMPLEXITY).copied().unwrap_or(0.0);
    let allowed = block.complexity_above == 0.0 || complexity > block.complexity_above;
    Ok(BlockDecision {
        layer: layer.to_owned(),
        block: block.name.clone(),
        feature: block.feature.clone(),
        value,
        weight,
        bias,
        temperature: theta.temperature,
        score,
        activation: request.activation.apply(score),
        threshold: request.activation.threshold(),
        kept: allowed && request.activation.keeps(score),
    })
}

/// The value of the block's feature in the eyes of a layer. A share stays a share, however it is emphasised.
fn feature(
    request: &GenerateRequest,
    layer: &str,
    block: &Block,
    earlier: &BTreeMap<String, f64>,
) -> Result<f64, GenerateError> {
    let value = request.features.get(&block.feature).or_else(|| earlier.get(&block.feature));
    let value = *value.ok_or_else(|| GenerateError::MissingFeature {
        block: block.name.clone(),
        feature: block.feature.clone(),
    })?;
    let factor = request.emphasis_of(layer, &block.feature);
    if !(factor.is_finite() && factor >= 0.0) {
        return Err(GenerateError::Emphasis {
            layer: layer.to_owned(),
            feature: block.feature.clone(),
            value: factor,
        });
    }
    Ok((value * factor).clamp(0.0, 1.0))
}

/// The blocks of a layer that stay.
pub(crate) fn kept<'a>(decisions: &'a [BlockDecision], layer: &str) -> Vec<&'a str> {
    let kept = decisions.iter().filter(|decision| decision.kept && decision.layer == layer);
    kept.map(|decision| decision.block.as_str()).collect()
}
