//! What a context worker refuses, with the place and the remedy.

use crate::error::AttentionError;

/// Why a layer could not attend. As a failure of a task it is terminal: another attempt would get the same input.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ContextRefused {
    /// Somebody has to attend.
    #[error("`layers` is empty; name at least one layer that shall attend")]
    NoLayer,
    /// There must be something to see.
    #[error(
        "there is nothing to attend to: give entries in `previous`, or draw an edge from a step that has an output"
    )]
    NothingBefore,
    /// Weights are read by name.
    #[error("{list} has two entries named {name:?}; give each a name of its own")]
    NameTwice {
        /// `layers`, `previous`, or both.
        list: &'static str,
        /// The name.
        name: String,
    },
    /// A vector is taken as it is.
    #[error("the vector of {name:?} in {list} has {found} numbers; give {wanted} (embed_dim)")]
    Width {
        /// `layers` or `previous`.
        list: &'static str,
        /// The entry.
        name: String,
        /// How many it has.
        found: usize,
        /// How many are needed.
        wanted: usize,
    },
    /// An output has an end.
    #[error(
        "{heads} heads, {layers} layers and {sources} sources make {count} weights, more than the {max} of one output; attend in parts"
    )]
    TooMany {
        /// The heads.
        heads: usize,
        /// The rows.
        layers: usize,
        /// The columns.
        sources: usize,
        /// Their product.
        count: usize,
        /// [`WEIGHTS_MAX`](crate::WEIGHTS_MAX).
        max: usize,
    },
    /// A value or an interest is at fault, or the numbers are too large.
    #[error(transparent)]
    Attention(#[from] AttentionError),
}
