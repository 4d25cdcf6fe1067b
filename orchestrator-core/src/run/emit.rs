//! Events go into the history and the state; commands come out of them.

use super::Run;
use super::command::Command;
use super::event::{Event, Recorded};
use super::input::AttemptId;
use super::state::{NodeIx, Phase};
use crate::path::Path;
use crate::route::Request;
use crate::task::{Cancellation, Notes, Task};
use crate::workflow::Kind;

/// A command that has not been polled: the task is made when it is.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    pub(super) path: Path,
    pub(super) attempt: u32,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Execute,
    Route,
    Cancel,
}

impl Run {
    /// Records an event: the only way in which a run changes.
    pub(super) fn emit(&mut self, event: Event) {
        let seq = self.history.len() as u64 + 1;
        let applied = self.state.apply(&self.workflow, seq, &event);
        debug_assert!(applied.is_ok(), "decisions speak of steps that are there: {applied:?}");
        self.cause(seq, &event);
        if let Event::RunEnded { result } = &event {
            self.result = Some(result.clone());
        }
        self.history.push(Recorded { seq, at: self.now, event });
    }

    /// The commands that an event causes.
    fn cause(&mut self, seq: u64, event: &Event) {
        match event {
            Event::AttemptStarted { path, attempt, .. }
            | Event::AttemptRedispatched { path, attempt, .. }
            | Event::RouteDecided { path, attempt, .. } => {
                self.ask(seq, path.clone(), *attempt, What::Execute);
            }
            Event::RouteRequested { path, attempt, .. } => {
                self.ask(seq, path.clone(), *attempt, What::Route);
            }
            Event::CancelRequested { .. } => {
                let in_flight: Vec<NodeIx> = self.state.in_flight.iter().copied().collect();
                for node in in_flight {
                    if let Phase::Working { attempt, .. } = self.state.node(node).phase {
                        self.ask(seq, self.state.path(node), attempt, What::Cancel);
                    }
                }
            }
            Event::RunStarted { .. }
            | Event::StepSucceeded { .. }
            | Event::AttemptFailed { .. }
            | Event::StepFailed { .. }
            | Event::StepSkipped { .. }
            | Event::LoopStarted { .. }
            | Event::RoundStarted { .. }
            | Event::LoopSucceeded { .. }
            | Event::Paused
            | Event::Resumed
            | Event::RunEnded { .. } => {}
        }
    }

    pub(super) fn ask(&mut self, seq: u64, path: Path, attempt: u32, what: What) {
        self.commands.push_back((seq, Pending { path, attempt, what }));
    }

    /// The next command whose cause is committed. None while the run is paused: what has been recorded and not handed out yet waits for
    /// [`Input::Resumed`](crate::Input::Resumed), or for the end.
    pub fn poll_command(&mut self) -> Option<Command> {
        if self.state.paused {
            return None;
        }
        loop {
            let (seq, _) = self.commands.front()?;
            if *seq > self.committed {
                return None;
            }
            let (_, pending) = self.commands.pop_front()?;
            // A command whose attempt has been answered meanwhile is no longer of use.
            if let Some(command) = self.command(pending) {
                return Some(command);
            }
        }
    }

    fn command(&self, Pending { path, attempt, what }: Pending) -> Option<Command> {
        let node = self.state.locate(&path)?;
        let id = AttemptId { path, attempt };
        match (&self.state.node(node).phase, what) {
            (Phase::Working { attempt: current, worker, .. }, What::Execute)
                if *current == attempt =>
            {
                let worker = worker.clone();
                let task = Box::new(self.task(node, id.clone()));
                Some(Command::Execute { attempt: id, worker, task })
            }
            (Phase::Working { attempt: current, .. }, What::Cancel) if *current == attempt => {
                Some(Command::Cancel { attempt: id })
            }
            (Phase::Routing { attempt: current }, What::Route) if *current == attempt => {
                let request = Box::new(self.request(node, &id)?);
                let candidates = self.options.staff.of(&request.role);
                Some(Command::Route { attempt: id, request, candidates })
            }
            _ => None,
        }
    }

    fn task(&self, node: NodeIx, AttemptId { path, attempt }: AttemptId) -> Task {
        let role = match &self.state.def(node).step.kind {
            Kind::Task { role, .. } => role.clone(),
            _ => unreachable!("a loop is never dispatched"),
        };
        Task {
            run: self.options.id.clone(),
            path,
            role,
            attempt,
            seed: self.state.seed_of(node, attempt),
            input: self.state.node(node).input.clone().unwrap_or_default(),
            context: self.state.context(node),
            cancellation: self.cancellation(),
            notes: Notes::ignored(),
        }
    }

    /// An attempt that is handed out only after the run was cancelled is told so at once.
    fn cancellation(&self) -> Cancellation {
        match self.state.cancelled {
            None => Cancellation::never(),
            Some(_) => {
                let (canceller, cancellation) = Cancellation::new();
                canceller.cancel();
                cancellation
            }
        }
    }

    /// What a router is asked about a step.
    fn request(&self, node: NodeIx, AttemptId { path, attempt }: &AttemptId) -> Option<Request> {
        let Kind::Task { role, .. } = &self.state.def(node).step.kind else {
            return None;
        };
        Some(Request {
            run: self.options.id.clone(),
            path: path.clone(),
            role: role.clone(),
            attempt: *attempt,
            tried: self.state.node(node).tried.clone(),
            input: self.state.node(node).input.clone().unwrap_or_default(),
            goal: self.state.goal.to_string(),
            seed: self.state.seed_of(node, *attempt).derive("route"),
        })
    }
}
