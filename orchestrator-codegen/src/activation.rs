//! Whether a weighted token is strong enough to stay.
//!
//! The score of a token is `(w · feature + b) / T`. All three functions rise with the score, so one threshold on the scale
//! of scores, put through the function, gives the same decision for each: what differs is the value that is reported.
//!
//! ```
//! use orchestrator_codegen::Activation;
//! for activation in Activation::ALL {
//!     assert!(activation.keeps(0.3));
//!     assert!(!activation.keeps(0.2));
//! }
//! assert_eq!(Activation::Sigmoid.apply(0.0), 0.5);
//! ```

use serde::{Deserialize, Serialize};

/// The score from which a token stays. With θ as the optimiser wants it, each weight near its feature, no bias and
/// temperature 1, the score is the square of the feature: the threshold asks for a feature of one half, the point where
/// the need counts as clear (see [`FEATURES`](crate::FEATURES)).
pub const SCORE_THRESHOLD: f64 = 0.25;

/// The function between a score and an activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// max(0, x). The default: activations read as scores.
    #[default]
    Relu,
    /// 1 / (1 + e^(-x)).
    Sigmoid,
    /// (e^x − e^(−x)) / (e^x + e^(−x)).
    Tanh,
}

impl Activation {
    /// All of them.
    pub const ALL: [Activation; 3] = [Activation::Relu, Activation::Sigmoid, Activation::Tanh];

    /// The activation of a score.
    pub fn apply(self, score: f64) -> f64 {
        match self {
            Activation::Relu => score.max(0.0),
            Activation::Sigmoid => 1.0 / (1.0 + (-score).exp()),
            Activation::Tanh => score.tanh(),
        }
    }

    /// The activation from which a token stays: that of [`SCORE_THRESHOLD`].
    pub fn threshold(self) -> f64 {
        self.apply(SCORE_THRESHOLD)
    }

    /// Whether a token of this score stays. The function rises, so that the score alone decides: on every machine alike, however
    /// its exponentials round.
    pub fn keeps(self, score: f64) -> bool {
        score >= SCORE_THRESHOLD
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_function_decides_alike(score in -5.0..5.0_f64) {
            // The exponentials round: activations a hair's breadth from the threshold may fall either way.
            prop_assume!((score - SCORE_THRESHOLD).abs() > 1e-9);
            for activation in Activation::ALL {
                let reaches = activation.apply(score) >= activation.threshold();
                prop_assert_eq!(activation.keeps(score), reaches);
            }
        }
    }
}
