//! Attention as a layer: its shape, its projections, what is checked of it and what is advised.

mod check;
mod config;
mod diagnosis;
mod linear;
mod multi_head;
mod projections;
mod saved;
mod space;

pub use check::{FOCUS_MARGIN, SUM_TOLERANCE, verify};
pub use config::{AttentionConfig, COMPLEXITY_THRESHOLD, HEAD_DIM, Preset};
pub use diagnosis::{Finding, SAME_WEIGHTS, UNIFORM_EMBED_DIM, diagnose};
pub use linear::Linear;
pub use multi_head::MultiHeadAttention;
pub(crate) use multi_head::firsts;
pub use projections::{Dimensions, Projections};
