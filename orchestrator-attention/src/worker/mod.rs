//! Attention and routing as steps of a workflow. What these workers compose would work without them.

mod context;
mod refused;
mod router;
mod shape;

pub use context::ContextWorker;
pub use refused::ContextRefused;
pub use router::{OutcomeInput, RouterInput, RouterOutput, RouterWorker};
pub use shape::{ContextEntry, ContextInput, ContextOutput, EntryContent, Flow, WEIGHTS_MAX};
