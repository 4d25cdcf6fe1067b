//! Whether an event can be true of a step. A history that was damaged is refused here, so that the rest of the machine may rely on what it
//! knows about its phases.

use super::event::Event;
use super::node::{Body, NodeIx, Phase};
use super::state::State;
use crate::workflow::Kind;

impl State {
    pub(super) fn fits(&self, node: NodeIx, event: &Event) -> bool {
        let kind = &self.def(node).step.kind;
        let own = self.node(node);
        let phase = &own.phase;
        // A compensation needs no join to begin.
        let may_begin = matches!(phase, Phase::Waiting)
            && (own.queued || (node.is_undo() && self.unwinding.is_some()));
        match event {
            Event::RouteRequested { attempt, .. } | Event::AttemptStarted { attempt, .. } => {
                matches!(kind, Kind::Task { .. })
                    && match phase {
                        Phase::Waiting => may_begin && *attempt == 1,
                        Phase::Resting { attempt: next } => attempt == next,
                        _ => false,
                    }
            }
            Event::RouteDecided { attempt, .. } => {
                matches!(phase, Phase::Routing { attempt: current, .. } if attempt == current)
            }
            Event::AttemptRedispatched { attempt, .. } => match phase {
                Phase::Routing { attempt: current, .. }
                | Phase::Working { attempt: current, .. } => attempt == current,
                _ => false,
            },
            Event::AttemptFailed { attempt, .. } | Event::HeartbeatReceived { attempt, .. } => {
                matches!(phase, Phase::Working { attempt: current, .. } if attempt == current)
            }
            Event::StepSucceeded { attempt, .. } => match phase {
                Phase::Working { attempt: current, .. } => attempt == current,
                Phase::Inside => *attempt == 0 && self.body_over(node),
                _ => false,
            },
            Event::StepFailed { attempt, .. } => match phase {
                Phase::Waiting => may_begin && *attempt == 0,
                Phase::Routing { attempt: current, .. }
                | Phase::Working { attempt: current, .. } => attempt == current,
                Phase::Resting { attempt: next } => attempt + 1 == *next,
                Phase::Inside => *attempt == 0 && self.body_over(node),
                Phase::Asking | Phase::Awaiting => *attempt == 0,
                Phase::Stopping { .. } => *attempt == 0 && self.in_flight_inside(node) == 0,
                Phase::Succeeded { .. } | Phase::Failed { .. } | Phase::Skipped => false,
            },
            Event::StepSkipped { .. } => may_begin && !node.is_undo(),
            Event::StepStopping { .. } => matches!(phase, Phase::Inside),
            Event::BranchTaken { .. } => may_begin && matches!(kind, Kind::Branch { .. }),
            Event::LoopStarted { .. } => may_begin && matches!(kind, Kind::Loop { .. }),
            Event::MapExpanded { .. } => may_begin && matches!(kind, Kind::Map { .. }),
            Event::SubWorkflowStarted { .. } => may_begin && matches!(kind, Kind::Sub { .. }),
            Event::DecisionRequested { .. } => may_begin && matches!(kind, Kind::Decision { .. }),
            Event::WaitStarted { .. } => may_begin && matches!(kind, Kind::Wait { .. }),
            Event::RoundStarted { round, .. } => match (phase, self.round_of(node)) {
                (Phase::Inside, Some((current, None))) => *round == 0 && current == 0,
                (Phase::Inside, Some((current, Some(frame)))) => {
                    *round == current + 1 && self.is_over(frame)
                }
                _ => false,
            },
            Event::ItemStarted { item, .. } => match (phase, own.body()) {
                (Phase::Inside, Some(Body::Map { items, frames, .. })) => {
                    *item as usize == frames.len() && frames.len() < items.len()
                }
                _ => false,
            },
            Event::ItemEnded { item, .. } => match (phase, own.body()) {
                (Phase::Inside, Some(Body::Map { frames, .. })) => {
                    let frame = frames.get(*item as usize);
                    frame.is_some_and(|frame| self.finished.contains(frame))
                }
                _ => false,
            },
            Event::DecisionMade { .. } => matches!(phase, Phase::Asking),
            Event::WaitEnded { .. } => matches!(phase, Phase::Awaiting),
            // These speak of the run, or are looked at where they are applied.
            Event::RunStarted { .. }
            | Event::Forked { .. }
            | Event::Migrated { .. }
            | Event::EdgeDecided { .. }
            | Event::SignalReceived { .. }
            | Event::Paused
            | Event::Resumed
            | Event::CancelRequested { .. }
            | Event::UnwindingStarted { .. }
            | Event::RunEnded { .. } => true,
        }
    }

    /// Whether all that is inside a step has ended.
    fn body_over(&self, node: NodeIx) -> bool {
        match self.node(node).body() {
            Some(Body::Loop { frames, .. }) => {
                frames.back().is_some_and(|(_, frame)| self.is_over(*frame))
            }
            Some(Body::Map { items, frames, running, .. }) => {
                *running == 0 && frames.len() == items.len()
            }
            Some(Body::Sub { frame }) => self.is_over(*frame),
            None => false,
        }
    }
}
