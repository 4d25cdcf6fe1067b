//! A run out of its past: apply what happened, then hand out again what was in flight.

use std::collections::BTreeMap;

use super::emit::Pending;
use super::event::{Event, Recorded, RunResult};
use super::history::{Fact, History};
use super::node::{Body, NodeIx, Phase};
use super::options::RunOptions;
use super::snapshot::Snapshot;
use super::state::State;
use super::{Run, apply};
use crate::payload::Payload;
use crate::task::TaskError;
use crate::time::Timestamp;
use crate::workflow::Workflow;

/// What is known of a run that began before: all its events, or a snapshot and the events after it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// The state after some of the events, which need not be there then.
    pub snapshot: Option<Snapshot>,
    /// The events after it, or all.
    pub events: Vec<Recorded>,
}

impl Past {
    /// The number of the last event that is known.
    pub fn last_seq(&self) -> u64 {
        let of_snapshot = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.seq);
        self.events.last().map_or(of_snapshot, |recorded| recorded.seq)
    }
}

impl From<Vec<Recorded>> for Past {
    fn from(events: Vec<Recorded>) -> Past {
        Past { snapshot: None, events }
    }
}

/// Why a past makes no run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// A history begins with `RunStarted`.
    #[error("the history does not begin with the start of a run")]
    NoStart,
    /// An event is missing or doubled.
    #[error("event {found} stands where event {wanted} should")]
    Gap {
        /// The number that should follow.
        wanted: u64,
        /// The number that does.
        found: u64,
    },
    /// Resume it under the definition that it began with, or [`migrate`](crate::migrate) it.
    #[error(
        "the run began under definition {journal}, and the workflow given has {given}; what differs: {}",
        if steps.is_empty() { "the workflow's name".to_owned() } else { steps.join(", ") }
    )]
    DefinitionChanged {
        /// The digest in the history.
        journal: String,
        /// The digest of the workflow given.
        given: String,
        /// The steps that were changed, added or removed; those of a body as `draft/review`.
        steps: Vec<String>,
    },
    /// The snapshot is of a later version, or damaged.
    #[error("the snapshot cannot be read: {reason}")]
    Snapshot {
        /// What is wrong.
        reason: String,
    },
    /// A run begins once: two histories are mixed.
    #[error("event {seq} starts the run a second time")]
    SecondStart {
        /// The event.
        seq: u64,
    },
    /// Something stands after the end of the run.
    #[error("event {seq} stands after the end of the run")]
    AfterEnd {
        /// The event.
        seq: u64,
    },
    /// What is asked for lies before the oldest event that is kept.
    #[error("the events before {oldest} have been trimmed")]
    Trimmed {
        /// The oldest event.
        oldest: u64,
    },
    /// An event says of a step what cannot be true of it: the history is damaged, or two of them are mixed.
    #[error(transparent)]
    Misfit(#[from] apply::Misfit),
}

/// A state made of a past.
pub(super) struct Replayed {
    pub(super) state: State,
    pub(super) history: History,
    pub(super) now: Timestamp,
    pub(super) result: Option<RunResult>,
}

/// Applies a past, up to an event. Calls no user code.
pub(super) fn replay(
    workflow: &Workflow,
    Past { snapshot, events }: Past,
    seq_max: u64,
) -> Result<Replayed, RestoreError> {
    let mut replayed = match snapshot {
        Some(snapshot) => snapshot.open(workflow)?,
        None => {
            match events.first().map(|recorded| &recorded.event) {
                Some(Event::RunStarted { definition, steps, .. }) => {
                    check_definition(workflow, definition, steps)?;
                }
                _ => return Err(RestoreError::NoStart),
            }
            Replayed {
                state: State::default(),
                history: History::default(),
                now: Timestamp::default(),
                result: None,
            }
        }
    };
    for recorded in events {
        let (wanted, seq) = (replayed.history.last() + 1, recorded.seq);
        if seq < wanted && replayed.history.base() > 0 && seq <= replayed.history.base() {
            // A snapshot may be newer than the events that are kept with it.
            continue;
        }
        if seq != wanted {
            return Err(RestoreError::Gap { wanted, found: seq });
        }
        if seq > seq_max {
            break;
        }
        if replayed.result.is_some() {
            return Err(RestoreError::AfterEnd { seq });
        }
        if seq > 1 && matches!(recorded.event, Event::RunStarted { .. }) {
            return Err(RestoreError::SecondStart { seq });
        }
        replayed.now = replayed.now.max(recorded.at);
        replayed.state.apply(workflow, seq, recorded.at, &recorded.event)?;
        if let Event::RunEnded { result, .. } = &recorded.event {
            replayed.result = Some(result.clone());
        }
        let fact = Fact::of(recorded.event, &mut replayed.state);
        replayed.history.push(recorded.at, fact);
    }
    Ok(replayed)
}

/// Refuses a definition that the run did not begin with, and says what is different.
pub(super) fn check_definition(
    workflow: &Workflow,
    journal: &str,
    steps: &Payload,
) -> Result<(), RestoreError> {
    if journal == workflow.digest() {
        return Ok(());
    }
    let table = |steps: &Payload| steps.to::<BTreeMap<String, String>>().unwrap_or_default();
    let (before, now) = (table(steps), table(workflow.step_digests()));
    let changed = before.iter().filter(|(step, digest)| now.get(*step) != Some(digest));
    let added = now.keys().filter(|step| !before.contains_key(*step));
    let mut steps: Vec<String> = changed.map(|(step, _)| step).chain(added).cloned().collect();
    steps.sort();
    Err(RestoreError::DefinitionChanged {
        journal: journal.to_owned(),
        given: workflow.digest().to_owned(),
        steps,
    })
}

impl Run {
    /// The run with this past, as of `now`. Replaying calls no user code. Events that the restore itself adds (attempts that are handed
    /// out again, workers that are lost, and what follows from that) can be polled; the given ones count as committed.
    ///
    /// Any prefix of a history will do, even one that ends amid a batch: what is missing is decided again. An attempt that was in
    /// flight keeps its number and its key. After [`redispatches_max`](RunOptions::redispatches_max) times the step fails with the code
    /// `worker_lost`, whatever its retry policy says, since the next attempt would bring the host down as well.
    ///
    /// The goal, seed and input are those of the past; the rest of `options` is as given.
    ///
    /// # Errors
    /// When the past is none, has gaps, contradicts itself, or belongs to another definition.
    pub fn restore(
        workflow: Workflow,
        options: RunOptions,
        past: impl Into<Past>,
        now: Timestamp,
    ) -> Result<Run, RestoreError> {
        let replayed = replay(&workflow, past.into(), u64::MAX)?;
        let mut run = Run::new(workflow, options);
        let events = replayed.history.last();
        (run.polled, run.committed) = (events, events);
        run.state = replayed.state;
        run.history = replayed.history;
        run.result = replayed.result;
        let before = replayed.now;
        run.now = before.max(now);
        if run.result.is_none() {
            run.mend();
            run.hand_out_again();
            run.advance();
        }
        if run.event_count() == events {
            run.now = before;
        }
        Ok(run)
    }

    /// Some events come in one batch with those that follow from them; where it was torn between the two, they follow now.
    fn mend(&mut self) {
        let inside = self.state.nodes().filter(|(node, own)| {
            matches!(own.phase, Phase::Inside) && !self.state.is_stopped(*node)
        });
        let nodes: Vec<NodeIx> = inside.map(|(node, _)| node).collect();
        for node in nodes {
            match self.state.node(node).body() {
                Some(Body::Loop { frames, .. }) if frames.is_empty() => {
                    let path = self.state.path(node);
                    self.emit(Event::RoundStarted { path, round: 0, carried: Payload::null() });
                }
                Some(Body::Map { .. }) if !self.state.paused => self.go_on_with_map(node),
                _ => {}
            }
        }
    }

    fn hand_out_again(&mut self) {
        let open = self
            .state
            .nodes()
            .filter(|(_, own)| own.in_flight() || matches!(own.phase, Phase::Asking));
        let open: Vec<NodeIx> = open.map(|(node, _)| node).collect();
        for node in open {
            let path = self.state.path(node);
            let (attempt, redispatches) = match self.state.node(node).phase {
                Phase::Routing { attempt, redispatches }
                | Phase::Working { attempt, redispatches, .. } => (attempt, redispatches),
                _ => {
                    let seq = self.committed;
                    self.ask(seq, Some(Pending::Decide(node)));
                    continue;
                }
            };
            self.emit(if self.state.is_stopped(node) {
                // Called back before the crash: nobody is at it any more.
                Event::StepFailed { path, attempt, error: TaskError::cancelled() }
            } else if redispatches < self.options.redispatches_max {
                Event::AttemptRedispatched { path, attempt, redispatches: redispatches + 1 }
            } else {
                let times = redispatches + 1;
                let message = format!("the host went down {times} times during this attempt");
                let error = TaskError::outcome_unknown("worker_lost", message);
                Event::StepFailed { path, attempt, error }
            });
        }
    }
}
