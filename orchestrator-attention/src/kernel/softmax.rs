//! The softmax of one row, with what falls off on the way: log-sum-exp and entropy.
//!
//! The largest logit m is subtracted first, so nothing overflows. With S = c + r, c how many logits equal m and r the sum of
//! exp(z − m) over all others, ln S is ln c + ln(1 + r/c), log-sum-exp m + ln S and the entropy H = ln S + Σ p·(m − z): the shifted
//! form, because lse − Σ p·z cancels for large logits, and `ln_1p`, because a row that is all but one-hot still has a small entropy.

use super::exp::{Exponential, exp};
use super::simd::{Job, Level, Simd};
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
    T::run(Level::here(), Row(row))
}

/// Numbers that are summed side by side, on vectors of every width, so that all give the same bits.
const SIDE_BY_SIDE: usize = 32;

struct Row<'a, T>(&'a mut [T]);

impl<T: Real> Job<T> for Row<'_, T> {
    type Output = RowSum<T>;

    #[inline(always)]
    fn run<S: Simd<Real = T>>(self, simd: S) -> RowSum<T> {
        match S::LANES {
            16 => weigh::<S, 2>(simd, self.0),
            8 => weigh::<S, 4>(simd, self.0),
            4 => weigh::<S, 8>(simd, self.0),
            lanes => unreachable!("no vector has {lanes} lanes"),
        }
    }
}

/// U vectors are [`SIDE_BY_SIDE`] numbers.
#[inline(always)]
fn weigh<S: Simd, const U: usize>(simd: S, row: &mut [S::Real]) -> RowSum<S::Real> {
    let zeros = [simd.splat(S::Real::ZERO); U];

    let lowest = [simd.splat(-S::Real::MAX); U];
    let mut look = Look { largest: lowest, visible: zeros, bad: zeros };
    let chunks = row.chunks_exact(SIDE_BY_SIDE);
    let rest = chunks.remainder();
    for chunk in chunks {
        look.add(simd, chunk);
    }
    if !rest.is_empty() {
        look.add(simd, &padded(rest));
    }
    if sum(simd, look.bad) > S::Real::ZERO {
        let nan = S::Real::of(f64::NAN);
        row.fill(nan);
        return RowSum { log_sum_exp: nan, entropy: nan, visible: row.len() };
    }
    let visible = sum(simd, look.visible).double() as usize;
    if visible == 0 {
        row.fill(S::Real::ZERO);
        return RowSum { log_sum_exp: S::Real::HIDDEN, entropy: S::Real::ZERO, visible };
    }
    let max = fold(simd, look.largest, |a, b| if b > a { b } else { a });

    let largest = simd.splat(max);
    let mut sums = Sums { ties: zeros, rest: zeros, spread: zeros };
    let mut chunks = row.chunks_exact_mut(SIDE_BY_SIDE);
    for chunk in &mut chunks {
        sums.add(simd, chunk, largest);
    }
    let rest = chunks.into_remainder();
    if !rest.is_empty() {
        let mut chunk = padded(rest);
        sums.add(simd, &mut chunk, largest);
        rest.copy_from_slice(&chunk[..rest.len()]);
    }
    let [ties, rest, spread] = [sums.ties, sums.rest, sums.spread].map(|lanes| sum(simd, lanes));

    let all = ties + rest;
    let divisor = simd.splat(all);
    let mut chunks = row.chunks_exact_mut(S::LANES);
    for chunk in &mut chunks {
        simd.store(simd.div(simd.load(chunk), divisor), chunk);
    }
    for weight in chunks.into_remainder() {
        *weight /= all;
    }
    let log = log_sum(ties, rest);
    RowSum { log_sum_exp: max + log, entropy: log + spread / all, visible }
}

/// ln(ties + rest), also where the rest is far smaller than the ties.
pub(super) fn log_sum<T: Real>(ties: T, rest: T) -> T {
    let log = (rest / ties).ln_1p();
    if ties == T::ONE { log } else { ties.ln() + log }
}

/// What is known of a row at first sight.
struct Look<V, const U: usize> {
    largest: [V; U],
    visible: [V; U],
    /// How many are NaN or plus infinity.
    bad: [V; U],
}

impl<V: Copy, const U: usize> Look<V, U> {
    #[inline(always)]
    fn add<S: Simd<V = V>>(&mut self, simd: S, numbers: &[S::Real]) {
        let [zero, one] = [S::Real::ZERO, S::Real::ONE].map(|number| simd.splat(number));
        let [lowest, highest] = [-S::Real::MAX, S::Real::MAX].map(|number| simd.splat(number));
        for u in 0..U {
            let logit = simd.load(&numbers[u * S::LANES..]);
            self.largest[u] = simd.max(logit, self.largest[u]);
            let visible = simd.if_ge(logit, lowest, one, zero);
            self.visible[u] = simd.add(self.visible[u], visible);
            // Nothing is above NaN.
            self.bad[u] = simd.add(self.bad[u], simd.if_ge(highest, logit, zero, one));
        }
    }
}

/// The sums that all results come of.
struct Sums<V, const U: usize> {
    ties: [V; U],
    rest: [V; U],
    spread: [V; U],
}

impl<V: Copy, const U: usize> Sums<V, U> {
    /// Turns logits into exponentials and adds them up.
    #[inline(always)]
    fn add<S: Simd<V = V>>(&mut self, simd: S, numbers: &mut [S::Real], largest: V) {
        let [zero, one] = [S::Real::ZERO, S::Real::ONE].map(|number| simd.splat(number));
        let least = simd.splat(S::Real::LEAST);
        for u in 0..U {
            let below = simd.sub(simd.load(&numbers[u * S::LANES..]), largest);
            let weight = exp(simd, below);
            simd.store(weight, &mut numbers[u * S::LANES..]);
            let tie = simd.if_ge(below, zero, one, zero);
            self.ties[u] = simd.add(self.ties[u], tie);
            // A tie weighs exactly 1.
            self.rest[u] = simd.add(self.rest[u], simd.sub(weight, tie));
            // Not further than to where the weight is 0, as 0 · ∞ would be NaN.
            let spread = simd.mul(weight, simd.max(below, least));
            self.spread[u] = simd.sub(self.spread[u], spread);
        }
    }
}

/// As many numbers as are summed side by side; what is missing is hidden.
#[inline(always)]
fn padded<T: Real>(chunk: &[T]) -> [T; SIDE_BY_SIDE] {
    let mut numbers = [T::HIDDEN; SIDE_BY_SIDE];
    numbers[..chunk.len()].copy_from_slice(chunk);
    numbers
}

#[inline(always)]
fn sum<S: Simd, const U: usize>(simd: S, vectors: [S::V; U]) -> S::Real {
    fold(simd, vectors, |a, b| a + b)
}

/// Brings all lanes together, halves upon halves.
#[inline(always)]
fn fold<S: Simd, const U: usize>(
    simd: S,
    vectors: [S::V; U],
    join: impl Fn(S::Real, S::Real) -> S::Real,
) -> S::Real {
    let mut lanes = [S::Real::ZERO; SIDE_BY_SIDE];
    for (u, &vector) in vectors.iter().enumerate() {
        simd.store(vector, &mut lanes[u * S::LANES..]);
    }
    let mut half = SIDE_BY_SIDE / 2;
    while half > 0 {
        for at in 0..half {
            lanes[at] = join(lanes[at], lanes[at + half]);
        }
        half /= 2;
    }
    lanes[0]
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

    #[test]
    fn every_kind_of_vector_gives_the_same_bits() {
        for len in [1, 2, 15, 16, 17, 31, 32, 33, 100, 1000] {
            let row: Vec<f64> = (0..len).map(|at| f64::from(at * at).sin() * 20.0).collect();
            let narrow: Vec<f32> = row.iter().map(|x| *x as f32).collect();
            let levels = Level::all().into_iter().filter(|level| level.is_fused());
            let wide: Vec<_> = levels.clone().map(|level| on(level, &row)).collect();
            assert!(wide.windows(2).all(|pair| pair[0] == pair[1]), "{len} of f64");
            let narrow: Vec<_> = levels.map(|level| on(level, &narrow)).collect();
            assert!(narrow.windows(2).all(|pair| pair[0] == pair[1]), "{len} of f32");
        }
    }

    #[test]
    fn plain_vectors_are_as_exact() {
        let row: Vec<f64> = (0..100).map(|at| f64::from(at).sin() * 20.0).collect();
        let (best, _) = on(Level::here(), &row);
        let (plain, _) = on(*Level::all().last().unwrap(), &row);
        for (a, b) in best.iter().zip(&plain) {
            assert!((a - b).abs() <= 1e-15 * a, "{a:e} {b:e}");
        }
    }

    fn on<T: Real>(level: Level, row: &[T]) -> (Vec<T>, RowSum<T>) {
        let mut row = row.to_vec();
        let sum = T::run(level, Row(&mut row));
        (row, sum)
    }
}
