//! How often a step is tried, and how long between. Integer arithmetic only: the same seed gives the same delays on every target.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::random::Seed;
use crate::task::{Failure, TaskError};

/// The most attempts a step may be given.
pub const ATTEMPTS_MAX: u32 = 1_000;

/// Retries with exponential backoff and seeded jitter.
///
/// ```
/// use orchestrator_core::{RetryPolicy, Seed};
/// use std::time::Duration;
///
/// // One retry is two attempts.
/// let policy = RetryPolicy { jitter_percent: 0, ..RetryPolicy::attempts(4) };
/// assert_eq!(policy.delay(1, Seed(7)), Duration::from_secs(1));
/// assert_eq!(policy.delay(3, Seed(7)), Duration::from_secs(4));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// The most attempts, the first one included: 1 to [`ATTEMPTS_MAX`]. Default 1, since only the host knows whether a second
    /// attempt does harm.
    pub attempts_max: u32,
    /// Milliseconds between the first attempt and the second. Default 1,000.
    pub delay_ms: u64,
    /// By how many per cent the delay of one retry is that of the one before; at least 100. Default 200: doubling.
    pub growth_percent: u32,
    /// The longest delay, in milliseconds. Default 60,000.
    pub delay_ms_max: u64,
    /// Up to how many per cent a delay is shortened at random, so that many runs do not retry at once; at most 100. Default 20.
    pub jitter_percent: u32,
    /// The codes of failures that no attempt follows, even if the worker called them retryable. Default none.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub never_on: BTreeSet<String>,
    /// Whether an attempt with an unknown outcome may be repeated: only if doing the work twice does no harm. Default false.
    pub repeat_unknown: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            attempts_max: 1,
            delay_ms: 1_000,
            growth_percent: 200,
            delay_ms_max: 60_000,
            jitter_percent: 20,
            never_on: BTreeSet::new(),
            repeat_unknown: false,
        }
    }
}

/// Why a retry policy cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RetryError {
    /// A step is tried at least once, and at most [`ATTEMPTS_MAX`] times.
    #[error("attempts_max is {0}, and must be from 1 to {ATTEMPTS_MAX}")]
    Attempts(u32),
    /// A delay must not shrink.
    #[error("growth_percent is {0}, and must be at least 100")]
    Growth(u32),
    /// A delay can be shortened to nothing, not further.
    #[error("jitter_percent is {0}, and must be at most 100")]
    Jitter(u32),
}

impl RetryPolicy {
    /// At most so many attempts, else the defaults.
    pub fn attempts(attempts_max: u32) -> Self {
        RetryPolicy { attempts_max, ..Self::default() }
    }

    /// The same policy, but no further attempt after a failure with this code.
    #[must_use]
    pub fn never_on(mut self, code: impl Into<String>) -> Self {
        self.never_on.insert(code.into());
        self
    }

    /// The same policy without any delay: for tests and for workers that fail fast.
    #[must_use]
    pub fn at_once(self) -> Self {
        RetryPolicy { delay_ms: 0, ..self }
    }

    /// Whether the policy can be kept.
    ///
    /// # Errors
    /// The first setting out of its range.
    pub fn check(&self) -> Result<(), RetryError> {
        if !(1..=ATTEMPTS_MAX).contains(&self.attempts_max) {
            Err(RetryError::Attempts(self.attempts_max))
        } else if self.growth_percent < 100 {
            Err(RetryError::Growth(self.growth_percent))
        } else if self.jitter_percent > 100 {
            Err(RetryError::Jitter(self.jitter_percent))
        } else {
            Ok(())
        }
    }

    /// How long to wait after the given attempt (counted from 1) has failed. `seed` decides the jitter.
    pub fn delay(&self, attempt: u32, seed: Seed) -> Duration {
        let cap = u128::from(self.delay_ms_max);
        let mut delay = u128::from(self.delay_ms).min(cap);
        for _ in 1..attempt {
            if delay == 0 || delay >= cap {
                break;
            }
            delay = (delay * u128::from(self.growth_percent) / 100).min(cap);
        }
        // Uniform in [0, jitter], in 2^32 steps.
        let share = u128::from(seed.derive("jitter").0 >> 32);
        let cut = (delay * u128::from(self.jitter_percent) * share / 100) >> 32;
        Duration::from_millis((delay - cut) as u64)
    }

    /// How long to wait before the attempt after `attempt`, or `None` when there is none: the failure is not one that another
    /// attempt may mend, or the attempts are used up.
    pub(crate) fn after(
        &self,
        attempt: u32,
        error: &TaskError,
        seed: impl FnOnce() -> Seed,
    ) -> Option<Duration> {
        if attempt >= self.attempts_max {
            return None;
        }
        if self.never_on.contains(&error.code) {
            return None;
        }
        let floor = match error.failure {
            Failure::Retryable { after_ms } => after_ms.unwrap_or(0),
            Failure::OutcomeUnknown if self.repeat_unknown => 0,
            Failure::OutcomeUnknown | Failure::Terminal | Failure::Cancelled => return None,
        };
        Some(self.delay(attempt, seed()).max(Duration::from_millis(floor)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_the_cap_and_jitter_only_shortens() {
        let policy = RetryPolicy::attempts(100);
        for attempt in 1..100 {
            let full = RetryPolicy { jitter_percent: 0, ..policy.clone() }.delay(attempt, Seed(0));
            assert!(full <= Duration::from_secs(60));
            for seed in 0..20 {
                let delay = policy.delay(attempt, Seed(seed));
                assert!(delay <= full && delay >= full * 4 / 5, "{attempt} {seed}: {delay:?}");
                assert_eq!(delay, policy.delay(attempt, Seed(seed)));
            }
        }
        let wild = RetryPolicy { delay_ms: u64::MAX, delay_ms_max: u64::MAX, ..policy };
        assert!(wild.delay(50, Seed(3)) > Duration::from_secs(1));
    }

    #[test]
    fn one_retry_is_two_attempts() {
        let policy = RetryPolicy::attempts(2);
        let flaky = TaskError::retryable("flaky", "try again");
        assert!(policy.after(1, &flaky, || Seed(1)).is_some());
        assert_eq!(policy.after(2, &flaky, || Seed(1)), None);
        assert_eq!(policy.after(1, &TaskError::terminal("bad", "no"), || Seed(1)), None);
        let unknown = TaskError::outcome_unknown("lost", "who knows");
        assert_eq!(policy.after(1, &unknown, || Seed(1)), None);
        let safe = RetryPolicy { repeat_unknown: true, ..policy };
        assert!(safe.after(1, &unknown, || Seed(1)).is_some());
        let patient = TaskError::retryable_after(Duration::from_secs(90), "busy", "later");
        assert_eq!(safe.after(1, &patient, || Seed(1)), Some(Duration::from_secs(90)));
    }
}
