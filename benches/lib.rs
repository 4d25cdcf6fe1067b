//! Measurements of orchestrator-ai; see `benches/README.md`.
