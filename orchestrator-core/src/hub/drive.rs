//! A turn of the driver: what has come in goes to the runs, what they decide to the store, and what they ask for to workers.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::task::{Context, Poll, Waker};

use tracing::warn;

use super::active::Active;
use super::cell::{Fate, RunCell};
use super::commit::{Commit, Load};
use super::desk::{Desk, Inbox};
use super::hand_out::{Asked, Ear, watched};
use super::lanes::Lanes;
use super::places::{Done, Places};
use super::setup::Setup;
use super::shutdown::Shutdown;
use crate::run::Input;
use crate::time::{BoxFuture, Timestamp};

/// How many turns a driver takes in one poll: then it lets the executor look after other futures.
const TURNS_MAX: usize = 128;

/// A hub, as its handles and futures share it.
pub(super) struct Hub {
    setup: RwLock<Arc<Setup>>,
    pub(super) desk: Arc<Desk>,
    core: Mutex<Core>,
    /// The highest number that a run was given.
    pub(super) started: AtomicU64,
}

/// What only the driver touches.
pub(super) struct Core {
    pub(super) runs: Vec<Option<Active>>,
    pub(super) free: Vec<u32>,
    pub(super) places: Places,
    pub(super) lanes: Lanes,
    /// Runs that something was put down for, once each.
    pub(super) touched: Vec<u32>,
    /// What goes to the store next, and what is on its way.
    pub(super) load: Load,
    pub(super) commit: Option<Commit>,
    pub(super) deadlines: BTreeSet<(Timestamp, u32)>,
    /// Until when the driver sleeps.
    sleep: Option<(Timestamp, BoxFuture<()>)>,
    inbox: Inbox,
    pub(super) asked: Asked,
    pub(super) shutdown: Option<Shutdown>,
    pub(super) desk: Arc<Desk>,
    pub(super) waker: Waker,
}

impl Default for Hub {
    fn default() -> Self {
        let desk = Arc::new(Desk::default());
        Hub {
            setup: RwLock::default(),
            core: Mutex::new(Core::new(desk.clone())),
            desk,
            started: AtomicU64::new(0),
        }
    }
}

impl Hub {
    pub(super) fn setup(&self) -> Arc<Setup> {
        self.setup.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes what the hub was told. Its runs go by that from the next poll on.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Setup) -> T) -> T {
        let mut setup = self.setup.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut setup))
    }

    /// Says that a run was told something.
    pub(super) fn touch(&self, cell: &Arc<RunCell>) {
        if !cell.touched.swap(true, Ordering::AcqRel) {
            self.desk.post(|inbox| inbox.touched.push(cell.clone()));
        }
    }

    /// Takes turns until nothing can be done, what is waited for has come, or somebody else is at work.
    pub(super) fn drive(&self, driver: u64, context: &mut Context<'_>, over: impl Fn() -> bool) {
        let Some(mut core) = self.desk.enter(&self.core, driver, context.waker()) else { return };
        let setup = self.setup();
        for _ in 0..TURNS_MAX {
            let went_on = core.turn(&setup);
            if over() {
                // Should it turn out that there is more to wait for after all, it comes again.
                break;
            }
            if !went_on && !core.is_time(&setup) && self.desk.rest(driver) {
                return;
            }
        }
        self.desk.pause(driver);
        context.waker().wake_by_ref();
    }
}

impl Core {
    fn new(desk: Arc<Desk>) -> Core {
        Core {
            runs: Vec::new(),
            free: Vec::new(),
            places: Places::new(desk.clone()),
            lanes: Lanes::default(),
            touched: Vec::new(),
            load: Load::default(),
            commit: None,
            deadlines: BTreeSet::new(),
            sleep: None,
            inbox: Inbox::default(),
            asked: Asked::default(),
            shutdown: None,
            waker: desk.clone().into(),
            desk,
        }
    }

    /// Does what can be done; false if that was nothing.
    fn turn(&mut self, setup: &Setup) -> bool {
        let now = setup.clock.now();
        let took = self.take_in(setup);
        let rang = self.ring(now);
        let mut went_on = took | rang;
        if self.commit.is_some() && !self.poll_commit(setup, now) {
            // Answers pile up meanwhile, no more than there are attempts in flight: the next append takes them together.
            return went_on;
        }
        let touched = std::mem::take(&mut self.touched);
        went_on |= !touched.is_empty();
        for &run in &touched {
            self.visit(setup, now, run);
        }
        // The allocation is used again, unless somebody was touched meanwhile.
        if self.touched.is_empty() {
            self.touched = touched;
            self.touched.clear();
        }
        if !self.load.is_empty() {
            self.send(setup);
            went_on |= self.poll_commit(setup, now);
        }
        went_on |= self.fill_places(setup);
        self.wind_up();
        went_on | self.is_touched()
    }

    /// Takes what has come in, if anything has.
    fn take_in(&mut self, setup: &Setup) -> bool {
        if !self.desk.take(&mut self.inbox) {
            return false;
        }
        let mut inbox = std::mem::take(&mut self.inbox);
        inbox.nudged = false;
        if let Some(how) = inbox.shutdown.take() {
            self.begin_shutdown(how);
        }
        for cell in inbox.runs.drain(..) {
            self.admit(setup, cell);
        }
        for cell in inbox.touched.drain(..) {
            cell.touched.store(false, Ordering::Release);
            self.touch(cell.slot());
        }
        for (run, attempt) in std::mem::take(&mut inbox.beats) {
            self.tell(run, Input::Heartbeat { attempt });
        }
        for afar in inbox.answers.drain(..) {
            if let Some(done) = self.places.hear(afar) {
                self.done(done);
            }
        }
        for place in inbox.ready.drain(..) {
            if let Some(done) = self.places.poll(place) {
                self.done(done);
            }
        }
        self.inbox = inbox;
        true
    }

    /// Puts an input down for the run.
    pub(super) fn tell(&mut self, run: u32, input: Input) {
        if let Some(active) = self.active(run) {
            active.inputs.push(input);
            self.touch(run);
        }
    }

    /// An attempt has ended: its place is free, and its run hears of it.
    pub(super) fn done(&mut self, done: Done) {
        self.lanes.release(done.lane);
        let Some(run) = done.run else { return };
        if let Some(active) = self.active(run) {
            active.attempts -= 1;
        }
        if self.shutdown != Some(Shutdown::Cancel) {
            self.tell(run, Input::Answered { attempt: done.attempt, result: done.result });
        }
    }

    /// Tells the runs whose time has come.
    fn ring(&mut self, now: Timestamp) -> bool {
        let mut rang = false;
        while let Some(&(instant, run)) = self.deadlines.first() {
            if instant > now {
                break;
            }
            rang = true;
            self.deadlines.pop_first();
            if let Some(active) = self.active(run) {
                active.deadline = None;
            }
            self.tell(run, Input::TimePassed);
        }
        rang
    }

    /// Whether the first deadline has come. If not, the clock wakes the driver then.
    fn is_time(&mut self, setup: &Setup) -> bool {
        let Some(&(first, _)) = self.deadlines.first() else {
            self.sleep = None;
            return false;
        };
        let sleep = match &mut self.sleep {
            Some((until, sleep)) if *until == first => sleep,
            sleep => &mut sleep.insert((first, setup.clock.sleep_until(first))).1,
        };
        let slept = sleep.as_mut().poll(&mut Context::from_waker(&self.waker)).is_ready();
        if slept {
            self.sleep = None;
        }
        slept
    }

    /// Lets a run decide on what it was told, and passes on what comes of it: to the store if there is one, else at once.
    fn visit(&mut self, setup: &Setup, now: Timestamp, run: u32) {
        let Some(active) = self.runs[run as usize].as_mut() else { return };
        active.touched = false;
        let cell = active.cell.clone();
        let mut state = cell.lock();
        if !matches!(state.fate, Fate::Going) {
            return;
        }
        let entered = active.span.enter();
        for input in active.inputs.drain(..) {
            if let Err(error) = state.run.handle(now, input) {
                warn!(%error, "the hub answered what was not asked");
            }
        }
        drop(entered);
        match setup.store {
            Some(_) => {
                if self.load.collect(run, active, &mut state) {
                    return;
                }
                let upto = state.durable;
                self.hand_out(setup, now, run, state, (upto, &[]));
            }
            None => {
                let events = watched(setup, &mut state.run);
                let upto = state.run.event_count();
                self.hand_out(setup, now, run, state, (upto, &events));
            }
        }
    }

    /// Gives places to attempts that wait.
    fn fill_places(&mut self, setup: &Setup) -> bool {
        let mut began = false;
        if self.shutdown.is_some() {
            return began;
        }
        while self.places.busy() < setup.limits.attempts_max.get()
            && let Some((lane, waiting)) = self.lanes.next(&setup.limits)
        {
            began = true;
            let Some(active) = self.runs[waiting.run as usize].as_mut() else {
                unreachable!("what a run no longer wants is withdrawn with it")
            };
            active.begins(&waiting.attempt, setup);
            let notes = Ear::notes(&active.ear);
            let place = self.places.begin(setup, &active.span, notes, (lane, waiting));
            if let Some(done) = self.places.poll(place) {
                self.done(done);
            }
        }
        began
    }

    /// Polls what is on its way to the store; whether it has arrived.
    fn poll_commit(&mut self, setup: &Setup, now: Timestamp) -> bool {
        let Some(commit) = &mut self.commit else { return false };
        match commit.as_mut().poll(&mut Context::from_waker(&self.waker)) {
            Poll::Pending => false,
            Poll::Ready(load) => {
                self.commit = None;
                self.settle(setup, now, load);
                true
            }
        }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let core = self.core.get_mut().unwrap_or_else(PoisonError::into_inner);
        core.places.cancel_all();
    }
}
