//! Scaled dot-product attention, softmax(QKᵀ·scale + mask)·V, of one or more heads.

mod attended;
mod mask;
mod softmax;
mod wide;

use std::ops::ControlFlow;

use nalgebra::DMatrix;

use crate::error::{AttentionError, check_columns, check_finite, check_rows};
use crate::real::Real;

pub use attended::{Attended, Returns, Statistics};
pub use mask::Mask;
pub use softmax::{RowSum, softmax};
pub(crate) use wide::{Wide, wide};

/// Attention without projections: what is to be computed, apart from the matrices.
///
/// Head h owns the columns h·d to (h + 1)·d of the queries and keys, and likewise its share of the values' columns.
///
/// ```
/// use orchestrator_attention::{Returns, ScaledDotProduct, nalgebra::dmatrix};
/// let keys = dmatrix![1.0, 0.0; 0.0, 1.0];
/// let values = dmatrix![10.0; 20.0];
/// let attention = ScaledDotProduct { scale: Some(1.0), returns: Returns::Weights, ..Default::default() };
/// let attended = attention.attend(&dmatrix![50.0, 0.0], &keys, &values)?;
/// assert!((attended.output[(0, 0)] - 10.0_f64).abs() < 1e-9);
/// assert!(attended.weights.unwrap()[0][(0, 1)] < 1e-9);
/// # Ok::<(), orchestrator_attention::AttentionError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ScaledDotProduct<T: Real = f64> {
    /// How many heads share the columns.
    pub heads: usize,
    /// What the products are multiplied by; `None` is 1/√d, d the width of a head.
    pub scale: Option<T>,
    /// Which keys a query may see, and with what bias.
    pub mask: Mask<T>,
    /// What to give back beside the output.
    pub returns: Returns,
}

impl<T: Real> Default for ScaledDotProduct<T> {
    /// One head, scaled by 1/√d, without a mask; the output alone.
    fn default() -> Self {
        ScaledDotProduct { heads: 1, scale: None, mask: Mask::None, returns: Returns::Output }
    }
}

impl<T: Real> ScaledDotProduct<T> {
    /// Attends: `q` is queries × heads·d, `k` keys × heads·d, `v` keys × heads·w for any w; the output is queries × heads·w.
    ///
    /// # Errors
    /// When the shapes do not fit, something is not finite (the matrix, row and column are named), or a logit overflows.
    pub fn attend(
        &self,
        q: &DMatrix<T>,
        k: &DMatrix<T>,
        v: &DMatrix<T>,
    ) -> Result<Attended<T>, AttentionError> {
        let attended = self.attend_while(q, k, v, |_| ControlFlow::Continue(()))?;
        Ok(attended.expect("nobody stopped it"))
    }

    /// As [`ScaledDotProduct::attend`], asking before every head whether to go on; `None` when it was stopped.
    ///
    /// # Errors
    /// As [`ScaledDotProduct::attend`].
    pub fn attend_while(
        &self,
        q: &DMatrix<T>,
        k: &DMatrix<T>,
        v: &DMatrix<T>,
        mut before_head: impl FnMut(usize) -> ControlFlow<()>,
    ) -> Result<Option<Attended<T>>, AttentionError> {
        let heads = self.heads;
        let width = head_width("q", q, heads)?;
        let value_width = head_width("v", v, heads)?;
        check_columns("k", k, q.ncols(), "q")?;
        check_rows("v", v, k.nrows(), "k")?;
        check_finite("q", q)?;
        check_finite("k", k)?;
        check_finite("v", v)?;
        let scale = self.scale.unwrap_or_else(|| T::of(1.0 / (width as f64).sqrt()));
        if !scale.is_finite() {
            return Err(AttentionError::Scale { scale: scale.double() });
        }
        let (queries, keys) = (q.nrows(), k.nrows());
        self.mask.check(queries, keys)?;

        let mut output = DMatrix::zeros(queries, heads * value_width);
        let mut statistics = Statistics {
            entropy: DMatrix::zeros(queries, heads),
            log_sum_exp: DMatrix::zeros(queries, heads),
            visible: vec![0; queries],
        };
        let mut all_weights = Vec::new();
        let mut row = vec![T::zero(); keys];
        for head in 0..heads {
            if before_head(head).is_break() {
                return Ok(None);
            }
            let part = |m: &DMatrix<T>, width| m.columns(head * width, width).into_owned();
            let mut weights = part(q, width) * part(k, width).transpose();
            for query in 0..queries {
                for (key, logit) in row.iter_mut().enumerate() {
                    let bias = self.mask.bias(query, key, queries, keys);
                    *logit = weights[(query, key)] * scale + bias;
                    // Finite inputs: whatever is infinite or NaN here has overflowed, unless the mask says so.
                    if !logit.is_finite() && bias > T::HIDDEN {
                        return Err(AttentionError::Overflow { query, key });
                    }
                    if bias == T::HIDDEN {
                        *logit = bias; // Hidden, even where the product overflowed.
                    }
                }
                let sum = softmax(&mut row);
                statistics.entropy[(query, head)] = sum.entropy;
                statistics.log_sum_exp[(query, head)] = sum.log_sum_exp;
                statistics.visible[query] = sum.visible;
                for (key, &weight) in row.iter().enumerate() {
                    weights[(query, key)] = weight;
                }
            }
            let mixed = &weights * part(v, value_width);
            output.columns_mut(head * value_width, value_width).copy_from(&mixed);
            all_weights.push(weights);
        }
        Ok(Some(Attended {
            output,
            statistics: (self.returns >= Returns::Statistics).then_some(statistics),
            weights: (self.returns >= Returns::Weights).then_some(all_weights),
        }))
    }
}

/// The width of one head.
fn head_width<T: Real>(
    matrix: &'static str,
    m: &DMatrix<T>,
    heads: usize,
) -> Result<usize, AttentionError> {
    if heads == 0 {
        return Err(AttentionError::Zero { what: "head" });
    }
    if !m.ncols().is_multiple_of(heads) {
        let above = m.ncols().next_multiple_of(heads);
        return Err(AttentionError::Shape {
            matrix,
            axis: "columns",
            wanted: above,
            found: m.ncols(),
            fits: "the heads",
        });
    }
    Ok(m.ncols() / heads)
}
