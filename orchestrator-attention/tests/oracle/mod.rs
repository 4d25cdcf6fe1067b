//! Attention in plain loops, as the paper writes it, with logits that are exact to twice the digits of f64. It shares no code with the crate.
//!
//! With it come the bounds that rounding sets: each answer may be off by what an accurate sum in the type at hand cannot avoid, and no more.

use orchestrator_attention::{Attended, Mask, Real, Returns, ScaledDotProduct, nalgebra::DMatrix};

/// The answers for one query and head.
pub(crate) struct Row {
    pub(crate) weights: Vec<f64>,
    pub(crate) output: Vec<f64>,
    pub(crate) entropy: f64,
    pub(crate) log_sum_exp: f64,
    pub(crate) visible: usize,
    /// Σ p·|v| for every column of the values: what the output's error is measured by.
    output_size: Vec<f64>,
    /// The largest Σ|q·k|·|scale| + |bias| over the keys seen: what a logit's error is measured by.
    pub(crate) logit_size: f64,
}

/// A number as the sum of two that do not overlap.
#[derive(Clone, Copy)]
struct Pair(f64, f64);

impl Pair {
    fn plus(self, other: f64) -> Pair {
        let sum = self.0 + other;
        let part = sum - self.0;
        Pair(sum, self.1 + ((self.0 - (sum - part)) + (other - part)))
    }

    fn times(self, other: f64) -> Pair {
        let product = self.0 * other;
        Pair(product, self.0.mul_add(other, -product) + self.1 * other).settled()
    }

    fn settled(self) -> Pair {
        let sum = self.0 + self.1;
        Pair(sum, self.1 - (sum - self.0))
    }
}

/// What a mask adds to the logit, `None` for hidden, said once more.
fn bias<T: Real>(mask: &Mask<T>, query: usize, key: usize, n: usize, m: usize) -> Option<f64> {
    match mask {
        Mask::None => Some(0.0),
        Mask::Causal => (key as i64 - m as i64 <= query as i64 - n as i64).then_some(0.0),
        Mask::Padding(keep) => keep[key].then_some(0.0),
        Mask::Additive(bias) => Some(bias[(query, key)].double()).filter(|b| b.is_finite()),
        Mask::Both(a, b) => Some(bias(a, query, key, n, m)? + bias(b, query, key, n, m)?),
    }
}

/// One query of one head. All numbers must be far from overflow.
pub(crate) fn row<T: Real>(
    attention: &ScaledDotProduct<T>,
    [q, k, v]: [&DMatrix<T>; 3],
    query: usize,
    head: usize,
) -> Row {
    let (n, m) = (q.nrows(), k.nrows());
    let (width, value_width) = (q.ncols() / attention.heads, v.ncols() / attention.heads);
    // The default is rounded to the type at hand: that is a setting, not an error of the result.
    let scale = attention.scale.unwrap_or_else(|| T::of(1.0 / (width as f64).sqrt())).double();
    let mut logit_size = 0.0_f64;
    let logits: Vec<Option<Pair>> = (0..m)
        .map(|key| {
            let bias = bias(&attention.mask, query, key, n, m)?;
            let (mut sum, mut size) = (Pair(0.0, 0.0), 0.0);
            for column in head * width..(head + 1) * width {
                let (a, b) = (q[(query, column)].double(), k[(key, column)].double());
                let product = Pair(a, 0.0).times(b);
                sum = sum.plus(product.0).plus(product.1);
                size += product.0.abs();
            }
            logit_size = logit_size.max(size * scale.abs() + bias.abs());
            Some(sum.settled().times(scale).plus(bias).settled())
        })
        .collect();
    let seen = || logits.iter().flatten();
    let visible = seen().count();
    let Some(max) = seen().copied().max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)))
    else {
        let none = || vec![0.0; value_width];
        return Row {
            weights: vec![0.0; m],
            output: none(),
            entropy: 0.0,
            log_sum_exp: f64::NEG_INFINITY,
            visible,
            output_size: none(),
            logit_size,
        };
    };
    let below: Vec<Option<f64>> = logits
        .iter()
        .map(|logit| logit.map(|z| Pair(z.0, 0.0).plus(-max.0).plus(z.1).plus(-max.1).settled().0))
        .collect();
    let powers: Vec<f64> = below.iter().map(|z| z.map_or(0.0, f64::exp)).collect();
    let sum: f64 = powers.iter().sum();
    // Without the largest, so that what is small beside 1 is not lost.
    let largest = (0..m).find(|at| below[*at] == Some(0.0)).expect("one is the largest");
    let rest: f64 = (0..m).filter(|at| *at != largest).map(|at| powers[at]).sum();
    let weights: Vec<f64> = powers.iter().map(|power| power / sum).collect();
    let spread: f64 =
        (0..m).filter(|at| weights[*at] > 0.0).map(|at| -weights[at] * below[at].unwrap()).sum();
    let mixed = |size: fn(f64) -> f64| -> Vec<f64> {
        let value =
            |key: usize, column: usize| size(v[(key, head * value_width + column)].double());
        (0..value_width)
            .map(|column| (0..m).map(|key| weights[key] * value(key, column)).sum())
            .collect()
    };
    Row {
        output: mixed(|v| v),
        output_size: mixed(f64::abs),
        entropy: rest.ln_1p() + spread,
        log_sum_exp: max.0 + (max.1 + rest.ln_1p()),
        weights,
        visible,
        logit_size,
    }
}

/// Whether all of `attended` is what the oracle says; what is wrong otherwise. Looks at every row, or at `rows_max` spread over all.
pub(crate) fn check<T: Real>(
    attention: &ScaledDotProduct<T>,
    [q, k, v]: [&DMatrix<T>; 3],
    attended: &Attended<T>,
    rows_max: usize,
) -> Result<(), String> {
    let (n, m) = (q.nrows(), k.nrows());
    let (width, value_width) = (q.ncols() / attention.heads, v.ncols() / attention.heads);
    let epsilon = T::EPSILON.double();
    // The least normal number: below it there is nothing relative.
    let tiny = if epsilon < 1e-10 { f64::MIN_POSITIVE } else { f64::from(f32::MIN_POSITIVE) };
    if attended.output.shape() != (n, attention.heads * value_width) {
        return Err(format!("the output is {:?}", attended.output.shape()));
    }
    let statistics = attended.statistics.as_ref();
    if statistics.is_some() != (attention.returns >= Returns::Statistics) {
        return Err("statistics".into());
    }
    for query in (0..n).step_by(n.div_ceil(rows_max.max(1)).max(1)) {
        for head in 0..attention.heads {
            let row = row(attention, [q, k, v], query, head);
            // A logit is a sum of so many products; the bound of a sum is its length, and what is usual its root.
            let logit_error = epsilon * (row.logit_size * (4.0 + width as f64 / 2.0));
            if logit_error > 0.25 {
                continue; // Rounding decides who is the largest: `structure` says what holds even then.
            }
            let sums = epsilon * (16.0 + m as f64 / 4.0);
            let relative = sums + 2.5 * logit_error;
            let near = |what: &str, at: usize, ours: T, exact: f64, error: f64| {
                let ours = ours.double();
                // Not `>`: NaN is wrong.
                if ours == exact || (ours - exact).abs() <= error {
                    return Ok(());
                }
                Err(format!(
                    "{what} of query {query}, head {head}, at {at}: {ours:e} is not {exact:e} within {error:e}"
                ))
            };
            for column in 0..value_width {
                let at = head * value_width + column;
                let values = v.column(at).iter().map(|v| v.double().abs()).sum::<f64>();
                let error = relative * row.output_size[column] + tiny * (values + m as f64 + 1.0);
                near("output", column, attended.output[(query, at)], row.output[column], error)?;
            }
            if let Some(statistics) = statistics {
                let entropy = statistics.entropy[(query, head)];
                let error = 2.0 * relative * row.entropy + 8.0 * epsilon;
                near("entropy", 0, entropy, row.entropy, error)?;
                let lse = statistics.log_sum_exp[(query, head)];
                let error = sums + logit_error + 4.0 * epsilon * row.log_sum_exp.abs();
                near("log-sum-exp", 0, lse, row.log_sum_exp, error)?;
                if statistics.visible[query] != row.visible {
                    let found = statistics.visible[query];
                    return Err(format!("query {query} sees {}, not {found}", row.visible));
                }
            }
            if let Some(weights) = &attended.weights {
                for (key, exact) in row.weights.iter().enumerate() {
                    let error = relative * exact + 2.0 * tiny;
                    near("weight", key, weights[head][(query, key)], *exact, error)?;
                }
            }
        }
    }
    Ok(())
}

/// What holds whatever the logits are, as long as they do not overflow: weights between 0 and 1 that sum to 1, hidden ones exactly 0, entropy
/// between 0 and ln of the keys seen, log-sum-exp finite, rows that see nothing zero, rows that see one key its value.
pub(crate) fn structure<T: Real>(
    attention: &ScaledDotProduct<T>,
    [q, k, v]: [&DMatrix<T>; 3],
    attended: &Attended<T>,
) -> Result<(), String> {
    let (n, m) = (q.nrows(), k.nrows());
    let value_width = v.ncols() / attention.heads;
    let epsilon = T::EPSILON.double();
    let slack = epsilon * (16.0 + m as f64 / 4.0);
    for query in 0..n {
        let seen: Vec<usize> =
            (0..m).filter(|key| bias(&attention.mask, query, *key, n, m).is_some()).collect();
        for head in 0..attention.heads {
            let wrong = |what: &str| Err(format!("query {query}, head {head}: {what}"));
            for column in head * value_width..(head + 1) * value_width {
                let ours = attended.output[(query, column)].double();
                let values = || seen.iter().map(|key| v[(*key, column)].double());
                let (least, most) = (
                    values().fold(f64::INFINITY, f64::min),
                    values().fold(f64::NEG_INFINITY, f64::max),
                );
                match seen.len() {
                    0 if ours != 0.0 => return wrong("sees nothing and has an output"),
                    1 if ours != least => return wrong("sees one key, and not its value"),
                    0 | 1 => {}
                    _ => {
                        // A mean lies between the least and the most.
                        let room = slack * least.abs().max(most.abs());
                        if !(least - room..=most + room).contains(&ours) {
                            return wrong(&format!(
                                "{ours:e} is not between {least:e} and {most:e}"
                            ));
                        }
                    }
                }
            }
            if let Some(statistics) = &attended.statistics {
                let entropy = statistics.entropy[(query, head)].double();
                let lse = statistics.log_sum_exp[(query, head)].double();
                if statistics.visible[query] != seen.len() {
                    return wrong("sees another number of keys");
                }
                let most = (seen.len().max(1) as f64).ln();
                if !(0.0..=most + slack).contains(&entropy) || (seen.len() < 2 && entropy != 0.0) {
                    return wrong(&format!("entropy {entropy:e} of at most {most:e}"));
                }
                if if seen.is_empty() { lse != f64::NEG_INFINITY } else { !lse.is_finite() } {
                    return wrong(&format!("log-sum-exp {lse:e}"));
                }
            }
            if let Some(weights) = &attended.weights {
                let row = weights[head].row(query);
                let sum: f64 = row.iter().map(|weight| weight.double()).sum();
                let whole = if seen.is_empty() { 0.0 } else { 1.0 };
                if sum.is_nan() || (sum - whole).abs() > slack {
                    return wrong(&format!("weights sum to {sum:e}"));
                }
                if !row.iter().all(|w| (0.0..=1.0 + epsilon).contains(&w.double())) {
                    return wrong("a weight is not between 0 and 1");
                }
                let hidden = (0..m).filter(|key| seen.binary_search(key).is_err());
                if hidden.into_iter().any(|key| row[key].double() != 0.0) {
                    return wrong("a hidden key has a weight");
                }
            }
        }
    }
    Ok(())
}
