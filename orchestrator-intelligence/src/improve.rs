//! Self-improvement: four mechanisms that propose settings for the next run out of the measurements of earlier ones.
//!
//! Each has its trigger and its learning rate, and each proposes a step: `proposed = current + rate · (target − current)`, the
//! target taken from runs that went better. Where the evidence is thin (fewer runs than the named minimum, no clear difference)
//! nothing is proposed. Nothing here is applied, and no gain is promised: whether a proposal helped is measured by the next runs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::knowledge::{Knowledge, RunSummary};
use crate::metrics::RunMetrics;
use crate::pattern::failure_patterns;

/// What proposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mechanism {
    /// Every 10 runs: which settings went with better results.
    HyperparameterTuning,
    /// When more than 5 failures are remembered: which settings go with the most frequent one.
    FailurePatternRecognition,
    /// Always: the best parameters of earlier runs seed the next population.
    CrossRunTransfer,
    /// After 20 runs of more than one project type: which strategy does best for this type.
    MetaLearning,
}

impl Mechanism {
    /// How far a proposal goes from the current value to its target.
    pub fn learning_rate(self) -> f64 {
        match self {
            Mechanism::HyperparameterTuning => 0.05,
            Mechanism::FailurePatternRecognition => 0.10,
            Mechanism::CrossRunTransfer => 0.15,
            Mechanism::MetaLearning => 0.08,
        }
    }

    /// Whether it is its turn.
    pub fn triggered(self, knowledge: &Knowledge) -> bool {
        match self {
            Mechanism::HyperparameterTuning => {
                knowledge.runs() > 0 && knowledge.runs().is_multiple_of(TUNING_EVERY)
            }
            Mechanism::FailurePatternRecognition => knowledge.failures().len() > FAILURES_ABOVE,
            Mechanism::CrossRunTransfer => true,
            Mechanism::MetaLearning => {
                let types: BTreeSet<&str> =
                    knowledge.summaries().map(|run| run.project_type.as_str()).collect();
                knowledge.runs() >= META_RUNS_MIN && types.len() >= 2
            }
        }
    }
}

const TUNING_EVERY: u64 = 10;
const FAILURES_ABOVE: usize = 5;
const META_RUNS_MIN: u64 = 20;

/// A setting needs so many runs before anything is concluded about it.
const TUNING_SAMPLES_MIN: usize = 5;
/// A setting went consistently with quality when their correlation (Pearson) is at least this, one way or the other.
const CORRELATION_MIN: f64 = 0.5;
/// So many failing and so many good runs, before their settings are compared.
const CLASS_SAMPLES_MIN: usize = 3;
/// A setting tells failing from good runs when their means are this many pooled deviations apart (Cohen's "large" effect, 1988).
const EFFECT_MIN: f64 = 0.8;
/// A strategy needs so many runs of a project type before it is compared there.
const STRATEGY_SAMPLES_MIN: usize = 3;
/// More than half of a population from earlier runs would leave too little to find anything new with.
const SEEDED_SHARE_MAX: f64 = 0.5;

/// A proposed change, with the numbers it is argued from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suggestion {
    /// What proposes it.
    pub mechanism: Mechanism,
    /// The setting.
    pub parameter: String,
    /// Its value in the run that was measured.
    pub current: f64,
    /// Its proposed value; a setting that is a whole number is for the caller to round.
    pub proposed: f64,
    /// How far the step goes, of the way to the target.
    pub learning_rate: f64,
    /// Why, with what was measured.
    pub reason: String,
}

impl Suggestion {
    fn step(
        mechanism: Mechanism,
        parameter: &str,
        current: f64,
        target: f64,
        reason: String,
    ) -> Self {
        let learning_rate = mechanism.learning_rate();
        Suggestion {
            mechanism,
            parameter: parameter.to_owned(),
            current,
            proposed: current + learning_rate * (target - current),
            learning_rate,
            reason,
        }
    }
}

/// A mechanism's proposals.
type Suggest = fn(&Knowledge, &RunMetrics) -> Vec<Suggestion>;

/// Proposes what to change. Stateless: all that it knows is in the [`Knowledge`].
///
/// ```
/// use orchestrator_intelligence::{Improver, Knowledge, Mechanism, RunMetrics};
/// let mut knowledge = Knowledge::default();
/// knowledge.record_best("etl", [("temperature".to_owned(), 1.1)].into(), 2.8)?;
/// let metrics = RunMetrics { project_type: "etl".into(), quality: 2.4, ..RunMetrics::default() };
/// let suggestions = Improver::suggest(&knowledge, &metrics);
/// assert_eq!(suggestions[0].mechanism, Mechanism::CrossRunTransfer);
/// assert_eq!((suggestions[0].current, suggestions[0].proposed), (0.0, 0.15));
/// # Ok::<(), orchestrator_intelligence::KnowledgeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Improver;

impl Improver {
    /// The proposals after a run. The run should be in the knowledge already, so that the tenth run is the tenth.
    pub fn suggest(knowledge: &Knowledge, metrics: &RunMetrics) -> Vec<Suggestion> {
        let mechanisms: [(Mechanism, Suggest); 4] = [
            (Mechanism::HyperparameterTuning, tune),
            (Mechanism::FailurePatternRecognition, avoid_failures),
            (Mechanism::CrossRunTransfer, transfer),
            (Mechanism::MetaLearning, choose_strategy),
        ];
        mechanisms
            .into_iter()
            .filter(|(mechanism, _)| mechanism.triggered(knowledge))
            .flat_map(|(_, suggest)| suggest(knowledge, metrics))
            .collect()
    }

    /// The parameters to seed the next population of `population` with, the fittest first: at most `share` of it.
    pub fn seeds<'a>(
        knowledge: &'a Knowledge,
        project_type: &str,
        population: usize,
        share: f64,
    ) -> Vec<&'a BTreeMap<String, f64>> {
        let most = (population as f64 * share.clamp(0.0, 1.0)).floor() as usize;
        let best = knowledge.best(project_type).iter();
        best.take(most).map(|best| &best.parameters).collect()
    }
}

fn tune(knowledge: &Knowledge, metrics: &RunMetrics) -> Vec<Suggestion> {
    let tuned = metrics.hyperparameters.iter().filter_map(|(name, &current)| {
        let mut runs: Vec<(f64, f64)> = knowledge
            .summaries()
            .filter_map(|run| Some((*run.hyperparameters.get(name)?, run.quality)))
            .collect();
        if runs.len() < TUNING_SAMPLES_MIN {
            return None;
        }
        let correlation = correlation(&runs)?;
        if correlation.abs() < CORRELATION_MIN {
            return None;
        }
        runs.sort_by(|a, b| b.1.total_cmp(&a.1));
        let (top, rest) = runs.split_at((runs.len() / 4).max(2));
        let target = mean(top.iter().map(|run| run.0));
        let reason = format!(
            "over {} runs its correlation with quality is {correlation:.2}; the best {} averaged quality {:.4} at {target:.4}, the others {:.4} at {:.4}",
            runs.len(),
            top.len(),
            mean(top.iter().map(|run| run.1)),
            mean(rest.iter().map(|run| run.1)),
            mean(rest.iter().map(|run| run.0)),
        );
        let step = Suggestion::step(Mechanism::HyperparameterTuning, name, current, target, reason);
        (step.proposed != current).then_some(step)
    });
    tuned.collect()
}

/// A nearest-centroid classifier for each setting: failing runs on one side, good ones on the other. A setting that lies on the
/// failing side is moved towards the good one.
fn avoid_failures(knowledge: &Knowledge, metrics: &RunMetrics) -> Vec<Suggestion> {
    let patterns = failure_patterns(knowledge);
    let Some(pattern) = patterns.first() else {
        return Vec::new();
    };
    let total = knowledge.failures().len();
    let avoided = metrics.hyperparameters.iter().filter_map(|(name, &current)| {
        let failing: Vec<f64> = knowledge
            .failures()
            .filter(|failure| failure.stage == pattern.stage && failure.code == pattern.code)
            .filter_map(|failure| failure.hyperparameters.get(name).copied())
            .collect();
        let good: Vec<f64> = knowledge
            .summaries()
            .filter(|run| run.succeeded)
            .filter_map(|run| run.hyperparameters.get(name).copied())
            .collect();
        if failing.len() < CLASS_SAMPLES_MIN || good.len() < CLASS_SAMPLES_MIN {
            return None;
        }
        let (bad_mean, good_mean) =
            (mean(failing.iter().copied()), mean(good.iter().copied()));
        let squares = squares(&failing, bad_mean) + squares(&good, good_mean);
        let deviation = (squares / (failing.len() + good.len() - 2) as f64).sqrt();
        let apart = (bad_mean - good_mean).abs();
        if apart == 0.0 || apart < EFFECT_MIN * deviation {
            return None;
        }
        if (current - good_mean).abs() <= (current - bad_mean).abs() {
            return None;
        }
        let reason = format!(
            "{:?} in stage {:?} is {} of {total} failures; there it averaged {bad_mean:.4}, in {} good runs {good_mean:.4}, pooled deviation {deviation:.4}",
            pattern.code,
            pattern.stage,
            pattern.count,
            good.len(),
        );
        let mechanism = Mechanism::FailurePatternRecognition;
        Some(Suggestion::step(mechanism, name, current, good_mean, reason))
    });
    avoided.collect()
}

/// The setting that says how much of a population earlier runs seed.
const SEEDED_SHARE: &str = "seeded_share";

fn transfer(knowledge: &Knowledge, metrics: &RunMetrics) -> Vec<Suggestion> {
    let best = knowledge.best(&metrics.project_type);
    let Some(fittest) = best.first() else {
        return Vec::new();
    };
    let current = metrics.hyperparameters.get(SEEDED_SHARE).copied().unwrap_or(0.0);
    if current >= SEEDED_SHARE_MAX {
        return Vec::new();
    }
    let reason = format!(
        "{} good parameter set{} of {:?} runs known, the best with fitness {:.4} (of run {}, counted from 0); this run's quality is {:.4}",
        best.len(),
        if best.len() == 1 { "" } else { "s" },
        metrics.project_type,
        fittest.fitness,
        fittest.run,
        metrics.quality,
    );
    let mut step =
        Suggestion::step(Mechanism::CrossRunTransfer, SEEDED_SHARE, current, 1.0, reason);
    step.proposed = step.proposed.min(SEEDED_SHARE_MAX);
    vec![step]
}

fn choose_strategy(knowledge: &Knowledge, metrics: &RunMetrics) -> Vec<Suggestion> {
    let mut qualities: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let same = |run: &&RunSummary| run.project_type == metrics.project_type;
    for run in knowledge.summaries().filter(same) {
        qualities.entry(&run.strategy).or_default().push(run.quality);
    }
    qualities.retain(|_, qualities| qualities.len() >= STRATEGY_SAMPLES_MIN);
    let mut ranked: Vec<(&str, usize, f64)> = qualities
        .iter()
        .map(|(name, qualities)| (*name, qualities.len(), mean(qualities.iter().copied())))
        .collect();
    ranked.sort_by(|a, b| b.2.total_cmp(&a.2));
    let [(name, runs, quality), (second, second_runs, second_quality), ..] = ranked[..] else {
        return Vec::new();
    };
    // Equal means are no reason to prefer one.
    if quality == second_quality {
        return Vec::new();
    }
    let parameter = format!("strategy_weight.{name}");
    let even = 1.0 / ranked.len() as f64;
    let current = metrics.hyperparameters.get(&parameter).copied().unwrap_or(even);
    let reason = format!(
        "for {:?} projects {name:?} averaged quality {quality:.4} over {runs} runs, {second:?} {second_quality:.4} over {second_runs}",
        metrics.project_type,
    );
    vec![Suggestion::step(Mechanism::MetaLearning, &parameter, current, 1.0, reason)]
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    sum / count.max(1) as f64
}

fn squares(values: &[f64], mean: f64) -> f64 {
    values.iter().map(|value| (value - mean).powi(2)).sum()
}

/// Pearson's correlation; `None` when either side is constant.
fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let (mx, my) = (mean(pairs.iter().map(|p| p.0)), mean(pairs.iter().map(|p| p.1)));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs {
        xx += (x - mx).powi(2);
        yy += (y - my).powi(2);
        xy += (x - mx) * (y - my);
    }
    (xx > 0.0 && yy > 0.0).then(|| xy / (xx * yy).sqrt())
}
