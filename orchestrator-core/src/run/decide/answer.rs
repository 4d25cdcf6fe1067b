//! A worker or a router answers.

use super::Answerer;
use crate::payload::Payload;
use crate::route::{Decision, RouteError};
use crate::run::input::{AttemptId, Handled, InputError};
use crate::run::state::NodeIx;
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
            Ok(output) => self.accept(node, id, output),
            Err(error) => self.attempt_failed(node, id, error),
        }
        Ok(Handled::Taken)
    }

    /// Takes a worker's output if it fits the limits and its transformer agrees.
    fn accept(&mut self, node: NodeIx, id: &AttemptId, output: TaskOutput) {
        if !(output.usage.usd.is_finite() && output.usage.seconds.is_finite()) {
            let error = TaskError::terminal("usage", "the usage has a number that is not finite");
            return self.attempt_failed(node, id, error);
        }
        let transformed = match &self.state.def(node).step.output {
            None => Ok(output.payload),
            Some(transformer) => transformer.apply(&output.payload, &self.state.context(node)),
        };
        match transformed.and_then(|payload| self.within_limit(payload)) {
            Ok(payload) => self.emit(Event::StepSucceeded {
                path: id.path.clone(),
                attempt: id.attempt,
                output: payload,
                usage: output.usage,
            }),
            Err(error) => self.attempt_failed(node, id, error),
        }
    }

    pub(super) fn within_limit(&self, payload: Payload) -> Result<Payload, TaskError> {
        let (bytes, max) = (payload.bytes(), self.options.payload_bytes_max);
        if bytes <= max {
            return Ok(payload);
        }
        let message = format!(
            "the payload has {bytes} bytes, of which {max} may travel; store it and pass on a BlobRef"
        );
        Err(TaskError::terminal("payload_too_large", message))
    }

    fn attempt_failed(&mut self, node: NodeIx, id: &AttemptId, mut error: TaskError) {
        let AttemptId { path, attempt } = id.clone();
        if let Err(too_large) = self.within_limit(error.details.clone()) {
            // The failure itself still counts; only what it carries is cut.
            error.details = Payload::text(&too_large.message);
        }
        let seed = self.state.seed_of(node, attempt);
        let rest = match self.state.cancelled {
            Some(_) => None,
            None => self.state.def(node).step.retry.after(attempt, &error, seed),
        };
        let retry_at = rest.map(|rest| self.now.after(rest));
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
        match result {
            Ok(decision)
                if !(decision.confidence.is_finite() && decision.propensity.is_finite()) =>
            {
                let reason = "the router's confidence or propensity is not finite";
                let error = TaskError::terminal("no_route", reason);
                self.emit(Event::StepFailed { path, attempt, error });
            }
            Ok(decision) => {
                let role = match &self.state.def(node).step.kind {
                    crate::workflow::Kind::Task { role, .. } => role,
                    _ => unreachable!("a loop is not routed"),
                };
                let candidates = self.options.staff.of(role);
                if !candidates.iter().any(|candidate| candidate.worker == decision.worker) {
                    let worker = decision.worker.to_string();
                    return Err(InputError::NoCandidate { path, worker });
                }
                if self.state.cancelled.is_some() {
                    let error = TaskError::cancelled();
                    self.emit(Event::StepFailed { path, attempt, error });
                } else {
                    self.emit(Event::RouteDecided { path, attempt, decision });
                }
            }
            Err(error) => {
                let error = TaskError::terminal("no_route", error.reason);
                self.emit(Event::StepFailed { path, attempt, error });
            }
        }
        Ok(Handled::Taken)
    }
}
