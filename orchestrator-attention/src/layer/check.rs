//! The documents' verification checklist for attention, with the measured numbers.

use nalgebra::DMatrix;
use orchestrator_core::Check;

use crate::kernel::{Attended, Statistics};
use crate::layer::config::AttentionConfig;

/// How far a row of weights may be from 1.
pub const SUM_TOLERANCE: f64 = 1e-9;

/// How far below its maximum, as a share of it, the mean entropy must lie for attention to count as focused. For eight keys,
/// two per cent is what logits with a standard deviation of 0.3 give: less than that is hard to tell from an even mix.
pub const FOCUS_MARGIN: f64 = 0.02;

/// The checklist: weights sum to 1, all heads valid, output dimension matches the input, numerically stable, focused.
///
/// `queries` is the number of rows that went in.
pub fn verify(attended: &Attended, config: &AttentionConfig, queries: usize) -> Vec<Check> {
    let (Some(weights), Some(statistics)) = (&attended.weights, &attended.statistics) else {
        let detail = "there is nothing to check: ask attention for `Returns::Weights`";
        return vec![Check::new("weights measured", false, detail.to_owned())];
    };
    vec![
        weights_sum_to_one(weights, statistics),
        all_heads_valid(weights, config),
        output_dimension_matches(attended, config, queries),
        numerically_stable(attended, statistics),
        focused(statistics),
    ]
}

fn weights_sum_to_one(weights: &[DMatrix<f64>], statistics: &Statistics) -> Check {
    let mut worst = 0.0_f64;
    for head in weights {
        for (row, &visible) in head.row_iter().zip(&statistics.visible) {
            let wanted = if visible == 0 { 0.0 } else { 1.0 };
            let off = (row.sum() - wanted).abs();
            // `max` would drop a NaN, whichever side it is on.
            worst = if off.is_nan() || worst.is_nan() { f64::NAN } else { worst.max(off) };
        }
    }
    Check::new(
        "weights sum to 1",
        worst <= SUM_TOLERANCE,
        format!("the worst row is off by {worst:e}, {SUM_TOLERANCE:e} are allowed"),
    )
}

fn all_heads_valid(weights: &[DMatrix<f64>], config: &AttentionConfig) -> Check {
    let valid = weights.iter().filter(|head| head.iter().all(|w| (0.0..=1.0).contains(w))).count();
    let heads = config.heads;
    Check::new(
        "all heads valid",
        valid == heads && weights.len() == heads,
        format!("{valid} of {heads} heads have weights in [0, 1] only"),
    )
}

fn output_dimension_matches(
    attended: &Attended,
    config: &AttentionConfig,
    queries: usize,
) -> Check {
    let (rows, columns) = attended.output.shape();
    Check::new(
        "output dimension matches input",
        (rows, columns) == (queries, config.embed_dim),
        format!("output {rows} × {columns}, input {queries} × {}", config.embed_dim),
    )
}

fn numerically_stable(attended: &Attended, statistics: &Statistics) -> Check {
    let mut unstable = attended.output.iter().filter(|x| !x.is_finite()).count();
    for (query, &visible) in statistics.visible.iter().enumerate() {
        let entropy_max = (visible.max(1) as f64).ln() + SUM_TOLERANCE;
        for head in 0..statistics.entropy.ncols() {
            let entropy = statistics.entropy[(query, head)];
            let lse = statistics.log_sum_exp[(query, head)];
            let stable = (-SUM_TOLERANCE..=entropy_max).contains(&entropy)
                && (lse.is_finite() || visible == 0);
            unstable += usize::from(!stable);
        }
    }
    let numbers = attended.output.len() + statistics.entropy.len();
    Check::new(
        "numerically stable",
        unstable == 0,
        format!("{unstable} of {numbers} outputs and entropies are out of range"),
    )
}

fn focused(statistics: &Statistics) -> Check {
    let name = "focuses on relevant layers";
    match statistics.mean_relative_entropy() {
        None => Check::new(name, true, "no query has more than one key to see".to_owned()),
        Some(share) => Check::new(
            name,
            share <= 1.0 - FOCUS_MARGIN,
            format!(
                "mean entropy is {:.1} % of its maximum ln n, at most {:.1} % count as focused",
                100.0 * share,
                100.0 * (1.0 - FOCUS_MARGIN)
            ),
        ),
    }
}
