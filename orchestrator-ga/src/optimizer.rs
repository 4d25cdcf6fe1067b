//! The door between a method and the search that drives it.
//!
//! A method proposes points and learns what they cost. It calls no fitness, counts no budget and reads no clock: all that is the
//! [`Search`](crate::Search)'s. So a method of your own is a dozen lines, and gets budgets, stopping rules, checkpoints,
//! parallel evaluation and the worker for nothing.

use orchestrator_core::{ParameterSpace, Seed};

use crate::batch::Batch;
use crate::cost::Costs;

/// A method of search, as an ask/tell state.
///
/// [`ask`](Optimizer::ask) and [`tell`](Optimizer::tell) are called in turn, each once for a generation. All chance comes from
/// [`seed`](Optimizer::seed), so that the same answers lead to the same questions.
///
/// ```
/// use orchestrator_core::{FastStream, ParameterSpace, Seed};
/// use orchestrator_ga::{Batch, Costs, Optimizer, Population, Search, Stop};
///
/// /// Pure random search, ten points at a time.
/// struct RandomSearch { space: ParameterSpace, seed: Seed, stream: FastStream, last: Batch, costs: Costs }
///
/// impl Optimizer for RandomSearch {
///     fn space(&self) -> &ParameterSpace { &self.space }
///     fn seed(&self) -> Seed { self.seed }
///     fn ask(&mut self, batch: &mut Batch) {
///         for _ in 0..10 {
///             let point = self.space.middle();
///             for (value, bounds) in batch.push(&point).iter_mut().zip(self.space.bounds()) {
///                 *value = self.stream.between(bounds.min, bounds.max);
///             }
///         }
///     }
///     fn tell(&mut self, batch: &mut Batch, costs: &mut Costs) {
///         std::mem::swap(&mut self.last, batch);
///         std::mem::swap(&mut self.costs, costs);
///     }
///     fn population(&self) -> Population<'_> { Population { points: &self.last, costs: &self.costs } }
/// }
///
/// let (space, seed) = (ParameterSpace::uniform(2, -1.0, 1.0)?, Seed(1));
/// let method = RandomSearch {
///     stream: seed.derive("random").fast_stream(), last: Batch::new(2), costs: Costs::new(1), space, seed,
/// };
/// let found = Search::new(method, Stop::Evaluations(200))?.run(&|x: &[f64]| -x[0].abs() - x[1].abs())?;
/// assert!(found.final_fitness > -0.3 && found.evaluations == 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Optimizer {
    /// What is searched.
    fn space(&self) -> &ParameterSpace;

    /// Where its chance comes from.
    fn seed(&self) -> Seed;

    /// How many objectives it minimises at once.
    fn objectives(&self) -> usize {
        1
    }

    /// Adds the points of the next generation, all inside the space, to the empty batch. It may stay empty when all that was
    /// bred is known already.
    fn ask(&mut self, batch: &mut Batch);

    /// Puts points that are known to be good, the best first and all of the space, into the first batch, which it has just given, and which has
    /// room for them. Called at most once, before the first `tell`. By default they take the first places; a method with a centre may
    /// move it there and fill the batch anew.
    fn start_from(&mut self, points: &[Vec<f64>], batch: &mut Batch) {
        for (index, point) in points.iter().enumerate() {
            batch.point_mut(index).copy_from_slice(point);
        }
    }

    /// Takes the costs of the points it asked for, in their order. A point may have been moved by a repair meanwhile: what the
    /// batch holds now is what was evaluated. The method may keep the memory of both (by `swap`) and leave anything in its place.
    fn tell(&mut self, batch: &mut Batch, costs: &mut Costs);

    /// What the method holds at the moment, for measures of diversity and the region worth refining; empty before the first `tell`.
    fn population(&self) -> Population<'_>;

    /// How many points it was given to start from when it was made.
    fn warm_starts(&self) -> usize {
        0
    }

    /// Whether the method has come to its own end, and more asking would bring nothing.
    fn converged(&self) -> bool {
        false
    }
}

/// Points and what they cost, row by row.
#[derive(Debug, Clone, Copy)]
pub struct Population<'a> {
    /// The points.
    pub points: &'a Batch,
    /// Their costs, as many.
    pub costs: &'a Costs,
}

impl<O: Optimizer + ?Sized> Optimizer for Box<O> {
    fn space(&self) -> &ParameterSpace {
        (**self).space()
    }
    fn seed(&self) -> Seed {
        (**self).seed()
    }
    fn objectives(&self) -> usize {
        (**self).objectives()
    }
    fn ask(&mut self, batch: &mut Batch) {
        (**self).ask(batch);
    }
    fn start_from(&mut self, points: &[Vec<f64>], batch: &mut Batch) {
        (**self).start_from(points, batch);
    }
    fn tell(&mut self, batch: &mut Batch, costs: &mut Costs) {
        (**self).tell(batch, costs);
    }
    fn population(&self) -> Population<'_> {
        (**self).population()
    }
    fn warm_starts(&self) -> usize {
        (**self).warm_starts()
    }
    fn converged(&self) -> bool {
        (**self).converged()
    }
}
