//! What is looked at when a run has ended: its history alone must make the same run, as it is and as it was.

use super::{Expect, Host};
use crate::run::{Input, Recorded, Run, RunOutcome, RunResult, RunView};
use crate::testkit::reference::{Cause, Checked, Reference, broken, must};
use crate::testkit::violation::Rule;

impl Host<'_> {
    /// What holds at the end: nothing goes on, and the history alone makes the same run.
    pub(super) fn ended(&mut self) -> Checked<RunOutcome> {
        let asks = self.run.poll_command();
        must(asks.is_none(), Rule::Command, || format!("a finished run asks for {asks:?}"))?;
        let after = [Input::Paused, Input::TimePassed, Input::Cancelled { reason: "late".into() }];
        for input in after {
            self.tell(input, Expect::Ignored)?;
        }
        let view = self.run.view();
        self.compare_steps(&view, &self.reference)?;
        let outcome = self.run.outcome();
        let Some(outcome) = outcome else { return broken(Rule::State, "there is no outcome") };
        let wanted = self.reference.outputs();
        must(outcome.outputs == wanted, Rule::State, || {
            format!("the outputs are {:?}, should be {wanted:?}", outcome.outputs)
        })?;
        let history = self.run.history();
        // A run that was restored from a snapshot has the events after it.
        let first = self.log.len() - history.len();
        let same = history == self.log[first..];
        must(same, Rule::State, || "the history is not what was polled".into())?;
        self.coverage.note(match &outcome.result {
            RunResult::Succeeded { .. } => "succeeded",
            RunResult::Failed { .. } => "failed",
            RunResult::Cancelled { .. } => "cancelled",
        });
        self.replayed(&view)?;
        self.at_any_event()?;
        self.told_again()?;
        Ok(outcome)
    }

    fn replayed(&self, view: &RunView) -> Checked {
        let again = Run::restore(
            self.simulation.workflow.clone(),
            self.options.clone(),
            self.log.clone(),
            self.now,
        );
        let again = again.map_err(|error| (Rule::Replay, error.to_string()))?;
        let same = again.view() == *view && again.outcome() == self.run.outcome();
        must(same, Rule::Replay, || "the replayed run is another".into())?;
        must(again.event_count() == self.log.len() as u64, Rule::Replay, || {
            "a run that has ended goes on when it is restored".into()
        })?;
        must(again.snapshot() == self.run.snapshot(), Rule::Replay, || {
            "the snapshot of the replayed run is another".into()
        })
    }

    /// The run as it stood at some event is what the events up to that make.
    fn at_any_event(&mut self) -> Checked {
        let seq = 1 + self.dice.below(self.log.len());
        let view = RunView::at(&self.simulation.workflow, self.log.clone(), seq as u64);
        let view = view.map_err(|error| (Rule::Replay, error.to_string()))?;
        let mut reference = Reference::new(self.terms);
        for recorded in &self.log[..seq] {
            reference.event(recorded, Cause::Unknown)?;
        }
        self.compare_steps(&view, &reference)
            .map_err(|(_, detail)| (Rule::Replay, format!("at event {seq}: {detail}")))
    }

    /// The same inputs, and nobody who polls or commits, give the same bytes.
    fn told_again(&self) -> Checked {
        if self.crashes > 0 {
            return Ok(());
        }
        let mut again = Run::new(self.simulation.workflow.clone(), self.options.clone());
        for (now, input) in &self.told {
            // Refusals are as before, and were looked at then.
            let _ = again.handle(*now, input.clone());
        }
        let bytes = |history: &[Recorded]| serde_json::to_string(history).expect("events are JSON");
        must(bytes(&again.history()) == bytes(&self.log), Rule::Bytes, || {
            "the same inputs gave another history".into()
        })
    }
}
