//! SARSA over n steps (Sutton and Barto, 2018, section 7.2).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{Rule, Seen};
use crate::table::Values;

/// The steps whose return is not complete yet, at most `n`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct NStep {
    n: usize,
    steps: VecDeque<Taken>,
    /// Where the last step led.
    next: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Taken {
    state: usize,
    action: usize,
    reward: f64,
}

impl NStep {
    pub(super) fn new(n: u32) -> NStep {
        let n = n as usize;
        NStep { n, steps: VecDeque::with_capacity(n), next: None }
    }

    pub(super) fn learn(
        &mut self,
        values: &mut Values,
        rule: &mut Rule,
        seen: &Seen,
    ) -> Option<f64> {
        if !seen.reward.is_finite() {
            return None;
        }
        let Seen { state, action, reward, next } = *seen;
        self.steps.push_back(Taken { state, action, reward });
        self.next = next;
        let ahead = next.map_or(0.0, |next| {
            let choice = rule.decide(values, next);
            values.cell(next, choice.action).value
        });
        let error = reward + rule.gamma * ahead - values.cell(state, action).value;
        if next.is_none() {
            self.flush(values, rule, 0.0);
        } else if self.steps.len() == self.n {
            self.learn_oldest(values, rule, ahead);
        }
        Some(error)
    }

    /// An episode that was cut off goes on in the mind: its last state is worth what it is worth.
    pub(super) fn end_episode(&mut self, values: &mut Values, rule: &mut Rule) {
        let ahead = self.next.map_or(0.0, |next| values.best(next));
        self.flush(values, rule, ahead);
        self.next = None;
    }

    fn flush(&mut self, values: &mut Values, rule: &Rule, ahead: f64) {
        while !self.steps.is_empty() {
            self.learn_oldest(values, rule, ahead);
        }
    }

    fn learn_oldest(&mut self, values: &mut Values, rule: &Rule, ahead: f64) {
        let rewards = self.steps.iter().rev();
        let target = rewards.fold(ahead, |ahead, step| step.reward + rule.gamma * ahead);
        if let Some(Taken { state, action, reward }) = self.steps.pop_front() {
            // A target beyond all numbers teaches nothing.
            let _ = rule.towards(values, &Seen { state, action, reward, next: None }, target);
        }
    }

    pub(super) fn fits(&self, within: impl Fn(usize, usize) -> bool) -> bool {
        (1..=crate::method::N_MAX as usize).contains(&self.n)
            && self.steps.len() < self.n.max(1)
            && self
                .steps
                .iter()
                .all(|step| within(step.state, step.action) && step.reward.is_finite())
            && self.next.is_none_or(|next| within(next, 0))
    }
}
