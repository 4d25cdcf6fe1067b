//! The documents' verification checklist for attention, with the measured numbers.

use nalgebra::DMatrix;
use orchestrator_core::Check;

use crate::kernel::{Attended, Statistics};
use crate::layer::config::AttentionConfig;
use crate::real::Real;

/// How far a row of weights may be from 1 in double precision. In single precision it is what rounding leaves of so many keys:
/// 16·ε·√keys, ε the distance from 1 to the next number.
pub const SUM_TOLERANCE: f64 = 1e-9;

/// How far below its maximum, as a share of it, the mean entropy must lie for attention to count as focused. For eight keys,
/// two per cent is what logits with a standard deviation of 0.3 give: less than that is hard to tell from an even mix.
pub const FOCUS_MARGIN: f64 = 0.02;

/// The checklist: weights sum to 1, all heads valid, output dimension matches the input, numerically stable, focused.
///
/// `queries` is the number of rows that went in. Where a layer's output has another width than its input, ask
/// [`MultiHeadAttention::verify`](crate::MultiHeadAttention::verify).
pub fn verify<T: Real>(
    attended: &Attended<T>,
    config: &AttentionConfig,
    queries: usize,
) -> Vec<Check> {
    verify_width(attended, config, queries, config.embed_dim)
}

/// As [`verify`], for an output of this width.
pub(super) fn verify_width<T: Real>(
    attended: &Attended<T>,
    config: &AttentionConfig,
    queries: usize,
    width: usize,
) -> Vec<Check> {
    let (Some(weights), Some(statistics)) = (&attended.weights, &attended.statistics) else {
        let detail = "there is nothing to check: ask attention for `Returns::Weights`";
        return vec![Check::new("weights measured", false, detail.to_owned())];
    };
    vec![
        weights_sum_to_one(weights, statistics),
        all_heads_valid(weights, config),
        output_dimension_matches(attended, queries, width),
        numerically_stable(attended, statistics),
        focused(statistics),
    ]
}

/// How far a sum over so many keys may be off in this type of number.
fn tolerance<T: Real>(keys: usize) -> f64 {
    SUM_TOLERANCE.max(16.0 * T::EPSILON.double() * (keys as f64).sqrt())
}

fn weights_sum_to_one<T: Real>(weights: &[DMatrix<T>], statistics: &Statistics<T>) -> Check {
    let mut worst = 0.0_f64;
    for head in weights {
        for (row, &visible) in head.row_iter().zip(&statistics.visible) {
            let wanted = if visible == 0 { 0.0 } else { 1.0 };
            let sum: f64 = row.iter().map(|weight| weight.double()).sum();
            let off = (sum - wanted).abs();
            // `max` would drop a NaN, whichever side it is on.
            worst = if off.is_nan() || worst.is_nan() { f64::NAN } else { worst.max(off) };
        }
    }
    let allowed = tolerance::<T>(weights.first().map_or(0, DMatrix::ncols));
    Check::new(
        "weights sum to 1",
        worst <= allowed,
        format!("the worst row is off by {worst:e}, {allowed:e} are allowed"),
    )
}

fn all_heads_valid<T: Real>(weights: &[DMatrix<T>], config: &AttentionConfig) -> Check {
    let share = |weight: &T| (0.0..=1.0).contains(&weight.double());
    let valid = weights.iter().filter(|head| head.iter().all(share)).count();
    let heads = config.heads;
    Check::new(
        "all heads valid",
        valid == heads && weights.len() == heads,
        format!("{valid} of {heads} heads have weights in [0, 1] only"),
    )
}

fn output_dimension_matches<T: Real>(
    attended: &Attended<T>,
    queries: usize,
    width: usize,
) -> Check {
    let (rows, columns) = attended.output.shape();
    Check::new(
        "output dimension matches input",
        (rows, columns) == (queries, width),
        format!("output {rows} × {columns}, input {queries} × {width}"),
    )
}

fn numerically_stable<T: Real>(attended: &Attended<T>, statistics: &Statistics<T>) -> Check {
    let mut unstable = attended.output.iter().filter(|x| !x.is_finite()).count();
    for (query, &visible) in statistics.visible.iter().enumerate() {
        let allowed = tolerance::<T>(visible);
        let entropy_max = (visible.max(1) as f64).ln() + allowed;
        for head in 0..statistics.entropy.ncols() {
            let entropy = statistics.entropy[(query, head)].double();
            let lse = statistics.log_sum_exp[(query, head)];
            let stable =
                (-allowed..=entropy_max).contains(&entropy) && (lse.is_finite() || visible == 0);
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

fn focused<T: Real>(statistics: &Statistics<T>) -> Check {
    let name = "focuses on relevant layers";
    match statistics.mean_relative_entropy() {
        None => Check::new(name, true, "no query has more than one key to see".to_owned()),
        Some(share) => Check::new(
            name,
            share <= 1.0 - FOCUS_MARGIN,
            format!(
                "mean entropy is {:.1} % of its maximum, the ln of the keys seen, at most {:.1} % count as focused",
                100.0 * share,
                100.0 * (1.0 - FOCUS_MARGIN)
            ),
        ),
    }
}
