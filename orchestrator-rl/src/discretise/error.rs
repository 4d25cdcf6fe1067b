//! Why a space cannot be cut into cells, or a point has none.

use orchestrator_core::ParameterError;

/// Why a space cannot be cut into cells, or a point has none.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DiscretiseError {
    /// An order of things is neither near to nor far from another along one line. Leave it out of the space that states are made
    /// of, or give what matters of it as the context.
    #[error("parameter {name:?} is a permutation, which has no cells; leave it out of the space")]
    Permutation {
        /// The parameter.
        name: String,
    },
    /// Too few or too many cells for one parameter.
    #[error("{what} are {count}; there can be 1 to {max}")]
    Count {
        /// What is counted.
        what: String,
        /// How many there would be.
        count: usize,
        /// How many there can be.
        max: usize,
    },
    /// The cells of all parameters and contexts together are more than numbers: take fewer bins, or
    /// [`Grid::key`](crate::Grid::key) and a hashed table.
    #[error("the grid has more than {max} states; take fewer bins, or keys and a hashed table")]
    TooManyStates {
        /// How many there can be.
        max: usize,
    },
    /// Quantiles are those of samples, and there is none.
    #[error("no sample to take quantiles of")]
    NoSamples,
    /// A sample is not a point of the space.
    #[error("sample {at}: {error}")]
    Sample {
        /// Which one, counted from 0.
        at: usize,
        /// What is wrong with it.
        error: ParameterError,
    },
    /// The point is not one of the space.
    #[error("the point: {0}")]
    Point(ParameterError),
    /// The grid was made for fewer contexts: see [`Grid::with_contexts`](crate::Grid::with_contexts).
    #[error("context {context} of {count}")]
    Context {
        /// The context.
        context: u64,
        /// How many there are.
        count: usize,
    },
    /// What was saved is of another version of the format.
    #[error("the saved grid has format {found}; this version reads format {known}")]
    Version {
        /// Its version.
        found: u32,
        /// The version that can be read.
        known: u32,
    },
    /// What was saved contradicts itself.
    #[error("the saved grid is damaged: {what}")]
    Damaged {
        /// The part that does not fit.
        what: String,
    },
}
