//! Phase 4: three layers of scripts, out of the refined parameters and the attended context.

use std::collections::BTreeMap;

use orchestrator_codegen::{
    BlockDecision, CodegenOutput, CodegenWorker, Completeness, DEFAULT_TEMPLATE, GenerateRequest,
    Quality, SampleMetadata, Severity,
};
use orchestrator_core::{Check, Payload, Task, TaskError, TaskOutput, Worker, async_trait};
use serde::{Deserialize, Serialize};

use super::Unit;
use super::attend::AttentionRouting;
use super::initialise::Initialised;
use super::learn::Learned;
use crate::pipeline::cache;
use crate::pipeline::settings::FitnessKind;
use crate::pipeline::workflow::step;

/// What code generation hands on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CodeGeneration {
    /// The sources, by file name.
    pub code_samples: BTreeMap<String, String>,
    /// Whether this is what was asked for, or a simpler fallback.
    pub completeness: Completeness,
    /// Why each optional block is, or is not, in its layer.
    pub blocks: Vec<BlockDecision>,
    /// How good each layer is.
    pub quality: BTreeMap<String, Quality>,
    /// The mean of their scores, in [0, 1].
    pub quality_score: f64,
    /// Sizes and digests of the layers.
    pub sample_metadata: BTreeMap<String, SampleMetadata>,
    /// Tokens of all layers.
    pub script_tokens: u64,
    /// How many errors the validator found, before a fallback too.
    pub syntax_errors: u32,
    /// The verification checklist.
    pub checks: Vec<Check>,
}

impl CodeGeneration {
    /// The optional blocks of the innermost layer that are in.
    pub fn kept(&self) -> Vec<&str> {
        let kept = self.blocks.iter().filter(|block| block.kept && block.layer == "layer_2");
        kept.map(|block| block.block.as_str()).collect()
    }
}

/// See the module.
pub(in crate::pipeline) struct GenerateUnit(pub Unit);

#[async_trait]
impl Worker for GenerateUnit {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let initialised: Initialised = task.context().output(step::INITIALISE)?;
        let attention: AttentionRouting = task.context().output(step::ATTENTION)?;
        let learned: Learned = task.context().output(step::REINFORCEMENT_LEARNING)?;
        let context = &self.0.context;
        let parameters = learned.rl_optimization.optimized_params;
        let request =
            GenerateRequest::for_profile(DEFAULT_TEMPLATE, &initialised.profile, parameters)
                .with("project", context.project.as_str())
                .with("objective", context.objective.as_str());
        let request = Payload::of(&GenerateRequest {
            activation: context.settings.activation,
            emphasis: match context.settings.fitness {
                FitnessKind::Formula => attention.emphasis,
                // What is shipped is what was measured.
                FitnessKind::Measured(_) => BTreeMap::new(),
            },
            ..request
        })?;
        let earlier = match (&context.state, context.settings.reuse_scripts) {
            (Some(state), true) => cache::earlier(state, &request),
            _ => None,
        };
        let generated: CodegenOutput = match earlier {
            Some(earlier) => {
                task.log("the same scripts were made before: taken from the snapshot");
                earlier
            }
            None => {
                let generator = CodegenWorker::default();
                generator.execute(task.with_input(request.clone())).await?.payload.to()?
            }
        };
        if let (Some(_), true) = (&context.state, context.settings.reuse_scripts) {
            cache::keep(self.0.staging.path(), &request, &generated)
                .map_err(super::terminal("output"))?;
        }
        let CodegenOutput { mut scripts, mut quality_score, mut checks } = generated;
        if let (Some(measured), Some(layer)) =
            (learned.rl_optimization.measured, scripts.layers.last().cloned())
        {
            let shipped = scripts.sample_metadata.get(&layer).map(|data| data.sha256.as_str());
            let name = "what was measured is what is shipped";
            let same = shipped == Some(measured.script_sha256.as_str());
            checks.push(Check::new(name, same, format!("{layer}, by its digest")));
            if let (true, Some(covered), Some(quality)) =
                (same, measured.covered, scripts.quality.get_mut(&layer))
            {
                *quality = quality.clone().with_coverage(covered);
                quality_score = scripts.quality_score();
            }
        }
        let found = scripts.diagnostics.values().chain(scripts.refused.values()).flatten();
        let errors = found.filter(|found| found.severity == Severity::Error).count();
        Ok(TaskOutput::of(&CodeGeneration {
            code_samples: scripts.code_samples,
            completeness: scripts.completeness,
            blocks: scripts.blocks,
            quality: scripts.quality,
            quality_score,
            sample_metadata: scripts.sample_metadata,
            script_tokens: scripts.script_tokens,
            syntax_errors: errors as u32,
            checks,
        })?)
    }
}
