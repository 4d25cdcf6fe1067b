//! Exact multi-head attention, and a router that attends over what it remembers.
//!
//! [`MultiHeadAttention`] is scaled dot-product attention (Vaswani et al., "Attention is all you need", 2017) on nalgebra
//! matrices: rows are positions, columns are features. It is exact (no sampling, no low rank), keeps its head for logits from
//! 1e-30 to 1e300, and gives back what is needed to judge it: weights, entropy and log-sum-exp of every query and head, and
//! [`verify`] turns them into named checks, [`diagnose`] into advice. [`embed`] makes rows out of named features, so that layers can attend over them.
//! [`AttentionRouter`] uses the same softmax to predict from similar past tasks who will do the next one well.
//!
//! Nothing here learns projections: they are the identity, drawn from a seed, or the caller's. Nothing here reads a clock.
//!
//! ```
//! use orchestrator_attention::{
//!     AttentionConfig, Feature, LayerQuery, Mask, MultiHeadAttention, embed, embed_layers, verify,
//! };
//! use orchestrator_core::Seed;
//!
//! let config = AttentionConfig::default(); // 16 dimensions, 4 heads
//! let features = [Feature::new("nulls", 0.9), Feature::new("duplicates", 0.2)];
//! let layers = [LayerQuery::new("layer_2").interested_in("nulls", 1.0)];
//!
//! let keys = embed(&features, config.embed_dim, Seed(7))?;
//! let queries = embed_layers(&layers, &features, config.embed_dim, Seed(7))?;
//! let attention = MultiHeadAttention::identity(config)?;
//! let attended = attention.attend(&queries, &keys, &keys, &Mask::None)?;
//!
//! let weights = attended.mean_weights(); // one row a layer, one column a feature
//! assert!(weights[(0, 0)] > weights[(0, 1)]);
//! assert!(verify(&attended, &config, queries.nrows()).iter().all(|check| check.passed));
//! # Ok::<(), orchestrator_attention::AttentionError>(())
//! ```

mod check;
mod config;
mod diagnosis;
mod embed;
mod error;
mod hasher;
mod kernel;
mod mask;
mod memory;
mod multi_head;
mod router;
mod router_config;
mod softmax;
mod worker;

pub use nalgebra;

pub use orchestrator_core::{Check, Router};

pub use check::{FOCUS_MARGIN, SUM_TOLERANCE, verify};
pub use config::{AttentionConfig, HEAD_DIM, Preset};
pub use diagnosis::{Finding, UNIFORM_EMBED_DIM, diagnose};
pub use embed::{Feature, LayerQuery, embed, embed_layers, positions};
pub use error::AttentionError;
pub use hasher::FeatureHasher;
pub use kernel::{Attended, scaled_dot_product};
pub use mask::Mask;
pub use memory::{Memory, PastTask};
pub use multi_head::{MultiHeadAttention, Projections};
pub use router::{AttentionRouter, Prediction};
pub use router_config::{RouterConfig, RouterConfigError};
pub use softmax::{RowSum, softmax};
pub use worker::{AttentionInput, AttentionOutput, AttentionWorker, ProjectionKind};
