//! What went wrong with attention, in words, and only from what was measured.

use std::fmt;

use super::check::FOCUS_MARGIN;
use super::config::AttentionConfig;
use crate::kernel::Statistics;

/// The embedding dimension that the documents advise when the weights are uniform.
pub const UNIFORM_EMBED_DIM: usize = 32;

/// Something that was measured and can be mended. Its `Display` is the advice.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// The weights are uniform, because the embeddings are not differentiated.
    Uniform {
        /// The mean entropy as a share of its maximum, ln n.
        entropy_share: f64,
        /// The width of a row.
        embed_dim: usize,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Finding::Uniform { entropy_share, embed_dim } => {
                write!(
                    f,
                    "the attention weights are uniform (mean entropy {:.1} % of ln n), because the embeddings are not differentiated: ",
                    100.0 * entropy_share
                )?;
                if embed_dim < UNIFORM_EMBED_DIM {
                    write!(
                        f,
                        "raise the embedding dimension from {embed_dim} to {UNIFORM_EMBED_DIM}"
                    )
                } else {
                    write!(
                        f,
                        "give the layers different interests, or the features different values"
                    )
                }
            }
        }
    }
}

/// What the measurements say; empty when the weights are focused.
pub fn diagnose(statistics: &Statistics, config: &AttentionConfig) -> Vec<Finding> {
    let share = statistics.mean_relative_entropy();
    let uniform = share.filter(|share| *share > 1.0 - FOCUS_MARGIN);
    let embed_dim = config.embed_dim;
    uniform.map(|entropy_share| Finding::Uniform { entropy_share, embed_dim }).into_iter().collect()
}
