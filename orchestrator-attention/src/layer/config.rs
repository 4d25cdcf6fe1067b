//! How wide attention is, with how many heads, and from which complexity on it pays.
//!
//! The documents let the number of heads follow the number of layers, between the 2 heads of speed and the 8 of quality. The rule
//! here is one head for each layer and one for what they share, so that the documents' three layers get the documents' four heads; a
//! head stays [`HEAD_DIM`] wide, so that more heads see more and none sees less.
//!
//! ```
//! use orchestrator_attention::{AttentionConfig, Preset};
//! assert_eq!(AttentionConfig::default().head_dim()?, 4);
//! assert_eq!(AttentionConfig::preset(Preset::Quality), AttentionConfig { embed_dim: 32, heads: 8 });
//! assert_eq!(AttentionConfig::with_heads(6).embed_dim, 24);
//! assert_eq!(AttentionConfig::for_layers(3), AttentionConfig::default());
//! assert_eq!(AttentionConfig::for_layers(6).heads, 7);
//! let error = AttentionConfig { embed_dim: 16, heads: 6 }.check().unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "embed_dim 16 is not a multiple of 6 heads; the nearest that are: 12 and 18"
//! );
//! # Ok::<(), orchestrator_attention::AttentionError>(())
//! ```

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::error::AttentionError;

/// The width of one head that [`AttentionConfig::with_heads`] and the presets keep, so that more heads see more and none sees less.
pub const HEAD_DIM: usize = 4;

/// The complexity of a layer, in [0, 1], above which [`Preset::Efficiency`] attends: the documents' 0.7.
pub const COMPLEXITY_THRESHOLD: f64 = 0.7;

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

/// What matters most: how many heads, and from which complexity on there is attention at all. Every preset keeps the head dimension
/// at [`HEAD_DIM`].
///
/// ```
/// use orchestrator_attention::Preset;
/// let heads = |preset: Preset| [1, 3, 5, 20].map(|layers| preset.for_layers(layers).heads);
/// assert_eq!(heads(Preset::Speed), [2, 2, 2, 2]);
/// assert_eq!(heads(Preset::Default), [2, 4, 6, 8]);
/// assert_eq!(heads(Preset::Quality), [6, 6, 6, 8]);
/// assert_eq!(heads(Preset::Efficiency), [2, 4, 6, 8]);
///
/// assert!(Preset::Default.attends(0.0));
/// assert!(!Preset::Efficiency.attends(0.7) && Preset::Efficiency.attends(0.71));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// 2 heads, however many layers.
    Speed,
    /// 4 heads, or as many as the layers ask for, from 2 to 8.
    #[default]
    Default,
    /// 8 heads, or as many as the layers ask for, from 6 to 8: richer context.
    Quality,
    /// The heads of the default, and attention only for layers above [`COMPLEXITY_THRESHOLD`].
    Efficiency,
}

impl Preset {
    /// How few and how many heads [`Preset::for_layers`] gives.
    pub fn heads(self) -> RangeInclusive<usize> {
        match self {
            Preset::Speed => 2..=2,
            Preset::Default | Preset::Efficiency => 2..=8,
            Preset::Quality => 6..=8,
        }
    }

    /// The shape for so many layers that attend: one head for each and one for what they share, within [`Preset::heads`].
    pub fn for_layers(self, layers: usize) -> AttentionConfig {
        let heads = self.heads();
        let asked = layers.saturating_add(1);
        AttentionConfig::with_heads(asked.clamp(*heads.start(), *heads.end()))
    }

    /// The complexity above which a layer is worth its attention; `None` attends to all.
    pub fn complexity_threshold(self) -> Option<f64> {
        match self {
            Preset::Speed | Preset::Default | Preset::Quality => None,
            Preset::Efficiency => Some(COMPLEXITY_THRESHOLD),
        }
    }

    /// Whether a layer of this complexity, in [0, 1], attends. With a threshold, only what is above it: a NaN is not.
    pub fn attends(self, complexity: f64) -> bool {
        self.complexity_threshold().is_none_or(|threshold| complexity > threshold)
    }
}

impl AttentionConfig {
    /// The shape of a preset when the number of layers is not known.
    pub fn preset(preset: Preset) -> Self {
        AttentionConfig::with_heads(match preset {
            Preset::Speed => 2,
            Preset::Default | Preset::Efficiency => 4,
            Preset::Quality => 8,
        })
    }

    /// The shape for so many layers that attend: [`Preset::for_layers`] of the default preset.
    pub fn for_layers(layers: usize) -> Self {
        Preset::Default.for_layers(layers)
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
