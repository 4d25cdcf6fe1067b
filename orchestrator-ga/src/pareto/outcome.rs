//! What a search over many objectives found, and what is measured of every generation.

use serde::{Deserialize, Serialize};

use super::objectives::Objective;
use crate::generation::Row;
use crate::stop::StopReason;

/// A point of the front: nothing that was found is better in everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TradeOff {
    /// The values of the parameters, in the order of the space.
    pub point: Vec<f64>,
    /// The values of the objectives, in their order and in their own directions.
    pub values: Vec<f64>,
}

/// What was measured of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ParetoGeneration {
    /// Which one, counted from 0 (the start population).
    pub index: u32,
    /// How many of its candidates break no constraint and are dominated by none.
    pub front: usize,
    /// What they dominate below the reference point, if there is one.
    pub hypervolume: Option<f64>,
    /// How many candidates were evaluated for it.
    pub evaluations: usize,
    /// How many of these evaluations failed.
    pub failures: usize,
    /// How many of these candidates broke a constraint.
    pub infeasible: usize,
}

impl Row for ParetoGeneration {
    fn index(&self) -> u32 {
        self.index
    }
    fn is_sound(&self) -> bool {
        let measured = self.hypervolume.is_none_or(|volume| volume >= 0.0 && volume.is_finite());
        let unscored = self.failures.checked_add(self.infeasible);
        measured && unscored.is_some_and(|unscored| unscored <= self.evaluations)
    }
}

/// What a search over many objectives found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParetoResult {
    /// The names of the parameters.
    pub parameters: Vec<String>,
    /// The objectives.
    pub objectives: Vec<Objective>,
    /// The trade-offs, from the best by the first objective on.
    pub front: Vec<TradeOff>,
    /// What the front dominates below the reference point, if there is one.
    pub hypervolume: Option<f64>,
    /// The size of the front in each generation, the start population first; thinned as [`History`](crate::History) is.
    pub front_history: Vec<usize>,
    /// The hypervolume of each generation; empty without a reference point.
    pub hypervolume_history: Vec<f64>,
    /// How often the objectives were evaluated.
    pub evaluations: u64,
    /// How many of these evaluations failed or were not finite.
    pub failures: u64,
    /// How many of these candidates broke a constraint.
    pub infeasible: u64,
    /// Why the search ended.
    pub stop: StopReason,
    /// How many points of the start population were given.
    pub warm_starts: usize,
}
