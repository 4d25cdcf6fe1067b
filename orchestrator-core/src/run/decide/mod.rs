//! Turns inputs into events. A file for every kind of input; what follows from the events themselves is in `advance`.

mod advance;
mod answer;
mod control;
mod rounds;
mod start;

use super::input::{AttemptId, Handled, Ignored, Input, InputError};
use super::state::{NodeIx, Phase};
use super::{Event, Run};

/// Who is said to have answered.
#[derive(Clone, Copy)]
enum Answerer {
    Worker,
    Router,
}

impl Run {
    pub(super) fn decide(&mut self, input: Input) -> Result<Handled, InputError> {
        if self.history.is_empty() && input != Input::Started {
            return Err(InputError::NotStarted);
        }
        let handled = match input {
            Input::Started => self.started(),
            Input::Answered { attempt, result } => self.answered(&attempt, result)?,
            Input::Routed { attempt, result } => self.routed(&attempt, result)?,
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

    fn started(&mut self) -> Handled {
        if !self.history.is_empty() {
            return Handled::Ignored(Ignored::NothingToChange);
        }
        let goal = self.options.goal.clone();
        let input = self.options.input.clone();
        self.emit(Event::RunStarted {
            workflow: self.workflow.name().clone(),
            definition: self.workflow.digest().to_owned(),
            seed: self.options.seed,
            input: input.unwrap_or_else(|| goal.as_str().into()),
            goal,
        });
        Handled::Taken
    }

    /// The node of an attempt that may still be answered, or why it may not.
    fn awaited(
        &self,
        AttemptId { path, attempt }: &AttemptId,
        answerer: Answerer,
    ) -> Result<Result<NodeIx, Ignored>, InputError> {
        let node = self
            .state
            .locate(path)
            .ok_or_else(|| InputError::UnknownStep { path: path.clone() })?;
        let phase = &self.state.node(node).phase;
        let (made, current) = match (phase, answerer) {
            (Phase::Waiting | Phase::Skipped | Phase::Looping { .. }, _) => (0, None),
            (Phase::Routing { attempt }, Answerer::Router) => (*attempt, Some(*attempt)),
            // Nobody has been given this attempt yet, so that nobody can have done it.
            (Phase::Routing { attempt }, Answerer::Worker) => (attempt - 1, None),
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
