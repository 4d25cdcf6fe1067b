//! Turns inputs into events. A file for every kind of input; what follows from the events themselves is in `advance`.

mod advance;
mod answer;
mod body;
mod control;
mod outside;
mod start;
mod time;
mod unwind;

use super::input::{AttemptId, Handled, Ignored, Input, InputError};
use super::node::{NodeIx, Phase};
use super::state::Missing;
use super::{Event, Run};
use crate::path::Path;

/// Who is said to have answered.
#[derive(Clone, Copy)]
enum Answerer {
    Worker,
    Router,
}

impl Run {
    /// Whether a worker's answer for the attempt would be taken.
    pub(crate) fn awaits(&self, attempt: &AttemptId) -> bool {
        matches!(self.awaited(attempt, Answerer::Worker), Ok(Ok(_)))
    }

    pub(super) fn decide(&mut self, input: Input) -> Result<Handled, InputError> {
        if self.event_count() == 0 && input != Input::Started {
            return Err(InputError::NotStarted);
        }
        let handled = match input {
            Input::Started => self.begun(),
            Input::Answered { attempt, result } => self.answered(&attempt, result)?,
            Input::Routed { attempt, result } => self.routed(&attempt, result)?,
            Input::Heartbeat { attempt } => self.heartbeat(attempt)?,
            Input::Decided { path, decided } => self.decided(path, decided)?,
            Input::Signalled { name, payload } => self.signalled(name, payload)?,
            Input::TimePassed => self.time_passed(),
            Input::Paused => self.pause(),
            Input::Resumed => self.resume(),
            Input::Cancelled { reason } => self.cancel(reason),
        };
        if handled == Handled::Taken {
            self.advance();
        }
        Ok(handled)
    }

    fn begun(&mut self) -> Handled {
        if self.event_count() > 0 {
            return Handled::Ignored(Ignored::NothingToChange);
        }
        let goal = self.options.goal.clone();
        let input = self.options.input.clone();
        self.emit(Event::RunStarted {
            workflow: self.workflow.name().clone(),
            definition: self.workflow.digest().to_owned(),
            steps: self.workflow.step_digests().clone(),
            seed: self.options.seed,
            input: input.unwrap_or_else(|| goal.as_str().into()),
            goal,
        });
        Handled::Taken
    }

    /// The node that a path leads to; an answer for a round that is no longer kept comes late.
    fn find(&self, path: &Path) -> Result<Result<NodeIx, Ignored>, InputError> {
        match self.state.locate(path) {
            Ok(node) => Ok(Ok(node)),
            Err(Missing::Dropped) => Ok(Err(Ignored::AlreadyAnswered)),
            Err(Missing::Unknown) => Err(InputError::UnknownStep { path: path.clone() }),
        }
    }

    /// The node of an attempt that may still be answered, or why it may not.
    fn awaited(
        &self,
        AttemptId { path, attempt }: &AttemptId,
        answerer: Answerer,
    ) -> Result<Result<NodeIx, Ignored>, InputError> {
        let node = match self.find(path)? {
            Ok(node) => node,
            Err(_) if self.result.is_some() => return Ok(Err(Ignored::RunEnded)),
            Err(late) => return Ok(Err(late)),
        };
        let phase = &self.state.node(node).phase;
        let (made, current) = match (phase, answerer) {
            (
                Phase::Waiting
                | Phase::Skipped
                | Phase::Asking
                | Phase::Awaiting
                | Phase::Inside
                | Phase::Stopping { .. },
                _,
            ) => (0, None),
            (Phase::Routing { attempt, .. }, Answerer::Router) => (*attempt, Some(*attempt)),
            // Nobody has been given this attempt yet, so that nobody can have done it.
            (Phase::Routing { attempt, .. }, Answerer::Worker) => (attempt - 1, None),
            (Phase::Working { attempt, .. }, Answerer::Worker) => (*attempt, Some(*attempt)),
            (Phase::Working { attempt, .. }, Answerer::Router) => (*attempt, None),
            (Phase::Resting { attempt, .. }, _) => (attempt - 1, None),
            (Phase::Succeeded { attempt } | Phase::Failed { attempt, .. }, _) => (*attempt, None),
        };
        if *attempt == 0 || *attempt > made {
            return Err(InputError::UnknownAttempt { path: path.clone(), attempt: *attempt, made });
        }
        Ok(match current {
            _ if self.result.is_some() => Err(Ignored::RunEnded),
            Some(current) if current == *attempt => Ok(node),
            _ => Err(Ignored::AlreadyAnswered),
        })
    }
}
