//! The events of a run as a stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;

use super::cell::{Fate, RunCell};
use crate::run::Recorded;

/// The events of a run, as soon as they are safe (without a store: as soon as they have been driven), up to its end; also up to the point
/// where the hub lets go of the run.
///
/// It has no buffer: it reads what the run keeps anyway. A reader that is slower than the
/// [snapshots](crate::SnapshotPolicy) finds events gone; the stream goes on with the oldest that is kept, and the gap shows in
/// [`Recorded::seq`], which grows by one everywhere else. It does not drive: something else has to.
pub struct EventStream {
    cell: Arc<RunCell>,
    number: u64,
    next: u64,
}

impl EventStream {
    pub(super) fn new(cell: Arc<RunCell>, number: u64, next: u64) -> EventStream {
        EventStream { cell, number, next }
    }
}

impl Stream for EventStream {
    type Item = Recorded;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Recorded>> {
        let this = &mut *self;
        // Dropped after the lock, since the last hold on a task may be in it.
        let _before;
        let mut state = this.cell.lock();
        let next = this.next.max(state.run.oldest_event());
        if next <= state.durable {
            this.next = next + 1;
            return Poll::Ready(state.run.event(next));
        }
        match state.fate {
            Fate::Ended | Fate::Lost(_) => Poll::Ready(None),
            Fate::Going => {
                _before = state.streams.insert(this.number, context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        let _dropped_unlocked = self.cell.lock().streams.remove(&self.number);
    }
}
