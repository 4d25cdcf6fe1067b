//! Who watches.

use serde::{Deserialize, Serialize};

use crate::id::RunId;
use crate::path::Path;
use crate::payload::Payload;
use crate::run::Recorded;
use crate::task::Note;
use crate::time::Timestamp;

/// Is told what happens, as it happens. All methods are called while the runs are driven (notes in the worker's thread), so they should
/// return soon, and must not wait for a run; what they do has no influence on the run.
///
/// ```
/// use orchestrator_core::{Note, Observer, Path, RunId};
///
/// struct Printer;
///
/// impl Observer for Printer {
///     fn noted(&self, _run: &RunId, path: &Path, note: &Note) {
///         if let Note::Progress { done, message } = note {
///             println!("{path}: {:.0}% {message}", 100.0 * done);
///         }
///     }
/// }
/// # let _: &dyn Observer = &Printer;
/// ```
pub trait Observer: Send + Sync {
    /// An event was recorded, and is safe if there is a store.
    fn recorded(&self, run: &RunId, event: &Recorded) {
        let _ = (run, event);
    }

    /// A worker said something.
    fn noted(&self, run: &RunId, path: &Path, note: &Note) {
        let _ = (run, path, note);
    }

    /// A person is to be asked; the answer goes to [`RunHandle::decide`](crate::RunHandle::decide). After a restore all that is open is
    /// asked again.
    fn asked(&self, run: &RunId, decision: &OpenDecision) {
        let _ = (run, decision);
    }

    /// A person need no longer be asked: time ran out, or the run stops.
    fn withdrawn(&self, run: &RunId, path: &Path) {
        let _ = (run, path);
    }
}

/// A question to a person that has no answer yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenDecision {
    /// What to answer for.
    pub path: Path,
    /// What is asked.
    pub question: String,
    /// What can be answered.
    pub choices: Vec<String>,
    /// What it is about.
    pub input: Payload,
    /// When the default counts, or the step fails for want of an answer.
    pub deadline: Option<Timestamp>,
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}
