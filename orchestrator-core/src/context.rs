//! The data bus: what a worker, a transformer or a condition may see of its run.
//!
//! A [`Context`] shows the goal, the outputs of the step's ancestors, inside a loop the round, and inside a map the item. It shows nothing else: what a
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
use serde::{Deserialize, Serialize};

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
    /// Only the steps of a map's body have an item.
    #[error("this step is in no map")]
    NoItem,
}

/// Where a loop is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// Which round this is, counted from 0.
    pub index: u32,
    /// What the round before handed on; `null` in the first.
    pub carried: Payload,
}

/// Which element of its list a map is at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its place in the list, counted from 0.
    pub index: u32,
    /// The element.
    pub value: Payload,
}

/// From where a run is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standpoint {
    pub(crate) scope: Scope,
    /// Outputs recorded later are not seen, even if their step is an ancestor.
    pub(crate) seq_max: u64,
}

/// Which steps of its frame are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The ancestors of a step.
    Before(u32),
    /// A step and its ancestors.
    UpTo(u32),
    /// All: at the end of a frame.
    Whole,
}

/// Where a context looks up what it shows: a frame of a run, or a table in a test.
pub(crate) trait Sight: Send + Sync {
    fn output(&self, from: Standpoint, step: &str) -> Option<Payload>;
    fn visible(&self, from: Standpoint) -> Vec<String>;
    fn round(&self) -> Option<&Round>;
    fn item(&self) -> Option<&Item>;
}

/// What a context outside any run shows.
#[derive(Clone, Default)]
struct Table {
    outputs: BTreeMap<String, Payload>,
    round: Option<Round>,
    item: Option<Item>,
}

impl Sight for Table {
    fn output(&self, _: Standpoint, step: &str) -> Option<Payload> {
        self.outputs.get(step).cloned()
    }
    fn visible(&self, _: Standpoint) -> Vec<String> {
        self.outputs.keys().cloned().collect()
    }
    fn round(&self) -> Option<&Round> {
        self.round.as_ref()
    }
    fn item(&self) -> Option<&Item> {
        self.item.as_ref()
    }
}

/// What may be seen of a run from one step. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    goal: Arc<str>,
    from: Standpoint,
    sight: Arc<dyn Sight>,
}

impl Context {
    pub(crate) fn new(goal: Arc<str>, from: Standpoint, sight: Arc<dyn Sight>) -> Self {
        Context { goal, from, sight }
    }

    /// What this one shows, and a change to it.
    fn changed(self, change: impl FnOnce(&mut Table)) -> Context {
        let outputs = self.visible().into_iter();
        let outputs = outputs.filter_map(|step| self.payload(&step).map(|output| (step, output)));
        let mut table = Table {
            outputs: outputs.collect(),
            round: self.sight.round().cloned(),
            item: self.sight.item().cloned(),
        };
        change(&mut table);
        Context { sight: Arc::new(table), ..self }
    }

    /// A context outside any run, for tests of workers, transformers and conditions.
    pub fn detached(goal: &str) -> Context {
        let from = Standpoint { scope: Scope::Whole, seq_max: u64::MAX };
        Context::new(goal.into(), from, Arc::new(Table::default()))
    }

    /// The same context with one more output to see.
    #[must_use]
    pub fn with_output(self, step: &str, output: Payload) -> Context {
        self.changed(|table| {
            table.outputs.insert(step.to_owned(), output);
        })
    }

    /// The same context in a round of a loop.
    #[must_use]
    pub fn with_round(self, round: Round) -> Context {
        self.changed(|table| table.round = Some(round))
    }

    /// The same context at an item of a map.
    #[must_use]
    pub fn with_item(self, item: Item) -> Context {
        self.changed(|table| table.item = Some(item))
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
        self.sight.output(self.from, step)
    }

    /// The steps whose outputs can be seen, sorted.
    pub fn visible(&self) -> Vec<String> {
        let mut steps = self.sight.visible(self.from);
        steps.sort();
        steps.dedup();
        steps
    }

    /// The round of the innermost loop around the step.
    ///
    /// # Errors
    /// When the step is in no loop.
    pub fn round(&self) -> Result<&Round, ContextError> {
        self.sight.round().ok_or(ContextError::NoRound)
    }

    /// The item of the innermost map around the step.
    ///
    /// # Errors
    /// When the step is in no map.
    pub fn item(&self) -> Result<&Item, ContextError> {
        self.sight.item().ok_or(ContextError::NoItem)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("goal", &self.goal)
            .field("round", &self.sight.round())
            .field("item", &self.sight.item())
            .field("visible", &self.visible())
            .finish()
    }
}
