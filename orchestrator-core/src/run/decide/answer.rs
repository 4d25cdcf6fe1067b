//! A worker or a router answers.

use super::Answerer;
use crate::payload::Payload;
use crate::route::{Decision, RouteError};
use crate::run::emit::Job;
use crate::run::input::{AttemptId, Handled, InputError};
use crate::run::node::NodeIx;
use crate::run::{Event, Run};
use crate::task::{TaskError, TaskOutput};

impl Run {
    pub(super) fn answered(
        &mut self,
        id: &AttemptId,
        result: Result<TaskOutput, TaskError>,
    ) -> Result<Handled, InputError> {
        let node = match self.awaited(id, Answerer::Worker)? {
            Ok(node) => node,
            Err(why) => return Ok(Handled::Ignored(why)),
        };
        match result {
            Ok(output) => self.accept(node, id.attempt, output),
            Err(error) => self.attempt_failed(node, id.attempt, error),
        }
        Ok(Handled::Taken)
    }

    /// Takes a worker's output if it fits the limits and its transformer agrees.
    fn accept(&mut self, node: NodeIx, attempt: u32, output: TaskOutput) {
        if !(output.usage.usd.is_finite() && output.usage.seconds.is_finite()) {
            let error = TaskError::terminal("usage", "the usage has a number that is not finite");
            return self.attempt_failed(node, attempt, error);
        }
        match self.shaped(node, output.payload) {
            Ok(payload) => self.emit_succeeded(node, attempt, payload, output.usage),
            Err(error) => self.attempt_failed(node, attempt, error),
        }
    }

    /// What a step's transformer makes of what it gave, if that may travel. What undoes a step has no transformer.
    pub(super) fn shaped(&self, node: NodeIx, given: Payload) -> Result<Payload, TaskError> {
        if !self.state.brief(node).shapes_output {
            return self.within_limit(given);
        }
        let shaped = match &self.state.def(node).step.output {
            Some(transformer) if !node.is_undo() => {
                transformer.apply(&given, &self.state.context(node))?
            }
            _ => given,
        };
        self.within_limit(shaped)
    }

    pub(super) fn within_limit(&self, payload: Payload) -> Result<Payload, TaskError> {
        self.check_size(payload.bytes()).map(|()| payload)
    }

    pub(super) fn check_size(&self, bytes: usize) -> Result<(), TaskError> {
        let max = self.options.payload_bytes_max;
        if bytes <= max {
            return Ok(());
        }
        let message = format!(
            "the payload has {bytes} bytes, of which {max} may travel; store it and pass on a BlobRef"
        );
        Err(TaskError::terminal("payload_too_large", message))
    }

    pub(super) fn attempt_failed(&mut self, node: NodeIx, attempt: u32, mut error: TaskError) {
        if let Err(too_large) = self.check_size(error.details.bytes()) {
            // The failure itself still counts; only what it carries is cut.
            error.details = Payload::text(&too_large.message);
        }
        let rest = if self.state.is_stopped(node) {
            None
        } else {
            let Job { retry, .. } = self.job(node);
            retry.after(attempt, &error, || self.state.seed_of(node, attempt))
        };
        let retry_at = rest.map(|rest| self.now.after(rest));
        let path = self.state.path(node);
        self.emit(match retry_at {
            Some(retry_at) => Event::AttemptFailed { path, attempt, error, retry_at },
            None => Event::StepFailed { path, attempt, error },
        });
        if retry_at.is_some_and(|instant| instant <= self.now) && !self.state.paused {
            self.attempt(node, attempt + 1, None);
        }
    }

    pub(super) fn routed(
        &mut self,
        id: &AttemptId,
        result: Result<Decision, RouteError>,
    ) -> Result<Handled, InputError> {
        let node = match self.awaited(id, Answerer::Router)? {
            Ok(node) => node,
            Err(why) => return Ok(Handled::Ignored(why)),
        };
        let AttemptId { path, attempt } = id.clone();
        let refused = |reason: String| Err(TaskError::terminal("no_route", reason));
        let routed = match result {
            Err(error) => refused(error.reason),
            Ok(decision)
                if !(decision.confidence.is_finite() && decision.propensity.is_finite()) =>
            {
                refused("the router's confidence or propensity is not finite".to_owned())
            }
            Ok(decision) => {
                let Job { role, requires, .. } = self.job(node);
                let mut able = self.options.staff.able(role, requires);
                if !able.any(|candidate| candidate.worker == decision.worker) {
                    let worker = decision.worker.to_string();
                    return Err(InputError::NoCandidate { path, worker });
                }
                if self.state.is_stopped(node) { Err(TaskError::cancelled()) } else { Ok(decision) }
            }
        };
        self.emit(match routed {
            Ok(decision) => Event::RouteDecided { path, attempt, decision },
            Err(error) => Event::StepFailed { path, attempt, error },
        });
        Ok(Handled::Taken)
    }
}
