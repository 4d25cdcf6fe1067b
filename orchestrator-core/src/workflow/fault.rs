//! What can be wrong with a definition. All of it is reported at once.

use std::fmt;

use crate::id::{NameError, Role, StepId};
use crate::retry::RetryError;

/// How deep loops may be nested: deeper than anybody can follow, and shallow enough for walking down by recursion.
pub(super) const NESTING_MAX: u32 = 32;

/// One thing that is wrong with a definition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Rename it.
    #[error("{0}")]
    Name(NameError),
    /// Add a step.
    #[error("the workflow has no steps")]
    NoSteps,
    /// Rename one of the two.
    #[error("step {step:?} is defined twice")]
    DuplicateStep {
        /// The name that occurs twice.
        step: StepId,
    },
    /// Define the step, or correct the name.
    #[error("step {step:?} has an edge to or from {unknown:?}, which is not defined")]
    UnknownStep {
        /// Where the name stands.
        step: StepId,
        /// The name that nothing is called by.
        unknown: String,
    },
    /// Draw it once: `a.on_success("b")` is the same edge as `b.after("a")`.
    #[error("the edge from {from:?} to {to:?} is drawn twice")]
    DuplicateEdge {
        /// Where it starts.
        from: StepId,
        /// Where it ends.
        to: StepId,
    },
    /// To go back is a loop: put the steps into a workflow of their own and repeat it.
    #[error(
        "the steps {} form a cycle; to go back, use `on_failure_back_to` or a loop step",
        Arrow(path)
    )]
    Cycle {
        /// The steps along it; the first stands at the end again.
        path: Vec<StepId>,
    },
    /// Draw an edge to it from a step that can be reached.
    #[error("step {step:?} cannot be reached: every way to it comes out of a cycle")]
    Unreachable {
        /// The step.
        step: StepId,
    },
    /// Let some step have no edges going out.
    #[error("no step is terminal: each has an edge going out")]
    NoTerminal,
    /// Lower the number, or draw more edges.
    #[error("step {step:?} waits for {wanted} of its edges, of which at most {possible} can fire")]
    JoinNeverFires {
        /// The step.
        step: StepId,
        /// How many must fire.
        wanted: u32,
        /// How many can, at most.
        possible: u32,
    },
    /// Correct the setting.
    #[error("step {step:?}: {error}")]
    Retry {
        /// The step.
        step: StepId,
        /// What cannot be kept.
        error: RetryError,
    },
    /// Allow at least one round.
    #[error("loop {step:?} may run no round; give it at least one")]
    NoRounds {
        /// The loop.
        step: StepId,
    },
    /// Give the retries to the steps of its body, or allow one round more.
    #[error("loop {step:?} has a retry policy, which only tasks can have")]
    LoopRetried {
        /// The loop.
        step: StepId,
    },
    /// Make the inner loops steps beside each other.
    #[error("loop {step:?} nests loops more than {} deep", NESTING_MAX)]
    NestedTooDeep {
        /// The loop.
        step: StepId,
    },
    /// Name a step of the body.
    #[error("loop {step:?} is accepted by {unknown:?}, which its body does not have")]
    UnknownJudge {
        /// The loop.
        step: StepId,
        /// The name that nothing in the body is called by.
        unknown: String,
    },
    /// Go back to a step that leads to this one.
    #[error("step {step:?} goes back to {target:?}, from which no way leads to it")]
    NoWayBack {
        /// The step that goes back.
        step: StepId,
        /// Where to.
        target: StepId,
    },
    /// The steps in between become the body of a loop, which has one way in. Lead the edge to the target, or go back to another step.
    #[error(
        "step {step:?} goes back to {target:?}, but {outside:?} leads to {inside:?} in between; a loop has one way in"
    )]
    SecondWayIn {
        /// The step that goes back.
        step: StepId,
        /// Where to.
        target: StepId,
        /// Where the other way starts.
        outside: StepId,
        /// The step in between where it ends.
        inside: StepId,
    },
    /// The steps in between become the body of a loop, which has one way out. Let the edge start from the step that goes back.
    #[error(
        "step {step:?} goes back to {target:?}, but {inside:?} in between leads to {outside:?}; a loop has one way out"
    )]
    SecondWayOut {
        /// The step that goes back.
        step: StepId,
        /// Where to.
        target: StepId,
        /// The step in between where the other way starts.
        inside: StepId,
        /// Where it ends.
        outside: StepId,
    },
    /// Let the ways back lie inside each other, or apart.
    #[error(
        "the way back from {step:?} to {target:?} crosses another; loops lie inside each other, or apart"
    )]
    LoopsCross {
        /// The step that goes back.
        step: StepId,
        /// Where to.
        target: StepId,
    },
    /// Register a worker in this role.
    #[error("no worker fills the role {role:?}, asked for by {}", List(steps))]
    NoWorker {
        /// The role.
        role: Role,
        /// The steps that ask for it.
        steps: Vec<StepId>,
    },
}

/// Why a definition was refused: every fault that was found. Names come first, then edges, single steps, and the shape of the whole; each
/// in the order of the steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults {
    /// The workflow.
    pub workflow: String,
    /// At least one.
    pub faults: Vec<Fault>,
}

impl std::error::Error for Faults {}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.faults.len() == 1 { "" } else { "s" };
        write!(f, "workflow {:?} has {} fault{s}", self.workflow, self.faults.len())?;
        self.faults.iter().try_for_each(|fault| write!(f, "\n  - {fault}"))
    }
}

struct Arrow<'a>(&'a [StepId]);

impl fmt::Display for Arrow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            write!(f, "{}{step}", if at == 0 { "" } else { " -> " })?;
        }
        Ok(())
    }
}

struct List<'a>(&'a [StepId]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            write!(f, "{}{step:?}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
