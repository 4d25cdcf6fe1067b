//! Workflows that come up again and again.

use super::{Faults, Step, Workflow};
use crate::id::Role;
use crate::retry::RetryPolicy;

/// Product manager → coder → reviewer, and from a rejected review back to the coder, at most `rounds_max` times.
///
/// The steps are `create_specs`, and in the loop `draft` the steps `implement_code` (tried twice) and `review_code`. A reviewer rejects by
/// failing; the coder of the next round finds the failure, details and all, in [`Round::carried`](crate::Round).
///
/// # Errors
/// When `rounds_max` is 0.
pub fn build_website(rounds_max: u32) -> Result<Workflow, Faults> {
    let body = Workflow::builder("draft_website")
        .describe("one draft and its review")
        .step(
            Step::task("implement_code", Role::CODER)
                .describe("writes the files of the site")
                .retry(RetryPolicy::attempts(2)),
        )
        .step(
            Step::task("review_code", Role::REVIEWER)
                .describe("accepts the draft, or fails with what must change")
                .after("implement_code"),
        )
        .build()?;
    Workflow::builder("build_website")
        .describe("build a website from a goal")
        .step(
            Step::task("create_specs", Role::PRODUCT_MANAGER)
                .describe("turns the goal into a specification"),
        )
        .step(
            Step::repeat_until_accepted("draft", body, rounds_max, "review_code")
                .describe("drafts until the reviewer accepts")
                .after("create_specs"),
        )
        .build()
}

/// A line of tasks, each after the one before.
///
/// ```
/// use orchestrator_core::{pipeline, Role};
/// let workflow = pipeline("release", [
///     ("analyse", Role::ANALYST, "what is asked for"),
///     ("implement", Role::IMPLEMENTER, "make it"),
///     ("validate", Role::VALIDATOR, "is it right"),
/// ])?;
/// assert_eq!(workflow.steps().count(), 3);
/// # Ok::<(), orchestrator_core::Faults>(())
/// ```
///
/// # Errors
/// When there is no step, a name is none, or a name occurs twice.
pub fn pipeline<'a>(
    name: &str,
    steps: impl IntoIterator<Item = (&'a str, Role, &'a str)>,
) -> Result<Workflow, Faults> {
    let mut builder = Workflow::builder(name);
    let mut before: Option<&str> = None;
    for (id, role, description) in steps {
        let step = Step::task(id, role).describe(description);
        builder = builder.step(match before.replace(id) {
            None => step,
            Some(before) => step.after(before),
        });
    }
    builder.build()
}
