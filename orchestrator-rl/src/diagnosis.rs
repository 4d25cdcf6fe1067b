//! What went wrong with a training, in words, and only from what was measured.

use std::fmt;

use crate::check::Sample;
use crate::config::RlConfig;
use crate::outcome::{StopReason, TuneResult};

/// The upper end of the exploration that the documents advise when rewards fluctuate.
const EPSILON_CALM: f64 = 0.15;
/// Rewards fluctuate when their deviation is at least this share of the greatest single reward.
const FLUCTUATION: f64 = 0.25;

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
    if !result.parameters_unseen.is_empty() {
        findings.push(Finding::Indistinct { parameters: result.parameters_unseen.clone() });
    }
    if result.failures as f64 > 0.1 * result.steps as f64 {
        findings.push(Finding::Failing { failures: result.failures, steps: result.steps });
    }
    findings
}
