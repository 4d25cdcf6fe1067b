//! Deterministic, host-driven orchestration of uncertain workers.
//!
//! Workers (models, optimisers, scripts, people) are uncertain. What decides who works when, with what input, under which limits and what
//! happens after a failure is not: it is a [`Workflow`] that is validated before it starts, and a [`Run`], a state machine that can be
//! replayed, killed at any instant and resumed. Every verdict of the uncertain side is an [`Event`] in its history; events alone change it.
//!
//! ```
//! use orchestrator_core::{Orchestrator, Role, RetryPolicy, Step, Task, TaskError, Workflow, typed_worker};
//!
//! let body = Workflow::builder("draft")
//!     .step(Step::task("write", Role::CODER).retry(RetryPolicy::attempts(2)))
//!     .step(Step::task("review", Role::REVIEWER).after("write"))
//!     .build()?;
//! let workflow = Workflow::builder("publish")
//!     .step(Step::repeat_until_accepted("draft", body, 3, "review"))
//!     .build()?;
//!
//! let mut hub = Orchestrator::new();
//! hub.register_worker("ada", Role::CODER, typed_worker(async |goal: String, task: Task| {
//!     Ok(format!("{goal}, draft {}", task.context().round()?.index + 1))
//! }))?;
//! hub.register_worker("grace", Role::REVIEWER, typed_worker(async |text: String, _: Task| {
//!     if text.ends_with('2') { Ok(text) } else { Err(TaskError::terminal("rejected", "once more")) }
//! }))?;
//! hub.register_workflow(workflow)?;
//! let report = futures::executor::block_on(hub.execute("publish", "a page"))?;
//! assert_eq!(report.output()?.to::<String>()?, "a page, draft 2");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where to look
//! - To define work: [`Workflow`], [`Step`], [`Join`], [`On`], [`RetryPolicy`]; ready-made: [`pipeline`], [`build_website`].
//! - To define it as data: [`Workflow::from_json`], [`Closures`]; with the feature `cel`, conditions and transformers as expressions.
//! - To execute it: [`Orchestrator`], on any executor; it owns no thread and no runtime. [`RunHandle`] to look at a run and to tell it
//!   something, [`Limits`] to bound them all, [`Orchestrator::recover`] to go on after a crash.
//! - To drive it from a host of one's own (a store, a queue, another engine): [`Run`], without input or output.
//! - To keep what happened, and to resume: [`journal`].
//! - To know beforehand how long it takes on so many workers, and why: [`DryRun`].
//! - To see through it: [`Context`] (what a step sees), [`Path`] (where it is), [`RunReport`] (what happened).
//!
//! | trait | who implements it | instead of writing a type |
//! |---|---|---|
//! | [`Worker`] | whoever does the work of a step | [`worker_fn`], [`typed_worker`] |
//! | [`Transformer`] | what shapes an input or an output | [`transform_fn`] |
//! | [`Condition`] | what says which way is taken, or that a loop is done | [`condition_fn`] |
//! | [`Router`] | what chooses among able workers, and learns | [`DeclaredOrder`] |
//! | [`RunStore`] | where journals are kept | [`MemoryStore`], [`FileStore`] |
//! | [`Clock`] | where time comes from | [`SystemClock`], [`ManualClock`] |
//! | [`Observer`] | who watches, and is told what people are asked | [`NoObserver`] |
//! | [`RunStore`] | where runs are kept | [`FileStore`], [`MemoryStore`] |
//! | [`Spawner`] | where workers run | [`Threads`] |
//!
//! # How steps start and runs end
//! - An edge ends fired or dead. A step fails after its last attempt; the failure is handled if, and only if, an edge [`On::Failure`] leaves
//!   the step. Such an edge hands the failure on as input.
//! - [`Join::All`] starts a step when every edge is settled, at least one fired, and none is dead because of a failure that nobody handles;
//!   that reaches through skipped steps. [`Join::Any`] and [`Join::AtLeast`] start it at the first or n-th that fires. A step whose join
//!   can no longer fire is skipped.
//! - A failure does not stop other branches: they run to their end, so that the outcome does not depend on who answered first. A run fails
//!   if a failure of its own steps is left unhandled; the first in definition order is the one that it reports.
//! - A branch takes its first case that holds. A loop, a map and a sub-workflow have their own frames inside, and stop as a whole: nothing in them
//!   begins any more, and they fail when the last answer is there. A run that fails or is cancelled undoes what has a compensation first.
//!
//! # What is promised
//! - The same definition, options and sequence of inputs give the same bytes. Another order of answers gives the same
//!   [`outcome`](Run::outcome), unless a join other than [`Join::All`], a deadline, a signal, a decision, a map that fails fast or a learning router
//!   decides.
//! - A step sees the outputs of its ancestors as they were when it started, in every attempt and every round, and after a crash.
//! - No command goes out before the event that caused it is committed; a step that has ended never runs again.
//!
//! # What it does not do
//! Nothing in here speaks to a network or a model, or starts a thread unasked; nothing but a [`FileStore`] writes to a disk; nothing but
//! [`SystemClock`] reads a clock; nothing draws a random number that does not come out of a [`Seed`].

mod cancellation;
mod canonical;
#[cfg(feature = "cel")]
mod cel;
mod check;
mod closure;
mod context;
mod draw;
mod dry_run;
mod hub;
mod id;
pub mod journal;
#[cfg(doctest)]
mod misuse;
mod parameters;
mod path;
mod payload;
mod random;
mod retry;
mod route;
mod run;
mod task;
#[cfg(feature = "testkit")]
pub mod testkit;
mod time;
mod worker;
mod workflow;

pub use async_trait::async_trait;

#[cfg(feature = "cel")]
pub use crate::cel::{CelCondition, CelTransformer, cel_condition, cel_transform};
pub use cancellation::{Cancellation, Canceller};
pub use check::Check;
pub use closure::{ClosureError, Condition, Named, Transformer, condition_fn, transform_fn};
pub use context::{Context, ContextError, Item, Round};
pub use dry_run::{DryRun, DryRunError, DryRunReport, WhatIf};
pub use hub::{
    EventStream, ExecuteError, History, JoinError, Joining, Limits, ManualClock, NoObserver,
    Observer, OpenDecision, Orchestrator, Outputs, Receipt, Recovered, RegisterError, ResumeError,
    RunFailure, RunHandle, RunReport, Shutdown, SnapshotPolicy, Spawner, Start, StartError,
    SystemClock, TellError, Threads,
};
pub use id::{
    Capability, NAME_BYTES_MAX, NameError, Role, RunId, SignalName, StepId, WorkerName,
    WorkflowName,
};
pub use journal::{
    Batch, BatchError, FileOptions, FileStore, MemoryStore, RunEntry, RunStore, StoreError,
};
pub use parameters::{
    BIAS_BOUNDS, Bounds, Domain, INTEGER_MAX, PERMUTATION_MAX, Parameter, ParameterError,
    ParameterSpace, Parameters, Reading, SpaceBuilder, TEMPERATURE_BOUNDS, WEIGHT_BOUNDS,
};
pub use path::{Path, PathError};
pub use payload::{BlobRef, PAYLOAD_BYTES_MAX, Payload, PayloadError};
pub use random::{FastStream, Seed, Stream};
pub use retry::{ATTEMPTS_MAX, RetryError, RetryPolicy};
pub use route::{Candidate, Decision, DeclaredOrder, Outcome, Request, RouteError, Router};
pub use run::{
    AttemptId, Command, Decided, Event, ForkError, Handled, Ignored, Input, InputError, Misfit,
    Past, REDISPATCHES_MAX, Recorded, RestoreError, Run, RunOptions, RunOutcome, RunResult,
    RunView, SIGNALS_MAX, Snapshot, Staff, StepStatus, StepView, fork, migrate,
};
pub use task::{Failure, Note, Notes, Task, TaskError, TaskOutput, Usage};
pub use time::{BoxFuture, Clock, Timestamp};
pub use worker::{TypedWorker, Worker, WorkerFn, typed_worker, worker_fn, yield_now};
pub use workflow::{
    Closures, DefinitionError, Fault, Faults, Join, On, OnItemFailure, Step, Workflow,
    WorkflowBuilder, build_website, pipeline,
};
