//! CMA-ES: a normal distribution that learns from ranks where to look and in which shape (Hansen, "The CMA evolution strategy:
//! a tutorial", arXiv 1604.00772, 2023), with active covariance update and BIPOP restarts.
//!
//! It works in inner coordinates, in which every parameter has width 1 and no bounds (`frame`), so that neither the units of
//! the parameters nor their bounds matter to it. The distribution learns from the order of the costs alone: a candidate that
//! breaks a constraint ranks behind those that break none, a failed one behind all. A generation none of whose candidates could
//! be evaluated teaches nothing.
//!
//! Between the generations a quadratic model may propose steps of its own (`local`).
//!
//! Once its buffers have their size, nothing is allocated but by what is done once in a while: decompositions, restarts, the
//! look at stagnation, and the steps of the model.

mod config;
mod convergence;
mod distribution;
mod frame;
mod local;
mod quadratic;
mod restarts;
mod saved;
mod strategy;

use orchestrator_core::{Domain, FastStream, ParameterSpace, Seed};
use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::cost::{Cost, Costs};
use crate::error::GaError;
use crate::optimizer::{Optimizer, Population};

pub use config::{CMA_DIMENSION_MAX, CmaConfig, RESTARTS_MAX, Restarts, Surrogate};
use convergence::{Limits, Record};
use distribution::{Distribution, Scratch};
use frame::Frame;
use local::{Local, MODEL_DIMENSION_MAX, Room};
use restarts::{Plan, Schedule};
use strategy::Strategy;

/// The evolution strategy with covariance matrix adaptation, over real parameters.
///
/// The method of choice for smooth or moderately rugged functions when there are at least about 50 evaluations a parameter. It
/// does not matter how the function is turned in the space; without a surrogate ([`Surrogate::None`]) neither does a monotone
/// change of the fitness. A candidate that a fitness has repaired is learnt from where it was evaluated.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Seed};
/// use orchestrator_ga::{CmaConfig, CmaEs, Search, Stop};
/// let space = ParameterSpace::uniform(5, -5.0, 5.0)?;
/// let cma = CmaEs::new(space, CmaConfig::default(), Seed(7))?;
/// let rosenbrock = |x: &[f64]| -> f64 {
///     x.windows(2).map(|w| -100.0 * (w[1] - w[0] * w[0]).powi(2) - (1.0 - w[0]).powi(2)).sum()
/// };
/// let found = Search::new(cma, Stop::Evaluations(20_000).or(Stop::Target(-1e-8)))?.run(&rosenbrock)?;
/// assert!(found.final_fitness >= -1e-8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "saved::Saved", try_from = "saved::Saved")]
pub struct CmaEs {
    space: ParameterSpace,
    config: CmaConfig,
    seed: Seed,
    stream: FastStream,
    schedule: Schedule,
    plan: Plan,
    record: Record,
    distribution: Distribution,
    /// The last generation that was told.
    points: Batch,
    costs: Costs,
    finished: bool,
    /// Points for a model, and its step that waits.
    local: Option<Local>,
    /// What follows from the above, and working memory.
    frame: Frame,
    strategy: Strategy,
    scratch: Scratch,
    room: Room,
    inner: Vec<f64>,
    placed: Vec<f64>,
    ranking: Vec<usize>,
}

impl CmaEs {
    /// The strategy at its start.
    ///
    /// # Errors
    /// When a setting is out of its range, a parameter is not real, the mean is not in the space, or more than
    /// [`CMA_DIMENSION_MAX`] parameters have a width.
    pub fn new(space: ParameterSpace, config: CmaConfig, seed: Seed) -> Result<CmaEs, GaError> {
        check(&space, &config)?;
        let mut stream = seed.derive("cma").fast_stream();
        let frame = Frame::of(&space);
        let (schedule, plan) = Schedule::new(&config, frame.dimension());
        let mut mean = vec![0.5; frame.dimension()];
        if let Some(start) = &config.mean {
            let middle = mean.clone();
            frame.inner(start, &middle, &mut mean);
        }
        // A step that is drawn is a step of this run: nothing of the stream is used before.
        let strategy = Strategy::new(frame.dimension(), plan.population);
        let mut distribution = Distribution::ball(mean, plan.step);
        let mut scratch = Scratch::default();
        distribution.sample(plan.population, &mut stream, &mut scratch);
        Ok(CmaEs {
            local: local_for(&config, frame.dimension()),
            room: Room::default(),
            points: Batch::new(space.len()),
            costs: Costs::new(1),
            finished: false,
            record: Record::new(),
            inner: Vec::new(),
            placed: space.middle(),
            ranking: Vec::new(),
            space,
            config,
            seed,
            stream,
            schedule,
            plan,
            distribution,
            frame,
            strategy,
            scratch,
        })
    }

    /// The settings.
    pub fn config(&self) -> &CmaConfig {
        &self.config
    }

    /// How many candidates wait for costs.
    fn asked(&self) -> usize {
        let injected = usize::from(self.injected().is_some());
        if self.frame.dimension() == 0 || self.pending().is_some() {
            1
        } else {
            self.plan.population - injected
        }
    }

    /// The step of the model that waits for its cost.
    fn pending(&self) -> Option<&[f64]> {
        self.local.as_ref().and_then(Local::pending)
    }

    /// What the model has found, which takes the last place of the generation; its cost is known.
    fn injected(&self) -> Option<(&[f64], f64)> {
        self.local.as_ref().and_then(Local::found)
    }

    /// Learns from a step of the model.
    fn judge(&mut self, batch: &Batch, costs: &Costs) {
        let Some(local) = &mut self.local else { return };
        let cost = costs.cost(0);
        let value = (cost.is_feasible() && cost.value.is_finite()).then_some(cost.value);
        self.record.evaluations = self.record.evaluations.saturating_add(1);
        self.frame.shares(batch.point(0), &mut self.inner);
        let Self { distribution, scratch, room, inner, .. } = self;
        local.judge(value, inner, distribution, scratch, room);
        if local.pending().is_none() {
            self.sample();
        }
    }

    /// Learns from a generation, and goes on with a step of the model or the next generation.
    fn advance(&mut self, batch: &mut Batch, costs: &mut Costs) {
        let evaluated = batch.len();
        if let Some((shares, value)) = self.local.as_ref().and_then(Local::found) {
            self.frame.place_shares(shares, batch.push(&self.placed));
            costs.push(Cost::feasible(value));
        }
        costs.ranking(&mut self.ranking);
        let known = self.record.note(costs, &self.ranking, &self.distribution);
        let mut over = false;
        if known {
            self.notice_repairs(batch, evaluated);
            self.remember(batch, costs, evaluated);
            over = !self.distribution.learn(&self.strategy, &self.ranking, &mut self.scratch);
        }
        let limits = Limits {
            distribution: &self.distribution,
            strategy: &self.strategy,
            first_step: self.plan.step,
            evaluations_max: self.plan.evaluations_max,
        };
        if over || self.record.is_over(&limits, costs, &self.ranking) {
            self.restart();
        }
        if self.finished {
            return;
        }
        if let Some(local) = &mut self.local {
            local.begin(&self.distribution, &mut self.scratch, &mut self.room);
        }
        if self.pending().is_none() {
            self.sample();
        }
    }

    /// Draws a generation.
    fn sample(&mut self) {
        let Self { distribution, plan, stream, scratch, local, frame, inner, placed, .. } = self;
        distribution.sample(plan.population, stream, scratch);
        if let Some((shares, _)) = local.as_ref().and_then(Local::found) {
            frame.place_shares(shares, placed);
            inner.resize(shares.len(), 0.0);
            frame.inner(placed, &distribution.mean, inner);
            distribution.replace(plan.population - 1, inner, scratch);
        }
    }

    /// Gives the model what was evaluated.
    fn remember(&mut self, batch: &Batch, costs: &Costs, evaluated: usize) {
        let Some(local) = &mut self.local else { return };
        for at in 0..evaluated {
            let cost = costs.cost(at);
            if cost.is_feasible() && cost.value.is_finite() {
                self.frame.shares(batch.point(at), &mut self.inner);
                local.remember(&self.inner, cost.value);
            }
        }
    }

    /// What was evaluated somewhere else than it was proposed is learnt from where it was evaluated.
    fn notice_repairs(&mut self, batch: &Batch, evaluated: usize) {
        for (at, point) in batch.points().take(evaluated).enumerate() {
            self.distribution.place(at, &mut self.inner);
            self.frame.place(&self.inner, &mut self.placed);
            if self.placed != point {
                let near = self.distribution.mean.clone();
                self.frame.inner(point, &near, &mut self.inner);
                self.distribution.replace(at, &self.inner, &mut self.scratch);
            }
        }
    }

    fn restart(&mut self) {
        let Self { schedule, config, plan, record, stream, .. } = self;
        let Some(plan) = schedule.next(config, plan, record.evaluations, stream) else {
            self.finished = true;
            return;
        };
        let mean = (0..self.frame.dimension()).map(|_| self.stream.unit()).collect();
        self.distribution = Distribution::ball(mean, plan.step);
        self.strategy = Strategy::new(self.frame.dimension(), plan.population);
        self.record = Record::new();
        self.local = local_for(&self.config, self.frame.dimension());
        self.plan = plan;
    }
}

/// What [`CmaEs::new`] promises.
fn check(space: &ParameterSpace, config: &CmaConfig) -> Result<(), GaError> {
    config.check()?;
    if let Some(other) = space.parameters().find(|p| !matches!(p.domain, Domain::Real(_))) {
        return Err(GaError::NotReal { method: "CMA-ES", name: other.name.to_owned() });
    }
    if let Some(mean) = &config.mean {
        space.check(mean).map_err(|source| GaError::Start { index: 0, source })?;
    }
    let dimension = Frame::of(space).dimension() as f64;
    let max = CMA_DIMENSION_MAX as f64;
    GaError::check_setting("the number of parameters with a width", dimension, 0.0, max)
}

/// The model's memory, if it is to be used over so many free parameters.
fn local_for(config: &CmaConfig, dimension: usize) -> Option<Local> {
    match config.surrogate {
        Surrogate::None => None,
        Surrogate::Quadratic => {
            (1..=MODEL_DIMENSION_MAX).contains(&dimension).then(|| Local::new(dimension))
        }
    }
}

impl PartialEq for CmaEs {
    /// Working memory does not count.
    fn eq(&self, other: &CmaEs) -> bool {
        self.space == other.space
            && self.config == other.config
            && self.seed == other.seed
            && self.stream == other.stream
            && self.schedule == other.schedule
            && self.plan == other.plan
            && self.record == other.record
            && self.distribution == other.distribution
            && self.points == other.points
            && self.costs == other.costs
            && self.finished == other.finished
            && self.local == other.local
    }
}

impl Optimizer for CmaEs {
    fn space(&self) -> &ParameterSpace {
        &self.space
    }

    fn seed(&self) -> Seed {
        self.seed
    }

    fn ask(&mut self, batch: &mut Batch) {
        if self.finished {
            return;
        }
        if self.frame.dimension() == 0 {
            batch.push(&self.placed);
            return;
        }
        if let Some(shares) = self.pending() {
            self.frame.place_shares(shares, batch.push(&self.placed));
            return;
        }
        for step in 0..self.asked() {
            self.distribution.place(step, &mut self.inner);
            self.frame.place(&self.inner, batch.push(&self.placed));
        }
    }

    /// The first run starts at the best of the points; they are evaluated first, and learnt from as any others are.
    fn start_from(&mut self, points: &[Vec<f64>], batch: &mut Batch) {
        let config = CmaConfig { mean: points.first().cloned(), ..self.config.clone() };
        if let Ok(moved) = CmaEs::new(self.space.clone(), config, self.seed) {
            *self = moved;
            batch.clear();
            self.ask(batch);
        }
        for (index, point) in points.iter().enumerate() {
            batch.point_mut(index).copy_from_slice(point);
        }
    }

    fn tell(&mut self, batch: &mut Batch, costs: &mut Costs) {
        // Answers to other questions than were asked, as a damaged file may hold, teach nothing.
        let fits = batch.len() == self.asked() && costs.len() == self.asked();
        if self.pending().is_some() {
            // The last generation stays the population.
            if fits {
                self.judge(batch, costs);
            }
            return;
        }
        if self.frame.dimension() == 0 {
            self.finished = true;
        } else if fits && !self.finished {
            self.advance(batch, costs);
        }
        std::mem::swap(&mut self.points, batch);
        std::mem::swap(&mut self.costs, costs);
    }

    fn population(&self) -> Population<'_> {
        Population { points: &self.points, costs: &self.costs }
    }

    fn warm_starts(&self) -> usize {
        usize::from(self.config.mean.is_some())
    }

    fn converged(&self) -> bool {
        self.finished
    }
}
