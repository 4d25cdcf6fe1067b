//! How a search takes scores: all at once, or not at all.
//!
//! Everything that happens to a search between two batches happens here, in the one loop that is worth being fast: nothing is
//! allocated but in a generation that has the first best candidate.

use std::ops::ControlFlow;

use crate::candidates::Scores;
use crate::cost::Cost;
use crate::error::GaError;
use crate::generation::Generation;
use crate::optimizer::Optimizer;
use crate::search::Search;
use crate::stop::StopReason;

/// What counts as an improvement, as a share of the best fitness (of 1 when that is smaller): less is rounding. Of a violation it is a
/// share of itself.
pub const IMPROVEMENT_MIN: f64 = 1e-9;
/// How many generations in a row may be empty, all that was bred being known already, before the method counts as converged.
pub const EMPTY_GENERATIONS_MAX: u32 = 100;

impl<O: Optimizer> Search<O> {
    /// Takes the scores of the waiting candidates, and advances unless the search ends. The observer is told of every generation that
    /// this completes; when it breaks, the search stands between two generations, and may go on.
    pub(crate) fn absorb(
        &mut self,
        mut scores: Scores,
        observer: &mut impl FnMut(&mut Self, &Generation) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, GaError> {
        let kept = self.keep(&mut scores);
        scores.clear();
        self.scores = scores;
        let flow = if kept? { self.close_generations(observer) } else { ControlFlow::Continue(()) };
        self.reason = self.reason.or(self.stop.reason(&self.standing()));
        Ok(flow)
    }

    /// Takes the scores of the candidates that wait. Whether the generation is complete now.
    fn keep(&mut self, scores: &mut Scores) -> Result<bool, GaError> {
        if self.finished() {
            return Err(GaError::Ended);
        }
        let (before, evaluated) = (self.pending.costs.len(), self.pending.evaluations);
        let complete = self.pending.keep(self.waiting().len(), scores)?;
        for (done, index) in (before..self.pending.costs.len()).enumerate() {
            self.keep_best(index, evaluated + done as u64 + 1);
        }
        Ok(complete)
    }

    /// `evaluations` is how many there had been with this one.
    #[inline]
    fn keep_best(&mut self, index: usize, evaluations: u64) {
        let cost = self.pending.costs.cost(index);
        if cost.is_feasible() {
            if self.best.as_ref().is_none_or(|(_, fitness)| -cost.value > *fitness) {
                self.replace_best(index, cost, evaluations);
            }
        } else if self.best.is_none()
            && cost.is_known()
            && self.nearest.as_ref().is_none_or(|(_, violation)| cost.violation < *violation)
        {
            self.replace_best(index, cost, evaluations);
        }
    }

    #[cold]
    fn replace_best(&mut self, index: usize, cost: Cost, evaluations: u64) {
        let point = self.pending.batch.point(index);
        let feasible = cost.is_feasible();
        let (place, value) = match feasible {
            true => (&mut self.best, -cost.value),
            false => (&mut self.nearest, cost.violation),
        };
        match place {
            Some((best, known)) => {
                best.copy_from_slice(point);
                *known = value;
            }
            none => *none = Some((point.to_vec(), value)),
        }
        if feasible {
            self.nearest = None;
        }
        let value = if feasible { -cost.value } else { 0.0 };
        let improved = match self.improved_to {
            None => true,
            Some((violation, known)) if violation == cost.violation => {
                value > known + IMPROVEMENT_MIN * known.abs().max(1.0)
            }
            Some((violation, _)) => cost.violation < violation * (1.0 - IMPROVEMENT_MIN),
        };
        if improved {
            self.improved_to = Some((cost.violation, value));
            self.improved_at = evaluations;
        }
    }

    /// Closes the generation that waits, which is complete, and those after it that turn out to be empty.
    fn close_generations(
        &mut self,
        observer: &mut impl FnMut(&mut Self, &Generation) -> ControlFlow<()>,
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
    fn close_generation(&mut self) -> Generation {
        let evaluated = self.pending.evaluated();
        self.optimizer.tell(&mut self.pending.batch, &mut self.pending.costs);
        let (population, space) = (self.optimizer.population(), self.optimizer.space());
        let row = Generation::of(self.pending.generation, population, space, evaluated);
        tracing::debug!(generation = row.index, best = row.best, "generation evaluated");
        self.history.push(row);
        let improved = self.improved_at > self.pending.evaluations - row.evaluations as u64;
        // What the first generation has is where the count begins.
        self.stagnant =
            if improved || row.index == 0 { 0 } else { self.stagnant.saturating_add(1) };
        self.pending.advance();
        self.optimizer.ask(&mut self.pending.batch);
        self.reason = match self.stop.reason(&self.standing()) {
            None if self.optimizer.converged() => Some(StopReason::Converged),
            reason => reason,
        };
        row
    }
}
