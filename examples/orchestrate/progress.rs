//! One bar for the whole run: it moves when a step ends, and says what the workers say meanwhile.

use indicatif::{ProgressBar as Bar, ProgressStyle};
use orchestrator_ai::core::{Event, Note, Observer, Path, Recorded, RunId};

pub(crate) struct ProgressBar(Bar);

impl ProgressBar {
    pub(crate) fn new() -> ProgressBar {
        let bar = Bar::new(orchestrator_ai::workflow().map_or(0, |w| w.steps().count() as u64));
        let style = ProgressStyle::with_template("{bar:28} {pos}/{len} {wide_msg}");
        bar.set_style(style.expect("a template that has been tried"));
        ProgressBar(bar)
    }

    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl Observer for ProgressBar {
    fn recorded(&self, _: &RunId, recorded: &Recorded) {
        if let Event::StepSucceeded { .. } | Event::StepFailed { .. } = recorded.event {
            self.0.inc(1);
        }
    }

    fn noted(&self, _: &RunId, path: &Path, note: &Note) {
        match note {
            Note::Progress { message, .. } => self.0.set_message(format!("{path}: {message}")),
            Note::Log { line } => self.0.println(format!("{path}: {line}")),
            _ => {}
        }
    }
}
