//! Rows of numbers out of what is not yet numbers: named features, layers, positions, texts.

mod features;
mod hasher;

pub use features::{Feature, LayerQuery, embed, embed_layers, positions};
pub use hasher::FeatureHasher;
