//! NSGA-III (Deb and Jain, "An evolutionary many-objective optimization algorithm using reference-point-based nondominated sorting
//! approach, part I", 2014).
//!
//! As NSGA-II, but the front that does not fit is cut so that every direction of a given set has its candidate. The objectives are
//! brought to one scale by the plane through the extreme points; where there is none, by the range of the front.

use orchestrator_core::{FastStream, ParameterSpace, Seed};
use serde::{Deserialize, Serialize};

use super::breed::{Breeder, start};
use super::directions::Directions;
use super::fronts::Fronts;
use super::niches::{Niches, Scale, ScaleMemory};
use super::nsga2::{check_population, check_start};
use super::objectives::Objectives;
use super::pool::{Members, Pool};
use super::search::ParetoSearch;
use super::vary::{Operators, Variation};
use crate::batch::Batch;
use crate::cost::Costs;
use crate::error::GaError;
use crate::optimizer::{Optimizer, Population};
use crate::scratch::Scratch;
use crate::stop::Stop;

/// The settings of NSGA-III; the default is the paper's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Nsga3Config {
    /// How many candidates a generation has, at least 4. Unless you say otherwise the least multiple of four that is not below the
    /// number of directions: 92 for the 91 directions of three objectives.
    pub population: Option<usize>,
    /// How children are made. The paper crosses every pair, with η = 30: parents of a wide front are far from each other.
    pub variation: Variation,
}

impl Default for Nsga3Config {
    fn default() -> Self {
        let variation =
            Variation { crossover_rate: 1.0, crossover_eta: 30.0, ..Variation::default() };
        Nsga3Config { population: None, variation }
    }
}

impl Nsga3Config {
    /// Whether a search can run with these settings.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), GaError> {
        if let Some(population) = self.population {
            check_population(population, 4)?;
        }
        self.variation.check()
    }
}

/// NSGA-III, for three objectives and more.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Seed};
/// use orchestrator_ga::Stop;
/// use orchestrator_ga::pareto::{Directions, Nsga3, Nsga3Config, Objectives};
/// let space = ParameterSpace::uniform(3, 0.0, 1.0)?;
/// let objectives = Objectives::minimize(["a", "b", "c"])?;
/// let directions = Directions::of(3)?;
/// let mut search = Nsga3::search(space, objectives, directions, Nsga3Config::default(), Seed(1), Stop::Generations(60))?;
/// let found = search.run(&|x: &[f64], values: &mut [f64]| {
///     for (value, wanted) in values.iter_mut().zip([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]) {
///         *value = (x[0] - wanted[0]).powi(2) + (x[1] - wanted[1]).powi(2) + x[2];
///     }
/// })?;
/// assert!(found.front.len() > 60);
/// assert!(found.front.iter().all(|trade_off| trade_off.point[2] < 0.2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SavedNsga3")]
pub struct Nsga3 {
    space: ParameterSpace,
    config: Nsga3Config,
    directions: Directions,
    seed: Seed,
    stream: FastStream,
    /// The start population, until it is asked for.
    start: Batch,
    warm_starts: usize,
    members: Members,
    scale: Scale,
    #[serde(skip)]
    scratch: Scratch<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    operators: Option<Operators>,
    breeder: Breeder,
    fronts: Fronts,
    scale: ScaleMemory,
    niches: Niches,
    pool: Pool,
}

impl Nsga3 {
    /// The algorithm from uniformly random points, with as many objectives as the directions have.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn new(
        space: ParameterSpace,
        directions: Directions,
        config: Nsga3Config,
        seed: Seed,
    ) -> Result<Nsga3, GaError> {
        Nsga3::starting_from(space, directions, config, seed, &[])
    }

    /// The algorithm with these points in its start population, the rest being uniformly random.
    ///
    /// # Errors
    /// When a setting is out of its range, a point is not in the space, or there are more points than the population holds.
    pub fn starting_from(
        space: ParameterSpace,
        directions: Directions,
        config: Nsga3Config,
        seed: Seed,
        points: &[Vec<f64>],
    ) -> Result<Nsga3, GaError> {
        config.check()?;
        let population = population(&config, &directions)?;
        let mut stream = seed.derive("nsga3").fast_stream();
        let start = start(&space, population, points, &mut stream)?;
        Ok(Nsga3 {
            members: Members::new(space.len(), directions.objectives(), population),
            space,
            config,
            directions,
            seed,
            stream,
            start,
            warm_starts: points.len(),
            scale: Scale::default(),
            scratch: Scratch::default(),
        })
    }

    /// A search by this algorithm.
    ///
    /// # Errors
    /// As [`Nsga3::new`] and [`ParetoSearch::new`].
    pub fn search(
        space: ParameterSpace,
        objectives: Objectives,
        directions: Directions,
        config: Nsga3Config,
        seed: Seed,
        stop: Stop,
    ) -> Result<ParetoSearch<Nsga3>, GaError> {
        ParetoSearch::new(Nsga3::new(space, directions, config, seed)?, objectives, stop)
    }

    /// The settings.
    pub fn config(&self) -> &Nsga3Config {
        &self.config
    }

    /// The directions of the front.
    pub fn directions(&self) -> &Directions {
        &self.directions
    }

    /// How many candidates a generation has.
    pub fn population_size(&self) -> usize {
        population(&self.config, &self.directions).expect("it was checked when the method was made")
    }
}

/// How many candidates a generation has.
fn population(config: &Nsga3Config, directions: &Directions) -> Result<usize, GaError> {
    let population = config.population.unwrap_or(directions.len().next_multiple_of(4));
    check_population(population, 4)?;
    Ok(population)
}

impl Optimizer for Nsga3 {
    fn space(&self) -> &ParameterSpace {
        &self.space
    }

    fn seed(&self) -> Seed {
        self.seed
    }

    fn objectives(&self) -> usize {
        self.directions.objectives()
    }

    fn ask(&mut self, batch: &mut Batch) {
        if self.members.points.is_empty() {
            std::mem::swap(batch, &mut self.start);
            return;
        }
        let count = self.population_size();
        let Nsga3 { space, config, members, stream, scratch, .. } = self;
        // Among feasible ones the paper lets chance decide: the population is all of one worth.
        let costs = &members.costs;
        let better = |a: usize, b: usize| costs.violation(a) < costs.violation(b);
        let Memory { operators, breeder, .. } = &mut **scratch;
        let operators = operators.get_or_insert_with(|| Operators::of(&config.variation, space));
        breeder.breed(batch, &members.points, count, (operators, space), stream, better);
    }

    fn tell(&mut self, batch: &mut Batch, costs: &mut Costs) {
        let population = self.population_size();
        let Memory { fronts, scale, niches, pool, .. } = &mut *self.scratch;
        let (merged, chosen) = pool.merge(&self.members.costs, costs);
        fronts.sort(merged);
        let feasible = |rank: usize| merged.violation(fronts.front(rank)[0] as usize) == 0.0;
        if !fronts.is_empty() && feasible(0) {
            self.scale.learn(merged, fronts.front(0), scale);
        }
        for rank in 0..fronts.len() {
            let front = fronts.front(rank);
            let room = population - chosen.len();
            if front.len() <= room {
                chosen.extend_from_slice(front);
                continue;
            }
            if feasible(rank) {
                let by = (&self.scale, &*scale);
                let stream = &mut self.stream;
                niches.choose(merged, by, &self.directions, chosen, front, room, stream);
            } else {
                // They break the constraints equally far.
                chosen.extend_from_slice(&front[..room]);
            }
            break;
        }
        pool.gather(&mut self.members, batch);
    }

    fn population(&self) -> Population<'_> {
        self.members.view()
    }

    fn warm_starts(&self) -> usize {
        self.warm_starts
    }
}

/// The same, as it is read.
#[derive(Deserialize)]
struct SavedNsga3 {
    space: ParameterSpace,
    config: Nsga3Config,
    directions: Directions,
    seed: Seed,
    stream: FastStream,
    start: Batch,
    warm_starts: usize,
    members: Members,
    scale: Scale,
}

impl TryFrom<SavedNsga3> for Nsga3 {
    type Error = String;

    fn try_from(saved: SavedNsga3) -> Result<Nsga3, String> {
        let SavedNsga3 {
            space,
            config,
            directions,
            seed,
            stream,
            start,
            warm_starts,
            members,
            scale,
        } = saved;
        config.check().map_err(|error| error.to_string())?;
        let population = population(&config, &directions).map_err(|error| error.to_string())?;
        members.check(&space, directions.objectives(), population)?;
        scale.check(directions.objectives())?;
        check_start(&start, &space, population)?;
        Ok(Nsga3 {
            space,
            config,
            directions,
            seed,
            stream,
            start,
            warm_starts,
            members,
            scale,
            scratch: Scratch::default(),
        })
    }
}
