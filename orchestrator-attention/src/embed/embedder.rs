//! What turns a text into a direction: the seam at which a host brings its own encoder.

use orchestrator_core::Payload;

/// The state of an embedder does not fit it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EmbedderError {
    /// Load it into the embedder that saved it, or start anew.
    #[error("the state is of embedder {found:?}, this one is {known:?}")]
    Other {
        /// Who saved it.
        found: String,
        /// Who was to load it.
        known: String,
    },
    /// The state is torn or was written by another version.
    #[error("the state of embedder {embedder:?} is not readable: {reason}")]
    State {
        /// The embedder.
        embedder: String,
        /// What was wrong.
        reason: String,
    },
    /// The encoder behind it did not start.
    #[error("the encoder of {embedder:?} does not start: {reason}")]
    Start {
        /// The embedder.
        embedder: String,
        /// What it said.
        reason: String,
    },
}

/// Turns texts into vectors whose angles tell how alike the texts are.
///
/// The same text and the same state give the same vector: a router that is asked twice must answer twice the same.
///
/// ```
/// use orchestrator_attention::{AttentionRouter, Embedder, RouterConfig};
///
/// /// Tells texts apart by how often they use each letter.
/// struct Letters;
///
/// impl Embedder for Letters {
///     fn name(&self) -> &str {
///         "letters"
///     }
///     fn dimensions(&self) -> usize {
///         26
///     }
///     fn embed(&self, text: &str, vector: &mut [f32]) {
///         vector.fill(0.0);
///         for letter in text.bytes().filter(u8::is_ascii_lowercase) {
///             vector[usize::from(letter - b'a')] += 1.0;
///         }
///     }
/// }
///
/// let router = AttentionRouter::with_embedder(RouterConfig::default(), Letters)?;
/// assert!(router.memory().is_empty());
/// # Ok::<(), orchestrator_attention::RouterConfigError>(())
/// ```
pub trait Embedder: Send + Sync {
    /// Which one it is, with all that changes its vectors (a model, a version): what was remembered with one cannot be compared with another.
    fn name(&self) -> &str;

    /// The length of every vector, at least 1.
    fn dimensions(&self) -> usize;

    /// Writes the vector of a text over the whole of `vector`, which has `dimensions` places. Its length does not matter; all zero, or
    /// anything that is not finite, means that the text says nothing.
    fn embed(&self, text: &str, vector: &mut [f32]);

    /// Is told a text that was worked on, for embedders that learn how common words are.
    fn observe(&mut self, text: &str) {
        let _ = text;
    }

    /// What it has learned; null for one that learns nothing.
    fn save(&self) -> Payload {
        Payload::null()
    }

    /// Goes on with what was learned.
    ///
    /// # Errors
    /// When the state is not its own.
    fn load(&mut self, state: &Payload) -> Result<(), EmbedderError> {
        if state.is_null() {
            return Ok(());
        }
        let reason = "it keeps no state, and some was given".to_owned();
        Err(EmbedderError::State { embedder: self.name().to_owned(), reason })
    }
}
