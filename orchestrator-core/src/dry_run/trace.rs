//! What happened in a simulation: every attempt with its cause, out of which the critical path is read.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::time::Duration;

use super::place::{Key, frame, key};
use crate::path::Path;
use crate::run::{AttemptId, Event, RunResult};
use crate::task::{TaskError, TaskOutput};
use crate::time::Timestamp;
use crate::workflow::Workflow;

/// The index of an attempt in the order in which they were handed out.
pub(super) type AttemptIx = usize;

pub(super) struct Attempt {
    pub(super) key: Key,
    pub(super) id: AttemptId,
    pub(super) duration: Duration,
    pub(super) phase: Phase,
    /// The batch in which it became ready, and the event that says so.
    pub(super) begun: (u64, u64),
    /// The attempt whose end made it ready.
    pub(super) cause: Option<AttemptIx>,
}

pub(super) enum Phase {
    /// No worker is free, or the rest before it is not quite over.
    Waiting(Result<TaskOutput, TaskError>),
    Working {
        since: Duration,
        answer: Result<TaskOutput, TaskError>,
    },
    Ended {
        since: Duration,
        until: Duration,
        batch: u64,
    },
    /// Called off before it began.
    Never,
}

/// What has been seen of a step.
#[derive(Default)]
pub(super) struct Seen {
    /// The batch and event with which it began, and the attempt whose end caused that.
    pub(super) begun: (u64, u64),
    pub(super) cause: Option<AttemptIx>,
    pub(super) latest: Option<AttemptIx>,
    /// When the rest before its next attempt is over, to the nanosecond.
    pub(super) rests_until: Duration,
    pub(super) settled: Option<Settled>,
}

/// The batch and event with which a step ended, and the attempt whose end caused that.
pub(super) struct Settled {
    pub(super) batch: u64,
    pub(super) seq: u64,
    pub(super) by: Option<AttemptIx>,
}

/// What happened in a simulation.
pub(super) struct Trace {
    pub(super) attempts: Vec<Attempt>,
    pub(super) makespan: Duration,
    /// Whether some attempt was ready before a worker was free for it.
    pub(super) somebody_waited: bool,
    pub(super) result: RunResult,
    pub(super) steps: Steps,
}

/// The circumstances of an event.
pub(super) struct Note {
    /// The virtual time, and what the run was told of it.
    pub(super) now: Duration,
    pub(super) told: Timestamp,
    pub(super) batch: u64,
    pub(super) seq: u64,
    pub(super) cause: Option<AttemptIx>,
}

/// What has been seen of each step.
pub(super) struct Steps {
    workflow: Workflow,
    seen: BTreeMap<Key, Seen>,
}

impl Steps {
    pub(super) fn of(workflow: &Workflow) -> Steps {
        Steps { workflow: workflow.clone(), seen: BTreeMap::new() }
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Seen> {
        self.seen.get(key)
    }

    pub(super) fn at(&mut self, key: Key) -> &mut Seen {
        self.seen.entry(key).or_default()
    }

    fn step(&mut self, path: &Path) -> &mut Seen {
        self.at(key(&self.workflow, path))
    }

    /// Keeps of an event what the critical path needs: what made a step begin, and what ended it.
    pub(super) fn note(&mut self, event: &Event, note: &Note) {
        let Note { now, told, batch, seq, cause } = *note;
        match event {
            Event::RouteRequested { path, attempt: 1, .. }
            | Event::AttemptStarted { path, attempt: 1, .. } => {
                let step = self.step(path);
                step.begun = (batch, seq);
                step.cause = cause;
            }
            Event::AttemptFailed { path, retry_at, .. } => {
                self.step(path).rests_until = now.saturating_add(retry_at.since(told));
            }
            Event::StepSucceeded { path, .. }
            | Event::BranchTaken { path, .. }
            | Event::DecisionMade { path, .. }
            | Event::WaitEnded { path, .. }
            | Event::StepFailed { path, .. }
            | Event::StepSkipped { path } => {
                self.step(path).settled = Some(Settled { batch, seq, by: cause });
            }
            // Where another kind of event makes a step begin or end, the path still goes on to the attempt that caused it.
            _ => {}
        }
    }
}

impl Trace {
    pub(super) fn utilisation(&self, workers: NonZeroUsize) -> f64 {
        if self.makespan.is_zero() {
            return 0.0;
        }
        let worked = |attempt: &Attempt| match attempt.phase {
            Phase::Ended { since, until, .. } => until - since,
            Phase::Working { since, .. } => self.makespan - since,
            Phase::Waiting(_) | Phase::Never => Duration::ZERO,
        };
        let busy: u128 = self.attempts.iter().map(|attempt| worked(attempt).as_nanos()).sum();
        busy as f64 / (self.makespan.as_nanos() as f64 * workers.get() as f64)
    }

    /// From the attempt that ended last back to one that nothing caused. Means what it says only if nobody waited for a worker.
    pub(super) fn critical_path(&self) -> Vec<Path> {
        let ended = |attempt: &Attempt| match attempt.phase {
            Phase::Ended { batch, .. } => Some(batch),
            Phase::Waiting(_) | Phase::Working { .. } | Phase::Never => None,
        };
        let last = self.attempts.iter().filter_map(ended).max();
        let is_last = |attempt: &&Attempt| last.is_some() && ended(attempt) == last;
        let mut next = self.attempts.iter().filter(is_last).min_by(|a, b| a.key.cmp(&b.key));
        let mut path: Vec<Path> = Vec::new();
        while let Some(attempt) = next {
            if path.last() != Some(&attempt.id.path) {
                path.push(attempt.id.path.clone());
            }
            next = self.before(attempt).map(|ix| &self.attempts[ix]);
        }
        path.reverse();
        path
    }

    /// The attempt that this one had to wait for; the first in the definition of several that ended together.
    fn before(&self, attempt: &Attempt) -> Option<AttemptIx> {
        let (batch, seq) = attempt.begun;
        let (step, frame_key) = attempt.key.split_last().expect("a place has a step");
        let retried = attempt.id.attempt > 1;
        let def =
            frame(&self.steps.workflow, &attempt.key).and_then(|w| w.defs().get(*step as usize));
        let together = def.filter(|_| !retried).and_then(|def| {
            def.incoming.iter().find_map(|edge| {
                let key: Key = frame_key.iter().copied().chain([edge.step]).collect();
                let settled = self.steps.get(&key)?.settled.as_ref()?;
                (settled.batch == batch && settled.seq < seq).then_some(settled.by)?
            })
        });
        together.or(attempt.cause)
    }
}
