//! The skeleton: an immutable, validated graph of steps. A [`Workflow`] cannot exist invalid.
//!
//! ```
//! use orchestrator_core::{Role, Step, Workflow};
//!
//! let workflow = Workflow::builder("publish")
//!     .step(Step::task("write", Role::CODER))
//!     .step(Step::task("check", Role::TESTER).after("write"))
//!     .step(Step::task("apologise", Role::GENERIC).after_end("check", orchestrator_core::On::Failure))
//!     .build()?;
//! assert_eq!(workflow.steps().count(), 3);
//!
//! let faults = Workflow::builder("wrong")
//!     .step(Step::task("a", Role::CODER).after("b"))
//!     .step(Step::task("b", Role::CODER).after("a").after("c"))
//!     .build()
//!     .unwrap_err();
//! assert_eq!(faults.faults.len(), 3); // an unknown step, a cycle, no terminal step
//! # Ok::<(), orchestrator_core::Faults>(())
//! ```

mod check;
mod closures;
mod digest;
mod fault;
mod fold;
mod json;
mod kind;
mod outline;
mod prebuilt;
mod settings;
mod step;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, OnceLock};

pub use closures::Closures;
pub use fault::{Fault, Faults};
pub use json::DefinitionError;
pub use kind::OnItemFailure;
use kind::Timeouts;
pub(crate) use kind::{Awaited, Kind, Until};
pub(crate) use outline::Brief;
use outline::Outline;
pub use prebuilt::{build_website, pipeline};
pub use step::{Join, On, Step};

use crate::closure::BoundCondition;
use crate::id::{Capability, Role, StepId, WorkflowName};
use crate::payload::Payload;

/// The place of each step. It is only looked up in, never walked through, so that its order does not matter.
type Index = HashMap<StepId, u32, BuildHasherDefault<digest::Fnv>>;

/// A validated definition. Immutable, and cheap to clone.
#[derive(Clone)]
pub struct Workflow(Arc<Definition>);

pub(crate) struct Definition {
    name: WorkflowName,
    description: String,
    steps: Vec<StepDef>,
    outline: Outline,
    index: Index,
    /// How deep workflows are nested in it; 0 without any inside.
    nesting: u32,
    digests: OnceLock<digest::Digests>,
}

pub(crate) struct StepDef {
    pub(crate) id: StepId,
    pub(crate) step: Step,
    pub(crate) outgoing: Vec<Edge>,
    pub(crate) incoming: Vec<Edge>,
    /// The conditions of the edges that end here, by [`Edge::when`].
    pub(crate) conditions: Vec<BoundCondition>,
    /// For a branch: where each case leads to, and last where it leads otherwise.
    pub(crate) ways: Vec<u32>,
}

/// An edge, seen from one of its ends: the step at the other, and what it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) step: u32,
    pub(crate) fires: Fires,
    /// The index of its condition among those of the step where it ends.
    pub(crate) when: Option<u32>,
}

/// When an edge fires: as its author says, or because a branch chose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fires {
    Success,
    Failure,
    Always,
    Chosen,
}

impl From<On> for Fires {
    fn from(on: On) -> Fires {
        match on {
            On::Success => Fires::Success,
            On::Failure => Fires::Failure,
            On::Always => Fires::Always,
        }
    }
}

impl StepDef {
    /// Whether some edge takes over when the step fails.
    pub(crate) fn handles_failure(&self) -> bool {
        self.outgoing.iter().any(|edge| edge.fires == Fires::Failure)
    }

    /// Whether nothing follows when the step succeeds, so that its output is what its workflow gives.
    pub(crate) fn ends(&self) -> bool {
        self.outgoing.iter().all(|edge| edge.fires == Fires::Failure)
    }
}

/// Collects steps; [`build`](WorkflowBuilder::build) checks them.
#[derive(Debug, Clone)]
pub struct WorkflowBuilder {
    name: String,
    description: String,
    steps: Vec<Step>,
}

impl WorkflowBuilder {
    /// Says what the workflow is for, for people.
    #[must_use]
    pub fn describe(self, description: impl Into<String>) -> Self {
        WorkflowBuilder { description: description.into(), ..self }
    }

    /// Adds a step. Steps may be added in any order; the order is the one in which steps that are ready together start.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// The workflow.
    ///
    /// # Errors
    /// Every structural fault at once.
    pub fn build(self) -> Result<Workflow, Faults> {
        match fold::compile(&self.name, self.description, self.steps) {
            Ok(definition) => Ok(Workflow(Arc::new(definition))),
            Err(faults) => Err(Faults { workflow: self.name, faults }),
        }
    }
}

impl Workflow {
    /// Begins a workflow.
    pub fn builder(name: impl Into<String>) -> WorkflowBuilder {
        WorkflowBuilder { name: name.into(), description: String::new(), steps: Vec::new() }
    }

    /// Its name.
    pub fn name(&self) -> &WorkflowName {
        &self.0.name
    }

    /// What it is for.
    pub fn description(&self) -> &str {
        &self.0.description
    }

    /// The steps, in definition order.
    pub fn steps(&self) -> impl Iterator<Item = &StepId> {
        self.0.steps.iter().map(|step| &step.id)
    }

    /// What a step does, in its author's words; `None` when there is no such step.
    pub fn step_description(&self, step: &str) -> Option<&str> {
        self.position(step).map(|at| self.def(at).step.description.as_str())
    }

    /// Every role that a task asks for, loop bodies included, with the steps that ask for it.
    pub fn roles(&self) -> BTreeMap<Role, Vec<StepId>> {
        let mut roles: BTreeMap<Role, Vec<StepId>> = BTreeMap::new();
        for def in &self.0.steps {
            if let Kind::Task { role, .. } = &def.step.kind {
                roles.entry(role.clone()).or_default().push(def.id.clone());
            }
            if let Some(undo) = &def.step.compensation {
                roles.entry(undo.role.clone()).or_default().push(def.id.clone());
            }
            for (role, steps) in def.step.kind.body().map(Workflow::roles).unwrap_or_default() {
                roles.entry(role).or_default().extend(steps);
            }
        }
        roles
    }

    /// What tasks require of the workers in a role, bodies included, with the steps that do.
    pub(crate) fn requirements(&self) -> BTreeMap<(Role, BTreeSet<Capability>), Vec<StepId>> {
        let mut all: BTreeMap<_, Vec<StepId>> = BTreeMap::new();
        for def in &self.0.steps {
            if let Kind::Task { role, requires } = &def.step.kind
                && !requires.is_empty()
            {
                all.entry((role.clone(), requires.clone())).or_default().push(def.id.clone());
            }
            for (wanted, steps) in def.step.kind.body().into_iter().flat_map(Workflow::requirements)
            {
                all.entry(wanted).or_default().extend(steps);
            }
        }
        all
    }

    /// A digest of the definition: structure, settings, and the names and versions of its closures. A run is resumed only
    /// under a definition with the same digest.
    pub fn digest(&self) -> &str {
        &self.digests().whole
    }

    /// An object of digests by step, those inside written `draft/review`: by it a changed definition can be told step by step.
    pub(crate) fn step_digests(&self) -> &Payload {
        &self.digests().steps
    }

    fn digests(&self) -> &digest::Digests {
        self.0.digests.get_or_init(|| digest::of(self))
    }

    /// The definition as JSON, in version 1 of its form: pretty, and the same text for the same definition. Closures are written by name
    /// and version, expressions as they are; a way back that was written with
    /// [`on_failure_back_to`](Step::on_failure_back_to) is the loop that it became.
    ///
    /// ```
    /// use orchestrator_core::{Closures, Role, Step, Workflow};
    /// let workflow = Workflow::builder("hello").step(Step::task("greet", Role::GENERIC)).build()?;
    /// let text = workflow.to_json();
    /// let again = Workflow::from_json(&text, &Closures::new())?;
    /// assert_eq!(again.digest(), workflow.digest());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_json(&self) -> String {
        json::write(self)
    }

    /// The workflow that a text in the JSON form defines; `closures` has the conditions and transformers that it names. The form is
    /// described field by field by [`json_schema`](Workflow::json_schema).
    ///
    /// # Errors
    /// When the text is not JSON of that form, with the first place where it is not; or every fault of the definition at once.
    pub fn from_json(text: &str, closures: &Closures) -> Result<Workflow, DefinitionError> {
        json::read(text, closures)
    }

    /// The JSON Schema (draft 2020-12) of the JSON form. A text that it accepts may still have faults that no schema can say: a cycle, an
    /// unknown step, a closure that is not registered.
    pub fn json_schema() -> &'static str {
        json::SCHEMA
    }

    pub(crate) fn defs(&self) -> &[StepDef] {
        &self.0.steps
    }

    pub(crate) fn def(&self, step: u32) -> &StepDef {
        &self.0.steps[step as usize]
    }

    /// What of a step a run looks at all the time.
    pub(crate) fn brief(&self, step: u32) -> &Brief {
        self.0.outline.brief(step)
    }

    /// The edges that start at a step.
    pub(crate) fn outgoing(&self, step: u32) -> &[Edge] {
        self.0.outline.outgoing(step)
    }

    pub(crate) fn position(&self, step: &str) -> Option<u32> {
        self.0.index.get(step).copied()
    }

    /// For every step, whether some way leads from it to `step`. Linear in steps and edges.
    pub(crate) fn ancestors(&self, step: u32) -> Vec<bool> {
        let mut seen = vec![false; self.0.steps.len()];
        let mut open = vec![step];
        while let Some(at) = open.pop() {
            for edge in &self.def(at).incoming {
                if !std::mem::replace(&mut seen[edge.step as usize], true) {
                    open.push(edge.step);
                }
            }
        }
        seen
    }
}

impl fmt::Debug for Workflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Workflow({}, {} steps)", self.0.name, self.0.steps.len())
    }
}

impl Definition {
    fn new(
        name: WorkflowName,
        description: String,
        steps: Vec<StepDef>,
        index: Index,
    ) -> Definition {
        let bodies = steps.iter().filter_map(|def| def.step.kind.body());
        let nesting = bodies.map(|body| body.0.nesting + 1).max().unwrap_or(0);
        let outline = Outline::of(&steps);
        Definition { name, description, steps, outline, index, nesting, digests: OnceLock::new() }
    }
}
