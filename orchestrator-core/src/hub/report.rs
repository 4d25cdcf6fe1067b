//! What is left of a run when it is over.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::cell::RunCell;
use crate::id::RunId;
use crate::path::Path;
use crate::payload::Payload;
use crate::run::{Event, Recorded, RunOutcome, RunResult};
use crate::task::{TaskError, Usage};

/// A run that has ended: how, with what outputs, and everything that happened. Cheap to clone: outputs and history are made when they are
/// first looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct RunReport {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub result: RunResult,
    /// The output of every step that succeeded.
    pub outputs: Outputs,
    /// Every event; after [snapshots](crate::SnapshotPolicy), those that are still kept.
    pub history: History,
}

/// What a report shows, made when it is looked at. The run does not change any more.
struct Past {
    cell: Arc<RunCell>,
    outcome: OnceLock<RunOutcome>,
    history: OnceLock<Vec<Recorded>>,
}

impl Past {
    fn outcome(&self) -> &RunOutcome {
        let outcome = || self.cell.lock().run.outcome().expect("the run has ended");
        self.outcome.get_or_init(outcome)
    }
}

/// The outputs of a run: reads as a map by path.
#[derive(Clone)]
pub struct Outputs(Arc<Past>);

/// The events of a run, in order: reads as a slice.
#[derive(Clone)]
pub struct History(Arc<Past>);

impl Deref for Outputs {
    type Target = BTreeMap<Path, Payload>;
    fn deref(&self) -> &Self::Target {
        &self.0.outcome().outputs
    }
}

impl Deref for History {
    type Target = [Recorded];
    fn deref(&self) -> &[Recorded] {
        self.0.history.get_or_init(|| self.0.cell.lock().run.history())
    }
}

impl<'a> IntoIterator for &'a Outputs {
    type Item = (&'a Path, &'a Payload);
    type IntoIter = std::collections::btree_map::Iter<'a, Path, Payload>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a History {
    type Item = &'a Recorded;
    type IntoIter = std::slice::Iter<'a, Recorded>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Outputs {
    fn eq(&self, other: &Outputs) -> bool {
        **self == **other
    }
}

impl PartialEq for History {
    fn eq(&self, other: &History) -> bool {
        **self == **other
    }
}

impl PartialEq<History> for Vec<Recorded> {
    fn eq(&self, other: &History) -> bool {
        **self == **other
    }
}

impl PartialEq<Vec<Recorded>> for History {
    fn eq(&self, other: &Vec<Recorded>) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Outputs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A run that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunFailure {
    /// A failure was left unhandled.
    #[error("step {path} failed: {error}")]
    Failed {
        /// Where.
        path: Path,
        /// Why.
        error: Box<TaskError>,
    },
    /// The host cancelled it.
    #[error("the run was cancelled: {reason}")]
    Cancelled {
        /// Why.
        reason: String,
    },
}

impl RunReport {
    /// The report of a run that has ended.
    pub(super) fn of(cell: &Arc<RunCell>, result: RunResult) -> RunReport {
        let past = Past { cell: cell.clone(), outcome: OnceLock::new(), history: OnceLock::new() };
        let past = Arc::new(past);
        let run = cell.id.clone();
        RunReport { run, result, outputs: Outputs(past.clone()), history: History(past) }
    }

    /// The output of the run.
    ///
    /// # Errors
    /// When the run did not succeed.
    pub fn output(&self) -> Result<&Payload, RunFailure> {
        match &self.result {
            RunResult::Succeeded { output } => Ok(output),
            RunResult::Failed { path, error } => {
                Err(RunFailure::Failed { path: path.clone(), error: Box::new(error.clone()) })
            }
            RunResult::Cancelled { reason } => {
                Err(RunFailure::Cancelled { reason: reason.clone() })
            }
        }
    }

    /// The compensations that failed.
    pub fn uncompensated(&self) -> &[Path] {
        &self.outputs.0.outcome().uncompensated
    }

    /// What the successful attempts cost together, as far as the history is kept.
    pub fn usage(&self) -> Usage {
        let mut total = Usage::default();
        for recorded in &self.history {
            if let Event::StepSucceeded { usage, .. } = &recorded.event {
                total += *usage;
            }
        }
        total
    }
}
