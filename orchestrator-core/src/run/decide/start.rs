//! A step begins: its input is made, and somebody is found to do it.

use crate::payload::Payload;
use crate::run::state::{NodeIx, Phase};
use crate::run::{Event, Run};
use crate::task::TaskError;
use crate::workflow::{Fires, Kind};

impl Run {
    /// Starts a step whose join has fired.
    pub(super) fn start(&mut self, node: NodeIx) {
        let path = self.state.path(node);
        let input = match self.input_of(node) {
            Ok(input) => input,
            Err(error) => {
                return self.emit(Event::StepFailed { path, attempt: 0, error });
            }
        };
        match &self.state.def(node).step.kind {
            Kind::Task { .. } => self.attempt(node, 1, Some(input)),
            Kind::Loop { .. } => {
                self.emit(Event::LoopStarted { path: path.clone(), input });
                self.emit(Event::RoundStarted { path, round: 0, carried: Payload::null() });
            }
            _ => unimplemented!("other kinds of steps"),
        }
    }

    /// Begins an attempt, or asks the router who shall make it.
    pub(super) fn attempt(&mut self, node: NodeIx, attempt: u32, input: Option<Payload>) {
        let path = self.state.path(node);
        let Kind::Task { role, .. } = &self.state.def(node).step.kind else {
            unreachable!("a loop makes no attempts")
        };
        self.emit(match self.options.staff.only(role) {
            Some(worker) => Event::AttemptStarted { path, attempt, worker, input },
            None => Event::RouteRequested { path, attempt, input },
        });
    }

    fn input_of(&self, node: NodeIx) -> Result<Payload, TaskError> {
        let given = self.default_input(node);
        match &self.state.def(node).step.input {
            None => Ok(given),
            Some(transformer) => transformer
                .apply(&given, &self.state.context(node))
                .and_then(|payload| self.within_limit(payload)),
        }
    }

    /// What a step gets without a transformer: the output of the step before, an object of outputs by step when there are several
    /// before, the failure where an edge on failure led here, and the input of the run or loop where nothing is before.
    fn default_input(&self, node: NodeIx) -> Payload {
        let frame = self.state.frame_of(node);
        let incoming = &self.state.def(node).incoming;
        let given = |step: u32, on: Fires| -> Option<Payload> {
            let before = frame.base + step;
            match &self.state.node(before).phase {
                Phase::Failed { error, .. } if on != Fires::Success => Payload::of(error).ok(),
                // An edge that is dead brings nothing: a handler that started for another reason is handed no success as a failure.
                Phase::Succeeded { .. } if on != Fires::Failure => {
                    self.state.output(before).cloned()
                }
                _ => None,
            }
        };
        match incoming.as_slice() {
            [] => match frame.parent {
                None => self.state.input.clone(),
                Some(parent) => self.state.node(parent).input.clone().unwrap_or_default(),
            },
            [first, rest @ ..] if rest.iter().all(|edge| edge.step == first.step) => {
                incoming.iter().find_map(|edge| given(edge.step, edge.fires)).unwrap_or_default()
            }
            edges => {
                let outputs: std::collections::BTreeMap<&str, Payload> = edges
                    .iter()
                    .filter_map(|edge| {
                        let id = frame.workflow.def(edge.step).id.as_str();
                        Some((id, given(edge.step, edge.fires)?))
                    })
                    .collect();
                Payload::of(&outputs).expect("an object of payloads is a payload")
            }
        }
    }
}
