//! The hub.
mod clock;

pub use clock::{ManualClock, SystemClock};
