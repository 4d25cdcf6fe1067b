//! Turns inputs into events. A file for every kind of input; what follows from the events themselves is in `advance`.

mod advance;
mod answer;
mod control;
mod rounds;
mod start;

use super::input::{AttemptId, Handled, Ignored, Input, InputError};
use super::state::{NodeIx, Phase};
use super::{Event, Run};

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
        awaits: impl Fn(&Phase) -> Option<u32>,
    ) -> Result<Result<NodeIx, Ignored>, InputError> {
        let node = self
            .state
            .locate(path)
            .ok_or_else(|| InputError::UnknownStep { path: path.clone() })?;
        let phase = &self.state.node(node).phase;
        let made = match phase {
            Phase::Waiting | Phase::Skipped | Phase::Looping { .. } => 0,
            Phase::Routing { attempt } | Phase::Working { attempt, .. } => *attempt,
            Phase::Resting { attempt, .. } => attempt - 1,
            Phase::Succeeded { attempt } | Phase::Failed { attempt, .. } => *attempt,
        };
        if *attempt == 0 || *attempt > made {
            return Err(InputError::UnknownAttempt {
                path: path.clone(),
                attempt: *attempt,
                made,
            });
        }
        Ok(match awaits(phase) {
            _ if self.result.is_some() => Err(Ignored::RunEnded),
            Some(current) if current == *attempt => Ok(node),
            _ => Err(Ignored::AlreadyAnswered),
        })
    }
}
