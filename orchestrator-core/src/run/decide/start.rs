//! A step begins: its input is made, and somebody is found to do it.

use crate::payload::Payload;
use crate::run::emit::Job;
use crate::run::node::{NodeIx, Phase};
use crate::run::options::Who;
use crate::run::{Event, Run};
use crate::task::TaskError;
use crate::workflow::{Awaited, Kind};

impl Run {
    /// Starts a step whose join has fired.
    pub(super) fn start(&mut self, node: NodeIx) {
        let input = match self.transformed_input(node) {
            Ok(input) => input,
            Err(error) => return self.fail_step(node, error),
        };
        if self.state.brief(node).is_task {
            return self.attempt(node, 1, input);
        }
        let path = || self.state.path(node);
        let event = match &self.state.def(node).step.kind {
            Kind::Task { .. } => unreachable!("begun above"),
            Kind::Branch { .. } => return self.take_branch(node, input),
            Kind::Map { .. } => return self.expand(node, input),
            Kind::Loop { .. } => {
                let path = path();
                self.emit(Event::LoopStarted { path: path.clone(), input });
                Event::RoundStarted { path, round: 0, carried: Payload::null() }
            }
            Kind::Sub { .. } => Event::SubWorkflowStarted { path: path(), input },
            Kind::Decision { default, .. } => {
                let deadline = default.as_ref().map(|default| self.now.after_ms(default.after_ms));
                Event::DecisionRequested { path: path(), deadline, input }
            }
            Kind::Wait { awaited } => {
                let until = match awaited {
                    Awaited::Timer { delay_ms } => Some(self.now.after_ms(*delay_ms)),
                    Awaited::Signal(_) => None,
                };
                Event::WaitStarted { path: path(), until, input }
            }
        };
        self.emit(event);
    }

    /// Begins an attempt, or asks the router who shall make it.
    pub(super) fn attempt(&mut self, node: NodeIx, attempt: u32, input: Option<Payload>) {
        let Job { role, requires, .. } = self.job(node);
        match self.options.staff.who(role, requires) {
            Who::One(worker) => self.emit_started(node, attempt, worker, input),
            Who::Several => {
                let path = self.state.path(node);
                self.emit(Event::RouteRequested { path, attempt, input });
            }
            Who::Nobody => {
                let message = format!("nobody fills the role {role} with {requires:?}");
                let error = TaskError::terminal("no_worker", message);
                let path = self.state.path(node);
                self.emit(Event::StepFailed { path, attempt: attempt - 1, error });
            }
        }
    }

    pub(super) fn fail_step(&mut self, node: NodeIx, error: TaskError) {
        let attempt = match self.state.node(node).phase {
            Phase::Routing { attempt, .. } | Phase::Working { attempt, .. } => attempt,
            Phase::Resting { attempt } => attempt - 1,
            _ => 0,
        };
        let path = self.state.path(node);
        self.emit(Event::StepFailed { path, attempt, error });
    }

    fn take_branch(&mut self, node: NodeIx, input: Option<Payload>) {
        let def = self.state.def(node);
        let Kind::Branch { cases, .. } = &def.step.kind else {
            unreachable!("only a branch has ways")
        };
        let context = self.state.context(node);
        let mut chosen = def.ways[cases.len()];
        for ((condition, _), way) in cases.iter().zip(&def.ways) {
            match condition.check(&context) {
                Ok(true) => {
                    chosen = *way;
                    break;
                }
                Ok(false) => {}
                Err(error) => return self.fail_step(node, error),
            }
        }
        let to = self.state.frame(node.frame).workflow.def(chosen).id.clone();
        let path = self.state.path(node);
        self.emit(Event::BranchTaken { path, to, input });
    }

    /// What a transformer makes of the default input. Without one, the default is not made before somebody needs it; it is only measured.
    fn transformed_input(&self, node: NodeIx) -> Result<Option<Payload>, TaskError> {
        let brief = self.state.brief(node);
        if !brief.shapes_input && brief.incoming < 2 {
            return Ok(None);
        }
        let def = self.state.def(node);
        match &def.step.input {
            Some(transformer) => {
                let given = self.state.input_of(node);
                let made = transformer.apply(&given, &self.state.context(node))?;
                self.within_limit(made).map(Some)
            }
            None => {
                let before = def.incoming.iter().map(|edge| NodeIx { step: edge.step, ..node });
                let bytes =
                    before.filter_map(|before| self.state.output(before)).map(Payload::bytes);
                // Not every edge brings something; that is looked at only where it matters.
                let within = self.check_size(bytes.sum());
                within.or_else(|_| self.check_size(self.state.input_of(node).bytes()))?;
                Ok(None)
            }
        }
    }
}
