//! A round of a loop has ended: is it done, does it go on, or has it failed?

use crate::payload::Payload;
use crate::run::state::{FrameIx, NodeIx, Phase};
use crate::run::{Event, Run};
use crate::task::TaskError;
use crate::workflow::{Kind, Until};

/// What comes after a round.
enum Next {
    Done(Payload),
    Again(Payload),
    Failed(TaskError),
}

impl Run {
    pub(super) fn round_ended(&mut self, node: NodeIx, frame: FrameIx) {
        let path = self.state.path(node);
        let round = match self.state.node(node).phase {
            Phase::Looping { round } => round,
            _ => unreachable!("the loop of a frame is looping"),
        };
        let Kind::Loop { rounds_max, until, .. } = &self.state.def(node).step.kind else {
            unreachable!("only a loop has rounds")
        };
        let rounds_max = *rounds_max;
        let next = match self.next(until, frame) {
            Next::Done(output) => {
                self.loop_output(node, output).map_or_else(Next::Failed, Next::Done)
            }
            next => next,
        };
        self.emit(match next {
            Next::Done(output) => Event::LoopSucceeded { path, output },
            Next::Again(carried) if round + 1 < rounds_max => {
                Event::RoundStarted { path, round: round + 1, carried }
            }
            Next::Again(carried) => {
                let message =
                    format!("the loop was not done after the last of its rounds ({rounds_max})");
                let error = TaskError::terminal("rounds_exhausted", message).with_details(carried);
                Event::StepFailed { path, attempt: 0, error }
            }
            Next::Failed(error) => Event::StepFailed { path, attempt: 0, error },
        });
    }

    fn next(&self, until: &Until, frame: FrameIx) -> Next {
        let failures: Vec<(NodeIx, &TaskError)> = self.state.unhandled(frame).collect();
        match (until, failures.as_slice()) {
            (Until::Condition(condition), []) => {
                match condition.check(&self.state.final_context(frame)) {
                    Ok(true) => Next::Done(self.state.frame_output(frame)),
                    Ok(false) => Next::Again(self.state.frame_output(frame)),
                    Err(error) => Next::Failed(error),
                }
            }
            (Until::Accepted { .. }, []) => Next::Done(self.state.frame_output(frame)),
            (Until::Accepted { by }, [(node, error)])
                if self.state.def(*node).id.as_str() == by =>
            {
                Next::Again(Payload::of(error).unwrap_or_default())
            }
            // Beside another failure the judge's says nothing new: the first of the others is why the loop fails.
            (Until::Accepted { by }, [first, ..]) => {
                let other = |(node, _): &&(NodeIx, _)| self.state.def(*node).id.as_str() != by;
                let (_, error) = failures.iter().find(other).unwrap_or(first);
                Next::Failed((*error).clone())
            }
            (Until::Condition(_), [(_, error), ..]) => Next::Failed((*error).clone()),
        }
    }

    fn loop_output(&self, node: NodeIx, output: Payload) -> Result<Payload, TaskError> {
        match &self.state.def(node).step.output {
            None => Ok(output),
            Some(transformer) => transformer.apply(&output, &self.state.context(node)),
        }
        .and_then(|payload| self.within_limit(payload))
    }
}
