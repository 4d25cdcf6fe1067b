//! Phase 5: what the run teaches, and what to change for the next one.

use std::collections::BTreeMap;

use orchestrator_codegen::{DEFAULT_TEMPLATE, Template};
use orchestrator_core::{Check, Payload, Task, TaskError, TaskOutput, Worker, async_trait};
use orchestrator_intelligence::{
    FailurePattern, Improver, Knowledge, Remedy, RunMetrics, RunSummary, Suggestion,
    failure_patterns, troubleshoot,
};
use serde::{Deserialize, Serialize};

use super::attend::AttentionRouting;
use super::generate::CodeGeneration;
use super::initialise::Initialised;
use super::learn::{Learned, named};
use super::search::GaOptimization;
use super::verify::Verification;
use super::{Unit, terminal};
use crate::pipeline::context::FailureCase;
use crate::pipeline::objective::FORMULA_SHARE;
use crate::pipeline::settings::{FitnessKind, Settings};
use crate::pipeline::workflow::step;

/// What self-improvement hands on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelfOptimization {
    /// Proposed settings for the next run, each with the numbers it is argued from.
    pub suggestions: Vec<Suggestion>,
    /// Troubles of this run whose cause was measured, with the documents' remedy.
    pub remedies: Vec<Remedy>,
    /// What fails again and again.
    pub failure_patterns: Vec<FailurePattern>,
    /// How many runs the snapshot has seen, this one included.
    pub runs: u64,
    /// The verification checklist.
    pub checks: Vec<Check>,
}

/// The unit's output: what goes into the report, and the snapshot for the next run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::pipeline) struct Improved {
    pub(in crate::pipeline) self_optimization: SelfOptimization,
    pub(in crate::pipeline) knowledge: Knowledge,
}

/// See the module.
pub(in crate::pipeline) struct ImproveUnit(pub Unit);

#[async_trait]
impl Worker for ImproveUnit {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let context = task.context();
        let initialised: Initialised = context.output(step::INITIALISE)?;
        let search: GaOptimization = context.output(step::GENETIC_SEARCH)?;
        let attention: AttentionRouting = context.output(step::ATTENTION)?;
        let Learned { rl_optimization: learning, q_table } =
            context.output(step::REINFORCEMENT_LEARNING)?;
        let code: CodeGeneration = context.output(step::CODE_GENERATION)?;
        let verification: Verification = context.output(step::VERIFICATION)?;

        let failures = failures(&[
            (step::INITIALISE, &initialised.checks),
            (step::GENETIC_SEARCH, &search.checks),
            (step::ATTENTION, &attention.checks),
            (step::REINFORCEMENT_LEARNING, &learning.checks),
            (step::CODE_GENERATION, &code.checks),
            (step::VERIFICATION, &verification.checks),
        ]);
        let settings = self.0.context.settings;
        let project = &self.0.context.project;
        let strategy = Payload::of(&settings.preset)?.to::<String>()?;
        let mut hyperparameters = hyperparameters(&settings)?;
        let seeded_share = search.warm_starts as f64 / settings.population as f64;
        hyperparameters.insert("seeded_share".to_owned(), seeded_share);
        let mut knowledge = self.0.knowledge.clone();
        let refuse = terminal("knowledge");
        let known = |case: &FailureCase| {
            let same = |k: &orchestrator_intelligence::FailureCase| {
                k.stage == case.stage && k.code == case.code && k.message == case.detail
            };
            self.0.knowledge.failures().any(same)
        };
        // What was handed in may stand in the snapshot already.
        let handed_in = &self.0.context.feedback_loop.failure_cases;
        let handed_in = handed_in.iter().filter(|case| !known(case));
        let cases: Vec<FailureCase> = handed_in.chain(&failures).cloned().collect();
        remember(&mut knowledge, &self.0, &cases)?;
        let best = named(&initialised.space(), &learning.optimized_params);
        knowledge.record_best(project, best, learning.fitness_end).map_err(&refuse)?;
        knowledge.record_q_table(Payload::of(&q_table)?);
        knowledge
            .record_run(RunSummary {
                project: project.clone(),
                project_type: project.clone(),
                strategy: strategy.clone(),
                hyperparameters: hyperparameters.clone(),
                final_fitness: learning.fitness_end,
                quality: code.quality_score,
                generations_to_converge: converged_at(&search.fitness_history),
                episodes_to_converge: learning.episodes,
                succeeded: failures.is_empty(),
            })
            .map_err(&refuse)?;

        let metrics = RunMetrics {
            project_type: project.clone(),
            strategy,
            hyperparameters,
            quality: code.quality_score,
            fitness_history: search.fitness_history,
            diversity_history: search.diversity_history,
            reward_history: told(learning.reward_history, settings.fitness),
            reward_exploring: Some(learning.reward_exploring),
            reward_greedy: Some(learning.reward_greedy),
            attention_entropy_share: attention.entropy_share,
            syntax_errors: code.syntax_errors,
        };
        let suggestions = Improver::suggest(&knowledge, &metrics);
        task.progress(1.0, format!("{} suggestions", suggestions.len()));
        let finite = suggestions.iter().all(|s| s.current.is_finite() && s.proposed.is_finite());
        let grown = knowledge.runs() == self.0.knowledge.runs() + 1;
        let checks = vec![
            Check::new(
                "suggestions are argued from numbers",
                finite && suggestions.iter().all(|suggestion| !suggestion.reason.is_empty()),
                format!("{} suggestions", suggestions.len()),
            ),
            Check::new("the run is in the knowledge", grown, format!("{} runs", knowledge.runs())),
        ];
        let self_optimization = SelfOptimization {
            remedies: troubleshoot(&metrics),
            failure_patterns: failure_patterns(&knowledge),
            runs: knowledge.runs(),
            suggestions,
            checks,
        };
        Ok(TaskOutput::of(&Improved { self_optimization, knowledge })?)
    }
}

/// Rewards that say something. Where scripts are measured, one that no script has earned is what the formula adds, and says nothing.
fn told(mut rewards: Vec<f64>, fitness: FitnessKind) -> Vec<f64> {
    if let FitnessKind::Measured(_) = fitness {
        rewards.iter_mut().filter(|reward| reward.abs() <= FORMULA_SHARE).for_each(|r| *r = 0.0);
    }
    rewards
}

/// The settings of a run by the names that the documents' advice has for them.
fn hyperparameters(settings: &Settings) -> Result<BTreeMap<String, f64>, TaskError> {
    let template = Template::builtin(DEFAULT_TEMPLATE).map_err(terminal("codegen"))?;
    let attention = settings.attention(template.layers().len());
    let named = [
        ("population", settings.population as f64),
        ("generations", f64::from(settings.generations)),
        ("mutation_rate", settings.ga().mutation_rate),
        ("episodes", f64::from(settings.episodes)),
        ("epsilon", settings.rl().exploration.first_epsilon()),
        ("heads", attention.heads as f64),
        ("embed_dim", attention.embed_dim as f64),
    ];
    Ok(named.map(|(name, value)| (name.to_owned(), value)).into())
}

/// Keeps failures of this run, with the settings that it had.
pub(in crate::pipeline) fn remember(
    knowledge: &mut Knowledge,
    unit: &Unit,
    failures: &[FailureCase],
) -> Result<(), TaskError> {
    for case in failures {
        knowledge
            .record_failure(orchestrator_intelligence::FailureCase {
                stage: case.stage.clone(),
                code: case.code.clone(),
                message: case.detail.clone(),
                run: unit.knowledge.runs(),
                hyperparameters: hyperparameters(&unit.context.settings)?,
            })
            .map_err(terminal("knowledge"))?;
    }
    Ok(())
}

/// The failed checks, by stage.
fn failures(stages: &[(&str, &Vec<Check>)]) -> Vec<FailureCase> {
    let failed = |&(stage, checks): &(&str, &Vec<Check>)| {
        let failed = checks.iter().filter(|check| !check.passed);
        let case = failed.map(|check| FailureCase {
            stage: stage.to_owned(),
            code: check.name.clone(),
            detail: check.detail.clone(),
        });
        case.collect::<Vec<_>>()
    };
    stages.iter().flat_map(failed).collect()
}

/// The first generation that is as good as the last.
fn converged_at(history: &[f64]) -> u32 {
    let last = history.last().copied().unwrap_or_default();
    history.iter().position(|&best| best >= last).unwrap_or(0) as u32
}
