//! The host pauses, resumes or cancels.

use crate::run::input::{Handled, Ignored};
use crate::run::{Event, Run};

impl Run {
    pub(super) fn pause(&mut self) -> Handled {
        // A cancelled run has no new work that could be held back, until it is unwound.
        let idle = self.state.cancelled.is_some() && self.state.unwinding.is_none();
        let unchanged = self.state.paused || idle;
        if let Some(ignored) = self.settled(unchanged) {
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
        // A signal that came in the pause came before the deadlines that passed in it are looked at.
        while self.hand_out_signal() {}
        self.ring();
        Handled::Taken
    }

    pub(super) fn cancel(&mut self, reason: String) -> Handled {
        let unchanged = self.state.cancelled.is_some() || self.state.unwinding.is_some();
        if let Some(ignored) = self.settled(unchanged) {
            return ignored;
        }
        self.emit(Event::CancelRequested { reason });
        Handled::Taken
    }

    /// Why a control input changes nothing, if it does not.
    fn settled(&self, unchanged: bool) -> Option<Handled> {
        if self.result.is_some() {
            Some(Handled::Ignored(Ignored::RunEnded))
        } else {
            unchanged.then_some(Handled::Ignored(Ignored::NothingToChange))
        }
    }
}
