//! The host pauses, resumes or cancels, and time passes.

use crate::run::input::{Handled, Ignored};
use crate::run::state::Phase;
use crate::run::{Event, Run};

impl Run {
    /// Begins the attempts whose rest is over.
    pub(super) fn time_passed(&mut self) -> Handled {
        if self.result.is_some() {
            return Handled::Ignored(Ignored::RunEnded);
        }
        if !self.state.paused {
            self.end_rests();
        }
        Handled::Taken
    }

    fn end_rests(&mut self) {
        while let Some(&(instant, node)) = self.state.deadlines.first() {
            if instant > self.now {
                break;
            }
            match self.state.node(node).phase {
                Phase::Resting { attempt, .. } => self.attempt(node, attempt, None),
                _ => unreachable!("only a resting step has a deadline"),
            }
        }
    }

    pub(super) fn pause(&mut self) -> Handled {
        if let Some(ignored) = self.settled(self.state.paused) {
            return ignored;
        }
        self.emit(Event::Paused);
        Handled::Taken
    }

    pub(super) fn resume(&mut self) -> Handled {
        if let Some(ignored) = self.settled(!self.state.paused) {
            return ignored;
        }
        self.emit(Event::Resumed);
        self.end_rests();
        Handled::Taken
    }

    pub(super) fn cancel(&mut self, reason: String) -> Handled {
        if let Some(ignored) = self.settled(false) {
            return ignored;
        }
        self.emit(Event::CancelRequested { reason });
        Handled::Taken
    }

    /// Why a control input changes nothing, if it does not.
    fn settled(&self, already: bool) -> Option<Handled> {
        if self.result.is_some() {
            Some(Handled::Ignored(Ignored::RunEnded))
        } else if already || self.state.cancelled.is_some() {
            Some(Handled::Ignored(Ignored::NothingToChange))
        } else {
            None
        }
    }
}
