//! A small product of matrices that stays in the registers: the inner loop of attention.
//!
//! Goto & van de Geijn ("Anatomy of High-Performance Matrix Multiplication", 2008): the left side lies so that a step reads whole
//! vectors of queries, the right side in panels so that it reads [`PANEL`] numbers side by side, each spread over a vector. The
//! sums stay in registers until the last step, and every one is added up in the order of the steps, whatever the width of the
//! vectors.

use super::simd::Simd;
use crate::real::Real;

/// Columns of the right side that are worked on at once.
pub(super) const PANEL: usize = 4;

/// Σ over the steps of left·right: `left` holds for every step U vectors, `right` [`PANEL`] numbers. The result is by columns.
#[inline(always)]
pub(super) fn tile<S: Simd, const U: usize>(
    simd: S,
    left: &[S::Real],
    right: &[S::Real],
) -> [[S::V; U]; PANEL] {
    let mut sums = [[simd.splat(S::Real::ZERO); U]; PANEL];
    for (left, right) in left.chunks_exact(U * S::LANES).zip(right.chunks_exact(PANEL)) {
        let mut vectors = [simd.splat(S::Real::ZERO); U];
        for (u, vector) in vectors.iter_mut().enumerate() {
            *vector = simd.load(&left[u * S::LANES..]);
        }
        for (sums, &number) in sums.iter_mut().zip(right) {
            let number = simd.splat(number);
            for (sum, &vector) in sums.iter_mut().zip(&vectors) {
                *sum = simd.mul_add(vector, number, *sum);
            }
        }
    }
    sums
}
