//! The journal: where the events of runs are kept, so that a run can be resumed after its process is gone.
//!
//! One floor above `run/`, which knows nothing of it: a host takes the events that a run yields, appends them, and says `committed` when
//! the append returned. Nothing in here decides anything about a run; nothing reads a clock, spawns a thread or knows a runtime.

mod batch;
#[cfg(feature = "testkit")]
pub mod conformance;
mod error;
#[cfg(feature = "testkit")]
mod faulty;
mod file;
mod memory;
mod store;

pub use batch::{Batch, BatchError};
pub use error::StoreError;
#[cfg(feature = "testkit")]
pub use faulty::{FaultyStore, Loss};
pub use file::{Cut, FileOptions, FileStore, PENDING_BYTES_MAX, Recovery, SEGMENT_BYTES};
pub use memory::MemoryStore;
pub use store::{Past, RunEntry, RunStore, Snapshot};
