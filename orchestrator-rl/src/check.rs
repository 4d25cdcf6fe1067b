//! The documents' verification checklist for reinforcement learning, with the measured numbers.
//!
//! Rewards and errors are noisy; the lines compare an early and a late part of the training, and where chance can decide they
//! allow what it does in 999 of 1,000 cases, so that a line fails for a reason: a checklist that cries wolf is not read. Few episodes leave much to chance.

use crate::config::CONVERGENCE_WINDOW;
use crate::outcome::{StopReason, TuneResult};
use orchestrator_core::{Check, ParameterSpace};

/// The share of exploring steps that counts as balanced: below, nothing new is met; above, nothing learned is used.
const EXPLORATION: (f64, f64) = (0.05, 0.5);

/// The documents' checklist: values converging, rewards rising, parameters within bounds (of the region that was tuned in),
/// exploration balanced, states telling points apart.
pub fn verify(result: &TuneResult, region: &ParameterSpace) -> Vec<Check> {
    vec![
        converging(result),
        rising(result),
        within(result, region),
        balanced(result),
        telling(result),
    ]
}

/// The errors of the last third are not above those of the first by more than chance, or were small enough to end the training. A
/// training of fewer than [`CONVERGENCE_WINDOW`] episodes passes too while its errors are no greater than the greatest reward: so
/// much the first visit of a pair explains by itself (its value is 0 before), and most of its visits are first ones. Values that run
/// away have errors beyond every reward.
fn converging(result: &TuneResult) -> Check {
    let errors = &result.td_error_history;
    let third = errors.len().div_ceil(3);
    let (early, late) = (Sample::of(&errors[..third]), Sample::of(&errors[errors.len() - third..]));
    let slack = early.slack(&late);
    let first_visits = errors.len() < CONVERGENCE_WINDOW && late.mean <= result.reward_scale;
    Check::new(
        "q-values converging over episodes",
        result.stop == StopReason::Converged || late.mean <= early.mean + slack || first_visits,
        format!(
            "mean error from {:.6} to {:.6} (chance allows {slack:.6}, the greatest reward is {:.6}) over {} episodes, {}",
            early.mean,
            late.mean,
            result.reward_scale,
            errors.len(),
            match result.stop {
                StopReason::Converged => "converged",
                StopReason::Settled => "settled",
                StopReason::EpisodesUsedUp => "episodes used up",
                StopReason::Interrupted => "interrupted",
            }
        ),
    )
}

/// The last half of the episodes is rewarded no worse than the first, by more than chance. Rewards for a change must fall once there is
/// less left to gain, because every episode begins at the best point so far; so where they fall, the best point itself must have been
/// raised.
fn rising(result: &TuneResult) -> Check {
    let rewards = &result.reward_history;
    let half = rewards.len() / 2;
    let (early, late) =
        (Sample::of(&rewards[..half]), Sample::of(&rewards[rewards.len() - half..]));
    let slack = early.slack(&late);
    let gain = result.objective_end - result.objective_start;
    Check::new(
        "rewards increasing",
        late.mean >= early.mean - slack || gain > 0.0,
        format!(
            "mean reward of an episode from {:.6} to {:.6} (chance allows {slack:.6}), the best point raised by {gain:.6}",
            early.mean, late.mean,
        ),
    )
}

fn within(result: &TuneResult, region: &ParameterSpace) -> Check {
    match region.check(&result.best) {
        Ok(()) => Check::new(
            "parameters within feasible bounds",
            true,
            format!("all {} inside the region", region.len()),
        ),
        Err(error) => Check::new("parameters within feasible bounds", false, error.to_string()),
    }
}

/// The band is wider by two standard errors of a share, so that a handful of steps is not judged by luck.
fn balanced(result: &TuneResult) -> Check {
    let count = result.steps.max(1) as f64;
    let slack = |share: f64| 2.0 * (share * (1.0 - share) / count).sqrt();
    let (low, high) = EXPLORATION;
    let (least, most) = (low - slack(low), high + slack(high));
    let share = result.exploration_share;
    Check::new(
        "exploration and exploitation balanced",
        least <= share && share <= most && result.steps > 0,
        format!(
            "{share:.3} of {} steps explored, {low} to {high} wanted (chance allows {least:.3} to {most:.3})",
            result.steps
        ),
    )
}

/// Every parameter that moves reaches more than one state. How many states were visited says nothing of that: an agent that begins
/// at the optimum does well to stay in one.
fn telling(result: &TuneResult) -> Check {
    let unseen = &result.parameters_unseen;
    let detail = if unseen.is_empty() {
        format!("every parameter that moves changes the state; {} visited", result.states_visited)
    } else {
        format!(
            "moving {1} never changes the state; {0} visited",
            result.states_visited,
            unseen.join(", ")
        )
    };
    Check::new(
        "state encoding captures relevant features",
        unseen.is_empty() && result.states_visited > 0,
        detail,
    )
}

/// The 99.9 % quantile of Student's t for 1 to 20 degrees of freedom; beyond, it falls to 3.1, and the last one is used.
const STUDENT: [f64; 20] = [
    318.309, 22.327, 10.215, 7.173, 5.893, 5.208, 4.785, 4.501, 4.297, 4.144, 4.025, 3.93, 3.852,
    3.787, 3.733, 3.686, 3.646, 3.61, 3.579, 3.552,
];

/// Mean and spread of a part of a history.
pub(crate) struct Sample {
    pub(crate) mean: f64,
    variance: f64,
    count: f64,
}

impl Sample {
    pub(crate) fn of(values: &[f64]) -> Sample {
        let count = values.len().max(1) as f64;
        let mean = values.iter().map(|value| value / count).sum::<f64>();
        let squares = values.iter().map(|value| (value - mean).powi(2));
        Sample { mean, variance: squares.sum::<f64>() / (count - 1.0).max(1.0), count }
    }

    pub(crate) fn deviation(&self) -> f64 {
        self.variance.sqrt()
    }

    /// By how much two means may differ by chance: the standard error of their difference times the 99.9 % quantile of
    /// Student's t ("The probable error of a mean", 1908) for both samples' degrees of freedom. Two samples of one value tell nothing,
    /// so anything may be chance.
    fn slack(&self, other: &Sample) -> f64 {
        let freedom = (self.count + other.count - 2.0) as usize;
        let error = (self.variance / self.count + other.variance / other.count).sqrt();
        match freedom.checked_sub(1) {
            None => f64::INFINITY,
            Some(row) => error * STUDENT[row.min(STUDENT.len() - 1)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewer_values_the_more_may_be_chance() {
        let slack = |early: &[f64], late: &[f64]| Sample::of(early).slack(&Sample::of(late));
        assert_eq!(slack(&[1.0], &[2.0]), f64::INFINITY);
        // Variances of 2, two values each: a standard error of √2 at two degrees of freedom.
        assert!((slack(&[0.0, 2.0], &[5.0, 7.0]) - 22.327 * 2.0_f64.sqrt()).abs() < 1e-12);
        let many: Vec<f64> = (0..20).map(|at| f64::from(at % 2)).collect();
        let error = (2.0 * (20.0 * 0.25 / 19.0) / 20.0_f64).sqrt();
        assert!((slack(&many, &many) - 3.552 * error).abs() < 1e-12);
    }
}
