//! What a worker gets, and what it gives back.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cancellation::Cancellation;
use crate::context::Context;
use crate::id::{Role, RunId};
use crate::path::Path;
use crate::payload::{Payload, PayloadError};
use crate::random::Seed;

/// One attempt of one step, handed to a worker. Owned: it may travel to another thread.
#[derive(Clone)]
pub struct Task {
    pub(crate) run: RunId,
    pub(crate) path: Path,
    pub(crate) role: Role,
    pub(crate) attempt: u32,
    pub(crate) priority: i32,
    pub(crate) seed: SeedOf,
    pub(crate) input: Payload,
    pub(crate) context: Context,
    pub(crate) cancellation: Cancellation,
    pub(crate) notes: Notes,
}

/// Where the seed of a task comes from. Most workers are certain and never ask.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SeedOf {
    Itself(Seed),
    /// The seed of the run.
    Run(Seed),
}

impl SeedOf {
    /// The seed of an attempt: a function of the run's seed, the path and the attempt.
    pub(crate) fn attempt(self, path: &Path, attempt: u32) -> Seed {
        match self {
            SeedOf::Itself(seed) => seed,
            SeedOf::Run(seed) => seed.derive(&path.to_string()).index(u64::from(attempt)),
        }
    }
}

impl Task {
    /// A task outside any run, for calling a worker directly: in a test, or where no orchestration is wanted.
    pub fn detached(input: Payload, seed: Seed) -> Task {
        Task {
            run: RunId::parse("detached").expect("a valid name"),
            path: Path::detached(),
            role: Role::GENERIC,
            attempt: 1,
            priority: 0,
            seed: SeedOf::Itself(seed),
            input,
            context: Context::detached(""),
            cancellation: Cancellation::never(),
            notes: Notes::ignored(),
        }
    }

    /// The same task with another input: for a worker that prepares work for another.
    #[must_use]
    pub fn with_input(self, input: Payload) -> Task {
        Task { input, ..self }
    }

    /// The same task with another context.
    #[must_use]
    pub fn with_context(self, context: Context) -> Task {
        Task { context, ..self }
    }

    /// The same task, cancelled when `cancellation` is.
    #[must_use]
    pub fn with_cancellation(self, cancellation: Cancellation) -> Task {
        Task { cancellation, ..self }
    }

    /// The same task, its notes sent to `notes`.
    #[must_use]
    pub fn with_notes(self, notes: Notes) -> Task {
        Task { notes, ..self }
    }

    /// The run that the task belongs to.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Where in the run.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The role that is asked for.
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// Which attempt this is, counted from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The seed of this attempt: a function of the run's seed, the path and the attempt.
    pub fn seed(&self) -> Seed {
        self.seed.attempt(&self.path, self.attempt)
    }

    /// How urgent its step is; the larger goes first.
    pub fn priority(&self) -> i32 {
        self.priority
    }

    /// The same for every delivery of this attempt, across crashes too: hand it to services that can ignore a repeated request.
    pub fn idempotency_key(&self) -> String {
        format!("{}:{}:{}", self.run, self.path, self.attempt)
    }

    /// What to work on.
    pub fn input(&self) -> &Payload {
        &self.input
    }

    /// What may be seen of the run.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Whether, and when, the work is no longer wanted.
    pub fn cancellation(&self) -> &Cancellation {
        &self.cancellation
    }

    /// Tells the host how far the work is: `done` in [0, 1], and a line for a person.
    pub fn progress(&self, done: f64, message: impl Into<String>) {
        self.note(Note::Progress { done: done.clamp(0.0, 1.0), message: message.into() });
    }

    /// Tells the host a line of the worker's log.
    pub fn log(&self, line: impl Into<String>) {
        self.note(Note::Log { line: line.into() });
    }

    /// Tells the host that the work goes on, for a step with a [`heartbeat_timeout`](crate::Step::heartbeat_timeout). Progress and lines of
    /// the log say so as well.
    pub fn heartbeat(&self) {
        if let Some(listener) = &self.notes.0 {
            listener.beat(&self.path, self.attempt);
        }
    }

    fn note(&self, note: Note) {
        if let Some(listener) = &self.notes.0 {
            listener.beat(&self.path, self.attempt);
            listener.note(&self.path, note);
        }
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("run", &self.run)
            .field("path", &self.path)
            .field("attempt", &self.attempt)
            .field("seed", &self.seed())
            .field("input", &self.input)
            .finish_non_exhaustive()
    }
}

/// What a worker says while it works. Not part of the history: a replay has none.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Note {
    /// How far the work is.
    Progress {
        /// From 0 to 1.
        done: f64,
        /// A line for a person.
        message: String,
    },
    /// A line of the worker's log.
    Log {
        /// The line.
        line: String,
    },
}

/// Where notes go. Called in the worker's thread, once a note; it keeps nothing.
#[derive(Clone)]
pub struct Notes(Option<Arc<dyn Listen>>);

/// Who hears the workers of a run.
pub(crate) trait Listen: Send + Sync {
    fn note(&self, path: &Path, note: Note);
    /// An attempt is alive.
    fn beat(&self, path: &Path, attempt: u32);
}

/// A closure that hears notes, and no heartbeats.
struct Told<F>(F);

impl<F: Fn(&Path, Note) + Send + Sync> Listen for Told<F> {
    fn note(&self, path: &Path, note: Note) {
        (self.0)(path, note);
    }
    fn beat(&self, _: &Path, _: u32) {}
}

impl Notes {
    /// Sends every note, with the path of its step, to `listener`. Heartbeats are no notes.
    pub fn to(listener: impl Fn(&Path, Note) + Send + Sync + 'static) -> Notes {
        Notes::heard_by(Arc::new(Told(listener)))
    }

    pub(crate) fn heard_by(listener: Arc<dyn Listen>) -> Notes {
        Notes(Some(listener))
    }

    /// Drops every note.
    pub fn ignored() -> Notes {
        Notes(None)
    }
}

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notes")
    }
}

/// What the work used up.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Model tokens.
    #[serde(default)]
    pub tokens: u64,
    /// Dollars of the United States.
    #[serde(default)]
    pub usd: f64,
    /// Seconds of work, as the worker counts them.
    #[serde(default)]
    pub seconds: f64,
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Usage) {
        self.tokens = self.tokens.saturating_add(other.tokens);
        self.usd += other.usd;
        self.seconds += other.seconds;
    }
}

/// A worker's answer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TaskOutput {
    /// What it made.
    pub payload: Payload,
    /// What that cost.
    pub usage: Usage,
}

impl TaskOutput {
    /// The output that carries a value, at no cost.
    ///
    /// # Errors
    /// As [`Payload::of`].
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<TaskOutput, PayloadError> {
        Payload::of(value).map(TaskOutput::from)
    }

    /// The same output with its cost.
    #[must_use]
    pub fn with_usage(self, usage: Usage) -> TaskOutput {
        TaskOutput { usage, ..self }
    }
}

impl From<Payload> for TaskOutput {
    fn from(payload: Payload) -> Self {
        TaskOutput { payload, usage: Usage::default() }
    }
}

/// What to do about a failure. Data: the engine never reads a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Another attempt may succeed.
    Retryable {
        /// Not before this has passed; where it is longer than the retry policy's delay, it counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after_ms: Option<u64>,
    },
    /// No attempt will succeed.
    Terminal,
    /// The work was cancelled.
    Cancelled,
    /// It may or may not have happened; repeated only if the step says that this is safe.
    OutcomeUnknown,
}

/// A worker's failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct TaskError {
    /// What to do about it.
    pub failure: Failure,
    /// A short word for programs, `not_found` say.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// What else a handler of the failure may want; `null` when there is nothing.
    #[serde(default, skip_serializing_if = "Payload::is_null")]
    pub details: Payload,
}

impl TaskError {
    fn new(failure: Failure, code: &str, message: impl Into<String>) -> TaskError {
        TaskError {
            failure,
            code: code.to_owned(),
            message: message.into(),
            details: Payload::null(),
        }
    }

    /// Another attempt may succeed.
    pub fn retryable(code: &str, message: impl Into<String>) -> TaskError {
        TaskError::new(Failure::Retryable { after_ms: None }, code, message)
    }

    /// Another attempt may succeed, not before `delay` has passed.
    pub fn retryable_after(delay: Duration, code: &str, message: impl Into<String>) -> TaskError {
        let after_ms = Some(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX));
        TaskError::new(Failure::Retryable { after_ms }, code, message)
    }

    /// No attempt will succeed.
    pub fn terminal(code: &str, message: impl Into<String>) -> TaskError {
        TaskError::new(Failure::Terminal, code, message)
    }

    /// The worker saw its cancellation and stopped.
    pub fn cancelled() -> TaskError {
        TaskError::new(Failure::Cancelled, "cancelled", "the work was cancelled")
    }

    /// Nobody knows whether it happened: a time-out after a request was sent, say.
    pub fn outcome_unknown(code: &str, message: impl Into<String>) -> TaskError {
        TaskError::new(Failure::OutcomeUnknown, code, message)
    }

    /// The same failure with details for who handles it.
    #[must_use]
    pub fn with_details(self, details: Payload) -> TaskError {
        TaskError { details, ..self }
    }
}

impl From<PayloadError> for TaskError {
    fn from(error: PayloadError) -> Self {
        TaskError::terminal("payload", error.to_string())
    }
}

impl From<crate::context::ContextError> for TaskError {
    fn from(error: crate::context::ContextError) -> Self {
        TaskError::terminal("context", error.to_string())
    }
}
