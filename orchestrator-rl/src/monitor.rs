//! What a training does between two looks at it: how its errors run, how much of its policy changes, how much of what it met it has tried.
//!
//! Policy churn is the share of states whose greedy action changes (Schaul and others, "The phenomenon of policy churn", 2022): values may
//! still move when the policy has long been found, and a policy may still flip when errors look small.

use serde::{Deserialize, Serialize};

use crate::index::StateIndex;
use crate::table::{QTable, Values};
use crate::training::Training;

/// The most states whose greedy actions are compared: the first ones met.
pub const WATCHED_MAX: usize = 1 << 16;
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
    /// The share of the states known at the look before in which none of the actions that were best is still best, in [0, 1]. `None` when no
    /// state was known before.
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
/// let mut monitor = Monitor::new();
/// for _ in 0..10 {
///     training.run_steps(&mut cliff.environment(), 5_000)?;
///     monitor.look(&training);
/// }
/// let (first, last) = (monitor.rounds()[0], monitor.rounds()[9]);
/// assert!(last.td_error < first.td_error && last.reward > first.reward);
/// assert!(last.churn < Some(0.2) && last.coverage > 0.9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Monitor {
    /// The best actions by the number of a state; none where it was not known.
    policy: Vec<Vec<usize>>,
    /// How many episodes had ended at the last look.
    ended: u32,
    rounds: Vec<Round>,
}

impl Monitor {
    /// A monitor that has not looked yet.
    pub fn new() -> Monitor {
        Monitor::default()
    }

    /// Measures what happened since the last look; nothing when no episode has ended since. Always of the same training: states are compared by
    /// their numbers in its table.
    pub fn look<X: StateIndex>(&mut self, training: &Training<X>) -> Option<Round> {
        let rows = training.episodes();
        let rows = &rows[rows.partition_point(|row| row.index < self.ended)..];
        let last = rows.last()?;
        let count = rows.len() as f64;
        let errors: Vec<f64> = rows.iter().map(|row| row.td_error).collect();
        let steps: f64 = rows.iter().map(|row| f64::from(row.steps)).sum();
        let policy = policy(training.table());
        let round = Round {
            episodes: last.index.saturating_add(1),
            steps: training.steps(),
            td_error: errors.iter().map(|error| error / count).sum(),
            td_trend: slope(&errors),
            reward: rows.iter().map(|row| row.reward / count).sum(),
            explored: rows.iter().map(|row| f64::from(row.explored)).sum::<f64>() / steps,
            churn: churn(&self.policy, &policy),
            coverage: coverage(training.table()),
        };
        self.policy = policy;
        self.ended = round.episodes;
        if self.rounds.len() == 2 * ROUNDS_KEPT {
            self.rounds.drain(..ROUNDS_KEPT);
        }
        self.rounds.push(round);
        Some(round)
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

fn policy<X: StateIndex>(table: &QTable<X>) -> Vec<Vec<usize>> {
    let states = table.values.states().min(WATCHED_MAX);
    (0..states).map(|state| best_tried(&table.values, state)).collect()
}

/// The best of the actions that were tried; none in a state that is not known.
fn best_tried(values: &Values, state: usize) -> Vec<usize> {
    let tried = || values.row(state).iter().enumerate().filter(|(_, cell)| cell.visits > 0);
    let best = tried().map(|(_, cell)| cell.value).fold(f64::NEG_INFINITY, f64::max);
    tried().filter(|(_, cell)| cell.value == best).map(|(action, _)| action).collect()
}

fn churn(before: &[Vec<usize>], after: &[Vec<usize>]) -> Option<f64> {
    let known = before.iter().zip(after).filter(|(before, _)| !before.is_empty());
    let (mut count, mut changed) = (0_u32, 0_u32);
    for (before, after) in known {
        count += 1;
        changed += u32::from(!before.iter().any(|action| after.contains(action)));
    }
    (count > 0).then(|| f64::from(changed) / f64::from(count))
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
    fn churn_counts_states_whose_best_actions_are_all_gone() {
        let sets = |sets: &[&[usize]]| sets.iter().map(|set| set.to_vec()).collect::<Vec<_>>();
        let before = sets(&[&[0], &[1, 2], &[], &[3]]);
        // Kept, one of two kept, met since, changed; and one that is new.
        let after = sets(&[&[0], &[2], &[1], &[0], &[1]]);
        assert_eq!(churn(&before, &after), Some(1.0 / 3.0));
        assert_eq!(churn(&[], &after), None);
        assert_eq!(churn(&sets(&[&[]]), &after), None);
    }
}
