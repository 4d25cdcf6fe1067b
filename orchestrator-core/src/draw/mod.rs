//! Pictures of a definition, and of a run with its states: Mermaid and DOT (Graphviz), for people.
//!
//! Both are written from one neutral picture, so that they show the same. Loops, maps and sub-workflows are drawn around what is inside
//! them; branches, decisions and waits have shapes of their own; an edge is labelled with what it fires on. Nothing here lays anything
//! out, and nothing is left out for being large.
//!
//! ```
//! use orchestrator_core::{Input, Role, Run, RunOptions, Step, Timestamp, Workflow};
//! let workflow = Workflow::builder("hello").step(Step::task("greet", Role::GENERIC)).build()?;
//! assert!(workflow.to_mermaid().contains("s0[\"greet<br/>generic\"]"));
//!
//! let mut run = Run::new(workflow.clone(), RunOptions::new("run-1", "")?);
//! run.handle(Timestamp(0), Input::Started)?;
//! assert!(run.view().to_dot(&workflow).contains("greet\\ngeneric\\nrunning"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod dot;
mod mermaid;
mod picture;

use crate::run::{RunView, StepStatus};
use crate::workflow::Workflow;

impl Workflow {
    /// The definition as a Mermaid flowchart.
    pub fn to_mermaid(&self) -> String {
        mermaid::write(&picture::of(self, None))
    }

    /// The definition in DOT, the language of Graphviz.
    pub fn to_dot(&self) -> String {
        dot::write(&picture::of(self, None))
    }
}

impl RunView {
    /// The run as a Mermaid flowchart of its definition, every step with its state in words and in colour. Steps inside a loop show the
    /// last round, those inside a map all items.
    pub fn to_mermaid(&self, workflow: &Workflow) -> String {
        mermaid::write(&picture::of(workflow, Some(self)))
    }

    /// The run in DOT, as [`to_mermaid`](RunView::to_mermaid) shows it.
    pub fn to_dot(&self, workflow: &Workflow) -> String {
        dot::write(&picture::of(workflow, Some(self)))
    }
}

/// Every status in the order in which it stands for several: what is being done says more than what is over.
const STATUSES: [StepStatus; 8] = [
    StepStatus::Running,
    StepStatus::Awaiting,
    StepStatus::Resting,
    StepStatus::Stopping,
    StepStatus::Failed,
    StepStatus::Waiting,
    StepStatus::Succeeded,
    StepStatus::Skipped,
];

/// The word for a status, and the colour that its steps are filled with.
fn look(status: StepStatus) -> (&'static str, &'static str) {
    match status {
        StepStatus::Waiting => ("waiting", "#f5f5f5"),
        StepStatus::Running => ("running", "#bbdefb"),
        StepStatus::Resting => ("resting", "#ffe0b2"),
        StepStatus::Awaiting => ("awaiting", "#fff59d"),
        StepStatus::Stopping => ("stopping", "#ffccbc"),
        StepStatus::Succeeded => ("succeeded", "#c8e6c9"),
        StepStatus::Failed => ("failed", "#ef9a9a"),
        StepStatus::Skipped => ("skipped", "#e0e0e0"),
    }
}
