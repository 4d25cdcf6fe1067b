//! The pipeline that composes all six crates: scripts in layers, out of a profile of the user's data.
//!
//! It is a [`workflow()`] of workers on the core, driven by the hub like any other: initialise → (genetic search ∥ attention) →
//! reinforcement learning → code generation → verification → self-improvement. Each unit checks itself as it ends, and the whole is
//! checked at the end; a failed check is an entry of the [`Report`] and changes its [`Verdict`].
//!
//! It reads the data file; it writes where [`OrchestrationContext::out`] and [`OrchestrationContext::state`] say, and nowhere else but a
//! temporary folder in which the scripts are tried.

mod assemble;
mod cache;
mod context;
mod fitness;
mod ledger;
mod objective;
mod output;
mod report;
mod settings;
mod units;
mod workflow;

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};

use orchestrator_core::{Orchestrator, RegisterError, RunFailure, RunReport, Start, Threads};
use orchestrator_intelligence::{Knowledge, KnowledgeError};

pub use context::{FailureCase, FeedbackLoop, OrchestrationContext};
pub use fitness::{DataFitness, DataFitnessTerms, FEATURE_MATCH_FACTOR};
pub use ledger::Ledger;
pub use objective::FORMULA_SHARE;
pub use orchestrator_codegen::{Kept, MeasuredScore, MeasuredSearch};
pub use output::OutputError;
pub use report::{
    FailedCheck, KnowledgeUse, OptimizationSuggestions, Outcome, REPORT_SCHEMA, REPORT_VERSION,
    Report, SUGGESTIONS_SCHEMA, Timings, Verdict, WHOLE,
};
pub use settings::{Budget, FitnessKind, Preset, Settings, SettingsError, Stages};
pub use units::attend::{AttentionRouting, EMPHASIS_REACH};
pub use units::generate::CodeGeneration;
pub use units::improve::SelfOptimization;
pub use units::initialise::Initialised;
pub use units::learn::RlOptimization;
pub use units::search::GaOptimization;
pub use units::verify::Verification;
pub use workflow::{step, workflow};

use output::Staging;
use units::{Given, Unit};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OrchestrateError {
    /// Correct the setting.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Give other data; the message names the file, the line where there is one, and the remedy.
    #[error("{0}")]
    Data(String),
    /// The snapshot of earlier runs cannot be used.
    #[error(transparent)]
    Knowledge(#[from] KnowledgeError),
    /// The results cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The scripts cannot be written: somebody has edited those that are there, or the operating system refuses.
    #[error(transparent)]
    Scripts(#[from] orchestrator_codegen::OutputError),
    /// The system starts no threads for the workers.
    #[error("no threads for the workers: {0}")]
    Threads(std::io::Error),
    /// A production unit failed.
    #[error(transparent)]
    Failed(#[from] RunFailure),
}

/// The pipeline, ready to run.
pub struct OrchestratorAi {
    context: OrchestrationContext,
}

impl OrchestratorAi {
    /// A pipeline for this request.
    pub fn new(context: OrchestrationContext) -> OrchestratorAi {
        OrchestratorAi { context }
    }

    /// Runs the pipeline to its end. A failed check is in the report; an error means that there is no report. Nothing is written to
    /// where the results go before all of them are ready, so that only [`OrchestrateError::Output`], [`OrchestrateError::Scripts`] where
    /// the operating system refuses and, with a folder for the snapshot, [`OrchestrateError::Knowledge`] can come after a part of them was
    /// moved there. Scripts of an earlier run that somebody has edited are not replaced: see [`OrchestrationContext::edits`].
    ///
    /// Dropping the future ends the run: units that are at work are cancelled, and the temporary folder goes with the last of them.
    ///
    /// # Errors
    /// When the settings, the data, the snapshot or the place for the results cannot be used, or a unit fails.
    #[tracing::instrument(skip_all, fields(project = %self.context.project, seed = %self.context.seed))]
    pub async fn orchestrate(&self) -> Result<Report, OrchestrateError> {
        let context = self.context.clone();
        context.settings.check()?;
        let knowledge = match &context.state {
            Some(dir) => Knowledge::load(dir)?.unwrap_or_default(),
            None => Knowledge::default(),
        };
        let staging = Staging::of(context.out.as_deref(), &context.data)?;
        staging.check_edits(context.edits)?;
        let unit = Unit(Arc::new(Given { staging, context, knowledge, measured: OnceLock::new() }));
        let _swept = Swept(unit.clone());

        let begun = unit.context.clock.now();
        let run = self.run(&unit).await?;
        if let Err(failure) = run.output() {
            return Err(match failure {
                RunFailure::Failed { error, .. } if error.code == units::initialise::DATA => {
                    OrchestrateError::Data(error.message)
                }
                failure => OrchestrateError::Failed(failure),
            });
        }
        let (report, knowledge) = assemble::report(&unit, &run, begun)?;
        let scripts = &report.code_generation.code_samples;
        // First, since it may refuse: then nothing is moved at all.
        if let Some(plan) = unit.staging.plan(scripts)? {
            plan.write(unit.context.edits)?;
        }
        let mut files = report.files();
        files.retain(|(name, _)| !scripts.contains_key(name));
        unit.staging.publish(&files)?;
        if let Some(dir) = &unit.context.state {
            unit.staging.hand_over(cache::SCRIPTS, dir)?;
            knowledge.save(dir)?;
        }
        Ok(report)
    }

    async fn run(&self, unit: &Unit) -> Result<RunReport, OrchestrateError> {
        let workers: NonZeroUsize = unit.context.settings.budget.workers;
        let mut hub = Orchestrator::new()
            .with_clock(unit.context.clock.clone())
            .with_observer(unit.context.observer.clone())
            .with_concurrency(workers)
            .with_spawner(Arc::new(Threads::new(workers).map_err(OrchestrateError::Threads)?));
        let name = register(&mut hub, unit).expect("every role of the pipeline has its unit");
        let start = Start {
            goal: unit.context.objective.clone(),
            seed: unit.context.seed,
            ..Start::default()
        };
        let run = hub.execute_with(&name, start).await;
        Ok(run.expect("the workflow was just registered"))
    }
}

/// Removes the temporary folder when the caller gets the report, an error, or bored: a thread of the pool may hold on to its unit for a
/// moment longer, and only what such a unit still writes is left for [`Staging`] itself to remove.
struct Swept(Unit);

impl Drop for Swept {
    fn drop(&mut self) {
        self.0.staging.sweep();
    }
}

/// Puts a unit into each role, and the workflow into the hub; returns its name.
fn register(hub: &mut Orchestrator, unit: &Unit) -> Result<String, RegisterError> {
    use units::attend::AttendUnit;
    use units::generate::GenerateUnit;
    use units::improve::ImproveUnit;
    use units::initialise::InitialiseUnit;
    use units::learn::LearnUnit;
    use units::search::SearchUnit;
    use units::verify::VerifyUnit;
    use workflow::role;

    let unit = || unit.clone();
    hub.register_worker("profiler", role(step::INITIALISE), InitialiseUnit(unit()))?;
    hub.register_worker("ga_optimizer", role(step::GENETIC_SEARCH), SearchUnit(unit()))?;
    hub.register_worker("attention_router", role(step::ATTENTION), AttendUnit(unit()))?;
    hub.register_worker("rl_agent", role(step::REINFORCEMENT_LEARNING), LearnUnit(unit()))?;
    hub.register_worker("code_generator", role(step::CODE_GENERATION), GenerateUnit(unit()))?;
    hub.register_worker("verifier", role(step::VERIFICATION), VerifyUnit(unit()))?;
    hub.register_worker("improver", role(step::SELF_IMPROVEMENT), ImproveUnit(unit()))?;
    let workflow = workflow()?;
    let name = workflow.name().to_string();
    hub.register_workflow(workflow)?;
    Ok(name)
}
