//! What was evaluated, for models to be fitted to: points with their costs, of bounded number.

use orchestrator_core::ParameterSpace;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::cost::{Cost, Costs};

/// How many points are kept; when there are more, the worse half leaves.
pub(super) const EVIDENCE_MAX: usize = 4096;

/// Evaluated points, in no order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Evidence {
    points: Batch,
    costs: Costs,
    #[serde(skip)]
    ranking: Ranking,
}

/// Reused memory; it holds nothing between two calls.
#[derive(Debug, Clone, Default)]
struct Ranking(Vec<usize>);

impl PartialEq for Ranking {
    fn eq(&self, _: &Ranking) -> bool {
        true
    }
}

/// A point near another: how far, and its place.
pub(super) type Near = (f64, usize);

impl Evidence {
    pub(super) fn new(dimension: usize) -> Evidence {
        Evidence {
            points: Batch::new(dimension),
            costs: Costs::new(1),
            ranking: Ranking::default(),
        }
    }

    /// Whether it can be evidence about this space.
    pub(super) fn is_sound(&self, space: &ParameterSpace) -> bool {
        self.points.dimension() == space.len()
            && self.costs.objectives() == 1
            && self.points.len() == self.costs.len()
            && self.points.len() <= EVIDENCE_MAX
            && self.points.points().all(|point| space.check(point).is_ok())
    }

    pub(super) fn clear(&mut self) {
        self.points.clear();
        self.costs.truncate(0);
    }

    /// Adds a point, unless it broke a constraint or failed: then there is no cost to model.
    pub(super) fn add(&mut self, point: &[f64], cost: Cost) {
        if !cost.is_feasible() || !cost.is_known() {
            return;
        }
        if self.points.len() == EVIDENCE_MAX {
            self.drop_worse_half();
        }
        self.points.push(point);
        self.costs.push(cost);
    }

    pub(super) fn point(&self, place: usize) -> &[f64] {
        self.points.point(place)
    }

    /// What the point costs; no constraint is broken.
    pub(super) fn value(&self, place: usize) -> f64 {
        self.costs.cost(place).value
    }

    /// The place of the best point.
    pub(super) fn best(&self) -> Option<usize> {
        self.costs.best()
    }

    pub(super) fn contains(&self, point: &[f64]) -> bool {
        self.points.points().any(|known| known == point)
    }

    /// Fills `near` with the points nearest to the one at `centre`, itself among them, nearest first: at most `count`, none farther than `within`.
    /// Distances are in shares of the widths.
    pub(super) fn nearest(
        &self,
        centre: usize,
        scales: &[f64],
        (count, within): (usize, f64),
        near: &mut Vec<Near>,
    ) {
        let from = self.points.point(centre);
        near.clear();
        near.extend(self.points.points().enumerate().filter_map(|(place, point)| {
            let parts = point.iter().zip(from).zip(scales);
            let squares: f64 = parts.map(|((x, c), scale)| ((x - c) / scale).powi(2)).sum();
            let distance = squares.sqrt();
            (distance <= within).then_some((distance, place))
        }));
        let nearer = |a: &Near, b: &Near| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        if near.len() > count {
            near.select_nth_unstable_by(count, nearer);
            near.truncate(count);
        }
        near.sort_unstable_by(nearer);
    }

    fn drop_worse_half(&mut self) {
        let ranking = &mut self.ranking.0;
        self.costs.ranking(ranking);
        let worse = &mut ranking[EVIDENCE_MAX / 2..];
        // From the back, so that what takes a free place is none that leaves too.
        worse.sort_unstable_by(|a, b| b.cmp(a));
        for &place in worse.iter() {
            self.points.swap_remove(place);
            self.costs.swap_remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_half_stays_when_there_is_too_much() {
        let mut evidence = Evidence::new(1);
        (0..=EVIDENCE_MAX).for_each(|at| {
            let value = ((at * 2011) % (EVIDENCE_MAX + 1)) as f64;
            evidence.add(&[value], Cost::feasible(value));
        });
        assert_eq!(evidence.points.len(), EVIDENCE_MAX / 2 + 1);
        assert_eq!(evidence.value(evidence.best().unwrap()), 0.0);
        assert!((0..EVIDENCE_MAX / 2).all(|at| evidence.point(at)[0] == evidence.value(at)));
    }

    #[test]
    fn the_nearest_come_first() {
        let mut evidence = Evidence::new(1);
        [5.0, 1.0, 9.0, 2.0].iter().for_each(|&x| evidence.add(&[x], Cost::feasible(x)));
        evidence.add(&[1.5], Cost::FAILED);
        let mut near = Vec::new();
        evidence.nearest(1, &[2.0], (3, 3.0), &mut near);
        assert_eq!(near, [(0.0, 1), (0.5, 3), (2.0, 0)]);
        assert!(evidence.contains(&[9.0]) && !evidence.contains(&[1.5]));
    }
}
