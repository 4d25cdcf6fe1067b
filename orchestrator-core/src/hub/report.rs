//! What is left of a run when it is over.

use std::collections::BTreeMap;

use crate::id::RunId;
use crate::path::Path;
use crate::payload::Payload;
use crate::run::{Event, Recorded, RunResult};
use crate::task::{TaskError, Usage};

/// A run that has ended: how, with what outputs, and everything that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct RunReport {
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub result: RunResult,
    /// The output of every step that succeeded.
    pub outputs: BTreeMap<Path, Payload>,
    /// Every event.
    pub history: Vec<Recorded>,
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
        error: TaskError,
    },
    /// The host cancelled it.
    #[error("the run was cancelled: {reason}")]
    Cancelled {
        /// Why.
        reason: String,
    },
}

impl RunReport {
    /// The output of the run.
    ///
    /// # Errors
    /// When the run did not succeed.
    pub fn output(&self) -> Result<&Payload, RunFailure> {
        match &self.result {
            RunResult::Succeeded { output } => Ok(output),
            RunResult::Failed { path, error } => {
                Err(RunFailure::Failed { path: path.clone(), error: error.clone() })
            }
            RunResult::Cancelled { reason } => {
                Err(RunFailure::Cancelled { reason: reason.clone() })
            }
        }
    }

    /// What the successful attempts cost together.
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
