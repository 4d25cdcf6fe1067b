//! The default embedder: hashed words and character n-grams, weighted by how rare they are.
//!
//! Term frequency times inverse document frequency (Salton and Buckley, "Term-weighting approaches in automatic text retrieval", 1988)
//! over hashed tokens (Weinberger et al., "Feature hashing for large scale multitask learning", 2009). No model and no
//! dictionary; it learns only how common tokens are. It does not know that two words mean the same.

use orchestrator_core::Payload;

use super::embedder::{Embedder, EmbedderError};
use super::frequency::DocumentFrequencies;
use super::token::{self, TOKENS_MAX};
use crate::error::AttentionError;

/// How much a character n-gram counts beside its word: a word has about as many as it has letters.
const GRAM_WEIGHT: f32 = 0.4;

/// Hashed words and character trigrams with TF-IDF.
///
/// ```
/// use orchestrator_attention::{Embedder, TextEmbedder};
/// let mut embedder = TextEmbedder::new(64)?;
/// let vector = |embedder: &TextEmbedder, text: &str| {
///     let mut vector = vec![0.0; embedder.dimensions()];
///     embedder.embed(text, &mut vector);
///     vector
/// };
/// let cosine = |a: Vec<f32>, b: Vec<f32>| {
///     let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f32>();
///     dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
/// };
/// let alike = |e: &TextEmbedder| cosine(vector(e, "please fix the parser"), vector(e, "please draw the logo"));
/// let before = alike(&embedder);
/// for text in ["please fix the build", "please test the page", "please name the team"] {
///     embedder.observe(text); // "please" and "the" say nothing any more
/// }
/// assert!(alike(&embedder) < before);
/// # Ok::<(), orchestrator_attention::AttentionError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct TextEmbedder {
    dimensions: usize,
    name: String,
    frequencies: DocumentFrequencies,
}

impl TextEmbedder {
    /// An embedder that knows no text yet, into so many dimensions.
    ///
    /// # Errors
    /// When there are none.
    pub fn new(dimensions: usize) -> Result<TextEmbedder, AttentionError> {
        if dimensions == 0 {
            return Err(AttentionError::Zero { what: "dimension" });
        }
        let name = format!("hashed n-grams v1, {dimensions} dimensions");
        Ok(TextEmbedder { dimensions, name, frequencies: DocumentFrequencies::new() })
    }
}

impl Embedder for TextEmbedder {
    fn name(&self) -> &str {
        &self.name
    }

    fn dimensions(&self) -> usize {
        self.dimensions
    }

    fn embed(&self, text: &str, vector: &mut [f32]) {
        vector.fill(0.0);
        token::of_text(text, |token, gram| {
            let weight = self.frequencies.idf_if_seen(token) * if gram { GRAM_WEIGHT } else { 1.0 };
            token::scatter(token, weight, vector);
        });
    }

    fn observe(&mut self, text: &str) {
        let mut tokens = Vec::with_capacity(TOKENS_MAX.min(2 * text.len()));
        token::of_text(text, |token, _| tokens.push(token));
        self.frequencies.observe(&mut tokens);
    }

    fn save(&self) -> Payload {
        Payload::of(&self.frequencies).expect("counters are whole numbers")
    }

    fn load(&mut self, state: &Payload) -> Result<(), EmbedderError> {
        self.frequencies = state.to().map_err(|error| EmbedderError::State {
            embedder: self.name.clone(),
            reason: error.to_string(),
        })?;
        Ok(())
    }
}
