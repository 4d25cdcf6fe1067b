//! The pipeline as a workflow: the same kind of definition that a host writes, validated and drawn like any other.
//!
//! initialise → (genetic search ∥ attention) → reinforcement learning → code generation → verification → self-improvement.

use orchestrator_core::{Faults, Role, Step, Workflow};

/// The step names, in order.
pub mod step {
    /// Reads and profiles the data.
    pub const INITIALISE: &str = "initialise";
    /// Searches for parameters.
    pub const GENETIC_SEARCH: &str = "genetic_search";
    /// Mixes context between the layers.
    pub const ATTENTION: &str = "attention";
    /// Refines the parameters.
    pub const REINFORCEMENT_LEARNING: &str = "reinforcement_learning";
    /// Generates the scripts.
    pub const CODE_GENERATION: &str = "code_generation";
    /// Runs the scripts and checks the whole.
    pub const VERIFICATION: &str = "verification";
    /// Learns from the run.
    pub const SELF_IMPROVEMENT: &str = "self_improvement";
}

/// The role of a step: every production unit has one of its own, named like the step.
pub(super) fn role(step: &str) -> Role {
    Role::parse(step).expect("a step's name is a role's name")
}

/// The definition.
///
/// # Errors
/// None that a caller could cause; it is built and checked like any workflow.
pub fn workflow() -> Result<Workflow, Faults> {
    let unit = |name: &str, description: &str| Step::task(name, role(name)).describe(description);
    Workflow::builder("orchestrator_ai")
        .describe("optimised scripts in layers, out of a profile of the data")
        .step(unit(step::INITIALISE, "reads the data, profiles them, allots the budget"))
        .step(
            unit(step::GENETIC_SEARCH, "searches the whole parameter space")
                .after(step::INITIALISE),
        )
        .step(
            unit(step::ATTENTION, "lets each layer attend to the features of the data")
                .after(step::INITIALISE),
        )
        .step(
            unit(step::REINFORCEMENT_LEARNING, "refines within the region that the search found")
                .after(step::GENETIC_SEARCH),
        )
        .step(
            unit(step::CODE_GENERATION, "generates the three layers")
                .after_all([step::REINFORCEMENT_LEARNING, step::ATTENTION]),
        )
        .step(
            unit(step::VERIFICATION, "runs the layers and checks the whole")
                .after(step::CODE_GENERATION),
        )
        .step(
            unit(step::SELF_IMPROVEMENT, "learns from the run and suggests what to change")
                .after(step::VERIFICATION),
        )
        .build()
}
