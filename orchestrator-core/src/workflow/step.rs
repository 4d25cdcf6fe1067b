//! One step of a workflow, as the author writes it.

use std::sync::Arc;

use crate::closure::{BoundCondition, BoundTransformer, Condition, Transformer};
use crate::id::Role;
use crate::retry::RetryPolicy;
use crate::workflow::Workflow;

/// Which end of a step an edge waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// Every edge is settled, at least one fired, and none is dead because of a failure that nobody handles. The default.
    All,
    /// The first edge that fires; later ones are recorded.
    Any,
    /// The n-th edge that fires; later ones are recorded.
    AtLeast(u32),
}

/// When a loop is done.
#[derive(Debug, Clone)]
pub(crate) enum Until {
    /// The body has succeeded and the condition holds of it.
    Condition(BoundCondition),
    /// The body has succeeded; a failure of the named step, and of no other, asks for one more round.
    Accepted { by: String },
}

/// What a step does.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Task { role: Role },
    Loop { body: Workflow, rounds_max: u32, until: Until },
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
    pub(crate) join: Join,
    pub(crate) input: Option<BoundTransformer>,
    pub(crate) output: Option<BoundTransformer>,
    /// Edges that end here: from which step, and on what.
    pub(crate) incoming: Vec<(String, On)>,
    /// Edges that start here: to which step, and on what.
    pub(crate) outgoing: Vec<(String, On)>,
    /// Where a failure goes back to, and how many rounds there may be.
    pub(crate) back: Option<(String, u32)>,
}

impl Step {
    fn new(id: impl Into<String>, kind: Kind) -> Step {
        Step {
            id: id.into(),
            kind,
            description: String::new(),
            retry: RetryPolicy::default(),
            join: Join::All,
            input: None,
            output: None,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            back: None,
        }
    }

    /// A step that a worker in this role does.
    pub fn task(id: impl Into<String>, role: Role) -> Step {
        Step::new(id, Kind::Task { role })
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
        Step::new(id, Kind::Loop { body, rounds_max, until })
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
        Step::new(id, Kind::Loop { body, rounds_max, until })
    }

    /// Says what the step does, for people.
    #[must_use]
    pub fn describe(self, description: impl Into<String>) -> Step {
        Step { description: description.into(), ..self }
    }

    /// Starts after `step` has succeeded.
    #[must_use]
    pub fn after(mut self, step: impl Into<String>) -> Step {
        self.incoming.push((step.into(), On::Success));
        self
    }

    /// Starts after each of `steps` has succeeded.
    #[must_use]
    pub fn after_all<S: Into<String>>(mut self, steps: impl IntoIterator<Item = S>) -> Step {
        self.incoming.extend(steps.into_iter().map(|step| (step.into(), On::Success)));
        self
    }

    /// Starts after `step` has ended as `on` says.
    #[must_use]
    pub fn after_end(mut self, step: impl Into<String>, on: On) -> Step {
        self.incoming.push((step.into(), on));
        self
    }

    /// Goes on with `step` when this one has succeeded: the same edge as `step.after(this)`.
    #[must_use]
    pub fn on_success(mut self, step: impl Into<String>) -> Step {
        self.outgoing.push((step.into(), On::Success));
        self
    }

    /// Goes on with `step` when this one has failed, which handles the failure.
    #[must_use]
    pub fn on_failure(mut self, step: impl Into<String>) -> Step {
        self.outgoing.push((step.into(), On::Failure));
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
