//! Rows of numbers out of what is not yet numbers: named features, layers, positions, texts.

mod embedder;
mod features;
mod frequency;
mod hasher;
#[cfg(feature = "pocket-encoder")]
mod pocket;
mod positions;
mod text;
pub(crate) mod token;

pub use embedder::{Embedder, EmbedderError};
pub use features::{Feature, LayerQuery, embed, embed_layers};
pub(crate) use frequency::DocumentFrequencies;
pub use hasher::FeatureHasher;
#[cfg(feature = "pocket-encoder")]
pub use pocket::PocketEmbedder;
pub use positions::{POSITIONS_BASE, Positions, positions, rotate, sinusoidal};
pub(crate) use positions::{rotary_width, rotate_back};
pub use text::TextEmbedder;
