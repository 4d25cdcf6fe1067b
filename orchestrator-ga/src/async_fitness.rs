//! What is maximised when an answer takes a while: a service, a build, a model that judges, another worker.
//!
//! A trait beside [`FitnessFn`], since one trait cannot take both kinds of closures. A search awaits several answers at once
//! ([`Search::run_async`](crate::Search::run_async)) and orders them, so that the result does not depend on which came first.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use futures::channel::oneshot;
use orchestrator_core::{Spawner, async_trait};

use crate::adapters::{Constrained, Repaired, above_zero};
use crate::candidates::Evaluation;
use crate::fitness::{FitnessError, FitnessFn};

/// What is maximised, asynchronously.
///
/// ```
/// use orchestrator_core::async_trait;
/// use orchestrator_ga::{AsyncFitnessFn, Evaluation, FitnessError};
///
/// struct Judge;
///
/// #[async_trait]
/// impl AsyncFitnessFn for Judge {
///     async fn evaluate(&self, candidate: &[f64], _: Evaluation) -> Result<f64, FitnessError> {
///         Ok(-candidate[0].abs()) // ask somebody, and await the answer
///     }
/// }
/// # let _: &dyn AsyncFitnessFn = &Judge;
/// ```
#[async_trait]
pub trait AsyncFitnessFn: Send + Sync {
    /// The fitness of a candidate: the greater, the better. Dropped before it is complete when the search is no longer wanted.
    ///
    /// # Errors
    /// When the candidate has none.
    async fn evaluate(
        &self,
        candidate: &[f64],
        evaluation: Evaluation,
    ) -> Result<f64, FitnessError>;

    /// As [`FitnessFn::violation`]: the fitness of what breaks a constraint is not asked for.
    fn violation(&self, _candidate: &[f64]) -> f64 {
        0.0
    }

    /// As [`FitnessFn::repair`].
    fn repair(&self, _candidate: &mut [f64]) -> bool {
        false
    }
}

#[async_trait]
impl<T: AsyncFitnessFn + ?Sized> AsyncFitnessFn for Arc<T> {
    async fn evaluate(
        &self,
        candidate: &[f64],
        evaluation: Evaluation,
    ) -> Result<f64, FitnessError> {
        (**self).evaluate(candidate, evaluation).await
    }
    fn violation(&self, candidate: &[f64]) -> f64 {
        (**self).violation(candidate)
    }
    fn repair(&self, candidate: &mut [f64]) -> bool {
        (**self).repair(candidate)
    }
}

/// An asynchronous fitness out of a closure, which gets the candidate as its own.
///
/// ```
/// use std::num::NonZeroUsize;
/// use orchestrator_core::{ParameterSpace, Seed};
/// use orchestrator_ga::{Ga, GaConfig, async_fitness_fn};
///
/// let fitness = async_fitness_fn(async |x, _| Ok(-x[0].abs()));
/// let mut search = Ga::search(ParameterSpace::uniform(1, -1.0, 1.0)?, GaConfig::documents(), Seed(1))?;
/// let four = NonZeroUsize::new(4).unwrap();
/// assert!(futures::executor::block_on(search.run_async(&fitness, four))?.final_fitness > -0.1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// An `async` closure must not capture anything by value (a limit of the language today); a closure that returns an `async` block may.
pub fn async_fitness_fn<F, Fut>(fitness: F) -> AsyncFitness<F>
where
    F: Fn(Vec<f64>, Evaluation) -> Fut + Send + Sync,
    Fut: Future<Output = Result<f64, FitnessError>> + Send,
{
    AsyncFitness { fitness }
}

/// See [`async_fitness_fn`].
#[derive(Debug, Clone, Copy)]
pub struct AsyncFitness<F> {
    fitness: F,
}

#[async_trait]
impl<F, Fut> AsyncFitnessFn for AsyncFitness<F>
where
    F: Fn(Vec<f64>, Evaluation) -> Fut + Send + Sync,
    Fut: Future<Output = Result<f64, FitnessError>> + Send,
{
    async fn evaluate(
        &self,
        candidate: &[f64],
        evaluation: Evaluation,
    ) -> Result<f64, FitnessError> {
        (self.fitness)(candidate.to_vec(), evaluation).await
    }
}

/// A fitness that computes, evaluated where a [`Spawner`] runs things: on the threads of a host's runtime, or of core's
/// [`Threads`](orchestrator_core::Threads). A panic is handed on to who drives the search.
///
/// ```
/// use std::num::NonZeroUsize;
/// use std::sync::Arc;
/// use orchestrator_core::{ParameterSpace, Seed, Threads};
/// use orchestrator_ga::{Ga, GaConfig, fitness_fn, on_spawner};
///
/// let two = NonZeroUsize::new(2).unwrap();
/// let fitness = on_spawner(fitness_fn(|x| -x[0].abs()), Arc::new(Threads::new(two)?));
/// let mut search = Ga::search(ParameterSpace::uniform(1, -1.0, 1.0)?, GaConfig::documents(), Seed(1))?;
/// futures::executor::block_on(search.run_async(&fitness, two))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn on_spawner<F>(fitness: F, spawner: Arc<dyn Spawner>) -> OnSpawner<F>
where
    F: FitnessFn + Send + Sync + 'static,
{
    OnSpawner { fitness: Arc::new(fitness), spawner }
}

/// See [`on_spawner`].
#[derive(Clone)]
pub struct OnSpawner<F> {
    fitness: Arc<F>,
    spawner: Arc<dyn Spawner>,
}

#[async_trait]
impl<F: FitnessFn + Send + Sync + 'static> AsyncFitnessFn for OnSpawner<F> {
    async fn evaluate(
        &self,
        candidate: &[f64],
        evaluation: Evaluation,
    ) -> Result<f64, FitnessError> {
        let (fitness, candidate) = (self.fitness.clone(), candidate.to_vec());
        let (answer, answered) = oneshot::channel();
        self.spawner.spawn(Box::pin(async move {
            if answer.is_canceled() {
                return;
            }
            // Nothing of the closure is looked at again after a panic but the panic itself, which goes on where the answer is awaited.
            let call = AssertUnwindSafe(|| fitness.evaluate(&candidate, &evaluation));
            let _nobody_waits = answer.send(catch_unwind(call));
        }));
        match answered.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(FitnessError::failed("the spawner dropped the evaluation")),
        }
    }

    fn violation(&self, candidate: &[f64]) -> f64 {
        self.fitness.violation(candidate)
    }

    fn repair(&self, candidate: &mut [f64]) -> bool {
        self.fitness.repair(candidate)
    }
}

#[async_trait]
impl<F, V> AsyncFitnessFn for Constrained<F, V>
where
    F: AsyncFitnessFn,
    V: Fn(&[f64]) -> f64 + Send + Sync,
{
    async fn evaluate(
        &self,
        candidate: &[f64],
        evaluation: Evaluation,
    ) -> Result<f64, FitnessError> {
        self.fitness.evaluate(candidate, evaluation).await
    }
    fn violation(&self, candidate: &[f64]) -> f64 {
        self.own_violation(candidate) + above_zero(self.fitness.violation(candidate))
    }
    fn repair(&self, candidate: &mut [f64]) -> bool {
        self.fitness.repair(candidate)
    }
}

#[async_trait]
impl<F, R> AsyncFitnessFn for Repaired<F, R>
where
    F: AsyncFitnessFn,
    R: Fn(&mut [f64]) + Send + Sync,
{
    async fn evaluate(
        &self,
        candidate: &[f64],
        evaluation: Evaluation,
    ) -> Result<f64, FitnessError> {
        self.fitness.evaluate(candidate, evaluation).await
    }
    fn violation(&self, candidate: &[f64]) -> f64 {
        self.fitness.violation(candidate)
    }
    fn repair(&self, candidate: &mut [f64]) -> bool {
        self.fitness.repair(candidate);
        (self.repair)(candidate);
        true
    }
}
