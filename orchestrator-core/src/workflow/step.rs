//! One step of a workflow, as the author writes it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::closure::{BoundCondition, BoundTransformer, Condition, Transformer};
use crate::id::{Capability, Role};
use crate::retry::RetryPolicy;
use crate::workflow::Workflow;
use crate::workflow::kind::{
    Awaited, Compensation, DefaultChoice, ITEMS_MAX, Kind, Link, OnItemFailure, ROUNDS_KEPT,
    Timeouts, Until,
};

/// Which end of a step an edge waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// The step succeeded.
    Success,
    /// The step failed, after its last attempt. Such an edge handles the failure.
    Failure,
    /// The step succeeded or failed. Such an edge does not handle a failure.
    Always,
}

/// How many of a step's incoming edges must fire before it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// Every edge is settled, at least one fired, and none is dead because of a failure that nobody handles. The default.
    All,
    /// The first edge that fires; later ones are recorded.
    Any,
    /// The n-th edge that fires; later ones are recorded.
    AtLeast(u32),
}

/// One step, as its author writes it; checked by [`build`](crate::WorkflowBuilder::build).
///
/// ```
/// use orchestrator_core::{RetryPolicy, Role, Step};
/// let step = Step::task("review_code", Role::REVIEWER)
///     .describe("reads the code as a stranger would")
///     .after("implement_code")
///     .retry(RetryPolicy::attempts(3));
/// ```
#[derive(Debug, Clone)]
pub struct Step {
    pub(crate) id: String,
    pub(crate) kind: Kind,
    pub(crate) description: String,
    pub(crate) retry: RetryPolicy,
    pub(crate) timeouts: Timeouts,
    pub(crate) priority: i32,
    /// How long an attempt is thought to take; of no effect on a run.
    pub(crate) expected_ms: Option<u64>,
    pub(crate) compensation: Option<Compensation>,
    pub(crate) join: Join,
    pub(crate) input: Option<BoundTransformer>,
    pub(crate) output: Option<BoundTransformer>,
    /// Edges that end here: from which step, and on what.
    pub(crate) incoming: Vec<Link>,
    /// Edges that start here: to which step, and on what. The ways of a branch are in its kind.
    pub(crate) outgoing: Vec<Link>,
    /// Where a failure goes back to, and how many rounds there may be.
    pub(crate) back: Option<(String, u32)>,
    /// Settings that were given to a kind of step that has no such setting: faults.
    pub(crate) misplaced: Vec<&'static str>,
}

impl Step {
    pub(crate) fn new(id: impl Into<String>, kind: Kind) -> Step {
        Step {
            id: id.into(),
            kind,
            description: String::new(),
            retry: RetryPolicy::default(),
            timeouts: Timeouts::default(),
            priority: 0,
            expected_ms: None,
            compensation: None,
            join: Join::All,
            input: None,
            output: None,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            back: None,
            misplaced: Vec::new(),
        }
    }

    /// A step that a worker in this role does.
    pub fn task(id: impl Into<String>, role: Role) -> Step {
        Step::new(id, Kind::Task { role, requires: BTreeSet::new() })
    }

    /// A step that runs `body` again and again, at most `rounds_max` times, until `done` holds of the body's outputs. Running out of
    /// rounds is a failure with the code `rounds_exhausted`. Each round hands its output on to the next
    /// ([`Round::carried`](crate::Round)); the output of the last is the output of the loop.
    pub fn repeat_until(
        id: impl Into<String>,
        body: Workflow,
        rounds_max: u32,
        done: impl Condition + 'static,
    ) -> Step {
        let until = Until::Condition(BoundCondition(Arc::new(done)));
        Step::new(id, Kind::Loop { body, rounds_max, rounds_kept: ROUNDS_KEPT, until })
    }

    /// A step that runs `body` again, at most `rounds_max` times in all, as long as the body's step `by` fails: its failure says "once
    /// more", and is what the next round is handed. Any other unhandled failure fails the loop, beside a rejection too. Running out of
    /// rounds is a failure with the code `rounds_exhausted` and the last rejection in its details.
    pub fn repeat_until_accepted(
        id: impl Into<String>,
        body: Workflow,
        rounds_max: u32,
        by: impl Into<String>,
    ) -> Step {
        let until = Until::Accepted { by: by.into() };
        Step::new(id, Kind::Loop { body, rounds_max, rounds_kept: ROUNDS_KEPT, until })
    }

    /// A step that chooses one of several ways on: the first [`case`](Step::case) whose condition holds, or else
    /// [`otherwise`](Step::otherwise), which is required. Its output is its input, so that the chosen step gets what the branch got; the
    /// other ways end dead. A condition that errs fails the branch.
    ///
    /// ```
    /// use orchestrator_core::{Context, Role, Step, Workflow, condition_fn};
    /// let large = condition_fn("large", 1, |context: &Context| Ok(context.output::<u64>("measure")? > 100));
    /// let workflow = Workflow::builder("sort")
    ///     .step(Step::task("measure", Role::GENERIC))
    ///     .step(Step::branch("size").after("measure").case(large, "split").otherwise("keep"))
    ///     .step(Step::task("split", Role::GENERIC))
    ///     .step(Step::task("keep", Role::GENERIC))
    ///     .build()?;
    /// # Ok::<(), orchestrator_core::Faults>(())
    /// ```
    pub fn branch(id: impl Into<String>) -> Step {
        Step::new(id, Kind::Branch { cases: Vec::new(), otherwise: None })
    }

    /// A step that runs `body` once for every element of its input, which must be a JSON array, at most `concurrency_max` (at least 1) at
    /// a time. The first steps of the body get the element as their input; [`Context::item`](crate::Context::item) tells which it is. The
    /// output is an array in the order of the elements, whoever finished first; of no elements, the empty array.
    pub fn map(id: impl Into<String>, body: Workflow, concurrency_max: u32) -> Step {
        let on_failure = OnItemFailure::FailFast;
        Step::new(id, Kind::Map { body, concurrency_max, items_max: ITEMS_MAX, on_failure })
    }

    /// A step that a person decides: `question` and `choices` are for them. The output is a [`Decided`](crate::Decided).
    pub fn decision<S: Into<String>>(
        id: impl Into<String>,
        question: impl Into<String>,
        choices: impl IntoIterator<Item = S>,
    ) -> Step {
        let choices = choices.into_iter().map(Into::into).collect();
        Step::new(id, Kind::Decision { question: question.into(), choices, default: None })
    }

    /// A step that waits for a signal from outside, and gives the signal's payload. One that has come before counts.
    pub fn wait_for_signal(id: impl Into<String>, signal: impl Into<String>) -> Step {
        Step::new(id, Kind::Wait { awaited: Awaited::Signal(signal.into()) })
    }

    /// A step that lets time pass, in whole milliseconds, and gives its input.
    pub fn wait_for(id: impl Into<String>, delay: Duration) -> Step {
        Step::new(id, Kind::Wait { awaited: Awaited::Timer { delay_ms: millis(delay) } })
    }

    /// A step that runs a workflow once, as a part of this run, and gives its output.
    pub fn sub_workflow(id: impl Into<String>, body: Workflow) -> Step {
        Step::new(id, Kind::Sub { body })
    }

    /// For branches: goes on with `step` if `condition` holds and none of the cases before did.
    #[must_use]
    pub fn case(mut self, condition: impl Condition + 'static, step: impl Into<String>) -> Step {
        let case = (BoundCondition(Arc::new(condition)), step.into());
        match &mut self.kind {
            Kind::Branch { cases, .. } => cases.push(case),
            _ => self.misplaced.push("case"),
        }
        self
    }

    /// For branches: goes on with `step` if none of the cases holds.
    #[must_use]
    pub fn otherwise(mut self, step: impl Into<String>) -> Step {
        match &mut self.kind {
            Kind::Branch { otherwise, .. } => *otherwise = Some(step.into()),
            _ => self.misplaced.push("otherwise"),
        }
        self
    }

    /// For maps: how many elements there may be; more fail the step with the code `too_many_items`. Default 10,000.
    #[must_use]
    pub fn items_max(mut self, max: u32) -> Step {
        match &mut self.kind {
            Kind::Map { items_max, .. } => *items_max = max,
            _ => self.misplaced.push("items_max"),
        }
        self
    }

    /// For maps: what a failed item does. Default [`OnItemFailure::FailFast`].
    #[must_use]
    pub fn on_item_failure(mut self, what: OnItemFailure) -> Step {
        match &mut self.kind {
            Kind::Map { on_failure, .. } => *on_failure = what,
            _ => self.misplaced.push("on_item_failure"),
        }
        self
    }

    /// For loops: how many rounds, the present one included, a run keeps in memory; at least 1. Default 16.
    #[must_use]
    pub fn rounds_kept(mut self, kept: u32) -> Step {
        match &mut self.kind {
            Kind::Loop { rounds_kept, .. } => *rounds_kept = kept,
            _ => self.misplaced.push("rounds_kept"),
        }
        self
    }

    /// For decisions: what counts when nobody has decided after this long.
    #[must_use]
    pub fn default_choice(mut self, choice: impl Into<String>, after: Duration) -> Step {
        let given = DefaultChoice { choice: choice.into(), after_ms: millis(after) };
        match &mut self.kind {
            Kind::Decision { default, .. } => *default = Some(given),
            _ => self.misplaced.push("default_choice"),
        }
        self
    }

    /// For tasks: what a worker of the role must be able to do besides.
    #[must_use]
    pub fn requires(mut self, capability: Capability) -> Step {
        match &mut self.kind {
            Kind::Task { requires, .. } => {
                requires.insert(capability);
            }
            _ => self.misplaced.push("requires"),
        }
        self
    }

    /// How long one attempt may take, routing excluded. A longer one fails with the retryable code `attempt_timeout`: its worker is told
    /// to stop, and what it still says is ignored. For tasks only.
    #[must_use]
    pub fn attempt_timeout(mut self, limit: Duration) -> Step {
        self.timeouts.attempt_ms = Some(millis(limit));
        self
    }

    /// How long the whole step may take, from its start: attempts, routing and rests, rounds and items. A longer one fails with the
    /// terminal code `step_timeout`; what it has under way is told to stop. Not for branches.
    #[must_use]
    pub fn step_timeout(mut self, limit: Duration) -> Step {
        self.timeouts.step_ms = Some(millis(limit));
        self
    }

    /// How long a worker may be silent: an [`Input::Heartbeat`](crate::Input::Heartbeat) begins the time anew. A longer silence fails
    /// the attempt with the retryable code `heartbeat_timeout`. Let the worker beat at least twice in this time: a beat that follows
    /// another within half of it is not counted, so that the history stays small. For tasks only.
    #[must_use]
    pub fn heartbeat_timeout(mut self, limit: Duration) -> Step {
        self.timeouts.heartbeat_ms = Some(millis(limit));
        self
    }

    /// Which of several tasks that are ready is to be handed to a worker first: the larger. Default 0. It orders what waits for a place;
    /// nothing that runs is interrupted. For tasks only.
    #[must_use]
    pub fn priority(self, priority: i32) -> Step {
        Step { priority, ..self }
    }

    /// How long an attempt is thought to take, in whole milliseconds: what a [`DryRun`](crate::DryRun) reckons with that is told nothing
    /// else. A run takes no notice of it. For tasks only.
    #[must_use]
    pub fn expected(self, duration: Duration) -> Step {
        Step { expected_ms: Some(millis(duration)), ..self }
    }

    /// Says who undoes this step if it has succeeded and the run then fails or is cancelled. Compensations run one after the other, the
    /// last success first; each gets the output of its step as input and is tried as `retry` says. One that fails is recorded in the
    /// run's outcome, and the others go on. For tasks only.
    #[must_use]
    pub fn compensate(self, role: Role, retry: RetryPolicy) -> Step {
        Step { compensation: Some(Compensation { role, retry }), ..self }
    }

    /// Says what the step does, for people.
    #[must_use]
    pub fn describe(self, description: impl Into<String>) -> Step {
        Step { description: description.into(), ..self }
    }

    /// Starts after `step` has succeeded.
    #[must_use]
    pub fn after(mut self, step: impl Into<String>) -> Step {
        self.incoming.push(Link::new(step, On::Success));
        self
    }

    /// Starts after each of `steps` has succeeded.
    #[must_use]
    pub fn after_all<S: Into<String>>(mut self, steps: impl IntoIterator<Item = S>) -> Step {
        self.incoming.extend(steps.into_iter().map(|step| Link::new(step, On::Success)));
        self
    }

    /// Starts after `step` has ended as `on` says.
    #[must_use]
    pub fn after_end(mut self, step: impl Into<String>, on: On) -> Step {
        self.incoming.push(Link::new(step, on));
        self
    }

    /// Starts after `step` has succeeded, if `condition` holds then: of the outputs of `step` and its ancestors. If it does not hold the
    /// edge is dead; if it errs, this step fails with the code `condition`.
    #[must_use]
    pub fn after_when(
        mut self,
        step: impl Into<String>,
        condition: impl Condition + 'static,
    ) -> Step {
        let when = Some(BoundCondition(Arc::new(condition)));
        self.incoming.push(Link { when, ..Link::new(step, On::Success) });
        self
    }

    /// Goes on with `step` when this one has succeeded: the same edge as `step.after(this)`.
    #[must_use]
    pub fn on_success(mut self, step: impl Into<String>) -> Step {
        self.outgoing.push(Link::new(step, On::Success));
        self
    }

    /// Goes on with `step` when this one has failed, which handles the failure.
    #[must_use]
    pub fn on_failure(mut self, step: impl Into<String>) -> Step {
        self.outgoing.push(Link::new(step, On::Failure));
        self
    }

    /// Goes back to `step`, an earlier one, when this one has failed: the steps from there to here are done again, at most `rounds_max`
    /// times in all. They become the body of a loop named `until_` and this step's name, as if written with
    /// [`Step::repeat_until_accepted`]; the failure is what the next round is handed. There must be one way into them, at `step`, and
    /// one way out, from here.
    ///
    /// ```
    /// use orchestrator_core::{Role, Step, Workflow};
    /// let workflow = Workflow::builder("build_website")
    ///     .step(Step::task("create_specs", Role::PRODUCT_MANAGER))
    ///     .step(Step::task("implement_code", Role::CODER).after("create_specs"))
    ///     .step(Step::task("review_code", Role::REVIEWER).after("implement_code")
    ///         .on_failure_back_to("implement_code", 3))
    ///     .build()?;
    /// let steps: Vec<&str> = workflow.steps().map(|step| step.as_str()).collect();
    /// assert_eq!(steps, ["create_specs", "until_review_code"]);
    /// # Ok::<(), orchestrator_core::Faults>(())
    /// ```
    #[must_use]
    pub fn on_failure_back_to(mut self, step: impl Into<String>, rounds_max: u32) -> Step {
        self.back = Some((step.into(), rounds_max));
        self
    }

    /// How the step waits for its edges.
    #[must_use]
    pub fn join(self, join: Join) -> Step {
        Step { join, ..self }
    }

    /// How often it is tried. For tasks only: what a loop has is rounds.
    #[must_use]
    pub fn retry(self, retry: RetryPolicy) -> Step {
        Step { retry, ..self }
    }

    /// Makes the step's input. Without it the input is the output of the step before, an object of outputs by step when there are
    /// several before, the failure where an edge on failure led here, and where there is none before, the input of the workflow (in a
    /// loop's body: of the loop). Edges that did not fire bring nothing.
    #[must_use]
    pub fn input(self, transformer: impl Transformer + 'static) -> Step {
        Step { input: Some(BoundTransformer(Arc::new(transformer))), ..self }
    }

    /// Makes the step's output out of what its worker gave.
    #[must_use]
    pub fn output(self, transformer: impl Transformer + 'static) -> Step {
        Step { output: Some(BoundTransformer(Arc::new(transformer))), ..self }
    }
}

/// Whole milliseconds; what does not fit is as long as can be said.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
