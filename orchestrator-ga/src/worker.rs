//! The adapter to orchestrator-core: a search as a worker of a workflow.
//!
//! The seed is the task's. The input may be `null` or a [`GaRequest`]; the output is a [`GaOutput`]. Progress is told after every
//! generation, cancellation is seen between two.

use std::collections::BTreeMap;

use orchestrator_core::{
    Check, ParameterSpace, Payload, Task, TaskError, TaskOutput, Worker, async_trait, yield_now,
};
use serde::{Deserialize, Serialize};

use crate::check::verify;
use crate::diagnosis::diagnose;
use crate::error::GaError;
use crate::fitness::FitnessFn;
use crate::genetic::{Crossover, Ga, GaConfig, Mutation, Selection};
use crate::outcome::SearchResult;
use crate::search::Search;
use crate::stop::Stop;

/// A point to start from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum StartPoint {
    /// A value for every name of the space, as an earlier result's `optimized_params` has them.
    Named(BTreeMap<String, f64>),
    /// The values in the order of the space.
    Vector(Vec<f64>),
}

/// What a task may ask of a [`GaWorker`]. Everything is optional; what is left out is as the worker was made. Unknown keys are
/// refused, so that a misspelt one is not silently ignored.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GaRequest {
    /// Overrides [`GaConfig::generations`].
    pub generations: Option<u32>,
    /// Overrides [`GaConfig::population`].
    pub population: Option<usize>,
    /// Overrides [`GaConfig::selection`].
    pub selection: Option<Selection>,
    /// Overrides [`GaConfig::crossover_rate`].
    pub crossover_rate: Option<f64>,
    /// Overrides [`GaConfig::crossover`].
    pub crossover: Option<Crossover>,
    /// Overrides [`GaConfig::mutation_rate`].
    pub mutation_rate: Option<f64>,
    /// Overrides [`GaConfig::mutation`].
    pub mutation: Option<Mutation>,
    /// Overrides [`GaConfig::elites`].
    pub elites: Option<usize>,
    /// Ends the search at this fitness.
    pub target: Option<f64>,
    /// Ends the search after so many generations without improvement.
    pub stagnation: Option<u32>,
    /// Points of the start population, from earlier runs say.
    pub warm_start: Vec<StartPoint>,
}

/// What a [`GaWorker`] answers: the result's own keys, and beside them the checklist and the advice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GaOutput {
    /// What was found.
    #[serde(flatten)]
    pub result: SearchResult,
    /// The documents' checklist.
    pub checks: Vec<Check>,
    /// Advice in words; empty when the measurements say nothing.
    pub diagnosis: Vec<String>,
}

/// A genetic search as a worker.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Payload, Seed, Task, Worker};
/// use orchestrator_ga::{GaConfig, GaWorker, fitness_fn};
///
/// let space = ParameterSpace::uniform(2, -1.0, 1.0)?;
/// let worker = GaWorker::new(space, GaConfig::default(), fitness_fn(|x| -x[0].abs() - x[1].abs()));
/// let task = Task::detached(Payload::parse(r#"{"generations": 10}"#)?, Seed(3));
/// let output = futures::executor::block_on(worker.execute(task))?;
/// assert_eq!(output.payload.at::<Vec<f64>>("/fitness_history")?.len(), 11);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct GaWorker<F> {
    space: ParameterSpace,
    config: GaConfig,
    fitness: F,
}

impl<F: FitnessFn + Send + Sync> GaWorker<F> {
    /// A worker that maximises `fitness` over `space`. The settings are checked when a task comes, with its overrides.
    pub fn new(space: ParameterSpace, config: GaConfig, fitness: F) -> GaWorker<F> {
        GaWorker { space, config, fitness }
    }

    fn search(&self, task: &Task) -> Result<Search<Ga>, TaskError> {
        let request = match task.input() {
            input if input.is_null() => GaRequest::default(),
            input => input.to::<GaRequest>()?,
        };
        let own = &self.config;
        let config = GaConfig {
            generations: request.generations.unwrap_or(own.generations),
            population: request.population.unwrap_or(own.population),
            selection: request.selection.unwrap_or(own.selection),
            crossover_rate: request.crossover_rate.unwrap_or(own.crossover_rate),
            crossover: request.crossover.unwrap_or(own.crossover),
            mutation_rate: request.mutation_rate.unwrap_or(own.mutation_rate),
            mutation: request.mutation.unwrap_or(own.mutation),
            elites: request.elites.unwrap_or(own.elites),
            ..own.clone()
        };
        let points: Vec<Vec<f64>> = request
            .warm_start
            .into_iter()
            .map(|point| self.point(point))
            .collect::<Result<_, _>>()?;
        let stop = [request.target.map(Stop::Target), request.stagnation.map(Stop::Stagnation)]
            .into_iter()
            .flatten()
            .fold(Stop::Generations(config.generations), Stop::or);
        Ga::starting_from(self.space.clone(), config, task.seed(), &points)
            .and_then(|ga| Search::new(ga, stop))
            .map_err(|error| TaskError::terminal("ga_settings", error.to_string()))
    }

    fn point(&self, point: StartPoint) -> Result<Vec<f64>, TaskError> {
        match point {
            StartPoint::Vector(values) => Ok(values),
            StartPoint::Named(mut values) => {
                let point = self.space.names().iter().map(|name| {
                    values.remove(name).ok_or_else(|| {
                        let message = format!("a warm start has no value for {name:?}");
                        TaskError::terminal("ga_settings", message)
                    })
                });
                let point = point.collect::<Result<_, _>>()?;
                match values.keys().next() {
                    None => Ok(point),
                    Some(name) => Err(TaskError::terminal(
                        "ga_settings",
                        format!("a warm start has a value for {name:?}, which the space has not"),
                    )),
                }
            }
        }
    }
}

#[async_trait]
impl<F: FitnessFn + Send + Sync> Worker for GaWorker<F> {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let mut search = self.search(&task)?;
        let total = f64::from(search.optimizer().config().generations) + 1.0;
        while !search.finished() {
            if task.cancellation().is_cancelled() {
                return Err(TaskError::cancelled());
            }
            search.step(&self.fitness).map_err(failed)?;
            if let Some(row) = search.history().rows().last() {
                task.progress(
                    (f64::from(row.index) + 1.0) / total,
                    format!("generation {}: best fitness {:.4}", row.index, row.best),
                );
            }
            yield_now().await;
        }
        let result = search.result().map_err(failed)?;
        let output = GaOutput {
            checks: verify(&result, &self.space),
            diagnosis: diagnose(&result, search.optimizer().config())
                .iter()
                .map(ToString::to_string)
                .collect(),
            result,
        };
        Ok(Payload::of(&output)?.into())
    }
}

/// A fitness without any value may be a service that is down; another attempt, with another seed, may fare better.
fn failed(error: GaError) -> TaskError {
    match &error {
        GaError::AllFailed { .. } => TaskError::retryable("ga_fitness", error.to_string()),
        _ => TaskError::terminal("ga", error.to_string()),
    }
}
