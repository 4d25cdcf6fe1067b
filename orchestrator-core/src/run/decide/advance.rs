//! What follows from what has happened, until nothing more does: steps start or are skipped, rounds and the run end.

use crate::run::join::Verdict;
use crate::run::state::FrameIx;
use crate::run::{Event, Run, RunResult};

impl Run {
    pub(in crate::run) fn advance(&mut self) {
        while self.result.is_none() {
            if let Some(reason) = &self.state.cancelled {
                if self.state.in_flight.is_empty() {
                    let result = RunResult::Cancelled { reason: reason.clone() };
                    self.emit(Event::RunEnded { result });
                }
                return;
            }
            if let Some(&frame) = self.state.finished.front()
                && (!self.state.paused || self.state.frames[frame as usize].parent.is_none())
            {
                self.frame_ended(frame);
            } else if let Some(&node) = self.state.queue.front()
                && !self.state.paused
            {
                match self.state.verdict(node) {
                    Some(Verdict::Start) => self.start(node),
                    Some(Verdict::Skip) => {
                        let path = self.state.path(node);
                        self.emit(Event::StepSkipped { path });
                    }
                    None => unreachable!("a step is queued when its join is decided"),
                }
            } else {
                return;
            }
        }
    }

    fn frame_ended(&mut self, frame: FrameIx) {
        if let Some(parent) = self.state.frames[frame as usize].parent {
            return self.round_ended(parent, frame);
        }
        let failure = self.state.unhandled(frame).next();
        let result = match failure.map(|(node, error)| (self.state.path(node), error.clone())) {
            Some((path, error)) => RunResult::Failed { path, error },
            None => RunResult::Succeeded { output: self.state.frame_output(frame) },
        };
        self.emit(Event::RunEnded { result });
    }
}
