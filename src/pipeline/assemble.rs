//! The report, out of the outputs and the history of the run; and the checks of the whole.

use std::collections::BTreeMap;

use orchestrator_core::{Check, Event, Path, RunFailure, RunReport, Timestamp};
use orchestrator_intelligence::Knowledge;
use serde::de::DeserializeOwned;

use super::context::{FailureCase, FeedbackLoop};
use super::ledger::Ledger;
use super::report::{
    FailedCheck, KnowledgeUse, Outcome, REPORT_VERSION, Report, Timings, Verdict, WHOLE,
};
use super::units::Unit;
use super::units::improve::{Improved, remember};
use super::units::initialise::Initialised;
use super::units::learn::Learned;
use super::workflow::{step, workflow};

/// Bytes of one number, and a generous share for what goes around it in tables and populations.
const BYTES_A_NUMBER: u64 = 16;

/// The report of a run that succeeded, and the knowledge that it leaves.
pub(super) fn report(
    unit: &Unit,
    run: &RunReport,
    begun: Timestamp,
) -> Result<(Report, Knowledge), RunFailure> {
    let context = &unit.context;
    let initialised: Initialised = output(run, step::INITIALISE)?;
    let ga_optimization: super::GaOptimization = output(run, step::GENETIC_SEARCH)?;
    let Learned { rl_optimization, .. } = output(run, step::REINFORCEMENT_LEARNING)?;
    let code_generation: super::CodeGeneration = output(run, step::CODE_GENERATION)?;
    let Improved { self_optimization, mut knowledge } = output(run, step::SELF_IMPROVEMENT)?;

    let dimensions = initialised.space().len() as u64;
    let individuals = context.settings.population as u64;
    let scripts: u64 = code_generation.sample_metadata.values().map(|layer| layer.bytes).sum();
    let mut ledger = Ledger::of(context.settings.budget);
    ledger.evaluations = ga_optimization.evaluations + rl_optimization.evaluations;
    ledger.episodes = u64::from(rl_optimization.episodes);
    ledger.script_tokens = code_generation.script_tokens;
    ledger.memory_bytes =
        BYTES_A_NUMBER * dimensions * (individuals + rl_optimization.q_table_size as u64)
            + scripts
            + initialised.profile.bytes;
    ledger.charge(run.usage());

    let mut report = Report {
        version: REPORT_VERSION,
        project: context.project.clone(),
        objective: context.objective.clone(),
        seed: context.seed,
        settings: context.settings,
        outcome: Outcome { verdict: Verdict::Verified, checks: 0, failed: Vec::new() },
        data: initialised.profile,
        data_checks: initialised.checks,
        attention_routing: output(run, step::ATTENTION)?,
        verification: output(run, step::VERIFICATION)?,
        ga_optimization,
        rl_optimization,
        code_generation,
        self_optimization,
        whole_checks: Vec::new(),
        ledger,
        feedback_loop: FeedbackLoop::default(),
        knowledge: KnowledgeUse {
            used: context.state.is_some(),
            runs_before: unit.knowledge.runs(),
            hash_before: unit.knowledge.hash(),
            hash_after: String::new(),
        },
        timings: timings(run, begun),
    };
    report.whole_checks = whole(run, &report);
    report.outcome = outcome(&report);
    // What the improver could not know, because it was checked after it: the next run must know it all the same.
    let late = report.outcome.failed.iter();
    let late = late.filter(|case| [step::SELF_IMPROVEMENT, WHOLE].contains(&case.stage.as_str()));
    let late: Vec<FailureCase> = late.map(FailureCase::from).collect();
    remember(&mut knowledge, unit, &late).map_err(|error| RunFailure::Failed {
        path: Path::parse(step::SELF_IMPROVEMENT).expect("a step's name is a path"),
        error: Box::new(error),
    })?;
    report.knowledge.hash_after = knowledge.hash();
    report.feedback_loop = feedback(&context.feedback_loop, &report);
    Ok((report, knowledge))
}

/// The output of a unit. It was written by this very crate, so that a misfit is a bug; it is reported like any failure all the same.
fn output<T: DeserializeOwned>(run: &RunReport, name: &str) -> Result<T, RunFailure> {
    let path = Path::parse(name).expect("a step's name is a path");
    let payload = run.outputs.get(&path).cloned().unwrap_or_default();
    payload.to().map_err(|error| RunFailure::Failed { path, error: Box::new(error.into()) })
}

/// The checks that no unit can make of itself.
fn whole(run: &RunReport, report: &Report) -> Vec<Check> {
    let steps = workflow().map_or(0, |workflow| workflow.steps().count());
    let theta = report.rl_optimization.optimized_params.check();
    let mut checks = vec![
        Check::new(
            "every unit has an output",
            run.outputs.len() == steps,
            format!("{} of {steps}", run.outputs.len()),
        ),
        Check::new(
            "the parameters behind the scripts are within bounds",
            theta.is_ok(),
            theta.err().map_or_else(|| "all are".to_owned(), |error| error.to_string()),
        ),
        Check::new(
            "three layers were shipped",
            report.code_generation.code_samples.len() == 3,
            format!("{} layers", report.code_generation.code_samples.len()),
        ),
    ];
    checks.extend(report.ledger.checks());
    checks
}

fn outcome(report: &Report) -> Outcome {
    let checks = report.checks();
    let failed: Vec<FailedCheck> = checks
        .iter()
        .filter(|(_, check)| !check.passed)
        .map(|&(stage, check)| FailedCheck { stage: stage.to_owned(), check: check.clone() })
        .collect();
    Outcome {
        verdict: if failed.is_empty() { Verdict::Verified } else { Verdict::ChecksFailed },
        checks: checks.len(),
        failed,
    }
}

fn feedback(before: &FeedbackLoop, report: &Report) -> FeedbackLoop {
    let ledger = &report.ledger;
    let used = [
        ("evaluations", ledger.evaluations as f64),
        ("episodes", ledger.episodes as f64),
        ("script_tokens", ledger.script_tokens as f64),
        ("model_tokens", ledger.model_tokens as f64),
        ("usd", ledger.usd),
    ];
    let mut resource_usage = before.resource_usage.clone();
    for (name, value) in used {
        *resource_usage.entry(name.to_owned()).or_insert(0.0) += value;
    }
    let failed = report.outcome.failed.iter().map(FailureCase::from);
    let mut failure_cases: Vec<FailureCase> =
        before.failure_cases.iter().cloned().chain(failed).collect();
    let surplus = failure_cases.len().saturating_sub(FeedbackLoop::FAILURES_MAX);
    failure_cases.drain(..surplus);
    FeedbackLoop { resource_usage, failure_cases }
}

/// Seconds of each unit from its start to its end, as the history has them.
fn timings(run: &RunReport, begun: Timestamp) -> Timings {
    let mut starts: BTreeMap<String, Timestamp> = BTreeMap::new();
    let mut timings = Timings::default();
    for recorded in &run.history {
        timings.seconds = recorded.at.since(begun).as_secs_f64();
        match &recorded.event {
            Event::AttemptStarted { path, .. } => {
                starts.insert(path.to_string(), recorded.at);
            }
            Event::StepSucceeded { path, .. } => {
                let path = path.to_string();
                if let Some(start) = starts.remove(&path) {
                    timings.unit_seconds.insert(path, recorded.at.since(start).as_secs_f64());
                }
            }
            _ => {}
        }
    }
    timings
}
