//! How a search over many objectives takes values: all at once, or not at all; and what it measures of a generation.

use std::ops::ControlFlow;

use super::outcome::ParetoGeneration;
use super::search::{Memory, ParetoSearch, feasible_front};
use crate::advance::{EMPTY_GENERATIONS_MAX, IMPROVEMENT_MIN};
use crate::candidates::Scores;
use crate::error::GaError;
use crate::generation::Evaluated;
use crate::optimizer::Optimizer;
use crate::stop::StopReason;

impl<O: Optimizer> ParetoSearch<O> {
    /// Takes the scores of the waiting candidates, all or none, and advances unless the search ends.
    pub(super) fn absorb(
        &mut self,
        mut scores: Scores,
        observer: &mut impl FnMut(&mut Self, &ParetoGeneration) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, GaError> {
        if self.finished() {
            return Err(GaError::Ended);
        }
        let wanted = self.waiting().len();
        scores.costs.for_each_feasible_row(0, |row| self.objectives.turn(row));
        let complete = self.pending.keep(wanted, &mut scores)?;
        self.feasible |= scores.len() > scores.failures + scores.infeasible;
        scores.clear();
        self.scratch.scores = Some(scores);
        let flow =
            if complete { self.close_generations(observer) } else { ControlFlow::Continue(()) };
        self.reason = self.reason.or(self.stop.reason(&self.standing()));
        Ok(flow)
    }

    /// Closes the generation that waits, which is complete, and those after it that turn out to be empty.
    fn close_generations(
        &mut self,
        observer: &mut impl FnMut(&mut Self, &ParetoGeneration) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for _ in 0..EMPTY_GENERATIONS_MAX {
            let row = self.close_generation();
            observer(self, &row)?;
            if self.finished() || !self.pending.batch.is_empty() {
                return ControlFlow::Continue(());
            }
        }
        self.reason = Some(StopReason::Converged);
        ControlFlow::Continue(())
    }

    /// Gives a complete generation to the method, measures, and asks for the next.
    fn close_generation(&mut self) -> ParetoGeneration {
        let Evaluated { evaluations, failures, infeasible } = self.pending.evaluated();
        self.optimizer.tell(&mut self.pending.batch, &mut self.pending.costs);
        let index = self.pending.generation;
        let (front, hypervolume) = self.measure();
        tracing::debug!(generation = index, front, hypervolume, "generation evaluated");
        self.note_improvement(hypervolume);
        let row = ParetoGeneration { index, front, hypervolume, evaluations, failures, infeasible };
        self.history.push(row);
        self.pending.advance();
        self.optimizer.ask(&mut self.pending.batch);
        self.reason = match self.stop.reason(&self.standing()) {
            None if self.optimizer.converged() => Some(StopReason::Converged),
            reason => reason,
        };
        row
    }

    /// The size of the front that the method holds, and what it dominates.
    fn measure(&mut self) -> (usize, Option<f64>) {
        if let (None, Some(reference)) = (&self.scratch.hypervolume, &self.reference) {
            self.scratch.hypervolume = Some(self.measure_below(reference));
        }
        let Memory { fronts, hypervolume, .. } = &mut *self.scratch;
        let costs = self.optimizer.population().costs;
        fronts.sort(costs);
        let front = feasible_front(costs, fronts);
        let rows = front.iter().map(|&place| costs.row(place as usize));
        (
            front.len(),
            hypervolume.as_mut().map(|measure| {
                measure.reserve(costs.len());
                measure.of(rows).min(f64::MAX)
            }),
        )
    }

    fn note_improvement(&mut self, hypervolume: Option<f64>) {
        let Some(now) = hypervolume else { return };
        let improved =
            self.improved_to.is_none_or(|best| now > best + IMPROVEMENT_MIN * best.abs().max(1.0));
        if improved {
            self.improved_to = Some(now);
            self.improved_at = self.pending.evaluations;
            self.stagnant = 0;
        } else {
            self.stagnant = self.stagnant.saturating_add(1);
        }
    }
}
