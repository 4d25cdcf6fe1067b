//! What has happened, kept small: the two events that nearly every step has are kept as numbers, and made into events again when somebody
//! looks at them.

use super::event::{Event, Recorded};
use super::node::NodeIx;
use super::state::State;
use crate::payload::Payload;
use crate::task::Usage;
use crate::time::Timestamp;

/// How many entries a chunk has: a history grows by chunks, so that it is never copied.
const CHUNK: usize = 1024;

/// An event of a step of the root frame as numbers, or any event as it is.
pub(super) enum Fact {
    Started { step: u32, attempt: u32, worker: u32, input: Option<Payload> },
    Succeeded { step: u32, attempt: u32, output: Payload },
    Other(Box<Event>),
}

struct Entry {
    at: Timestamp,
    fact: Fact,
}

/// The events of a run after the last one that was trimmed.
#[derive(Default)]
pub(super) struct History {
    /// How many events came before.
    base: u64,
    len: u64,
    chunks: Vec<Vec<Entry>>,
}

impl Fact {
    /// The smallest form of an event.
    pub(super) fn of(event: Event, state: &mut State) -> Fact {
        let root = |state: &State, path: &crate::path::Path| {
            let node = state.locate(path).ok().filter(|node| node.frame == 0);
            node.map(|node| node.step)
        };
        match event {
            Event::AttemptStarted { path, attempt, worker, input } => match root(state, &path) {
                Some(step) => {
                    let worker = state.workers.number(&worker);
                    Fact::Started { step, attempt, worker, input }
                }
                None => {
                    Fact::Other(Box::new(Event::AttemptStarted { path, attempt, worker, input }))
                }
            },
            Event::StepSucceeded { path, attempt, output, usage } => match root(state, &path) {
                Some(step) if is_free(usage) => Fact::Succeeded { step, attempt, output },
                _ => Fact::Other(Box::new(Event::StepSucceeded { path, attempt, output, usage })),
            },
            event => Fact::Other(Box::new(event)),
        }
    }

    fn event(&self, state: &State) -> Event {
        let path = |step: u32| state.path(NodeIx { frame: 0, step });
        match self {
            Fact::Started { step, attempt, worker, input } => Event::AttemptStarted {
                path: path(*step),
                attempt: *attempt,
                worker: state.workers.name(*worker).clone(),
                input: input.clone(),
            },
            Fact::Succeeded { step, attempt, output } => Event::StepSucceeded {
                path: path(*step),
                attempt: *attempt,
                output: output.clone(),
                usage: Usage::default(),
            },
            Fact::Other(event) => Event::clone(event),
        }
    }
}

/// Whether the usage says nothing at all, to the bit.
pub(super) fn is_free(usage: Usage) -> bool {
    usage.tokens == 0 && usage.usd.to_bits() == 0 && usage.seconds.to_bits() == 0
}

impl History {
    /// One that goes on after `base` events.
    pub(super) fn after(base: u64) -> History {
        History { base, ..History::default() }
    }

    /// The number of the last event; 0 if there is none.
    pub(super) fn last(&self) -> u64 {
        self.base + self.len
    }

    /// The number of the last event that is no longer here.
    pub(super) fn base(&self) -> u64 {
        self.base
    }

    pub(super) fn push(&mut self, at: Timestamp, fact: Fact) {
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            // The first chunk grows as it must: most runs are short.
            let capacity = if self.chunks.is_empty() { 0 } else { CHUNK };
            self.chunks.push(Vec::with_capacity(capacity));
        }
        let chunk = self.chunks.last_mut().expect("pushed if there was none");
        chunk.push(Entry { at, fact });
        self.len += 1;
    }

    pub(super) fn recorded(&self, seq: u64, state: &State) -> Option<Recorded> {
        let at = usize::try_from(seq.checked_sub(self.base + 1)?).ok()?;
        let entry = self.chunks.get(at / CHUNK)?.get(at % CHUNK)?;
        Some(Recorded { seq, at: entry.at, event: entry.fact.event(state) })
    }

    /// Forgets everything up to an event, but for the part of its chunk that stands before it.
    pub(super) fn trim(&mut self, seq: u64) {
        let whole = (seq.min(self.last()).saturating_sub(self.base)) as usize / CHUNK;
        let gone: usize = self.chunks.drain(..whole).map(|chunk| chunk.len()).sum();
        self.base += gone as u64;
        self.len -= gone as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ARCHITECTURE.md says so.
    #[test]
    fn an_event_of_the_usual_kinds_takes_forty_bytes() {
        assert_eq!(size_of::<Entry>(), 40);
    }
}
