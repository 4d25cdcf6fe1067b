//! The outputs of a frame, as contexts see them. Written once a step by the run, read by any number of workers meanwhile.

use std::sync::{Arc, OnceLock};

use crate::context::{Item, Round, Scope, Sight, Standpoint};
use crate::payload::Payload;
use crate::workflow::Workflow;

pub(super) struct FrameView {
    workflow: Workflow,
    /// The output of each step, and the event that recorded it.
    slots: Box<[OnceLock<(u64, Payload)>]>,
    round: Option<Round>,
    item: Option<Item>,
    /// The frame around it, and from where it is seen.
    outside: Option<(Arc<FrameView>, Standpoint)>,
}

impl FrameView {
    /// The view of a frame in which nothing has ended. A frame that is no round or item itself shows those of the frame around it.
    pub(super) fn new(
        workflow: &Workflow,
        round: Option<Round>,
        item: Option<Item>,
        outside: Option<(Arc<FrameView>, Standpoint)>,
    ) -> FrameView {
        let around = outside.as_ref().map(|(view, _)| &**view);
        let round = round.or_else(|| around.and_then(|view| view.round.clone()));
        let item = item.or_else(|| around.and_then(|view| view.item.clone()));
        let slots = workflow.defs().iter().map(|_| OnceLock::new()).collect();
        FrameView { workflow: workflow.clone(), slots, round, item, outside }
    }

    /// Keeps an output; false if there is one already.
    pub(super) fn record(&self, step: u32, seq: u64, output: Payload) -> bool {
        self.slots[step as usize].set((seq, output)).is_ok()
    }

    pub(super) fn output_of(&self, step: u32) -> Option<&Payload> {
        self.slots[step as usize].get().map(|(_, output)| output)
    }

    /// The output of a step and the event that recorded it.
    pub(super) fn recorded(&self, step: u32) -> Option<&(u64, Payload)> {
        self.slots[step as usize].get()
    }

    /// The output of a step of this frame, if it was there in time.
    fn slot(&self, step: u32, seq_max: u64) -> Option<&Payload> {
        let (seq, output) = self.slots[step as usize].get()?;
        (*seq <= seq_max).then_some(output)
    }

    fn sees(&self, scope: Scope, step: u32) -> bool {
        match scope {
            Scope::Whole => true,
            Scope::UpTo(here) => here == step || self.sees(Scope::Before(here), step),
            Scope::Before(here) => {
                // Most look at the step before theirs, for which no walk is needed.
                self.workflow.def(here).incoming.iter().any(|edge| edge.step == step)
                    || self.workflow.ancestors(here)[step as usize]
            }
        }
    }

    /// Which steps of this frame are seen.
    fn seen(&self, scope: Scope) -> Vec<bool> {
        match scope {
            Scope::Whole => vec![true; self.slots.len()],
            Scope::Before(here) => self.workflow.ancestors(here),
            Scope::UpTo(here) => {
                let mut seen = self.workflow.ancestors(here);
                seen[here as usize] = true;
                seen
            }
        }
    }
}

impl Sight for FrameView {
    fn output(&self, from: Standpoint, step: &str) -> Option<Payload> {
        match self.workflow.position(step).filter(|&at| self.sees(from.scope, at)) {
            // An ancestor hides a step of the same name outside, even if it has no output: a name means one step.
            Some(at) => self.slot(at, from.seq_max).cloned(),
            None => {
                let (view, from) = self.outside.as_ref()?;
                view.output(*from, step)
            }
        }
    }

    fn visible(&self, from: Standpoint) -> Vec<String> {
        let seen = self.seen(from.scope);
        let hidden =
            |name: &String| self.workflow.position(name).is_some_and(|at| seen[at as usize]);
        let outside = self.outside.iter().flat_map(|(view, from)| view.visible(*from));
        let mut visible: Vec<String> = outside.filter(|name| !hidden(name)).collect();
        let own = (0..seen.len() as u32).filter(|&at| seen[at as usize]);
        let there = own.filter(|&at| self.slot(at, from.seq_max).is_some());
        visible.extend(there.map(|at| self.workflow.def(at).id.to_string()));
        visible
    }

    fn round(&self) -> Option<&Round> {
        self.round.as_ref()
    }

    fn item(&self) -> Option<&Item> {
        self.item.as_ref()
    }
}
