//! Why a file is no trace that can be run, with the tasks concerned.

use thiserror::Error;

/// Why a file is no trace that can be run.
#[derive(Debug, Error)]
pub(crate) enum Broken {
    #[error("this is no WfFormat trace: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the trace has no {0}")]
    Missing(&'static str),
    #[error("task {0:?} is there twice")]
    Twice(String),
    #[error("task {task:?} names {unknown:?} among its {list}, which is not there")]
    Unknown { task: String, unknown: String, list: &'static str },
    #[error("task {task:?} names {other:?} as a {role}, which does not name it as a {back}")]
    Contradiction { task: String, other: String, role: &'static str, back: &'static str },
    #[error("task {0:?} has no recorded run time")]
    NoRunTime(String),
    #[error("task {0:?} has two recorded run times")]
    TwoRunTimes(String),
    #[error("there is a run time of task {0:?}, which is not there")]
    RunTimeOfUnknown(String),
    #[error("task {task:?} has the run time {seconds:?} s, which no task can have")]
    RunTime { task: String, seconds: f64 },
    #[error("tasks wait for each other in a circle: {}", circle(.0))]
    Cycle(Vec<String>),
    #[error(transparent)]
    Workflow(#[from] orchestrator_ai::core::Faults),
}

fn circle(ids: &[String]) -> String {
    /// A line with more ids than that is read by nobody.
    const IDS_MAX: usize = 50;
    let shown: Vec<String> = ids.iter().take(IDS_MAX).map(|id| format!("{id:?}")).collect();
    let more = match ids.len().saturating_sub(IDS_MAX) {
        0 => String::new(),
        more => format!(" -> and {more} more"),
    };
    shown.join(" -> ") + &more
}
