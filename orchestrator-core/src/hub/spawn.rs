//! Where workers run, if not inside the future that drives the run.

use std::num::NonZeroUsize;

use futures::executor::ThreadPool;
use futures::task::SpawnExt;

use crate::time::BoxFuture;

/// Runs a future to its end somewhere else.
///
/// ```
/// use orchestrator_core::{BoxFuture, Spawner};
///
/// /// A thread for every attempt; a host with a runtime hands the future to that instead.
/// struct ThreadEach;
///
/// impl Spawner for ThreadEach {
///     fn spawn(&self, work: BoxFuture<()>) {
///         std::thread::spawn(|| futures::executor::block_on(work));
///     }
/// }
/// # let _: &dyn Spawner = &ThreadEach;
/// ```
pub trait Spawner: Send + Sync {
    /// Sees to it that `work` is polled to its end.
    fn spawn(&self, work: BoxFuture<()>);
}

/// A pool of threads, for workers that compute.
#[derive(Debug, Clone)]
pub struct Threads(ThreadPool);

impl Threads {
    /// A pool of `count` threads.
    ///
    /// # Errors
    /// When the system starts no thread.
    pub fn new(count: NonZeroUsize) -> std::io::Result<Threads> {
        ThreadPool::builder()
            .pool_size(count.get())
            .name_prefix("orchestrator-worker-")
            .create()
            .map(Threads)
    }
}

impl Spawner for Threads {
    fn spawn(&self, work: BoxFuture<()>) {
        // A pool that is shutting down drops the work; its caller then sees an attempt without an answer.
        let _closed = self.0.spawn(work);
    }
}
