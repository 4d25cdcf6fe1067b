//! One execution, as it is kept: what it was, who did it, how it ended, and what that took.

use orchestrator_core::{Role, Timestamp, WorkerName};
use serde::{Deserialize, Serialize};

/// The format that records are written in.
pub const RECORD_VERSION: u32 = 1;

/// How an execution ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExecutionOutcome {
    /// With a result.
    Success,
    /// Without one.
    Failed,
    /// It was stopped. Says nothing about the worker, so it is kept but left out of every rate.
    Cancelled,
}

/// What a mistake would cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// Little.
    Low,
    /// Something.
    #[default]
    Medium,
    /// Much.
    High,
}

/// How large the task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Complexity {
    /// A few lines.
    Small,
    /// A feature.
    #[default]
    Medium,
    /// Many parts.
    Large,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorRecord {
    /// The error's code, for programs.
    pub kind: String,
    /// Its message, for people.
    pub message: String,
}

/// One execution.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutionRecord {
    /// [`RECORD_VERSION`] when it was written.
    pub version: u32,
    /// Which task.
    pub task_id: String,
    /// What part of the work it belongs to: `core`, `docs`, `api`.
    pub area: String,
    /// What a mistake would cost.
    pub risk: Risk,
    /// How large it is.
    pub complexity: Complexity,
    /// The role that was filled.
    pub role: Role,
    /// Who did it.
    pub worker: WorkerName,
    /// Who provides that worker, where it is known.
    pub provider: Option<String>,
    /// How it ended.
    pub outcome: ExecutionOutcome,
    /// When it ended.
    pub at: Timestamp,
    /// How long it took.
    pub duration_ms: u64,
    /// What it cost.
    pub usd: f64,
    /// Model tokens.
    pub tokens: u64,
    /// How many steps it had.
    pub steps: u32,
    /// How many attempts failed before.
    pub retries: u32,
    /// Whether it passed its quality gates; `None` when there were none.
    pub quality_gates_passed: Option<bool>,
    /// What went wrong, when it failed.
    pub error: Option<ErrorRecord>,
}

impl ExecutionRecord {
    /// A record that says no more than this: area `general`, medium risk and complexity, one step, no cost, at time 0.
    pub fn new(
        task_id: impl Into<String>,
        role: Role,
        worker: WorkerName,
        outcome: ExecutionOutcome,
    ) -> Self {
        ExecutionRecord {
            version: RECORD_VERSION,
            task_id: task_id.into(),
            area: "general".to_owned(),
            risk: Risk::default(),
            complexity: Complexity::default(),
            role,
            worker,
            provider: None,
            outcome,
            at: Timestamp(0),
            duration_ms: 0,
            usd: 0.0,
            tokens: 0,
            steps: 1,
            retries: 0,
            quality_gates_passed: None,
            error: None,
        }
    }
}
