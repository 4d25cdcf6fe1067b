//! Why nothing is generated.

use crate::template::{Fault, InputError, TemplateError};
use crate::validate::NoValidator;

/// Why no scripts were generated.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// Name the feature in the request; a profile has all of those of the built-in templates.
    #[error("block {block} listens to the feature {feature:?}, which the request lacks")]
    MissingFeature {
        /// The block.
        block: String,
        /// The feature.
        feature: String,
    },
    /// Features are shares.
    #[error("feature {feature:?} is {value}, which is outside [0, 1]")]
    FeatureOutside {
        /// The feature.
        feature: String,
        /// Its value.
        value: f64,
    },
    /// Give θ a weight for the feature.
    #[error("the parameters have no weight for the feature {feature:?}")]
    MissingWeight {
        /// The feature.
        feature: String,
    },
    /// Give θ a bias for the layer.
    #[error("the parameters have no bias for {layer}")]
    MissingBias {
        /// The layer.
        layer: String,
    },
    /// Keep θ within its bounds.
    #[error("the parameters are outside their bounds: {0}")]
    Parameters(#[from] orchestrator_core::ParameterError),
    /// Emphasis multiplies.
    #[error("the emphasis of {feature:?} for {layer} is {value}, which is no factor")]
    Emphasis {
        /// The layer.
        layer: String,
        /// The feature.
        feature: String,
        /// The factor as given.
        value: f64,
    },
    /// The inputs are not what the template asks for.
    #[error(transparent)]
    Inputs(#[from] InputError),
    /// There is no such template, or it is at fault.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// Nobody can judge a layer: nothing is handed out unvalidated.
    #[error("{file} cannot be handed out: {source}")]
    Unjudged {
        /// The layer's file.
        file: String,
        /// Who is missing.
        source: NoValidator,
    },
}

impl From<Fault> for GenerateError {
    fn from(fault: Fault) -> GenerateError {
        GenerateError::Template(fault.into())
    }
}
