//! The desk: what comes in for whoever drives, and whose turn it is to drive.
//!
//! Every future that a hub hands out drives all of its runs while it is polled. Only one can at a time: it holds the lock of the
//! [`Core`](super::drive::Core), and has the *seat*. Nothing is lost when the seat changes hands, for these reasons.
//!
//! 1. What comes in is put into the inbox under the desk's lock, and stays there until a driver takes it. A wake-up says only that
//!    somebody should look; all wakers that the hub gives to what is inside it (places, the clock, the store) end in [`Desk::post`].
//! 2. While the driver is at work (`busy`), nobody wakes it. It looks into the inbox under the same lock before it rests
//!    ([`Desk::rest`]), so that what came in before is seen, and what comes in afterwards finds it no longer busy and wakes it.
//! 3. A future that is polled while nobody is at work takes the seat, and who had it joins those that wait. One that finds another at
//!    work waits. Both are decided under the desk's lock, and who is at work has the seat before it does anything else; so whoever waits is
//!    known before the seat can be left ([`Desk::enter`]).
//! 4. A driver that is done or dropped leaves ([`Desk::leave`]); it has let go of the core before. If the seat is empty after that, one of
//!    those that wait is woken. If that one is done or dropped before it drives, it leaves in its turn and wakes the next.
//! 5. What comes in while the seat is empty wakes one that waits. If that one is polled by a worker of this very hub, its wake-up is again
//!    something that comes in, and wakes the next, until one is reached from outside.
//!
//! What this asks of the host is what every future asks: one that was woken must be polled or dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::task::{Wake, Waker};

use super::cell::RunCell;
use super::drive::Core;
use super::roll::Roll;
use super::shutdown::Shutdown;
use crate::run::AttemptId;
use crate::task::{TaskError, TaskOutput};

/// What came in and nobody has looked at. Bounded by what is under way: a place, a run and an attempt each stand in it once.
#[derive(Default)]
pub(super) struct Inbox {
    /// Runs that begin.
    pub(super) runs: Vec<Arc<RunCell>>,
    /// Runs that were told something through a handle.
    pub(super) touched: Vec<Arc<RunCell>>,
    /// Places whose work wants to be polled.
    pub(super) ready: Vec<u32>,
    /// Answers of workers that run elsewhere.
    pub(super) answers: Vec<Afar>,
    /// Attempts that are alive, by the number of their run.
    pub(super) beats: BTreeSet<(u32, AttemptId)>,
    pub(super) shutdown: Option<Shutdown>,
    /// Somebody woke the driver: the clock, the store, a change of settings.
    pub(super) nudged: bool,
}

/// The answer of a worker that a spawner runs.
pub(super) struct Afar {
    pub(super) place: u32,
    pub(super) result: Result<TaskOutput, TaskError>,
}

impl Inbox {
    fn is_empty(&self) -> bool {
        !self.nudged
            && self.ready.is_empty()
            && self.answers.is_empty()
            && self.touched.is_empty()
            && self.runs.is_empty()
            && self.beats.is_empty()
            && self.shutdown.is_none()
    }
}

/// Who drives.
struct Seat {
    driver: u64,
    waker: Waker,
    /// It is at work, and will look into the inbox before it rests.
    busy: bool,
    /// It has been woken and has not come yet.
    woken: bool,
}

#[derive(Default)]
pub(super) struct Slips {
    inbox: Inbox,
    seat: Option<Seat>,
    /// Who would drive if nobody else did, longest waiting first.
    waiting: BTreeMap<u64, Waker>,
    pub(super) roll: Roll,
}

impl Slips {
    /// Who is to be woken because something came in.
    fn next(&mut self) -> Option<Waker> {
        match &mut self.seat {
            Some(seat) if seat.busy || seat.woken => None,
            Some(seat) => {
                seat.woken = true;
                Some(seat.waker.clone())
            }
            None => self.waiting.pop_first().map(|(_, waker)| waker),
        }
    }
}

/// See the [module](self).
#[derive(Default)]
pub(super) struct Desk {
    slips: Mutex<Slips>,
    drivers: AtomicU64,
}

impl Desk {
    pub(super) fn lock(&self) -> MutexGuard<'_, Slips> {
        // No user code runs under this lock, and every change is complete before anything that could panic.
        self.slips.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for a future that may drive.
    pub(super) fn driver(&self) -> u64 {
        self.drivers.fetch_add(1, Ordering::Relaxed)
    }

    /// Puts something into the inbox, and wakes whoever drives.
    pub(super) fn post(&self, put: impl FnOnce(&mut Inbox)) {
        let mut slips = self.lock();
        put(&mut slips.inbox);
        let woken = slips.next();
        drop(slips);
        woken.into_iter().for_each(Waker::wake);
    }

    /// Exchanges the inbox for an empty one, if something is in it.
    pub(super) fn take(&self, empty: &mut Inbox) -> bool {
        let mut slips = self.lock();
        let came_in = !slips.inbox.is_empty();
        if came_in {
            std::mem::swap(&mut slips.inbox, empty);
        }
        came_in
    }

    /// Takes the seat, unless somebody else is at work.
    pub(super) fn enter<'a>(
        &self,
        core: &'a Mutex<Core>,
        driver: u64,
        waker: &Waker,
    ) -> Option<MutexGuard<'a, Core>> {
        // Dropped after the lock, since the last hold on a task may be in it.
        let (_before, _waited);
        let mut slips = self.lock();
        let core = match core.try_lock() {
            Ok(core) => core,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                // It may have had the seat itself, and be polled in the middle of another's work.
                _waited = slips.waiting.insert(driver, waker.clone());
                return None;
            }
        };
        match &mut slips.seat {
            Some(seat) if seat.driver == driver => {
                if !seat.waker.will_wake(waker) {
                    _before = std::mem::replace(&mut seat.waker, waker.clone());
                }
                (seat.busy, seat.woken) = (true, false);
            }
            _ => {
                let seat = Seat { driver, waker: waker.clone(), busy: true, woken: false };
                if let Some(before) = slips.seat.replace(seat) {
                    slips.waiting.insert(before.driver, before.waker);
                }
                _waited = slips.waiting.remove(&driver);
            }
        }
        Some(core)
    }

    /// Whether the driver may rest: nothing has come in.
    pub(super) fn rest(&self, driver: u64) -> bool {
        let mut slips = self.lock();
        if !slips.inbox.is_empty() {
            return false;
        }
        slips.not_busy(driver);
        true
    }

    /// The driver lets others work for a moment, and has woken itself.
    pub(super) fn pause(&self, driver: u64) {
        self.lock().not_busy(driver);
    }

    /// The future is done or dropped. It holds no lock.
    pub(super) fn leave(&self, driver: u64) {
        let mut slips = self.lock();
        let gone = (slips.waiting.remove(&driver), slips.roll.forget(driver));
        let sat = slips.seat.take_if(|seat| seat.driver == driver);
        let woken = if slips.seat.is_none() { slips.next() } else { None };
        drop(slips);
        drop((gone, sat));
        woken.into_iter().for_each(Waker::wake);
    }
}

impl Slips {
    fn not_busy(&mut self, driver: u64) {
        if let Some(seat) = self.seat.as_mut().filter(|seat| seat.driver == driver) {
            (seat.busy, seat.woken) = (false, false);
        }
    }
}

/// What the clock and the store wake.
impl Wake for Desk {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.post(|inbox| inbox.nudged = true);
    }
}

/// What the work at a place wakes.
pub(super) struct PlaceWaker {
    pub(super) place: u32,
    pub(super) desk: Arc<Desk>,
    /// It stands in the inbox, or is about to be polled.
    pub(super) queued: AtomicBool,
}

impl Wake for PlaceWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        let queued = self.queued.swap(true, Ordering::AcqRel);
        // Even if it is queued already: who was woken then may be gone (point 5 above).
        self.desk.post(|inbox| {
            if !queued {
                inbox.ready.push(self.place);
            }
        });
    }
}
