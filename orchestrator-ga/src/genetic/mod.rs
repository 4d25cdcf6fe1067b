//! The generational genetic algorithm (Holland, "Adaptation in natural and artificial systems", 1975) over a dense population.
//!
//! Two populations lie in two blocks of memory that change roles every generation. A child that is one of its parents again keeps
//! that parent's cost and is never handed out. Nothing is allocated once both blocks have their size.

mod config;
mod operators;
mod saved;

use orchestrator_core::{FastStream, ParameterSpace, Seed};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::cost::{Cost, Costs};
use crate::error::GaError;
use crate::optimizer::{Optimizer, Population};
use crate::search::Search;
use crate::stop::Stop;

pub use config::{DOCUMENT_GENERATIONS, GENERATIONS_MAX, GaConfig, POPULATION_MAX};
use operators::{blend, mutate, tournament};

/// The genetic algorithm.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Seed};
/// use orchestrator_ga::{Ga, GaConfig};
/// let space = ParameterSpace::uniform(3, -5.0, 5.0)?;
/// let found = Ga::search(space, GaConfig::documents(), Seed(7))?.run(&|x: &[f64]| -x.iter().map(|v| v * v).sum::<f64>())?;
/// assert!(found.final_fitness > -1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "saved::Saved")]
pub struct Ga {
    space: ParameterSpace,
    config: GaConfig,
    seed: Seed,
    stream: FastStream,
    points: Batch,
    costs: Costs,
    /// Of the next generation: what is known already, elites and children that are a parent again.
    kept: Batch,
    kept_costs: Costs,
    /// The start population, until it is asked for.
    start: Batch,
    /// How many points of the start population were given.
    warm_starts: usize,
    /// How many generations were bred.
    bred: u32,
}

impl Ga {
    /// The algorithm from uniformly random points.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn new(space: ParameterSpace, config: GaConfig, seed: Seed) -> Result<Ga, GaError> {
        Ga::starting_from(space, config, seed, &[])
    }

    /// The algorithm with these points in its start population, the rest being uniformly random.
    ///
    /// # Errors
    /// When a setting is out of its range, a point is not in the space, or there are more points than the population holds.
    pub fn starting_from(
        space: ParameterSpace,
        config: GaConfig,
        seed: Seed,
        points: &[Vec<f64>],
    ) -> Result<Ga, GaError> {
        config.check()?;
        if points.len() > config.population {
            return Err(GaError::StartCount { found: points.len(), population: config.population });
        }
        for (index, point) in points.iter().enumerate() {
            space.check(point).map_err(|source| GaError::Start { index, source })?;
        }
        let mut start = Batch::with_capacity(space.len(), config.population);
        points.iter().for_each(|point| {
            start.push(point);
        });
        let mut stream = seed.derive("breed").fast_stream();
        let middle = space.middle();
        while start.len() < config.population {
            space.sample_into(start.push(&middle), &mut stream);
        }
        let dimension = space.len();
        Ok(Ga {
            space,
            seed,
            stream,
            points: Batch::with_capacity(dimension, config.population),
            costs: Costs::new(1),
            kept: Batch::new(dimension),
            kept_costs: Costs::new(1),
            start,
            warm_starts: points.len(),
            bred: 0,
            config,
        })
    }

    /// A search by this algorithm over [`GaConfig::generations`].
    ///
    /// # Errors
    /// As [`Ga::new`].
    pub fn search(
        space: ParameterSpace,
        config: GaConfig,
        seed: Seed,
    ) -> Result<Search<Ga>, GaError> {
        let stop = Stop::Generations(config.generations);
        Search::new(Ga::new(space, config, seed)?, stop)
    }

    /// The settings.
    pub fn config(&self) -> &GaConfig {
        &self.config
    }

    /// The next generation: the elites as they are, then children.
    fn breed(&mut self, batch: &mut Batch) {
        self.bred = self.bred.saturating_add(1);
        let step = self.config.step_at(self.bred);
        let mut ranking = Vec::new();
        self.costs.ranking(&mut ranking);
        for &elite in &ranking[..self.config.elites] {
            self.kept.push(self.points.point(elite));
            self.kept_costs.push(self.costs.cost(elite));
        }
        for _ in self.config.elites..self.config.population {
            let stream = &mut self.stream;
            let mother = tournament(&self.costs, self.config.tournament, stream);
            let child = batch.push(self.points.point(mother));
            let mut parents = [mother, mother];
            if stream.chance(self.config.crossover_rate) {
                let father = tournament(&self.costs, self.config.tournament, stream);
                blend(child, self.points.point(father), self.config.blend_alpha, stream);
                parents = [mother, father];
            }
            mutate(child, self.space.bounds(), self.config.mutation_rate, step, stream);
            self.space.clamp(child);
            let known = parents.into_iter().find(|&parent| self.points.point(parent) == child);
            if let Some(parent) = known {
                self.kept.push(self.points.point(parent));
                self.kept_costs.push(self.costs.cost(parent));
                batch.truncate(batch.len() - 1);
            }
        }
    }
}

impl Optimizer for Ga {
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
        std::mem::swap(&mut self.points, batch);
        std::mem::swap(&mut self.costs, costs);
        for (index, point) in self.kept.points().enumerate() {
            self.points.push(point);
            let cost: Cost = self.kept_costs.cost(index);
            self.costs.push(cost);
        }
        self.kept.clear();
        self.kept_costs.clear();
    }

    fn warm_starts(&self) -> usize {
        self.warm_starts
    }

    fn population(&self) -> Population<'_> {
        Population { points: &self.points, costs: &self.costs }
    }
}
