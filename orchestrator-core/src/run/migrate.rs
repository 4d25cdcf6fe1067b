//! A history made to fit a definition that has changed.

use super::Run;
use super::event::{Event, Recorded};
use super::options::RunOptions;
use super::restore::{RestoreError, replay};
use super::snapshot::Snapshot;
use crate::workflow::Workflow;

/// The history of a run under another definition: `change` says of every event what becomes of it, if anything does. Events are numbered
/// anew, and [`Event::Migrated`] records what was done. What comes out is checked by replaying it.
///
/// # Errors
/// When the history does not begin with the start of a run (one of which the beginning was trimmed cannot be migrated), or what comes out
/// does not fit the definition.
pub fn migrate(
    history: &[Recorded],
    workflow: &Workflow,
    mut change: impl FnMut(&Event) -> Option<Event>,
) -> Result<Vec<Recorded>, RestoreError> {
    let mut from = String::new();
    let mut migrated: Vec<Recorded> = Vec::with_capacity(history.len() + 1);
    let mut push = |at, event| {
        let seq = migrated.len() as u64 + 1;
        migrated.push(Recorded { seq, at, event });
    };
    let mut over = false;
    let last = history.last().ok_or(RestoreError::NoStart)?.at;
    for recorded in history {
        let Some(mut event) = change(&recorded.event) else { continue };
        if let Event::RunStarted { definition, steps, .. } = &mut event {
            from = std::mem::replace(definition, workflow.digest().to_owned());
            *steps = workflow.step_digests().clone();
        }
        over |= matches!(event, Event::RunEnded { .. });
        push(recorded.at, event);
    }
    if !over {
        push(last, Event::Migrated { from, to: workflow.digest().to_owned() });
    }
    replay(workflow, migrated.clone().into(), u64::MAX)?;
    Ok(migrated)
}

/// The state after a migrated history, as if it came of `seq` events: what a store can put in the place of the history that was. A history
/// that was changed event by event has no more events than before, so that none of its numbers lies beyond.
pub(crate) fn stand_in(
    workflow: &Workflow,
    options: RunOptions,
    history: Vec<Recorded>,
    seq: u64,
) -> Result<Snapshot, RestoreError> {
    let replayed = replay(workflow, history.into(), u64::MAX)?;
    let mut run = Run::new(workflow.clone(), options);
    (run.state, run.history) = (replayed.state, replayed.history);
    (run.now, run.result) = (replayed.now, replayed.result);
    Ok(Snapshot { seq, ..run.snapshot() })
}
