//! The kernel: scaled dot-product attention of one head, softmax(QKᵀ·scale + mask)·V.

use nalgebra::DMatrix;

use crate::error::{AttentionError, check_columns, check_finite, check_rows};
use crate::mask::Mask;
use crate::softmax::softmax;

/// What attention gives back. A query that sees no key gets weights 0, output 0 (before any output projection), entropy 0 and
/// log-sum-exp −∞.
#[derive(Debug, Clone, PartialEq)]
pub struct Attended {
    /// A row for each query.
    pub output: DMatrix<f64>,
    /// For each head a matrix of queries × keys.
    pub weights: Vec<DMatrix<f64>>,
    /// Entropy of the weights in nats, queries × heads.
    pub entropy: DMatrix<f64>,
    /// ln Σ exp(logit), queries × heads.
    pub log_sum_exp: DMatrix<f64>,
    /// How many keys each query sees.
    pub visible: Vec<usize>,
}

impl Attended {
    /// The weights averaged over the heads, queries × keys: rows that see a key still sum to 1.
    pub fn mean_weights(&self) -> DMatrix<f64> {
        let mut weights = self.weights.iter();
        let first = weights.next().expect("attention has at least one head");
        let sum = weights.fold(first.clone(), |sum, weights| sum + weights);
        sum / self.weights.len() as f64
    }

    /// The entropy averaged over the queries that have a choice (two keys or more) and all heads, as a share of the greatest
    /// possible (ln of the keys they see). `None` when no query has a choice.
    pub fn mean_relative_entropy(&self) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0_usize);
        for (query, &visible) in self.visible.iter().enumerate() {
            if visible >= 2 {
                for &entropy in &self.entropy.row(query) {
                    sum += entropy / (visible as f64).ln();
                    count += 1;
                }
            }
        }
        (count > 0).then(|| sum / count as f64)
    }
}

/// Attention of a single head: `q` is queries × d, `k` keys × d, `v` keys × any width.
///
/// ```
/// use orchestrator_attention::{Mask, nalgebra::dmatrix, scaled_dot_product};
/// let keys = dmatrix![1.0, 0.0; 0.0, 1.0];
/// let values = dmatrix![10.0; 20.0];
/// let attended = scaled_dot_product(&dmatrix![50.0, 0.0], &keys, &values, 1.0, &Mask::None)?;
/// assert!((attended.output[(0, 0)] - 10.0).abs() < 1e-9);
/// # Ok::<(), orchestrator_attention::AttentionError>(())
/// ```
///
/// # Errors
/// When the shapes do not fit, something is not finite, or a logit overflows.
pub fn scaled_dot_product(
    q: &DMatrix<f64>,
    k: &DMatrix<f64>,
    v: &DMatrix<f64>,
    scale: f64,
    mask: &Mask,
) -> Result<Attended, AttentionError> {
    check_columns("k", k, q.ncols(), "q")?;
    check_rows("v", v, k.nrows(), "k")?;
    check_finite("q", q)?;
    check_finite("k", k)?;
    check_finite("v", v)?;
    if !scale.is_finite() {
        return Err(AttentionError::Scale { scale });
    }
    let (queries, keys) = (q.nrows(), k.nrows());
    mask.check(queries, keys)?;

    let mut weights = q * k.transpose();
    let mut entropy = DMatrix::zeros(queries, 1);
    let mut log_sum_exp = DMatrix::zeros(queries, 1);
    let mut visible = vec![0; queries];
    let mut row = vec![0.0; keys];
    for query in 0..queries {
        for (key, logit) in row.iter_mut().enumerate() {
            let bias = mask.bias(query, key, queries, keys);
            *logit = weights[(query, key)] * scale + bias;
            // Finite inputs: whatever is infinite or NaN here has overflowed, unless the mask says so.
            if !logit.is_finite() && bias > f64::NEG_INFINITY {
                return Err(AttentionError::Overflow { query, key });
            }
            if bias == f64::NEG_INFINITY {
                *logit = bias; // Hidden, even where the product overflowed.
            }
        }
        let sum = softmax(&mut row);
        entropy[(query, 0)] = sum.entropy;
        log_sum_exp[(query, 0)] = sum.log_sum_exp;
        visible[query] = sum.visible;
        for (key, &weight) in row.iter().enumerate() {
            weights[(query, key)] = weight;
        }
    }
    Ok(Attended { output: &weights * v, weights: vec![weights], entropy, log_sum_exp, visible })
}
