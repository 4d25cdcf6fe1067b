//! The adapter to orchestrator-core: fine-tuning as a worker of a workflow.
//!
//! The seed is the task's. The input is an [`RlRequest`], which says where to start and may bring a table of an earlier run; the
//! output is an [`RlOutput`]. Progress is told after every episode, cancellation is seen between two.

use std::collections::BTreeMap;

use orchestrator_core::{
    Check, ParameterSpace, Payload, Task, TaskError, TaskOutput, Worker, async_trait, yield_now,
};
use serde::{Deserialize, Serialize};

use crate::check::verify;
use crate::config::RlConfig;
use crate::diagnosis::diagnose;
use crate::discretise::TuneState;
use crate::environment::Environment;
use crate::error::RlError;
use crate::explore::Exploration;
use crate::outcome::TuneResult;
use crate::reward::{OwnReward, RewardFn, Transition};
use crate::scaling::{Pace, Scaling};
use crate::table::{HashedTable, Prune, QTable};
use crate::training::Training;
use crate::tune::{TuneConfig, TuneEnvironment};

/// What a task asks of an [`RlWorker`]. What is left out is as the worker was made. Unknown keys are refused, so that a misspelt
/// one is not silently ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RlRequest {
    /// Where to start: a value for every parameter, as a genetic search's `optimized_params` has them.
    pub start: BTreeMap<String, f64>,
    /// Where to stay, as a genetic search's `region` has it; the whole space when left out.
    #[serde(default)]
    pub region: Option<ParameterSpace>,
    /// Overrides [`RlConfig::episodes_max`], and lowers [`RlConfig::episodes_min`] to it if need be.
    #[serde(default)]
    pub episodes: Option<u32>,
    /// Overrides [`RlConfig::exploration`]: ε-greedy with this probability.
    #[serde(default)]
    pub epsilon: Option<f64>,
    /// Overrides [`TuneConfig::context`].
    #[serde(default)]
    pub context: Option<u64>,
    /// What earlier runs learned over the same space.
    #[serde(default)]
    pub q_table: Option<HashedTable<TuneState>>,
}

/// What an [`RlWorker`] answers: the result's own keys, and beside them the checklist, the advice, and what was learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RlOutput {
    /// What tuning brought.
    #[serde(flatten)]
    pub result: TuneResult,
    /// The documents' checklist.
    pub checks: Vec<Check>,
    /// Advice in words; empty when the measurements say nothing.
    pub diagnosis: Vec<String>,
    /// What was learned, for the next run; pruned, `q_table_size` counts what is left.
    pub q_table: HashedTable<TuneState>,
}

/// Fine-tuning as a worker.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Payload, Seed, Task, Worker};
/// use orchestrator_rl::{RlConfig, RlWorker};
///
/// let space = ParameterSpace::uniform(1, 0.0, 1.0)?;
/// let worker = RlWorker::new(space, RlConfig::documents(), |x: &[f64]| -(x[0] - 0.7).abs());
/// let task = Task::detached(Payload::parse(r#"{"start": {"x0": 0.65}}"#)?, Seed(3));
/// let output = futures::executor::block_on(worker.execute(task))?;
/// assert!((output.payload.at::<f64>("/optimized_params/x0")? - 0.7).abs() < 0.011);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct RlWorker<F, R = OwnReward> {
    space: ParameterSpace,
    config: RlConfig,
    tuning: TuneConfig,
    scaling: Option<Scaling>,
    prune: Prune,
    objective: F,
    reward: R,
}

impl<F: Fn(&[f64]) -> f64 + Send + Sync> RlWorker<F> {
    /// A worker that maximises `objective` over `space`, rewarded by its change. The settings are checked when a task comes, with
    /// its overrides.
    pub fn new(space: ParameterSpace, config: RlConfig, objective: F) -> RlWorker<F> {
        RlWorker {
            space,
            config,
            tuning: TuneConfig::default(),
            scaling: None,
            prune: Prune::default(),
            objective,
            reward: OwnReward,
        }
    }
}

impl<F, R> RlWorker<F, R> {
    /// The same worker, its agent rewarded by `reward`. The result is still the best point by the objective.
    #[must_use]
    pub fn rewarded_by<Q: RewardFn<[f64]> + Send + Sync>(self, reward: Q) -> RlWorker<F, Q> {
        RlWorker {
            space: self.space,
            config: self.config,
            tuning: self.tuning,
            scaling: self.scaling,
            prune: self.prune,
            objective: self.objective,
            reward,
        }
    }

    /// The same worker with another grid or other moves.
    #[must_use]
    pub fn with_tuning(self, tuning: TuneConfig) -> Self {
        RlWorker { tuning, ..self }
    }

    /// The same worker, going on while it finds something and stopping when it does not, within [`RlConfig::episodes_max`]
    /// episodes or those of the request.
    #[must_use]
    pub fn with_scaling(self, scaling: Scaling) -> Self {
        RlWorker { scaling: Some(scaling), ..self }
    }

    /// The same worker, keeping more or less of what was learned.
    #[must_use]
    pub fn with_prune(self, prune: Prune) -> Self {
        RlWorker { prune, ..self }
    }
}

#[async_trait]
impl<F, R> Worker for RlWorker<F, R>
where
    F: Fn(&[f64]) -> f64 + Send + Sync,
    R: RewardFn<[f64]> + Send + Sync,
{
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let request: RlRequest = task.input().to()?;
        let start = point(&self.space, request.start)?;
        let region = request.region.unwrap_or_else(|| self.space.clone());
        let episodes_max = request.episodes.unwrap_or(self.config.episodes_max);
        let config = RlConfig {
            exploration: request.epsilon.map_or(self.config.exploration, Exploration::epsilon),
            episodes_min: self.config.episodes_min.min(episodes_max),
            episodes_max,
            ..self.config.clone()
        };
        let tuning =
            TuneConfig { context: request.context.unwrap_or(self.tuning.context), ..self.tuning };
        let mut environment =
            TuneEnvironment::new(&self.space, &region, &start, |x: &[f64]| (self.objective)(x))
                .and_then(|environment| environment.with_config(tuning))
                .map_err(refused)?
                .rewarded_by(|step: &Transition<'_, [f64]>| self.reward.reward(step));
        let table = request.q_table.unwrap_or_else(|| QTable::hashed(environment.actions()));
        let mut training = Training::from_table(config, table, task.seed()).map_err(refused)?;
        let best = environment.best().1;
        let pace = self.scaling.map(|scaling| Pace::new(scaling, best));
        let mut pace = pace.transpose().map_err(refused)?;

        let stop = loop {
            if task.cancellation().is_cancelled() {
                return Err(TaskError::cancelled());
            }
            let row = *training.episode(&mut environment).map_err(refused)?;
            let (_, best) = environment.best();
            task.progress(
                (f64::from(row.index) + 1.0) / f64::from(episodes_max),
                format!(
                    "episode {}: reward {:.4}, best objective {best:.4}",
                    row.index, row.reward
                ),
            );
            let over = training.finished().then(|| training.stop());
            let stop = pace.as_mut().map_or(over, |pace| pace.after_episode(&training, best));
            if let Some(stop) = stop {
                break stop;
            }
            yield_now().await;
        };
        let rounds = pace.map_or_else(Vec::new, Pace::into_rounds);
        let mut result = TuneResult { stop, rounds, ..environment.result(&training) };
        let diagnosis = diagnose(&result, training.config());
        let mut q_table = training.into_table();
        q_table.prune(&self.prune);
        result.q_table_size = q_table.len();
        let output = RlOutput {
            checks: verify(&result, &region),
            diagnosis: diagnosis.iter().map(ToString::to_string).collect(),
            result,
            q_table,
        };
        Ok(Payload::of(&output)?.into())
    }
}

fn refused(error: RlError) -> TaskError {
    TaskError::terminal("rl", error.to_string())
}

fn point(space: &ParameterSpace, mut start: BTreeMap<String, f64>) -> Result<Vec<f64>, TaskError> {
    let refuse = |message| TaskError::terminal("rl", message);
    let values = space.names().iter().map(|name| {
        let value = start.remove(name);
        value.ok_or_else(|| refuse(format!("the start has no value for {name:?}")))
    });
    let values = values.collect::<Result<_, _>>()?;
    match start.keys().next() {
        None => Ok(values),
        Some(name) => {
            Err(refuse(format!("the start has a value for {name:?}, which the space has not")))
        }
    }
}
