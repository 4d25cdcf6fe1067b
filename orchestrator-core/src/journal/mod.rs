//! The journal: where the events of runs are kept, so that a run can be resumed after its process is gone.
//!
//! One floor above `run/`, which knows nothing of it: a host takes the events that a run yields, appends them, and says `committed` when
//! the append has returned. [`MemoryStore`] keeps them as long as the process lives, [`FileStore`] in a folder; a database of one's own is a
//! [`RunStore`], and `conformance` (feature `testkit`) says whether it is a good one.
//!
//! Nothing in here decides anything about a run; nothing reads a clock, spawns a thread or knows a runtime.
//!
//! ```
//! use orchestrator_core::{Batch, Input, MemoryStore, Role, Run, RunOptions, RunStore, Step, Timestamp, Workflow};
//! # futures::executor::block_on(async {
//! let workflow = Workflow::builder("greet").step(Step::task("hello", Role::GENERIC)).build()?;
//! let options = RunOptions::new("run-1", "greet the world")?;
//! let (store, run_id) = (MemoryStore::default(), options.id.clone());
//! let mut run = Run::new(workflow, options);
//! run.handle(Timestamp(0), Input::Started)?;
//!
//! let mut events = Vec::new();
//! while let Some(recorded) = run.poll_event() {
//!     events.push(recorded.clone());
//! }
//! let batch = Batch::new(events)?;
//! let last = batch.last();
//! store.append(&[(run_id.clone(), batch)]).await?;
//! run.committed(last); // only now does `poll_command` hand out work
//! assert_eq!(store.runs().await?[0].last_seq, last);
//! # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
//! ```

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
