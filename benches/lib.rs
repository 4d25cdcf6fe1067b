//! Measurements of orchestrator-ai; see `benches/README.md`. Here stands what more than one program measures with.

pub mod attention;
pub mod ga;
pub mod rows;

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The user and system time of all threads of this process so far.
pub fn cpu_time() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(used).expect("no process has used less than nothing")
}
