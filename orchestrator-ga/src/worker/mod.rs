//! The adapters to orchestrator-core: a search as a worker of a workflow, and a worker as the fitness of a search.
//!
//! The seed is the task's. The input may be `null` or a [`GaRequest`]; the output is a [`GaOutput`]. Progress is told after every
//! generation. [`GaWorker`] sees a cancellation between two generations, [`AsyncGaWorker`] at once.

mod asynchronous;
mod fitness;
mod request;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use orchestrator_core::{
    Check, ParameterSpace, Payload, Task, TaskError, TaskOutput, Worker, async_trait, yield_now,
};
use serde::{Deserialize, Serialize};

use crate::check::verify;
use crate::diagnosis::diagnose;
use crate::error::GaError;
use crate::fitness::FitnessFn;
use crate::generation::Generation;
use crate::genetic::GaConfig;
use crate::method::{AnyOptimizer, Method};
use crate::outcome::SearchResult;
use crate::search::Search;

pub use asynchronous::AsyncGaWorker;
pub use fitness::WorkerFitness;
use request::Plan;
pub use request::{GaRequest, StartPoint};

/// What a search worker answers: the result's own keys, and beside them the checklist and the advice.
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

/// A search as a worker.
///
/// The fitness is called in the worker's own turn: one that takes long is better asynchronous ([`AsyncGaWorker`]), or on a
/// [`Spawner`](orchestrator_core::Spawner) of the hub. When not one candidate could be evaluated, the task fails with the code `ga_fitness`
/// and may be tried again; when none keeps the constraints, with `ga_infeasible`, the nearest one among its details.
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
    method: Method,
    fitness: F,
}

impl<F: FitnessFn + Send + Sync> GaWorker<F> {
    /// A worker that maximises `fitness` over `space` by the genetic algorithm. The settings are checked when a task comes, with its
    /// overrides.
    pub fn new(space: ParameterSpace, config: GaConfig, fitness: F) -> GaWorker<F> {
        GaWorker::by(Method::Genetic(config), space, fitness)
    }

    /// The same by any method.
    pub fn by(method: Method, space: ParameterSpace, fitness: F) -> GaWorker<F> {
        GaWorker { space, method, fitness }
    }
}

#[async_trait]
impl<F: FitnessFn + Send + Sync> Worker for GaWorker<F> {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let Plan { mut search, config } = Plan::of(&task, &self.space, &self.method)?;
        while !search.finished() {
            if task.cancellation().is_cancelled() {
                return Err(TaskError::cancelled());
            }
            search
                .step_observed(&self.fitness, &mut |search, row| tell(&task, search, row))
                .map(drop)
                .map_err(|error| failed(error, &self.space))?;
            yield_now().await;
        }
        output(&search, config.as_ref())
    }
}

/// Tells the host of a generation.
fn tell(task: &Task, search: &Search<AnyOptimizer>, row: &Generation) -> ControlFlow<()> {
    let found = match search.best() {
        Some((_, fitness)) => format!("best fitness {fitness:.4}"),
        None => "nothing feasible yet".to_owned(),
    };
    task.progress(search.progress(), format!("generation {}: {found}", row.index));
    ControlFlow::Continue(())
}

fn output(
    search: &Search<AnyOptimizer>,
    config: Option<&GaConfig>,
) -> Result<TaskOutput, TaskError> {
    let result = search.result().map_err(|error| failed(error, search.space()))?;
    let output = GaOutput {
        checks: verify(&result, search.space()),
        diagnosis: diagnose(&result, config).iter().map(ToString::to_string).collect(),
        result,
    };
    Ok(TaskOutput::of(&output)?)
}

/// What a task that found nothing feasible says beside its message.
#[derive(Serialize)]
struct Nearest<'a> {
    violation: f64,
    nearest: BTreeMap<&'a str, f64>,
}

/// A fitness without any value may be a service that is down; another attempt, with another seed, may fare better.
fn failed(error: GaError, space: &ParameterSpace) -> TaskError {
    let message = error.to_string();
    match error {
        GaError::AllFailed { .. } => TaskError::retryable("ga_fitness", message),
        GaError::Infeasible { violation, nearest, .. } => {
            let names = space.names().iter().map(String::as_str);
            let details = Nearest { violation, nearest: names.zip(nearest).collect() };
            let error = TaskError::terminal("ga_infeasible", message);
            match Payload::of(&details) {
                Ok(details) => error.with_details(details),
                Err(_) => error,
            }
        }
        _ => TaskError::terminal("ga", message),
    }
}
