//! What the tests of the pipeline share.
#![allow(dead_code)] // Each test crate uses a part of it.

use std::path::{Path, PathBuf};

use orchestrator_ai::core::Seed;
use orchestrator_ai::{
    OrchestrateError, OrchestrationContext, OrchestratorAi, Preset, Report, Settings,
};

/// The bundled data.
pub(crate) fn penguins() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/penguins-raw.csv")
}

/// The least work that is still all of it.
pub(crate) fn quick(data: &Path) -> OrchestrationContext {
    OrchestrationContext {
        seed: Seed(7),
        settings: Settings { generations: 6, ..Preset::Speed.into() },
        ..OrchestrationContext::of_file(data)
    }
}

pub(crate) fn orchestrate(context: OrchestrationContext) -> Result<Report, OrchestrateError> {
    futures::executor::block_on(OrchestratorAi::new(context).orchestrate())
}

/// The report as a JSON value without its timings.
pub(crate) fn timeless(json: &str) -> serde_json::Value {
    let mut value: serde_json::Value = serde_json::from_str(json).unwrap();
    let timings = value.as_object_mut().unwrap().remove("timings");
    assert!(timings.is_some(), "the timings have a field of their own");
    value
}
