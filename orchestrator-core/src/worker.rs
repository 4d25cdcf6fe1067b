//! The uncertain part: whoever turns a task into an output.
//!
//! A worker is a trait with one required method, or a closure. It never talks to another worker; what it needs is in its [`Task`],
//! and what it made goes back to the hub.

use std::future::Future;
use std::marker::PhantomData;
use std::task::Poll;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::id::Capability;
use crate::payload::Payload;
use crate::task::{Task, TaskError, TaskOutput};

/// Someone who works: a model, an optimiser, a script, a person.
///
/// ```
/// use orchestrator_core::{async_trait, Payload, Seed, Task, TaskError, TaskOutput, Worker};
///
/// struct Shouter;
///
/// #[async_trait]
/// impl Worker for Shouter {
///     async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
///         let text: String = task.input().to()?;
///         Ok(Payload::text(&text.to_uppercase()).into())
///     }
/// }
///
/// let task = Task::detached(Payload::from("hello"), Seed(1));
/// let output = futures::executor::block_on(Shouter.execute(task))?;
/// assert_eq!(output.payload, Payload::from("HELLO"));
/// # Ok::<(), TaskError>(())
/// ```
#[async_trait]
pub trait Worker: Send + Sync {
    /// Does the work of one attempt.
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError>;

    /// What this worker can do beyond its role; a step may require some of it.
    fn capabilities(&self) -> Vec<Capability> {
        Vec::new()
    }
}

/// Lets the executor look after its other futures once: for workers that compute, between two pieces of work, so that a host with a
/// single thread stays able to cancel.
pub async fn yield_now() {
    let mut yielded = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A worker out of a closure over tasks.
///
/// ```
/// use orchestrator_core::{worker_fn, Payload, TaskOutput};
/// let greeter = worker_fn(async |task| {
///     Ok(Payload::text(&format!("hello {}", task.context().goal())).into())
/// });
/// # let _: &dyn orchestrator_core::Worker = &greeter;
/// ```
///
/// An `async` closure must not capture anything by value (a limit of the language today). A closure that returns an `async` block may:
///
/// ```
/// use std::sync::Arc;
/// use orchestrator_core::{worker_fn, Payload, Task};
/// let greeting: Arc<str> = "good morning".into();
/// let greeter = worker_fn(move |task: Task| {
///     let greeting = greeting.clone();
///     async move { Ok(Payload::text(&format!("{greeting} {}", task.context().goal())).into()) }
/// });
/// # let _: &dyn orchestrator_core::Worker = &greeter;
/// ```
pub fn worker_fn<F, Fut>(work: F) -> WorkerFn<F>
where
    F: Fn(Task) -> Fut + Send + Sync,
    Fut: Future<Output = Result<TaskOutput, TaskError>> + Send,
{
    WorkerFn { work }
}

/// See [`worker_fn`].
pub struct WorkerFn<F> {
    work: F,
}

#[async_trait]
impl<F, Fut> Worker for WorkerFn<F>
where
    F: Fn(Task) -> Fut + Send + Sync,
    Fut: Future<Output = Result<TaskOutput, TaskError>> + Send,
{
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        (self.work)(task).await
    }
}

/// A worker out of a closure over the host's own serde types. The input is read as `I`, the result written from `O`; an input of
/// another shape is a terminal failure with the code `payload`.
///
/// ```
/// use orchestrator_core::{typed_worker, Payload, Seed, Task, Worker};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Deserialize)]
/// struct Order { price: u32, count: u32 }
/// #[derive(Serialize)]
/// struct Invoice { total: u32 }
///
/// let clerk = typed_worker(async |order: Order, _task: Task| {
///     Ok(Invoice { total: order.price * order.count })
/// });
/// let task = Task::detached(Payload::parse(r#"{"price": 3, "count": 4}"#)?, Seed(1));
/// let output = futures::executor::block_on(clerk.execute(task)).unwrap();
/// assert_eq!(output.payload.as_json(), r#"{"total":12}"#);
/// # Ok::<(), orchestrator_core::PayloadError>(())
/// ```
pub fn typed_worker<I, O, F, Fut>(work: F) -> TypedWorker<I, O, F>
where
    I: DeserializeOwned + Send,
    O: Serialize,
    F: Fn(I, Task) -> Fut + Send + Sync,
    Fut: Future<Output = Result<O, TaskError>> + Send,
{
    TypedWorker { work, types: PhantomData }
}

/// See [`typed_worker`].
pub struct TypedWorker<I, O, F> {
    work: F,
    types: PhantomData<fn(I) -> O>,
}

#[async_trait]
impl<I, O, F, Fut> Worker for TypedWorker<I, O, F>
where
    I: DeserializeOwned + Send,
    O: Serialize,
    F: Fn(I, Task) -> Fut + Send + Sync,
    Fut: Future<Output = Result<O, TaskError>> + Send,
{
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let input: I = task.input().to()?;
        let output = (self.work)(input, task).await?;
        Ok(Payload::of(&output)?.into())
    }
}
