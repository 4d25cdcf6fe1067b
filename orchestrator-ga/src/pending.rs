//! The generation that waits for its costs, and the count of what was evaluated.
//!
//! Budgets that may cut a generation in two, seeds for every evaluation, failures that are counted and never panic: what a search
//! owes its users whatever it optimises. Nothing here knows what a fitness is.

use std::ops::Range;

use orchestrator_core::{ParameterSpace, Seed};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::candidates::{Candidates, Scores};
use crate::cost::Costs;
use crate::error::GaError;
use crate::generation::Evaluated;
use crate::stop::EVALUATIONS_MAX;

/// A generation under evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) batch: Batch,
    /// The costs of its first candidates.
    pub(crate) costs: Costs,
    failures_of_batch: usize,
    infeasible_of_batch: usize,
    pub(crate) generation: u32,
    pub(crate) evaluations: u64,
    pub(crate) failures: u64,
    pub(crate) infeasible: u64,
}

impl Pending {
    pub(crate) fn new(dimension: usize, objectives: usize) -> Pending {
        Pending {
            batch: Batch::new(dimension),
            costs: Costs::new(objectives),
            failures_of_batch: 0,
            infeasible_of_batch: 0,
            generation: 0,
            evaluations: 0,
            failures: 0,
            infeasible: 0,
        }
    }

    /// The places of the candidates that wait, when the budget has `room` for so many.
    pub(crate) fn waiting(&self, room: u64) -> Range<usize> {
        let told = self.costs.len();
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        told..self.batch.len().min(told.saturating_add(room))
    }

    /// Some of the candidates, by the seed of the search.
    pub(crate) fn candidates(&self, places: Range<usize>, seed: Seed) -> Candidates<'_> {
        let dimension = self.batch.dimension();
        Candidates {
            points: &self.batch.as_slice()[places.start * dimension..places.end * dimension],
            dimension,
            first: places.start,
            generation: self.generation,
            seed: seed.derive("evaluate").index(u64::from(self.generation)),
        }
    }

    /// Moves some of the candidates by a closure that says whether it moved one; what leaves the space is moved back.
    pub(crate) fn repair(
        &mut self,
        places: Range<usize>,
        space: &ParameterSpace,
        repair: impl Fn(&mut [f64]) -> bool,
    ) {
        for index in places {
            let point = self.batch.point_mut(index);
            if repair(point) {
                space.clamp(point);
            }
        }
    }

    /// Takes the scores of the candidates that wait, as many as that are. Whether the generation is complete now.
    ///
    /// # Errors
    /// When there are more or fewer, or not one candidate of the whole search could be evaluated. Nothing is changed then.
    pub(crate) fn keep(&mut self, wanted: usize, scores: &mut Scores) -> Result<bool, GaError> {
        let found = scores.len();
        if wanted != found {
            return Err(GaError::Scores { wanted, found });
        }
        if scores.failures == found
            && self.failures == self.evaluations
            && let Some(last) = scores.last_error.take()
        {
            return Err(GaError::AllFailed { generation: self.generation, count: found, last });
        }
        self.costs.extend(&scores.costs);
        self.evaluations += found as u64;
        self.failures += scores.failures as u64;
        self.infeasible += scores.infeasible as u64;
        self.failures_of_batch += scores.failures;
        self.infeasible_of_batch += scores.infeasible;
        Ok(self.costs.len() == self.batch.len())
    }

    /// What was done for this generation, so far.
    pub(crate) fn evaluated(&self) -> Evaluated {
        Evaluated {
            evaluations: self.costs.len(),
            failures: self.failures_of_batch,
            infeasible: self.infeasible_of_batch,
        }
    }

    /// Makes room for the next generation.
    pub(crate) fn advance(&mut self) {
        self.batch.clear();
        self.costs.clear();
        (self.failures_of_batch, self.infeasible_of_batch) = (0, 0);
        self.generation = self.generation.saturating_add(1);
    }

    /// What of what was read cannot have been written.
    pub(crate) fn contradiction(
        &self,
        space: &ParameterSpace,
        objectives: usize,
    ) -> Option<&'static str> {
        let (told, costs) = (self.costs.len(), &self.costs);
        if costs.objectives() != objectives {
            return Some("its costs are of another number of objectives");
        }
        let failed = (0..told).filter(|&at| !costs.cost(at).is_known()).count();
        let feasible = (0..told).filter(|&at| costs.cost(at).is_feasible()).count();
        let finite = |at: usize| costs.row(at).iter().all(|value| value.is_finite());
        let rules = [
            (self.batch.dimension() == space.len(), "its candidates are of another space"),
            (
                self.batch.points().all(|point| space.check(point).is_ok()),
                "a candidate is not in the space",
            ),
            (told <= self.batch.len(), "there are more costs than candidates"),
            (
                (0..told).all(|at| !costs.cost(at).is_feasible() || finite(at)),
                "a candidate without a fault has no cost",
            ),
            (self.failures_of_batch == failed, "the failures of a generation are miscounted"),
            (
                self.infeasible_of_batch == told - failed - feasible,
                "the infeasible candidates of a generation are miscounted",
            ),
            (self.evaluations <= EVALUATIONS_MAX, "there are too many evaluations"),
            (told as u64 <= self.evaluations, "there are more costs than evaluations"),
            (
                self.failures.checked_add(self.infeasible).is_some_and(|n| n <= self.evaluations),
                "there are more failures than evaluations",
            ),
            (
                failed as u64 <= self.failures
                    && self.infeasible_of_batch as u64 <= self.infeasible,
                "a generation has more failures than the search",
            ),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map(|(_, what)| what)
    }
}
