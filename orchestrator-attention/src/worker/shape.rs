//! What a [`ContextWorker`](super::ContextWorker) reads and writes.

use std::collections::BTreeMap;

use orchestrator_core::Check;
use serde::{Deserialize, Serialize};

/// The most weights that one output holds (heads × layers × sources): with some twenty characters each they stay well within
/// [`PAYLOAD_BYTES_MAX`](orchestrator_core::PAYLOAD_BYTES_MAX).
pub const WEIGHTS_MAX: usize = 32_768;

/// Which layers attend, and to what.
///
/// ```
/// use orchestrator_attention::{ContextEntry, ContextInput, Flow};
/// let input: ContextInput = serde_json::from_str(r#"{
///     "layers": [{"name": "layer_2", "interests": {"nulls": 1.0}}],
///     "previous": [{"name": "nulls", "value": 0.9}, {"name": "layer_1", "text": "writes layer 2"}]
/// }"#)?;
/// assert_eq!(input.layers, [ContextEntry::interests("layer_2", [("nulls", 1.0)])]);
/// assert_eq!(input.flow, Flow::Apart);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContextInput {
    /// Q: the current layers, at least one, each with a name of its own.
    pub layers: Vec<ContextEntry>,
    /// K and V: what the layers before gave. Left out or null: the outputs of the steps that the task can see, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Vec<ContextEntry>>,
    /// Whether the layers also see what those before them attended.
    #[serde(default)]
    pub flow: Flow,
}

/// Whether one layer sees what another attended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// Each layer sees `previous` alone.
    #[default]
    Apart,
    /// In the order of `layers`, each also sees the contexts of the layers before it.
    Chained,
}

/// A layer, a step or a feature with its name. In JSON `{"name": …}` and one of `vector`, `text`, `value` and `interests`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct ContextEntry {
    /// Its name.
    pub name: String,
    /// What it is like.
    pub content: EntryContent,
}

/// What an entry is like; each becomes a row of `embed_dim` coordinates, those of a vector apart with about unit variance.
///
/// Features and interests share one space of names, texts have a space of words: an interest in `nulls` does not find the word.
#[derive(Debug, Clone, PartialEq)]
pub enum EntryContent {
    /// `embed_dim` finite numbers, taken as they are: the context that another layer was given, or an embedding of the host's.
    Vector(Vec<f64>),
    /// Any text, by its words: √d times its [`FeatureHasher`](crate::FeatureHasher) vector. Beyond the first 64 KiB it is not read.
    Text(String),
    /// How much there is of the feature of this name, in [0, 1]: a row of [`embed`](crate::embed).
    Value(f64),
    /// Which features it looks for, and how much: a row of [`embed_layers`](crate::embed_layers). Each must be an entry with a
    /// value; none at all looks for every feature by its value.
    Interests(BTreeMap<String, f64>),
}

impl ContextEntry {
    /// An entry that is a row already.
    pub fn vector(name: impl Into<String>, vector: impl Into<Vec<f64>>) -> ContextEntry {
        ContextEntry { name: name.into(), content: EntryContent::Vector(vector.into()) }
    }

    /// An entry that is a text.
    pub fn text(name: impl Into<String>, text: impl Into<String>) -> ContextEntry {
        ContextEntry { name: name.into(), content: EntryContent::Text(text.into()) }
    }

    /// A feature with its value, from 0 to 1.
    pub fn value(name: impl Into<String>, value: f64) -> ContextEntry {
        ContextEntry { name: name.into(), content: EntryContent::Value(value) }
    }

    /// A layer that looks for features.
    pub fn interests<N: Into<String>>(
        name: impl Into<String>,
        interests: impl IntoIterator<Item = (N, f64)>,
    ) -> ContextEntry {
        let interests = interests.into_iter().map(|(name, weight)| (name.into(), weight));
        let content = EntryContent::Interests(interests.collect());
        ContextEntry { name: name.into(), content }
    }
}

/// What came of it. A row is a layer, a column a source: the entries of `previous`, then, if the flow was chained, the layers.
///
/// It is what the next layer needs as well: the output of a step that gave this is read by a later
/// [`ContextWorker`](super::ContextWorker) as the vectors of its layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContextOutput {
    /// The names of the rows.
    pub layers: Vec<String>,
    /// The names of the columns.
    pub sources: Vec<String>,
    /// For each layer the context that it hands on: `embed_dim` numbers.
    pub attended_output: Vec<Vec<f64>>,
    /// For each head, for each layer, a weight for each source; 0 where it does not see it.
    pub attention_weights: Vec<Vec<Vec<f64>>>,
    /// For each layer, the entropy of each head, in nats.
    pub attention_entropy: Vec<Vec<f64>>,
    /// The mean entropy as a share of the greatest there can be; absent when no layer sees more than one source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entropy_share: Option<f64>,
    /// For each layer the share of each source that it sees, averaged over the heads.
    pub routes: BTreeMap<String, BTreeMap<String, f64>>,
    /// For each layer the share of each entry of `previous`, on direct ways and through other layers together (attention rollout:
    /// Abnar and Zuidema, "Quantifying attention flow in transformers", 2020, without its residual term, since there is none here).
    pub origins: BTreeMap<String, BTreeMap<String, f64>>,
    /// The verification checklist.
    pub checks: Vec<Check>,
    /// Advice in words; empty when the measurements say nothing.
    pub diagnosis: Vec<String>,
}

/// How an entry stands in JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vector: Option<Vec<f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interests: Option<BTreeMap<String, f64>>,
}

impl TryFrom<Written> for ContextEntry {
    type Error = String;

    fn try_from(written: Written) -> Result<ContextEntry, String> {
        let Written { name, vector, text, value, interests } = written;
        let content = match (vector, text, value, interests) {
            (Some(vector), None, None, None) => EntryContent::Vector(vector),
            (None, Some(text), None, None) => EntryContent::Text(text),
            (None, None, Some(value), None) => EntryContent::Value(value),
            (None, None, None, Some(interests)) => EntryContent::Interests(interests),
            _ => {
                return Err(format!(
                    "entry {name:?} must have one of `vector`, `text`, `value` and `interests`"
                ));
            }
        };
        Ok(ContextEntry { name, content })
    }
}

impl From<ContextEntry> for Written {
    fn from(entry: ContextEntry) -> Written {
        let ContextEntry { name, content } = entry;
        let mut written = Written { name, vector: None, text: None, value: None, interests: None };
        match content {
            EntryContent::Vector(vector) => written.vector = Some(vector),
            EntryContent::Text(text) => written.text = Some(text),
            EntryContent::Value(value) => written.value = Some(value),
            EntryContent::Interests(interests) => written.interests = Some(interests),
        }
        written
    }
}
