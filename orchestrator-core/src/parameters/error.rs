//! What can be wrong with a space, or with a point of it.

use super::domain::{INTEGER_MAX, PERMUTATION_MAX};

/// Why something is no parameter space, or no point of it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// Give the space at least one parameter.
    #[error("a parameter space needs at least one parameter")]
    Empty,
    /// Bounds and their distance must be finite, the lower at most the upper.
    #[error("parameter {name:?}: [{min}, {max}] is no interval of finite width")]
    Bounds {
        /// The parameter.
        name: String,
        /// The lower end as given.
        min: f64,
        /// The upper end as given.
        max: f64,
    },
    /// The lower end must be at most the upper, both within ±[`INTEGER_MAX`].
    #[error(
        "parameter {name:?}: {min} to {max} is no range of whole numbers within -{INTEGER_MAX} to {INTEGER_MAX}"
    )]
    Integers {
        /// The parameter.
        name: String,
        /// The lower end as given.
        min: i64,
        /// The upper end as given.
        max: i64,
    },
    /// Give the parameter at least one label.
    #[error("parameter {name:?} has no label to choose")]
    NoLabels {
        /// The parameter.
        name: String,
    },
    /// Every label of a parameter must differ from its others.
    #[error("parameter {name:?}: the label {label:?} occurs twice")]
    LabelTwice {
        /// The parameter.
        name: String,
        /// The label that occurs twice.
        label: String,
    },
    /// The permutations of a space order 1 to [`PERMUTATION_MAX`] things, counted together.
    #[error(
        "parameter {name:?}: {count} things to order; it must be 1 to {PERMUTATION_MAX} in a space"
    )]
    Permutation {
        /// The parameter.
        name: String,
        /// How many things it should order, with those of the parameters before it.
        count: usize,
    },
    /// Every parameter, and every coordinate of a permutation, needs a name of its own.
    #[error("parameter {name:?} occurs twice")]
    Duplicate {
        /// The name that occurs twice.
        name: String,
    },
    /// The vector has another length than the space.
    #[error("{found} values for {wanted} parameters")]
    Length {
        /// The dimension of the space.
        wanted: usize,
        /// The length of the vector.
        found: usize,
    },
    /// The value lies outside its bounds, or is NaN.
    #[error("parameter {name:?}: {value} is outside [{min}, {max}]")]
    Outside {
        /// The coordinate.
        name: String,
        /// The value as given.
        value: f64,
        /// The lower end.
        min: f64,
        /// The upper end.
        max: f64,
    },
    /// Only a real parameter has values between the whole numbers; [`ParameterSpace::clamp`](super::ParameterSpace::clamp) rounds.
    #[error("parameter {name:?}: {value} is no whole number")]
    NotWhole {
        /// The coordinate.
        name: String,
        /// The value as given.
        value: f64,
    },
    /// A permutation has everything once; [`ParameterSpace::clamp`](super::ParameterSpace::clamp) makes one by rank order.
    #[error("parameter {name:?} is no permutation: {value} occurs twice")]
    Repeated {
        /// The parameter.
        name: String,
        /// What occurs twice.
        value: usize,
    },
    /// The space is not laid out as [`Parameters::space`](super::Parameters::space) lays it out.
    #[error("parameter {name:?} is no weight, bias or temperature")]
    Unknown {
        /// The name that has no place in [`Parameters`](super::Parameters).
        name: String,
    },
    /// Ask for one of the parameters that the space was built with.
    #[error("the space has no parameter {name:?}")]
    Missing {
        /// The name that was asked for.
        name: String,
    },
    /// Read the parameter as what it is.
    #[error("parameter {name:?} is {found}, and was read as {wanted}")]
    Kind {
        /// The parameter.
        name: String,
        /// As what it was read.
        wanted: &'static str,
        /// What it is.
        found: &'static str,
    },
}
