//! The loop for what most searches are: real parameters, tournaments, blend or uniform crossover, Gaussian mutation, and no
//! other choice that looks at children.
//!
//! It is what everything waits for, and does less than [`breed`](super::breed) has to: it writes children straight into the batch, draws
//! a word where it can do without a second, visits only the values that mutate, and compares a child with its parents only when
//! nothing has told the two apart before. What it makes is what the other would make, by other draws.

use orchestrator_core::{Bounds, FastStream};

use super::mutation::Mutator;
use super::selection::Tournament;
use crate::batch::Batch;
use crate::cost::Costs;
use crate::optimizer::Population;

/// What a generation is bred with.
pub(super) struct Breeder<'a> {
    pub(super) parents: Population<'a>,
    pub(super) bounds: &'a [Bounds],
    pub(super) tournament: Tournament,
    /// The probability that the children of a pair have two parents each.
    pub(super) crossover_rate: f64,
    pub(super) mutator: Mutator,
    /// Children that are one of their parents again, with the cost that is known.
    pub(super) kept: &'a mut Batch,
    pub(super) kept_costs: &'a mut Costs,
}

impl Breeder<'_> {
    /// Adds so many children to the batch, less those that are known. `cross` writes two children of two parents, inside the bounds.
    #[inline]
    pub(super) fn fill(
        mut self,
        batch: &mut Batch,
        children: usize,
        stream: &mut FastStream,
        cross: impl Fn([&[f64]; 2], [&mut [f64]; 2], &mut FastStream),
    ) {
        let (points, costs) = (self.parents.points, self.parents.costs);
        let (dimension, bounds) = (points.dimension(), self.bounds);
        let before = batch.len();
        // The last pair may have one child too many.
        let rows = batch.append(children.next_multiple_of(2));
        let mut new = 0;
        let mut gap = self.mutator.gap(stream);
        for done in (0..children).step_by(2) {
            let mother = self.tournament.winner(costs, stream);
            let father = self.tournament.winner(costs, stream);
            let parents = [points.point(mother), points.point(father)];
            let pair = &mut rows[new * dimension..(new + 2) * dimension];
            let (first, second) = pair.split_at_mut(dimension);
            if stream.chance(self.crossover_rate) {
                cross(parents, [&mut *first, &mut *second], stream);
            } else {
                first.copy_from_slice(parents[0]);
                second.copy_from_slice(parents[1]);
            }

            // Whether a mutation has made the child differ from both parents.
            let mut differs = [false; 2];
            while gap < pair.len() {
                let child = usize::from(gap >= dimension);
                let at = gap - child * dimension;
                let value = self.mutator.moved_normally(pair[gap], &bounds[at], stream);
                differs[child] |= value != parents[0][at] && value != parents[1][at];
                pair[gap] = value;
                gap += 1 + self.mutator.gap(stream);
            }
            gap -= pair.len();

            let count = if done + 2 <= children { 2 } else { 1 };
            if differs == [true; 2] {
                new += count;
                continue;
            }
            let pair = new;
            for (child, differs) in differs.into_iter().enumerate().take(count) {
                let row = (pair + child) * dimension..(pair + child + 1) * dimension;
                let mut same = [mother, father].into_iter();
                let same = same.find(|&parent| *points.point(parent) == rows[row.clone()]);
                match same.filter(|_| !differs) {
                    Some(parent) => {
                        self.kept.push(points.point(parent));
                        self.kept_costs.push(costs.cost(parent));
                    }
                    None => {
                        rows.copy_within(row, new * dimension);
                        new += 1;
                    }
                }
            }
        }
        batch.truncate(before + new);
    }
}
