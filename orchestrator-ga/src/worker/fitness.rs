//! A worker as the fitness of a search: a model that judges, a remote build, a program that is measured.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{Either, select};
use orchestrator_core::{
    Cancellation, Canceller, Clock, Domain, Parameter, ParameterError, ParameterSpace, Payload,
    Task, TaskError, TaskOutput, Usage, Worker, async_trait,
};
use serde::Serialize;

use crate::async_fitness::AsyncFitnessFn;
use crate::candidates::Evaluation;
use crate::fitness::FitnessError;

/// A fitness that asks a worker. Each candidate becomes the input of a task, an object with a value for every name of the space (a
/// number, a whole number, true or false, a label, or a list that is an order); the evaluation's seed is the task's; and a number in the output is the fitness. A failure of the worker, an output without that number,
/// and a time-out are failed evaluations: they rank last and are counted.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::sync::Arc;
/// use orchestrator_core::{ParameterSpace, Payload, Seed, Task, worker_fn};
/// use orchestrator_ga::{Ga, GaConfig, WorkerFitness};
///
/// let judge = worker_fn(async |task: Task| {
///     let heat: f64 = task.input().at("/x0")?;
///     Ok(Payload::parse(&format!(r#"{{"score": {}}}"#, 1.0 - (heat - 0.4).abs()))?.into())
/// });
/// let space = ParameterSpace::uniform(1, 0.0, 1.0)?;
/// let fitness = WorkerFitness::new(Arc::new(judge), &space, "/score");
/// let mut search = Ga::search(space, GaConfig::documents(), Seed(1))?;
/// let found = futures::executor::block_on(search.run_async(&fitness, NonZeroUsize::new(4).unwrap()))?;
/// assert!(found.final_fitness > 0.99);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WorkerFitness {
    worker: Arc<dyn Worker>,
    space: ParameterSpace,
    pointer: String,
    goal: Goal,
    timeout: Option<(Duration, Arc<dyn Clock>)>,
    usage: Mutex<Usage>,
}

/// A parameter's value as JSON has it.
#[derive(Serialize)]
#[serde(untagged)]
enum Value<'a> {
    Real(f64),
    Integer(i64),
    Boolean(bool),
    Category(&'a str),
    Order(Vec<usize>),
}

/// Whether the worker's number is to become large or small.
#[derive(Debug, Clone, Copy)]
enum Goal {
    Maximise,
    Minimise,
}

impl WorkerFitness {
    /// A fitness that asks `worker` about points of `space`, and finds the number at a JSON pointer (RFC 6901) of its output; the empty
    /// pointer is the output as a whole.
    pub fn new(
        worker: Arc<dyn Worker>,
        space: &ParameterSpace,
        pointer: impl Into<String>,
    ) -> WorkerFitness {
        WorkerFitness {
            worker,
            space: space.clone(),
            pointer: pointer.into(),
            goal: Goal::Maximise,
            timeout: None,
            usage: Mutex::default(),
        }
    }

    /// The same with a number that is to become small: a cost, a time.
    #[must_use]
    pub fn minimised(self) -> WorkerFitness {
        WorkerFitness { goal: Goal::Minimise, ..self }
    }

    /// The same, giving up on an answer after so much time by this clock. The task is cancelled then.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration, clock: Arc<dyn Clock>) -> WorkerFitness {
        WorkerFitness { timeout: Some((timeout, clock)), ..self }
    }

    /// What the worker has used up for all answers so far.
    pub fn usage(&self) -> Usage {
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn input(&self, candidate: &[f64]) -> Result<Payload, FitnessError> {
        let reading = self.space.read(candidate);
        let named = self.space.parameters().map(|Parameter { name, domain, .. }| {
            let value = match domain {
                Domain::Real(_) => Value::Real(reading.real(name)?),
                Domain::Integer { .. } => Value::Integer(reading.integer(name)?),
                Domain::Boolean => Value::Boolean(reading.boolean(name)?),
                Domain::Categorical(_) => Value::Category(reading.category(name)?),
                Domain::Permutation(_) => Value::Order(reading.order(name)?),
            };
            Ok((name, value))
        });
        let named: BTreeMap<&str, Value<'_>> = named.collect::<Result<_, ParameterError>>()?;
        Payload::of(&named).map_err(|error| FitnessError::failed(error.to_string()))
    }

    fn fitness(&self, answer: Result<TaskOutput, TaskError>) -> Result<f64, FitnessError> {
        let output = answer.map_err(|error| FitnessError::failed(error.to_string()))?;
        *self.usage.lock().unwrap_or_else(PoisonError::into_inner) += output.usage;
        let value: f64 = output
            .payload
            .at(&self.pointer)
            .map_err(|error| FitnessError::failed(error.to_string()))?;
        Ok(match self.goal {
            Goal::Maximise => value,
            Goal::Minimise => -value,
        })
    }
}

/// Cancels when it goes out of scope: a worker may have handed the work to others, who do not see that its future was dropped.
struct CancelOnDrop(Option<Canceller>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if let Some(canceller) = self.0.take() {
            canceller.cancel();
        }
    }
}

#[async_trait]
impl AsyncFitnessFn for WorkerFitness {
    async fn evaluate(
        &self,
        candidate: &[f64],
        evaluation: Evaluation,
    ) -> Result<f64, FitnessError> {
        let (canceller, cancellation) = Cancellation::new();
        let _guard = CancelOnDrop(Some(canceller));
        let task =
            Task::detached(self.input(candidate)?, evaluation.seed).with_cancellation(cancellation);
        let work = self.worker.execute(task);
        let Some((timeout, clock)) = &self.timeout else {
            return self.fitness(work.await);
        };
        let late = clock.sleep_until(clock.now().after(*timeout));
        match select(pin!(work), late).await {
            Either::Left((answer, _)) => self.fitness(answer),
            Either::Right(_) => {
                let after_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
                Err(FitnessError::TimedOut { after_ms })
            }
        }
    }
}
