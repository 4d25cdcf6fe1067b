//! Rows of numbers out of what is not yet numbers: named features, layers, positions, texts.

mod features;
mod hasher;
mod positions;

pub use features::{Feature, LayerQuery, embed, embed_layers};
pub use hasher::FeatureHasher;
pub use positions::{POSITIONS_BASE, Positions, positions, rotate, sinusoidal};
pub(crate) use positions::{rotary_width, rotate_back};
