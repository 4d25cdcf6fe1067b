//! What a generation leaves behind when its costs are known.

use super::Ga;
use super::niching::Niching;
use super::replacement::Replacement;
use crate::batch::Batch;
use crate::cost::Costs;

impl Ga {
    /// Takes the children into the population. The first generation is the population.
    pub(super) fn survive(&mut self, batch: &mut Batch, costs: &mut Costs) {
        if self.costs.is_empty() {
            self.replace(batch, costs);
        } else {
            self.adapt_step(costs);
            match (self.config.niching, self.config.replacement) {
                (Niching::Crowding, _) => self.compete(batch, costs),
                (_, Replacement::Plus { .. }) => self.join(batch, costs),
                (_, Replacement::Generational) => self.replace(batch, costs),
            }
        }
        self.note_best();
    }

    /// The children, and what was kept, are the population.
    fn replace(&mut self, batch: &mut Batch, costs: &mut Costs) {
        std::mem::swap(&mut self.points, batch);
        std::mem::swap(&mut self.costs, costs);
        for (index, point) in self.kept.points().enumerate() {
            self.points.push(point);
            self.costs.push(self.kept_costs.cost(index));
        }
        self.kept.clear();
        self.kept_costs.clear();
    }

    /// The best of parents and children are the population, from best to worst.
    fn join(&mut self, batch: &Batch, costs: &Costs) {
        for (index, child) in batch.points().enumerate() {
            self.points.push(child);
            self.costs.push(costs.cost(index));
        }
        self.keep_best();
    }

    /// Each child takes the place of its rival if it is better; children without a rival, immigrants, are added.
    fn compete(&mut self, batch: &Batch, costs: &Costs) {
        for (index, child) in batch.points().enumerate() {
            let cost = costs.cost(index);
            match self.rivals.get(index) {
                Some(&rival) if cost.is_better(&self.costs.cost(rival)) => {
                    self.points.point_mut(rival).copy_from_slice(child);
                    self.costs.set(rival, cost);
                }
                Some(_) => {}
                None => {
                    self.points.push(child);
                    self.costs.push(cost);
                }
            }
        }
        if self.points.len() > self.size {
            self.keep_best();
        }
    }

    /// Leaves as many of the best as the population has places.
    fn keep_best(&mut self) {
        self.costs.ranking(&mut self.memory.ranking);
        for &place in self.memory.ranking.iter().take(self.size) {
            self.kept.push(self.points.point(place));
            self.kept_costs.push(self.costs.cost(place));
        }
        std::mem::swap(&mut self.points, &mut self.kept);
        std::mem::swap(&mut self.costs, &mut self.kept_costs);
        self.kept.clear();
        self.kept_costs.clear();
    }

    fn adapt_step(&mut self, costs: &Costs) {
        let children = self.rivals.len().min(costs.len());
        let rivals = self.rivals[..children].iter().enumerate();
        let better = rivals
            .filter(|&(child, &rival)| costs.cost(child).is_better(&self.costs.cost(rival)))
            .count();
        let step = self.config.step_at(self.bred);
        self.step_scale = self.config.step_control.scale(self.step_scale, step, better, children);
    }

    fn note_best(&mut self) {
        self.unimproved = self.unimproved.saturating_add(1);
        self.welcome();
    }

    /// Notes the best candidate if it is better than any before, newcomers from elsewhere included.
    pub(super) fn welcome(&mut self) {
        let Some(best) = self.costs.best().map(|place| self.costs.cost(place)) else { return };
        if self.best.is_empty() {
            self.best.push(best);
            self.unimproved = 0;
        } else if best.is_better(&self.best.cost(0)) {
            self.best.set(0, best);
            self.unimproved = 0;
        }
    }
}
