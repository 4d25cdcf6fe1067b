//! What the end of a step does to the steps after it, to its frame, and to what is inside it.

use std::sync::Arc;

use super::join::{self, Verdict};
use super::node::{Alarm, FrameIx, Node, NodeIx, Phase, Undo};
use super::state::State;
use crate::payload::Payload;
use crate::task::TaskError;
use crate::workflow::{Fires, Kind};

impl State {
    pub(super) fn succeed(&mut self, node: NodeIx, attempt: u32, output: Payload) {
        self.end(node, Phase::Succeeded { attempt });
        if node.is_undo() {
            return;
        }
        if self.brief(node).compensated {
            let path = self.path(node).compensation();
            self.undos.push(Undo { of: node, path, input: output.clone(), node: Node::new(0) });
        }
        self.set_output(node, output);
        self.settle(node);
    }

    pub(super) fn fail(&mut self, node: NodeIx, attempt: u32, error: Arc<TaskError>) {
        self.end(node, Phase::Failed { attempt, error });
        if node.is_undo() {
            let path = self.path(node);
            self.uncompensated.push(path);
        } else {
            self.settle(node);
        }
    }

    pub(super) fn skip(&mut self, node: NodeIx) {
        self.end(node, Phase::Skipped);
        self.settle(node);
    }

    /// The step is over: nothing waits for it any more.
    fn end(&mut self, node: NodeIx, phase: Phase) {
        self.unqueue(node);
        match self.node(node).phase {
            Phase::Routing { .. } | Phase::Working { .. } => self.land(node),
            Phase::Inside => self.round_over(node),
            Phase::Stopping { .. } => {
                self.stopping.retain(|stopping| *stopping != node);
                let inside = |state: &State, frame| state.is_inside(frame, node);
                let stopping = std::mem::take(&mut self.stopping);
                self.stopping = stopping.into_iter().filter(|at| !inside(self, at.frame)).collect();
            }
            Phase::Awaiting => {
                if let Some(name) = self.awaited_signal(node)
                    && let Some(waiting) = self.awaiting.get_mut(&name)
                {
                    waiting.retain(|waiting| *waiting != node);
                    if waiting.is_empty() {
                        self.awaiting.remove(&name);
                    }
                }
            }
            Phase::Waiting
            | Phase::Resting { .. }
            | Phase::Asking
            | Phase::Succeeded { .. }
            | Phase::Failed { .. }
            | Phase::Skipped => {}
        }
        self.disarm(node, |_| true);
        let seq = self.seq;
        let node = self.node_mut(node);
        node.phase = phase;
        node.settled = seq;
    }

    /// Settles the edges that go out of a node which has just ended, and counts it off in its frame. A condition is not looked at here:
    /// it is noted down to be decided.
    fn settle(&mut self, node: NodeIx) {
        let handled = self.brief(node).handles_failure;
        let edges = self.frame(node.frame).workflow.outgoing(node.step).len();
        let (succeeded, failed, poisoned) = match self.node(node).phase {
            Phase::Succeeded { .. } => (true, false, false),
            Phase::Failed { .. } => (false, true, !handled),
            _ => (false, false, self.node(node).poisoned),
        };
        let way = self.node(node).extra().and_then(|extra| extra.way);
        for at in 0..edges {
            let edge = self.frame(node.frame).workflow.outgoing(node.step)[at];
            let to = NodeIx { step: edge.step, ..node };
            let fires = match edge.fires {
                Fires::Success => succeeded,
                Fires::Failure => failed,
                Fires::Always => succeeded || failed,
                Fires::Chosen => succeeded && way == Some(edge.step),
            };
            if fires && edge.when.is_some() {
                let stopped = self.frame(node.frame).stopped;
                let back = self.def(to).incoming.iter().position(|incoming| {
                    (incoming.step, incoming.fires, incoming.when)
                        == (node.step, edge.fires, edge.when)
                });
                let back = back.expect("an edge is drawn at both of its ends") as u32;
                if !stopped {
                    self.undecided.push_back((to, back));
                }
            } else {
                self.settle_edge(to, fires, poisoned);
            }
        }
        let frame = self.frame_mut(node.frame);
        frame.open -= 1;
        if frame.open == 0 && !frame.stopped {
            self.finished.push_back(node.frame);
        }
    }

    fn settle_edge(&mut self, to: NodeIx, fires: bool, poisoned: bool) {
        let target = self.node_mut(to);
        target.open -= 1;
        target.fired += u32::from(fires);
        target.poisoned |= !fires && poisoned;
        if self.verdict(to).is_some() {
            self.enqueue(to);
        }
    }

    /// The condition of an edge has been looked at.
    pub(super) fn edge_decided(
        &mut self,
        to: NodeIx,
        edge: u32,
        fires: bool,
        error: Option<&TaskError>,
    ) {
        let seq = self.seq;
        if fires {
            self.node_mut(to).extra_mut().held.push((edge, seq));
        }
        let waits = matches!(self.node(to).phase, Phase::Waiting);
        if let (Some(error), true) = (error, waits) {
            self.node_mut(to).extra_mut().refused.get_or_insert_with(|| error.clone());
            self.enqueue(to);
        }
        self.settle_edge(to, fires, false);
    }

    /// Puts a step in the queue, unless it stands there, has begun, or must not.
    fn enqueue(&mut self, node: NodeIx) {
        let waits = matches!(self.node(node).phase, Phase::Waiting) && !self.node(node).queued;
        if waits && !self.is_stopped(node) {
            self.node_mut(node).queued = true;
            self.queue.push_back(node);
        }
    }

    /// Takes a node out of the queue; it is nearly always the first.
    pub(super) fn unqueue(&mut self, node: NodeIx) {
        if std::mem::take(&mut self.node_mut(node).queued)
            && let Some(at) = self.queue.iter().position(|&queued| queued == node)
        {
            self.queue.remove(at);
        }
    }

    /// What the edges of a node have decided.
    pub(super) fn verdict(&self, node: NodeIx) -> Option<Verdict> {
        let brief = self.brief(node);
        let node = self.node(node);
        join::verdict(brief.join, brief.incoming, node.open, node.fired, node.poisoned)
    }

    /// What the last round of a loop, or the body of a sub-workflow, ended with has been decided.
    pub(super) fn round_over(&mut self, node: NodeIx) {
        let frames = self.node(node).body().map(super::node::Body::frames).unwrap_or_default();
        if !frames.is_empty() {
            self.finished.retain(|finished| !frames.contains(finished));
        }
    }

    /// An attempt or routing has begun: counted in its frame and in those around it.
    pub(super) fn fly(&mut self, node: NodeIx) {
        self.count(node, |count| *count += 1);
    }

    /// It has ended.
    pub(super) fn land(&mut self, node: NodeIx) {
        self.count(node, |count| *count -= 1);
    }

    fn count(&mut self, node: NodeIx, change: impl Fn(&mut u32)) {
        if node.is_undo() {
            return change(&mut self.undos_in_flight);
        }
        let mut at = Some(node.frame);
        while let Some(frame) = at {
            let frame = self.frame_mut(frame);
            change(&mut frame.in_flight);
            at = frame.parent.map(|parent| parent.frame);
        }
    }

    /// Lets nothing start any more in some frames. What is in flight there keeps its deadlines, so that a worker that never answers does
    /// not hold the run up for ever.
    pub(super) fn stop(&mut self, which: impl Fn(&State, FrameIx) -> bool) {
        let frames: Vec<FrameIx> =
            self.frames().map(|(ix, _)| ix).filter(|&ix| which(self, ix)).collect();
        for &ix in &frames {
            self.frame_mut(ix).stopped = true;
            for step in 0..self.frame(ix).nodes.len() as u32 {
                let node = NodeIx { frame: ix, step };
                self.node_mut(node).queued = false;
                let is_task = matches!(self.def(node).step.kind, Kind::Task { .. });
                let flies = self.node(node).in_flight();
                self.disarm(node, |alarm| match alarm {
                    Alarm::Rest | Alarm::Timer | Alarm::Choice => true,
                    Alarm::Step => !is_task || !flies,
                    Alarm::Attempt | Alarm::Heartbeat => false,
                });
            }
        }
        let stopped = |state: &State, frame: FrameIx| state.frame(frame).stopped;
        let keep = |state: &State, node: &NodeIx| node.is_undo() || !stopped(state, node.frame);
        let queue = std::mem::take(&mut self.queue);
        self.queue = queue.into_iter().filter(|node| keep(self, node)).collect();
        let undecided = std::mem::take(&mut self.undecided);
        self.undecided = undecided.into_iter().filter(|(node, _)| keep(self, node)).collect();
        let finished = std::mem::take(&mut self.finished);
        self.finished = finished.into_iter().filter(|&frame| !stopped(self, frame)).collect();
        let mut awaiting = std::mem::take(&mut self.awaiting);
        awaiting.retain(|_, nodes| {
            nodes.retain(|node| keep(self, node));
            !nodes.is_empty()
        });
        self.awaiting = awaiting;
    }

    /// What a step works on: what its transformer made, or what follows from the steps before it, as of its start. That is the output of
    /// the step before, an object of outputs by step when there are several before, the failure where an edge on failure led here, and
    /// the input of the frame where nothing is before.
    pub(super) fn input_of(&self, node: NodeIx) -> Payload {
        if node.is_undo() {
            return self.undos[node.step as usize].input.clone();
        }
        if let Some(input) = self.node(node).extra().and_then(|extra| extra.input.as_ref()) {
            return input.clone();
        }
        let frame = self.frame(node.frame);
        let incoming = &frame.workflow.def(node.step).incoming;
        match incoming.as_slice() {
            [] => frame.input.clone(),
            [first, rest @ ..] if rest.iter().all(|edge| edge.step == first.step) => {
                let given = (0..incoming.len()).find_map(|edge| self.brought(node, edge));
                given.unwrap_or_default()
            }
            edges => {
                let mut parts: Vec<(&str, Payload)> = Vec::with_capacity(edges.len());
                for (at, edge) in edges.iter().enumerate() {
                    let id = frame.workflow.brief(edge.step).id.as_str();
                    if parts.last().is_none_or(|(last, _)| *last != id)
                        && let Some(payload) = self.brought(node, at)
                    {
                        parts.push((id, payload));
                    }
                }
                Payload::object(parts)
            }
        }
    }

    /// What an incoming edge brings; a dead one brings nothing, so that a handler which started for another reason is handed no success
    /// as a failure.
    fn brought(&self, node: NodeIx, edge: usize) -> Option<Payload> {
        let frame = self.frame(node.frame);
        let own = &frame.nodes[node.step as usize];
        let since = if own.since > 0 { own.since } else { u64::MAX };
        let drawn = frame.workflow.def(node.step).incoming[edge];
        let before = &frame.nodes[drawn.step as usize];
        if before.settled == 0 || before.settled > since {
            return None;
        }
        if drawn.when.is_some() {
            let held = own.extra().map_or(&[][..], |extra| &extra.held);
            held.iter().find(|(at, seq)| *at as usize == edge && *seq <= since)?;
        }
        match (&before.phase, drawn.fires) {
            (Phase::Failed { error, .. }, Fires::Failure | Fires::Always) => {
                Some(Payload::of(&**error).expect("a failure has a canonical form"))
            }
            (Phase::Succeeded { .. }, Fires::Success | Fires::Always) => {
                frame.view.output_of(drawn.step).cloned()
            }
            (Phase::Succeeded { .. }, Fires::Chosen) => {
                let way = before.extra().and_then(|extra| extra.way);
                (way == Some(node.step)).then(|| frame.view.output_of(drawn.step).cloned())?
            }
            _ => None,
        }
    }

    /// The round that is being gone through, and its frame if that has begun.
    pub(super) fn round_of(&self, node: NodeIx) -> Option<(u32, Option<FrameIx>)> {
        match self.node(node).body()? {
            super::node::Body::Loop { round, frames } => {
                Some((*round, frames.back().map(|(_, frame)| *frame)))
            }
            _ => None,
        }
    }

    /// Whether everything in a frame is settled.
    pub(super) fn is_over(&self, frame: FrameIx) -> bool {
        self.frames[frame as usize].as_deref().is_some_and(|frame| frame.open == 0)
    }
}
