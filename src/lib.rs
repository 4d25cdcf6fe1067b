//! Deterministic orchestration of uncertain workers.
//!
//! The brain is probabilistic, the skeleton is deterministic: workers may do as they like; who works when, with what input, under which
//! limits, and what happens after a failure, is decided by a state machine that is validated before it starts and can be replayed
//! afterwards. This crate is the door to the workspace: it re-exports each crate under its short name, and with all features it holds
//! the pipeline that composes them.
//!
//! | module | feature | crate |
//! |---|---|---|
//! | [`core`] | always | workflows, runs, the hub; the traits that hosts implement |
//! | `ga` | `ga` | genetic search |
//! | `rl` | `rl` | tabular reinforcement learning |
//! | `attention` | `attention` | multi-head attention, and a router that attends over its memory |
//! | `codegen` | `codegen` | layered script generation |
//! | `intelligence` | `intelligence` | records, analytics, adaptive routing, knowledge |
//! | `OrchestratorAi` | all of these | the pipeline |
//!
//! The feature `cel` adds expressions to `core`: conditions and transformers as texts, for definitions that are data.
#![doc = "\n"]
#![cfg_attr(
    all(
        feature = "ga",
        feature = "rl",
        feature = "attention",
        feature = "codegen",
        feature = "intelligence"
    ),
    doc = include_str!("../README.md")
)]

#[doc(inline)]
pub use orchestrator_core as core;

#[cfg(feature = "attention")]
#[doc(inline)]
pub use orchestrator_attention as attention;
#[cfg(feature = "codegen")]
#[doc(inline)]
pub use orchestrator_codegen as codegen;
#[cfg(feature = "ga")]
#[doc(inline)]
pub use orchestrator_ga as ga;
#[cfg(feature = "intelligence")]
#[doc(inline)]
pub use orchestrator_intelligence as intelligence;
#[cfg(feature = "rl")]
#[doc(inline)]
pub use orchestrator_rl as rl;

#[cfg(all(
    feature = "ga",
    feature = "rl",
    feature = "attention",
    feature = "codegen",
    feature = "intelligence"
))]
mod pipeline;

#[cfg(all(
    feature = "ga",
    feature = "rl",
    feature = "attention",
    feature = "codegen",
    feature = "intelligence"
))]
pub use pipeline::*;
