//! Texts and named numbers as vectors of a fixed width, without a model and without a dictionary.
//!
//! The hashing trick (Weinberger, Dasgupta, Langford, Smola, Attenberg, "Feature hashing for large scale multitask learning",
//! 2009): every token adds +1 or −1 in a bucket of its own hash, so that collisions cancel on average. It keeps no vocabulary, so
//! the same text has the same vector for ever; it does not know that two words mean the same.

use orchestrator_core::Seed;
use serde::{Deserialize, Serialize};

use crate::error::AttentionError;

/// Fixed, so that vectors written down in one process mean the same in the next.
const HASH_SEED: Seed = Seed(0x6174_7465_6e74);

/// How long the character n-grams are, which let `parser` and `parsing` resemble each other.
const GRAM: usize = 3;

/// Hashes tokens into a fixed number of dimensions.
///
/// ```
/// use orchestrator_attention::FeatureHasher;
/// let hasher = FeatureHasher::new(64)?;
/// let dot = |a: &str, b: &str| -> f64 {
///     hasher.text(a).iter().zip(hasher.text(b)).map(|(x, y)| x * y).sum()
/// };
/// assert!((dot("fix the parser", "fix the parser") - 1.0).abs() < 1e-12);
/// assert!(dot("fix the parser", "repair the parser") > dot("fix the parser", "draw a logo"));
/// # Ok::<(), orchestrator_attention::AttentionError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureHasher {
    dimensions: usize,
}

impl FeatureHasher {
    /// A hasher into so many dimensions.
    ///
    /// # Errors
    /// When there are none.
    pub fn new(dimensions: usize) -> Result<Self, AttentionError> {
        if dimensions == 0 {
            return Err(AttentionError::Zero { what: "dimension" });
        }
        Ok(FeatureHasher { dimensions })
    }

    /// The width of every vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The unit vector of a text: its lower-case words, and their character trigrams at half weight. Zero when it has no words.
    pub fn text(&self, text: &str) -> Vec<f64> {
        let mut vector = vec![0.0; self.dimensions];
        let words = text.split(|c: char| !c.is_alphanumeric());
        for word in words.filter(|word| !word.is_empty()) {
            let word = word.to_lowercase();
            self.add(&mut vector, &word, 1.0);
            // The marks at both ends tell a beginning from a middle.
            let marked: Vec<char> = format!("<{word}>").chars().collect();
            for gram in marked.windows(GRAM) {
                self.add(&mut vector, &gram.iter().collect::<String>(), 0.5);
            }
        }
        unit(vector)
    }

    /// The unit vector of named numbers: each is an angle 2·atan(x), so that near numbers have a large product and
    /// far ones a small or negative one, whatever their unit. Zero when there are none; a number that is not finite is left out.
    pub fn numbers<'a>(&self, numbers: impl IntoIterator<Item = (&'a str, f64)>) -> Vec<f64> {
        let mut vector = vec![0.0; self.dimensions];
        for (name, value) in numbers {
            if value.is_finite() {
                let (sin, cos) = (2.0 * value.atan()).sin_cos();
                self.add(&mut vector, &format!("{name} cos"), cos);
                self.add(&mut vector, &format!("{name} sin"), sin);
            }
        }
        unit(vector)
    }

    fn add(&self, vector: &mut [f64], token: &str, weight: f64) {
        let hash = HASH_SEED.derive(token).0;
        let bucket = (hash >> 1) % self.dimensions as u64;
        let sign = if hash & 1 == 0 { 1.0 } else { -1.0 };
        vector[bucket as usize] += sign * weight;
    }
}

fn unit(mut vector: Vec<f64>) -> Vec<f64> {
    let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|x| *x /= norm);
    }
    vector
}
