//! A run out of its history: apply what happened, then hand out again what was in flight.

use super::emit::What;
use super::event::{Event, Recorded};
use super::options::RunOptions;
use super::state::Phase;
use super::{Run, apply};
use crate::payload::Payload;
use crate::task::TaskError;
use crate::time::Timestamp;
use crate::workflow::Workflow;

/// Why a history makes no run.
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
    /// Resume it under the definition that it began with.
    #[error("the run began under definition {journal}, and the workflow given has {given}")]
    DefinitionChanged {
        /// The digest in the history.
        journal: String,
        /// The digest of the workflow given.
        given: String,
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
    /// An event says of a step what cannot be true of it: the history is damaged, or two of them are mixed.
    #[error(transparent)]
    Misfit(#[from] apply::Misfit),
}

impl Run {
    /// The run with this history, as of `now`. Replaying calls no user code. Events that the restore itself adds (attempts that are
    /// handed out again, workers that are lost, and what follows from that) can be polled; the given ones count as committed.
    ///
    /// Any prefix of a history will do, even one that ends amid a batch: what is missing is decided again. An attempt that was in
    /// flight keeps its number and its key. After [`redispatches_max`](RunOptions::redispatches_max) times the step fails with the code
    /// `worker_lost`, whatever its retry policy says, since the next attempt would bring the host down as well.
    ///
    /// The goal, seed and input are those of the history; the rest of `options` is as given.
    ///
    /// # Errors
    /// When the history is none, has gaps, contradicts itself, or belongs to another definition.
    pub fn restore(
        workflow: Workflow,
        options: RunOptions,
        history: Vec<Recorded>,
        now: Timestamp,
    ) -> Result<Run, RestoreError> {
        match history.first().map(|recorded| &recorded.event) {
            Some(Event::RunStarted { definition, .. }) if definition == workflow.digest() => {}
            Some(Event::RunStarted { definition, .. }) => {
                return Err(RestoreError::DefinitionChanged {
                    journal: definition.clone(),
                    given: workflow.digest().to_owned(),
                });
            }
            _ => return Err(RestoreError::NoStart),
        }
        let mut run = Run::new(workflow, options);
        for (at, recorded) in history.iter().enumerate() {
            let wanted = at as u64 + 1;
            if recorded.seq != wanted {
                return Err(RestoreError::Gap { wanted, found: recorded.seq });
            }
            if run.result.is_some() {
                return Err(RestoreError::AfterEnd { seq: recorded.seq });
            }
            if at > 0 && matches!(recorded.event, Event::RunStarted { .. }) {
                return Err(RestoreError::SecondStart { seq: recorded.seq });
            }
            run.state.apply(&run.workflow, recorded.seq, &recorded.event)?;
            run.now = run.now.max(recorded.at);
            if let Event::RunEnded { result } = &recorded.event {
                run.result = Some(result.clone());
            }
        }
        run.polled = history.len();
        run.committed = history.len() as u64;
        run.history = history;
        let (before, events) = (run.now, run.history.len());
        run.now = before.max(now);
        if run.result.is_none() {
            run.first_rounds();
            run.hand_out_again();
            run.advance();
        }
        if run.history.len() == events {
            run.now = before;
        }
        Ok(run)
    }

    /// A loop and its first round begin in one batch; where it was torn between the two, the round begins now.
    fn first_rounds(&mut self) {
        if self.state.cancelled.is_some() {
            return;
        }
        let torn = |node: &u32| {
            matches!(self.state.node(*node).phase, Phase::Looping { .. })
                && self.state.round_frame(*node, 0).is_none()
        };
        let nodes: Vec<u32> = (0..self.state.nodes.len() as u32).filter(torn).collect();
        for node in nodes {
            let path = self.state.path(node);
            self.emit(Event::RoundStarted { path, round: 0, carried: Payload::null() });
        }
    }

    fn hand_out_again(&mut self) {
        let in_flight: Vec<_> = self.state.in_flight.iter().copied().collect();
        for node in in_flight {
            let path = self.state.path(node);
            match self.state.node(node).phase.clone() {
                Phase::Routing { attempt } if self.state.cancelled.is_none() => {
                    self.ask(self.committed, path, attempt, What::Route);
                }
                Phase::Working { attempt, redispatches, .. } if self.state.cancelled.is_none() => {
                    if redispatches < self.options.redispatches_max {
                        let redispatches = redispatches + 1;
                        self.emit(Event::AttemptRedispatched { path, attempt, redispatches });
                    } else {
                        let times = redispatches + 1;
                        let error = TaskError::outcome_unknown(
                            "worker_lost",
                            format!("the host went down {times} times during this attempt"),
                        );
                        self.emit(Event::StepFailed { path, attempt, error });
                    }
                }
                // Cancelled before the crash: nobody is at it any more.
                Phase::Routing { attempt } | Phase::Working { attempt, .. } => {
                    let error = TaskError::cancelled();
                    self.emit(Event::StepFailed { path, attempt, error });
                }
                Phase::Waiting
                | Phase::Resting { .. }
                | Phase::Looping { .. }
                | Phase::Succeeded { .. }
                | Phase::Failed { .. }
                | Phase::Skipped => {}
            }
        }
    }
}
