//! MiniLM as an embedder, by the crate `pocket-encoder`: the weights are inside the crate, nothing is fetched.

use pocket_encoder::{Encoder, model_info};

use super::embedder::{Embedder, EmbedderError};
use super::token;

/// The most bytes of a text that are given to the encoder, which reads 128 word pieces of them.
const TEXT_BYTES_MAX: usize = 4096;

/// A small sentence transformer (all-MiniLM, three layers, 384 dimensions), which knows that two words mean the same.
///
/// It takes milliseconds where [`TextEmbedder`](crate::TextEmbedder) takes microseconds, and is heavy to build: behind the feature
/// `pocket-encoder`.
///
/// ```
/// use orchestrator_attention::{AttentionRouter, PocketEmbedder, RouterConfig};
/// let router = AttentionRouter::with_embedder(RouterConfig::default(), PocketEmbedder::new()?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PocketEmbedder {
    encoder: Encoder,
    name: String,
    dimensions: usize,
}

impl PocketEmbedder {
    /// Unpacks the weights, once a process.
    ///
    /// # Errors
    /// When the encoder does not start.
    pub fn new() -> Result<PocketEmbedder, EmbedderError> {
        let info = model_info();
        let encoder = Encoder::new().map_err(|error| EmbedderError::Start {
            embedder: info.id.clone(),
            reason: error.to_string(),
        })?;
        Ok(PocketEmbedder {
            encoder,
            name: format!("{} {}", info.id, info.revision),
            dimensions: info.dimensions,
        })
    }
}

impl Embedder for PocketEmbedder {
    fn name(&self) -> &str {
        &self.name
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn embed(&self, text: &str, vector: &mut [f32]) {
        vector.fill(0.0);
        let text = token::beginning(text, TEXT_BYTES_MAX);
        if text.trim().is_empty() {
            return;
        }
        // What it cannot encode says nothing.
        if let Ok(vectors) = self.encoder.embed(&[text]) {
            vector.copy_from_slice(&vectors[0]);
        }
    }
}
