//! A search as a worker, whose fitness is awaited.

use std::num::NonZeroUsize;
use std::pin::pin;

use futures::future::{Either, select};
use orchestrator_core::{ParameterSpace, Task, TaskError, TaskOutput, Worker, async_trait};

use super::request::Plan;
use super::{failed, output, tell};
use crate::async_fitness::AsyncFitnessFn;
use crate::method::Method;

/// A search as a worker, with an asynchronous fitness: another worker say, by a [`WorkerFitness`](crate::WorkerFitness). Input and output are
/// as those of [`GaWorker`](crate::GaWorker). A cancellation is seen at once, and drops the evaluations in flight.
///
/// ```
/// use std::num::NonZeroUsize;
/// use orchestrator_core::{ParameterSpace, Payload, Seed, Task, Worker};
/// use orchestrator_ga::{AsyncGaWorker, GaConfig, Method, async_fitness_fn};
///
/// let space = ParameterSpace::uniform(2, -1.0, 1.0)?;
/// let judge = async_fitness_fn(async |x, _| Ok(-x[0].abs() - x[1].abs()));
/// let four_at_once = NonZeroUsize::new(4).unwrap();
/// let worker = AsyncGaWorker::by(Method::Genetic(GaConfig::documents()), space, judge, four_at_once);
/// let task = Task::detached(Payload::parse(r#"{"evaluations": 50}"#)?, Seed(3));
/// let output = futures::executor::block_on(worker.execute(task))?;
/// assert_eq!(output.payload.at::<u64>("/evaluations")?, 50);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct AsyncGaWorker<F> {
    space: ParameterSpace,
    method: Method,
    fitness: F,
    concurrency: NonZeroUsize,
}

impl<F: AsyncFitnessFn> AsyncGaWorker<F> {
    /// A worker that maximises `fitness` over `space`, with at most `concurrency` evaluations in flight. The settings are checked when a
    /// task comes, with its overrides.
    pub fn by(
        method: Method,
        space: ParameterSpace,
        fitness: F,
        concurrency: NonZeroUsize,
    ) -> AsyncGaWorker<F> {
        AsyncGaWorker { space, method, fitness, concurrency }
    }
}

#[async_trait]
impl<F: AsyncFitnessFn> Worker for AsyncGaWorker<F> {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let Plan { mut search, config } = Plan::of(&task, &self.space, &self.method)?;
        if task.cancellation().is_cancelled() {
            return Err(TaskError::cancelled());
        }
        {
            let observer = |search: &mut _, row: &_| tell(&task, search, row);
            let run = search.run_async_observed(&self.fitness, self.concurrency, observer);
            match select(pin!(run), pin!(task.cancellation().cancelled())).await {
                Either::Left((found, _)) => found.map_err(|error| failed(error, &self.space))?,
                Either::Right(_) => return Err(TaskError::cancelled()),
            };
        }
        output(&search, config.as_ref())
    }
}
