//! What the attention router weighs, how much it remembers, and what it refuses to be made of.

use serde::{Deserialize, Serialize};

/// What the router weighs, and how much it remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouterConfig {
    /// How many past tasks are remembered.
    pub memory_max: usize,
    /// Buckets of each hashed view.
    pub dimensions: usize,
    /// Divides the similarity (−1 to 1): smaller attends to the nearest tasks only.
    pub temperature: f64,
    /// Share of role and step in the similarity.
    pub place_weight: f64,
    /// Share of the words of goal and input.
    pub text_weight: f64,
    /// Share of the input's numbers, its size and the attempt.
    pub number_weight: f64,
    /// After how many newer tasks a memory weighs half.
    pub half_life: f64,
    /// What the dearest candidate's cost takes from a success of 1.
    pub cost_weight: f64,
    /// What the slowest candidate's duration takes from a success of 1.
    pub duration_weight: f64,
    /// The success that nothing is known about.
    pub prior_success: f64,
    /// How many observations the prior is worth.
    pub prior_weight: f64,
    /// Bonus of a candidate without experience; it falls as 1/√(1 + effective samples).
    pub exploration: f64,
}

impl Default for RouterConfig {
    /// Success counts most, the dearest candidate's cost takes 0.3 of it, duration is only reported. Costs aside, a stranger
    /// stands at 0.9 + 0.15, above anybody known however good, so everyone is tried; two failures bring it down to about 0.5.
    fn default() -> Self {
        RouterConfig {
            memory_max: 1_000,
            dimensions: 64,
            temperature: 0.1,
            place_weight: 0.4,
            text_weight: 0.4,
            number_weight: 0.2,
            half_life: 500.0,
            cost_weight: 0.3,
            duration_weight: 0.0,
            prior_success: 0.9,
            prior_weight: 2.0,
            exploration: 0.15,
        }
    }
}

/// Why a router was not made.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RouterConfigError {
    /// Set it inside its range.
    #[error("{setting} is {value}, it must be {range}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// Its value as given.
        value: f64,
        /// What it may be.
        range: &'static str,
    },
    /// The memory was written by another version: let the router start anew, or convert it.
    #[error("the memory has version {found}, this router reads version {known}")]
    Version {
        /// The version of the memory.
        found: u32,
        /// The version that is understood.
        known: u32,
    },
    /// The memory was made with other dimensions: set `dimensions` as they were, or start anew.
    #[error("past task {label:?} has {found} features, this router's tasks have {wanted}")]
    Features {
        /// The past task.
        label: String,
        /// How many it has.
        found: usize,
        /// How many are needed.
        wanted: usize,
    },
}

impl RouterConfig {
    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn check(&self) -> Result<(), RouterConfigError> {
        let refuse =
            |setting, value, range| Err(RouterConfigError::Setting { setting, value, range });
        for (setting, value) in [("memory_max", self.memory_max), ("dimensions", self.dimensions)] {
            if value == 0 {
                return refuse(setting, 0.0, "at least 1");
            }
        }
        for (setting, value) in [
            ("temperature", self.temperature),
            ("half_life", self.half_life),
            ("prior_weight", self.prior_weight),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return refuse(setting, value, "finite and above 0");
            }
        }
        for (setting, value) in [
            ("place_weight", self.place_weight),
            ("text_weight", self.text_weight),
            ("number_weight", self.number_weight),
            ("cost_weight", self.cost_weight),
            ("duration_weight", self.duration_weight),
            ("exploration", self.exploration),
        ] {
            if !(value.is_finite() && value >= 0.0) {
                return refuse(setting, value, "finite and not below 0");
            }
        }
        if !(0.0..=1.0).contains(&self.prior_success) {
            return refuse("prior_success", self.prior_success, "from 0 to 1");
        }
        Ok(())
    }
}
