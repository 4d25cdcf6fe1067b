//! The generation that waits for its costs, and the count of what was evaluated.
//!
//! This is what a search over one objective and one over many have in common: budgets that may cut a generation in two, seeds for
//! every evaluation, failures that are counted and never panic. Nothing here knows what a fitness is.

use std::ops::Range;

use orchestrator_core::{ParameterSpace, Seed};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::cost::Costs;
use crate::error::GaError;
use crate::fitness::{Evaluation, FitnessError};
use crate::search::Candidate;

/// A generation under evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) batch: Batch,
    /// The costs of its first candidates: a budget may cut a generation in two.
    pub(crate) costs: Costs,
    pub(crate) failures_of_batch: usize,
    pub(crate) generation: u32,
    pub(crate) evaluations: u64,
    pub(crate) failures: u64,
}

impl Pending {
    pub(crate) fn new(dimension: usize, objectives: usize) -> Pending {
        Pending {
            batch: Batch::new(dimension),
            costs: Costs::new(objectives),
            failures_of_batch: 0,
            generation: 0,
            evaluations: 0,
            failures: 0,
        }
    }

    /// The places of the candidates that wait, when the budget has `room` for so many.
    pub(crate) fn waiting(&self, room: u64) -> Range<usize> {
        let told = self.costs.len();
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        told..self.batch.len().min(told.saturating_add(room))
    }

    /// What the seeds of this generation's evaluations are derived from.
    pub(crate) fn evaluation_seed(&self, seed: Seed) -> Seed {
        seed.derive("evaluate").index(u64::from(self.generation))
    }

    pub(crate) fn candidate(&self, index: usize, evaluation_seed: Seed) -> Candidate<'_> {
        let evaluation = Evaluation {
            generation: self.generation,
            index,
            seed: evaluation_seed.index(index as u64),
        };
        Candidate { point: self.batch.point(index), evaluation }
    }

    /// Moves the waiting candidates; what leaves the space is moved back.
    pub(crate) fn repair(
        &mut self,
        waiting: Range<usize>,
        space: &ParameterSpace,
        repair: impl Fn(&mut [f64]),
    ) {
        for index in waiting {
            let point = self.batch.point_mut(index);
            repair(point);
            space.clamp(point);
        }
    }

    /// Takes the costs of the waiting candidates: `measure` writes a row and gives the violation. Whether the generation is
    /// complete now.
    ///
    /// # Errors
    /// When not one candidate of the whole search could be evaluated. Nothing is changed then.
    pub(crate) fn absorb(
        &mut self,
        waiting: Range<usize>,
        seed: Seed,
        mut measure: impl FnMut(&Candidate<'_>, &mut [f64]) -> Result<f64, FitnessError>,
    ) -> Result<bool, GaError> {
        let (before, count) = (self.costs.len(), waiting.len());
        let evaluation_seed = self.evaluation_seed(seed);
        let mut costs = std::mem::replace(&mut self.costs, Costs::new(1));
        let (mut failures, mut last) = (0, None);
        for index in waiting {
            let candidate = self.candidate(index, evaluation_seed);
            if let Err(error) = costs.push_with(|row| measure(&candidate, row)) {
                failures += 1;
                last = Some(error);
            }
        }
        self.costs = costs;
        if let Some(last) = last
            && failures == count
            && self.failures == self.evaluations
        {
            self.costs.truncate(before);
            return Err(GaError::AllFailed { generation: self.generation, count, last });
        }
        self.evaluations += count as u64;
        self.failures += failures as u64;
        self.failures_of_batch += failures;
        Ok(self.costs.len() == self.batch.len())
    }

    /// Makes room for the next generation; gives how many evaluations of this one failed.
    pub(crate) fn advance(&mut self) -> usize {
        self.batch.clear();
        self.costs.clear();
        self.generation += 1;
        std::mem::take(&mut self.failures_of_batch)
    }

    /// Whether what was read can be what was written.
    pub(crate) fn check(&self, space: &ParameterSpace, objectives: usize) -> Result<(), GaError> {
        let damaged = |what| Err(GaError::Damaged { what });
        if self.batch.dimension() != space.len()
            || self.batch.points().any(|point| space.check(point).is_err())
        {
            return damaged("a candidate is not in the space");
        }
        if self.costs.objectives() != objectives || self.costs.len() > self.batch.len() {
            return damaged("the costs and the candidates contradict each other");
        }
        let failed = (0..self.costs.len()).filter(|&at| !self.costs.cost(at).is_known()).count();
        if failed != self.failures_of_batch {
            return damaged("the failures and the costs contradict each other");
        }
        if self.failures > self.evaluations
            || (self.costs.len() as u64) > self.evaluations
            || failed as u64 > self.failures
        {
            return damaged("there are more failures or costs than evaluations");
        }
        Ok(())
    }
}
