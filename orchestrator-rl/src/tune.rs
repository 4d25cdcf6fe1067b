//! Fine-tuning as an environment: small moves inside a region, rewarded by what they change.
//!
//! A state is the grid cell of the point, with a number for whatever else matters (the context). The grid lies over the whole
//! space, not over the region, so that what one run learned means the same in the next; it is uniform, or any [`Grid`]. An action
//! moves one parameter, or all weights or all biases together, one step up or down, or stays. Every episode begins at the best
//! point met so far, and the result is that point: it can never be worse than the start.
//!
//! What it does not do: it never leaves the region, and it does not call the objective more than once a step.

use std::collections::BTreeSet;

use orchestrator_core::{Domain, FastStream, ParameterSpace};
use serde::{Deserialize, Serialize};

use crate::discretise::{Grid, TuneState};
use crate::environment::{Environment, Step};
use crate::error::{RlError, check_ranges};
use crate::index::Hashed;
use crate::outcome::TuneResult;
use crate::reward::{OwnReward, RewardContext, RewardFn, Transition};
use crate::scaling::{Pace, Scaling};
use crate::training::Training;

/// How many visited states are remembered for the report.
const VISITED_MAX: usize = 1 << 16;

/// How finely points are told apart and moved.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TuneConfig {
    /// The side of a grid cell, as a share of the parameter's width in the whole space. A twenty-fifth puts several moves into
    /// one cell, so that what was learned in it is used before it is left.
    pub cell_share: f64,
    /// How far a move goes, as a share of the parameter's width in the whole space. A hundredth crosses the smallest region that
    /// a genetic search hands on in ten moves.
    pub delta_share: f64,
    /// Whatever else the state should tell apart: a class of input, a complexity bucket. States of different contexts share
    /// nothing.
    pub context: u64,
}

impl Default for TuneConfig {
    fn default() -> Self {
        TuneConfig { cell_share: 0.04, delta_share: 0.01, context: 0 }
    }
}

/// What an action does: which parameters it moves, and which way.
#[derive(Debug, Clone, PartialEq)]
struct Move {
    parameters: Vec<usize>,
    sign: f64,
}

/// Fine-tuning inside a region; the reward is the change of the objective, unless [`TuneEnvironment::rewarded_by`] another.
#[derive(Debug, Clone)]
pub struct TuneEnvironment<F, R = OwnReward> {
    space: ParameterSpace,
    region: ParameterSpace,
    config: TuneConfig,
    grid: Option<Grid>,
    objective: F,
    reward: R,
    moves: Vec<Move>,
    point: Vec<f64>,
    value: f64,
    best: Vec<f64>,
    best_value: f64,
    /// Whether the parameter came to the region's end, where the space goes on, by a move to the best point.
    pressed: Vec<bool>,
    start_value: f64,
    step: u32,
    visited: BTreeSet<TuneState>,
    objective_history: Vec<f64>,
    failures: u64,
}

impl<F: Fn(&[f64]) -> f64> TuneEnvironment<F> {
    /// Tuning of `objective` (to be maximised) from `start`, inside `region`, a part of `space`.
    ///
    /// # Errors
    /// When a parameter is not real, the region is no part of the space, the start is not in the region, or the objective is not
    /// finite there.
    pub fn new(
        space: &ParameterSpace,
        region: &ParameterSpace,
        start: &[f64],
        objective: F,
    ) -> Result<TuneEnvironment<F>, RlError> {
        check_region(space, region)?;
        region.check(start).map_err(RlError::Start)?;
        let value = objective(start);
        if !value.is_finite() {
            return Err(RlError::Objective { value });
        }
        Ok(TuneEnvironment {
            space: space.clone(),
            region: region.clone(),
            config: TuneConfig::default(),
            grid: None,
            objective,
            reward: OwnReward,
            moves: moves_of(space),
            point: start.to_vec(),
            value,
            best: start.to_vec(),
            best_value: value,
            pressed: vec![false; space.len()],
            start_value: value,
            step: 0,
            visited: BTreeSet::new(),
            objective_history: Vec::new(),
            failures: 0,
        })
    }
}

impl<F: Fn(&[f64]) -> f64, R: RewardFn<[f64]>> TuneEnvironment<F, R> {
    /// The same environment, the agent rewarded by `reward` over the points before and after a move. The result is still the
    /// best point by the objective.
    #[must_use]
    pub fn rewarded_by<Q: RewardFn<[f64]>>(self, reward: Q) -> TuneEnvironment<F, Q> {
        TuneEnvironment {
            space: self.space,
            region: self.region,
            config: self.config,
            grid: self.grid,
            objective: self.objective,
            reward,
            moves: self.moves,
            point: self.point,
            value: self.value,
            best: self.best,
            best_value: self.best_value,
            pressed: self.pressed,
            start_value: self.start_value,
            step: self.step,
            visited: self.visited,
            objective_history: self.objective_history,
            failures: self.failures,
        }
    }

    /// The same environment with another grid, moves, or context.
    ///
    /// # Errors
    /// When a share is not within [0.0001, 1].
    pub fn with_config(self, config: TuneConfig) -> Result<Self, RlError> {
        check_ranges(&[
            ("cell_share", config.cell_share, 1e-4, 1.0),
            ("delta_share", config.delta_share, 1e-4, 1.0),
        ])?;
        Ok(TuneEnvironment { config, ..self })
    }

    /// The same environment, its states the cells of this grid instead of those of [`TuneConfig::cell_share`]: of quantiles, say,
    /// or the [`crossing`](crate::Tiles::crossing) of tilings.
    ///
    /// # Errors
    /// When the grid lies over another space: a cell must mean the same in every run.
    pub fn discretised_by(self, grid: Grid) -> Result<Self, RlError> {
        if *grid.space() != self.space {
            return Err(RlError::Grid);
        }
        Ok(TuneEnvironment { grid: Some(grid), ..self })
    }

    /// How many actions there are: to stay, and two for every parameter and for every group of several.
    pub fn action_count(&self) -> usize {
        self.moves.len()
    }

    /// What an action does, for a person: `stay`, or the parameters it moves and which way.
    pub fn action_name(&self, action: usize) -> Option<String> {
        let Move { parameters, sign } = self.moves.get(action)?;
        let names: Vec<&str> =
            parameters.iter().map(|&at| self.space.names()[at].as_str()).collect();
        Some(match *sign {
            0.0 => "stay".to_owned(),
            sign if sign > 0.0 => format!("{} up", names.join(", ")),
            _ => format!("{} down", names.join(", ")),
        })
    }

    /// The best point met so far, and the objective there.
    pub fn best(&self) -> (&[f64], f64) {
        (&self.best, self.best_value)
    }

    /// The state of a point of the space.
    pub fn encode(&self, point: &[f64]) -> TuneState {
        if let Some(grid) = &self.grid {
            return TuneState { cells: grid.cells_of(point), context: self.config.context };
        }
        let cells = self.space.bounds().iter().zip(point).map(|(bounds, value)| {
            let side = self.config.cell_share * bounds.width();
            if side > 0.0 {
                // The cast saturates, and a share is at least 0.0001: no cell beyond 10,000.
                ((value - bounds.min) / side).floor() as u16
            } else {
                0
            }
        });
        TuneState { cells: cells.collect(), context: self.config.context }
    }

    /// What tuning with this training brought so far.
    pub fn result(&self, training: &Training<Hashed<TuneState>>) -> TuneResult {
        let rows = training.episodes();
        let steps: u64 = rows.iter().map(|row| u64::from(row.steps)).sum();
        let explored: u64 = rows.iter().map(|row| u64::from(row.explored)).sum();
        let total: f64 = rows.iter().map(|row| row.reward).sum();
        let exploring: f64 = rows.iter().map(|row| row.reward_exploring).sum();
        let mean = |sum: f64, count: u64| if count == 0 { 0.0 } else { sum / count as f64 };
        let names = self.space.names();
        let (low, high): (Vec<f64>, Vec<f64>) =
            self.region.bounds().iter().map(|b| (b.min, b.max)).unzip();
        let (low, high) = (self.encode(&low).cells, self.encode(&high).cells);
        let unseen = (0..names.len())
            .filter(|&at| self.region.bounds()[at].width() > 0.0 && low[at] == high[at]);
        TuneResult {
            optimized_params: names.iter().cloned().zip(self.best.iter().copied()).collect(),
            best: self.best.clone(),
            objective_start: self.start_value,
            objective_end: self.best_value,
            reward_history: rows.iter().map(|row| row.reward).collect(),
            final_reward: rows.iter().map(|row| row.reward).reduce(f64::max).unwrap_or(0.0),
            objective_history: self.objective_history.clone(),
            td_error_history: rows.iter().map(|row| row.td_error).collect(),
            reward_scale: training.reward_scale(),
            q_table_size: training.table().len(),
            exploration_share: mean(explored as f64, steps),
            reward_exploring: mean(exploring, explored),
            reward_greedy: mean(total - exploring, steps - explored),
            episodes: rows.len() as u32,
            steps,
            states_visited: self.visited.len(),
            parameters_unseen: unseen.map(|at| names[at].clone()).collect(),
            parameters_at_edge: (0..names.len())
                .filter(|&at| self.pressed[at])
                .map(|at| names[at].clone())
                .collect(),
            failures: self.failures,
            stop: training.stop(),
            rounds: Vec::new(),
        }
    }

    /// Which parameters a move to a new best point brings to the region's end.
    fn press(&mut self, next: &[f64]) {
        for (at, value) in next.iter().enumerate() {
            let (part, whole) = (self.region.bounds()[at], self.space.bounds()[at]);
            let at_end = (*value == part.max && part.max < whole.max)
                || (*value == part.min && part.min > whole.min);
            // One that did not move stays as it was, and inside there is nothing to press against.
            self.pressed[at] = at_end && (self.pressed[at] || *value != self.point[at]);
        }
    }

    fn visit(&mut self) -> TuneState {
        let state = self.encode(&self.point);
        if self.visited.len() < VISITED_MAX {
            self.visited.insert(state.clone());
        }
        state
    }
}

impl<F: Fn(&[f64]) -> f64, R: RewardFn<[f64]>> Environment for TuneEnvironment<F, R> {
    type State = TuneState;

    fn actions(&self) -> usize {
        self.action_count()
    }

    fn reset(&mut self, _: &mut FastStream) -> TuneState {
        self.point.copy_from_slice(&self.best);
        self.value = self.best_value;
        self.step = 0;
        self.objective_history.push(self.value);
        self.visit()
    }

    fn step(&mut self, action: usize, _: &mut FastStream) -> Step<TuneState> {
        let Move { parameters, sign } = &self.moves[action];
        let mut next = self.point.clone();
        for &at in parameters {
            let delta = self.config.delta_share * self.space.bounds()[at].width();
            next[at] = self.region.bounds()[at].clamp(next[at] + sign * delta);
        }
        let mut value = self.value;
        if next != self.point {
            value = (self.objective)(&next);
            if !value.is_finite() {
                // No reward can be made of this: the move is undone, as if the agent had stayed.
                self.failures += 1;
                next.copy_from_slice(&self.point);
                value = self.value;
            }
        }
        let reward = self.reward.reward(&Transition {
            state: self.point.as_slice(),
            action,
            next: next.as_slice(),
            terminal: false,
            context: RewardContext { step: self.step, own: value - self.value },
        });
        if value > self.best_value {
            self.press(&next);
        }
        self.point = next;
        self.value = value;
        self.step = self.step.saturating_add(1);
        if value > self.best_value {
            self.best_value = value;
            self.best.copy_from_slice(&self.point);
        }
        if let Some(last) = self.objective_history.last_mut() {
            *last = value;
        }
        Step { next: self.visit(), reward, terminal: false }
    }
}

/// Runs a training over a tuning environment to its end.
///
/// # Errors
/// As [`Training::episode`].
pub fn tune<F, R>(
    environment: &mut TuneEnvironment<F, R>,
    training: &mut Training<Hashed<TuneState>>,
) -> Result<TuneResult, RlError>
where
    F: Fn(&[f64]) -> f64,
    R: RewardFn<[f64]>,
{
    training.run(environment)?;
    Ok(environment.result(training))
}

/// Runs a training over a tuning environment for as long as it finds something, within its budget of
/// [`RlConfig::episodes_max`](crate::RlConfig::episodes_max) episodes. The result tells what was measured round by round, and why
/// it ended.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Seed};
/// use orchestrator_rl::{RlConfig, Scaling, StopReason, Training, TuneEnvironment, tune_scaled};
///
/// let space = ParameterSpace::uniform(2, 0.0, 1.0)?;
/// let objective = |x: &[f64]| -(x[0] - 0.6).abs() - (x[1] - 0.45).abs();
/// let mut environment = TuneEnvironment::new(&space, &space, &[0.5, 0.5], objective)?;
/// let config = RlConfig { episodes_max: 2_000, converged_td: None, ..RlConfig::documents() };
/// let mut training = Training::hashed(config, environment.action_count(), Seed(1))?;
/// let result = tune_scaled(&mut environment, &mut training, Scaling::default())?;
/// assert_eq!(result.stop, StopReason::Settled);
/// assert!(result.episodes < 1_000 && result.objective_end > -0.02);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`Training::episode`], and when the scaling is out of its ranges.
pub fn tune_scaled<F, R>(
    environment: &mut TuneEnvironment<F, R>,
    training: &mut Training<Hashed<TuneState>>,
    scaling: Scaling,
) -> Result<TuneResult, RlError>
where
    F: Fn(&[f64]) -> f64,
    R: RewardFn<[f64]>,
{
    let mut pace = Pace::new(scaling, environment.best().1)?;
    let stop = loop {
        training.episode(environment)?;
        if let Some(stop) = pace.after_episode(training, environment.best().1) {
            break stop;
        }
    };
    Ok(TuneResult { stop, rounds: pace.into_rounds(), ..environment.result(training) })
}

fn check_region(space: &ParameterSpace, region: &ParameterSpace) -> Result<(), RlError> {
    if let Some(other) =
        space.parameters().find(|parameter| !matches!(parameter.domain, Domain::Real(_)))
    {
        return Err(RlError::NotReal { name: other.name.to_owned(), kind: other.domain.kind() });
    }
    if space.names() != region.names() {
        return Err(RlError::Region {
            what: format!("it has {:?}, the space {:?}", region.names(), space.names()),
        });
    }
    let bounds = space.bounds().iter().zip(region.bounds());
    for (name, (whole, part)) in space.names().iter().zip(bounds) {
        if !(whole.contains(part.min) && whole.contains(part.max)) {
            return Err(RlError::Region {
                what: format!(
                    "{name} moves in [{}, {}], in the space in [{}, {}]",
                    part.min, part.max, whole.min, whole.max
                ),
            });
        }
    }
    Ok(())
}

/// To stay; each parameter; and all weights, all biases, where there are several.
fn moves_of(space: &ParameterSpace) -> Vec<Move> {
    let mut groups: Vec<Vec<usize>> = (0..space.len()).map(|at| vec![at]).collect();
    for kind in ["weight.", "bias."] {
        let members: Vec<usize> =
            (0..space.len()).filter(|&at| space.names()[at].starts_with(kind)).collect();
        if members.len() > 1 {
            groups.push(members);
        }
    }
    let stay = Move { parameters: Vec::new(), sign: 0.0 };
    let both = groups.into_iter().flat_map(|parameters| {
        [1.0, -1.0].map(|sign| Move { parameters: parameters.clone(), sign })
    });
    std::iter::once(stay).chain(both).collect()
}
