//! Tier 2: reinforcement learning, inside the region that the genetic search found.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use orchestrator_codegen::MeasuredSearch;
use orchestrator_core::{
    Check, ParameterSpace, Parameters, Payload, Task, TaskError, TaskOutput, Worker, async_trait,
};
use orchestrator_rl::{HashedTable, Prune, RlOutput, RlRequest, RlWorker, StopReason, TuneState};
use serde::{Deserialize, Serialize};

use super::initialise::Initialised;
use super::search::GaOptimization;
use super::{Unit, terminal};
use crate::pipeline::objective::{Objective, check};
use crate::pipeline::workflow::step;

/// How many entries of the Q-table are handed on where no preset asks for less: a run meets a few hundred at the most, and a table must
/// fit into a payload.
const Q_TABLE_MAX: usize = 2_000;

/// What the learning step hands on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RlOptimization {
    /// The refined parameters; those of the genetic search where nothing better was met; the defaults where scripts were measured and
    /// neither was better than they are on rows that it was not tuned on.
    pub optimized_params: Parameters,
    /// What was measured of the parameters, where scripts were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<MeasuredSearch>,
    /// The best reward of an episode: by how much it raised the fitness.
    pub final_reward: f64,
    /// The reward of each episode.
    pub reward_history: Vec<f64>,
    /// The fitness before.
    pub fitness_start: f64,
    /// The fitness after: of the parameters that stand. Never less, unless these are the defaults.
    pub fitness_end: f64,
    /// How many pairs of state and action the table has.
    pub q_table_size: usize,
    /// How many episodes there were.
    pub episodes: u32,
    /// How many steps there were in them.
    pub steps: u64,
    /// How often the fitness was evaluated: not for a step that stays where it is.
    pub evaluations: u64,
    /// The share of the steps that explored.
    pub exploration_share: f64,
    /// The mean reward of a step that explored; 0 when none did.
    pub reward_exploring: f64,
    /// The mean reward of a step that did not; 0 when all did.
    pub reward_greedy: f64,
    /// Why it ended.
    pub stop: StopReason,
    /// Advice from measured rewards and errors.
    pub diagnosis: Vec<String>,
    /// The verification checklist.
    pub checks: Vec<Check>,
}

/// The unit's output: what goes into the report, and what was learned, for the next run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::pipeline) struct Learned {
    pub(in crate::pipeline) rl_optimization: RlOptimization,
    pub(in crate::pipeline) q_table: HashedTable<TuneState>,
}

/// See the module.
pub(in crate::pipeline) struct LearnUnit(pub Unit);

#[async_trait]
impl Worker for LearnUnit {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let initialised: Initialised = task.context().output(step::INITIALISE)?;
        let searched: GaOptimization = task.context().output(step::GENETIC_SEARCH)?;
        let maximised = Objective::of(&self.0, &initialised)?;
        let space = initialised.space();
        let settings = self.0.context.settings;
        let request = RlRequest {
            start: named(&space, &searched.optimized_params),
            region: Some(searched.region),
            episodes: None,
            epsilon: None,
            context: None,
            q_table: self.earlier(&space),
        };
        let evaluations = Arc::new(AtomicU64::new(0));
        let objective = {
            let (objective, evaluations) = (maximised.clone(), evaluations.clone());
            move |point: &[f64]| {
                evaluations.fetch_add(1, Ordering::Relaxed);
                objective.value(point)
            }
        };
        let prune =
            Prune { entries_max: settings.q_table_max.unwrap_or(Q_TABLE_MAX), ..Prune::default() };
        let worker =
            RlWorker::new(space.clone(), settings.rl(), objective.clone()).with_prune(prune);
        let output = worker.execute(task.with_input(Payload::of(&request)?)).await?;
        let RlOutput { result, mut checks, diagnosis, q_table } = output.payload.to()?;

        // The result stands only if the fitness does not fall: measured again, not taken on trust.
        let end = objective(&result.best);
        let detail = format!("from {:.6} to {end:.6}", searched.final_fitness);
        checks.push(Check::new("fitness did not fall", end >= searched.final_fitness, detail));
        let refined = Parameters::from_vector(&space, &result.best).map_err(terminal("rl"))?;
        let stands = end >= searched.final_fitness;
        let mut candidates = vec![searched.optimized_params];
        if stands {
            candidates.insert(0, refined);
        }
        let (optimized_params, measured, fitness_end) = match maximised.judge(&candidates)? {
            Some((standing, measured)) => {
                let value = maximised.value(&standing.to_vector());
                (standing, Some(measured), value)
            }
            None => (candidates.swap_remove(0), None, end.max(searched.final_fitness)),
        };
        checks.extend(measured.as_ref().map(check));
        let rl_optimization = RlOptimization {
            optimized_params,
            measured,
            final_reward: result.final_reward,
            reward_history: result.reward_history,
            fitness_start: searched.final_fitness,
            fitness_end,
            q_table_size: result.q_table_size,
            episodes: result.episodes,
            steps: result.steps,
            evaluations: evaluations.load(Ordering::Relaxed),
            exploration_share: result.exploration_share,
            reward_exploring: result.reward_exploring,
            reward_greedy: result.reward_greedy,
            stop: result.stop,
            diagnosis,
            checks,
        };
        Ok(TaskOutput::of(&Learned { rl_optimization, q_table })?)
    }
}

impl LearnUnit {
    /// The table of earlier runs, if it is one over this space: each parameter can move up and down, and so can each group.
    fn earlier(&self, space: &ParameterSpace) -> Option<HashedTable<TuneState>> {
        let table: HashedTable<TuneState> = self.0.knowledge.q_table().to().ok()?;
        let fits = table.states().all(|state| state.cells.len() == space.len());
        fits.then_some(table)
    }
}

/// θ by the names of its space.
pub(in crate::pipeline) fn named(
    space: &ParameterSpace,
    theta: &Parameters,
) -> BTreeMap<String, f64> {
    space.names().iter().cloned().zip(theta.to_vector()).collect()
}
