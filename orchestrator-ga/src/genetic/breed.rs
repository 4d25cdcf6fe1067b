//! The next generation: parents chosen, paired, crossed and mutated.

use super::crossover::{Crossover, blend, uniform};
use super::dense::Breeder;
use super::duplicates::Duplicates;
use super::mutation::{Mutation, Mutator};
use super::niching::{self, Niching};
use super::replacement::Replacement;
use super::selection::{Selection, Tournament};
use super::{Ga, Memory};
use crate::batch::Batch;
use crate::generation::diversity;
use crate::optimizer::Population;

impl Ga {
    /// Adds what is to be evaluated of the next generation to the empty batch; what is known already is kept.
    pub(super) fn breed(&mut self, batch: &mut Batch) {
        self.bred = self.bred.saturating_add(1);
        let mutator = self.mutator();
        let before = self.size;
        self.size = self.config.sizing.size(&self.config, self.bred, before, self.unimproved);
        if self.size > before {
            self.unimproved = 0;
        }
        // Only growth adds places, and they are filled at random.
        let immigrants = self.size.saturating_sub(before);
        self.rivals.clear();
        if let Duplicates::Redraw { .. } = self.config.duplicates {
            let children = match self.config.replacement {
                Replacement::Generational => self.size,
                Replacement::Plus { children } => children,
            };
            let children = children.max(self.points.len()) + immigrants;
            self.memory.seen.start(&self.points, children);
        }
        match (self.config.niching, self.config.replacement) {
            (Niching::Crowding, _) => self.breed_pairs(batch, &mutator),
            (Niching::None | Niching::Sharing { .. }, Replacement::Plus { children }) => {
                self.breed_chosen(batch, children, &mutator);
            }
            (Niching::None | Niching::Sharing { .. }, Replacement::Generational) => {
                let elites = self.keep_elites();
                let children = (self.size - immigrants).saturating_sub(elites);
                if !self.breed_densely(batch, children, mutator) {
                    self.breed_chosen(batch, children, &mutator);
                }
            }
        }
        for _ in 0..immigrants {
            // Any point, to be overwritten.
            batch.push(self.points.point(0));
            self.draw_last(batch);
        }
    }

    /// The start population: these points, and random ones.
    pub(super) fn fill_start(&mut self, points: &[Vec<f64>]) {
        let mut start = std::mem::replace(&mut self.start, Batch::new(self.space.len()));
        points.iter().for_each(|point| {
            start.push(point);
        });
        if let Duplicates::Redraw { .. } = self.config.duplicates {
            self.memory.seen.start(&self.points, self.config.population);
            for (place, point) in points.iter().enumerate() {
                self.memory.seen.insert(point, place);
            }
        }
        let any = self.space.middle();
        while start.len() < self.config.population {
            start.push(&any);
            self.draw_last(&mut start);
        }
        self.start = start;
    }

    /// Makes the last point of the batch a random one, which is not there already if that is what the settings want.
    fn draw_last(&mut self, batch: &mut Batch) {
        let Ga { space, stream, points, memory, config, .. } = self;
        let seen = &mut memory.seen;
        let place = batch.len() - 1;
        space.sample_into(batch.point_mut(place), stream);
        if let Duplicates::Redraw { attempts } = config.duplicates {
            for _ in 0..attempts {
                if seen.find(batch.point(place), points, batch).is_none() {
                    break;
                }
                space.sample_into(batch.point_mut(place), stream);
            }
            seen.insert(batch.point(place), points.len() + place);
        }
    }

    fn mutator(&self) -> Mutator {
        let config = &self.config;
        let population = Population { points: &self.points, costs: &self.costs };
        let rate =
            config.rate_control.rate(config.mutation_rate, || diversity(population, &self.space));
        let step = (config.step_at(self.bred) * self.step_scale).min(1.0);
        Mutator::new(config.mutation, config.order_mutation, rate, step)
    }

    /// How many of the best go on as they are.
    fn keep_elites(&mut self) -> usize {
        let elites = self.config.elites.min(self.points.len());
        self.costs.best_places(elites, &mut self.memory.ranking);
        for &elite in &self.memory.ranking {
            self.kept.push(self.points.point(elite));
            self.kept_costs.push(self.costs.cost(elite));
        }
        elites
    }

    /// Children as [`dense`](super::dense) breeds them, if it can.
    fn breed_densely(&mut self, batch: &mut Batch, children: usize, mutator: Mutator) -> bool {
        let Ga { points, costs, layout, config, stream, kept, kept_costs, .. } = self;
        let plain = layout.real
            && config.niching == Niching::None
            && config.duplicates == Duplicates::Allow
            && !config.has_rivals();
        let (Selection::Tournament { size }, Mutation::Gaussian { .. }, true) =
            (config.selection, config.mutation, plain)
        else {
            return false;
        };
        let breeder = Breeder {
            tournament: Tournament::new(size, costs.len()),
            parents: Population { points, costs },
            bounds: &layout.bounds,
            crossover_rate: config.crossover_rate,
            mutator,
            kept,
            kept_costs,
        };
        // Chosen once a generation, so that each has an inner loop of its own.
        match config.crossover {
            Crossover::Blend { alpha } => {
                breeder.fill(batch, children, stream, |parents, children, stream| {
                    blend::cross(parents, children, &layout.bounds, alpha, stream);
                });
            }
            Crossover::Uniform => breeder.fill(batch, children, stream, uniform::cross),
            Crossover::Sbx { .. } | Crossover::Points { .. } | Crossover::Arithmetic => {
                return false;
            }
        }
        true
    }

    /// Children of chosen parents.
    fn breed_chosen(&mut self, batch: &mut Batch, children: usize, mutator: &Mutator) {
        let Ga { points, costs, layout, config, stream, memory, .. } = &mut *self;
        let Memory { pool, niches, .. } = &mut **memory;
        let selection = config.selection;
        let niches = match config.niching {
            Niching::Sharing { radius, alpha } => {
                niching::count_niches(points, layout, radius, alpha, niches);
                Some(niches.as_slice())
            }
            Niching::None | Niching::Crowding => None,
        };
        pool.prepare(selection, costs, niches, children.next_multiple_of(2), stream);
        let mut left = children;
        while left > 0 {
            let mother = self.memory.pool.choose(selection, &self.costs, &mut self.stream);
            let father = self.memory.pool.choose(selection, &self.costs, &mut self.stream);
            self.mate(batch, [mother, father], left.min(2), mutator);
            left = left.saturating_sub(2);
        }
    }

    /// Two children of every two, all being paired at random; an odd one stays alone.
    fn breed_pairs(&mut self, batch: &mut Batch, mutator: &Mutator) {
        let mut order = std::mem::take(&mut self.memory.ranking);
        niching::pair(self.points.len(), &mut order, &mut self.stream);
        for pair in order.chunks_exact(2) {
            self.mate(batch, [pair[0], pair[1]], 2, mutator);
        }
        self.memory.ranking = order;
    }

    /// Adds two children of two parents to the batch, or the first of them only.
    fn mate(&mut self, batch: &mut Batch, parents: [usize; 2], children: usize, mutator: &Mutator) {
        let Ga { points, layout, config, stream, memory, .. } = self;
        let first = batch.len();
        parents.iter().for_each(|&parent| {
            batch.push(points.point(parent));
        });
        let (a, b) = batch.pair_mut(first);
        if stream.chance(config.crossover_rate) {
            let pair = parents.map(|parent| points.point(parent));
            config.crossover.cross(pair, a, b, layout, stream);
            for order in &layout.orders {
                let (a, b) = (&mut a[order.clone()], &mut b[order.clone()]);
                config.order_crossover.cross(a, b, &mut memory.orders, stream);
            }
        }
        mutator.mutate(a, layout, stream);
        if children == 2 {
            mutator.mutate(b, layout, stream);
        }
        batch.truncate(first + children);
        self.settle(batch, first, parents, mutator);
    }

    /// Takes the children from `first` on that are known already out of the batch, and notes whom the others compete with.
    fn settle(&mut self, batch: &mut Batch, first: usize, parents: [usize; 2], mutator: &Mutator) {
        if let Duplicates::Redraw { attempts } = self.config.duplicates {
            self.redraw(batch, first, attempts, mutator);
        }
        let children = batch.len() - first;
        let crossed = children == 2 && self.config.niching == Niching::Crowding && {
            let pair = parents.map(|parent| self.points.point(parent));
            niching::crossed(pair, [batch.point(first), batch.point(first + 1)], &self.layout)
        };
        let rivals = if crossed { [parents[1], parents[0]] } else { parents };
        let mut place = first;
        for rival in &rivals[..children] {
            match self.known(batch.point(place), parents) {
                Some(known) => {
                    self.keep(known);
                    batch.remove_moving_last(place);
                }
                None => {
                    if self.config.has_rivals() {
                        self.rivals.push(*rival);
                    }
                    place += 1;
                }
            }
        }
        if let Duplicates::Redraw { .. } = self.config.duplicates {
            for place in first..batch.len() {
                self.memory.seen.insert(batch.point(place), self.points.len() + place);
            }
        }
    }

    /// Mutates children that are there already, until they are not or the attempts are used up.
    fn redraw(&mut self, batch: &mut Batch, first: usize, attempts: u32, mutator: &Mutator) {
        for place in first..batch.len() {
            for _ in 0..attempts {
                let child = batch.point(place);
                let twin = place > first && child == batch.point(first);
                if !twin && self.memory.seen.find(child, &self.points, batch).is_none() {
                    break;
                }
                mutator.mutate_one(batch.point_mut(place), &self.layout, &mut self.stream);
            }
        }
    }

    /// The candidate of the population that this child is again: one of its parents, or any when duplicates are looked for.
    fn known(&self, child: &[f64], parents: [usize; 2]) -> Option<usize> {
        let seen = &self.memory.seen;
        match self.config.duplicates {
            Duplicates::Allow => {
                parents.into_iter().find(|&parent| self.points.point(parent) == child)
            }
            Duplicates::Redraw { .. } => seen.find_known(child, &self.points),
        }
    }

    /// A child that is known goes on without an evaluation, where parents do not go on by themselves.
    fn keep(&mut self, known: usize) {
        let generational = self.config.replacement == Replacement::Generational;
        if generational && self.config.niching != Niching::Crowding {
            self.kept.push(self.points.point(known));
            self.kept_costs.push(self.costs.cost(known));
        }
    }
}
