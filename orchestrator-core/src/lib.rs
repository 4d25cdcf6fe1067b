//! Deterministic, host-driven workflow engine for uncertain workers.

mod canonical;
mod context;
mod hub;
mod id;
mod parameters;
mod path;
mod payload;
mod random;
mod route;
mod task;
mod time;
mod worker;

pub use async_trait::async_trait;

pub use context::{Context, ContextError, Round};
pub use hub::{ManualClock, SystemClock};
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
pub use route::{Candidate, Decision, DeclaredOrder, Outcome, Request, RouteError, Router};
pub use task::{Cancellation, Canceller, Failure, Note, Notes, Task, TaskError, TaskOutput, Usage};
pub use time::{BoxFuture, Clock, Timestamp};
pub use worker::{TypedWorker, Worker, WorkerFn, typed_worker, worker_fn};
