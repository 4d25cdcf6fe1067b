//! What a run of the pipeline leaves: everything it did, in the documents' keys.

use std::collections::BTreeMap;
use std::fmt::Write;

use orchestrator_codegen::{Isolation, Kept, MeasuredSearch, Profile};
use orchestrator_core::{Check, Seed};
use orchestrator_intelligence::{FailurePattern, Remedy, Suggestion};
use serde::{Deserialize, Serialize};

use super::context::FeedbackLoop;
use super::ledger::Ledger;
use super::settings::Settings;
use super::units::attend::AttentionRouting;
use super::units::generate::CodeGeneration;
use super::units::improve::SelfOptimization;
use super::units::learn::RlOptimization;
use super::units::search::GaOptimization;
use super::units::verify::Verification;
use super::workflow::{step, workflow};

/// The version of the report's form.
pub const REPORT_VERSION: u32 = 1;

/// The JSON Schema (draft 2020-12) of `orchestration_report.json`, [`Report::to_json`]: every key is declared, and no other is accepted.
pub const REPORT_SCHEMA: &str = include_str!("../../schemas/orchestration_report.v1.schema.json");

/// The JSON Schema (draft 2020-12) of `optimization_suggestions.json`, [`OptimizationSuggestions`].
pub const SUGGESTIONS_SCHEMA: &str =
    include_str!("../../schemas/optimization_suggestions.v1.schema.json");

/// The stage of the checks that no unit can make of itself.
pub const WHOLE: &str = "whole";

/// The report. Serialised, two runs with the same data, seed, settings and snapshot differ in `timings` only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// The project.
    pub project: String,
    /// The objective.
    pub objective: String,
    /// Where all randomness came from.
    pub seed: Seed,
    /// How hard the run worked.
    pub settings: Settings,
    /// Whether everything held.
    pub outcome: Outcome,
    /// The profile of the data.
    pub data: Profile,
    /// The verification checklist of the data.
    pub data_checks: Vec<Check>,
    /// Tier 1.
    pub ga_optimization: GaOptimization,
    /// Tier 2.
    pub rl_optimization: RlOptimization,
    /// Tier 3.
    pub attention_routing: AttentionRouting,
    /// The scripts.
    pub code_generation: CodeGeneration,
    /// What running them showed.
    pub verification: Verification,
    /// What the run teaches.
    pub self_optimization: SelfOptimization,
    /// The verification checklist of the whole: what no unit can check of itself, the budget among it.
    pub whole_checks: Vec<Check>,
    /// What was used up.
    pub ledger: Ledger,
    /// For the next run.
    pub feedback_loop: FeedbackLoop,
    /// Which knowledge the run started from, and which it left.
    pub knowledge: KnowledgeUse,
    /// How long it took: the only field that differs between two equal runs.
    pub timings: Timings,
}

/// Whether everything held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// In a word.
    pub verdict: Verdict,
    /// How many checks were made.
    pub checks: usize,
    /// Those that failed, by stage.
    pub failed: Vec<FailedCheck>,
}

/// See [`Outcome`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every check passed.
    Verified,
    /// At least one did not; the results are there all the same.
    ChecksFailed,
}

/// A check that failed, with where it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCheck {
    /// The step that made it, or [`WHOLE`].
    pub stage: String,
    /// The check.
    #[serde(flatten)]
    pub check: Check,
}

/// Which knowledge of earlier runs was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnowledgeUse {
    /// Whether a snapshot was read and written.
    pub used: bool,
    /// How many runs it had seen before.
    pub runs_before: u64,
    /// Its hash before.
    pub hash_before: String,
    /// Its hash after; what was written, if it was.
    pub hash_after: String,
}

/// What to change for the next run, and why: the content of `optimization_suggestions.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptimizationSuggestions {
    /// [`REPORT_VERSION`].
    pub version: u32,
    /// Proposed settings for the next run, each with the numbers it is argued from.
    pub suggestions: Vec<Suggestion>,
    /// Troubles of this run whose cause was measured, with the documents' remedy.
    pub remedies: Vec<Remedy>,
    /// What fails again and again.
    pub failure_patterns: Vec<FailurePattern>,
}

/// How long the run took.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Timings {
    /// Seconds from start to end.
    pub seconds: f64,
    /// Seconds of each production unit.
    pub unit_seconds: BTreeMap<String, f64>,
}

impl Report {
    /// The whole report as indented JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("every number in a report is finite")
    }

    /// What `optimization_suggestions.json` holds.
    pub fn suggestions(&self) -> OptimizationSuggestions {
        OptimizationSuggestions {
            version: REPORT_VERSION,
            suggestions: self.self_optimization.suggestions.clone(),
            remedies: self.self_optimization.remedies.clone(),
            failure_patterns: self.self_optimization.failure_patterns.clone(),
        }
    }

    /// The files of a run, by name: the layers, the reports, and the workflow as a Mermaid flowchart.
    pub fn files(&self) -> Vec<(String, String)> {
        let suggestions = serde_json::to_string_pretty(&self.suggestions());
        let suggestions = suggestions.expect("every number in a report is finite");
        let mut files = vec![
            ("orchestration_report.json".to_owned(), self.to_json() + "\n"),
            ("optimization_suggestions.json".to_owned(), suggestions + "\n"),
        ];
        let drawn = workflow().map(|workflow| workflow.to_mermaid());
        files.extend(drawn.ok().map(|drawn| ("workflow.mmd".to_owned(), drawn)));
        files.extend(self.code_generation.code_samples.clone());
        files
    }

    /// Every check, with its stage: the step that made it, or [`WHOLE`].
    pub fn checks(&self) -> Vec<(&str, &Check)> {
        let stages = [
            (step::INITIALISE, &self.data_checks),
            (step::GENETIC_SEARCH, &self.ga_optimization.checks),
            (step::ATTENTION, &self.attention_routing.checks),
            (step::REINFORCEMENT_LEARNING, &self.rl_optimization.checks),
            (step::CODE_GENERATION, &self.code_generation.checks),
            (step::VERIFICATION, &self.verification.checks),
            (step::SELF_IMPROVEMENT, &self.self_optimization.checks),
            (WHOLE, &self.whole_checks),
        ];
        stages.iter().flat_map(|(stage, checks)| checks.iter().map(|c| (*stage, c))).collect()
    }

    /// What a person wants to know, in a screenful.
    pub fn summary(&self) -> String {
        self.write_summary().expect("a String takes every write")
    }

    fn write_summary(&self) -> Result<String, std::fmt::Error> {
        let mut out = String::new();
        let (data, search, learning) = (&self.data, &self.ga_optimization, &self.rl_optimization);
        let (code, attention) = (&self.code_generation, &self.attention_routing);
        writeln!(out, "{}: {}", self.project, self.objective)?;
        writeln!(
            out,
            "data        {}: {} rows, {} columns",
            data.file,
            data.rows,
            data.columns.len()
        )?;
        for taken in &data.assumed {
            writeln!(out, "            assumed: {taken}")?;
        }
        let features = data.features.iter().map(|(name, value)| format!("{name} {value:.2}"));
        writeln!(out, "            {}", features.collect::<Vec<_>>().join(", "))?;
        writeln!(
            out,
            "search      fitness {:.4} to {:.4} in {} generations, {} evaluations",
            search.fitness_history.first().copied().unwrap_or_default(),
            search.final_fitness,
            search.fitness_history.len().saturating_sub(1),
            search.evaluations,
        )?;
        writeln!(
            out,
            "learning    fitness {:.4} to {:.4} in {} episodes, best reward {:.5}, {} Q entries",
            learning.fitness_start,
            learning.fitness_end,
            learning.episodes,
            learning.final_reward,
            learning.q_table_size,
        )?;
        if let Some(measured) = &learning.measured {
            write_measured(&mut out, measured)?;
        }
        writeln!(out, "attention   {} heads, {}", attention.heads, attention.decision)?;
        let kept = code.kept();
        writeln!(
            out,
            "scripts     {} tokens, quality {:.2}; optional blocks: {}",
            code.script_tokens,
            code.quality_score,
            if kept.is_empty() { "none".to_owned() } else { kept.join(", ") },
        )?;
        if let Some(rows) = &self.verification.rows {
            writeln!(
                out,
                "cleaned     {} rows in = {} out + {} dropped + {} quarantined",
                rows.rows_in, rows.rows_out, rows.rows_dropped, rows.rows_quarantined,
            )?;
        }
        let ledger = &self.ledger;
        writeln!(
            out,
            "used        {} of {} tokens, {} evaluations, {} episodes, {} kB, {:.2} s",
            ledger.tokens(),
            ledger.budget.tokens,
            ledger.evaluations,
            ledger.episodes,
            ledger.memory_bytes / 1_000,
            self.timings.seconds,
        )?;
        for suggestion in &self.self_optimization.suggestions {
            writeln!(
                out,
                "suggestion  {} from {:.3} to {:.3}: {}",
                suggestion.parameter, suggestion.current, suggestion.proposed, suggestion.reason
            )?;
        }
        for remedy in &self.self_optimization.remedies {
            writeln!(
                out,
                "trouble     {}: {} ({})",
                remedy.issue, remedy.solution, remedy.measured
            )?;
        }
        let passed = self.outcome.checks - self.outcome.failed.len();
        write!(out, "checks      {passed} of {} passed", self.outcome.checks)?;
        for FailedCheck { stage, check } in &self.outcome.failed {
            write!(out, "\n  failed    {stage}: {} ({})", check.name, check.detail)?;
        }
        Ok(out)
    }
}

/// What measuring found, in three lines, and what could not be held back from the scripts.
fn write_measured(out: &mut String, measured: &MeasuredSearch) -> std::fmt::Result {
    let MeasuredSearch { default_held_out: default, found_held_out: found, .. } = measured;
    writeln!(
        out,
        "measured    {} scripts run on {} rows to tune, {} to validate and {} held out",
        measured.scripts_run,
        measured.tuning_rows,
        measured.validation_rows,
        measured.held_out_rows,
    )?;
    match measured.kept {
        Kept::Found => {
            let terms = found.measurement.terms().into_iter().zip(default.measurement.terms());
            // The run time differs from run to run.
            let gains = terms.filter(|((term, _), _)| *term != "run_time");
            let gains = gains.map(|((term, ours), (_, theirs))| (term, ours - theirs));
            let gains = gains.filter(|(_, gain)| gain.abs() >= 5e-5);
            let gains: Vec<String> =
                gains.map(|(term, gain)| format!("{term} {gain:+.4}")).collect();
            writeln!(
                out,
                "            held out {:.5} against {:.5} by default: {}",
                found.score,
                default.score,
                if gains.is_empty() { "all terms alike".to_owned() } else { gains.join(", ") },
            )?;
        }
        Kept::Defaults => writeln!(
            out,
            "            the defaults stand, with {:.5} held out: what was found had {:.5} against their {:.5} to validate",
            default.score, measured.searched_validation, measured.default_validation.score,
        )?,
    }
    if let Some(covered) = measured.covered {
        let percent = 100.0 * covered;
        writeln!(out, "            {percent:.0} % of the statements of its layer_2 are executed")?;
    }
    let Isolation { network_cut, children_bound, memory_limited, .. } = measured.isolation;
    let lacking: Vec<&str> = [
        (network_cut, "the network was not cut off"),
        (children_bound, "children were found by looking only"),
        (memory_limited, "memory was not limited"),
    ]
    .into_iter()
    .filter_map(|(held, lack)| (!held).then_some(lack))
    .collect();
    if !lacking.is_empty() {
        writeln!(out, "sandbox     this system offers less: {}", lacking.join(", "))?;
    }
    Ok(())
}
