//! Deterministic, host-driven workflow engine for uncertain workers.

mod canonical;
mod check;
mod closure;
mod context;
mod hub;
mod id;
mod parameters;
mod path;
mod payload;
mod random;
mod retry;
mod route;
mod run;
mod task;
mod time;
mod worker;
mod workflow;

pub use async_trait::async_trait;

pub use check::Check;
pub use closure::{ClosureError, Condition, Named, Transformer, condition_fn, transform_fn};
pub use context::{Context, ContextError, Round};
pub use hub::{
    ExecuteError, ManualClock, NoObserver, Observer, Orchestrator, RegisterError, RunFailure,
    RunReport, Spawner, Start, SystemClock, Threads,
};
pub use id::{
    Capability, NAME_BYTES_MAX, NameError, Role, RunId, StepId, WorkerName, WorkflowName,
};
pub use parameters::{
    BIAS_BOUNDS, Bounds, ParameterError, ParameterSpace, Parameters, TEMPERATURE_BOUNDS,
    WEIGHT_BOUNDS,
};
pub use path::{Path, PathError};
pub use payload::{BlobRef, PAYLOAD_BYTES_MAX, Payload, PayloadError};
pub use random::{Seed, Stream};
pub use retry::{ATTEMPTS_MAX, RetryError, RetryPolicy};
pub use route::{Candidate, Decision, DeclaredOrder, Outcome, Request, RouteError, Router};
pub use run::{
    AttemptId, Command, Event, Handled, Ignored, Input, InputError, Misfit, REDISPATCHES_MAX,
    Recorded, RestoreError, Run, RunOptions, RunOutcome, RunResult, Staff, StepStatus,
};
pub use task::{Cancellation, Canceller, Failure, Note, Notes, Task, TaskError, TaskOutput, Usage};
pub use time::{BoxFuture, Clock, Timestamp};
pub use worker::{TypedWorker, Worker, WorkerFn, typed_worker, worker_fn};
pub use workflow::{
    Fault, Faults, Join, On, Step, Workflow, WorkflowBuilder, build_website, pipeline,
};
