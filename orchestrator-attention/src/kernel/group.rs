//! Attention of a group of queries of one head, a block of keys at a time.
//!
//! Every lane of a vector is a query. So the largest logit, the sum and the output of a query each stay in their lane, nothing is
//! ever summed across lanes, nalgebra's columns are read and written as they lie, and the result of a query depends neither on
//! how wide the vectors are nor on which queries stand beside it.
//!
//! The softmax is online (Milakov & Gimelshein, "Online normalizer calculation for softmax", 2018), the blocking that of
//! FlashAttention (Dao et al., 2022): of each query only its largest logit m so far, the sum l of exp(z − m) and the sum of
//! exp(z − m)·value are kept; when a block raises m by δ, both sums are multiplied by exp(−δ). When it does not, that is an exact 1.
//!
//! For the statistics three more sums are kept: how many logits equal m (*ties*), the sum of exp(z − m) over all others (*rest*),
//! and the sum of exp(z − m)·(m − z) (*spread*). When m rises by δ, the ties become part of the rest, and the spread
//! exp(−δ)·(spread + δ·(ties + rest)). At the end ln S = ln ties + ln(1 + rest/ties) and H = ln S + spread/S: the
//! shifted form, as `ln S + m − Σ p·z` would cancel for large logits, and `ln_1p`, as a row that is all but one-hot still has a
//! small entropy.

use std::ops::Range;

use nalgebra::RealField;

use super::exp::{Exponential, exp};
use super::mask::Mask;
use super::output::Piece;
use super::pack::{self, BLOCK};
use super::problem::Problem;
use super::simd::{Job, Simd};
use super::softmax::log_sum;
use super::tile::{PANEL, tile};
use super::workspace::{FACTS, Parts, lanes};
use crate::real::Real;

/// Copies the keys and values of a head into the order in which they are read.
pub(super) struct Pack<'a, 'b, T: Real> {
    pub problem: &'a Problem<'a, T>,
    pub head: usize,
    pub parts: &'a mut Parts<'b, T>,
}

impl<T: Real> Job<T> for Pack<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<Real = T>>(self, _: S) {
        let Problem { keys, width, value_width, .. } = *self.problem;
        let into = &mut self.parts.keys[..pack::keys_len(keys, width)];
        pack::keys(self.problem, self.head, into);
        let into = &mut self.parts.values[..pack::values_len(keys, value_width)];
        pack::values(self.problem, self.head, into);
    }
}

/// Attends a group of queries over some of the keys. The first span of keys begins at 0, the others where the last one ended, and
/// the last one ends where the group sees no more.
pub(super) struct Span<'a, 'b, 'c, T: Real> {
    pub problem: &'a Problem<'a, T>,
    pub head: usize,
    /// At most as many as a group has.
    pub queries: Range<usize>,
    pub keys: Range<usize>,
    /// Whether this is the last span.
    pub last: bool,
    pub parts: &'a mut Parts<'b, T>,
    /// Where the results of these queries go.
    pub piece: &'a mut Piece<'c, T>,
}

impl<T: Real> Job<T> for Span<'_, '_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<Real = T>>(mut self, simd: S) {
        let lanes = lanes::<T>(self.problem.queries);
        let mut at = 0;
        while at < self.queries.len() {
            let vectors = (self.queries.len() - at).div_ceil(S::LANES);
            let start = self.queries.start + at;
            let used = if S::ROWS >= 4 && vectors > 2 {
                Rows::<S, 4> { simd, lanes, at, start, span: &mut self }.attend();
                4
            } else if S::ROWS >= 2 && vectors > 1 {
                Rows::<S, 2> { simd, lanes, at, start, span: &mut self }.attend();
                2
            } else {
                Rows::<S, 1> { simd, lanes, at, start, span: &mut self }.attend();
                1
            };
            at += used * S::LANES;
        }
    }
}

/// U vectors of queries of a group.
struct Rows<'a, 'b, 'c, 'd, S: Simd, const U: usize> {
    simd: S,
    /// Places of the whole group.
    lanes: usize,
    /// The first place.
    at: usize,
    /// The first query.
    start: usize,
    span: &'a mut Span<'b, 'c, 'd, S::Real>,
}

impl<S: Simd, const U: usize> Rows<'_, '_, '_, '_, S, U> {
    /// Places that the U vectors have.
    const PLACES: usize = U * S::LANES;

    #[inline(always)]
    fn attend(&mut self) {
        let problem = self.span.problem;
        if self.span.keys.start == 0 {
            self.begin();
        }
        let mut start = self.span.keys.start;
        while start < self.span.keys.end {
            let block = start..self.span.keys.end.min(start + BLOCK);
            let largest = self.masked_logits(&block);
            let shrink = if problem.statistics {
                self.weigh::<true>(block.len(), largest)
            } else {
                self.weigh::<false>(block.len(), largest)
            };
            self.mix(&block, shrink);
            start = block.end;
        }
        if self.span.last {
            self.end();
            if problem.weights {
                self.weights();
            }
        }
    }

    /// Nothing seen so far.
    #[inline(always)]
    fn begin(&mut self) {
        let Problem { width, .. } = *self.span.problem;
        let (places, at) = (Self::PLACES, self.at);
        let parts = &mut *self.span.parts;
        let rows = self.start..self.span.queries.end.min(self.start + places);
        let into = &mut parts.queries[at * width..][..places * width];
        pack::queries(self.span.problem, self.span.head, rows, places, into);
        for (fact, facts) in parts.facts.chunks_exact_mut(self.lanes).take(FACTS).enumerate() {
            // Not minus infinity, from which a hidden logit could not be subtracted.
            let value = if fact == LARGEST { -S::Real::MAX } else { S::Real::ZERO };
            facts[at..][..places].fill(value);
        }
        for column in parts.mixed.chunks_exact_mut(self.lanes) {
            column[at..][..places].fill(S::Real::ZERO);
        }
    }

    /// The logits of a block, and the largest of every lane.
    #[inline(always)]
    fn masked_logits(&mut self, block: &Range<usize>) -> [S::V; U] {
        let largest = self.logits(block);
        if self.is_all_visible(self.span.problem.mask, block) {
            return largest;
        }
        self.hide(block);
        self.largest(block.len())
    }

    /// The logits of a block before the mask, and the largest of every lane.
    #[inline(always)]
    fn logits(&mut self, block: &Range<usize>) -> [S::V; U] {
        let (simd, width) = (self.simd, self.span.problem.width);
        let parts = &mut *self.span.parts;
        let queries = &parts.queries[self.at * width..][..Self::PLACES * width];
        let keys = &parts.keys[block.start * width..];
        let mut largest = [simd.splat(-S::Real::MAX); U];
        let logits = &mut parts.logits[..block.len() * Self::PLACES];
        for (at, logits) in logits.chunks_mut(PANEL * Self::PLACES).enumerate() {
            let panel = &keys[at * PANEL * width..][..PANEL * width];
            let columns = tile::<S, U>(simd, queries, panel);
            // The last panel may have fewer keys.
            for (logits, column) in logits.chunks_exact_mut(Self::PLACES).zip(&columns) {
                for u in 0..U {
                    simd.store(column[u], &mut logits[u * S::LANES..]);
                    largest[u] = simd.max(largest[u], column[u]);
                }
            }
        }
        largest
    }

    /// Whether a mask neither hides nor biases anything here.
    fn is_all_visible(&self, mask: &Mask<S::Real>, block: &Range<usize>) -> bool {
        let Problem { queries, keys, .. } = *self.span.problem;
        match mask {
            Mask::None => true,
            // The first of the queries sees the fewest keys.
            Mask::Causal => block.end + queries <= self.start + 1 + keys,
            Mask::Padding(keep) => keep[block.clone()].iter().all(|keep| *keep),
            Mask::Additive(_) => false,
            Mask::Both(a, b) => self.is_all_visible(a, block) && self.is_all_visible(b, block),
        }
    }

    /// Adds what the mask says.
    #[inline(always)]
    fn hide(&mut self, block: &Range<usize>) {
        let (problem, simd) = (self.span.problem, self.simd);
        let logits = &mut self.span.parts.logits[..block.len() * Self::PLACES];
        let hidden = simd.splat(S::Real::HIDDEN);
        // Lanes without a query have no place in the mask, and nobody looks at them.
        let rows = self.start..self.span.queries.end.min(self.start + Self::PLACES);
        let mut part = 0;
        while let Some(mask) = problem.mask.part(part) {
            part += 1;
            for (key, logits) in block.clone().zip(logits.chunks_exact_mut(Self::PLACES)) {
                match mask {
                    Mask::None | Mask::Both(..) => {}
                    Mask::Padding(keep) => {
                        if !keep[key] {
                            logits.fill(S::Real::HIDDEN);
                        }
                    }
                    Mask::Causal => {
                        // The first query that sees this key, as a place.
                        let first = (key + problem.queries).saturating_sub(problem.keys);
                        let first = first.saturating_sub(self.start).min(Self::PLACES);
                        logits[..first].fill(S::Real::HIDDEN);
                    }
                    Mask::Additive(bias) => {
                        let mut padded = [S::Real::ZERO; 64];
                        let mut bias = &bias.as_slice()[key * problem.queries..][rows.clone()];
                        if bias.len() < Self::PLACES {
                            padded[..bias.len()].copy_from_slice(bias);
                            bias = &padded;
                        }
                        for u in 0..U {
                            let bias = simd.load(&bias[u * S::LANES..]);
                            let logit = simd.load(&logits[u * S::LANES..]);
                            let sum = simd.add(logit, bias);
                            // Not the sum: what overflowed and is hidden may be NaN.
                            let least = simd.splat(-S::Real::MAX);
                            let logit = simd.if_ge(bias, least, sum, hidden);
                            simd.store(logit, &mut logits[u * S::LANES..]);
                        }
                    }
                }
            }
        }
    }

    /// The largest logit of every lane.
    #[inline(always)]
    fn largest(&mut self, keys: usize) -> [S::V; U] {
        let simd = self.simd;
        let mut largest = [simd.splat(-S::Real::MAX); U];
        let logits = &self.span.parts.logits[..keys * Self::PLACES];
        for logits in logits.chunks_exact(Self::PLACES) {
            for (u, largest) in largest.iter_mut().enumerate() {
                *largest = simd.max(*largest, simd.load(&logits[u * S::LANES..]));
            }
        }
        largest
    }

    /// Turns the logits of a block into exponentials, adds them up, and tells by what all earlier sums are to be multiplied.
    #[inline(always)]
    fn weigh<const STATISTICS: bool>(&mut self, keys: usize, largest: [S::V; U]) -> [S::V; U] {
        let (simd, lanes, at) = (self.simd, self.lanes, self.at);
        let parts = &mut *self.span.parts;
        let zeros = [simd.splat(S::Real::ZERO); U];
        let one = simd.splat(S::Real::ONE);
        let zero = simd.splat(S::Real::ZERO);
        let least = simd.splat(S::Real::LEAST);
        let (mut max, mut shrink, mut rise) = (zeros, zeros, zeros);
        for u in 0..U {
            let before = simd.load(&parts.facts[LARGEST * lanes + at + u * S::LANES..]);
            max[u] = simd.max(before, largest[u]);
            // Not further than to where the exponential is 0, as 0 · ∞ would be NaN.
            rise[u] =
                simd.max(simd.sub(before, max[u]), simd.splat(S::Real::LEAST + S::Real::LEAST));
            shrink[u] = exp(simd, rise[u]);
            simd.store(max[u], &mut parts.facts[LARGEST * lanes + at + u * S::LANES..]);
        }
        let (mut sum, mut ties, mut rest, mut spread) = (zeros, zeros, zeros, zeros);
        for logits in parts.logits[..keys * Self::PLACES].chunks_exact_mut(Self::PLACES) {
            for u in 0..U {
                let below = simd.sub(simd.load(&logits[u * S::LANES..]), max[u]);
                let weight = exp(simd, below);
                simd.store(weight, &mut logits[u * S::LANES..]);
                sum[u] = simd.add(sum[u], weight);
                if STATISTICS {
                    let tie = simd.if_ge(below, zero, one, zero);
                    ties[u] = simd.add(ties[u], tie);
                    // A tie weighs exactly 1.
                    rest[u] = simd.add(rest[u], simd.sub(weight, tie));
                    let below = simd.max(below, least);
                    spread[u] = simd.sub(spread[u], simd.mul(weight, below));
                }
            }
        }
        for u in 0..U {
            let place = |fact: usize| fact * lanes + at + u * S::LANES;
            let before = |fact| simd.load(&parts.facts[place(fact)..]);
            let new_sum = simd.mul_add(before(SUM), shrink[u], sum[u]);
            if STATISTICS {
                let (tied, others) = (before(TIES), before(REST));
                let all = simd.add(tied, others);
                // What was tied is so no longer once something larger has come.
                let still = simd.if_ge(rise[u], zero, tied, zero);
                let others = simd.mul(simd.if_ge(rise[u], zero, others, all), shrink[u]);
                let spread_out = simd.sub(before(SPREAD), simd.mul(rise[u], all));
                let new_spread = simd.mul_add(spread_out, shrink[u], spread[u]);
                let (new_ties, new_rest) = (simd.add(still, ties[u]), simd.add(others, rest[u]));
                simd.store(new_ties, &mut parts.facts[place(TIES)..]);
                simd.store(new_rest, &mut parts.facts[place(REST)..]);
                simd.store(new_spread, &mut parts.facts[place(SPREAD)..]);
            }
            simd.store(new_sum, &mut parts.facts[place(SUM)..]);
        }
        shrink
    }

    /// Adds the weighted values of a block to what was mixed before.
    #[inline(always)]
    fn mix(&mut self, block: &Range<usize>, shrink: [S::V; U]) {
        let (simd, lanes) = (self.simd, self.lanes);
        let Problem { keys, value_width, .. } = *self.span.problem;
        let parts = &mut *self.span.parts;
        let weights = &parts.logits[..block.len() * Self::PLACES];
        for panel in 0..value_width.div_ceil(PANEL) {
            let values = &parts.values[(panel * keys + block.start) * PANEL..];
            let columns = tile::<S, U>(simd, weights, &values[..block.len() * PANEL]);
            let mixed = &mut parts.mixed[panel * PANEL * lanes..][..PANEL * lanes];
            for (mixed, column) in mixed.chunks_exact_mut(lanes).zip(&columns) {
                let mixed = &mut mixed[self.at..][..Self::PLACES];
                for u in 0..U {
                    let before = simd.load(&mixed[u * S::LANES..]);
                    let sum = simd.mul_add(before, shrink[u], column[u]);
                    simd.store(sum, &mut mixed[u * S::LANES..]);
                }
            }
        }
    }

    /// Divides by the sums, and hands over the results.
    #[inline(always)]
    fn end(&mut self) {
        let (simd, lanes, at) = (self.simd, self.lanes, self.at);
        let problem = self.span.problem;
        let count = Self::PLACES.min(self.span.queries.end - self.start);
        let rows = self.start..self.start + count;
        let Parts { mixed, facts, .. } = &mut *self.span.parts;
        let piece = &mut *self.span.piece;
        let one = simd.splat(S::Real::ONE);
        let mut sums = [one; U];
        for (u, sum) in sums.iter_mut().enumerate() {
            // Who sees a key has a sum of 1 or more. Who sees none has mixed nothing: 0 / 1.
            *sum = simd.max(simd.load(&facts[SUM * lanes + at + u * S::LANES..]), one);
        }
        for (column, mixed) in mixed.chunks_exact_mut(lanes).take(problem.value_width).enumerate() {
            let mixed = &mut mixed[at..][..Self::PLACES];
            for u in 0..U {
                let share = simd.div(simd.load(&mixed[u * S::LANES..]), sums[u]);
                simd.store(share, &mut mixed[u * S::LANES..]);
            }
            let output = piece.output(column, rows.clone());
            if problem.value_scale == S::Real::ONE {
                output.copy_from_slice(&mixed[..count]);
            } else {
                for (output, &share) in output.iter_mut().zip(&*mixed) {
                    let largest = problem.value_max;
                    *output = (share / problem.value_scale).clamp(-largest, largest);
                }
            }
        }
        if problem.statistics {
            let fact = |fact: usize, place: usize| facts[fact * lanes + at + place];
            let (entropy, log_sum_exp) = piece.statistics(rows);
            for (place, (entropy, log_sum_exp)) in entropy.iter_mut().zip(log_sum_exp).enumerate() {
                let [largest, ties, rest, spread] =
                    [LARGEST, TIES, REST, SPREAD].map(|name| fact(name, place));
                if ties > S::Real::ZERO {
                    let log = log_sum(ties, rest);
                    *log_sum_exp = largest + log;
                    *entropy = log + spread / (ties + rest);
                } else {
                    *log_sum_exp = S::Real::HIDDEN;
                    *entropy = S::Real::ZERO;
                }
            }
        }
    }

    /// Hands over the weights. The logits are computed once more: to keep them would be more memory than work.
    #[inline(always)]
    fn weights(&mut self) {
        let (simd, lanes, at) = (self.simd, self.lanes, self.at);
        let seen = self.span.keys.end;
        let count = Self::PLACES.min(self.span.queries.end - self.start);
        let rows = self.start..self.start + count;
        let (mut max, mut sums) = ([simd.splat(S::Real::ONE); U], [simd.splat(S::Real::ONE); U]);
        for u in 0..U {
            let place = |fact: usize| fact * lanes + at + u * S::LANES;
            let facts = &*self.span.parts.facts;
            max[u] = simd.load(&facts[place(LARGEST)..]);
            sums[u] = simd.max(simd.load(&facts[place(SUM)..]), sums[u]);
        }
        let mut start = 0;
        while start < seen {
            let block = start..seen.min(start + BLOCK);
            self.masked_logits(&block);
            let logits = &mut self.span.parts.logits[..block.len() * Self::PLACES];
            for (key, logits) in block.clone().zip(logits.chunks_exact_mut(Self::PLACES)) {
                for u in 0..U {
                    let below = simd.sub(simd.load(&logits[u * S::LANES..]), max[u]);
                    let weight = simd.div(exp(simd, below), sums[u]);
                    simd.store(weight, &mut logits[u * S::LANES..]);
                }
                self.span.piece.weights(key, rows.clone()).copy_from_slice(&logits[..count]);
            }
            start = block.end;
        }
        for key in seen..self.span.problem.keys {
            self.span.piece.weights(key, rows.clone()).fill(S::Real::ZERO);
        }
    }
}

const LARGEST: usize = 0;
const SUM: usize = 1;
const TIES: usize = 2;
const REST: usize = 3;
const SPREAD: usize = 4;
