//! What simulations have reached. A simulator that never comes to a case says nothing of it.

use std::collections::BTreeMap;
use std::fmt;

use crate::run::Event;

/// How often each thing was reached: events by their names, failures by their codes (`code worker_lost`), what the host did by words of
/// its own (`crash`, `torn line`, `late answer`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    simulations: u64,
    reached: BTreeMap<String, u64>,
}

impl Coverage {
    /// How many simulations it counts.
    pub fn simulations(&self) -> u64 {
        self.simulations
    }

    /// How often something was reached.
    pub fn count(&self, what: &str) -> u64 {
        self.reached.get(what).copied().unwrap_or(0)
    }

    /// Everything that was reached, by name.
    pub fn reached(&self) -> impl Iterator<Item = (&str, u64)> {
        self.reached.iter().map(|(what, times)| (what.as_str(), *times))
    }

    pub(super) fn add(&mut self, other: &Coverage) {
        self.simulations += other.simulations;
        for (what, times) in &other.reached {
            *self.reached.entry(what.clone()).or_default() += times;
        }
    }

    pub(super) fn one(&mut self) {
        self.simulations += 1;
    }

    pub(super) fn note(&mut self, what: &str) {
        match self.reached.get_mut(what) {
            Some(times) => *times += 1,
            None => {
                self.reached.insert(what.to_owned(), 1);
            }
        }
    }

    pub(super) fn note_event(&mut self, event: &Event) {
        self.note(word(event));
        let error = match event {
            Event::AttemptFailed { error, .. }
            | Event::StepFailed { error, .. }
            | Event::StepStopping { error, .. } => Some(error),
            Event::EdgeDecided { error, .. } | Event::ItemEnded { error, .. } => error.as_ref(),
            _ => None,
        };
        if let Some(error) = error {
            self.note(&format!("code {}", error.code));
        }
        let path = match event {
            Event::AttemptStarted { path, .. } | Event::RouteRequested { path, .. } => Some(path),
            _ => None,
        };
        if path.is_some_and(crate::path::Path::is_compensation) {
            self.note("compensation");
        }
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} simulations", self.simulations)?;
        self.reached().try_for_each(|(what, times)| writeln!(f, "{times:>9}  {what}"))
    }
}

fn word(event: &Event) -> &'static str {
    match event {
        Event::RunStarted { .. } => "run_started",
        Event::Forked { .. } => "forked",
        Event::Migrated { .. } => "migrated",
        Event::RouteRequested { .. } => "route_requested",
        Event::RouteDecided { .. } => "route_decided",
        Event::AttemptStarted { .. } => "attempt_started",
        Event::AttemptRedispatched { .. } => "attempt_redispatched",
        Event::HeartbeatReceived { .. } => "heartbeat_received",
        Event::StepSucceeded { .. } => "step_succeeded",
        Event::AttemptFailed { .. } => "attempt_failed",
        Event::StepFailed { .. } => "step_failed",
        Event::StepSkipped { .. } => "step_skipped",
        Event::StepStopping { .. } => "step_stopping",
        Event::EdgeDecided { .. } => "edge_decided",
        Event::BranchTaken { .. } => "branch_taken",
        Event::LoopStarted { .. } => "loop_started",
        Event::RoundStarted { .. } => "round_started",
        Event::MapExpanded { .. } => "map_expanded",
        Event::ItemStarted { .. } => "item_started",
        Event::ItemEnded { .. } => "item_ended",
        Event::SubWorkflowStarted { .. } => "sub_workflow_started",
        Event::DecisionRequested { .. } => "decision_requested",
        Event::DecisionMade { .. } => "decision_made",
        Event::WaitStarted { .. } => "wait_started",
        Event::WaitEnded { .. } => "wait_ended",
        Event::SignalReceived { .. } => "signal_received",
        Event::Paused => "paused",
        Event::Resumed => "resumed",
        Event::CancelRequested { .. } => "cancel_requested",
        Event::UnwindingStarted { .. } => "unwinding_started",
        Event::RunEnded { .. } => "run_ended",
    }
}
