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
mod fault;
mod fold;
mod mermaid;
mod prebuilt;
mod step;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;

pub use fault::{Fault, Faults};
pub use prebuilt::{build_website, pipeline};
pub use step::{Join, On, Step};
pub(crate) use step::{Kind, Until};

use crate::id::{Role, StepId, WorkflowName};
use crate::payload::Payload;

/// The version of the definition's hashed form.
const DEFINITION_VERSION: u32 = 1;

/// A validated definition. Immutable, and cheap to clone.
#[derive(Clone)]
pub struct Workflow(Arc<Definition>);

pub(crate) struct Definition {
    name: WorkflowName,
    description: String,
    steps: Vec<StepDef>,
    index: BTreeMap<StepId, u32>,
    digest: String,
    /// How deep loops are nested in it; 0 without loops.
    nesting: u32,
}

pub(crate) struct StepDef {
    pub(crate) id: StepId,
    pub(crate) step: Step,
    pub(crate) outgoing: Vec<Edge>,
    pub(crate) incoming: Vec<Edge>,
}

/// An edge, seen from one of its ends: the step at the other, and what it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) step: u32,
    pub(crate) on: On,
}

impl StepDef {
    /// Whether some edge takes over when the step fails.
    pub(crate) fn handles_failure(&self) -> bool {
        self.outgoing.iter().any(|edge| edge.on == On::Failure)
    }

    /// Whether nothing follows when the step succeeds, so that its output is what its workflow gives.
    pub(crate) fn ends(&self) -> bool {
        self.outgoing.iter().all(|edge| edge.on == On::Failure)
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
            match &def.step.kind {
                Kind::Task { role } => roles.entry(role.clone()).or_default().push(def.id.clone()),
                Kind::Loop { body, .. } => {
                    for (role, steps) in body.roles() {
                        roles.entry(role).or_default().extend(steps);
                    }
                }
            }
        }
        roles
    }

    /// A digest of the definition: structure, settings, and the names and versions of its closures. A run is resumed only
    /// under a definition with the same digest.
    pub fn digest(&self) -> &str {
        &self.0.digest
    }

    /// The definition as a Mermaid flowchart.
    pub fn to_mermaid(&self) -> String {
        mermaid::draw(self)
    }

    pub(crate) fn defs(&self) -> &[StepDef] {
        &self.0.steps
    }

    pub(crate) fn def(&self, step: u32) -> &StepDef {
        &self.0.steps[step as usize]
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

/// What of a step goes into the digest.
#[derive(Serialize)]
struct Hashed<'a> {
    id: &'a StepId,
    kind: serde_json::Value,
    retry: &'a crate::retry::RetryPolicy,
    join: Join,
    incoming: Vec<(&'a StepId, On)>,
    closures: [Option<(&'a str, u32)>; 2],
}

impl Definition {
    fn new(
        name: WorkflowName,
        description: String,
        steps: Vec<StepDef>,
        index: BTreeMap<StepId, u32>,
    ) -> Definition {
        let digest = digest(&name, &steps);
        let nesting = |def: &StepDef| match &def.step.kind {
            Kind::Task { .. } => 0,
            Kind::Loop { body, .. } => body.0.nesting + 1,
        };
        let nesting = steps.iter().map(nesting).max().unwrap_or(0);
        Definition { name, description, steps, index, digest, nesting }
    }
}

fn digest(name: &WorkflowName, steps: &[StepDef]) -> String {
    let hashed: Vec<Hashed<'_>> = steps
        .iter()
        .map(|def| Hashed {
            id: &def.id,
            kind: match &def.step.kind {
                Kind::Task { role } => serde_json::json!({ "task": role }),
                Kind::Loop { body, rounds_max, until } => {
                    let until = match until {
                        Until::Condition(c) => serde_json::json!([c.0.name(), c.0.version()]),
                        Until::Accepted { by } => serde_json::json!(by),
                    };
                    serde_json::json!({ "loop": [body.digest(), rounds_max, until] })
                }
            },
            retry: &def.step.retry,
            join: def.step.join,
            incoming: def.incoming.iter().map(|e| (&steps[e.step as usize].id, e.on)).collect(),
            closures: [&def.step.input, &def.step.output]
                .map(|t| t.as_ref().map(|t| (t.0.name(), t.0.version()))),
        })
        .collect();
    Payload::of(&(DEFINITION_VERSION, name, hashed))
        .expect("names, numbers and texts have a canonical form")
        .digest()
}
