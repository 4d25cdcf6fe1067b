//! Places: attempts that are in flight, and the futures of those that run inside the hub.
//!
//! A place is used again by the next attempt, with its waker. Work is polled as soon as it has a place, so that a worker which answers at
//! once costs no wake-up.
//!
//! An attempt for which nobody waits any more (it took too long, or its run is gone) is told to stop, polled once more so that it can tidy
//! up, and dropped: here at once; on a spawner as soon as its executor polls it. There a worker that computes without ever awaiting keeps
//! its place until it returns: it does use a thread, and to count it out would only hide that.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context as Polling, Poll, Waker};

use futures::channel::oneshot;
use futures::future::{Either, select};
use tracing::{Instrument, Span, info_span, warn};

use super::desk::{Afar, Desk, PlaceWaker};
use super::lanes::Waiting;
use super::setup::Setup;
use crate::cancellation::{Cancellation, Canceller};
use crate::closure::panic_text;
use crate::run::AttemptId;
use crate::task::{Notes, TaskError, TaskOutput};
use crate::time::BoxFuture;

type Answer = Result<TaskOutput, TaskError>;

/// An attempt that is in flight.
struct Working {
    /// Whose it is; `None` when nobody waits for it any more.
    run: Option<u32>,
    attempt: AttemptId,
    /// Gone when it was told to stop.
    canceller: Option<Canceller>,
    lane: u32,
    whereabouts: Whereabouts,
    span: Span,
}

enum Whereabouts {
    Here(BoxFuture<Answer>),
    /// On a spawner; by this it is dropped there.
    Elsewhere(Option<oneshot::Sender<()>>),
}

struct Place {
    flag: Arc<PlaceWaker>,
    waker: Waker,
    work: Option<Working>,
}

/// An attempt that has ended.
pub(super) struct Done {
    /// Whose it was, if somebody waits for it.
    pub(super) run: Option<u32>,
    pub(super) attempt: AttemptId,
    pub(super) lane: u32,
    pub(super) result: Answer,
}

pub(super) struct Places {
    desk: Arc<Desk>,
    places: Vec<Place>,
    free: Vec<u32>,
}

impl Places {
    pub(super) fn new(desk: Arc<Desk>) -> Places {
        Places { desk, places: Vec::new(), free: Vec::new() }
    }

    /// How many attempts are in flight.
    pub(super) fn busy(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Gives the attempt a place and begins it. The place is then to be [polled](Places::poll).
    pub(super) fn begin(
        &mut self,
        setup: &Setup,
        around: &Span,
        notes: Notes,
        (lane, waiting): (u32, Waiting),
    ) -> u32 {
        let Waiting { run, attempt, worker: name, mut task, .. } = waiting;
        let (canceller, cancellation) = Cancellation::new();
        task.cancellation = cancellation;
        task.notes = notes;
        let span = info_span!(
            parent: around, "attempt", path = %attempt.path, attempt = attempt.attempt, worker = %name
        );
        let work: BoxFuture<Answer> = match setup.workers.get(&name) {
            Some(worker) => {
                let worker = worker.clone();
                Box::pin(async move { worker.execute(*task).await })
            }
            None => {
                let error =
                    TaskError::terminal("no_worker", format!("no worker is named {name:?}"));
                Box::pin(std::future::ready(Err(error)))
            }
        };
        let place = self.free.pop().unwrap_or_else(|| self.add());
        let whereabouts = match &setup.spawner {
            None => Whereabouts::Here(work),
            Some(spawner) => {
                let (call_off, called_off) = oneshot::channel();
                let line = Line { desk: self.desk.clone(), place, result: None };
                let work = elsewhere(work, called_off, line).instrument(span.clone());
                let spawned = catch_unwind(AssertUnwindSafe(|| spawner.spawn(Box::pin(work))));
                if let Err(panic) = spawned {
                    // The work has been dropped, and its line has said so.
                    warn!(panic = panic_text(&*panic), "the spawner panicked");
                }
                Whereabouts::Elsewhere(Some(call_off))
            }
        };
        let canceller = Some(canceller);
        self.places[place as usize].work =
            Some(Working { run: Some(run), attempt, canceller, lane, whereabouts, span });
        place
    }

    fn add(&mut self) -> u32 {
        let place = u32::try_from(self.places.len()).expect("fewer places than numbers");
        let queued = AtomicBool::new(false);
        let flag = Arc::new(PlaceWaker { place, desk: self.desk.clone(), queued });
        self.places.push(Place { waker: flag.clone().into(), flag, work: None });
        place
    }

    /// Polls the work at a place; what came of it, if it has ended.
    pub(super) fn poll(&mut self, at: u32) -> Option<Done> {
        let place = &mut self.places[at as usize];
        place.flag.queued.store(false, Ordering::Release);
        let Some(Working { whereabouts: Whereabouts::Here(work), span, .. }) = &mut place.work
        else {
            // A wake-up that came after the work it was for.
            return None;
        };
        let entered = span.enter();
        let mut polling = Polling::from_waker(&place.waker);
        // A worker may also panic before it has made its future: that is inside this one.
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(&mut polling)));
        drop(entered);
        let result = match polled {
            Ok(Poll::Pending) => return None,
            Ok(Poll::Ready(result)) => result,
            Err(panic) => Err(panicked(&*panic)),
        };
        self.free(at, result)
    }

    /// Takes the answer of work that ran elsewhere.
    pub(super) fn hear(&mut self, Afar { place, result }: Afar) -> Option<Done> {
        self.free(place, result)
    }

    fn free(&mut self, at: u32, result: Answer) -> Option<Done> {
        let Working { run, attempt, lane, whereabouts, .. } =
            self.places[at as usize].work.take()?;
        self.free.push(at);
        unharmed("worker", || drop(whereabouts));
        Some(Done { run, attempt, lane, result })
    }

    /// The places with attempts of a run.
    pub(super) fn of(&self, run: u32) -> Vec<u32> {
        let of = |(at, place): (usize, &Place)| {
            place.work.as_ref().filter(|work| work.run == Some(run))?;
            Some(at as u32)
        };
        self.places.iter().enumerate().filter_map(of).collect()
    }

    pub(super) fn attempt(&self, at: u32) -> Option<&AttemptId> {
        Some(&self.places[at as usize].work.as_ref()?.attempt)
    }

    /// Tells the worker to stop; its answer is waited for.
    pub(super) fn cancel(&mut self, at: u32) {
        let work = self.places[at as usize].work.as_mut();
        if let Some(canceller) = work.and_then(|work| work.canceller.take()) {
            canceller.cancel();
        }
    }

    /// Tells the worker to stop, and lets go of it. What came of it, if it has ended by that; nobody waits for its answer.
    pub(super) fn call_off(&mut self, at: u32) -> Option<Done> {
        self.cancel(at);
        let work = self.places[at as usize].work.as_mut()?;
        work.run = None;
        if let Whereabouts::Elsewhere(call_off) = &mut work.whereabouts {
            if let Some(call_off) = call_off.take() {
                // Whoever has ended in between hears nothing, and has said so.
                let _unheard = call_off.send(());
            }
            return None;
        }
        self.poll(at).or_else(|| self.free(at, Err(TaskError::cancelled())))
    }

    /// Tells all workers to stop.
    pub(super) fn cancel_all(&mut self) {
        for at in 0..self.places.len() {
            self.cancel(at as u32);
        }
    }

    /// Whether some run waits for an answer.
    pub(super) fn awaited(&self) -> bool {
        let mut works = self.places.iter().filter_map(|place| place.work.as_ref());
        works.any(|work| work.run.is_some())
    }
}

/// Sees to it that the hub hears of work that runs elsewhere, even if it is dropped there.
struct Line {
    desk: Arc<Desk>,
    place: u32,
    result: Option<Answer>,
}

impl Drop for Line {
    fn drop(&mut self) {
        let result = self.result.take().unwrap_or_else(|| {
            let message = "the spawner dropped the attempt without an answer";
            Err(TaskError::outcome_unknown("dropped", message))
        });
        let afar = Afar { place: self.place, result };
        self.desk.post(|inbox| inbox.answers.push(afar));
    }
}

async fn elsewhere(work: BoxFuture<Answer>, called_off: oneshot::Receiver<()>, mut line: Line) {
    let called_off = async move {
        if called_off.await.is_err() {
            // The hub is gone. The worker has been told to stop, and may take the time that it needs.
            std::future::pending::<()>().await;
        }
    };
    let guarded = futures::FutureExt::catch_unwind(AssertUnwindSafe(work));
    line.result = Some(match select(guarded, Box::pin(called_off)).await {
        Either::Left((Ok(result), _)) => result,
        Either::Left((Err(panic), _)) => Err(panicked(&*panic)),
        Either::Right(_) => Err(TaskError::cancelled()),
    });
}

fn panicked(panic: &(dyn std::any::Any + Send)) -> TaskError {
    TaskError::retryable("panic", format!("the worker panicked: {}", panic_text(panic)))
}

/// Calls somebody whose panic is not the run's affair.
pub(super) fn unharmed(who: &str, tell: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(tell)) {
        warn!(who, panic = panic_text(&*panic), "panicked while it was told");
    }
}
