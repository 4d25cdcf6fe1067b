//! Deterministic orchestration of uncertain workers.

/// The engine: workflows, runs, workers and the hub.
pub use orchestrator_core as core;
