//! Who watches.

use crate::id::RunId;
use crate::path::Path;
use crate::run::Recorded;
use crate::task::Note;

/// Is told what happens, as it happens. Both methods are called while the run is driven (notes in the worker's thread), so they should
/// return soon; what they do has no influence on the run.
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
    /// An event was recorded.
    fn recorded(&self, run: &RunId, event: &Recorded) {
        let _ = (run, event);
    }

    /// A worker said something.
    fn noted(&self, run: &RunId, path: &Path, note: &Note) {
        let _ = (run, path, note);
    }
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}
