//! Events change the state, and nothing else does. No decision is made here and no user code called, which is why a replay is safe.

use super::event::Event;
use super::join::{self, Verdict};
use super::state::{NodeIx, Phase, State};

use crate::context::Round;
use crate::id::WorkerName;
use crate::path::{FramePath, Path};
use crate::payload::Payload;
use crate::task::TaskError;
use crate::workflow::{Fires, Kind, Workflow};

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
        event: &Event,
    ) -> Result<(), Misfit> {
        self.seq = seq;
        let locate = |state: &State, path: &Path| {
            let node = state.locate(path).filter(|&node| state.fits(node, event));
            node.ok_or_else(|| Misfit { seq, path: path.clone() })
        };
        match event {
            Event::RunStarted { seed, goal, input, .. } => {
                self.seed = *seed;
                self.goal = goal.as_str().into();
                self.input = input.clone();
                self.open_frame(workflow, FramePath::root(), None, None);
            }
            Event::RouteRequested { path, attempt, input } => {
                let node = locate(self, path)?;
                self.begin(node, input.as_ref());
                self.node_mut(node).phase = Phase::Routing { attempt: *attempt };
                self.in_flight.insert(node);
            }
            Event::RouteDecided { path, attempt, decision } => {
                let node = locate(self, path)?;
                self.work(node, *attempt, decision.worker.clone());
            }
            Event::AttemptStarted { path, attempt, worker, input } => {
                let node = locate(self, path)?;
                self.begin(node, input.as_ref());
                self.work(node, *attempt, worker.clone());
            }
            Event::AttemptRedispatched { path, redispatches: times, .. } => {
                let node = locate(self, path)?;
                if let Phase::Working { redispatches, .. } = &mut self.node_mut(node).phase {
                    *redispatches = *times;
                }
            }
            Event::StepSucceeded { path, attempt, output, .. } => {
                let node = locate(self, path)?;
                self.succeed(node, *attempt, output.clone());
            }
            Event::AttemptFailed { path, attempt, retry_at, .. } => {
                let node = locate(self, path)?;
                self.in_flight.remove(&node);
                self.deadlines.insert((*retry_at, node));
                self.node_mut(node).phase =
                    Phase::Resting { attempt: *attempt + 1, until: *retry_at };
            }
            Event::StepFailed { path, attempt, error } => {
                let node = locate(self, path)?;
                self.fail(node, *attempt, error.clone());
            }
            Event::StepSkipped { path } => {
                let node = locate(self, path)?;
                self.unqueue(node);
                self.node_mut(node).phase = Phase::Skipped;
                self.settle(node);
            }
            Event::LoopStarted { path, input } => {
                let node = locate(self, path)?;
                self.begin(node, Some(input));
                self.node_mut(node).phase = Phase::Looping { round: 0 };
            }
            Event::RoundStarted { path, round, carried } => {
                let node = locate(self, path)?;
                self.start_round(node, path, *round, carried);
            }
            Event::LoopSucceeded { path, output } => {
                let node = locate(self, path)?;
                self.succeed(node, 0, output.clone());
            }
            Event::Paused => self.paused = true,
            Event::Resumed => self.paused = false,
            Event::CancelRequested { reason } => {
                self.cancelled = Some(reason.clone());
                self.paused = false;
                self.deadlines.clear();
            }
            Event::RunEnded { .. } => {
                self.queue.clear();
                self.finished.clear();
                self.deadlines.clear();
            }
        }
        Ok(())
    }

    /// Whether the step is at a point where this can happen to it. A history that was damaged is refused here, so that the rest of the
    /// machine may rely on what it knows about its phases.
    fn fits(&self, node: NodeIx, event: &Event) -> bool {
        let is_loop = matches!(self.def(node).step.kind, Kind::Loop { .. });
        let queued = self.node(node).queued;
        let phase = &self.node(node).phase;
        match event {
            Event::RouteRequested { attempt, .. } | Event::AttemptStarted { attempt, .. } => {
                !is_loop
                    && match phase {
                        Phase::Waiting => queued && *attempt == 1,
                        Phase::Resting { attempt: next, .. } => attempt == next,
                        _ => false,
                    }
            }
            Event::RouteDecided { attempt, .. } => {
                matches!(phase, Phase::Routing { attempt: current } if attempt == current)
            }
            Event::AttemptRedispatched { attempt, .. }
            | Event::StepSucceeded { attempt, .. }
            | Event::AttemptFailed { attempt, .. } => {
                matches!(phase, Phase::Working { attempt: current, .. } if attempt == current)
            }
            Event::StepFailed { attempt, .. } => match phase {
                Phase::Waiting => queued && *attempt == 0,
                Phase::Routing { attempt: current } | Phase::Working { attempt: current, .. } => {
                    attempt == current
                }
                Phase::Looping { round } => *attempt == 0 && self.round_ended(node, *round),
                Phase::Resting { .. }
                | Phase::Succeeded { .. }
                | Phase::Failed { .. }
                | Phase::Skipped => false,
            },
            Event::StepSkipped { .. } => queued && matches!(phase, Phase::Waiting),
            Event::LoopStarted { .. } => is_loop && queued && matches!(phase, Phase::Waiting),
            Event::RoundStarted { round, .. } => match phase {
                Phase::Looping { round: current } => match self.round_frame(node, *current) {
                    None => *round == 0 && *current == 0,
                    Some(_) => *round == current + 1 && self.round_ended(node, *current),
                },
                _ => false,
            },
            Event::LoopSucceeded { .. } => {
                matches!(phase, Phase::Looping { round } if self.round_ended(node, *round))
            }
            Event::RunStarted { .. }
            | Event::Paused
            | Event::Resumed
            | Event::CancelRequested { .. }
            | Event::RunEnded { .. } => true,
        }
    }

    fn round_ended(&self, node: NodeIx, round: u32) -> bool {
        let frame = self.round_frame(node, round);
        frame.is_some_and(|frame| self.frames[frame as usize].open == 0)
    }

    /// The node has left the queue or its rest.
    fn begin(&mut self, node: NodeIx, input: Option<&Payload>) {
        self.unqueue(node);
        if let Phase::Waiting = self.node(node).phase {
            self.node_mut(node).since = self.seq;
        }
        if let Phase::Resting { until, .. } = self.node(node).phase {
            self.deadlines.remove(&(until, node));
        }
        if let Some(input) = input {
            self.node_mut(node).input = Some(input.clone());
        }
    }

    fn work(&mut self, node: NodeIx, attempt: u32, worker: WorkerName) {
        self.in_flight.insert(node);
        let node = self.node_mut(node);
        node.tried.push(worker.clone());
        node.phase = Phase::Working { attempt, worker, redispatches: 0 };
    }

    fn succeed(&mut self, node: NodeIx, attempt: u32, output: Payload) {
        self.in_flight.remove(&node);
        self.round_over(node);
        self.set_output(node, output);
        self.node_mut(node).phase = Phase::Succeeded { attempt };
        self.settle(node);
    }

    fn fail(&mut self, node: NodeIx, attempt: u32, error: TaskError) {
        self.unqueue(node);
        self.in_flight.remove(&node);
        self.round_over(node);
        self.node_mut(node).phase = Phase::Failed { attempt, error };
        self.settle(node);
    }

    fn start_round(&mut self, node: NodeIx, path: &Path, round: u32, carried: &Payload) {
        self.round_over(node);
        self.node_mut(node).phase = Phase::Looping { round };
        let body = match &self.def(node).step.kind {
            Kind::Loop { body, .. } => body.clone(),
            _ => unreachable!("only a loop is looping"),
        };
        let sight = Round { index: round, carried: carried.clone() };
        self.open_frame(&body, FramePath::round(path, round), Some(node), Some(sight));
    }

    /// What the round of a loop ended with has been decided; its frame is nearly always the first that waits for that.
    fn round_over(&mut self, node: NodeIx) {
        if let Phase::Looping { .. } = self.node(node).phase
            && let Some(at) = (self.finished.iter())
                .position(|&frame| self.frames[frame as usize].parent == Some(node))
        {
            self.finished.remove(at);
        }
    }

    /// Settles the edges that go out of a node which has just ended, and counts it off in its frame.
    fn settle(&mut self, node: NodeIx) {
        let frame_ix = self.node(node).frame;
        let base = self.frames[frame_ix as usize].base;
        let handled = self.def(node).handles_failure();
        let (succeeded, failed, poisoned) = match self.node(node).phase {
            Phase::Succeeded { .. } => (true, false, false),
            Phase::Failed { .. } => (false, true, !handled),
            _ => (false, false, self.node(node).poisoned),
        };
        for at in 0..self.def(node).outgoing.len() {
            let edge = self.def(node).outgoing[at];
            let fires = match edge.fires {
                Fires::Chosen => false,
                Fires::Success => succeeded,
                Fires::Failure => failed,
                Fires::Always => succeeded || failed,
            };
            let to = base + edge.step;
            let target = self.node_mut(to);
            target.open -= 1;
            target.fired += u32::from(fires);
            target.poisoned |= !fires && poisoned;
            let waits = matches!(target.phase, Phase::Waiting) && !target.queued;
            if waits && self.verdict(to).is_some() {
                self.node_mut(to).queued = true;
                self.queue.push_back(to);
            }
        }
        let frame = &mut self.frames[frame_ix as usize];
        frame.open -= 1;
        if frame.open == 0 {
            self.finished.push_back(frame_ix);
        }
    }

    /// What the edges of a node have decided.
    pub(super) fn verdict(&self, node: NodeIx) -> Option<Verdict> {
        let def = self.def(node);
        let node = self.node(node);
        let total = def.incoming.len() as u32;
        join::verdict(def.step.join, total, node.open, node.fired, node.poisoned)
    }

    /// Takes a node out of the queue; it is nearly always the first.
    pub(super) fn unqueue(&mut self, node: NodeIx) {
        if std::mem::take(&mut self.node_mut(node).queued)
            && let Some(at) = self.queue.iter().position(|&queued| queued == node)
        {
            self.queue.remove(at);
        }
    }
}
