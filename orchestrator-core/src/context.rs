//! The data bus: what a worker, a transformer or a condition may see of its run.
//!
//! A [`Context`] shows the goal, the outputs of the step's ancestors, and inside a loop the round. It shows nothing else: what a
//! step sees does not depend on which of two unrelated steps happened to end first.
//!
//! ```
//! use orchestrator_core::{Context, Payload};
//! let context = Context::detached("build a page").with_output("create_specs", Payload::from("one page"));
//! assert_eq!(context.output::<String>("create_specs")?, "one page");
//! assert!(context.output::<String>("deploy").is_err());
//! # Ok::<(), orchestrator_core::ContextError>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::payload::{Payload, PayloadError};

/// Why the context has no such value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContextError {
    /// The step is no ancestor, was skipped, or failed: draw an edge from it, or ask with [`Context::payload`].
    #[error("there is no output of step {step:?} to see from here")]
    NoOutput {
        /// The step that was asked for.
        step: String,
    },
    /// The output is there, with another shape.
    #[error("the output of step {step:?}: {source}")]
    Shape {
        /// The step that was asked for.
        step: String,
        /// What does not fit.
        source: PayloadError,
    },
    /// Only the steps of a loop's body have a round.
    #[error("this step is in no loop")]
    NoRound,
}

/// Where a loop is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// Which round this is, counted from 0.
    pub index: u32,
    /// What the round before handed on; `null` in the first.
    pub carried: Payload,
}

/// Where a context looks up outputs: the run's frames, or a table in a test.
pub(crate) trait Outputs: Send + Sync {
    fn output(&self, step: &str) -> Option<Payload>;
    fn visible(&self) -> Vec<String>;
}

impl Outputs for BTreeMap<String, Payload> {
    fn output(&self, step: &str) -> Option<Payload> {
        self.get(step).cloned()
    }
    fn visible(&self) -> Vec<String> {
        self.keys().cloned().collect()
    }
}

/// What may be seen of a run from one step. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    goal: Arc<str>,
    round: Option<Round>,
    outputs: Arc<dyn Outputs>,
}

impl Context {
    pub(crate) fn new(goal: Arc<str>, round: Option<Round>, outputs: Arc<dyn Outputs>) -> Self {
        Context { goal, round, outputs }
    }

    /// A context outside any run, for tests of workers, transformers and conditions.
    pub fn detached(goal: &str) -> Context {
        Context::new(goal.into(), None, Arc::new(BTreeMap::new()))
    }

    /// The same context with one more output to see.
    #[must_use]
    pub fn with_output(self, step: &str, output: Payload) -> Context {
        let mut table: BTreeMap<String, Payload> = self
            .outputs
            .visible()
            .into_iter()
            .filter_map(|step| self.outputs.output(&step).map(|output| (step, output)))
            .collect();
        table.insert(step.to_owned(), output);
        Context { outputs: Arc::new(table), ..self }
    }

    /// The same context in a round of a loop.
    #[must_use]
    pub fn with_round(self, round: Round) -> Context {
        Context { round: Some(round), ..self }
    }

    /// What the run is for.
    pub fn goal(&self) -> &str {
        &self.goal
    }

    /// The output of an ancestor, as a type of the caller's.
    ///
    /// # Errors
    /// When there is none to see, or it has another shape.
    pub fn output<T: DeserializeOwned>(&self, step: &str) -> Result<T, ContextError> {
        let payload =
            self.payload(step).ok_or_else(|| ContextError::NoOutput { step: step.to_owned() })?;
        payload.to().map_err(|source| ContextError::Shape { step: step.to_owned(), source })
    }

    /// The output of an ancestor as it is, if there is one to see.
    pub fn payload(&self, step: &str) -> Option<Payload> {
        self.outputs.output(step)
    }

    /// The steps whose outputs can be seen, sorted.
    pub fn visible(&self) -> Vec<String> {
        let mut steps = self.outputs.visible();
        steps.sort();
        steps.dedup();
        steps
    }

    /// The round, inside a loop.
    ///
    /// # Errors
    /// When the step is in no loop.
    pub fn round(&self) -> Result<&Round, ContextError> {
        self.round.as_ref().ok_or(ContextError::NoRound)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("goal", &self.goal)
            .field("round", &self.round)
            .field("visible", &self.visible())
            .finish()
    }
}
