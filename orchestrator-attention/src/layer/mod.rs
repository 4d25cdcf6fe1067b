//! Attention as a layer: its shape, its projections, what is checked of it and what is advised.

mod check;
mod config;
mod diagnosis;
mod multi_head;

pub use check::{FOCUS_MARGIN, SUM_TOLERANCE, verify};
pub use config::{AttentionConfig, COMPLEXITY_THRESHOLD, HEAD_DIM, Preset};
pub use diagnosis::{Finding, UNIFORM_EMBED_DIM, diagnose};
pub use multi_head::{MultiHeadAttention, Projections};
