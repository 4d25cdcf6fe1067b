//! Watkins's Q(λ): an error is given to all steps of the episode that led to it, less to those further back, and to none from before an
//! exploring step.

use serde::{Deserialize, Serialize};

use super::{Rule, Seen};
use crate::explore::Motive;
use crate::method::Trace;
use crate::table::Values;

/// A trace that is smaller than this is dropped: it moves a value by less than a millionth of an error.
const TRACE_MIN: f64 = 1e-6;
/// The most traces at a time; of more, the oldest goes.
const TRACES_MAX: usize = 4_096;

/// What is left of the visits of this episode, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Traces {
    lambda: f64,
    kind: Trace,
    traces: Vec<Left>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Left {
    state: usize,
    action: usize,
    share: f64,
}

impl Traces {
    pub(super) fn new(lambda: f64, kind: Trace) -> Traces {
        Traces { lambda, kind, traces: Vec::new() }
    }

    pub(super) fn learn(
        &mut self,
        values: &mut Values,
        rule: &mut Rule,
        seen: &Seen,
    ) -> Option<f64> {
        let ahead = seen.next.map_or(0.0, |next| values.best(next));
        let error = seen.reward + rule.gamma * ahead - values.cell(seen.state, seen.action).value;
        if !error.is_finite() {
            return None;
        }
        self.mark(seen.state, seen.action);
        let cell = values.cell_mut(seen.state, seen.action);
        cell.visits += 1;
        for left in &self.traces {
            let cell = values.cell_mut(left.state, left.action);
            let moved = rule.alpha.at(rule.clock, cell.visits) * error * left.share;
            if (cell.value + moved).is_finite() {
                cell.value += moved;
            }
        }
        // What will be done is decided now: an exploring step cuts all traces.
        let greedy =
            seen.next.is_some_and(|next| rule.decide(values, next).motive == Motive::Greedy);
        if greedy {
            let fading = rule.gamma * self.lambda;
            self.traces.iter_mut().for_each(|left| left.share *= fading);
            self.traces.retain(|left| left.share >= TRACE_MIN);
        } else {
            self.traces.clear();
        }
        Some(error)
    }

    fn mark(&mut self, state: usize, action: usize) {
        let known =
            self.traces.iter().position(|left| (left.state, left.action) == (state, action));
        let share = match (known.map(|at| self.traces.remove(at)), self.kind) {
            (Some(left), Trace::Accumulating) => left.share + 1.0,
            _ => 1.0,
        };
        if self.traces.len() == TRACES_MAX {
            self.traces.remove(0);
        }
        self.traces.push(Left { state, action, share });
    }

    pub(super) fn end_episode(&mut self) {
        self.traces.clear();
    }

    pub(super) fn fits(&self, within: impl Fn(usize, usize) -> bool) -> bool {
        (0.0..=1.0).contains(&self.lambda)
            && self.traces.len() <= TRACES_MAX
            && self
                .traces
                .iter()
                .all(|left| within(left.state, left.action) && left.share.is_finite())
    }
}
