//! What went wrong with a training, in words, and only from what was measured.

use std::fmt;

use crate::check::{CHURN_MAX, COVERAGE_MIN, Sample, late_churn, share_explored};
use crate::config::RlConfig;
use crate::index::StateIndex;
use crate::method::Method;
use crate::monitor::Round;
use crate::outcome::{StopReason, TuneResult};
use crate::training::Training;

/// The upper end of the exploration that the documents advise when rewards fluctuate.
const EPSILON_CALM: f64 = 0.15;
/// Rewards fluctuate when their deviation is at least this share of the greatest single reward.
const FLUCTUATION: f64 = 0.25;

/// Below this share of exploring steps, what was not tried has had no chance to be.
const EXPLORED_LITTLE: f64 = 0.05;
/// A step size up to this is small: the documents' own.
const ALPHA_CALM: f64 = 0.1;
/// What is known counts as the same when coverage has grown by no more than this in a round.
const COVERAGE_STILL: f64 = 0.01;
/// So many rounds of a training are needed before its errors can be said to rise.
const ROUNDS_MIN: usize = 6;

/// Something that was measured and can be mended. Its `Display` is the advice.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// Rewards fluctuate to the end, and it is the exploring steps that cost.
    ExplorationTooHigh {
        /// The share of the steps that explored.
        share: f64,
        /// The deviation of the rewards of the last half of the episodes.
        deviation: f64,
        /// The mean reward of a step that explored.
        exploring: f64,
        /// The mean reward of a step that did not.
        greedy: f64,
    },
    /// The episodes were used up before the values settled.
    NotConverged {
        /// How many episodes there were.
        episodes: u32,
        /// The mean error of the last episodes, as a share of the greatest reward.
        error_share: f64,
    },
    /// Errors have grown, by more than chance, beyond every reward: the values run away.
    Diverging {
        /// The mean error of the first third.
        early: f64,
        /// The mean error of the last third.
        late: f64,
        /// The greatest reward.
        reward_scale: f64,
    },
    /// A value is beyond every return that rewards of the size met can add up to, γ being below 1: steps overshoot.
    Overshooting {
        /// The value.
        value: f64,
        /// The greatest return: the greatest reward / (1 − γ).
        bound: f64,
    },
    /// The policy flips although nothing new is met, and the step size is large: each step overwrites what the ones before said.
    Churning {
        /// The mean [`Round::churn`] of the last third of the rounds.
        churn: f64,
        /// The size of a step at a state and action visited as often as they were in the mean.
        alpha: f64,
    },
    /// Most actions were never tried, and hardly any step explored.
    ExplorationTooLow {
        /// The share of the steps that explored.
        share: f64,
        /// The share of the actions of known states that were tried.
        coverage: f64,
    },
    /// No step has been rewarded with anything but 0.
    NoReward {
        /// How many steps there were.
        steps: u64,
    },
    /// The way to the best point went on beyond the region.
    AtTheEdge {
        /// The parameters concerned.
        parameters: Vec<String>,
    },
    /// The states do not tell the ends of the region apart.
    Indistinct {
        /// The parameters concerned.
        parameters: Vec<String>,
    },
    /// The objective has no finite value at many points.
    Failing {
        /// How many moves were undone.
        failures: u64,
        /// Of how many steps.
        steps: u64,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::ExplorationTooHigh { share, deviation, exploring, greedy } => write!(
                f,
                "rewards fluctuate (deviation {deviation:.4} in the last half) because exploration is too high: {share:.2} of \
                 the steps explored, at a mean reward of {exploring:.4} against {greedy:.4}: lower epsilon to 0.10 to 0.15"
            ),
            Finding::NotConverged { episodes, error_share } => write!(
                f,
                "the values had not settled after {episodes} episodes (mean error {error_share:.3} of the greatest reward): \
                 allow more episodes, or start from the table of this run"
            ),
            Finding::Diverging { early, late, reward_scale } => write!(
                f,
                "the mean error grew from {early:.4} to {late:.4}, beyond the greatest reward of {reward_scale:.4}, so the values run \
                 away: lower alpha, or lambda or gamma where they are near 1"
            ),
            Finding::Overshooting { value, bound } => write!(
                f,
                "a value of {value:.4} was learned where no return can be beyond {bound:.4}, because steps overshoot: lower alpha or \
                 lambda, or use replacing traces; or the table is of other rewards: begin with an empty one"
            ),
            Finding::Churning { churn, alpha } => write!(
                f,
                "late rounds still changed the best action where {churn:.2} of their visits were, although nothing new was met, because \
                 steps of {alpha:.2} overwrite what was learned: lower alpha to {ALPHA_CALM}, or let it fall by visits"
            ),
            Finding::ExplorationTooLow { share, coverage } => write!(
                f,
                "only {coverage:.2} of the actions of the states met were ever tried because {share:.3} of the steps explored: raise \
                 epsilon to 0.10 to 0.20, or the initial value above all that can be had"
            ),
            Finding::NoReward { steps } => write!(
                f,
                "none of {steps} steps had a reward: reward steps on the way too, make moves larger or episodes longer"
            ),
            Finding::AtTheEdge { parameters } => write!(
                f,
                "the objective still rose where {} came to the end of the region: widen the region there, or search again from here",
                parameters.join(", ")
            ),
            Finding::Indistinct { parameters } => write!(
                f,
                "the states do not tell the ends of the region apart in {}: make the grid finer, or the region wider",
                parameters.join(", ")
            ),
            Finding::Failing { failures, steps } => write!(
                f,
                "the objective had no finite value at {failures} of {steps} steps: narrow the region, or mend the objective"
            ),
        }
    }
}

/// What the measurements say; empty when they say nothing.
pub fn diagnose(result: &TuneResult, config: &RlConfig) -> Vec<Finding> {
    let mut findings = Vec::new();
    let rewards = &result.reward_history;
    let deviation = Sample::of(&rewards[rewards.len() / 2..]).deviation();
    if result.exploration_share > EPSILON_CALM
        && config.exploration.first_epsilon() > EPSILON_CALM
        && result.reward_scale > 0.0
        && deviation >= FLUCTUATION * result.reward_scale
        && result.reward_exploring < result.reward_greedy
    {
        findings.push(Finding::ExplorationTooHigh {
            share: result.exploration_share,
            deviation,
            exploring: result.reward_exploring,
            greedy: result.reward_greedy,
        });
    }
    if let Some(wanted) = config.converged_td
        && result.stop == StopReason::EpisodesUsedUp
        && result.reward_scale > 0.0
    {
        let errors = &result.td_error_history;
        let late = &errors[errors.len() - errors.len().div_ceil(3)..];
        let error_share = Sample::of(late).mean / result.reward_scale;
        if error_share > wanted {
            findings.push(Finding::NotConverged { episodes: result.episodes, error_share });
        }
    }
    findings.extend(diverging(&result.td_error_history, result.reward_scale));
    if result.reward_scale == 0.0 && result.steps > 0 {
        findings.push(Finding::NoReward { steps: result.steps });
    }
    if !result.parameters_at_edge.is_empty() {
        findings.push(Finding::AtTheEdge { parameters: result.parameters_at_edge.clone() });
    }
    if !result.parameters_unseen.is_empty() {
        findings.push(Finding::Indistinct { parameters: result.parameters_unseen.clone() });
    }
    if result.failures as f64 > 0.1 * result.steps as f64 {
        findings.push(Finding::Failing { failures: result.failures, steps: result.steps });
    }
    findings
}

/// What the measurements of any training say, by the rounds of a [`Monitor`](crate::Monitor); empty when they say nothing.
pub fn diagnose_training<X: StateIndex>(training: &Training<X>, rounds: &[Round]) -> Vec<Finding> {
    let errors: Vec<f64> = rounds.iter().map(|round| round.td_error).collect();
    let mut findings = Vec::new();
    findings.extend(overshooting(training));
    findings.extend(diverging(&errors, training.reward_scale()));
    if training.reward_scale() == 0.0 && training.steps() > 0 {
        findings.push(Finding::NoReward { steps: training.steps() });
    }
    if let [.., before, last] = rounds
        && last.coverage - before.coverage <= COVERAGE_STILL
        && let Some(churn) = late_churn(rounds).filter(|churn| *churn > CHURN_MAX)
        && let Some(alpha) = step_size(training).filter(|alpha| *alpha > ALPHA_CALM)
    {
        findings.push(Finding::Churning { churn, alpha });
    }
    let share = share_explored(rounds);
    if let Some(Round { coverage, .. }) = rounds.last()
        && *coverage < COVERAGE_MIN
        && share < EXPLORED_LITTLE
    {
        findings.push(Finding::ExplorationTooLow { share, coverage: *coverage });
    }
    findings
}

fn diverging(errors: &[f64], reward_scale: f64) -> Option<Finding> {
    let third = errors.len() / 3;
    let (early, late) = (Sample::of(&errors[..third]), Sample::of(&errors[errors.len() - third..]));
    let risen = late.mean > early.mean + early.slack(&late) && late.mean > reward_scale;
    (errors.len() >= ROUNDS_MIN && risen).then_some(Finding::Diverging {
        early: early.mean,
        late: late.mean,
        reward_scale,
    })
}

/// Rounding may take a value this share beyond the bound.
const BOUND_SLACK: f64 = 1e-9;

fn overshooting<X: StateIndex>(training: &Training<X>) -> Option<Finding> {
    let (gamma, values) = (training.config().gamma, &training.table().values);
    let bound = training.reward_scale() / (1.0 - gamma);
    // What was hoped for at first is no return, and may be greater.
    let limit = bound.max(values.initial().abs()) * (1.0 + BOUND_SLACK);
    let cells = (0..values.states()).flat_map(|state| values.row(state));
    let learned = cells.filter(|cell| cell.visits > 0).map(|cell| cell.value);
    let value = learned.max_by(|a, b| a.abs().total_cmp(&b.abs()))?;
    (gamma < 1.0 && value.abs() > limit).then_some(Finding::Overshooting { value, bound })
}

/// The size of a step now, at a pair of state and action visited as often as they are in the mean; `None` where the method has
/// none.
fn step_size<X: StateIndex>(training: &Training<X>) -> Option<f64> {
    let config = training.config();
    if let Method::PrioritizedSweeping { .. } = config.method {
        return None;
    }
    let pairs = training.table().len().max(1) as u64;
    Some(config.alpha.at(training.steps(), training.steps() / pairs))
}
