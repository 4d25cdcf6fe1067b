//! Two clocks: the machine's, and one that a test moves by hand.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::channel::oneshot;

use crate::time::{BoxFuture, Clock, Timestamp};

/// The machine's clock, with timers that need no runtime.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // The one place of the workspace that reads the wall clock.
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(0).after(since)
    }

    fn sleep_until(&self, instant: Timestamp) -> BoxFuture<()> {
        Box::pin(futures_timer::Delay::new(instant.since(self.now())))
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug, Default)]
pub struct ManualClock {
    state: Mutex<ManualState>,
}

#[derive(Debug, Default)]
struct ManualState {
    now: Timestamp,
    sleepers: Vec<(Timestamp, oneshot::Sender<()>)>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: Timestamp) -> ManualClock {
        ManualClock { state: Mutex::new(ManualState { now, sleepers: Vec::new() }) }
    }

    /// Moves the clock on, and wakes who slept until then.
    pub fn advance(&self, by: Duration) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now = state.now.after(by);
        let now = state.now;
        let sleepers = std::mem::take(&mut state.sleepers);
        let (woken, asleep) = sleepers.into_iter().partition(|(until, _)| *until <= now);
        state.sleepers = asleep;
        drop(state);
        // Dropping the sender wakes the sleeper, who may look at this clock at once.
        drop::<Vec<_>>(woken);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).now
    }

    fn sleep_until(&self, instant: Timestamp) -> BoxFuture<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if instant <= state.now {
            return Box::pin(std::future::ready(()));
        }
        state.sleepers.retain(|(_, sleeper)| !sleeper.is_canceled());
        let (wake, woken) = oneshot::channel();
        state.sleepers.push((instant, wake));
        Box::pin(async move {
            let _moved = woken.await;
        })
    }
}
