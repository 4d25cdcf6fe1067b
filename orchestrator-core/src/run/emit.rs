//! Events go into the history and the state; commands come out of them.

use std::collections::BTreeSet;

use super::Run;
use super::command::Command;
use super::event::Event;
use super::history::{Fact, is_free};
use super::input::AttemptId;
use super::node::{Alarm, NodeIx, Phase};
use crate::cancellation::Cancellation;
use crate::id::{Capability, Role, WorkerName};
use crate::path::Path;
use crate::payload::Payload;
use crate::retry::RetryPolicy;
use crate::route::Request;
use crate::task::{Notes, SeedOf, Task, Usage};
use crate::workflow::Kind;

/// A command that has not been polled: what it carries is made when it is.
#[derive(Debug, Clone)]
pub(super) enum Pending {
    Execute(NodeIx, u32),
    Route(NodeIx, u32),
    /// Tells a worker to stop as long as its attempt is in flight.
    Cancel(NodeIx, u32),
    /// Tells a worker to stop whose attempt has run out of time.
    Stop(Box<AttemptId>),
    Decide(NodeIx),
    Withdraw(Box<Path>),
}

/// What is to be done at a node, and how.
pub(super) struct Job<'a> {
    pub(super) role: &'a Role,
    pub(super) requires: &'a BTreeSet<Capability>,
    pub(super) retry: &'a RetryPolicy,
}

/// A compensation requires nothing but its role.
static NOTHING: BTreeSet<Capability> = BTreeSet::new();

impl Run {
    /// Records an event: the only way in which a run changes.
    pub(super) fn emit(&mut self, event: Event) {
        let seq = self.event_count() + 1;
        let called_back = self.called_back(&event);
        let applied = self.state.apply(&self.workflow, seq, self.now, &event);
        debug_assert!(applied.is_ok(), "decisions speak of steps that are there: {applied:?}");
        self.cause(seq, &event);
        self.commands.extend(called_back.into_iter().map(|command| (seq, command)));
        if let Event::RunEnded { result, .. } = &event {
            self.result = Some(result.clone());
        }
        let fact = Fact::of(event, &mut self.state);
        self.history.push(self.now, fact);
    }

    /// Records that an attempt has begun: what [`emit`](Run::emit) does, without making an event that is made into numbers at once.
    pub(super) fn emit_started(
        &mut self,
        node: NodeIx,
        attempt: u32,
        worker: WorkerName,
        input: Option<Payload>,
    ) {
        if node.frame != 0 {
            let path = self.state.path(node);
            return self.emit(Event::AttemptStarted { path, attempt, worker, input });
        }
        let seq = self.event_count() + 1;
        (self.state.seq, self.state.at) = (seq, self.now);
        let worker = self.state.workers.number(&worker);
        self.state.started(node, attempt, worker, input.as_ref());
        self.commands.push_back((seq, Pending::Execute(node, attempt)));
        self.history.push(self.now, Fact::Started { step: node.step, attempt, worker, input });
    }

    /// Records that a step has succeeded; as [`emit_started`](Run::emit_started).
    pub(super) fn emit_succeeded(
        &mut self,
        node: NodeIx,
        attempt: u32,
        output: Payload,
        usage: Usage,
    ) {
        if node.frame != 0 || !is_free(usage) {
            let path = self.state.path(node);
            return self.emit(Event::StepSucceeded { path, attempt, output, usage });
        }
        (self.state.seq, self.state.at) = (self.event_count() + 1, self.now);
        self.state.succeed(node, attempt, output.clone());
        self.history.push(self.now, Fact::Succeeded { step: node.step, attempt, output });
    }

    /// The commands that an event causes.
    fn cause(&mut self, seq: u64, event: &Event) {
        let at = |run: &Run, path: &Path| run.state.locate(path).ok();
        match event {
            Event::AttemptStarted { path, attempt, .. }
            | Event::RouteDecided { path, attempt, .. } => {
                let node = at(self, path);
                self.ask(seq, node.map(|node| Pending::Execute(node, *attempt)));
            }
            Event::RouteRequested { path, attempt, .. } => {
                let node = at(self, path);
                self.ask(seq, node.map(|node| Pending::Route(node, *attempt)));
            }
            Event::AttemptRedispatched { path, attempt, .. } => {
                let node = at(self, path);
                self.ask(
                    seq,
                    node.map(|node| match self.state.node(node).phase {
                        Phase::Routing { .. } => Pending::Route(node, *attempt),
                        _ => Pending::Execute(node, *attempt),
                    }),
                );
            }
            Event::DecisionRequested { path, .. } => {
                let node = at(self, path);
                self.ask(seq, node.map(Pending::Decide));
            }
            Event::RunStarted { .. }
            | Event::Forked { .. }
            | Event::Migrated { .. }
            | Event::HeartbeatReceived { .. }
            | Event::StepSucceeded { .. }
            | Event::AttemptFailed { .. }
            | Event::StepFailed { .. }
            | Event::StepSkipped { .. }
            | Event::EdgeDecided { .. }
            | Event::BranchTaken { .. }
            | Event::LoopStarted { .. }
            | Event::RoundStarted { .. }
            | Event::MapExpanded { .. }
            | Event::ItemStarted { .. }
            | Event::ItemEnded { .. }
            | Event::SubWorkflowStarted { .. }
            | Event::DecisionMade { .. }
            | Event::WaitStarted { .. }
            | Event::WaitEnded { .. }
            | Event::SignalReceived { .. }
            | Event::StepStopping { .. }
            | Event::Paused
            | Event::Resumed
            | Event::CancelRequested { .. }
            | Event::UnwindingStarted { .. }
            | Event::RunEnded { .. } => {}
        }
    }

    pub(super) fn ask(&mut self, seq: u64, pending: Option<Pending>) {
        self.commands.extend(pending.map(|pending| (seq, pending)));
    }

    /// Who is to stop, and who need not decide any more, because of an event that is about to be applied. Those who have been told so
    /// already, when something inside was stopped, are not told again.
    fn called_back(&self, event: &Event) -> Vec<Pending> {
        let step = match event {
            Event::CancelRequested { .. } => None,
            Event::StepStopping { path, .. } => self.state.locate(path).ok(),
            _ => return Vec::new(),
        };
        let concerned = self.state.nodes().filter(|(node, _)| {
            !self.state.is_stopped(*node)
                && step.is_none_or(|step| !node.is_undo() && self.state.is_inside(node.frame, step))
        });
        let commands = concerned.filter_map(|(node, own)| match own.phase {
            Phase::Working { attempt, .. } => Some(Pending::Cancel(node, attempt)),
            Phase::Asking => Some(Pending::Withdraw(Box::new(self.state.path(node)))),
            _ => None,
        });
        commands.collect()
    }

    /// The next command whose cause is committed. None while the run is paused: what has been recorded and not handed out yet waits for
    /// [`Input::Resumed`](crate::Input::Resumed), or for the end.
    pub fn poll_command(&mut self) -> Option<Command> {
        if self.state.paused || self.result.is_some() {
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

    fn command(&self, pending: Pending) -> Option<Command> {
        let phase = |node: NodeIx| self.state.kept(node).map(|node| &node.phase);
        match pending {
            Pending::Execute(node, asked) => match phase(node)? {
                Phase::Working { attempt, worker, .. } if *attempt == asked => {
                    let worker = self.state.workers.name(*worker).clone();
                    let task = Box::new(self.task(node, asked));
                    let attempt = AttemptId { path: task.path.clone(), attempt: asked };
                    Some(Command::Execute { attempt, worker, task })
                }
                _ => None,
            },
            Pending::Route(node, asked) => match phase(node)? {
                Phase::Routing { attempt, .. } if *attempt == asked => {
                    let request = Box::new(self.request(node, asked));
                    let attempt = AttemptId { path: request.path.clone(), attempt: asked };
                    let Job { role, requires, .. } = self.job(node);
                    let candidates = self.options.staff.able(role, requires).cloned().collect();
                    Some(Command::Route { attempt, request, candidates })
                }
                _ => None,
            },
            Pending::Cancel(node, asked) => match phase(node)? {
                Phase::Working { attempt, .. } if *attempt == asked => {
                    let path = self.state.path(node);
                    Some(Command::Cancel { attempt: AttemptId { path, attempt: asked } })
                }
                _ => None,
            },
            Pending::Stop(attempt) => Some(Command::Cancel { attempt: *attempt }),
            Pending::Withdraw(path) => Some(Command::Withdraw { path: *path }),
            Pending::Decide(node) => self.decide_command(node),
        }
    }

    fn decide_command(&self, node: NodeIx) -> Option<Command> {
        let asking = matches!(self.state.kept(node)?.phase, Phase::Asking);
        let Kind::Decision { question, choices, .. } = &self.state.def(node).step.kind else {
            return None;
        };
        let extra = self.state.node(node).extra();
        let deadlines = extra.map_or(&[][..], |extra| &extra.deadlines).iter();
        let ends = |alarm: Alarm| matches!(alarm, Alarm::Choice | Alarm::Step);
        (asking && !self.state.is_stopped(node)).then(|| Command::Decide {
            path: self.state.path(node),
            question: question.clone(),
            choices: choices.clone(),
            input: self.state.input_of(node),
            deadline: deadlines.filter(|(_, alarm)| ends(*alarm)).map(|(at, _)| *at).min(),
        })
    }

    /// What is to be done at a node. Only tasks and compensations are asked for.
    pub(super) fn job(&self, node: NodeIx) -> Job<'_> {
        let step = &self.state.def(node).step;
        match (&step.kind, &step.compensation) {
            (_, Some(undo)) if node.is_undo() => {
                Job { role: &undo.role, requires: &NOTHING, retry: &undo.retry }
            }
            (Kind::Task { role, requires }, _) => Job { role, requires, retry: &step.retry },
            _ => unreachable!("only tasks make attempts"),
        }
    }

    fn task(&self, node: NodeIx, attempt: u32) -> Task {
        Task {
            run: self.options.id.clone(),
            path: self.state.path(node),
            role: self.job(node).role.clone(),
            attempt,
            priority: self.state.def(node).step.priority,
            seed: SeedOf::Run(self.state.seed),
            input: self.state.input_of(node),
            context: self.state.context(node),
            cancellation: self.cancellation(node),
            notes: Notes::ignored(),
        }
    }

    /// An attempt that is handed out only after it was called back is told so at once.
    fn cancellation(&self, node: NodeIx) -> Cancellation {
        if !self.state.is_stopped(node) {
            return Cancellation::never();
        }
        let (canceller, cancellation) = Cancellation::new();
        canceller.cancel();
        cancellation
    }

    /// What a router is asked about a step.
    fn request(&self, node: NodeIx, attempt: u32) -> Request {
        let tried = self.state.node(node).extra().map_or(&[][..], |extra| &extra.tried);
        Request {
            run: self.options.id.clone(),
            path: self.state.path(node),
            role: self.job(node).role.clone(),
            attempt,
            tried: tried.iter().map(|worker| self.state.workers.name(*worker).clone()).collect(),
            input: self.state.input_of(node),
            goal: self.state.goal.to_string(),
            seed: self.state.seed_of(node, attempt).derive("route"),
        }
    }
}
