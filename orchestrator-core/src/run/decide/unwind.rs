//! The end of a run, and what is undone before it.

use crate::run::node::{NodeIx, Phase};
use crate::run::{Event, Run, RunResult};

impl Run {
    /// Ends the run; if it did not succeed and something has to be undone, after that.
    pub(super) fn finish(&mut self, result: RunResult) {
        let undone = matches!(result, RunResult::Succeeded { .. }) || self.state.undos.is_empty();
        self.emit(if undone {
            Event::RunEnded { result, uncompensated: Vec::new() }
        } else {
            Event::UnwindingStarted { result }
        });
    }

    /// Undoes one step after the other, the last success first; false while one of them is under way.
    pub(super) fn unwind(&mut self) -> bool {
        let mut next = None;
        for (at, undo) in self.state.undos.iter().enumerate().rev() {
            match undo.node.phase {
                Phase::Succeeded { .. } | Phase::Failed { .. } => {}
                Phase::Waiting => {
                    next = Some(NodeIx::undo(at));
                    break;
                }
                _ => return false,
            }
        }
        match next {
            // A run that is paused when all is undone ends all the same.
            Some(_) if self.state.paused => return false,
            Some(node) => self.attempt(node, 1, None),
            None => {
                let result = self.state.unwinding.clone().expect("it is being unwound");
                let uncompensated = self.state.uncompensated.clone();
                self.emit(Event::RunEnded { result, uncompensated });
            }
        }
        true
    }
}
