//! The softmax of one row, with what falls off on the way: log-sum-exp and entropy.
//!
//! The largest logit m is subtracted first, so nothing overflows. With S = 1 + r, r the sum over all logits but one largest,
//! log-sum-exp is m + ln(1 + r) and the entropy is H = ln(1 + r) + Σ p·(m − z): the shifted form, because
//! lse − Σ p·z cancels for large logits, and `ln_1p`, because a row that is all but one-hot still has a small entropy.

use crate::real::Real;

/// What the softmax of a row tells beside its weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RowSum<T: Real = f64> {
    /// ln Σ exp(z); minus infinity when every logit is hidden.
    pub log_sum_exp: T,
    /// −Σ p ln p, in nats; 0 when every logit is hidden.
    pub entropy: T,
    /// How many logits are not hidden.
    pub visible: usize,
}

/// Turns logits into weights in place. A logit of minus infinity is hidden and gets weight 0; when all are hidden, all weights are
/// 0, and so is the entropy. The result for NaN or plus infinity is NaN: callers refuse them before.
///
/// ```
/// let mut row = [1000.0, 1000.0, f64::NEG_INFINITY];
/// let sum = orchestrator_attention::softmax(&mut row);
/// assert_eq!(row, [0.5, 0.5, 0.0]);
/// assert_eq!((sum.entropy, sum.visible), (2.0_f64.ln(), 2));
/// ```
pub fn softmax<T: Real>(row: &mut [T]) -> RowSum<T> {
    let mut largest = 0;
    let mut visible = 0;
    for (at, &logit) in row.iter().enumerate() {
        if !logit.is_finite() && logit != T::HIDDEN {
            let nan = T::of(f64::NAN);
            row.fill(nan);
            return RowSum { log_sum_exp: nan, entropy: nan, visible: row.len() };
        }
        visible += usize::from(logit > T::HIDDEN);
        if logit > row[largest] {
            largest = at;
        }
    }
    if visible == 0 {
        row.fill(T::zero());
        return RowSum { log_sum_exp: T::HIDDEN, entropy: T::zero(), visible };
    }
    let max = row[largest];
    let (mut rest, mut spread) = (T::zero(), T::zero());
    for (at, logit) in row.iter_mut().enumerate() {
        let below = *logit - max;
        let weight = below.exp();
        *logit = weight;
        // A weight of zero adds nothing, and 0 · ∞ would add NaN.
        if at != largest && weight > T::zero() {
            rest += weight;
            spread -= weight * below;
        }
    }
    let sum = T::one() + rest;
    for weight in row.iter_mut() {
        *weight /= sum;
    }
    RowSum { log_sum_exp: max + rest.ln_1p(), entropy: rest.ln_1p() + spread / sum, visible }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hidden_row_is_all_zero() {
        let mut row = [f64::NEG_INFINITY; 3];
        let sum = softmax(&mut row);
        assert_eq!(row, [0.0; 3]);
        assert_eq!((sum.entropy, sum.visible), (0.0, 0));
        assert_eq!(sum.log_sum_exp, f64::NEG_INFINITY);
        assert_eq!(softmax::<f64>(&mut []).visible, 0);
    }

    #[test]
    fn what_has_no_answer_gives_nan_everywhere() {
        for bad in [f64::NAN, f64::INFINITY] {
            let mut row = [bad, 0.0];
            assert!(softmax(&mut row).entropy.is_nan());
            assert!(row.iter().all(|weight| weight.is_nan()));
        }
    }

    #[test]
    fn a_row_that_is_all_but_one_hot_keeps_its_small_entropy() {
        let mut row = [0.0, -50.0];
        let sum = softmax(&mut row);
        let p = (-50.0_f64).exp();
        let exact = p * 51.0;
        assert!((sum.entropy / exact - 1.0).abs() < 1e-12, "{}", sum.entropy);
    }
}
