//! People decide, signals come, and workers say that they are alive.

use std::collections::VecDeque;

use super::Answerer;
use crate::id::SignalName;
use crate::path::Path;
use crate::payload::Payload;
use crate::run::event::Decided;
use crate::run::input::{AttemptId, Handled, Ignored, InputError};
use crate::run::node::Phase;
use crate::run::{Event, Run};
use crate::workflow::Kind;

impl Run {
    pub(super) fn decided(&mut self, path: Path, decided: Decided) -> Result<Handled, InputError> {
        let ended = self.result.is_some();
        let node = match self.find(&path)? {
            _ if ended => return Ok(Handled::Ignored(Ignored::RunEnded)),
            Ok(node) => node,
            Err(late) => return Ok(Handled::Ignored(late)),
        };
        let Kind::Decision { choices, .. } = &self.state.def(node).step.kind else {
            return Err(InputError::NotAsked { path });
        };
        match self.state.node(node).phase {
            Phase::Asking if self.state.is_stopped(node) => {
                return Ok(Handled::Ignored(Ignored::AlreadyAnswered));
            }
            Phase::Asking => {}
            Phase::Waiting => return Err(InputError::NotAsked { path }),
            _ => return Ok(Handled::Ignored(Ignored::AlreadyAnswered)),
        }
        if !choices.contains(&decided.choice) {
            let (choice, choices) = (decided.choice, choices.clone());
            return Err(InputError::UnknownChoice { path, choice, choices });
        }
        let given = Payload::of(&decided).expect("texts and a payload have a form");
        self.may_travel(&path, &given)?;
        self.emit(Event::DecisionMade { path, decided });
        Ok(Handled::Taken)
    }

    pub(super) fn signalled(
        &mut self,
        name: SignalName,
        payload: Payload,
    ) -> Result<Handled, InputError> {
        if self.result.is_some() {
            return Ok(Handled::Ignored(Ignored::RunEnded));
        }
        if self.state.cancelled.is_some() || self.state.unwinding.is_some() {
            // Nobody will wait for it any more.
            return Ok(Handled::Ignored(Ignored::NothingToChange));
        }
        self.may_travel(&name, &payload)?;
        let max = self.options.signals_max;
        let kept: usize = self.state.signals.values().map(VecDeque::len).sum();
        // In a pause those who wait do not get theirs yet.
        let awaited = self.state.awaiting.get(&name).map_or(0, VecDeque::len);
        if kept >= max as usize + awaited {
            return Err(InputError::SignalsFull { name, max });
        }
        self.emit(Event::SignalReceived { name, payload });
        Ok(Handled::Taken)
    }

    fn may_travel(
        &self,
        what: &dyn std::fmt::Display,
        payload: &Payload,
    ) -> Result<(), InputError> {
        let (bytes, max) = (payload.bytes(), self.options.payload_bytes_max);
        if bytes <= max {
            return Ok(());
        }
        Err(InputError::TooLarge { what: what.to_string(), bytes, max })
    }

    pub(super) fn heartbeat(&mut self, id: AttemptId) -> Result<Handled, InputError> {
        let node = match self.awaited(&id, Answerer::Worker)? {
            Ok(node) => node,
            Err(why) => return Ok(Handled::Ignored(why)),
        };
        let limit = self.state.def(node).step.timeouts.heartbeat_ms;
        let heard = self.state.node(node).extra().map(|extra| extra.heard);
        match (limit, heard) {
            // Twice in its time is often enough: the history would grow with every beat.
            (Some(limit), Some(heard)) if self.now >= heard.after_ms(limit / 2) => {
                let AttemptId { path, attempt } = id;
                self.emit(Event::HeartbeatReceived { path, attempt });
                Ok(Handled::Taken)
            }
            _ => Ok(Handled::Ignored(Ignored::NothingToChange)),
        }
    }
}
