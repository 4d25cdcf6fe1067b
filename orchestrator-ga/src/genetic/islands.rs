//! Several populations that breed apart and now and then send their best to a neighbour.
//!
//! The island model (Tanese, "Distributed genetic algorithms", 1989; Whitley, Rana and Heckendorn, "The island model genetic algorithm:
//! on separability, population size and convergence", 1999). Islands converge to different places, and what one has found reaches
//! the others one by one. All islands hand out their candidates in one batch, so there is nothing to synchronise: the result
//! does not depend on who evaluates what and when.

use orchestrator_core::{ParameterSpace, Seed};
use serde::{Deserialize, Serialize};

use super::Ga;
use super::config::{GENERATIONS_MAX, GaConfig, POPULATION_MAX};
use crate::batch::Batch;
use crate::cost::Costs;
use crate::error::GaError;
use crate::optimizer::{Optimizer, Population};
use crate::search::Search;
use crate::start::check_start_points;
use crate::stop::Stop;

/// The most islands; together they hold at most [`POPULATION_MAX`] candidates.
pub const ISLANDS_MAX: usize = 1000;

/// How many islands there are, and what passes between them. They form a ring: each sends to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Migration {
    /// How many, 2 to [`ISLANDS_MAX`]. Four are different enough to be worth it.
    pub islands: usize,
    /// Every how many generations, at least 1. Ten leave an island the time to get somewhere of its own.
    pub every: u32,
    /// How many of the best are copied, in place of the neighbour's worst: 1 to half of the population. One is enough to spread what is better.
    pub migrants: usize,
}

impl Default for Migration {
    fn default() -> Migration {
        Migration { islands: 4, every: 10, migrants: 1 }
    }
}

impl Migration {
    fn check(&self, config: &GaConfig) -> Result<(), GaError> {
        let Migration { islands, every, migrants } = *self;
        GaError::check_setting("islands", islands as f64, 2.0, ISLANDS_MAX as f64)?;
        GaError::check_setting("every", f64::from(every), 1.0, f64::from(GENERATIONS_MAX))?;
        let half = config.sizing.least(config.population) / 2;
        GaError::check_setting("migrants", migrants as f64, 1.0, half as f64)?;
        let all = islands * config.sizing.most(config.population);
        let most = POPULATION_MAX as f64;
        GaError::check_setting("the candidates of all islands", all as f64, 2.0, most)
    }
}

/// Genetic algorithms side by side, with migration. A method that is chosen when the program is written: it is no
/// [`Method`](crate::Method), so a task cannot ask a worker for it.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Seed};
/// use orchestrator_ga::{GaConfig, Islands, Migration};
/// let space = ParameterSpace::uniform(3, -5.0, 5.0)?;
/// let mut search = Islands::search(space, GaConfig::documents(), Migration::default(), Seed(7))?;
/// let found = search.run(&|x: &[f64]| -x.iter().map(|v| v * v).sum::<f64>())?;
/// assert!(found.final_fitness > -0.1);
/// assert!(found.evaluations <= 4 * 20 * 31);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct Islands {
    migration: Migration,
    seed: Seed,
    islands: Vec<Ga>,
    /// How many candidates of the batch that waits are each island's.
    asked: Vec<usize>,
    /// How many generations were told.
    told: u32,
    /// The populations of all, side by side.
    #[serde(skip_serializing)]
    points: Batch,
    #[serde(skip_serializing)]
    costs: Costs,
    /// An island's part of a batch, or the travellers of one migration.
    #[serde(skip_serializing)]
    memory: Memory,
}

#[derive(Debug, Clone)]
struct Memory {
    points: Batch,
    costs: Costs,
    ranking: Vec<usize>,
}

impl PartialEq for Memory {
    /// It holds nothing from one call to the next.
    fn eq(&self, _: &Memory) -> bool {
        true
    }
}

impl Islands {
    /// The islands, each from uniformly random points of its own.
    ///
    /// # Errors
    /// When a setting is out of its range.
    pub fn new(
        space: ParameterSpace,
        config: GaConfig,
        migration: Migration,
        seed: Seed,
    ) -> Result<Islands, GaError> {
        Islands::starting_from(space, config, migration, seed, &[])
    }

    /// The same with these points in the start populations, given out in turn.
    ///
    /// # Errors
    /// When a setting is out of its range, a point is not in the space, or there are more points than the populations hold.
    pub fn starting_from(
        space: ParameterSpace,
        config: GaConfig,
        migration: Migration,
        seed: Seed,
        points: &[Vec<f64>],
    ) -> Result<Islands, GaError> {
        config.check()?;
        migration.check(&config)?;
        check_start_points(&space, points, migration.islands * config.population)?;
        let islands = (0..migration.islands).map(|island| {
            let own: Vec<Vec<f64>> =
                points.iter().skip(island).step_by(migration.islands).cloned().collect();
            let seed = seed.derive("island").index(island as u64);
            Ga::starting_from(space.clone(), config.clone(), seed, &own)
        });
        let islands = islands.collect::<Result<Vec<_>, _>>()?;
        Ok(Islands::of(islands, migration, seed, Vec::new(), 0))
    }

    /// A search over [`GaConfig::generations`].
    ///
    /// # Errors
    /// As [`Islands::new`].
    pub fn search(
        space: ParameterSpace,
        config: GaConfig,
        migration: Migration,
        seed: Seed,
    ) -> Result<Search<Islands>, GaError> {
        let stop = Stop::Generations(config.generations);
        Search::new(Islands::new(space, config, migration, seed)?, stop)
    }

    /// The islands, in the order of the ring.
    pub fn islands(&self) -> &[Ga] {
        &self.islands
    }

    /// What passes between them.
    pub fn migration(&self) -> &Migration {
        &self.migration
    }

    fn of(
        islands: Vec<Ga>,
        migration: Migration,
        seed: Seed,
        asked: Vec<usize>,
        told: u32,
    ) -> Islands {
        let dimension = islands[0].space.len();
        let mut all = Islands {
            migration,
            seed,
            islands,
            asked,
            told,
            points: Batch::new(dimension),
            costs: Costs::new(1),
            memory: Memory {
                points: Batch::new(dimension),
                costs: Costs::new(1),
                ranking: Vec::new(),
            },
        };
        all.gather();
        all
    }

    /// Copies the best of each island over the worst of the next. All set out before any arrives.
    fn migrate(&mut self) {
        let Memory { points, costs, ranking } = &mut self.memory;
        points.clear();
        costs.clear();
        let migrants = self.migration.migrants;
        for island in &self.islands {
            island.costs.ranking(ranking);
            for &place in ranking.iter().take(migrants) {
                points.push(island.points.point(place));
                costs.push(island.costs.cost(place));
            }
        }
        let count = self.islands.len();
        for (index, island) in self.islands.iter_mut().enumerate() {
            let sender = (index + count - 1) % count;
            island.costs.ranking(ranking);
            for (which, &place) in ranking.iter().rev().take(migrants).enumerate() {
                let traveller = sender * migrants + which;
                island.points.point_mut(place).copy_from_slice(points.point(traveller));
                island.costs.set(place, costs.cost(traveller));
            }
            island.welcome();
        }
    }

    fn gather(&mut self) {
        self.points.clear();
        self.costs.clear();
        for island in &self.islands {
            for (index, point) in island.points.points().enumerate() {
                self.points.push(point);
                self.costs.push(island.costs.cost(index));
            }
        }
    }
}

impl Optimizer for Islands {
    fn space(&self) -> &ParameterSpace {
        &self.islands[0].space
    }

    fn seed(&self) -> Seed {
        self.seed
    }

    fn ask(&mut self, batch: &mut Batch) {
        self.asked.clear();
        let part = &mut self.memory.points;
        for island in &mut self.islands {
            part.clear();
            island.ask(part);
            self.asked.push(part.len());
            part.points().for_each(|point| {
                batch.push(point);
            });
        }
    }

    /// The points are given out in turn, so that no island has all of them.
    fn start_from(&mut self, points: &[Vec<f64>], batch: &mut Batch) {
        let (islands, population) = (self.islands.len(), self.islands[0].config.population);
        for (index, point) in points.iter().enumerate() {
            let place = (index % islands) * population + index / islands;
            batch.point_mut(place).copy_from_slice(point);
        }
    }

    fn tell(&mut self, batch: &mut Batch, costs: &mut Costs) {
        let Memory { points: part, costs: part_costs, .. } = &mut self.memory;
        let mut next = 0;
        for (island, &asked) in self.islands.iter_mut().zip(&self.asked) {
            part.clear();
            part_costs.clear();
            for place in next..(next + asked).min(batch.len()) {
                part.push(batch.point(place));
                part_costs.push(costs.cost(place));
            }
            next += asked;
            island.tell(part, part_costs);
        }
        // The start populations travel nowhere: generations are counted from those that were bred.
        if self.told > 0 && self.told.is_multiple_of(self.migration.every) {
            self.migrate();
        }
        self.told = self.told.saturating_add(1);
        self.gather();
    }

    fn warm_starts(&self) -> usize {
        self.islands.iter().map(|island| island.warm_starts).sum()
    }

    fn population(&self) -> Population<'_> {
        Population { points: &self.points, costs: &self.costs }
    }
}

/// The fields of [`Islands`], believed nothing yet.
#[derive(Deserialize)]
struct Written {
    migration: Migration,
    seed: Seed,
    islands: Vec<Ga>,
    asked: Vec<usize>,
    told: u32,
}

impl TryFrom<Written> for Islands {
    type Error = GaError;

    fn try_from(written: Written) -> Result<Islands, GaError> {
        let Written { migration, seed, islands, asked, told } = written;
        let damaged = |what| Err(GaError::Damaged { what });
        let Some(first) = islands.first() else { return damaged("there is no island") };
        migration.check(&first.config)?;
        if islands.len() != migration.islands {
            return damaged("there are more or fewer islands than their settings say");
        }
        if islands.iter().any(|island| island.space != first.space || island.config != first.config)
        {
            return damaged("the islands differ in space or settings");
        }
        let most = first.config.sizing.most(first.config.population);
        if !(asked.is_empty() || asked.len() == islands.len())
            || asked.iter().any(|&n| n > 2 * POPULATION_MAX + most)
        {
            return damaged("the parts of the batch are not those of the islands");
        }
        Ok(Islands::of(islands, migration, seed, asked, told))
    }
}
