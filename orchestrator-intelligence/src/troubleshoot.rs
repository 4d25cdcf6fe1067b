//! Known troubles, each recognised by its measured cause and answered by the documented remedy.

use serde::{Deserialize, Serialize};

use crate::metrics::RunMetrics;

/// Below this share of its first value, the diversity of a population counts as lost.
const DIVERSITY_LOST: f64 = 0.1;

/// A late reward that scatters by more than this share of its mean size counts as fluctuating.
const FLUCTUATION: f64 = 0.25;

/// An entropy above this share of its maximum counts as uniform.
const UNIFORM: f64 = 0.98;

/// What to do about a trouble.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Remedy {
    /// What shows.
    pub issue: String,
    /// Why, as far as it was measured.
    pub cause: String,
    /// What to do.
    pub solution: String,
    /// The setting to change and its new value, where there is one.
    pub setting: Option<(String, f64)>,
    /// The numbers behind it.
    pub measured: String,
}

/// The troubles of a run; none when nothing was measured that shows one.
///
/// ```
/// use orchestrator_intelligence::{RunMetrics, troubleshoot};
/// let metrics = RunMetrics {
///     fitness_history: vec![1.0; 10],
///     diversity_history: vec![0.5, 0.2, 0.01],
///     ..RunMetrics::default()
/// };
/// let remedies = troubleshoot(&metrics);
/// assert_eq!(remedies[0].cause, "the population is too homogeneous");
/// assert!(troubleshoot(&RunMetrics::default()).is_empty());
/// ```
pub fn troubleshoot(metrics: &RunMetrics) -> Vec<Remedy> {
    [
        fitness_not_improving(metrics),
        rewards_fluctuating(metrics),
        attention_uniform(metrics),
        syntax_errors(metrics),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn fitness_not_improving(metrics: &RunMetrics) -> Option<Remedy> {
    let (first, last) = (metrics.fitness_history.first()?, metrics.fitness_history.last()?);
    let (start, end) = (metrics.diversity_history.first()?, metrics.diversity_history.last()?);
    let best_first = metrics.fitness_history.len() >= 2 && last <= first;
    if !best_first || *end >= DIVERSITY_LOST * start {
        return None;
    }
    let rate = metrics.hyperparameters.get("mutation_rate").copied();
    // The documents say 0.20 to 0.25: the lower end first, the upper one when that was not enough.
    let raised = if rate.is_some_and(|rate| rate >= 0.20) { 0.25 } else { 0.20 };
    Some(Remedy {
        issue: "the fitness is not improving".to_owned(),
        cause: "the population is too homogeneous".to_owned(),
        solution: format!("raise the mutation rate to {raised:.2}"),
        setting: Some(("mutation_rate".to_owned(), raised)),
        measured: format!(
            "fitness {first:.4} at first and {last:.4} at last; diversity fell from {start:.4} to {end:.4}"
        ),
    })
}

fn rewards_fluctuating(metrics: &RunMetrics) -> Option<Remedy> {
    let epsilon = *metrics.hyperparameters.get("epsilon")?;
    let late = &metrics.reward_history[metrics.reward_history.len() / 2..];
    // That exploration is the cause is measured too: the steps that explored must have earned less than the others.
    let (exploring, greedy) = (metrics.reward_exploring?, metrics.reward_greedy?);
    if late.len() < 3 || epsilon <= 0.15 || exploring >= greedy {
        return None;
    }
    let n = late.len() as f64;
    let mean = late.iter().sum::<f64>() / n;
    let size = late.iter().map(|reward| reward.abs()).sum::<f64>() / n;
    let deviation = (late.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    (deviation > FLUCTUATION * size).then(|| Remedy {
        issue: "the rewards are fluctuating".to_owned(),
        cause: "the exploration rate is too high".to_owned(),
        solution: "lower epsilon to 0.15, and to 0.10 if that is not enough".to_owned(),
        setting: Some(("epsilon".to_owned(), 0.15)),
        measured: format!(
            "the last {} rewards scatter by {deviation:.4} around {mean:.4} at epsilon {epsilon}; an exploring step brought {exploring:.4}, another {greedy:.4}",
            late.len()
        ),
    })
}

fn attention_uniform(metrics: &RunMetrics) -> Option<Remedy> {
    let share = metrics.attention_entropy_share.filter(|share| *share > UNIFORM)?;
    let dim = metrics.hyperparameters.get("embed_dim").copied();
    // Already that wide: the remedy is spent, and nothing else was measured.
    if dim.is_some_and(|dim| dim >= 32.0) {
        return None;
    }
    Some(Remedy {
        issue: "the attention weights are uniform".to_owned(),
        cause: "the embeddings are not differentiated".to_owned(),
        solution: "raise the embedding dimension to 32".to_owned(),
        setting: Some(("embed_dim".to_owned(), 32.0)),
        measured: format!("the entropy is {:.1} % of its maximum", 100.0 * share),
    })
}

fn syntax_errors(metrics: &RunMetrics) -> Option<Remedy> {
    (metrics.syntax_errors > 0).then(|| Remedy {
        issue: "generated code has syntax errors".to_owned(),
        cause: "the template selection is incorrect".to_owned(),
        solution: "validate the syntax before output".to_owned(),
        setting: None,
        measured: format!("{} files did not parse", metrics.syntax_errors),
    })
}
