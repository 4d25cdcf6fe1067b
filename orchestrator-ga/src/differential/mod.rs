//! Differential evolution with adaptive settings and a shrinking population: L-SHADE (Tanabe and Fukunaga, "Improving the search
//! performance of SHADE using linear population size reduction", 2014).
//!
//! A trial is made by current-to-pbest/1/bin: the parent, moved towards one of the best and along the difference of two others, of
//! which the second may be a parent that was replaced; then crossed with the parent. F and CR are drawn around what has
//! worked. A value that leaves its bounds is put half-way between the parent's and the bound. Nothing is allocated after the first generation.

mod config;
mod memory;

use orchestrator_core::{FastStream, ParameterSpace, Seed};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::cost::{Cost, Costs};
use crate::error::GaError;
use crate::optimizer::{Optimizer, Population};
use crate::search::Search;
use crate::start::check_start_points;
use crate::stop::Stop;

pub use config::DeConfig;
use memory::{Memory, Trial};

/// Differential evolution.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Seed};
/// use orchestrator_ga::{De, DeConfig};
/// let space = ParameterSpace::uniform(3, -5.0, 5.0)?;
/// let mut search = De::search(space, DeConfig::for_budget(3, 1_000), Seed(7))?;
/// let found = search.run(&|x: &[f64]| -x.iter().map(|v| v * v).sum::<f64>())?;
/// assert!(found.final_fitness > -1e-6 && found.evaluations == 1_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved")]
pub struct De {
    space: ParameterSpace,
    config: DeConfig,
    seed: Seed,
    stream: FastStream,
    points: Batch,
    costs: Costs,
    memory: Memory,
    /// Parents that were replaced, in no order.
    archive: Batch,
    /// Whose child each waiting trial is, in rising order, and how it was made.
    trials: Vec<(usize, Trial)>,
    /// The first generation, until it is asked for.
    start: Batch,
    warm_starts: usize,
    /// How many candidates were evaluated for it.
    evaluations: u64,
    #[serde(skip)]
    buffers: Buffers,
}

/// Memory that is reused and holds nothing between two calls.
#[derive(Debug, Clone, Default)]
struct Buffers {
    ranking: Vec<usize>,
    gains: Vec<f64>,
}

impl PartialEq for Buffers {
    fn eq(&self, _: &Buffers) -> bool {
        true
    }
}

impl De {
    /// The method from uniformly random points.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn new(space: ParameterSpace, config: DeConfig, seed: Seed) -> Result<De, GaError> {
        De::starting_from(space, config, seed, &[])
    }

    /// The method with these points in its first generation, the rest being uniformly random.
    ///
    /// # Errors
    /// When a setting is out of its range, a point is not in the space, or there are more points than the population holds.
    pub fn starting_from(
        space: ParameterSpace,
        config: DeConfig,
        seed: Seed,
        points: &[Vec<f64>],
    ) -> Result<De, GaError> {
        config.check()?;
        check_start_points(&space, points, config.population)?;
        let mut de = De::empty(space, config, seed);
        let size = de.config.population;
        points.iter().for_each(|point| {
            de.start.push(point);
        });
        de.warm_starts = points.len();
        let middle = de.space.middle();
        while de.start.len() < size {
            de.space.sample_into(de.start.push(&middle), &mut de.stream);
        }
        Ok(de)
    }

    /// A search by this method over [`DeConfig::evaluations`].
    ///
    /// # Errors
    /// As [`De::new`].
    pub fn search(
        space: ParameterSpace,
        config: DeConfig,
        seed: Seed,
    ) -> Result<Search<De>, GaError> {
        let stop = Stop::Evaluations(config.evaluations);
        Search::new(De::new(space, config, seed)?, stop)
    }

    /// The settings.
    pub fn config(&self) -> &DeConfig {
        &self.config
    }

    /// Takes a point that was found by other means in the place of the worst member, when it is better.
    pub(crate) fn adopt(&mut self, point: &[f64], cost: Cost) {
        let worst = self.worst();
        if !self.costs.is_empty() && cost.is_better(&self.costs.cost(worst)) {
            self.points.point_mut(worst).copy_from_slice(point);
            self.costs.set(worst, cost);
        }
    }

    /// The place of the worst member, the first of equals.
    fn worst(&self) -> usize {
        (1..self.costs.len()).fold(0, |worst, at| {
            if self.costs.cost(worst).is_better(&self.costs.cost(at)) { at } else { worst }
        })
    }

    fn empty(space: ParameterSpace, config: DeConfig, seed: Seed) -> De {
        let dimension = space.len();
        De {
            space,
            seed,
            stream: seed.derive("differ").fast_stream(),
            points: Batch::with_capacity(dimension, config.population),
            costs: Costs::new(1),
            memory: Memory::new(config.memory),
            archive: Batch::new(dimension),
            trials: Vec::with_capacity(config.population),
            start: Batch::with_capacity(dimension, config.population),
            warm_starts: 0,
            evaluations: 0,
            buffers: Buffers::default(),
            config,
        }
    }

    /// One trial for each member.
    fn breed(&mut self, batch: &mut Batch) {
        let De { points, costs, stream, archive, .. } = self;
        let ranking = &mut self.buffers.ranking;
        costs.ranking(ranking);
        let count = points.len();
        let best = ((self.config.best_share * count as f64).ceil() as usize).clamp(2, count);
        self.trials.clear();
        for parent in 0..count {
            let trial = self.memory.draw(stream);
            let leader = points.point(ranking[stream.below(best)]);
            let first = other_than([parent, parent], count, stream);
            let second = other_than([parent, first], count + archive.len(), stream);
            let plus = points.point(first);
            let minus =
                if second < count { points.point(second) } else { archive.point(second - count) };
            let own = points.point(parent);
            let always = stream.below(own.len());
            let size = batch.len();
            let child = batch.push(own);
            for (at, value) in child.iter_mut().enumerate() {
                if at != always && !stream.chance(trial.rate) {
                    continue;
                }
                let bounds = self.space.bounds()[at];
                let moved = *value + trial.scale * (leader[at] - *value + plus[at] - minus[at]);
                *value = if moved < bounds.min {
                    0.5 * (bounds.min + *value)
                } else if moved > bounds.max {
                    0.5 * (bounds.max + *value)
                } else {
                    moved
                };
            }
            // A space may hold more than reals: a value is where its domain has it.
            self.space.clamp(child);
            if points.points().any(|member| member == child) {
                // It is known already, and is not evaluated again.
                batch.truncate(size);
            } else {
                self.trials.push((parent, trial));
            }
        }
    }

    /// Each trial against its parent.
    fn select(&mut self, batch: &Batch, costs: &Costs) {
        let archive_max = (self.config.archive * self.points.len() as f64) as usize;
        let gains = &mut self.buffers.gains;
        gains.clear();
        for (row, &(at, _)) in self.trials.iter().take(batch.len()).enumerate() {
            let (before, now) = (self.costs.cost(at), costs.cost(row));
            let better = now.is_better(&before);
            gains.push(if better { gain(&before, &now) } else { 0.0 });
            if better {
                if self.archive.len() < archive_max {
                    self.archive.push(self.points.point(at));
                } else if archive_max > 0 {
                    let place = self.stream.below(self.archive.len());
                    self.archive.point_mut(place).copy_from_slice(self.points.point(at));
                }
            }
            if !before.is_better(&now) {
                self.points.point_mut(at).copy_from_slice(batch.point(row));
                self.costs.set(at, now);
            }
        }
        let worked = self.trials.iter().map(|(_, trial)| *trial).zip(gains.iter().copied());
        self.memory.learn(worked.filter(|(_, gain)| *gain > 0.0));
        self.trials.clear();
        self.shrink();
    }

    /// Linear population size reduction: the worst leave.
    fn shrink(&mut self) {
        let config = &self.config;
        let done = (self.evaluations as f64 / config.evaluations as f64).min(1.0);
        let fall = (config.population - config.population_final) as f64 * done;
        let size = config.population - fall.round() as usize;
        while self.points.len() > size {
            let worst = self.worst();
            self.points.swap_remove(worst);
            self.costs.swap_remove(worst);
        }
        self.archive.truncate((config.archive * self.points.len() as f64) as usize);
    }
}

impl Optimizer for De {
    fn space(&self) -> &ParameterSpace {
        &self.space
    }

    fn seed(&self) -> Seed {
        self.seed
    }

    fn ask(&mut self, batch: &mut Batch) {
        if self.costs.is_empty() {
            std::mem::swap(batch, &mut self.start);
        } else {
            self.breed(batch);
        }
    }

    fn tell(&mut self, batch: &mut Batch, costs: &mut Costs) {
        self.evaluations = self.evaluations.saturating_add(batch.len() as u64);
        if self.costs.is_empty() {
            std::mem::swap(&mut self.points, batch);
            std::mem::swap(&mut self.costs, costs);
        } else {
            self.select(batch, costs);
        }
    }

    fn population(&self) -> Population<'_> {
        Population { points: &self.points, costs: &self.costs }
    }

    fn warm_starts(&self) -> usize {
        self.warm_starts
    }

    /// When all members are one point: every difference is zero.
    fn converged(&self) -> bool {
        let first = self.points.points().next();
        first.is_some_and(|first| {
            self.points.points().all(|point| point == first)
                && self.archive.points().all(|point| point == first)
        })
    }
}

/// By how much a trial is better: in what counts first.
fn gain(before: &Cost, now: &Cost) -> f64 {
    let gain = if before.violation == now.violation {
        before.value - now.value
    } else {
        before.violation - now.violation
    };
    // From a failed evaluation to a known cost: no number says by how much, and it must not outweigh the others.
    if gain.is_finite() { gain } else { f64::MIN_POSITIVE }
}

/// A uniformly random place below `count` that is none of these two; `count` is at least 3.
fn other_than(taken: [usize; 2], count: usize, stream: &mut FastStream) -> usize {
    let [low, high] = [taken[0].min(taken[1]), taken[0].max(taken[1])];
    let free = if low == high { count - 1 } else { count - 2 };
    let mut place = stream.below(free);
    if place >= low {
        place += 1;
    }
    if low != high && place >= high {
        place += 1;
    }
    place
}

/// What is read, before it is checked.
#[derive(Deserialize)]
struct Saved {
    space: ParameterSpace,
    config: DeConfig,
    seed: Seed,
    stream: FastStream,
    points: Batch,
    costs: Costs,
    memory: Memory,
    archive: Batch,
    trials: Vec<(usize, Trial)>,
    start: Batch,
    warm_starts: usize,
    evaluations: u64,
}

impl TryFrom<Saved> for De {
    type Error = GaError;

    fn try_from(saved: Saved) -> Result<De, GaError> {
        let Saved { space, config, seed, stream, points, costs, memory, .. } = saved;
        let Saved { archive, trials, start, warm_starts, evaluations, .. } = saved;
        config.check()?;
        let inside = |batch: &Batch| {
            batch.dimension() == space.len()
                && batch.points().all(|point| space.check(point).is_ok())
        };
        let count = points.len();
        let sound = [&points, &archive, &start].into_iter().all(inside)
            && costs.objectives() == 1
            && costs.len() == count
            && count <= config.population
            && (count == 0 || count >= config.population_final)
            && trials.iter().all(|(parent, _)| *parent < count)
            && trials.is_sorted_by(|(a, _), (b, _)| a < b)
            && memory.is_sound(config.memory)
            && trials.iter().all(|(_, trial)| trial.scale.is_finite() && trial.rate.is_finite());
        if !sound {
            return Err(GaError::Damaged { what: "the state of differential evolution" });
        }
        let buffers = Buffers::default();
        Ok(De {
            space,
            config,
            seed,
            stream,
            points,
            costs,
            memory,
            archive,
            trials,
            start,
            warm_starts,
            evaluations,
            buffers,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_other_than_two_is_any_other_equally_often() {
        let mut stream = Seed(5).fast_stream();
        let mut hits = [0; 6];
        (0..4000).for_each(|_| hits[other_than([4, 1], 6, &mut stream)] += 1);
        assert_eq!((hits[1], hits[4]), (0, 0));
        assert!([0, 2, 3, 5].iter().all(|&at| (900..1100).contains(&hits[at])), "{hits:?}");
        let mut hits = [0; 3];
        (0..4000).for_each(|_| hits[other_than([2, 2], 3, &mut stream)] += 1);
        assert!(hits[2] == 0 && (1900..2100).contains(&hits[0]), "{hits:?}");
    }

    #[test]
    fn a_gain_is_measured_in_what_counts_first() {
        let of = |violation, value| Cost { violation, value };
        assert_eq!(gain(&of(0.0, 3.0), &of(0.0, 1.0)), 2.0);
        assert_eq!(gain(&of(2.0, f64::INFINITY), &of(0.5, f64::INFINITY)), 1.5);
        assert!(gain(&Cost::FAILED, &of(0.0, 1.0)) > 0.0);
    }
}
