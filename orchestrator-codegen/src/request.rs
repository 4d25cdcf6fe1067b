//! What a generator is asked for: whose data, which θ, and what the layers attend to.

use std::collections::BTreeMap;

use orchestrator_core::Parameters;
use serde::{Deserialize, Serialize};

use crate::activation::Activation;
use crate::profile::{FEATURES, Profile};
use crate::template::LAYERS;

/// What to generate scripts for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GenerateRequest {
    /// The name of the project; any text.
    #[serde(default)]
    pub project: String,
    /// What the scripts are for; any text.
    #[serde(default)]
    pub objective: String,
    /// The features of the user's data, by name, each in [0, 1]: [`Profile::features`].
    pub features: BTreeMap<String, f64>,
    /// θ: a weight for each feature that a block listens to, a bias for each layer, a temperature.
    pub parameters: Parameters,
    /// The activation function.
    #[serde(default)]
    pub activation: Activation,
    /// What attention makes of the features, layer by layer: factors around 1, by layer and feature. What is not named
    /// has the factor 1.
    #[serde(default)]
    pub emphasis: BTreeMap<String, BTreeMap<String, f64>>,
}

impl GenerateRequest {
    /// A request for the data of a profile, with ReLU and no emphasis.
    pub fn new(
        project: &str,
        objective: &str,
        profile: &Profile,
        parameters: Parameters,
    ) -> GenerateRequest {
        GenerateRequest {
            project: project.to_owned(),
            objective: objective.to_owned(),
            features: profile.features.clone(),
            parameters,
            activation: Activation::default(),
            emphasis: BTreeMap::new(),
        }
    }
}

/// The θ that takes the features as they are: every weight 1, no bias, temperature 1.
pub fn neutral_parameters() -> Parameters {
    Parameters {
        weights: FEATURES.iter().map(|&feature| (feature.to_owned(), 1.0)).collect(),
        biases: LAYERS.iter().map(|&layer| (layer.to_owned(), 0.0)).collect(),
        temperature: 1.0,
    }
}
