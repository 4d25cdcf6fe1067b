//! How wide attention is, and with how many heads.
//!
//! ```
//! use orchestrator_attention::{AttentionConfig, Preset};
//! assert_eq!(AttentionConfig::default().head_dim()?, 4);
//! assert_eq!(AttentionConfig::preset(Preset::Quality), AttentionConfig { embed_dim: 32, heads: 8 });
//! assert_eq!(AttentionConfig::with_heads(6).embed_dim, 24);
//! let error = AttentionConfig { embed_dim: 16, heads: 6 }.check().unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "embed_dim 16 is not a multiple of 6 heads; the nearest that are: 12 and 18"
//! );
//! # Ok::<(), orchestrator_attention::AttentionError>(())
//! ```

use serde::{Deserialize, Serialize};

use crate::error::AttentionError;

/// The width of one head that [`AttentionConfig::with_heads`] and the presets keep, so that more heads see more and none sees less.
pub const HEAD_DIM: usize = 4;

/// The shape of multi-head attention. Checked where it is used; nothing is ever rounded to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AttentionConfig {
    /// The width of a row.
    pub embed_dim: usize,
    /// How many heads share it; must divide it.
    pub heads: usize,
}

impl Default for AttentionConfig {
    /// 16 dimensions and 4 heads: enough to tell a handful of layers and features apart.
    fn default() -> Self {
        AttentionConfig::with_heads(4)
    }
}

/// What matters most. Every preset keeps the head dimension at [`HEAD_DIM`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// 2 heads.
    Speed,
    /// 4 heads.
    #[default]
    Default,
    /// 8 heads: richer context.
    Quality,
}

impl AttentionConfig {
    /// The shape of a preset.
    pub fn preset(preset: Preset) -> Self {
        AttentionConfig::with_heads(match preset {
            Preset::Speed => 2,
            Preset::Default => 4,
            Preset::Quality => 8,
        })
    }

    /// `heads` heads of [`HEAD_DIM`] dimensions each.
    pub fn with_heads(heads: usize) -> Self {
        AttentionConfig { embed_dim: heads.saturating_mul(HEAD_DIM), heads }
    }

    /// Whether the heads share the dimensions evenly.
    ///
    /// # Errors
    /// When either is zero, or the heads do not divide the dimensions.
    pub fn check(&self) -> Result<(), AttentionError> {
        let AttentionConfig { embed_dim, heads } = *self;
        if heads == 0 {
            return Err(AttentionError::Zero { what: "head" });
        }
        if embed_dim == 0 {
            return Err(AttentionError::Zero { what: "dimension" });
        }
        if embed_dim % heads != 0 {
            let below = embed_dim / heads * heads;
            return Err(AttentionError::HeadsDoNotDivide {
                embed_dim,
                heads,
                below: below.max(heads),
                above: below.saturating_add(heads),
            });
        }
        Ok(())
    }

    /// The width of one head.
    ///
    /// # Errors
    /// As [`AttentionConfig::check`].
    pub fn head_dim(&self) -> Result<usize, AttentionError> {
        self.check()?;
        Ok(self.embed_dim / self.heads)
    }
}
