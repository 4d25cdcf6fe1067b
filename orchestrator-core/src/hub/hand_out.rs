//! What a run asks for goes out, once its events are safe: work to the lanes, choices to the router, questions to people, news to observers.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, MutexGuard};
use std::task::Waker;

use tracing::{Level, debug, warn};

use super::active::Active;
use super::cell::{CellState, Fate, RunCell};
use super::desk::Desk;
use super::drive::Core;
use super::places::unharmed;
use super::setup::Setup;
use super::{Observer, OpenDecision};
use crate::closure::panic_text;
use crate::id::{RunId, WorkerName};
use crate::path::Path;
use crate::route::{Candidate, Outcome, Request, RouteError};
use crate::run::{AttemptId, Command, Event, Input, Recorded, Run};
use crate::task::{Listen, Note, Notes, TaskError, Usage};
use crate::time::Timestamp;

/// What a router was asked and chose, and when the worker was given it.
pub(super) struct Routed {
    attempt: AttemptId,
    request: Request,
    worker: WorkerName,
    since: Timestamp,
}

/// What is to be asked when the run's lock has been let go of. Used again by every run, so that it allocates once.
#[derive(Default)]
pub(super) struct Asked {
    routes: Vec<(AttemptId, Request, Vec<Candidate>)>,
    decisions: Vec<OpenDecision>,
    withdrawn: Vec<Path>,
    /// Whether an answer is still expected.
    cancelled: BTreeMap<AttemptId, bool>,
    outcomes: Vec<Outcome>,
}

impl Core {
    /// Passes on what has become safe: the events up to `upto`, of which `events` are to be told.
    pub(super) fn hand_out(
        &mut self,
        setup: &Setup,
        now: Timestamp,
        run: u32,
        mut state: MutexGuard<'_, CellState>,
        (upto, events): (u64, &[Recorded]),
    ) {
        let Some(active) = self.runs[run as usize].as_mut() else { return };
        let cell = active.cell.clone();
        let asked = &mut self.asked;
        state.run.committed(upto);
        let advanced = upto > state.durable;
        state.durable = state.durable.max(upto);
        active.learn(&state.run, upto, &mut asked.outcomes);
        // While the hub shuts down nothing goes out; the store knows what is in flight.
        while self.shutdown.is_none()
            && let Some(command) = state.run.poll_command()
        {
            match command {
                Command::Execute { attempt, worker, task } => {
                    active.attempts += 1;
                    let waiting = (run, attempt, worker, task);
                    self.lanes.push(&setup.limits, &active.workflow, waiting);
                }
                Command::Route { attempt, request, candidates } => {
                    asked.routes.push((attempt, *request, candidates));
                }
                Command::Cancel { attempt } => {
                    let awaited = state.run.awaits(&attempt);
                    asked.cancelled.insert(attempt, awaited);
                }
                Command::Decide { path, question, choices, input, deadline } => {
                    let open = OpenDecision { path, question, choices, input, deadline };
                    state.decisions.insert(open.path.clone(), open.clone());
                    asked.decisions.push(open);
                }
                Command::Withdraw { path } => {
                    state.decisions.remove(&path);
                    asked.withdrawn.push(path);
                }
            }
        }
        let deadline = if self.shutdown.is_none() { state.run.next_deadline() } else { None };
        let over = state.run.result().is_some() && upto == state.run.event_count();
        let woken = if advanced { state.advanced() } else { Vec::new() };
        drop(state);
        self.set_deadline(run, deadline);
        self.announce(setup, run, &cell, events);
        self.ask_router(setup, now, run, &cell);
        if !self.asked.cancelled.is_empty() {
            let cancelled = std::mem::take(&mut self.asked.cancelled);
            self.call_back(run, &cancelled);
        }
        woken.into_iter().for_each(Waker::wake);
        if over {
            self.release(run, Fate::Ended);
        }
    }

    /// Tells those who watch.
    fn announce(&mut self, setup: &Setup, run: u32, cell: &RunCell, events: &[Recorded]) {
        let Asked { decisions, withdrawn, outcomes, .. } = &mut self.asked;
        for outcome in outcomes.drain(..) {
            unharmed("router", || setup.router.observe(&outcome));
        }
        if events.is_empty() && decisions.is_empty() && withdrawn.is_empty() {
            return;
        }
        if !is_watched(setup) {
            decisions.clear();
            withdrawn.clear();
            return;
        }
        let _entered = self.runs[run as usize].as_ref().map(|active| active.span.clone().entered());
        for recorded in events {
            debug!(seq = recorded.seq, event = ?recorded.event);
            tell(setup, |observer| observer.recorded(&cell.id, recorded));
        }
        for open in decisions.drain(..) {
            tell(setup, |observer| observer.asked(&cell.id, &open));
        }
        for path in withdrawn.drain(..) {
            tell(setup, |observer| observer.withdrawn(&cell.id, &path));
        }
    }

    /// Asks the router, and tells the run what it says.
    fn ask_router(&mut self, setup: &Setup, now: Timestamp, run: u32, cell: &RunCell) {
        if self.asked.routes.is_empty() {
            return;
        }
        let Some(active) = self.runs[run as usize].as_mut() else { return };
        for (attempt, request, candidates) in self.asked.routes.drain(..) {
            let router = &setup.router;
            let said = catch_unwind(AssertUnwindSafe(|| router.route(&request, &candidates)));
            let result = said.unwrap_or_else(|panic| {
                let reason = format!("the router panicked: {}", panic_text(&*panic));
                Err(RouteError { reason })
            });
            let chosen = result.as_ref().ok().map(|chosen| chosen.worker.clone());
            let mut state = cell.lock();
            let routed = Input::Routed { attempt: attempt.clone(), result };
            match (state.run.handle(now, routed), chosen) {
                (Ok(_), Some(worker)) if state.run.awaits(&attempt) => {
                    active.routed.push(Routed { attempt, request, worker, since: now });
                }
                // A refusal has failed the step: nobody was routed to.
                (Ok(_), _) => {}
                (Err(error), _) => {
                    warn!(%error, "the router named nobody who can do it");
                    let result = Err(RouteError { reason: error.to_string() });
                    let told = state.run.handle(now, Input::Routed { attempt, result });
                    debug_assert!(told.is_ok(), "a refusal is always taken: {told:?}");
                }
            }
        }
        self.touch(run);
    }

    /// Tells workers to stop: of some the run still expects an answer, of others it does not.
    fn call_back(&mut self, run: u32, cancelled: &BTreeMap<AttemptId, bool>) {
        for attempt in self.lanes.withdraw(run, Some(cancelled)) {
            if let Some(active) = self.active(run) {
                active.attempts -= 1;
            }
            let result = Err(TaskError::cancelled());
            self.tell(run, Input::Answered { attempt, result });
        }
        for place in self.places.of(run) {
            let attempt = self.places.attempt(place);
            match attempt.and_then(|attempt| cancelled.get(attempt)) {
                Some(true) => self.places.cancel(place),
                Some(false) => self.call_off(run, place),
                None => {}
            }
        }
    }

    /// Lets go of an attempt for which its run no longer waits.
    pub(super) fn call_off(&mut self, run: u32, place: u32) {
        if let Some(active) = self.active(run) {
            active.attempts -= 1;
        }
        if let Some(done) = self.places.call_off(place) {
            self.lanes.release(done.lane);
        }
    }
}

impl Active {
    /// Finds out how attempts ended that a router gave to somebody.
    fn learn(&mut self, run: &Run, upto: u64, outcomes: &mut Vec<Outcome>) {
        let events = self.learned + 1..=upto;
        self.learned = upto;
        if self.routed.is_empty() {
            return;
        }
        for Recorded { at, event, .. } in events.filter_map(|seq| run.event(seq)) {
            let (path, attempt, usage, error) = match event {
                Event::StepSucceeded { path, attempt, usage, .. } => (path, attempt, usage, None),
                Event::AttemptFailed { path, attempt, error, .. }
                | Event::StepFailed { path, attempt, error } => {
                    (path, attempt, Usage::default(), Some(error))
                }
                _ => continue,
            };
            let id = AttemptId { path, attempt };
            if let Some(place) = self.routed.iter().position(|routed| routed.attempt == id) {
                let Routed { request, worker, since, .. } = self.routed.swap_remove(place);
                let duration_ms = at.0.saturating_sub(since.0);
                outcomes.push(Outcome { request, worker, usage, duration_ms, error });
            }
        }
    }

    /// From here on it is the worker that takes the time; before, it was the wait for a place.
    pub(super) fn begins(&mut self, attempt: &AttemptId, setup: &Setup) {
        if let Some(routed) = self.routed.iter_mut().find(|routed| routed.attempt == *attempt) {
            routed.since = setup.clock.now();
        }
    }
}

fn tell(setup: &Setup, tell: impl FnOnce(&dyn Observer)) {
    if let Some(observer) = &setup.observer {
        unharmed("observer", || tell(&**observer));
    }
}

/// The events that are new, if anybody wants to see them; without a store they need not even be made.
pub(super) fn watched(setup: &Setup, run: &mut Run) -> Vec<Recorded> {
    if !is_watched(setup) {
        return Vec::new();
    }
    std::iter::from_fn(|| run.poll_event()).collect()
}

fn is_watched(setup: &Setup) -> bool {
    setup.observer.is_some() || tracing::enabled!(Level::DEBUG)
}

/// Hears the workers of a run.
pub(super) struct Ear {
    run: RunId,
    observer: Option<Arc<dyn Observer>>,
    /// Where heartbeats go, if some step listens for them.
    beats: Option<(Arc<Desk>, Arc<RunCell>)>,
}

impl Ear {
    /// `None` if nobody wants to hear.
    pub(super) fn of(
        setup: &Setup,
        desk: &Arc<Desk>,
        cell: &Arc<RunCell>,
        hears: bool,
    ) -> Option<Arc<Ear>> {
        let observer = setup.observer.clone();
        let beats = hears.then(|| (desk.clone(), cell.clone()));
        let listens = observer.is_some() || beats.is_some();
        listens.then(|| Arc::new(Ear { run: cell.id.clone(), observer, beats }))
    }

    pub(super) fn notes(ear: &Option<Arc<Ear>>) -> Notes {
        ear.as_ref().map_or_else(Notes::ignored, |ear| Notes::heard_by(ear.clone()))
    }
}

impl Listen for Ear {
    fn note(&self, path: &Path, note: Note) {
        if let Some(observer) = &self.observer {
            unharmed("observer", || observer.noted(&self.run, path, &note));
        }
    }

    fn beat(&self, path: &Path, attempt: u32) {
        let Some((desk, cell)) = &self.beats else { return };
        let run = cell.slot();
        if run != RunCell::NOWHERE {
            let attempt = AttemptId { path: path.clone(), attempt };
            desk.post(|inbox| {
                inbox.beats.insert((run, attempt));
            });
        }
    }
}
