//! The documents' verification checklist for reinforcement learning, with the measured numbers: of tuning, and of any training.
//!
//! Rewards and errors are noisy; the lines compare an early and a late part of the training, and where chance can decide they
//! allow what it does in 999 of 1,000 cases, so that a line fails for a reason: a checklist that cries wolf is not read. Few
//! episodes leave much to chance.

use orchestrator_core::{Check, ParameterSpace};

use crate::config::CONVERGENCE_WINDOW;
use crate::index::StateIndex;
use crate::monitor::Round;
use crate::outcome::{StopReason, TuneResult};
use crate::training::Training;

/// The share of exploring steps that counts as balanced: below, nothing new is met; above, nothing learned is used.
const EXPLORATION: (f64, f64) = (0.05, 0.5);

/// At least this share of the actions of what was met must have been tried: below, what is best is known of less than half.
pub(crate) const COVERAGE_MIN: f64 = 0.5;
/// At most this share of the policy may change in a late round.
pub(crate) const CHURN_MAX: f64 = 0.1;

/// The same checklist for any training, over what a [`Monitor`](crate::Monitor) measured: values converging, rewards rising,
/// exploration balanced, the policy settled, the actions of what was met tried. Give it 20 rounds or so; the first two lines need
/// a few to fail.
///
/// ```
/// use orchestrator_core::Seed;
/// use orchestrator_rl::{Method, Monitor, RlConfig, Training, verify_training, worlds};
///
/// let cliff = worlds::cliff_walking();
/// let config = RlConfig::textbook(Method::QLearning, 0.5, 0.1, 1.0);
/// let mut training = Training::dense(config, cliff.states(), cliff.actions(), Seed(1))?;
/// let (mut environment, mut monitor) = (cliff.environment(), Monitor::new());
/// for _ in 0..20 {
///     training.run_steps(&mut environment, 5_000)?;
///     monitor.look(&training);
/// }
/// assert!(verify_training(&training, monitor.rounds()).iter().all(|line| line.passed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify_training<X: StateIndex>(training: &Training<X>, rounds: &[Round]) -> Vec<Check> {
    let errors: Vec<f64> = rounds.iter().map(|round| round.td_error).collect();
    let rewards: Vec<f64> = rounds.iter().map(|round| round.reward).collect();
    let explored = share_explored(rounds);
    let steps = rounds.last().map_or(0, |round| round.steps);
    vec![
        converging(&errors, training.stop(), training.reward_scale(), "rounds"),
        rising(&rewards, None),
        balanced(explored, steps),
        settled(rounds),
        covering(rounds),
    ]
}

/// The share of the steps of all rounds that explored.
pub(crate) fn share_explored(rounds: &[Round]) -> f64 {
    let (mut before, mut explored, mut steps) = (0, 0.0, 0.0);
    for round in rounds {
        let count = round.steps.saturating_sub(before) as f64;
        explored += count * round.explored;
        steps += count;
        before = round.steps;
    }
    if steps > 0.0 { explored / steps } else { 0.0 }
}

/// The documents' checklist: values converging, rewards rising, parameters within bounds (of the region that was tuned in),
/// exploration balanced, states telling points apart.
pub fn verify(result: &TuneResult, region: &ParameterSpace) -> Vec<Check> {
    vec![
        converging(&result.td_error_history, result.stop, result.reward_scale, "episodes"),
        rising(&result.reward_history, Some(result.objective_end - result.objective_start)),
        within(result, region),
        balanced(result.exploration_share, result.steps),
        telling(result),
    ]
}

/// The errors of the last third are not above those of the first by more than chance, or were small enough to end the training. A
/// training of fewer than [`CONVERGENCE_WINDOW`] episodes passes too while its errors are no greater than the greatest reward: so
/// much the first visit of a pair explains by itself (its value is 0 before), and most of its visits are first ones. Values that
/// run away have errors beyond every reward.
fn converging(errors: &[f64], stop: StopReason, reward_scale: f64, unit: &str) -> Check {
    let third = errors.len().div_ceil(3);
    let (early, late) = (Sample::of(&errors[..third]), Sample::of(&errors[errors.len() - third..]));
    let slack = early.slack(&late);
    let first_visits = errors.len() < CONVERGENCE_WINDOW && late.mean <= reward_scale;
    Check::new(
        "q-values converging over episodes",
        stop == StopReason::Converged || late.mean <= early.mean + slack || first_visits,
        format!(
            "mean error from {:.6} to {:.6} (chance allows {slack:.6}, the greatest reward is {reward_scale:.6}) over {} {unit}, {}",
            early.mean,
            late.mean,
            errors.len(),
            match stop {
                StopReason::Converged => "converged",
                StopReason::Settled => "settled",
                StopReason::EpisodesUsedUp => "episodes used up",
                StopReason::Interrupted => "interrupted",
            }
        ),
    )
}

/// The last half of the episodes is rewarded no worse than the first, by more than chance. Rewards for a change must fall once
/// there is less left to gain, because every episode begins at the best point so far; so where they fall, the best point itself
/// must have been raised.
fn rising(rewards: &[f64], gain: Option<f64>) -> Check {
    let half = rewards.len() / 2;
    let (early, late) =
        (Sample::of(&rewards[..half]), Sample::of(&rewards[rewards.len() - half..]));
    let slack = early.slack(&late);
    let raised = gain.map_or(String::new(), |gain| format!(", the best point raised by {gain:.6}"));
    Check::new(
        "rewards increasing",
        late.mean >= early.mean - slack || gain.is_some_and(|gain| gain > 0.0),
        format!(
            "mean reward of an episode from {:.6} to {:.6} (chance allows {slack:.6}){raised}",
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
fn balanced(share: f64, steps: u64) -> Check {
    let count = steps.max(1) as f64;
    let slack = |share: f64| 2.0 * (share * (1.0 - share) / count).sqrt();
    let (low, high) = EXPLORATION;
    let (least, most) = (low - slack(low), high + slack(high));
    Check::new(
        "exploration and exploitation balanced",
        least <= share && share <= most && steps > 0,
        format!(
            "{share:.3} of {steps} steps explored, {low} to {high} wanted (chance allows {least:.3} to {most:.3})"
        ),
    )
}

/// The mean churn of the last third of the rounds: that of a single one is often luck.
pub(crate) fn late_churn(rounds: &[Round]) -> Option<f64> {
    let late = &rounds[rounds.len() - rounds.len().div_ceil(3)..];
    let churns: Vec<f64> = late.iter().filter_map(|round| round.churn).collect();
    (!churns.is_empty()).then(|| Sample::of(&churns).mean)
}

/// A policy that still changes has not been found, however small the errors are.
fn settled(rounds: &[Round]) -> Check {
    let churn = late_churn(rounds);
    Check::new(
        "policy settled",
        churn.is_some_and(|churn| churn <= CHURN_MAX),
        match churn {
            Some(churn) => format!(
                "the best action changed where {churn:.3} of a round's visits were in the last third of {} rounds, at most {CHURN_MAX} wanted",
                rounds.len()
            ),
            None => format!("{} rounds, of which at least 2 are needed to compare", rounds.len()),
        },
    )
}

fn covering(rounds: &[Round]) -> Check {
    let coverage = rounds.last().map_or(0.0, |round| round.coverage);
    Check::new(
        "visits cover the actions of the states met",
        coverage >= COVERAGE_MIN,
        format!("{coverage:.3} of them tried, at least {COVERAGE_MIN} wanted"),
    )
}

/// Every parameter that moves reaches more than one state. How many states were visited says nothing of that: an agent that
/// begins at the optimum does well to stay in one.
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

    /// By how much two means may differ by chance: the standard error of their difference times the 99.9 % quantile of Student's
    /// t ("The probable error of a mean", 1908) for both samples' degrees of freedom. Two samples of one value tell nothing, so
    /// anything may be chance.
    pub(crate) fn slack(&self, other: &Sample) -> f64 {
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
