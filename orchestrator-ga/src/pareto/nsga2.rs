//! NSGA-II (Deb, Pratap, Agarwal and Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II", 2002).
//!
//! Parents and children compete together: the better front first, and in the front that does not fit the less crowded. It differs
//! from the paper in two points that cost nothing and make a better front: a child that is known already is not evaluated again, and
//! the most crowded are taken away one at a time (see [`Crowding::prune`]).

use orchestrator_core::{FastStream, ParameterSpace, Seed};
use serde::{Deserialize, Serialize};

use super::breed::{Breeder, start};
use super::crowding::Crowding;
use super::fronts::Fronts;
use super::objectives::{OBJECTIVES_MAX, Objectives};
use super::pool::{Members, Pool};
use super::search::ParetoSearch;
use super::vary::{Operators, Variation};
use crate::batch::Batch;
use crate::cost::Costs;
use crate::error::GaError;
use crate::genetic::POPULATION_MAX;
use crate::optimizer::{Optimizer, Population};
use crate::scratch::Scratch;
use crate::stop::Stop;

/// The settings of NSGA-II; the default is the paper's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Nsga2Config {
    /// How many candidates a generation has, at least 4, at most [`POPULATION_MAX`]: also how many points the front has in the end.
    /// The paper says 100.
    pub population: usize,
    /// How children are made.
    pub variation: Variation,
}

impl Default for Nsga2Config {
    fn default() -> Self {
        Nsga2Config { population: 100, variation: Variation::default() }
    }
}

impl Nsga2Config {
    /// Whether a search can run with these settings.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), GaError> {
        check_population(self.population, 4)?;
        self.variation.check()
    }
}

/// NSGA-II, for two or three objectives; beyond that crowding says little, see [`Nsga3`](super::Nsga3).
///
/// ```
/// use orchestrator_core::{ParameterSpace, Seed};
/// use orchestrator_ga::Stop;
/// use orchestrator_ga::pareto::{Nsga2, Nsga2Config, Objectives};
/// let objectives = Objectives::minimize(["mass", "cost"])?;
/// let space = ParameterSpace::uniform(2, 0.0, 1.0)?;
/// let mut search = Nsga2::search(space, objectives, Nsga2Config::default(), Seed(1), Stop::Generations(50))?;
/// let found = search.run(&|x: &[f64], values: &mut [f64]| {
///     values[0] = x[0] + x[1];
///     values[1] = (1.0 - x[0]).powi(2) + x[1];
/// })?;
/// assert!(found.front.iter().all(|trade_off| trade_off.point[1] < 0.1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SavedNsga2")]
pub struct Nsga2 {
    space: ParameterSpace,
    config: Nsga2Config,
    objectives: usize,
    seed: Seed,
    stream: FastStream,
    /// The start population, until it is asked for.
    start: Batch,
    warm_starts: usize,
    /// In the order of their fronts.
    members: Members,
    /// Of the members: follow from their costs, and are not written down.
    #[serde(skip)]
    ranks: Vec<u32>,
    #[serde(skip)]
    distances: Vec<f64>,
    #[serde(skip)]
    scratch: Scratch<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    operators: Option<Operators>,
    breeder: Breeder,
    fronts: Fronts,
    crowding: Crowding,
    pool: Pool,
    places: Vec<u32>,
}

impl Nsga2 {
    /// The algorithm from uniformly random points.
    ///
    /// # Errors
    /// When a setting is out of its range, or the number of objectives is.
    pub fn new(
        space: ParameterSpace,
        objectives: usize,
        config: Nsga2Config,
        seed: Seed,
    ) -> Result<Nsga2, GaError> {
        Nsga2::starting_from(space, objectives, config, seed, &[])
    }

    /// The algorithm with these points in its start population, the rest being uniformly random.
    ///
    /// # Errors
    /// When a setting is out of its range, a point is not in the space, or there are more points than the population holds.
    pub fn starting_from(
        space: ParameterSpace,
        objectives: usize,
        config: Nsga2Config,
        seed: Seed,
        points: &[Vec<f64>],
    ) -> Result<Nsga2, GaError> {
        config.check()?;
        check_objectives(objectives)?;
        let mut stream = seed.derive("nsga2").fast_stream();
        let start = start(&space, config.population, points, &mut stream)?;
        Ok(Nsga2 {
            members: Members::new(space.len(), objectives, config.population),
            space,
            config,
            objectives,
            seed,
            stream,
            start,
            warm_starts: points.len(),
            ranks: Vec::new(),
            distances: Vec::new(),
            scratch: Scratch::default(),
        })
    }

    /// A search by this algorithm.
    ///
    /// # Errors
    /// As [`Nsga2::new`] and [`ParetoSearch::new`].
    pub fn search(
        space: ParameterSpace,
        objectives: Objectives,
        config: Nsga2Config,
        seed: Seed,
        stop: Stop,
    ) -> Result<ParetoSearch<Nsga2>, GaError> {
        let method = Nsga2::new(space, objectives.len(), config, seed)?;
        ParetoSearch::new(method, objectives, stop)
    }

    /// The settings.
    pub fn config(&self) -> &Nsga2Config {
        &self.config
    }

    /// The front of every member, counted from 0.
    pub fn ranks(&self) -> &[u32] {
        &self.ranks
    }

    /// How lonely every member is in its front.
    pub fn crowding(&self) -> &[f64] {
        &self.distances
    }

    /// Ranks and distances of the members, in whatever order they are.
    fn measure(&mut self) {
        let Memory { fronts, crowding, .. } = &mut *self.scratch;
        fronts.sort(&self.members.costs);
        crowding.measure(&self.members.costs, fronts);
        self.ranks.extend_from_slice(fronts.ranks());
        self.distances.extend_from_slice(crowding.distances());
    }

    /// The same after a choice, which has sorted them already: they lie in the order of their fronts, and their ranks are the old
    /// ones, since whoever is chosen is chosen after all that dominate him.
    fn measure_chosen(&mut self) {
        let Nsga2 { members, ranks, distances, scratch, .. } = self;
        let Memory { fronts, crowding, pool, places, .. } = &mut **scratch;
        ranks.clear();
        ranks.extend(pool.chosen.iter().map(|&place| fronts.ranks()[place as usize]));
        places.clear();
        places.extend(0..ranks.len() as u32);
        crowding.start(ranks.len());
        for front in places.chunk_by(|&a, &b| ranks[a as usize] == ranks[b as usize]) {
            crowding.measure_front(&members.costs, front);
        }
        distances.clear();
        distances.extend_from_slice(crowding.distances());
    }
}

impl Optimizer for Nsga2 {
    fn space(&self) -> &ParameterSpace {
        &self.space
    }

    fn seed(&self) -> Seed {
        self.seed
    }

    fn objectives(&self) -> usize {
        self.objectives
    }

    fn ask(&mut self, batch: &mut Batch) {
        if self.members.points.is_empty() {
            std::mem::swap(batch, &mut self.start);
            return;
        }
        let Nsga2 { space, config, members, ranks, distances, stream, scratch, .. } = self;
        let better = |a: usize, b: usize| {
            ranks[a] < ranks[b] || (ranks[a] == ranks[b] && distances[a] > distances[b])
        };
        let Memory { operators, breeder, .. } = &mut **scratch;
        let operators = operators.get_or_insert_with(|| Operators::of(&config.variation, space));
        let count = config.population;
        breeder.breed(batch, &members.points, count, (operators, space), stream, better);
    }

    fn tell(&mut self, batch: &mut Batch, costs: &mut Costs) {
        let Memory { fronts, crowding, pool, .. } = &mut *self.scratch;
        let (merged, chosen) = pool.merge(&self.members.costs, costs);
        fronts.sort(merged);
        for rank in 0..fronts.len() {
            let front = fronts.front(rank);
            let room = self.config.population - chosen.len();
            if front.len() <= room {
                chosen.extend_from_slice(front);
            } else {
                chosen.extend_from_slice(crowding.prune(merged, front, room));
                break;
            }
        }
        pool.gather(&mut self.members, batch);
        self.measure_chosen();
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
struct SavedNsga2 {
    space: ParameterSpace,
    config: Nsga2Config,
    objectives: usize,
    seed: Seed,
    stream: FastStream,
    start: Batch,
    warm_starts: usize,
    members: Members,
}

impl TryFrom<SavedNsga2> for Nsga2 {
    type Error = String;

    fn try_from(saved: SavedNsga2) -> Result<Nsga2, String> {
        let SavedNsga2 { space, config, objectives, seed, stream, start, warm_starts, members } =
            saved;
        config.check().map_err(|error| error.to_string())?;
        check_objectives(objectives).map_err(|error| error.to_string())?;
        members.check(&space, objectives, config.population)?;
        check_start(&start, &space, config.population)?;
        let mut method = Nsga2 {
            space,
            config,
            objectives,
            seed,
            stream,
            start,
            warm_starts,
            members,
            ranks: Vec::new(),
            distances: Vec::new(),
            scratch: Scratch::default(),
        };
        method.measure();
        Ok(method)
    }
}

pub(super) fn check_population(population: usize, min: usize) -> Result<(), GaError> {
    if (min..=POPULATION_MAX).contains(&population) {
        return Ok(());
    }
    let (min, max) = (min as f64, POPULATION_MAX as f64);
    Err(GaError::Setting { setting: "population", value: population as f64, min, max })
}

pub(super) fn check_objectives(objectives: usize) -> Result<(), GaError> {
    if (2..=OBJECTIVES_MAX).contains(&objectives) {
        return Ok(());
    }
    let (value, max) = (objectives as f64, OBJECTIVES_MAX as f64);
    Err(GaError::Setting { setting: "objectives", value, min: 2.0, max })
}

/// Whether a start population that was read can be one that was written.
pub(super) fn check_start(
    start: &Batch,
    space: &ParameterSpace,
    population: usize,
) -> Result<(), &'static str> {
    if start.dimension() != space.len()
        || start.len() > population
        || start.points().any(|point| space.check(point).is_err())
    {
        return Err("the method is damaged: its start population is not in the space");
    }
    Ok(())
}
