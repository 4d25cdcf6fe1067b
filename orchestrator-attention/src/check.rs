//! The documents' verification checklist for attention, with the measured numbers.

use orchestrator_core::Check;

use crate::config::AttentionConfig;
use crate::kernel::Attended;

/// How far a row of weights may be from 1.
pub const SUM_TOLERANCE: f64 = 1e-9;

/// How far below its maximum, as a share of it, the mean entropy must lie for attention to count as focused. For eight keys,
/// two per cent is what logits with a standard deviation of 0.3 give: less than that is hard to tell from an even mix.
pub const FOCUS_MARGIN: f64 = 0.02;

/// The checklist: weights sum to 1, all heads valid, output dimension matches the input, numerically stable, focused.
///
/// `queries` is the number of rows that went in.
pub fn verify(attended: &Attended, config: &AttentionConfig, queries: usize) -> Vec<Check> {
    vec![
        weights_sum_to_one(attended),
        all_heads_valid(attended, config),
        output_dimension_matches(attended, config, queries),
        numerically_stable(attended),
        focused(attended),
    ]
}

fn weights_sum_to_one(attended: &Attended) -> Check {
    let mut worst = 0.0_f64;
    for weights in &attended.weights {
        for (row, &visible) in weights.row_iter().zip(&attended.visible) {
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

fn all_heads_valid(attended: &Attended, config: &AttentionConfig) -> Check {
    let valid = attended
        .weights
        .iter()
        .filter(|weights| weights.iter().all(|w| (0.0..=1.0).contains(w)))
        .count();
    let heads = config.heads;
    Check::new(
        "all heads valid",
        valid == heads && attended.weights.len() == heads,
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

fn numerically_stable(attended: &Attended) -> Check {
    let mut unstable = attended.output.iter().filter(|x| !x.is_finite()).count();
    for (query, &visible) in attended.visible.iter().enumerate() {
        let entropy_max = (visible.max(1) as f64).ln() + SUM_TOLERANCE;
        for head in 0..attended.entropy.ncols() {
            let entropy = attended.entropy[(query, head)];
            let lse = attended.log_sum_exp[(query, head)];
            let stable = (-SUM_TOLERANCE..=entropy_max).contains(&entropy)
                && (lse.is_finite() || visible == 0);
            unstable += usize::from(!stable);
        }
    }
    let numbers = attended.output.len() + attended.entropy.len();
    Check::new(
        "numerically stable",
        unstable == 0,
        format!("{unstable} of {numbers} outputs and entropies are out of range"),
    )
}

fn focused(attended: &Attended) -> Check {
    let name = "focuses on relevant layers";
    match attended.mean_relative_entropy() {
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
