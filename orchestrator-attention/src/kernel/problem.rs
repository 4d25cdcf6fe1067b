//! What is to be computed, checked and with nothing left to decide.

use std::ops::Range;

use super::mask::Mask;
use crate::real::Real;

/// Matrices by columns, of the sizes named; nothing in them is infinite or NaN.
pub(super) struct Problem<'a, T: Real> {
    /// queries × heads·width
    pub q: &'a [T],
    /// keys × heads·width
    pub k: &'a [T],
    /// keys × heads·value_width
    pub v: &'a [T],
    pub queries: usize,
    pub keys: usize,
    pub heads: usize,
    /// Columns of a head in `q` and `k`.
    pub width: usize,
    /// Columns of a head in `v` and the output.
    pub value_width: usize,
    /// What every query is multiplied by.
    pub scale: T,
    /// A power of two that every value is multiplied by, and the output divided by: 1, unless sums of values could overflow.
    pub value_scale: T,
    /// The largest value, in magnitude: no output is larger.
    pub value_max: T,
    pub mask: &'a Mask<T>,
    /// Whether entropy and log-sum-exp are wanted.
    pub statistics: bool,
    /// Whether the weights are wanted.
    pub weights: bool,
}

impl<T: Real> Problem<'_, T> {
    /// The keys that some of these queries may see, as far as their positions tell.
    pub(super) fn keys_before(&self, queries: &Range<usize>) -> usize {
        if self.mask.is_causal() {
            // The last of them sees the keys up to its own position, counted from the end.
            (queries.end + self.keys).saturating_sub(self.queries)
        } else {
            self.keys
        }
    }
}
