//! Time, as an argument. Nothing in this crate but [`SystemClock`](crate::SystemClock) reads a clock.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A future in a box, as object-safe asynchronous traits return it.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// Milliseconds since the Unix epoch, as the host gives them.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The instant `delay` later; the far end of time is never passed.
    #[must_use]
    pub fn after(self, delay: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The instant `delay_ms` milliseconds later.
    pub(crate) fn after_ms(self, delay_ms: u64) -> Timestamp {
        Timestamp(self.0.saturating_add(delay_ms))
    }

    /// How long ago `earlier` was; zero when it was not.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.0)
    }
}

/// Where a host's time comes from.
///
/// ```
/// use orchestrator_core::{Clock, ManualClock, Timestamp};
/// use std::time::Duration;
///
/// let clock = ManualClock::at(Timestamp(1_000));
/// clock.advance(Duration::from_secs(2));
/// assert_eq!(clock.now(), Timestamp(3_000));
/// ```
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// Completes when `instant` has come; at once if it is past.
    fn sleep_until(&self, instant: Timestamp) -> BoxFuture<()>;
}
