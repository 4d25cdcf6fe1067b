//! A history that somebody kept: is it one that a run can have?

use super::model::Model;
use super::reference::{Cause, Reference, Terms};
use super::violation::Violation;
use super::{Simulation, host};
use crate::run::{Event, Recorded};

/// Shows a whole history of the simulation's workflow, from its first event on, to the reference scheduler. What workers and people said is
/// taken as it stands; everything else must follow from it.
///
/// # Errors
/// The first event that is not allowed where it stands, or before which something is missing.
///
/// ```
/// use orchestrator_core::testkit::{Simulation, check_history};
/// let simulation = Simulation::new(3);
/// let mut history = simulation.run()?.history;
/// check_history(&simulation, &history)?;
/// history.swap(1, 2);
/// assert!(check_history(&simulation, &history).is_err());
/// # Ok::<(), orchestrator_core::testkit::Violation>(())
/// ```
pub fn check_history(simulation: &Simulation, history: &[Recorded]) -> Result<(), Violation> {
    let model = Model::of(&simulation.workflow);
    let options = simulation.options();
    let terms: Terms<'_> = simulation.terms(&model, &options);
    let mut reference = Reference::new(&terms);
    for (at, recorded) in history.iter().enumerate() {
        let checked = match begins_batch(&recorded.event) {
            true => reference.nothing_missing(),
            false => Ok(()),
        };
        checked
            .and_then(|()| reference.event(recorded, Cause::Unknown))
            .map_err(|broken| host::violation(simulation.seed, broken, history, at))?;
    }
    reference
        .nothing_missing()
        .map_err(|broken| host::violation(simulation.seed, broken, history, history.len()))
}

/// Whether an event can only be the first that an input causes: what had to follow from the inputs before has followed.
fn begins_batch(event: &Event) -> bool {
    match event {
        Event::StepSucceeded { attempt, .. } => *attempt > 0,
        // What time itself does may be one of several things that are due at once.
        Event::AttemptFailed { error, .. } => !error.code.ends_with("_timeout"),
        Event::DecisionMade { decided, .. } => decided.by.is_some(),
        Event::RouteDecided { .. }
        | Event::HeartbeatReceived { .. }
        | Event::SignalReceived { .. }
        | Event::Paused
        | Event::Resumed
        | Event::CancelRequested { .. } => true,
        _ => false,
    }
}
