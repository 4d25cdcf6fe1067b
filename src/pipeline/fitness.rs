//! What the pipeline maximises: the documents' F(θ), and how well θ fits the user's data.
//!
//! F(θ) alone has the same optimum for every file. The feature-match term pulls each weight towards what the profile of the data asks
//! for, so that two different files get different parameters, and by them different scripts. The neutrality term keeps the biases near 0:
//! a bias moves all blocks of a layer together, whatever the data, and nothing else in the fitness would hold it.

use std::collections::BTreeMap;

use orchestrator_core::{BIAS_BOUNDS, ParameterSpace, Parameters, WEIGHT_BOUNDS};
use orchestrator_ga::{COMPLEXITY, DocumentFitness, FitnessError, FitnessTerms};
use serde::{Deserialize, Serialize};

/// How much the feature match counts. Weight balance, which wants all weights equal, punishes a deviation d of one weight out of n by about
/// d²/n; the match rewards it by d/(1.9 n) times this factor. Twice the match lets a weight that the data ask for stand out by about half.
pub const FEATURE_MATCH_FACTOR: f64 = 2.0;

/// The fitness of θ for one data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataFitness {
    /// The documents' part; the desired complexity is that of the data, on the scale of the weights.
    pub document: DocumentFitness,
    /// The weight that the data ask for, by feature: the feature's value in [0, 1] on the scale of the weights.
    pub desired_weights: BTreeMap<String, f64>,
}

/// The terms of the fitness at one θ.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DataFitnessTerms {
    /// The three terms of F(θ).
    #[serde(flatten)]
    pub document: FitnessTerms,
    /// 1 − the mean distance of the weights from what the data ask for, as a share of their range: 0 to 1.
    pub feature_match: f64,
    /// 1 − the mean size of the biases, as a share of the largest: 0 to 1.
    pub neutrality: f64,
}

impl DataFitnessTerms {
    /// F(θ), plus [`FEATURE_MATCH_FACTOR`] times the feature match, plus the neutrality: at most 6.
    pub fn total(&self) -> f64 {
        self.document.total() + FEATURE_MATCH_FACTOR * self.feature_match + self.neutrality
    }
}

impl DataFitness {
    /// The fitness for data with these features. One of them is [`COMPLEXITY`].
    pub fn of_features(features: &BTreeMap<String, f64>) -> DataFitness {
        let desired =
            |value: f64| WEIGHT_BOUNDS.min + WEIGHT_BOUNDS.width() * value.clamp(0.0, 1.0);
        let complexity = features.get(COMPLEXITY).copied().unwrap_or(0.0);
        DataFitness {
            document: DocumentFitness { desired_complexity: desired(complexity) },
            desired_weights: features
                .iter()
                .map(|(name, &value)| (name.clone(), desired(value)))
                .collect(),
        }
    }

    /// The terms at θ.
    ///
    /// # Errors
    /// When θ has no weight for one of the features.
    pub fn terms(&self, theta: &Parameters) -> Result<DataFitnessTerms, FitnessError> {
        let document = self.document.terms(theta)?;
        let mut distances = Vec::with_capacity(self.desired_weights.len());
        for (feature, desired) in &self.desired_weights {
            let weight = theta
                .weights
                .get(feature)
                .ok_or_else(|| FitnessError::NoWeight { feature: feature.clone() })?;
            distances.push((weight - desired).abs() / WEIGHT_BOUNDS.width());
        }
        let biases: Vec<f64> =
            theta.biases.values().map(|bias| bias.abs() / BIAS_BOUNDS.max).collect();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        Ok(DataFitnessTerms {
            document,
            feature_match: 1.0 - mean(&distances),
            neutrality: 1.0 - mean(&biases),
        })
    }

    /// The fitness as a function of the points of a space of θ, or of a part of one. Outside it is NaN, which ranks last.
    pub fn over(
        &self,
        space: &ParameterSpace,
    ) -> impl Fn(&[f64]) -> f64 + Clone + Send + Sync + use<> {
        let (fitness, space) = (self.clone(), space.clone());
        move |point: &[f64]| {
            Parameters::from_vector(&space, point)
                .ok()
                .and_then(|theta| fitness.terms(&theta).ok())
                .map_or(f64::NAN, |terms| terms.total())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(rows: &[(&str, f64)]) -> BTreeMap<String, f64> {
        rows.iter().map(|&(name, value)| (name.to_owned(), value)).collect()
    }

    #[test]
    fn two_files_ask_for_different_weights() {
        let clean = DataFitness::of_features(&features(&[("complexity", 0.2), ("nulls", 0.0)]));
        let holes = DataFitness::of_features(&features(&[("complexity", 0.2), ("nulls", 1.0)]));
        let space = Parameters::space(["complexity", "nulls"], ["layer_0"]);
        let low = [0.48, 0.1, 0.0, 1.0];
        let high = [0.48, 1.0, 0.0, 1.0];
        assert!(clean.over(&space)(&low) > clean.over(&space)(&high));
        assert!(holes.over(&space)(&high) > holes.over(&space)(&low));
    }

    #[test]
    fn the_match_is_whole_at_what_the_data_ask_for() {
        let fitness = DataFitness::of_features(&features(&[("complexity", 0.5), ("nulls", 0.5)]));
        let space = Parameters::space(["complexity", "nulls"], ["layer_0"]);
        let theta = Parameters::from_vector(&space, &[1.05, 1.05, 0.0, 1.0]).unwrap();
        let terms = fitness.terms(&theta).unwrap();
        assert!((terms.feature_match - 1.0).abs() < 1e-12);
        assert!((terms.total() - 6.0).abs() < 1e-12);
        let biased = Parameters::from_vector(&space, &[1.05, 1.05, 0.25, 1.0]).unwrap();
        let terms = fitness.terms(&biased).unwrap();
        assert!((terms.neutrality - 0.5).abs() < 1e-12 && terms.feature_match > 0.99);
        let lacking = Parameters::space(["complexity"], ["layer_0"]);
        let theta = Parameters::from_vector(&lacking, &[1.0, 0.0, 1.0]).unwrap();
        assert_eq!(fitness.terms(&theta).unwrap_err().to_string(), "there is no weight \"nulls\"");
    }
}
