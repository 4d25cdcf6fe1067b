//! The hub: knows workers and workflows, and drives runs on whatever executor the host has.
//!
//! Workers never talk to each other; everything passes through here and is recorded. The hub owns no thread and no runtime: it makes
//! progress while a future that it returned is polled, and spawns only on a [`Spawner`] that the host hands it. Any one of
//! [`execute`](Orchestrator::execute), [`RunHandle::join`], [`drive`](Orchestrator::drive) and an awaited [`Receipt`] drives all runs; several
//! may be polled at once, in several threads, and hand over to each other (`desk.rs` says why no wake-up is lost); dropping them
//! loses nothing. Dropping the hub with its last handle tells all workers to stop.
//!
//! One turn of the driver takes what has come in, lets the runs decide, makes the events of all of them durable with one append, and only
//! then hands out what they ask for.
//!
//! | file | what changes there |
//! |---|---|
//! | `setup`, `limits` | what a hub is told before it drives |
//! | `desk`, `roll` | who drives, and what comes in; which runs there are |
//! | `drive`, `active`, `hand_out`, `commit` | a turn: inputs, runs, commands, the store |
//! | `places`, `lanes` | attempts that are in flight, and that wait |
//! | `cell`, `handle`, `join`, `stream`, `report` | a run as its host sees it |
//! | `recover`, `shutdown` | the end of a process, and the next one |

mod active;
mod cell;
mod clock;
mod commit;
mod desk;
mod drive;
mod hand_out;
mod handle;
mod join;
mod lanes;
mod limits;
mod observe;
mod places;
mod recover;
mod report;
mod roll;
mod setup;
mod shutdown;
mod spawn;
mod start;
mod stream;

use std::sync::Arc;

pub use clock::{ManualClock, SystemClock};
pub use handle::{RunHandle, TellError};
pub use join::{Joining, Receipt};
pub use limits::{Limits, SnapshotPolicy};
pub use observe::{NoObserver, Observer, OpenDecision};
pub use recover::{Recovered, ResumeError};
pub use report::{History, Outputs, RunFailure, RunReport};
pub use setup::RegisterError;
pub use shutdown::Shutdown;
pub use spawn::{Spawner, Threads};
pub use start::{ExecuteError, JoinError, Start, StartError};
pub use stream::EventStream;

use drive::Hub;

/// The hub.
///
/// ```
/// use orchestrator_core::{Orchestrator, Payload, Role, pipeline, typed_worker};
///
/// let mut hub = Orchestrator::new();
/// hub.register_worker("ada", Role::CODER, typed_worker(async |goal: String, _| {
///     Ok(format!("fn main() {{ println!({goal:?}) }}"))
/// }))?;
/// hub.register_worker("grace", Role::REVIEWER, typed_worker(async |code: String, _| {
///     Ok(code.contains("main"))
/// }))?;
/// hub.register_workflow(pipeline("write", [
///     ("code", Role::CODER, "write it"),
///     ("review", Role::REVIEWER, "read it"),
/// ])?)?;
///
/// let report = futures::executor::block_on(hub.execute("write", "hello"))?;
/// assert_eq!(report.output()?.to::<bool>()?, true);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Orchestrator {
    hub: Arc<Hub>,
}

impl Orchestrator {
    /// A hub without workers and workflows.
    pub fn new() -> Orchestrator {
        Orchestrator::default()
    }
}
