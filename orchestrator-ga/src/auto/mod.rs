//! The method for whoever does not want to choose one: it picks and chains the others by the kind of the space, its dimension and the budget.
//!
//! Over up to 20 real parameters it is differential evolution whose every generation also asks some quadratic models of the cost, in
//! the manner of Hansen's "A global surrogate assisted CMA-ES" (2019), and at the end a descent by the same models. Over more it is CMA-ES. A
//! budget that is large is spent in rounds, each twice as long as the one before, in which the two take turns. Whatever is not real, and
//! what has hardly any budget, is left to the genetic algorithm.
//!
//! Nothing here knows a function by its name or looks along the axes: a turned problem is the same problem, but for the
//! crossover of differential evolution. What was evaluated is handed on with its cost and never evaluated again in a round.

mod dense;
mod descent;
mod door;
mod evidence;
mod model;
mod plan;
mod saved;
mod workspace;

use orchestrator_core::{FastStream, ParameterSpace, Seed};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::cma::{CmaConfig, CmaEs, Restarts};
use crate::cost::Costs;
use crate::differential::De;
use crate::error::GaError;
use crate::genetic::{GENERATIONS_MAX, Ga, GaConfig};
use crate::optimizer::{Optimizer, Population};
use crate::search::Search;
use crate::stop::Stop;

use descent::Descent;
use evidence::Evidence;
use model::coefficients;
use plan::Choice;
use workspace::Workspace;

pub use door::{maximize, minimize};

/// The method that picks and chains the others. It has no settings but the budget.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Seed};
/// use orchestrator_ga::Auto;
/// let space = ParameterSpace::uniform(3, -5.0, 5.0)?;
/// let valley = |x: &[f64]| -(1.0 - x[0]).powi(2) - 10.0 * (x[1] - x[0] * x[0]).powi(2) - x[2] * x[2];
/// let found = Auto::search(space, 400, Seed(7))?.run(&valley)?;
/// assert!(found.final_fitness > -1e-6 && found.evaluations == 400);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "saved::Saved")]
pub struct Auto {
    space: ParameterSpace,
    seed: Seed,
    stream: FastStream,
    /// The budget, how much of it was used, and where the round ends.
    evaluations: u64,
    used: u64,
    round: u32,
    round_start: u64,
    round_end: u64,
    stage: Stage,
    /// What the models of this round are fitted to.
    evidence: Evidence,
    /// How many of the last points of the waiting batch the models asked for.
    of_models: usize,
    /// How many generations ago the models were asked last.
    since_models: u32,
    #[serde(skip)]
    workspace: Workspace,
}

/// What a round is at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    Genetic(Box<Ga>),
    Covariance(Box<CmaEs>),
    /// Differential evolution with models, and what follows it. The population stays during the descent, for what is measured of
    /// it, and takes what the descent finds.
    Modelled(Box<De>, Option<Descent>),
}

impl Auto {
    /// The method for so many evaluations: the budget that the search will have. All is planned by it: a search that has more may end
    /// as [`Converged`](crate::StopReason::Converged) soon after, and for a longer one the method is made anew, started from what was found
    /// ([`Search::start_from`]).
    ///
    /// # Errors
    /// When the budget is zero, or the space is larger than CMA-ES can hold
    /// ([`CMA_DIMENSION_MAX`](crate::CMA_DIMENSION_MAX)).
    pub fn new(space: ParameterSpace, evaluations: u64, seed: Seed) -> Result<Auto, GaError> {
        Stop::Evaluations(evaluations).check()?;
        let round_end = plan::share(space.len(), 0, evaluations);
        let stage = Stage::of_round(&space, evaluations, round_end, seed, 0)?;
        Ok(Auto {
            stream: seed.derive("auto").fast_stream(),
            evidence: Evidence::new(space.len()),
            workspace: Workspace::new(&space),
            used: 0,
            round: 0,
            round_start: 0,
            round_end,
            stage,
            of_models: 0,
            since_models: 0,
            space,
            seed,
            evaluations,
        })
    }

    /// A search by this method that uses exactly this budget.
    ///
    /// # Errors
    /// As [`Auto::new`].
    pub fn search(
        space: ParameterSpace,
        evaluations: u64,
        seed: Seed,
    ) -> Result<Search<Auto>, GaError> {
        Search::new(Auto::new(space, evaluations, seed)?, Stop::Evaluations(evaluations))
    }

    /// Goes on to the descent or to the next round, when it is time.
    fn advance(&mut self) {
        if let Stage::Modelled(de, None) = &self.stage {
            let length = (self.round_end - self.round_start) as f64;
            let until = self.round_start + (plan::EXPLORING * length) as u64;
            if self.used >= until || is_settled(de) {
                self.descend();
            }
        }
        if self.used < self.evaluations && self.round_is_over() {
            self.next_round();
        }
    }

    fn round_is_over(&self) -> bool {
        let settled = match &self.stage {
            // The only stage of its search.
            Stage::Genetic(_) => return false,
            Stage::Covariance(cma) => cma.converged(),
            Stage::Modelled(_, Some(descent)) => descent.is_over(),
            Stage::Modelled(_, None) => false,
        };
        settled || self.used >= self.round_end
    }

    /// Starts the descent, when there is anything to descend from.
    fn descend(&mut self) {
        let (Some(best), Stage::Modelled(_, descent)) = (self.evidence.best(), &mut self.stage)
        else {
            return;
        };
        // So large that the descent finds its first points in the evidence.
        let Workspace { near, scales, .. } = &mut self.workspace;
        let count = 2 * self.space.len() + 1;
        self.evidence.nearest(best, scales, (count, f64::INFINITY), near);
        *descent = Some(Descent::new(near.last().map_or(0.0, |(distance, _)| *distance)));
    }

    fn next_round(&mut self) {
        let left = self.evaluations - self.used;
        let share = plan::share(self.space.len(), self.round + 1, left);
        let stage =
            Stage::of_round(&self.space, self.evaluations, share, self.seed, self.round + 1);
        // The first round could be made in this space, so this one can; if not, the old one goes on.
        if let Ok(stage) = stage {
            self.round = self.round.saturating_add(1);
            self.round_start = self.used;
            self.round_end = self.used + share;
            self.stage = stage;
            self.evidence.clear();
        }
    }

    /// Adds what the models ask for.
    fn ask_models(&mut self, batch: &mut Batch) {
        let n = self.space.len();
        let Some(best) = self.evidence.best() else { return };
        for &(multiple, reach) in plan::models(n) {
            let count = ((multiple * coefficients(n) as f64) as usize).max(2 * n + 1);
            let Workspace { near, scales, .. } = &mut self.workspace;
            self.evidence.nearest(best, scales, (count, f64::INFINITY), near);
            let size = batch.len();
            if near.len() < 2 * n + 1 || !self.ask_model(best, reach, batch) {
                continue;
            }
            let point = batch.point(size);
            let known = batch.points().take(size).any(|other| other == point);
            if known || self.evidence.contains(point) {
                batch.truncate(size);
            } else {
                self.of_models += 1;
            }
        }
    }

    /// Adds the least point of the model of the points near the best, as far as it may go.
    fn ask_model(&mut self, best: usize, reach: f64, batch: &mut Batch) -> bool {
        let Auto { evidence, workspace, space, .. } = self;
        let least = evidence.value(best);
        let radius = workspace.near.last().map_or(0.0, |(distance, _)| *distance);
        let rises = workspace.near.iter().map(|&(_, place)| evidence.value(place) - least);
        workspace.values.clear();
        workspace.values.extend(rises);
        let half = workspace.values.len() / 2;
        let (_, median, _) = workspace.values.select_nth_unstable_by(half, f64::total_cmp);
        workspace.spread = median.max(f64::MIN_POSITIVE);
        if radius <= 0.0 || !workspace.spread.is_finite() {
            return false;
        }
        workspace.model.clear(space.len());
        for at in 0..workspace.near.len() {
            let (_, place) = workspace.near[at];
            workspace.measure(evidence, best, place, radius);
            let value = (evidence.value(place) - least) / workspace.spread;
            // What costs much says little of where costs are little.
            workspace.model.add(&workspace.offset, value, 1.0 / (1.0 + value).powi(2));
        }
        if !workspace.model.fit() {
            return false;
        }
        let Some((step, _)) = workspace.model.step(reach) else { return false };
        workspace.offset.clear();
        workspace.offset.extend_from_slice(step);
        workspace.place(space, evidence.point(best), radius, batch);
        true
    }
}

impl Stage {
    /// The stage that a round starts with.
    fn of_round(
        space: &ParameterSpace,
        evaluations: u64,
        share: u64,
        seed: Seed,
        round: u32,
    ) -> Result<Stage, GaError> {
        let seed = seed.derive("round").index(u64::from(round));
        match plan::choice(space, evaluations, round) {
            Choice::Genetic => {
                let preset = GaConfig::documents();
                let generations = evaluations / preset.population as u64;
                let generations = u32::try_from(generations).unwrap_or(u32::MAX);
                let generations = generations.clamp(1, GENERATIONS_MAX);
                Ga::new(space.clone(), GaConfig { generations, ..preset }, seed)
                    .map(|ga| Stage::Genetic(Box::new(ga)))
            }
            Choice::Modelled => {
                let config = plan::differential(space.len(), share);
                De::new(space.clone(), config, seed).map(|de| Stage::Modelled(Box::new(de), None))
            }
            Choice::Covariance => {
                let config = CmaConfig { restarts: Restarts::Bipop, ..CmaConfig::default() };
                CmaEs::new(space.clone(), config, seed).map(|cma| Stage::Covariance(Box::new(cma)))
            }
        }
    }
}

impl Optimizer for Auto {
    fn space(&self) -> &ParameterSpace {
        &self.space
    }

    fn seed(&self) -> Seed {
        self.seed
    }

    fn ask(&mut self, batch: &mut Batch) {
        self.advance();
        self.of_models = 0;
        match &mut self.stage {
            Stage::Genetic(ga) => ga.ask(batch),
            Stage::Covariance(cma) => cma.ask(batch),
            Stage::Modelled(de, None) => {
                de.ask(batch);
                self.since_models += 1;
                let length = self.round_end - self.round_start;
                if self.since_models >= plan::models_every(self.space.len(), length) {
                    self.since_models = 0;
                    self.ask_models(batch);
                }
            }
            Stage::Modelled(_, Some(descent)) => {
                // A descent is started from a best point, and the evidence only grows better.
                let Some(best) = self.evidence.best() else { return };
                let Auto { space, evidence, workspace, stream, .. } = self;
                descent.ask(space, evidence, best, workspace, stream, batch);
            }
        }
    }

    fn start_from(&mut self, points: &[Vec<f64>], batch: &mut Batch) {
        match &mut self.stage {
            Stage::Genetic(ga) => ga.start_from(points, batch),
            Stage::Covariance(cma) => cma.start_from(points, batch),
            Stage::Modelled(de, _) => de.start_from(points, batch),
        }
    }

    fn tell(&mut self, batch: &mut Batch, costs: &mut Costs) {
        self.used = self.used.saturating_add(batch.len() as u64);
        let before = self.evidence.best().map_or(f64::INFINITY, |best| self.evidence.value(best));
        if let Stage::Modelled(..) = &self.stage {
            for (index, point) in batch.points().enumerate() {
                self.evidence.add(point, costs.cost(index));
            }
        }
        match &mut self.stage {
            Stage::Genetic(ga) => ga.tell(batch, costs),
            Stage::Covariance(cma) => cma.tell(batch, costs),
            Stage::Modelled(de, Some(descent)) => {
                if !batch.is_empty() {
                    descent.tell(before, costs);
                }
                for (index, point) in batch.points().enumerate() {
                    de.adopt(point, costs.cost(index));
                }
            }
            Stage::Modelled(de, None) => {
                let own = batch.len().saturating_sub(self.of_models);
                let Workspace { asked, asked_costs, .. } = &mut self.workspace;
                asked.clear();
                asked_costs.truncate(0);
                for index in own..batch.len() {
                    asked.push(batch.point(index));
                    asked_costs.push(costs.cost(index));
                }
                batch.truncate(own);
                costs.truncate(own);
                de.tell(batch, costs);
                for (index, point) in asked.points().enumerate() {
                    de.adopt(point, asked_costs.cost(index));
                }
            }
        }
    }

    fn population(&self) -> Population<'_> {
        match &self.stage {
            Stage::Genetic(ga) => ga.population(),
            Stage::Covariance(cma) => cma.population(),
            Stage::Modelled(de, _) => de.population(),
        }
    }

    fn converged(&self) -> bool {
        self.used >= self.evaluations && self.round_is_over()
    }
}

/// Whether the members differ in cost by no more than rounding does, or not at all.
fn is_settled(de: &De) -> bool {
    const ROUNDING: f64 = 1e-13;
    let costs = de.population().costs;
    let Some(best) = costs.best().map(|best| costs.cost(best)) else { return false };
    let near = |at| {
        let cost = costs.cost(at);
        cost.is_feasible() && cost.value - best.value <= ROUNDING * best.value.abs()
    };
    de.converged() || (0..costs.len()).all(near)
}
