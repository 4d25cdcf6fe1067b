//! The futures of a hub. Each drives all of its runs while it is polled, until what it waits for has come.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::cell::{Fate, RunCell};
use super::drive::Hub;
use super::{JoinError, RunReport};
use crate::run::Handled;

/// A future that drives. When it is done or dropped, another takes over.
pub(super) struct Driver {
    hub: Arc<Hub>,
    number: u64,
}

impl Driver {
    pub(super) fn new(hub: Arc<Hub>) -> Driver {
        let number = hub.desk.driver();
        Driver { hub, number }
    }

    /// Drives until `look` finds what is waited for. `look` registers the waker that it is given, under the lock of what it looks at.
    pub(super) fn poll<T>(
        &self,
        context: &mut Context<'_>,
        mut look: impl FnMut(&Hub, Option<(u64, &Context<'_>)>) -> Option<T>,
        over: impl Fn() -> bool,
    ) -> Poll<T> {
        let mut found = look(&self.hub, None);
        if found.is_none() {
            self.hub.drive(self.number, context, over);
            found = look(&self.hub, Some((self.number, context)));
        }
        match found {
            Some(found) => {
                self.hub.desk.leave(self.number);
                Poll::Ready(found)
            }
            None => Poll::Pending,
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.hub.desk.leave(self.number);
    }
}

/// Waits for the end of a run, and drives all runs of the hub meanwhile. Dropping it loses nothing: the run goes on while anything else
/// drives the hub.
#[must_use = "a run makes progress only while something drives it"]
pub struct Joining {
    driver: Driver,
    cell: Arc<RunCell>,
}

impl Joining {
    pub(super) fn new(hub: Arc<Hub>, cell: Arc<RunCell>) -> Joining {
        Joining { driver: Driver::new(hub), cell }
    }
}

impl Future for Joining {
    type Output = Result<RunReport, JoinError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let cell = &self.cell;
        let look = |_: &Hub, register: Option<(u64, &Context<'_>)>| {
            if register.is_none() && !cell.is_over() {
                return None;
            }
            // Dropped after the lock, since the last hold on a task may be in it.
            let _before;
            let mut state = cell.lock();
            match &state.fate {
                Fate::Ended => {
                    let result = state.run.result().cloned().expect("it has ended");
                    Some(Ok(RunReport::of(cell, result)))
                }
                Fate::Lost(why) => Some(Err(why.clone())),
                Fate::Going => {
                    if let Some((number, context)) = register {
                        _before = state.joins.insert(number, context.waker().clone());
                    }
                    None
                }
            }
        };
        self.driver.poll(context, look, || cell.is_over())
    }
}

impl Drop for Joining {
    fn drop(&mut self) {
        let _dropped_unlocked = self.cell.lock().joins.remove(&self.driver.number);
    }
}

/// Drives until nothing is left to drive.
pub(super) struct Drive {
    driver: Driver,
    until: Until,
}

#[derive(Clone, Copy)]
pub(super) enum Until {
    /// No run is active.
    Idle,
    /// The hub is closed.
    Closed,
}

impl Drive {
    pub(super) fn new(hub: Arc<Hub>, until: Until) -> Drive {
        Drive { driver: Driver::new(hub), until }
    }
}

impl Future for Drive {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let until = self.until;
        let look = |hub: &Hub, register: Option<(u64, &Context<'_>)>| {
            let _before;
            let mut slips = hub.desk.lock();
            let done = match until {
                Until::Idle => slips.roll.is_empty() || slips.roll.closed,
                Until::Closed => slips.roll.closed,
            };
            if let (false, Some((number, context))) = (done, register) {
                _before = slips.roll.watch(number, context.waker());
            }
            done.then_some(())
        };
        let hub = self.driver.hub.clone();
        self.driver.poll(context, look, || look(&hub, None).is_some())
    }
}

/// What became of something that a run was told. Awaiting it drives the hub until the store has it; without a store, until a driver has
/// looked at it.
#[must_use = "what a run was told is safe only when this has been awaited"]
pub struct Receipt {
    driver: Driver,
    cell: Arc<RunCell>,
    handled: Handled,
    seq: u64,
}

impl Receipt {
    pub(super) fn new(hub: Arc<Hub>, cell: Arc<RunCell>, handled: Handled, seq: u64) -> Receipt {
        Receipt { driver: Driver::new(hub), cell, handled, seq }
    }

    /// Whether it was taken.
    pub fn handled(&self) -> Handled {
        self.handled
    }
}

impl Future for Receipt {
    type Output = Result<Handled, JoinError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let (cell, seq) = (&self.cell, self.seq);
        let look = |_: &Hub, register: Option<(u64, &Context<'_>)>| {
            let _before;
            let mut state = cell.lock();
            match &state.fate {
                _ if state.durable >= seq => Some(Ok(self.handled)),
                Fate::Lost(why) => Some(Err(why.clone())),
                Fate::Going | Fate::Ended => {
                    if let Some((number, context)) = register {
                        _before = state.receipts.insert(number, context.waker().clone());
                    }
                    None
                }
            }
        };
        self.driver.poll(context, look, || cell.lock().durable >= seq || cell.is_over())
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        let _dropped_unlocked = self.cell.lock().receipts.remove(&self.driver.number);
    }
}
