//! Attention as workers of a workflow.

mod attention;

pub use attention::{AttentionInput, AttentionOutput, AttentionWorker, ProjectionKind};
