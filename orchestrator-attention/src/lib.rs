//! Exact multi-head attention, and a router that attends over what it remembers.
//!
//! [`MultiHeadAttention`] is scaled dot-product attention (Vaswani et al., "Attention is all you need", 2017) on nalgebra
//! matrices: rows are positions, columns are features. It is exact (no sampling, no low rank), keeps its head for logits from
//! 1e-30 to 1e300, and gives back what is needed to judge it: weights, entropy and log-sum-exp of every query and head, and
//! [`verify`] turns them into named checks, [`diagnose`] into advice. [`embed`] makes rows out of named features, so that layers can attend over them.
//! [`AttentionRouter`] attends over past tasks to foretell who will do the next one well, and says which of them spoke.
//!
//! Projections are the identity, drawn from a seed, the caller's, or learned: [`MultiHeadAttention::trace`] gives exact gradients,
//! [`Adam`] follows them, and [`MultiHeadAttention::parameter_space`] opens them to any search. Nothing here reads a clock.
//!
//! ```
//! use orchestrator_attention::{
//!     AttentionConfig, Feature, LayerQuery, Mask, MultiHeadAttention, Returns, embed, embed_layers, verify,
//! };
//! use orchestrator_core::Seed;
//!
//! let config = AttentionConfig::default(); // 16 dimensions, 4 heads
//! let features = [Feature::new("nulls", 0.9), Feature::new("duplicates", 0.2)];
//! let layers = [LayerQuery::new("layer_2").interested_in("nulls", 1.0)];
//!
//! let keys = embed(&features, config.embed_dim, Seed(7))?;
//! let queries = embed_layers(&layers, &features, config.embed_dim, Seed(7))?;
//! let attention = MultiHeadAttention::identity(config)?.with_returns(Returns::Weights);
//! let attended = attention.attend(&queries, &keys, &keys, &Mask::None)?;
//!
//! let weights = attended.mean_weights().unwrap(); // one row a layer, one column a feature
//! assert!(weights[(0, 0)] > weights[(0, 1)]);
//! assert!(verify(&attended, &config, queries.nrows()).iter().all(|check| check.passed));
//! # Ok::<(), orchestrator_attention::AttentionError>(())
//! ```

mod embed;
mod error;
mod kernel;
mod layer;
mod real;
mod router;
mod train;
mod worker;

pub use nalgebra;

pub use orchestrator_core::{Check, Router};

#[cfg(feature = "pocket-encoder")]
pub use embed::PocketEmbedder;
pub use embed::{
    Embedder, EmbedderError, Feature, FeatureHasher, LayerQuery, POSITIONS_BASE, Positions,
    TextEmbedder, embed, embed_layers, positions, rotate, sinusoidal,
};
pub use error::AttentionError;
pub use kernel::{
    Attended, Mask, Returns, RowSum, ScaledDotProduct, Statistics, Workspace, softmax,
};
pub use layer::{
    AttentionConfig, COMPLEXITY_THRESHOLD, Dimensions, FOCUS_MARGIN, Finding, HEAD_DIM, Linear,
    MultiHeadAttention, Preset, Projections, SAME_WEIGHTS, SUM_TOLERANCE, UNIFORM_EMBED_DIM,
    diagnose, verify,
};
pub use real::Real;
pub use router::{
    AttentionRouter, Explanation, Forgetting, Head, HeadWeight, LearnOptions, Learned, LeaveOneOut,
    Memory, PastTask, Prediction, RouterConfig, RouterConfigError, RouterState, Weighed,
};
pub use train::{Adam, AdamError, AdamSettings, Gradients, Trace};
pub use worker::{
    ContextEntry, ContextInput, ContextOutput, ContextRefused, ContextWorker, EntryContent, Flow,
    OutcomeInput, RouterInput, RouterOutput, RouterWorker, WEIGHTS_MAX,
};
