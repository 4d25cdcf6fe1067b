//! What a host holds of a run: to look at it, to tell it something, and to wait for its end.

use std::sync::Arc;

use super::cell::{Fate, RunCell};
use super::drive::Hub;
use super::join::{Joining, Receipt};
use super::stream::EventStream;
use super::{JoinError, OpenDecision};
use crate::id::{RunId, SignalName};
use crate::path::Path;
use crate::payload::Payload;
use crate::run::{Decided, Handled, Ignored, Input, InputError, RunView};

/// A run of a hub. Cheap to clone, and of use in any thread; it keeps the hub alive, but drives only while [`join`](RunHandle::join) or a
/// [`Receipt`] is awaited.
///
/// What a run is told counts at once, and is safe when the [`Receipt`] has been awaited. No command that comes of it goes out before.
///
/// ```
/// use orchestrator_core::{Decided, Orchestrator, Path, Start, Step, Workflow};
/// # futures::executor::block_on(async {
/// let ask = Step::decision("ship", "Shall we?", ["yes", "no"]);
/// let mut hub = Orchestrator::new();
/// hub.register_workflow(Workflow::builder("release").step(ask).build()?)?;
///
/// let run = hub.start("release", Start::goal("version 2"))?;
/// run.decide(Path::parse("ship")?, Decided::new("yes"))?.await?;
/// let report = run.join().await?;
/// assert_eq!(report.output()?.at::<String>("/choice")?, "yes");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct RunHandle {
    hub: Arc<Hub>,
    cell: Arc<RunCell>,
}

/// Why a run was not told something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TellError {
    /// It makes no sense to the run.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The hub no longer drives the run.
    #[error(transparent)]
    Gone(JoinError),
}

impl RunHandle {
    pub(super) fn new(hub: Arc<Hub>, cell: Arc<RunCell>) -> RunHandle {
        RunHandle { hub, cell }
    }

    /// The name of the run.
    pub fn id(&self) -> &RunId {
        &self.cell.id
    }

    /// Its events, from the oldest that is kept; see [`EventStream`].
    pub fn events(&self) -> EventStream {
        self.events_after(0)
    }

    /// Its events after the one with this number; after [`RunView::seq`], those to come.
    pub fn events_after(&self, seq: u64) -> EventStream {
        EventStream::new(self.cell.clone(), self.hub.desk.driver(), seq + 1)
    }

    /// Answers a decision. They may be answered in any order.
    ///
    /// # Errors
    /// When nothing of the sort was asked, or the hub no longer drives the run.
    pub fn decide(&self, path: Path, decided: Decided) -> Result<Receipt, TellError> {
        self.tell(Input::Decided { path, decided })
    }

    /// Gives a signal to the step that waits for it, or will.
    ///
    /// # Errors
    /// When too many of that name are kept, it is too large, or the hub no longer drives the run.
    pub fn signal(&self, name: SignalName, payload: Payload) -> Result<Receipt, TellError> {
        self.tell(Input::Signalled { name, payload })
    }

    /// Begins no new work until the run is resumed. Answers to what is in flight are taken.
    ///
    /// # Errors
    /// When the hub no longer drives the run.
    pub fn pause(&self) -> Result<Receipt, TellError> {
        self.tell(Input::Paused)
    }

    /// Goes on after a pause.
    ///
    /// # Errors
    /// When the hub no longer drives the run.
    pub fn resume(&self) -> Result<Receipt, TellError> {
        self.tell(Input::Resumed)
    }

    /// Begins no new work, and tells what is in flight to stop. The run ends when that has answered, and what is to be undone is undone.
    ///
    /// # Errors
    /// When the hub no longer drives the run.
    pub fn cancel(&self, reason: impl Into<String>) -> Result<Receipt, TellError> {
        self.tell(Input::Cancelled { reason: reason.into() })
    }

    /// Where the run stands.
    pub fn view(&self) -> RunView {
        self.cell.lock().run.view()
    }

    /// What people have been asked and have not answered, by path.
    pub fn open_decisions(&self) -> Vec<OpenDecision> {
        self.cell.lock().decisions.values().cloned().collect()
    }

    /// Waits for the end of the run, and drives all runs of the hub meanwhile.
    pub fn join(&self) -> Joining {
        Joining::new(self.hub.clone(), self.cell.clone())
    }

    fn tell(&self, input: Input) -> Result<Receipt, TellError> {
        let now = self.hub.setup().clock.now();
        let decided = match &input {
            Input::Decided { path, .. } => Some(path.clone()),
            _ => None,
        };
        let mut state = self.cell.lock();
        let handled = match &state.fate {
            Fate::Going => state.run.handle(now, input)?,
            Fate::Ended => Handled::Ignored(Ignored::RunEnded),
            Fate::Lost(why) => return Err(TellError::Gone(why.clone())),
        };
        let taken = handled == Handled::Taken;
        let seq = if taken { state.run.event_count() } else { 0 };
        if let (true, Some(path)) = (taken, decided) {
            state.decisions.remove(&path);
        }
        drop(state);
        if taken {
            self.hub.touch(&self.cell);
        }
        Ok(Receipt::new(self.hub.clone(), self.cell.clone(), handled, seq))
    }
}

impl std::fmt::Debug for RunHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RunHandle").field(self.id()).finish()
    }
}
