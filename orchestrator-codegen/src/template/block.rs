//! The optional parts of the scripts: which there are, what each one listens to.

use serde::{Deserialize, Serialize};

/// The three layers, outermost first. The same names stand in θ, as those of the biases.
pub const LAYERS: [&str; 3] = ["layer_0", "layer_1", "layer_2"];

/// The adaptive block is for files of more than this complexity: below it, a person sees at a glance what it would do.
pub const ADAPTIVE_COMPLEXITY: f64 = 0.7;

/// An optional part of a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block {
    /// Its name.
    pub name: &'static str,
    /// The layer it belongs to; both generator layers share theirs.
    pub layers: &'static [&'static str],
    /// The feature that its tokens listen to.
    pub feature: &'static str,
    /// It needs more than this complexity, however active its tokens are.
    pub complexity_above: f64,
    /// What it does, for people.
    pub purpose: &'static str,
}

const GENERATORS: &[&str] = &["layer_0", "layer_1"];
const SCRIPT: &[&str] = &["layer_2"];

const fn block(
    name: &'static str,
    layers: &'static [&'static str],
    feature: &'static str,
    purpose: &'static str,
) -> Block {
    Block { name, layers, feature, complexity_above: 0.0, purpose }
}

/// Every optional block, in the order of the code.
///
/// `chunked_streaming` changes no result but one: in columns of more than 32,768 values the median and the quartiles of
/// `imputation` and `outlier_clipping` are those of a regular sample of at least half as many. Its memory grows by sixteen
/// bytes a row, for the digests by which it knows duplicates.
pub const BLOCKS: &[Block] = &[
    block("explain", GENERATORS, "types", "--explain prints the decisions behind the next layer"),
    block("compile_check", GENERATORS, "complexity", "compiles the next layer before it writes it"),
    block("imputation", SCRIPT, "nulls", "fills gaps with the median or the most frequent value"),
    block("outlier_clipping", SCRIPT, "outliers", "moves outliers to Tukey's outer fences"),
    block(
        "near_deduplication",
        SCRIPT,
        "duplicates",
        "drops rows that differ only in case, blanks or the spelling of numbers",
    ),
    block(
        "text_normalisation",
        SCRIPT,
        "text",
        "brings text into Unicode NFC and collapses blanks",
    ),
    block("column_statistics", SCRIPT, "types", "reports mean, deviation and length of columns"),
    block("quarantine_summary", SCRIPT, "faults", "counts the reasons of quarantined rows"),
    block(
        "chunked_streaming",
        SCRIPT,
        "size",
        "reads the file in passes instead of holding its rows",
    ),
    block("logging", SCRIPT, "complexity", "--verbose tells every step on stderr"),
    Block {
        complexity_above: ADAPTIVE_COMPLEXITY,
        ..block(
            "adaptive",
            SCRIPT,
            "complexity",
            "reads columns as text when too many rows would be quarantined",
        )
    },
];

/// Why a block is, or is not, in a layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockDecision {
    /// The layer.
    pub layer: String,
    /// The block.
    pub block: String,
    /// The feature it listens to.
    pub feature: String,
    /// The value of the feature, after the layer's emphasis.
    pub value: f64,
    /// θ's weight for the feature.
    pub weight: f64,
    /// θ's bias for the layer.
    pub bias: f64,
    /// θ's temperature.
    pub temperature: f64,
    /// (weight · value + bias) / temperature.
    pub score: f64,
    /// The activation of the score.
    pub activation: f64,
    /// The activation from which the block stays.
    pub threshold: f64,
    /// Whether it is in.
    pub kept: bool,
}
