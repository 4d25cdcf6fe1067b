//! Tier 3: attention. Each layer attends to the features of the data, and to what the layers before it attended; how much of each feature
//! reaches it is the context that the generator weighs its tokens by.
//!
//! It decides next to nothing: the example `attention_ablation` finds no difference in the measured score of the scripts that could be told from
//! chance (0.00014 on 40 tables and −0.00070 on 24 others, on a scale of 1; no better than the same factors dealt out at random), because
//! emphasis is a function of the features that θ weighs already. To be of use it would have to attend over what is not in them: the outcomes of blocks on earlier files.

use std::collections::{BTreeMap, BTreeSet};

use orchestrator_attention::{
    AttentionConfig, ContextEntry, ContextInput, ContextOutput, ContextWorker, Flow,
};
use orchestrator_codegen::{DEFAULT_TEMPLATE, Template};
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
    /// Which layers attended, and why or why not.
    pub decision: String,
    /// How complex each layer is, in [0, 1]: 1 − ∏ (1 − feature / 2) over the features that its blocks listen to, which is the
    /// complexity of the data for a layer that listens to all.
    pub layer_complexity: BTreeMap<String, f64>,
    /// The width of a row.
    pub embed_dim: usize,
    /// The number of heads.
    pub heads: usize,
    /// The layers that attended, the rows of all that follows.
    pub layers: Vec<String>,
    /// What they could see: the features, then the contexts of the layers before them.
    pub sources: Vec<String>,
    /// A row for each layer: the context that it handed on to those after it.
    pub attended_output: Vec<Vec<f64>>,
    /// For each head, for each layer, a weight for each source; 0 where it does not see it.
    pub attention_weights: Vec<Vec<Vec<f64>>>,
    /// For each layer, the entropy of each head, in nats.
    pub attention_entropy: Vec<Vec<f64>>,
    /// The mean entropy as a share of the greatest there can be.
    pub entropy_share: Option<f64>,
    /// For each layer the share of each feature, seen directly or through the layers before.
    pub origins: BTreeMap<String, BTreeMap<String, f64>>,
    /// For each layer, the factor by which it sees each feature: 1 is as it is, at most [`EMPHASIS_REACH`] more or less. A layer that did
    /// not attend has none.
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
        let Initialised { features, layers: names, .. } =
            task.context().output(step::INITIALISE)?;
        let settings = &self.0.context.settings;
        let template = Template::builtin(DEFAULT_TEMPLATE).map_err(terminal("codegen"))?;
        let complexities: Vec<(String, f64)> = names
            .iter()
            .map(|layer| (layer.clone(), complexity(&template, layer, &features)))
            .collect();
        let place = |layer: &String| match names.last() {
            Some(last) if last == layer => Place::Innermost,
            _ => Place::Outer,
        };
        let attends = |layer: &&(String, f64)| settings.attends(layer.1);
        let layers: Vec<ContextEntry> = complexities
            .iter()
            .filter(attends)
            .map(|(layer, _)| interests(layer, place(layer), &features))
            .collect();
        let config = settings.attention(layers.len());
        let decision = decision(&complexities, &layers, settings.attention_above);
        let mut routing = AttentionRouting {
            decision,
            layer_complexity: complexities.into_iter().collect(),
            ..AttentionRouting::unused(config)
        };
        if layers.is_empty() {
            return Ok(TaskOutput::of(&routing)?);
        }
        let previous = features.iter().map(|(name, value)| ContextEntry::value(name, *value));
        let previous = Some(previous.collect());
        let worker = ContextWorker::new(config).map_err(terminal("attention"))?;
        let worker = worker.with_names_seed(task.seed());
        let input = Payload::of(&ContextInput { layers, previous, flow: Flow::Chained })?;
        let output = worker.execute(task.with_input(input)).await?;
        let output: ContextOutput = output.payload.to()?;
        routing.emphasis = AttentionRouting::emphasis_of(&output.origins);
        Ok(TaskOutput::of(&AttentionRouting {
            layers: output.layers,
            sources: output.sources,
            attended_output: output.attended_output,
            attention_weights: output.attention_weights,
            attention_entropy: output.attention_entropy,
            entropy_share: output.entropy_share,
            origins: output.origins,
            diagnosis: output.diagnosis,
            checks: output.checks,
            ..routing
        })?)
    }
}

impl AttentionRouting {
    /// Shares to factors around 1: a feature with an even share gets 1, one with twice that or more 1 + [`EMPHASIS_REACH`], one that does
    /// not reach the layer 1 − [`EMPHASIS_REACH`]. Uniform attention is no attention.
    pub fn emphasis_of(
        origins: &BTreeMap<String, BTreeMap<String, f64>>,
    ) -> BTreeMap<String, BTreeMap<String, f64>> {
        let factor =
            |share: f64, even: f64| 1.0 + EMPHASIS_REACH * ((share - even) / even).clamp(-1.0, 1.0);
        let row = |row: &BTreeMap<String, f64>| {
            let even = 1.0 / row.len().max(1) as f64;
            row.iter().map(|(name, &share)| (name.clone(), factor(share, even))).collect()
        };
        origins.iter().map(|(layer, shares)| (layer.clone(), row(shares))).collect()
    }

    fn unused(config: AttentionConfig) -> AttentionRouting {
        AttentionRouting {
            decision: String::new(),
            layer_complexity: BTreeMap::new(),
            embed_dim: config.embed_dim,
            heads: config.heads,
            layers: Vec::new(),
            sources: Vec::new(),
            attended_output: Vec::new(),
            attention_weights: Vec::new(),
            attention_entropy: Vec::new(),
            entropy_share: None,
            origins: BTreeMap::new(),
            emphasis: BTreeMap::new(),
            diagnosis: Vec::new(),
            checks: Vec::new(),
        }
    }
}

/// In a line for a person.
fn decision(complexities: &[(String, f64)], layers: &[ContextEntry], threshold: f64) -> String {
    let all = complexities.iter().map(|(layer, complexity)| format!("{layer} {complexity:.3}"));
    let all = all.collect::<Vec<_>>().join(", ");
    let names: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
    let used = match names.len() {
        0 => "not used".to_owned(),
        count if count == complexities.len() => "used by all layers".to_owned(),
        _ => format!("used by {}", names.join(", ")),
    };
    let rule = match threshold {
        0.0 => "always".to_owned(),
        threshold => format!("above a complexity of {threshold:.3}"),
    };
    format!("{used}: {rule}; complexities: {all}")
}

/// The complexity of what a layer listens to, by the formula of the profile, in which complexity itself has no part.
fn complexity(template: &Template, layer: &str, features: &BTreeMap<String, f64>) -> f64 {
    let own = template.blocks().iter().filter(|block| block.layers.iter().any(|own| own == layer));
    let listened: BTreeSet<&str> = own.map(|block| block.feature.as_str()).collect();
    let troubles = listened.into_iter().filter(|feature| *feature != COMPLEXITY);
    let values = troubles.filter_map(|feature| features.get(feature));
    1.0 - values.map(|value| 1.0 - 0.5 * value).product::<f64>()
}

/// Where a layer stands among the others.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Outer,
    Innermost,
}

/// What a layer looks for: the outer layers for what decides the structure, the innermost for what is wrong with the data; each by how
/// much of it there is.
fn interests(layer: &str, place: Place, features: &BTreeMap<String, f64>) -> ContextEntry {
    const STRUCTURE: [&str; 3] = [COMPLEXITY, "size", "types"];
    let looks = |name: &str| STRUCTURE.contains(&name) != (place == Place::Innermost);
    let weight = |name: &str, value: f64| if looks(name) { 0.5 + value } else { 0.5 * value };
    let interests = features.iter().map(|(name, &value)| (name, weight(name, value)));
    ContextEntry::interests(layer, interests)
}
