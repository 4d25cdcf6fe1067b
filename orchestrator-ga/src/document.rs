//! The documents' F(θ), as a named preset.
//!
//! F(θ) = weight balance + temperature score + context alignment, each at most 1. The optimum is known (every weight at the
//! desired complexity, temperature 1, F = 3), so it is a yardstick for a search rather than a goal worth searching for; a real
//! task adds terms of its own. The three terms are public, so that a report can show them and a reward can reuse two of them.
//!
//! ```
//! use orchestrator_core::{Parameters, Seed};
//! use orchestrator_ga::{DocumentFitness, Ga, GaConfig};
//!
//! let space = Parameters::space(["complexity", "nulls", "size"], ["layer_0"]);
//! let document = DocumentFitness { desired_complexity: 0.8 };
//! let found = Ga::search(space.clone(), GaConfig::documents(), Seed(1))?.run(&document.over(&space)?)?;
//!
//! let theta = Parameters::from_vector(&space, &found.best)?;
//! let terms = document.terms(&theta)?;
//! assert_eq!(terms.total(), found.final_fitness);
//! assert!(terms.total() > 2.8 && terms.total() <= DocumentFitness::OPTIMUM);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use orchestrator_core::{ParameterSpace, Parameters};
use serde::{Deserialize, Serialize};

use crate::fitness::FitnessError;

/// The feature whose weight is to meet the desired complexity.
pub const COMPLEXITY: &str = "complexity";

/// The documents' F(θ).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DocumentFitness {
    /// What the weight of [`COMPLEXITY`] should be. Within the bounds of a weight, F reaches [`DocumentFitness::OPTIMUM`].
    pub desired_complexity: f64,
}

/// The three terms of F(θ), each at most 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FitnessTerms {
    /// 1 − the population variance of the weights.
    pub weight_balance: f64,
    /// 1 − |temperature − 1|.
    pub temperature_score: f64,
    /// 1 − |weight of complexity − desired complexity|.
    pub context_alignment: f64,
}

impl FitnessTerms {
    /// F(θ).
    pub fn total(&self) -> f64 {
        self.weight_balance + self.temperature_score + self.context_alignment
    }
}

impl DocumentFitness {
    /// The greatest F(θ) there is.
    pub const OPTIMUM: f64 = 3.0;

    /// 1 − the population variance of the weights; 1 when there are none.
    pub fn weight_balance(theta: &Parameters) -> f64 {
        let count = theta.weights.len().max(1) as f64;
        let mean = theta.weights.values().sum::<f64>() / count;
        1.0 - theta.weights.values().map(|weight| (weight - mean).powi(2)).sum::<f64>() / count
    }

    /// 1 − |temperature − 1|.
    pub fn temperature_score(theta: &Parameters) -> f64 {
        1.0 - (theta.temperature - 1.0).abs()
    }

    /// The terms of F at θ.
    ///
    /// # Errors
    /// [`FitnessError::NoWeight`] when θ has no weight for [`COMPLEXITY`].
    pub fn terms(&self, theta: &Parameters) -> Result<FitnessTerms, FitnessError> {
        let weight = theta
            .weights
            .get(COMPLEXITY)
            .ok_or_else(|| FitnessError::NoWeight { feature: COMPLEXITY.to_owned() })?;
        Ok(FitnessTerms {
            weight_balance: Self::weight_balance(theta),
            temperature_score: Self::temperature_score(theta),
            context_alignment: 1.0 - (weight - self.desired_complexity).abs(),
        })
    }

    /// F as a function of the points of a space of θ (or of a part of it). A point outside the space gives NaN, which ranks last.
    ///
    /// # Errors
    /// When the space is none of θ, or has no weight for [`COMPLEXITY`].
    pub fn over(
        &self,
        space: &ParameterSpace,
    ) -> Result<impl Fn(&[f64]) -> f64 + Clone + Send + Sync + use<>, FitnessError> {
        let (document, space) = (*self, space.clone());
        document.terms(&Parameters::from_vector(&space, &space.middle())?)?;
        Ok(move |point: &[f64]| {
            Parameters::from_vector(&space, point)
                .ok()
                .and_then(|theta| document.terms(&theta).ok())
                .map_or(f64::NAN, |terms| terms.total())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terms_are_those_of_the_documents() {
        let space = Parameters::space(["complexity", "size"], ["layer_0"]);
        let theta = Parameters::from_vector(&space, &[1.0, 0.5, 0.2, 1.5]).unwrap();
        let document = DocumentFitness { desired_complexity: 0.7 };
        let terms = document.terms(&theta).unwrap();
        assert!((terms.weight_balance - 0.9375).abs() < 1e-12, "{terms:?}");
        assert!((terms.temperature_score - 0.5).abs() < 1e-12, "{terms:?}");
        assert!((terms.context_alignment - 0.7).abs() < 1e-12, "{terms:?}");
    }

    #[test]
    fn the_known_optimum_is_the_optimum() {
        let space = Parameters::space(["complexity", "size"], ["layer_0"]);
        let document = DocumentFitness { desired_complexity: 0.7 };
        let fitness = document.over(&space).unwrap();
        assert_eq!(fitness(&[0.7, 0.7, 0.3, 1.0]), DocumentFitness::OPTIMUM);
        for nearby in [[0.71, 0.7, 0.3, 1.0], [0.7, 0.69, 0.3, 1.0]] {
            assert!(fitness(&nearby) < DocumentFitness::OPTIMUM);
        }
        assert!(fitness(&[9.0, 0.7, 0.3, 1.0]).is_nan());
    }

    #[test]
    fn a_space_without_complexity_is_refused_by_name() {
        let space = Parameters::space(["size"], ["layer_0"]);
        let document = DocumentFitness { desired_complexity: 0.7 };
        let error = document.over(&space).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), "there is no weight \"complexity\"");
    }
}
