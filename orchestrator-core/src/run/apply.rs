//! Events change the state, and nothing else does. No decision is made here and no user code called, which is why a replay is safe.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::event::Event;
use super::node::{Alarm, Body, NodeIx, Phase};
use super::state::State;
use crate::context::{Item, Round};
use crate::path::Path;
use crate::payload::Payload;
use crate::time::Timestamp;
use crate::workflow::{Awaited, Kind, Workflow};

/// A history that does not fit the workflow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {seq} does not fit step {path}, which is not there or not at that point")]
pub struct Misfit {
    /// The event.
    pub seq: u64,
    /// The step that it speaks of.
    pub path: Path,
}

impl State {
    /// Applies one event. `workflow` is the definition of the run.
    pub(super) fn apply(
        &mut self,
        workflow: &Workflow,
        seq: u64,
        at: Timestamp,
        event: &Event,
    ) -> Result<(), Misfit> {
        (self.seq, self.at) = (seq, at);
        let find = |state: &State, path: &Path| {
            let node = state.locate(path).ok().filter(|&node| state.fits(node, event));
            node.ok_or_else(|| Misfit { seq, path: path.clone() })
        };
        match event {
            Event::RunStarted { seed, goal, input, .. } => {
                self.seed = *seed;
                self.goal = goal.as_str().into();
                self.open_frame(workflow, input.clone(), None, (None, None));
            }
            Event::RouteRequested { path, attempt, input } => {
                let node = find(self, path)?;
                self.begin(node, input.as_ref());
                self.fly(node);
                self.node_mut(node).phase = Phase::Routing { attempt: *attempt, redispatches: 0 };
            }
            Event::RouteDecided { path, attempt, decision } => {
                let node = find(self, path)?;
                let worker = self.workers.number(&decision.worker);
                self.work(node, *attempt, worker);
            }
            Event::AttemptStarted { path, attempt, worker, input } => {
                let node = find(self, path)?;
                let worker = self.workers.number(worker);
                self.started(node, *attempt, worker, input.as_ref());
            }
            Event::AttemptRedispatched { path, redispatches: times, .. } => {
                let node = find(self, path)?;
                if let Phase::Working { redispatches, .. } | Phase::Routing { redispatches, .. } =
                    &mut self.node_mut(node).phase
                {
                    *redispatches = *times;
                }
                self.time_attempt(node);
            }
            Event::HeartbeatReceived { path, .. } => {
                let node = find(self, path)?;
                self.heard(node);
            }
            Event::StepSucceeded { path, attempt, output, .. } => {
                let node = find(self, path)?;
                self.succeed(node, *attempt, output.clone());
            }
            Event::AttemptFailed { path, attempt, retry_at, .. } => {
                let node = find(self, path)?;
                if let Phase::Working { worker, .. } = self.node(node).phase {
                    self.node_mut(node).extra_mut().tried.push(worker);
                }
                self.land(node);
                self.disarm(node, |alarm| alarm != Alarm::Step);
                self.arm(node, *retry_at, Alarm::Rest);
                self.node_mut(node).phase = Phase::Resting { attempt: *attempt + 1 };
            }
            Event::StepFailed { path, attempt, error } => {
                let node = find(self, path)?;
                self.fail(node, *attempt, Arc::new(error.clone()));
            }
            Event::StepSkipped { path } => {
                let node = find(self, path)?;
                self.skip(node);
            }
            Event::StepStopping { path, error } => {
                let node = find(self, path)?;
                self.disarm(node, |_| true);
                self.node_mut(node).phase = Phase::Stopping { error: Arc::new(error.clone()) };
                self.stopping.push(node);
                self.stop(|state, frame| state.is_inside(frame, node));
            }
            Event::EdgeDecided { path, from, fires, error } => {
                let node = self.locate(path).map_err(|_| Misfit { seq, path: path.clone() })?;
                let open = self.undecided.iter().position(|&(to, edge)| {
                    let before = self.def(to).incoming[edge as usize].step;
                    to == node && self.frame(to.frame).workflow.def(before).id == *from
                });
                let open = open.ok_or_else(|| Misfit { seq, path: path.clone() })?;
                if let Some((_, edge)) = self.undecided.remove(open) {
                    self.edge_decided(node, edge, *fires, error.as_ref());
                }
            }
            Event::BranchTaken { path, to, input } => {
                let node = find(self, path)?;
                let way = self.frame(node.frame).workflow.position(to.as_str());
                let known = way.filter(|way| self.def(node).ways.contains(way));
                let way = known.ok_or_else(|| Misfit { seq, path: path.clone() })?;
                self.begin(node, input.as_ref());
                self.node_mut(node).extra_mut().way = Some(way);
                let output = self.input_of(node);
                self.succeed(node, 0, output);
            }
            Event::LoopStarted { path, input } => {
                let node = find(self, path)?;
                self.begin(node, input.as_ref());
                let body = Body::Loop { round: 0, frames: VecDeque::new() };
                self.enter(node, body);
            }
            Event::RoundStarted { path, round, carried } => {
                let node = find(self, path)?;
                self.start_round(node, *round, carried);
            }
            Event::MapExpanded { path, input, len, .. } => {
                let node = find(self, path)?;
                self.begin(node, input.as_ref());
                let items: Vec<Payload> = self.input_of(node).to().unwrap_or_default();
                if items.len() as u64 != u64::from(*len) {
                    return Err(Misfit { seq, path: path.clone() });
                }
                let failed = BTreeMap::new();
                self.enter(node, Body::Map { items, frames: Vec::new(), running: 0, failed });
            }
            Event::ItemStarted { path, item } => {
                let node = find(self, path)?;
                self.start_item(node, *item);
            }
            Event::ItemEnded { path, item, error } => {
                let node = find(self, path)?;
                if let Some(Body::Map { frames, running, failed, .. }) =
                    self.node_mut(node).body_mut()
                {
                    let frame = frames[*item as usize];
                    *running -= 1;
                    failed.extend(error.clone().map(|error| (*item, error)));
                    self.finished.retain(|finished| *finished != frame);
                }
            }
            Event::SubWorkflowStarted { path, input } => {
                let node = find(self, path)?;
                self.begin(node, input.as_ref());
                let input = self.input_of(node);
                let frame = self.open_inside(node, 0, input, (None, None));
                self.enter(node, Body::Sub { frame });
            }
            Event::DecisionRequested { path, deadline, input } => {
                let node = find(self, path)?;
                self.begin(node, input.as_ref());
                self.node_mut(node).phase = Phase::Asking;
                if let Some(deadline) = deadline {
                    self.arm(node, *deadline, Alarm::Choice);
                }
            }
            Event::DecisionMade { path, decided } => {
                let node = find(self, path)?;
                let output = Payload::of(decided).expect("texts and a payload have a form");
                self.succeed(node, 0, output);
            }
            Event::WaitStarted { path, until, input } => {
                let node = find(self, path)?;
                self.begin(node, input.as_ref());
                self.node_mut(node).phase = Phase::Awaiting;
                if let Some(until) = until {
                    self.arm(node, *until, Alarm::Timer);
                }
                if let Some(name) = self.awaited_signal(node) {
                    self.awaiting.entry(name).or_default().push_back(node);
                }
            }
            Event::WaitEnded { path, output } => {
                let node = find(self, path)?;
                if let Some(name) = self.awaited_signal(node) {
                    let used = self.signals.get_mut(&name).and_then(VecDeque::pop_front);
                    used.ok_or_else(|| Misfit { seq, path: path.clone() })?;
                }
                self.succeed(node, 0, output.clone());
            }
            Event::SignalReceived { name, payload } => {
                self.signals.entry(name.clone()).or_default().push_back(payload.clone());
            }
            Event::Paused => self.paused = true,
            Event::Resumed => self.paused = false,
            Event::CancelRequested { reason } => {
                self.cancelled = Some(reason.clone());
                self.paused = false;
                self.stop(|_, _| true);
            }
            Event::UnwindingStarted { result } => {
                self.unwinding = Some(result.clone());
                self.stop(|_, _| true);
            }
            Event::RunEnded { .. } => {
                self.queue.clear();
                self.undecided.clear();
                self.finished.clear();
                self.awaiting.clear();
                self.deadlines.clear();
            }
            Event::Forked { .. } | Event::Migrated { .. } => {}
        }
        Ok(())
    }

    /// An attempt by a known worker begins.
    pub(super) fn started(
        &mut self,
        node: NodeIx,
        attempt: u32,
        worker: u32,
        input: Option<&Payload>,
    ) {
        self.begin(node, input);
        self.fly(node);
        self.work(node, attempt, worker);
    }

    /// The node has left the queue or its rest.
    fn begin(&mut self, node: NodeIx, input: Option<&Payload>) {
        self.unqueue(node);
        if self.node(node).since == 0 {
            let (seq, at) = (self.seq, self.at);
            self.node_mut(node).since = seq;
            if self.brief(node).timed
                && !node.is_undo()
                && let Some(limit) = self.def(node).step.timeouts.step_ms
            {
                self.arm(node, at.after_ms(limit), Alarm::Step);
            }
        }
        if let Phase::Resting { .. } = self.node(node).phase {
            self.disarm(node, |alarm| alarm == Alarm::Rest);
        }
        if let Some(input) = input {
            self.node_mut(node).extra_mut().input = Some(input.clone());
        }
    }

    fn work(&mut self, node: NodeIx, attempt: u32, worker: u32) {
        self.node_mut(node).phase = Phase::Working { attempt, worker, redispatches: 0 };
        self.time_attempt(node);
    }

    /// Begins the time of an attempt, and that of its silence, anew.
    fn time_attempt(&mut self, node: NodeIx) {
        if !self.brief(node).timed {
            return;
        }
        let timeouts = self.def(node).step.timeouts;
        if let (Some(limit), Phase::Working { .. }) = (timeouts.attempt_ms, &self.node(node).phase)
        {
            self.disarm(node, |alarm| alarm == Alarm::Attempt);
            self.arm(node, self.at.after_ms(limit), Alarm::Attempt);
        }
        self.heard(node);
    }

    fn heard(&mut self, node: NodeIx) {
        let limit = self.def(node).step.timeouts.heartbeat_ms;
        if let (Some(limit), Phase::Working { .. }) = (limit, &self.node(node).phase) {
            let at = self.at;
            self.disarm(node, |alarm| alarm == Alarm::Heartbeat);
            self.arm(node, at.after_ms(limit), Alarm::Heartbeat);
            self.node_mut(node).extra_mut().heard = at;
        }
    }

    /// The step's body begins.
    fn enter(&mut self, node: NodeIx, body: Body) {
        let node = self.node_mut(node);
        node.phase = Phase::Inside;
        node.extra_mut().body = Some(body);
    }

    fn open_inside(
        &mut self,
        node: NodeIx,
        index: u32,
        input: Payload,
        place: (Option<Round>, Option<Item>),
    ) -> u32 {
        let body = self.def(node).step.kind.body().expect("only such steps are entered").clone();
        self.open_frame(&body, input, Some((node, index)), place)
    }

    fn start_round(&mut self, node: NodeIx, index: u32, carried: &Payload) {
        self.round_over(node);
        let kept = match self.def(node).step.kind {
            Kind::Loop { rounds_kept, .. } => rounds_kept as usize,
            _ => unreachable!("only a loop has rounds"),
        };
        let input = self.input_of(node);
        let place = Round { index, carried: carried.clone() };
        let frame = self.open_inside(node, index, input, (Some(place), None));
        let Some(Body::Loop { round, frames }) = self.node_mut(node).body_mut() else {
            unreachable!("a loop that has begun has its body")
        };
        *round = index;
        frames.push_back((index, frame));
        while let Some(Body::Loop { frames, .. }) = self.node(node).body()
            && frames.len() > kept.max(1)
            && let Some((_, oldest)) = frames.front().copied()
            // What may have to be undone needs to see what it saw.
            && !self.may_be_undone(oldest)
        {
            if let Some(Body::Loop { frames, .. }) = self.node_mut(node).body_mut() {
                frames.pop_front();
            }
            self.drop_frame(oldest);
        }
    }

    fn start_item(&mut self, node: NodeIx, index: u32) {
        let Some(Body::Map { items, .. }) = self.node(node).body() else {
            unreachable!("a map that has begun has its body")
        };
        let value = items[index as usize].clone();
        let place = Item { index, value: value.clone() };
        let frame = self.open_inside(node, index, value, (None, Some(place)));
        if let Some(Body::Map { frames, running, .. }) = self.node_mut(node).body_mut() {
            frames.push(frame);
            *running += 1;
        }
    }

    /// The name of the signal that a step waits for.
    pub(super) fn awaited_signal(&self, node: NodeIx) -> Option<crate::id::SignalName> {
        match &self.def(node).step.kind {
            Kind::Wait { awaited: Awaited::Signal(name) } => {
                Some(crate::id::SignalName::parse(name).expect("checked when it was built"))
            }
            _ => None,
        }
    }

    pub(super) fn arm(&mut self, node: NodeIx, instant: Timestamp, alarm: Alarm) {
        self.deadlines.insert((instant, alarm, node));
        self.node_mut(node).extra_mut().deadlines.push((instant, alarm));
    }

    /// Takes back the deadlines of a node that are of this kind.
    pub(super) fn disarm(&mut self, node: NodeIx, which: impl Fn(Alarm) -> bool) {
        if self.node(node).extra().is_none_or(|extra| extra.deadlines.is_empty()) {
            return;
        }
        let deadlines = &mut self.node_mut(node).extra_mut().deadlines;
        let gone: Vec<_> = deadlines.extract_if(.., |(_, alarm)| which(*alarm)).collect();
        for (instant, alarm) in gone {
            self.deadlines.remove(&(instant, alarm, node));
        }
    }
}
