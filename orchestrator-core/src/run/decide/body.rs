//! A body has ended: the round of a loop, the item of a map, a sub-workflow. Is the step done, does it go on, or has it failed?

use crate::payload::Payload;
use crate::run::node::{Body, FrameIx, NodeIx, Phase};
use crate::run::{Event, Run};
use crate::task::{TaskError, Usage};
use crate::workflow::{Kind, OnItemFailure, Until};

/// What comes after a round.
enum Next {
    Done(Payload),
    Again(Payload),
    Failed(TaskError),
}

impl Run {
    pub(super) fn body_ended(&mut self, node: NodeIx, frame: FrameIx) {
        match &self.state.def(node).step.kind {
            Kind::Loop { until, rounds_max, .. } => {
                let (next, rounds_max) = (self.next(until, frame), *rounds_max);
                self.round_ended(node, frame, next, rounds_max);
            }
            Kind::Map { .. } => self.item_ended(node, frame),
            Kind::Sub { .. } => {
                let failure = self.state.unhandled(frame).next().map(|(_, error)| error.clone());
                match failure {
                    Some(error) => self.fail_step(node, error),
                    None => self.step_done(node, self.state.frame_output(frame)),
                }
            }
            Kind::Task { .. } | Kind::Branch { .. } | Kind::Decision { .. } | Kind::Wait { .. } => {
                unreachable!("nothing is inside such a step")
            }
        }
    }

    /// A step with a body has its output.
    fn step_done(&mut self, node: NodeIx, output: Payload) {
        match self.shaped(node, output) {
            Ok(output) => self.emit_succeeded(node, 0, output, Usage::default()),
            Err(error) => self.fail_step(node, error),
        }
    }

    fn round_ended(&mut self, node: NodeIx, frame: FrameIx, next: Next, rounds_max: u32) {
        let round = self.state.frame(frame).index;
        match next {
            Next::Done(output) => self.step_done(node, output),
            Next::Failed(error) => self.fail_step(node, error),
            Next::Again(carried) => match self.within_limit(carried) {
                Err(error) => self.fail_step(node, error),
                Ok(carried) if round + 1 < rounds_max => {
                    let path = self.state.path(node);
                    self.emit(Event::RoundStarted { path, round: round + 1, carried });
                }
                Ok(carried) => {
                    let message = format!(
                        "the loop was not done after the last of its rounds ({rounds_max})"
                    );
                    let error = TaskError::terminal("rounds_exhausted", message);
                    self.fail_step(node, error.with_details(carried));
                }
            },
        }
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
                Next::Again(Payload::of(error).expect("a failure has a canonical form"))
            }
            // The rejection does not hide a failure beside it.
            (Until::Accepted { by }, failures) => {
                let others =
                    failures.iter().filter(|(node, _)| self.state.def(*node).id.as_str() != by);
                let (_, error) = others.clone().next().unwrap_or(&failures[0]);
                Next::Failed((*error).clone())
            }
            (Until::Condition(_), [(_, error), ..]) => Next::Failed((*error).clone()),
        }
    }

    /// A map's list is known.
    pub(super) fn expand(&mut self, node: NodeIx, input: Option<Payload>) {
        let Kind::Map { items_max, .. } = &self.state.def(node).step.kind else {
            unreachable!("only a map has items")
        };
        let list = input.clone().unwrap_or_else(|| self.state.input_of(node));
        let items: Vec<Payload> = match list.to() {
            Ok(items) => items,
            Err(_) => {
                let message = "the input of a map must be an array; make it one with `input`";
                return self.fail_step(node, TaskError::terminal("map_input", message));
            }
        };
        if items.len() as u64 > u64::from(*items_max) {
            let count = items.len();
            let message = format!(
                "the list has {count} items, of which {items_max} may be; raise `items_max`"
            );
            return self.fail_step(node, TaskError::terminal("too_many_items", message));
        }
        let (path, len, digest) = (self.state.path(node), items.len() as u32, list.digest());
        self.emit(Event::MapExpanded { path, len, digest, input });
        self.go_on_with_map(node);
    }

    fn item_ended(&mut self, node: NodeIx, frame: FrameIx) {
        let error = self.state.unhandled(frame).next().map(|(_, error)| error.clone());
        let (path, item) = (self.state.path(node), self.state.frame(frame).index);
        self.emit(Event::ItemEnded { path, item, error });
        self.go_on_with_map(node);
    }

    /// Starts items up to the bound, or ends the map. Also what a restore does with a map whose last batch was torn.
    pub(in crate::run) fn go_on_with_map(&mut self, node: NodeIx) {
        let Kind::Map { concurrency_max, on_failure, .. } = self.state.def(node).step.kind else {
            unreachable!("only a map has items")
        };
        let tolerated = match on_failure {
            OnItemFailure::FailFast => 0,
            OnItemFailure::Tolerate(count) => count as usize,
            OnItemFailure::Collect => usize::MAX,
        };
        loop {
            let (Phase::Inside, Some(Body::Map { items, frames, running, failed })) =
                (&self.state.node(node).phase, self.state.node(node).body())
            else {
                return;
            };
            let path = self.state.path(node);
            if failed.len() > tolerated {
                let error = failed.values().next().expect("more than none").clone();
                return self.emit(Event::StepStopping { path, error });
            }
            if frames.len() == items.len() {
                if *running == 0 {
                    self.step_done(node, self.map_output(node, on_failure));
                }
                return;
            }
            if *running >= concurrency_max {
                return;
            }
            let item = frames.len() as u32;
            self.emit(Event::ItemStarted { path, item });
        }
    }

    /// The outputs of the items, in the order of the list.
    fn map_output(&self, node: NodeIx, on_failure: OnItemFailure) -> Payload {
        let Some(Body::Map { frames, failed, .. }) = self.state.node(node).body() else {
            return Payload::null();
        };
        let outputs = frames.iter().zip(0..).map(|(frame, item)| {
            let given = match failed.get(&item) {
                Some(error) => ("error", Payload::of(error).expect("a failure has a form")),
                None => ("output", self.state.frame_output(*frame)),
            };
            match on_failure {
                OnItemFailure::FailFast => given.1,
                OnItemFailure::Tolerate(_) | OnItemFailure::Collect => Payload::object(vec![given]),
            }
        });
        Payload::array(outputs)
    }
}
