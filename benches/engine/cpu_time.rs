//! Processor time as a criterion measurement: user and system time of all threads of this process.
//!
//! Processor time and not the clock on the wall, because a peer that spreads its bookkeeping over two cores has not made it cheaper, and
//! because a neighbour on the same machine then disturbs the figures less.

use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};

/// The processor time that this process has used, in nanoseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CpuTime;

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        benches::cpu_time()
    }

    fn end(&self, began: Duration) -> Duration {
        self.start().saturating_sub(began)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        // Both count nanoseconds.
        WallTime.formatter()
    }
}
