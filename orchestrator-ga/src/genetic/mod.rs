//! The generational genetic algorithm (Holland, "Adaptation in natural and artificial systems", 1975) over a dense population.
//!
//! A generation is bred (`breed`), evaluated elsewhere, and survives (`survive`). Two populations lie in two blocks of memory that
//! change roles every generation. A child that is one of its parents again keeps that parent's cost and is never handed out. Nothing
//! is allocated once all blocks have their size. Each kind of selection, crossover, mutation and so on is a choice in [`GaConfig`]
//! with a file of its own; the operators work on slices of coordinates, in the [`Layout`] of the space.

mod adaptation;
mod breed;
mod config;
mod crossover;
mod dense;
mod duplicates;
mod islands;
mod layout;
mod mutation;
mod niching;
mod replacement;
mod saved;
mod selection;
mod survive;

use orchestrator_core::{FastStream, ParameterSpace, Seed};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::cost::Costs;
use crate::error::GaError;
use crate::optimizer::{Optimizer, Population};
use crate::scratch::Scratch;
use crate::search::Search;
use crate::start::check_start_points;
use crate::stop::Stop;

pub use adaptation::{RateControl, Sizing, StepControl};
pub use config::{DOCUMENT_GENERATIONS, GENERATIONS_MAX, GaConfig, POPULATION_MAX};
pub use crossover::{Crossover, OrderCrossover};
pub use duplicates::Duplicates;
pub use islands::{ISLANDS_MAX, Islands, Migration};
pub use mutation::{Mutation, OrderMutation};
pub use niching::Niching;
pub use replacement::Replacement;
pub use selection::Selection;

use crossover::OrderScratch;
use duplicates::Seen;
use layout::Layout;
use selection::Pool;

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
#[serde(try_from = "saved::Written")]
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
    /// How many candidates the population has, or will have when the generation that is bred survives.
    size: usize,
    /// Of each child that was handed out, but for immigrants: the place of the parent that it competes with; empty when none does.
    rivals: Vec<usize>,
    /// What the success rule multiplies the mutation step by.
    step_scale: f64,
    /// The best cost so far, and for how many generations there was none better.
    best: Costs,
    unimproved: u32,
    #[serde(skip_serializing)]
    layout: Layout,
    #[serde(skip_serializing)]
    memory: Scratch<Memory>,
}

/// Memory that is used again. It holds nothing from one generation to the next.
#[derive(Debug, Default)]
struct Memory {
    ranking: Vec<usize>,
    pool: Pool,
    niches: Vec<f64>,
    orders: OrderScratch,
    seen: Seen,
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
        check_start_points(&space, points, config.population)?;
        let dimension = space.len();
        let mut ga = Ga {
            layout: Layout::of(&space),
            memory: Scratch::default(),
            size: config.population,
            rivals: Vec::new(),
            step_scale: 1.0,
            best: Costs::new(1),
            unimproved: 0,
            space,
            seed,
            stream: seed.derive("breed").fast_stream(),
            points: Batch::with_capacity(dimension, config.population),
            costs: Costs::new(1),
            kept: Batch::with_capacity(dimension, config.population),
            kept_costs: Costs::with_capacity(1, config.population),
            start: Batch::with_capacity(dimension, config.population),
            warm_starts: points.len(),
            bred: 0,
            config,
        };
        ga.fill_start(points);
        Ok(ga)
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
        self.survive(batch, costs);
    }

    fn warm_starts(&self) -> usize {
        self.warm_starts
    }

    fn population(&self) -> Population<'_> {
        Population { points: &self.points, costs: &self.costs }
    }
}
