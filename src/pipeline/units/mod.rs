//! The production units: each a worker of the pipeline's workflow, with its outputs and its verification checklist.

pub(super) mod attend;
pub(super) mod generate;
pub(super) mod improve;
pub(super) mod initialise;
pub(super) mod learn;
pub(super) mod search;
pub(super) mod verify;

use std::sync::{Arc, OnceLock};

use orchestrator_core::TaskError;
use orchestrator_intelligence::Knowledge;

use super::context::OrchestrationContext;
use super::objective::Measured;
use super::output::Staging;

/// What every unit may look at: the request, what was known before, and where files are prepared. Nothing here changes during a run.
#[derive(Clone)]
pub(super) struct Unit(pub(super) Arc<Given>);

impl std::ops::Deref for Unit {
    type Target = Given;
    fn deref(&self) -> &Given {
        &self.0
    }
}

/// See [`Unit`].
pub(super) struct Given {
    /// Where files are made before they are moved to where they belong. It is held here because a unit may still be writing when
    /// nobody waits for the run any more; what it writes then goes with the last unit.
    pub(super) staging: Staging,
    pub(super) context: OrchestrationContext,
    pub(super) knowledge: Knowledge,
    /// The scripts that were measured, once there are any: made out of the request and the data alone.
    pub(super) measured: OnceLock<Arc<Measured>>,
}

/// An error that no other attempt mends, under a code.
pub(super) fn terminal<E: std::fmt::Display>(code: &str) -> impl Fn(E) -> TaskError + '_ {
    move |error| TaskError::terminal(code, error.to_string())
}
