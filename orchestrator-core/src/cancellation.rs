//! How workers are told that their result is no longer wanted.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

/// How a worker learns that its result is no longer wanted. Cheap to clone.
///
/// ```
/// use orchestrator_core::Cancellation;
/// let (cancel, cancellation) = Cancellation::new();
/// assert!(!cancellation.is_cancelled());
/// cancel.cancel();
/// assert!(cancellation.is_cancelled());
/// futures::executor::block_on(cancellation.cancelled());
/// ```
#[derive(Clone)]
pub struct Cancellation(Option<Arc<Signal>>);

/// What the two ends share.
struct Signal {
    cancelled: AtomicBool,
    /// Who is to be woken. A task that asks again is kept once.
    waiting: Mutex<Vec<Waker>>,
}

impl Cancellation {
    /// The two ends: who cancels, and who is told.
    pub fn new() -> (Canceller, Cancellation) {
        let signal = Signal { cancelled: AtomicBool::new(false), waiting: Mutex::default() };
        let signal = Arc::new(signal);
        (Canceller(signal.clone()), Cancellation(Some(signal)))
    }

    /// One that never comes, whatever is awaited of it.
    pub fn never() -> Cancellation {
        Cancellation(None)
    }

    /// Whether it has come: for loops between pieces of work.
    pub fn is_cancelled(&self) -> bool {
        self.0.as_ref().is_some_and(|signal| signal.cancelled.load(Ordering::Acquire))
    }

    /// Completes when it comes, and never if it never comes: for racing against other futures.
    pub async fn cancelled(&self) {
        std::future::poll_fn(|context| {
            if let Some(signal) = &self.0 {
                // Looked at under the lock: whoever cancels raises the flag first and then wakes under the same lock.
                let mut waiting = signal.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                if self.is_cancelled() {
                    return Poll::Ready(());
                }
                if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                    waiting.push(context.waker().clone());
                }
            }
            Poll::Pending
        })
        .await;
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cancellation({})", self.is_cancelled())
    }
}

/// The end of a [`Cancellation`] that cancels. Dropping it cancels nothing.
pub struct Canceller(Arc<Signal>);

impl Canceller {
    /// Tells every holder of the other end.
    pub fn cancel(self) {
        self.0.cancelled.store(true, Ordering::Release);
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let woken = std::mem::take(&mut *waiting);
        drop(waiting);
        woken.into_iter().for_each(Waker::wake);
    }
}
