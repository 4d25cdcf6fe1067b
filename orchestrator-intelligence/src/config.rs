//! How the adaptive router chooses, and what it weighs: plain structs, checked when a router is made.

use serde::{Deserialize, Serialize};

/// How a worker is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoutingStrategy {
    /// The declared order; nothing learnt is used.
    Baseline,
    /// The highest success rate.
    Performance,
    /// The lowest cost among those whose success rate reaches `quality_min`.
    Cost,
    /// The best weighted sum of success and saving.
    #[default]
    Balanced,
    /// The bandit's choice, and now and then anyone.
    Learning,
}

/// Which bandit [`RoutingStrategy::Learning`] asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BanditKind {
    /// Probability matching: robust when answers come late, because it does not insist on one arm.
    #[default]
    Thompson,
    /// Optimism: the fastest where answers come at once.
    Ucb1,
}

/// What the router weighs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearningConfig {
    /// How many records a worker needs before its rates are believed.
    pub min_samples: usize,
    /// What a success is worth.
    pub success_weight: f64,
    /// What a saving is worth: 1 is free, 0 as dear as the dearest candidate.
    pub cost_weight: f64,
    /// How often `Learning` takes anyone, whatever the bandit says.
    pub exploration_rate: f64,
    /// The success rate that `Cost` asks for.
    pub quality_min: f64,
    /// The bandit of `Learning`.
    pub bandit: BanditKind,
    /// How many records are kept.
    pub records_max: usize,
}

impl Default for LearningConfig {
    /// The documents' numbers; `quality_min` 0.8 is about the worst success rate that they report for any strategy.
    fn default() -> Self {
        LearningConfig {
            min_samples: 5,
            success_weight: 0.7,
            cost_weight: 0.3,
            exploration_rate: 0.1,
            quality_min: 0.8,
            bandit: BanditKind::default(),
            records_max: 10_000,
        }
    }
}

/// A setting that is out of its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{setting} is {value}, it must be {range}")]
pub struct LearningConfigError {
    /// The setting.
    pub setting: &'static str,
    /// Its value as given.
    pub value: f64,
    /// What it may be.
    pub range: &'static str,
}

impl LearningConfig {
    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn check(&self) -> Result<(), LearningConfigError> {
        let refuse = |setting, value, range| Err(LearningConfigError { setting, value, range });
        for (setting, value) in
            [("min_samples", self.min_samples), ("records_max", self.records_max)]
        {
            if value == 0 {
                return refuse(setting, 0.0, "at least 1");
            }
        }
        for (setting, value) in
            [("success_weight", self.success_weight), ("cost_weight", self.cost_weight)]
        {
            if !(value.is_finite() && value >= 0.0) {
                return refuse(setting, value, "finite and not below 0");
            }
        }
        let sum = self.success_weight + self.cost_weight;
        if !(sum.is_finite() && sum > 0.0) {
            return refuse("success_weight + cost_weight", sum, "finite and above 0");
        }
        for (setting, value) in
            [("exploration_rate", self.exploration_rate), ("quality_min", self.quality_min)]
        {
            if !(0.0..=1.0).contains(&value) {
                return refuse(setting, value, "from 0 to 1");
            }
        }
        Ok(())
    }
}
