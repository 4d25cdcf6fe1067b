//! Deterministic orchestration of uncertain workers.
