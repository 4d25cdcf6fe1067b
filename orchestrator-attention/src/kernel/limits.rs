//! Whether every number on the way is finite, found out from a few largest ones where that is enough.

use nalgebra::DMatrix;

use super::mask::Mask;
use super::problem::Problem;
use super::simd::{Job, Level, Simd};
use crate::error::{AttentionError, check_finite};
use crate::real::Real;

/// The largest magnitude in a matrix.
///
/// # Errors
/// Names the first entry, row by row, that is not finite.
pub(super) fn largest<T: Real>(
    level: Level,
    name: &'static str,
    matrix: &DMatrix<T>,
) -> Result<T, AttentionError> {
    match T::run(level, Largest(matrix.as_slice())) {
        Some(largest) => Ok(largest),
        None => {
            check_finite(name, matrix)?;
            unreachable!("something in {name} is not finite, and the search found nothing")
        }
    }
}

/// The largest magnitude; none if a number is not finite.
struct Largest<'a, T>(&'a [T]);

impl<T: Real> Job<T> for Largest<'_, T> {
    type Output = Option<T>;

    #[inline(always)]
    fn run<S: Simd<Real = T>>(self, simd: S) -> Option<T> {
        const VECTORS: usize = 4;
        let zero = simd.splat(T::ZERO);
        // The product of zero and what is not finite is NaN, and stays so in a sum.
        let (mut largest, mut poison) = ([zero; VECTORS], [zero; VECTORS]);
        let mut chunks = self.0.chunks_exact(VECTORS * S::LANES);
        for chunk in &mut chunks {
            for u in 0..VECTORS {
                let x = simd.load(&chunk[u * S::LANES..]);
                largest[u] = simd.max(largest[u], simd.max(x, simd.sub(zero, x)));
                poison[u] = simd.mul_add(x, zero, poison[u]);
            }
        }
        for rest in chunks.remainder().chunks(S::LANES) {
            let mut padded = [T::ZERO; 16];
            padded[..rest.len()].copy_from_slice(rest);
            let x = simd.load(&padded);
            largest[0] = simd.max(largest[0], simd.max(x, simd.sub(zero, x)));
            poison[0] = simd.mul_add(x, zero, poison[0]);
        }
        let mut found = T::ZERO;
        for u in 0..VECTORS {
            let mut lanes = [T::ZERO; 16];
            simd.store(poison[u], &mut lanes);
            if lanes.iter().any(|poison| *poison != T::ZERO) {
                return None;
            }
            let lane = largest_lane(simd, largest[u]);
            found = if lane > found { lane } else { found };
        }
        Some(found)
    }
}

/// The largest finite magnitude in a bias; none if something in it is neither finite nor minus infinity.
pub(super) fn largest_bias<T: Real>(level: Level, bias: &[T]) -> Option<T> {
    T::run(level, LargestBias(bias))
}

struct LargestBias<'a, T>(&'a [T]);

impl<T: Real> Job<T> for LargestBias<'_, T> {
    type Output = Option<T>;

    #[inline(always)]
    fn run<S: Simd<Real = T>>(self, simd: S) -> Option<T> {
        let [zero, one] = [T::ZERO, T::ONE].map(|number| simd.splat(number));
        let [lowest, highest] = [-T::MAX, T::MAX].map(|number| simd.splat(number));
        let (mut largest, mut bad) = (zero, zero);
        let mut padded = [T::ZERO; 16];
        for mut chunk in self.0.chunks(S::LANES) {
            if chunk.len() < S::LANES {
                padded[..chunk.len()].copy_from_slice(chunk);
                chunk = &padded;
            }
            let x = simd.load(chunk);
            // Nothing is above NaN.
            bad = simd.max(bad, simd.if_ge(highest, x, zero, one));
            let finite = simd.if_ge(x, lowest, x, zero);
            largest = simd.max(largest, simd.max(finite, simd.sub(zero, finite)));
        }
        if largest_lane(simd, bad) > T::ZERO {
            return None;
        }
        Some(largest_lane(simd, largest))
    }
}

/// The largest lane of a vector without negative numbers.
#[inline(always)]
fn largest_lane<S: Simd>(simd: S, vector: S::V) -> S::Real {
    let mut lanes = [S::Real::ZERO; 16];
    simd.store(vector, &mut lanes);
    lanes.iter().fold(S::Real::ZERO, |a, &b| if b > a { b } else { a })
}

/// Refuses a logit, or a part of its sum, that overflows.
///
/// # Errors
/// Names the first query and key, by heads.
pub(super) fn check_logits<T: Real>(
    problem: &Problem<'_, T>,
    (q, k, bias): (T, T, T),
) -> Result<(), AttentionError> {
    let Problem { width, scale, mask, .. } = *problem;
    // No sum of products can exceed this, and rounding not twice as much.
    let bound = T::of(width as f64) * (q * scale.abs()) * k + bias;
    if bound < T::MAX / T::of(4.0) {
        return Ok(());
    }
    for head in 0..problem.heads {
        for query in 0..problem.queries {
            for key in 0..problem.keys {
                let hidden = mask.hides(query, key, problem.queries, problem.keys);
                if !hidden && !logit(problem, head, query, key).is_finite() {
                    return Err(AttentionError::Overflow { query, key });
                }
            }
        }
    }
    Ok(())
}

/// A logit in the order in which the kernels add it up.
fn logit<T: Real>(problem: &Problem<'_, T>, head: usize, query: usize, key: usize) -> T {
    let Problem { q, k, queries, keys, width, scale, mask, .. } = *problem;
    let mut sum = T::ZERO;
    for column in head * width..(head + 1) * width {
        let scaled = q[column * queries + query] * scale;
        sum = scaled.mul_add(k[column * keys + key], sum);
    }
    let mut part = 0;
    while let Some(mask) = mask.part(part) {
        part += 1;
        if let Mask::Additive(bias) = mask {
            sum += bias[(query, key)];
        }
    }
    sum
}

/// By what the values are to be multiplied so that no sum over the keys overflows: 1, or a power of two.
pub(super) fn value_scale<T: Real>(largest: T, keys: usize) -> T {
    if largest < T::MAX / T::of(4.0) / T::of(keys.max(1) as f64) {
        return T::ONE;
    }
    T::ONE / T::of(4.0) / T::of(keys.next_power_of_two() as f64)
}
