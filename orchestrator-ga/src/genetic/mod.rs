//! The generational genetic algorithm (Holland, "Adaptation in natural and artificial systems", 1975) over a dense population.
//!
//! Two populations lie in two blocks of memory that change roles every generation. A child that is one of its parents again keeps
//! that parent's cost and is never handed out. Nothing is allocated once both blocks have their size.

mod breed;
mod config;
mod operators;
mod saved;

use orchestrator_core::{FastStream, ParameterSpace, Seed};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::cost::Costs;
use crate::error::GaError;
use crate::optimizer::{Optimizer, Population};
use crate::scratch::Scratch;
use crate::search::Search;
use crate::stop::Stop;

use breed::Breeder;
pub use config::{Crossover, DOCUMENT_GENERATIONS, GENERATIONS_MAX, GaConfig, POPULATION_MAX};
use operators::{Gaussian, Tournament, blend, uniform};

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
    /// The places of the elites, while a generation is bred.
    #[serde(skip)]
    elites: Scratch<Vec<usize>>,
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
            kept: Batch::with_capacity(dimension, config.population),
            kept_costs: Costs::new(1),
            start,
            warm_starts: points.len(),
            bred: 0,
            elites: Scratch::default(),
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
        self.costs.best_places(self.config.elites, &mut self.elites);
        for &elite in self.elites.iter() {
            self.kept.push(self.points.point(elite));
            self.kept_costs.push(self.costs.cost(elite));
        }
        let config = &self.config;
        let breeder = Breeder {
            parents: Population { points: &self.points, costs: &self.costs },
            space: &self.space,
            tournament: Tournament::new(config.tournament, self.costs.len()),
            crossover_rate: config.crossover_rate,
            mutation: Gaussian::new(config.mutation_rate, config.step_at(self.bred)),
            kept: &mut self.kept,
            kept_costs: &mut self.kept_costs,
        };
        let (children, stream) = (config.population - config.elites, &mut self.stream);
        // Chosen once a generation, so that each has an inner loop of its own.
        match config.crossover {
            Crossover::Blend { alpha } => {
                let bounds = self.space.bounds();
                breeder.fill(batch, children, stream, |parents, children, stream| {
                    blend(parents, children, bounds, alpha, stream);
                });
            }
            Crossover::Uniform => breeder.fill(batch, children, stream, uniform),
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
            self.costs.push(self.kept_costs.cost(index));
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
