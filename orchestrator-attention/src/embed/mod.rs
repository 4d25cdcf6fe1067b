//! Rows of numbers out of what is not yet numbers: named features, layers, positions, texts.

mod embedder;
mod features;
mod frequency;
mod hasher;
#[cfg(feature = "pocket-encoder")]
mod pocket;
mod text;
pub(crate) mod token;

pub use embedder::{Embedder, EmbedderError};
pub use features::{Feature, LayerQuery, embed, embed_layers, positions};
pub(crate) use frequency::DocumentFrequencies;
pub use hasher::FeatureHasher;
#[cfg(feature = "pocket-encoder")]
pub use pocket::PocketEmbedder;
pub use text::TextEmbedder;
