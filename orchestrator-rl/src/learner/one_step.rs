//! Learners that look one step ahead and remember nothing.

use super::{Rule, Seen};
use crate::table::Values;

/// Q(s, a) ← Q(s, a) + α [r + γ max Q(s′, a′) − Q(s, a)].
#[inline]
pub(super) fn q_learning(values: &mut Values, rule: &mut Rule, seen: &Seen) -> Option<f64> {
    let ahead = seen.next.map_or(0.0, |next| values.best(next));
    rule.towards(values, seen, seen.reward + rule.gamma * ahead)
}

/// Q(s, a) ← Q(s, a) + α [r + γ Q(s′, a′) − Q(s, a)], where a′ is what will be done.
#[inline]
pub(super) fn sarsa(values: &mut Values, rule: &mut Rule, seen: &Seen) -> Option<f64> {
    let ahead = seen.next.map_or(0.0, |next| {
        let choice = rule.decide(values, next);
        values.cell(next, choice.action).value
    });
    rule.towards(values, seen, seen.reward + rule.gamma * ahead)
}

/// Q(s, a) ← Q(s, a) + α [r + γ Σ π(a′|s′) Q(s′, a′) − Q(s, a)].
#[inline]
pub(super) fn expected_sarsa(values: &mut Values, rule: &mut Rule, seen: &Seen) -> Option<f64> {
    let ahead =
        seen.next.map_or(0.0, |next| rule.exploration.expectation(values.row(next), rule.clock));
    rule.towards(values, seen, seen.reward + rule.gamma * ahead)
}
