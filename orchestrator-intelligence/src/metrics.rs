//! What one run measured: the evidence that improvements are argued from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The measurements of a run. What was not measured stays empty, and nothing is concluded from it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RunMetrics {
    /// What kind of project it was.
    pub project_type: String,
    /// The named strategy or preset that was used.
    pub strategy: String,
    /// The settings of the run: `mutation_rate`, `epsilon`, `embed_dim`, …
    pub hyperparameters: BTreeMap<String, f64>,
    /// How good the result is; larger is better.
    pub quality: f64,
    /// The best fitness of every generation.
    pub fitness_history: Vec<f64>,
    /// The diversity of the population, of every generation.
    pub diversity_history: Vec<f64>,
    /// The reward of every episode.
    pub reward_history: Vec<f64>,
    /// The mean reward of a step that explored.
    pub reward_exploring: Option<f64>,
    /// The mean reward of a step that did not.
    pub reward_greedy: Option<f64>,
    /// Entropy of the attention weights as a share of its maximum.
    pub attention_entropy_share: Option<f64>,
    /// How many generated files did not parse.
    pub syntax_errors: u32,
}
