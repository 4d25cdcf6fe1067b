//! Drives one run: events to the observer, commands to workers and router, answers back in.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use futures::channel::oneshot;
use futures::future::{Either, select};
use futures::stream::{FuturesUnordered, StreamExt};
use futures::{FutureExt, pin_mut};
use tracing::{Instrument, debug, info_span, warn};

use super::{Orchestrator, RunReport};
use crate::closure::panic_text;
use crate::id::WorkerName;
use crate::route::{Candidate, Outcome, Request, RouteError};
use crate::run::{AttemptId, Command, Event, Input, Run, StepStatus};
use crate::task::{Cancellation, Canceller, Notes, Task, TaskError, TaskOutput, Usage};
use crate::time::{BoxFuture, Timestamp};
use crate::worker::Worker;

/// What a router was asked and chose, and when the worker was given it.
struct Routed {
    request: Request,
    worker: WorkerName,
    since: Timestamp,
}

type Answer = (AttemptId, Result<TaskOutput, TaskError>);

/// What the hub remembers of a run beside its state.
struct Drive<'a> {
    hub: &'a Orchestrator,
    run: Run,
    working: FuturesUnordered<BoxFuture<Answer>>,
    /// Attempts that wait for one of the places.
    waiting: VecDeque<(AttemptId, WorkerName, Task)>,
    cancellers: BTreeMap<AttemptId, Canceller>,
    /// Routed attempts, for the router to learn from.
    routed: BTreeMap<AttemptId, Routed>,
}

pub(super) async fn to_end(hub: &Orchestrator, run: Run) -> RunReport {
    let span = info_span!("run", id = %run.id(), workflow = %run.workflow().name());
    let drive = Drive {
        hub,
        run,
        working: FuturesUnordered::new(),
        waiting: VecDeque::new(),
        cancellers: BTreeMap::new(),
        routed: BTreeMap::new(),
    };
    drive.finish().instrument(span).await
}

impl Drive<'_> {
    async fn finish(mut self) -> RunReport {
        self.tell(Input::Started);
        loop {
            self.carry_out();
            if let Some(result) = self.run.result() {
                let outcome = self.run.outcome().map(|outcome| outcome.outputs);
                return RunReport {
                    run: self.run.id().clone(),
                    result: result.clone(),
                    outputs: outcome.unwrap_or_default(),
                    history: self.run.history(),
                };
            }
            let input = self.next_input().await;
            self.tell(input);
        }
    }

    fn tell(&mut self, input: Input) {
        let now = self.hub.clock.now();
        let told = self.run.handle(now, input);
        debug_assert!(told.is_ok(), "the hub answers what it was asked: {told:?}");
    }

    /// Passes on events and carries out commands until there are none.
    fn carry_out(&mut self) {
        loop {
            while let Some(recorded) = self.run.poll_event() {
                debug!(seq = recorded.seq, event = ?recorded.event);
                self.learn(&recorded.event, recorded.at);
                let observer = &self.hub.observer;
                unharmed("observer", || observer.recorded(self.run.id(), &recorded));
            }
            self.run.commit_polled();
            let Some(command) = self.run.poll_command() else {
                break;
            };
            match command {
                Command::Execute { attempt, worker, task } => {
                    self.waiting.push_back((attempt, worker, *task));
                }
                Command::Route { attempt, request, candidates } => {
                    self.route(attempt, *request, &candidates);
                }
                // Nobody can be asked through `execute`.
                Command::Decide { .. } | Command::Withdraw { .. } => {}
                Command::Cancel { attempt } => {
                    if let Some(canceller) = self.cancellers.remove(&attempt) {
                        canceller.cancel();
                    } else if let Some(at) =
                        self.waiting.iter().position(|(waiting, ..)| *waiting == attempt)
                    {
                        self.waiting.remove(at);
                        self.tell(Input::Answered { attempt, result: Err(TaskError::cancelled()) });
                    }
                }
            }
        }
        while self.working.len() < self.hub.concurrency_max.get()
            && let Some((attempt, worker, task)) = self.waiting.pop_front()
        {
            self.dispatch(attempt, &worker, task);
        }
    }

    /// Asks the router, and tells the run what it says.
    fn route(&mut self, attempt: AttemptId, request: Request, candidates: &[Candidate]) {
        let router = &self.hub.router;
        let asked = catch_unwind(AssertUnwindSafe(|| router.route(&request, candidates)));
        let result = asked.unwrap_or_else(|panic| {
            let reason = format!("the router panicked: {}", panic_text(&*panic));
            Err(RouteError { reason })
        });
        let chosen = result.as_ref().ok().map(|chosen| chosen.worker.clone());
        let now = self.hub.clock.now();
        let routed = Input::Routed { attempt: attempt.clone(), result };
        match (self.run.handle(now, routed), chosen) {
            (Ok(_), Some(worker))
                if self.run.status(&attempt.path) == Some(StepStatus::Running) =>
            {
                let routed = Routed { request, worker, since: now };
                self.routed.insert(attempt, routed);
            }
            // A refusal has failed the step: nobody was routed to.
            (Ok(_), _) => {}
            (Err(error), _) => {
                warn!(%error, "the router named nobody who can do it");
                let reason = error.to_string();
                let result = Err(RouteError { reason });
                self.tell(Input::Routed { attempt, result });
            }
        }
    }

    fn dispatch(&mut self, attempt: AttemptId, name: &WorkerName, mut task: Task) {
        let (canceller, cancellation) = Cancellation::new();
        self.cancellers.insert(attempt.clone(), canceller);
        if let Some(routed) = self.routed.get_mut(&attempt) {
            // From here on it is the worker that takes the time; before, it was the wait for a place.
            routed.since = self.hub.clock.now();
        }
        let (observer, run) = (self.hub.observer.clone(), self.run.id().clone());
        task.cancellation = cancellation;
        task.notes = Notes::to(move |path, note| {
            unharmed("observer", || observer.noted(&run, path, &note));
        });
        let span =
            info_span!("attempt", path = %attempt.path, attempt = attempt.attempt, worker = %name);
        let work = match self.hub.workers.get(name) {
            Some(worker) => guarded(worker.clone(), task).instrument(span).boxed(),
            None => {
                let error =
                    TaskError::terminal("no_worker", format!("no worker is named {name:?}"));
                std::future::ready(Err(error)).boxed()
            }
        };
        let answer = match &self.hub.spawner {
            None => work,
            Some(spawner) => {
                let (tell, told) = oneshot::channel();
                spawner.spawn(Box::pin(async move {
                    // A hub that no longer listens has dropped the run.
                    let _unheard = tell.send(work.await);
                }));
                told.map(|told| told.unwrap_or_else(|_| Err(dropped()))).boxed()
            }
        };
        self.working.push(answer.map(move |result| (attempt, result)).boxed());
    }

    /// The next thing that happens: an answer, or the end of a rest.
    async fn next_input(&mut self) -> Input {
        let deadline = self.run.next_deadline();
        let answer = async {
            match self.working.next().await {
                Some(answer) => answer,
                None => futures::future::pending().await,
            }
        };
        let rest = async {
            match deadline {
                Some(instant) => self.hub.clock.sleep_until(instant).await,
                None => futures::future::pending().await,
            }
        };
        pin_mut!(answer, rest);
        match select(answer, rest).await {
            Either::Left(((attempt, result), _)) => {
                self.cancellers.remove(&attempt);
                Input::Answered { attempt, result }
            }
            Either::Right(((), _)) => Input::TimePassed,
        }
    }

    /// Tells the router how an attempt ended that it routed.
    fn learn(&mut self, event: &Event, at: Timestamp) {
        let (path, attempt, usage, error) = match event {
            Event::StepSucceeded { path, attempt, usage, .. } => (path, attempt, *usage, None),
            Event::AttemptFailed { path, attempt, error, .. }
            | Event::StepFailed { path, attempt, error } => {
                (path, attempt, Usage::default(), Some(error.clone()))
            }
            _ => return,
        };
        let id = AttemptId { path: path.clone(), attempt: *attempt };
        if let Some(routed) = self.routed.remove(&id) {
            let outcome = Outcome {
                request: routed.request,
                worker: routed.worker,
                usage,
                duration_ms: at.0.saturating_sub(routed.since.0),
                error,
            };
            let router = &self.hub.router;
            unharmed("router", || router.observe(&outcome));
        }
    }
}

/// Whoever is dropped with work under way is no longer listened to: their workers may stop.
impl Drop for Drive<'_> {
    fn drop(&mut self) {
        for canceller in std::mem::take(&mut self.cancellers).into_values() {
            canceller.cancel();
        }
    }
}

/// Tells somebody who only watches; a panic there is not the run's affair.
fn unharmed(who: &str, tell: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(tell)) {
        warn!(who, panic = panic_text(&*panic), "panicked while it was told");
    }
}

/// The worker's answer; a panic is a failed attempt, not the end of the hub.
async fn guarded(worker: Arc<dyn Worker>, task: Task) -> Result<TaskOutput, TaskError> {
    // In a block of its own, since a worker may also panic before it has made its future.
    let work = async move { worker.execute(task).await };
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(answer) => answer,
        Err(panic) => Err(TaskError::retryable(
            "panic",
            format!("the worker panicked: {}", panic_text(&*panic)),
        )),
    }
}

fn dropped() -> TaskError {
    TaskError::outcome_unknown("dropped", "the spawner dropped the attempt without an answer")
}
