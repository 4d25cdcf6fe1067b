//! What a router remembers: a ring of past tasks, the oldest forgotten first.

use std::collections::VecDeque;

use orchestrator_core::WorkerName;
use serde::{Deserialize, Serialize};

/// One attempt that came to an end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastTask {
    /// Which one, as `run:path:attempt`.
    pub label: String,
    /// Who did it.
    pub worker: WorkerName,
    /// What it was like.
    pub features: Vec<f64>,
    /// Whether it succeeded.
    pub success: bool,
    /// Dollars it cost.
    pub usd: f64,
    /// Milliseconds it took.
    pub duration_ms: u64,
}

/// The newest `capacity` past tasks.
///
/// ```
/// use orchestrator_attention::{Memory, PastTask};
/// use orchestrator_core::WorkerName;
/// let mut memory = Memory::new(2);
/// for label in ["a", "b", "c"] {
///     memory.remember(PastTask {
///         label: label.into(),
///         worker: WorkerName::parse("w").unwrap(),
///         features: vec![1.0],
///         success: true,
///         usd: 0.0,
///         duration_ms: 5,
///     });
/// }
/// let labels: Vec<_> = memory.tasks().map(|task| task.label.as_str()).collect();
/// assert_eq!(labels, ["c", "b"]);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    version: u32,
    capacity: usize,
    tasks: VecDeque<PastTask>,
}

/// The format of a written memory.
const MEMORY_VERSION: u32 = 1;

impl Memory {
    /// Nothing yet, and never more than `capacity` tasks.
    pub fn new(capacity: usize) -> Memory {
        Memory { version: MEMORY_VERSION, capacity, tasks: VecDeque::new() }
    }

    /// Adds a task, forgetting the oldest beyond the capacity.
    pub fn remember(&mut self, task: PastTask) {
        self.tasks.push_front(task);
        self.tasks.truncate(self.capacity);
    }

    /// The tasks, newest first.
    pub fn tasks(&self) -> impl Iterator<Item = &PastTask> {
        self.tasks.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The format version it was written in.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The same tasks, newest first, under another capacity.
    pub(crate) fn with_capacity(mut self, capacity: usize) -> Memory {
        self.capacity = capacity;
        self.tasks.truncate(capacity);
        self
    }

    pub(crate) fn known_version(&self) -> Result<(), (u32, u32)> {
        if self.version == MEMORY_VERSION { Ok(()) } else { Err((self.version, MEMORY_VERSION)) }
    }
}
