//! What can be wrong with a definition. All of it is reported at once.

use std::collections::BTreeSet;
use std::fmt;

use crate::id::{Capability, NameError, Role, StepId};
use crate::retry::RetryError;

/// How deep workflows may be nested: deeper than anybody can follow, and shallow enough for walking down by recursion.
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
    /// Take the setting away, or follow the message.
    #[error("step {step:?} is a {kind}, which has no `{setting}`; {}", instead(setting))]
    Misplaced {
        /// The step.
        step: StepId,
        /// The method of [`Step`](crate::Step) by which it was set.
        setting: &'static str,
        /// What the step is: `task`, `branch`, `loop`, `map`, `decision`, `wait` or `sub_workflow`.
        kind: &'static str,
    },
    /// Set it. Definitions as data only: in Rust a step cannot be made without.
    #[error("step {step:?} is a {kind}, and needs `{setting}`")]
    Incomplete {
        /// The step.
        step: StepId,
        /// What is missing.
        setting: &'static str,
        /// What the step is.
        kind: &'static str,
    },
    /// Raise it, or leave it out.
    #[error("step {step:?}: `{setting}` is 0; {}", at_least(setting))]
    Zero {
        /// The step.
        step: StepId,
        /// The method of [`Step`](crate::Step) by which it was set.
        setting: &'static str,
    },
    /// Shorten the one, or lengthen the other.
    #[error(
        "step {step:?} may be silent for {heartbeat_ms} ms, longer than an attempt may take ({attempt_ms} ms); shorten its `heartbeat_timeout`"
    )]
    HeartbeatTooLong {
        /// The step.
        step: StepId,
        /// How long its worker may be silent, in milliseconds.
        heartbeat_ms: u64,
        /// How long an attempt may take, in milliseconds.
        attempt_ms: u64,
    },
    /// Say where it goes on when no case holds.
    #[error("branch {step:?} has no `otherwise`; say where it goes on when no case holds")]
    NoOtherwise {
        /// The branch.
        step: StepId,
    },
    /// Add a case, or draw an edge in place of the branch.
    #[error("branch {step:?} has no case; add one, or draw an edge in its place")]
    NoCases {
        /// The branch.
        step: StepId,
    },
    /// Give the person at least one choice.
    #[error("decision {step:?} has no choices; give at least one")]
    NoChoices {
        /// The decision.
        step: StepId,
    },
    /// Give it words, or take it away.
    #[error("decision {step:?} has an empty choice; give it words")]
    EmptyChoice {
        /// The decision.
        step: StepId,
    },
    /// Take one of the two away.
    #[error("decision {step:?} has the choice {choice:?} twice")]
    DuplicateChoice {
        /// The decision.
        step: StepId,
        /// The choice.
        choice: String,
    },
    /// Add it to the choices, or correct it.
    #[error("decision {step:?} defaults to {choice:?}, which is not among its choices {choices:?}")]
    UnknownChoice {
        /// The decision.
        step: StepId,
        /// The default.
        choice: String,
        /// The choices there are.
        choices: Vec<String>,
    },
    /// Rename the signal.
    #[error("step {step:?} waits for a signal that nobody can send: {error}")]
    Signal {
        /// The step.
        step: StepId,
        /// Why the name is none.
        error: NameError,
    },
    /// Correct the retry policy of the compensation.
    #[error("the compensation of step {step:?}: {error}")]
    Compensation {
        /// The step.
        step: StepId,
        /// What cannot be kept.
        error: RetryError,
    },
    /// Correct the expression.
    #[error("step {step:?}: the {what} {name:?} cannot be used: {reason}")]
    Closure {
        /// The step.
        step: StepId,
        /// `condition` or `transformer`.
        what: &'static str,
        /// Its name; of an expression, the expression.
        name: String,
        /// What it says of itself, with the place where it is an expression.
        reason: String,
    },
    /// Register it with [`Closures`](crate::Closures), or correct its name or version.
    #[error(
        "step {step:?} names the {what} {name:?} of version {version}, which is not registered; there are: {}",
        Known(known)
    )]
    NoClosure {
        /// The step.
        step: StepId,
        /// `condition` or `transformer`.
        what: &'static str,
        /// Its name.
        name: String,
        /// Its version.
        version: u32,
        /// Those that are registered, written `name@version`.
        known: Vec<String>,
    },
    /// Turn on the feature `cel` of the crate, or name a closure that the host registers.
    #[error(
        "step {step:?} has the expression {expression:?}, which this build cannot evaluate; turn on the feature `cel`"
    )]
    NoCel {
        /// The step.
        step: StepId,
        /// The expression.
        expression: String,
    },
    /// Leave `on` out. Definitions as data only.
    #[error(
        "step {step:?}: the edge from {from:?} has a condition, and so fires on success only; take its `on` away"
    )]
    ConditionalEdge {
        /// Where it ends.
        step: StepId,
        /// Where it starts.
        from: String,
    },
    /// Rename it. Definitions as data only: in Rust a role or capability is a name from the start.
    #[error("step {step:?}: {error}")]
    NameIn {
        /// The step.
        step: StepId,
        /// Why the name is none.
        error: NameError,
    },
    /// A fault of the workflow inside a step. Definitions as data only: in Rust the inner one is built first.
    #[error("inside {step:?}: {fault}")]
    Inside {
        /// The step.
        step: StepId,
        /// What is wrong in it.
        fault: Box<Fault>,
    },
    /// Make the workflows inside steps beside each other.
    #[error("{kind} {step:?} nests workflows more than {} deep", NESTING_MAX)]
    NestedTooDeep {
        /// The step.
        step: StepId,
        /// What the step is.
        kind: &'static str,
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
    /// Register a worker in this role that can do all of it.
    #[error(
        "no worker in the role {role:?} has all of the capabilities {requires:?}, asked for by {}",
        List(steps)
    )]
    NoAbleWorker {
        /// The role, which somebody fills.
        role: Role,
        /// What nobody in it can do altogether.
        requires: BTreeSet<Capability>,
        /// The steps that ask for it.
        steps: Vec<StepId>,
    },
}

/// What to do in place of a setting that the kind of step does not have.
fn instead(setting: &str) -> &'static str {
    match setting {
        "retry" => "give it to the tasks inside, or try again with `on_failure_back_to`",
        "attempt_timeout" | "heartbeat_timeout" => "only tasks make attempts; use `step_timeout`",
        "step_timeout" => "it decides at once",
        "expected" => "give it to the tasks inside: only attempts take time",
        "priority" => "give it to the tasks inside: only they wait for a place",
        "compensate" => "give it to the tasks inside: only they are undone",
        "requires" => "only tasks have workers",
        "role" => "only tasks have workers",
        "case" | "cases" | "otherwise" => "use `Step::branch`, or an edge with `after_when`",
        "question" | "choices" => "only decisions ask somebody",
        "signal" | "delay_ms" => {
            "a wait has one of `signal` and `delay_ms`, other kinds have neither"
        }
        "body" => "only loops, maps and sub-workflows have a workflow inside",
        "items_max" | "on_item_failure" | "concurrency_max" => "only maps have items",
        "rounds_kept" | "rounds_max" | "until" => "only loops have rounds",
        "default_choice" => "use `Step::decision`",
        "output" => "shape the input of the step after it",
        "on_failure_back_to" => "let the step before it go back",
        _ => "take it away",
    }
}

/// How to mend a setting that is 0.
fn at_least(setting: &str) -> &'static str {
    match setting {
        "attempt_timeout" | "step_timeout" | "heartbeat_timeout" => {
            "give it at least 1 ms, or leave it out"
        }
        "default_choice" => "give people at least 1 ms to decide, or leave the default out",
        _ => "it must be at least 1",
    }
}

/// Why a definition was refused: every fault that was found. Names come first, then edges, single steps, and the shape of the whole; each
/// in the order of the steps. Of a definition as data, what is missing or unknown comes before them.
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

struct Known<'a>(&'a [String]);

impl fmt::Display for Known<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { f.write_str("none") } else { f.write_str(&self.0.join(", ")) }
    }
}
