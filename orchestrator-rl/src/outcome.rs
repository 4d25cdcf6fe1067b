//! What tuning brought.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::monitor::Round;

/// Why a training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// The values no longer change.
    Converged,
    /// Neither the best point nor the policy has changed for some rounds: see [`Scaling`](crate::Scaling).
    Settled,
    /// The episodes are used up.
    EpisodesUsedUp,
    /// It has not ended: the caller stopped driving it.
    Interrupted,
}

/// What tuning brought. It serialises with the documents' keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TuneResult {
    /// The best point met, by name; the start when nothing better was met.
    pub optimized_params: BTreeMap<String, f64>,
    /// The same, in the order of the space.
    pub best: Vec<f64>,
    /// The objective at the start.
    pub objective_start: f64,
    /// The objective at the best point, never less.
    pub objective_end: f64,
    /// The sum of the rewards of each episode.
    pub reward_history: Vec<f64>,
    /// The best of these.
    pub final_reward: f64,
    /// The objective where each episode ended (each begins at the best point met until then).
    pub objective_history: Vec<f64>,
    /// The mean size of the temporal difference error of each episode.
    pub td_error_history: Vec<f64>,
    /// The size of the greatest single reward met: what errors are to be compared with.
    pub reward_scale: f64,
    /// How many pairs of state and action the table knows.
    pub q_table_size: usize,
    /// The share of the steps that explored.
    pub exploration_share: f64,
    /// The mean reward of a step that explored; 0 when none did.
    pub reward_exploring: f64,
    /// The mean reward of a step that did not; 0 when all did.
    pub reward_greedy: f64,
    /// How many episodes there were.
    pub episodes: u32,
    /// How many steps there were.
    pub steps: u64,
    /// How many different states were visited.
    pub states_visited: usize,
    /// The parameters whose range the states do not tell apart, although the region lets them move.
    pub parameters_unseen: Vec<String>,
    /// The parameters that stopped at the end of the region at the best point, where the space goes on and the last move there
    /// had made the objective better.
    #[serde(default)]
    pub parameters_at_edge: Vec<String>,
    /// How many moves were undone because the objective had no finite value.
    pub failures: u64,
    /// Why the training ended.
    pub stop: StopReason,
    /// What was measured round by round, where the run was scaled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<Round>,
}
