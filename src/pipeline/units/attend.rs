//! Tier 3: attention. Each layer attends to the features of the data; how much it attends to which is the context that the generator
//! weighs its tokens by.

use std::collections::BTreeMap;

use orchestrator_attention::{
    AttentionConfig, AttentionInput, AttentionOutput, AttentionWorker, Feature, LayerQuery,
};
use orchestrator_core::{Check, Payload, Task, TaskError, TaskOutput, Worker, async_trait};
use orchestrator_ga::COMPLEXITY;
use serde::{Deserialize, Serialize};

use super::initialise::Initialised;
use super::{Unit, terminal};
use crate::pipeline::workflow::step;

/// How far attention may raise or lower a feature in the eyes of a layer: attention adds emphasis, and must not be able to decide a block
/// against the data alone.
pub const EMPHASIS_REACH: f64 = 0.25;

/// What attention hands on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttentionRouting {
    /// Whether it was used, and why or why not.
    pub decision: String,
    /// The width of a row.
    pub embed_dim: usize,
    /// The number of heads.
    pub heads: usize,
    /// A row for each layer.
    pub attended_output: Vec<Vec<f64>>,
    /// For each head, for each layer, a weight for each feature.
    pub attention_weights: Vec<Vec<Vec<f64>>>,
    /// For each layer, the entropy of each head, in nats.
    pub attention_entropy: Vec<Vec<f64>>,
    /// For each layer, the factor by which it sees each feature: 1 is as it is, at most [`EMPHASIS_REACH`] more or less. Empty when
    /// attention was not used.
    pub emphasis: BTreeMap<String, BTreeMap<String, f64>>,
    /// Advice from measured entropy.
    pub diagnosis: Vec<String>,
    /// The verification checklist.
    pub checks: Vec<Check>,
}

/// See the module.
pub(in crate::pipeline) struct AttendUnit(pub Unit);

#[async_trait]
impl Worker for AttendUnit {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let initialised: Initialised = task.context().output(step::INITIALISE)?;
        let settings = &self.0.context.settings;
        let config = settings.attention();
        let complexity = initialised.features.get(COMPLEXITY).copied().unwrap_or(0.0);
        let threshold = settings.attention_above;
        if complexity < threshold {
            return Ok(TaskOutput::of(&AttentionRouting {
                decision: format!(
                    "not used: the complexity is {complexity:.3}, and it is used from {threshold:.3} on"
                ),
                ..AttentionRouting::unused(config)
            })?);
        }
        let features: Vec<Feature> =
            initialised.features.iter().map(|(name, value)| Feature::new(name, *value)).collect();
        let query = |layer: &String| {
            let place = if initialised.layers.last() == Some(layer) {
                Place::Innermost
            } else {
                Place::Outer
            };
            interests(layer, place, &initialised.features)
        };
        let layers = initialised.layers.iter().map(query).collect();
        let input = AttentionInput { features, layers, ..AttentionInput::default() };
        let worker = AttentionWorker::new(config).map_err(terminal("attention"))?;
        let output = worker.execute(task.with_input(Payload::of(&input)?)).await?;
        let output: AttentionOutput = output.payload.to()?;
        Ok(TaskOutput::of(&AttentionRouting {
            decision: format!(
                "used: the complexity is {complexity:.3}, and it is used from {threshold:.3} on"
            ),
            embed_dim: config.embed_dim,
            heads: config.heads,
            emphasis: emphasis(&output.feature_weights),
            attended_output: output.attended_output,
            attention_weights: output.attention_weights,
            attention_entropy: output.attention_entropy,
            diagnosis: output.diagnosis,
            checks: output.checks,
        })?)
    }
}

impl AttentionRouting {
    fn unused(config: AttentionConfig) -> AttentionRouting {
        AttentionRouting {
            decision: String::new(),
            embed_dim: config.embed_dim,
            heads: config.heads,
            attended_output: Vec::new(),
            attention_weights: Vec::new(),
            attention_entropy: Vec::new(),
            emphasis: BTreeMap::new(),
            diagnosis: Vec::new(),
            checks: Vec::new(),
        }
    }
}

/// Where a layer stands among the others.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Outer,
    Innermost,
}

/// What a layer looks for: the outer layers for what decides the structure, the innermost for what is wrong with the data; each by how
/// much of it there is.
fn interests(layer: &str, place: Place, features: &BTreeMap<String, f64>) -> LayerQuery {
    const STRUCTURE: [&str; 3] = [COMPLEXITY, "size", "types"];
    let looks = |name: &str| STRUCTURE.contains(&name) != (place == Place::Innermost);
    features
        .iter()
        .map(|(name, value)| (name, if looks(name) { 0.5 + value } else { 0.5 * value }))
        .fold(LayerQuery::new(layer), |query, (name, weight)| query.interested_in(name, weight))
}

/// Weights to factors around 1: the feature that a layer attends to most gets 1 + [`EMPHASIS_REACH`], one without any attention 1 −
/// [`EMPHASIS_REACH`], one with an even share about 1.
fn emphasis(
    weights: &BTreeMap<String, BTreeMap<String, f64>>,
) -> BTreeMap<String, BTreeMap<String, f64>> {
    let factor =
        |weight: f64, even: f64| 1.0 + EMPHASIS_REACH * ((weight - even) / even).clamp(-1.0, 1.0);
    let row = |row: &BTreeMap<String, f64>| {
        let even = 1.0 / row.len().max(1) as f64;
        row.iter().map(|(name, &weight)| (name.clone(), factor(weight, even))).collect()
    };
    weights.iter().map(|(layer, weights)| (layer.clone(), row(weights))).collect()
}
