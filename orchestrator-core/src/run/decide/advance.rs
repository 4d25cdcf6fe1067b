//! What follows from what has happened, until nothing more does: steps start or are skipped, frames, stopped steps and the run end.

use crate::payload::Payload;
use crate::run::join::Verdict;
use crate::run::node::{FrameIx, NodeIx, Phase};
use crate::run::{Event, Run, RunResult};

impl Run {
    pub(in crate::run) fn advance(&mut self) {
        while self.result.is_none() {
            let went_on = if self.state.unwinding.is_some() {
                self.unwind()
            } else if let Some(reason) = &self.state.cancelled {
                let reason = reason.clone();
                let over = self.state.in_flight() == 0;
                if over {
                    self.finish(RunResult::Cancelled { reason });
                }
                over
            } else {
                self.stopped() || self.go_on()
            };
            if !went_on {
                return;
            }
        }
    }

    /// Fails a step that was to stop and in which nothing is in flight any more.
    fn stopped(&mut self) -> bool {
        let stopping = self.state.stopping.iter().copied();
        let over = |node: &NodeIx| self.state.in_flight_inside(*node) == 0;
        let Some(node) = stopping.into_iter().find(over) else { return false };
        let Phase::Stopping { error } = &self.state.node(node).phase else {
            unreachable!("a step that is to stop is in that phase")
        };
        let (path, error) = (self.state.path(node), (**error).clone());
        self.emit(Event::StepFailed { path, attempt: 0, error });
        true
    }

    /// The next thing that follows; false if nothing does.
    fn go_on(&mut self) -> bool {
        if self.state.paused {
            // All that is left is to say that the run is over.
            let over = self.state.finished.front() == Some(&0);
            if over {
                self.frame_ended(0);
            }
            return over;
        }
        if let Some(&(to, edge)) = self.state.undecided.front() {
            self.decide_edge(to, edge);
        } else if let Some(&frame) = self.state.finished.front() {
            self.frame_ended(frame);
        } else if let Some(&node) = self.state.queue.front() {
            self.begin_or_skip(node);
        } else {
            return self.hand_out_signal();
        }
        true
    }

    fn begin_or_skip(&mut self, node: NodeIx) {
        let refused = self.state.node(node).extra().and_then(|extra| extra.refused.clone());
        if let Some(error) = refused {
            let path = self.state.path(node);
            return self.emit(Event::StepFailed { path, attempt: 0, error });
        }
        match self.state.verdict(node) {
            Some(Verdict::Start) => self.start(node),
            Some(Verdict::Skip) => {
                let path = self.state.path(node);
                self.emit(Event::StepSkipped { path });
            }
            None => unreachable!("a step is queued when its join is decided"),
        }
    }

    /// Looks at the condition of an edge whose step has succeeded.
    fn decide_edge(&mut self, to: NodeIx, edge: u32) {
        let def = self.state.def(to);
        let edge = def.incoming[edge as usize];
        let when = edge.when.expect("only edges with a condition are to be decided");
        let before = NodeIx { step: edge.step, ..to };
        let verdict = def.conditions[when as usize].check(&self.state.context_after(before));
        let (fires, error) = match verdict {
            Ok(fires) => (fires, None),
            Err(error) => (false, Some(error)),
        };
        let from = self.state.def(before).id.clone();
        self.emit(Event::EdgeDecided { path: self.state.path(to), from, fires, error });
    }

    fn frame_ended(&mut self, frame: FrameIx) {
        if let Some(parent) = self.state.frame(frame).parent {
            return self.body_ended(parent, frame);
        }
        let failure = self.state.unhandled(frame).next();
        let result = match failure.map(|(node, error)| (self.state.path(node), error.clone())) {
            Some((path, error)) => RunResult::Failed { path, error },
            None => RunResult::Succeeded { output: self.state.frame_output(frame) },
        };
        self.finish(result);
    }

    /// Gives a signal that is kept to the first step that waits for it.
    pub(super) fn hand_out_signal(&mut self) -> bool {
        let met = self.state.awaiting.iter().find_map(|(name, nodes)| {
            let payload = self.state.signals.get(name)?.front()?;
            Some((*nodes.front()?, payload.clone()))
        });
        let Some((node, payload)) = met else { return false };
        self.wait_over(node, payload);
        true
    }

    /// The wait of a step is over.
    pub(super) fn wait_over(&mut self, node: NodeIx, given: Payload) {
        let path = self.state.path(node);
        self.emit(match self.shaped(node, given) {
            Ok(output) => Event::WaitEnded { path, output },
            Err(error) => Event::StepFailed { path, attempt: 0, error },
        });
    }
}
