//! The runs that are driven: how they come onto the list, and off it.

use std::sync::Arc;
use std::task::Waker;

use tracing::{Span, info_span};

use super::cell::{Fate, RunCell};
use super::drive::Core;
use super::hand_out::{Ear, Routed};
use super::setup::Setup;
use crate::id::WorkflowName;
use crate::run::Input;
use crate::time::Timestamp;

/// A run that is driven.
pub(super) struct Active {
    pub(super) cell: Arc<RunCell>,
    pub(super) workflow: WorkflowName,
    pub(super) ear: Option<Arc<Ear>>,
    /// What it is to be told.
    pub(super) inputs: Vec<Input>,
    pub(super) touched: bool,
    /// The store has not seen it yet.
    pub(super) fresh: bool,
    /// Events of it are on their way to the store.
    pub(super) sent: bool,
    pub(super) deadline: Option<Timestamp>,
    /// Attempts that a router gave to somebody, for it to learn from, and how far it has.
    pub(super) routed: Vec<Routed>,
    pub(super) learned: u64,
    /// How many of its attempts have a place, or wait for one.
    pub(super) attempts: usize,
    /// The event after which there is a snapshot.
    pub(super) snapshot_at: u64,
    pub(super) span: Span,
}

impl Core {
    /// Begins to drive a run.
    pub(super) fn admit(&mut self, setup: &Setup, cell: Arc<RunCell>) {
        let state = cell.lock();
        let workflow = state.run.workflow().name().clone();
        let (fresh, last) = (state.durable == 0, state.durable);
        let steps = state.run.workflow().defs().len();
        drop(state);
        let registered = setup.workflows.get(&workflow);
        let hears = registered.is_some_and(|registered| registered.hears);
        let ear = Ear::of(setup, &self.desk, &cell, hears);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.runs.push(None);
            u32::try_from(self.runs.len() - 1).expect("fewer runs than numbers")
        });
        cell.move_to(slot);
        let span = info_span!(parent: None, "run", id = %cell.id, workflow = %workflow);
        self.runs[slot as usize] = Some(Active {
            cell,
            workflow,
            ear,
            inputs: Vec::new(),
            touched: false,
            fresh,
            sent: false,
            deadline: None,
            routed: Vec::new(),
            learned: last,
            attempts: 0,
            snapshot_at: last + setup.snapshots.rest(0, steps),
            span,
        });
        self.touch(slot);
    }

    /// A run that is driven.
    pub(super) fn active(&mut self, run: u32) -> Option<&mut Active> {
        self.runs.get_mut(run as usize)?.as_mut()
    }

    /// Sees to it that the run is visited.
    pub(super) fn touch(&mut self, run: u32) {
        if let Some(active) = self.runs.get_mut(run as usize).and_then(Option::as_mut)
            && !std::mem::replace(&mut active.touched, true)
        {
            self.touched.push(run);
        }
    }

    /// Whether some run is to be visited.
    pub(super) fn is_touched(&self) -> bool {
        !self.touched.is_empty()
    }

    /// Notes when the run wants to be told the time.
    pub(super) fn set_deadline(&mut self, run: u32, deadline: Option<Timestamp>) {
        let Some(active) = self.runs[run as usize].as_mut() else { return };
        if active.deadline == deadline {
            return;
        }
        if let Some(before) = std::mem::replace(&mut active.deadline, deadline) {
            self.deadlines.remove(&(before, run));
        }
        self.deadlines.extend(deadline.map(|deadline| (deadline, run)));
    }

    /// Lets go of a run. Its name is free before anybody hears of it.
    pub(super) fn release(&mut self, run: u32, fate: Fate) {
        let Some(active) = self.active(run) else { return };
        let cell = active.cell.clone();
        self.dismiss(run);
        let woken = cell.seal(&mut cell.lock(), fate);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Takes a run off the list. What it still has under way is called off.
    pub(super) fn dismiss(&mut self, run: u32) {
        let Some(active) = self.runs[run as usize].take() else { return };
        active.cell.move_to(RunCell::NOWHERE);
        if let Some(deadline) = active.deadline {
            self.deadlines.remove(&(deadline, run));
        }
        if active.attempts > 0 {
            self.lanes.withdraw(run, None);
            for place in self.places.of(run) {
                if let Some(done) = self.places.call_off(place) {
                    self.lanes.release(done.lane);
                }
            }
        }
        self.free.push(run);
        let woken = self.desk.lock().roll.strike(&active.cell.id);
        woken.into_iter().for_each(Waker::wake);
    }
}
