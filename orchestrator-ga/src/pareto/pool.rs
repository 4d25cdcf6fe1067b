//! Parents and children together, out of which the next population is chosen.

use orchestrator_core::ParameterSpace;
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::cost::Costs;
use crate::optimizer::Population;

/// The members of a population and what they cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Members {
    pub(super) points: Batch,
    pub(super) costs: Costs,
}

impl Members {
    pub(super) fn new(dimension: usize, objectives: usize, count: usize) -> Members {
        Members { points: Batch::with_capacity(dimension, count), costs: Costs::new(objectives) }
    }

    pub(super) fn view(&self) -> Population<'_> {
        Population { points: &self.points, costs: &self.costs }
    }

    /// Whether what was read can be what was written.
    pub(super) fn check(
        &self,
        space: &ParameterSpace,
        objectives: usize,
        most: usize,
    ) -> Result<(), &'static str> {
        if self.points.dimension() != space.len()
            || self.points.points().any(|point| space.check(point).is_err())
        {
            return Err("the method is damaged: a member is not in the space");
        }
        if self.costs.objectives() != objectives
            || self.costs.len() != self.points.len()
            || self.points.len() > most
        {
            return Err("the method is damaged: its costs and its members contradict each other");
        }
        Ok(())
    }
}

/// The memory of choosing, kept from one generation to the next.
#[derive(Debug, Default)]
pub(super) struct Pool {
    costs: Option<Costs>,
    points: Option<Batch>,
    /// The places of the chosen, parents before children.
    pub(super) chosen: Vec<u32>,
}

impl Pool {
    /// The costs of the parents, then those of the children; nobody is chosen yet.
    pub(super) fn merge(&mut self, parents: &Costs, children: &Costs) -> (&Costs, &mut Vec<u32>) {
        self.chosen.clear();
        self.chosen.reserve(parents.len() + children.len());
        let costs = self.costs.get_or_insert_with(|| Costs::new(parents.objectives()));
        costs.clear();
        costs.extend(parents);
        costs.extend(children);
        (costs, &mut self.chosen)
    }

    /// Makes the chosen the members, in the order in which they were chosen.
    pub(super) fn gather(&mut self, members: &mut Members, children: &Batch) {
        let spare = self.points.get_or_insert_with(|| Batch::new(children.dimension()));
        let Some(costs) = &self.costs else { return };
        spare.clear();
        let parents = members.points.len();
        members.costs.clear();
        for &place in &self.chosen {
            let place = place as usize;
            let point = match place.checked_sub(parents) {
                None => members.points.point(place),
                Some(child) => children.point(child),
            };
            spare.push(point);
            members.costs.push_row(costs.row(place), costs.violation(place));
        }
        std::mem::swap(spare, &mut members.points);
    }
}
