//! What a training does between two looks at it: how its errors run, how much of its policy changes, how much of what it met it
//! has tried.
//!
//! Policy churn is the share of states whose greedy action changes (Schaul and others, "The phenomenon of policy churn", 2022),
//! here weighted by visits, for what the agent hardly ever meets again is never settled and does not matter. Values may still
//! move when the policy has long been found, and a policy may still flip when errors look small.

use serde::{Deserialize, Serialize};

use crate::index::StateIndex;
use crate::table::{Cell, QTable, Values};
use crate::training::Training;

/// The most states whose greedy actions are compared: the first ones met.
pub const WATCHED_MAX: usize = 1 << 16;
/// Values that differ by this share of the greatest reward are equally good for [`Round::churn`]: of two ways as good as each
/// other now this one leads by a hair and now that, for ever, and nobody changes their mind.
pub const TIE: f64 = 1e-3;
/// At least so many of the last rounds are kept; a monitor of fewer looks keeps all.
pub const ROUNDS_KEPT: usize = 1 << 10;

/// What was measured between two looks at a training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// How many episodes the training had ended at this look.
    pub episodes: u32,
    /// How many steps it had learned from.
    pub steps: u64,
    /// The mean of the episodes' errors in the round, as [`Episode::td_error`](crate::Episode::td_error).
    pub td_error: f64,
    /// By how much they changed from an episode to the next: the slope of the least squares line; 0 for one episode.
    pub td_trend: f64,
    /// The mean reward of an episode in the round.
    pub reward: f64,
    /// The share of the round's steps that explored.
    pub explored: f64,
    /// Of the round's visits to states that were known before, the share in states where none of the actions that were best is
    /// still as good as the best, within [`TIE`] of the greatest reward met; in [0, 1]. `None` when there was no such visit.
    pub churn: Option<f64>,
    /// The share of the actions of the known states that were tried at least once, in (0, 1].
    pub coverage: f64,
}

/// Looks at one training again and again, and measures what happened in between.
///
/// A look costs as much as the table has states; take one every so many episodes.
///
/// ```
/// use orchestrator_core::Seed;
/// use orchestrator_rl::{Method, Monitor, RlConfig, Training, worlds};
///
/// let cliff = worlds::cliff_walking();
/// let config = RlConfig::textbook(Method::QLearning, 0.5, 0.1, 1.0);
/// let mut training = Training::dense(config, cliff.states(), cliff.actions(), Seed(1))?;
/// let (mut environment, mut monitor) = (cliff.environment(), Monitor::new());
/// for _ in 0..10 {
///     training.run_steps(&mut environment, 5_000)?;
///     monitor.look(&training);
/// }
/// let (first, last) = (monitor.rounds()[0], monitor.rounds()[9]);
/// assert!(last.td_error < first.td_error && last.reward > first.reward);
/// assert!(last.churn < Some(0.2) && last.coverage > 0.9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Monitor {
    /// The best actions and the visits by the number of a state; no action where it was not known.
    policy: Vec<(Vec<usize>, u64)>,
    /// How many episodes had ended at the last look.
    ended: u32,
    rounds: Vec<Round>,
}

impl Monitor {
    /// A monitor that has not looked yet.
    pub fn new() -> Monitor {
        Monitor::default()
    }

    /// Measures what happened since the last look; nothing when no episode has ended since. Always of the same training: states
    /// are compared by their numbers in its table.
    pub fn look<X: StateIndex>(&mut self, training: &Training<X>) -> Option<Round> {
        let rows = training.episodes();
        let rows = &rows[rows.partition_point(|row| row.index < self.ended)..];
        let last = rows.last()?;
        let count = rows.len() as f64;
        let errors: Vec<f64> = rows.iter().map(|row| row.td_error).collect();
        let steps: f64 = rows.iter().map(|row| f64::from(row.steps)).sum();
        let table = training.table();
        let round = Round {
            episodes: last.index.saturating_add(1),
            steps: training.steps(),
            td_error: errors.iter().map(|error| error / count).sum(),
            td_trend: slope(&errors),
            reward: rows.iter().map(|row| row.reward / count).sum(),
            explored: rows.iter().map(|row| f64::from(row.explored)).sum::<f64>() / steps,
            churn: self.churn(&table.values, TIE * training.reward_scale()),
            coverage: coverage(table),
        };
        self.policy = policy(table);
        self.ended = round.episodes;
        if self.rounds.len() == 2 * ROUNDS_KEPT {
            self.rounds.drain(..ROUNDS_KEPT);
        }
        self.rounds.push(round);
        Some(round)
    }

    fn churn(&self, values: &Values, tie: f64) -> Option<f64> {
        let known = self.policy.iter().enumerate().filter(|(_, (best, _))| !best.is_empty());
        let (mut visits, mut changed) = (0, 0);
        for (state, (best, before)) in known {
            let count = values.visits(state).saturating_sub(*before);
            visits += count;
            changed += if lost(best, values.row(state), tie) { count } else { 0 };
        }
        (visits > 0).then(|| changed as f64 / visits as f64)
    }

    /// What was measured, a row for each of the last looks: at least [`ROUNDS_KEPT`] of them.
    pub fn rounds(&self) -> &[Round] {
        &self.rounds
    }

    /// The same, when looking is over.
    pub fn into_rounds(self) -> Vec<Round> {
        self.rounds
    }
}

fn policy<X: StateIndex>(table: &QTable<X>) -> Vec<(Vec<usize>, u64)> {
    let values = &table.values;
    let states = 0..values.states().min(WATCHED_MAX);
    states.map(|state| (best_tried(values, state), values.visits(state))).collect()
}

/// The best of the actions that were tried; none in a state that is not known.
fn best_tried(values: &Values, state: usize) -> Vec<usize> {
    let row = values.row(state);
    let best = best_value(row);
    tried(row).filter(|(_, cell)| cell.value == best).map(|(action, _)| action).collect()
}

/// Whether none of the actions that were best is as good as the best now.
fn lost(before: &[usize], row: &[Cell], tie: f64) -> bool {
    let best = best_value(row);
    !before.iter().any(|&action| row[action].visits > 0 && row[action].value >= best - tie)
}

fn best_value(row: &[Cell]) -> f64 {
    tried(row).map(|(_, cell)| cell.value).fold(f64::NEG_INFINITY, f64::max)
}

fn tried(row: &[Cell]) -> impl Iterator<Item = (usize, &Cell)> {
    row.iter().enumerate().filter(|(_, cell)| cell.visits > 0)
}

fn coverage<X: StateIndex>(table: &QTable<X>) -> f64 {
    let values = &table.values;
    let known = (0..values.states()).filter(|&state| values.is_known(state));
    let pairs: usize = known.map(|state| values.row(state).len()).sum();
    if pairs == 0 { 1.0 } else { values.learned() as f64 / pairs as f64 }
}

/// The slope of the least squares line through values one apart.
pub(crate) fn slope(values: &[f64]) -> f64 {
    let count = values.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = values.iter().map(|value| value / count).sum::<f64>();
    let (mut above, mut below) = (0.0, 0.0);
    for (at, value) in values.iter().enumerate() {
        let x = at as f64 - middle;
        above += x * (value - mean);
        below += x * x;
    }
    if below == 0.0 { 0.0 } else { above / below }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_slope_and_a_point_none() {
        assert!((slope(&[1.0, 3.0, 5.0, 7.0]) - 2.0).abs() < 1e-12);
        assert!((slope(&[2.0, 1.0, 2.0]) - 0.0).abs() < 1e-12);
        assert_eq!((slope(&[4.0]), slope(&[])), (0.0, 0.0));
    }

    #[test]
    fn an_action_is_lost_when_another_that_was_tried_is_better_by_more_than_a_tie() {
        let row = |values: [f64; 3]| values.map(|value| Cell { value, visits: 1 });
        assert!(!lost(&[0], &row([1.0, 0.0, 0.5]), 0.0));
        assert!(lost(&[0], &row([1.0, 2.0, 0.5]), 0.0));
        assert!(!lost(&[0, 1], &row([1.0, 2.0, 0.5]), 0.0));
        assert!(!lost(&[0], &row([1.0, 1.05, 0.5]), 0.1));
        // What was never tried is no better, whatever it is hoped to be worth.
        let mut hoped = row([1.0, 9.0, 0.5]);
        hoped[1].visits = 0;
        assert!(!lost(&[0], &hoped, 0.0));
    }
}
