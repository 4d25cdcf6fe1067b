//! Time passes: rests and waits end, defaults count, and what takes too long fails.

use crate::run::emit::Pending;
use crate::run::event::Decided;
use crate::run::input::{AttemptId, Handled, Ignored};
use crate::run::node::{Alarm, NodeIx, Phase};
use crate::run::{Event, Run};
use crate::task::TaskError;
use crate::workflow::Kind;

impl Run {
    pub(super) fn time_passed(&mut self) -> Handled {
        if self.result.is_some() {
            return Handled::Ignored(Ignored::RunEnded);
        }
        if !self.state.paused {
            self.ring();
        }
        Handled::Taken
    }

    /// Does what is due.
    pub(super) fn ring(&mut self) {
        while let Some(&(instant, alarm, node)) = self.state.deadlines.first() {
            if instant > self.now {
                break;
            }
            match alarm {
                Alarm::Rest => match self.state.node(node).phase {
                    Phase::Resting { attempt } => self.attempt(node, attempt, None),
                    _ => unreachable!("only a resting step has such a deadline"),
                },
                Alarm::Timer => self.wait_over(node, self.state.input_of(node)),
                Alarm::Choice => self.default_counts(node),
                Alarm::Attempt => self.attempt_over(node, "attempt_timeout", "took too long"),
                Alarm::Heartbeat => {
                    self.attempt_over(node, "heartbeat_timeout", "was silent too long")
                }
                Alarm::Step => self.step_over(node),
            }
        }
    }

    fn default_counts(&mut self, node: NodeIx) {
        let Kind::Decision { default: Some(default), .. } = &self.state.def(node).step.kind else {
            unreachable!("only a decision with a default has such a deadline")
        };
        let decided = Decided::new(&default.choice);
        let path = self.state.path(node);
        self.withdraw(node);
        self.emit(Event::DecisionMade { path, decided });
    }

    fn attempt_over(&mut self, node: NodeIx, code: &str, what: &str) {
        let Phase::Working { attempt, .. } = self.state.node(node).phase else {
            unreachable!("only an attempt that is in flight has such a deadline")
        };
        self.call_off(node, attempt);
        let message = format!("attempt {attempt} {what}");
        self.attempt_failed(node, attempt, TaskError::retryable(code, message));
    }

    fn step_over(&mut self, node: NodeIx) {
        let error = TaskError::terminal("step_timeout", "the step took too long");
        match self.state.node(node).phase {
            Phase::Inside => {
                let path = self.state.path(node);
                return self.emit(Event::StepStopping { path, error });
            }
            Phase::Working { attempt, .. } => self.call_off(node, attempt),
            Phase::Asking => self.withdraw(node),
            _ => {}
        }
        self.fail_step(node, error);
    }

    /// Tells a worker to stop; nobody waits for its answer any more. Goes out with the event that comes next.
    fn call_off(&mut self, node: NodeIx, attempt: u32) {
        let path = self.state.path(node);
        let stop = Pending::Stop(Box::new(AttemptId { path, attempt }));
        self.ask(self.event_count() + 1, Some(stop));
    }

    fn withdraw(&mut self, node: NodeIx) {
        let withdraw = Pending::Withdraw(Box::new(self.state.path(node)));
        self.ask(self.event_count() + 1, Some(withdraw));
    }
}
