//! What the attention router weighs, how much it remembers, and what it refuses to be made of.

use orchestrator_core::{Bounds, ParameterError, ParameterSpace};
use serde::{Deserialize, Serialize};

use crate::embed::EmbedderError;

/// Which past task gives way when the memory is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forgetting {
    /// The oldest: a ring.
    #[default]
    Oldest,
    /// The least important: recency / (1 + r), where recency halves with every `half_life` and r is how many past tasks of the same
    /// worker are like it, each counted by its similarity kernel. A crowd of equals thins out, what is rare and recent stays.
    LeastImportant,
}

/// What the router weighs, and how much it remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouterConfig {
    /// How many past tasks are remembered.
    pub memory_max: usize,
    /// Which one is forgotten first.
    pub forgetting: Forgetting,
    /// Length of the text's vector, unless an embedder is brought along; those of area and numbers are half as long.
    pub dimensions: usize,
    /// Divides the views' similarities (−1 to 1): smaller attends to the nearest tasks only.
    pub temperature: f64,
    /// How sharply areas (role, step, short texts of the input) are told apart; 0: not at all.
    pub area_weight: f64,
    /// How sharply the words of goal and input are told apart; 0: not at all.
    pub text_weight: f64,
    /// How sharply numbers (of the input, its size, the attempts before) are told apart; 0: not at all.
    pub number_weight: f64,
    /// After how many newer tasks a memory weighs half.
    pub half_life: f64,
    /// λ: what the mean cost of the dearest candidate takes from a success of 1.
    pub cost_weight: f64,
    /// What the mean duration of the slowest candidate takes from a success of 1.
    pub duration_weight: f64,
    /// The success of somebody about whom nothing is known.
    pub prior_success: f64,
    /// How many past tasks that is worth.
    pub prior_weight: f64,
    /// How much the fit of declared capabilities moves the prior of a candidate without experience.
    pub capability_weight: f64,
    /// How many similar tasks a worker's mean over all of its tasks is worth.
    pub shrinkage: f64,
    /// How far a task that is harder for the others is taken to be harder for a worker who has not done it, from 0 to 1.
    pub sharing: f64,
    /// Bonus for not knowing a worker, in standard deviations of its mean.
    pub exploration: f64,
    /// Bonus for not knowing how a worker does such tasks, in standard deviations of that.
    pub local_exploration: f64,
}

impl Default for RouterConfig {
    /// Success counts most, the dearest candidate's cost takes 0.3 of it, duration is only reported. A stranger stands
    /// at 0.75 and more than half a standard deviation above, higher than anybody known however good, so everyone is tried. That is soon over: how
    /// good a worker is on the whole is cheap to learn, how good it is at every kind of task is not, and mostly not worth
    /// the price. The other figures are in the middle of a plateau, measured by `routing_quality` of the benches.
    fn default() -> Self {
        RouterConfig {
            memory_max: 2_000,
            forgetting: Forgetting::Oldest,
            dimensions: 64,
            temperature: 0.05,
            area_weight: 0.4,
            text_weight: 0.4,
            number_weight: 0.2,
            half_life: 1_000.0,
            cost_weight: 0.3,
            duration_weight: 0.0,
            prior_success: 0.75,
            prior_weight: 4.0,
            capability_weight: 0.2,
            shrinkage: 10.0,
            sharing: 1.0,
            exploration: 1.0,
            local_exploration: 1.0,
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
    /// It was written by another version: let the router start anew, or convert it.
    #[error("the {what} has version {found}, this router reads version {known}")]
    Version {
        /// What was read.
        what: &'static str,
        /// Its version.
        found: u32,
        /// The version that is understood.
        known: u32,
    },
    /// The memory was made with other dimensions or another embedder: set them as they were, or start anew.
    #[error("the remembered tasks have {found} features, this router's tasks have {wanted}")]
    Features {
        /// How many they have.
        found: usize,
        /// How many are needed.
        wanted: usize,
    },
    /// What was written down contradicts itself: it was torn or changed by hand.
    #[error("the {what} is not whole: {reason}")]
    Torn {
        /// What was read.
        what: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// The embedder cannot be used.
    #[error(transparent)]
    Embedder(#[from] EmbedderError),
}

impl RouterConfig {
    /// What the genetic search can tune: temperature, the weights of the views, half-life, shrinkage, sharing and exploration. Sizes
    /// and prices (λ) are decisions of the host and not among them.
    ///
    /// ```
    /// use orchestrator_attention::RouterConfig;
    /// let space = RouterConfig::parameter_space();
    /// let point = space.middle();
    /// let config = RouterConfig { cost_weight: 0.1, ..RouterConfig::default() }.with_point(&point)?;
    /// assert_eq!(config.cost_weight, 0.1);
    /// assert!(config.check().is_ok());
    /// # Ok::<(), orchestrator_core::ParameterError>(())
    /// ```
    pub fn parameter_space() -> ParameterSpace {
        ParameterSpace::new(TUNED.iter().map(|&(name, min, max)| (name, Bounds { min, max })))
            .expect("names are distinct and bounds in order")
    }

    /// The same settings, with those of a point of [`RouterConfig::parameter_space`].
    ///
    /// # Errors
    /// When the point is not in that space.
    pub fn with_point(self, point: &[f64]) -> Result<Self, ParameterError> {
        RouterConfig::parameter_space().check(point)?;
        let value = |name: &str| {
            let at = TUNED.iter().position(|tuned| tuned.0 == name);
            point[at.expect("one of the tuned")]
        };
        Ok(RouterConfig {
            temperature: value("temperature"),
            area_weight: value("area_weight"),
            text_weight: value("text_weight"),
            number_weight: value("number_weight"),
            half_life: value("half_life"),
            shrinkage: value("shrinkage"),
            sharing: value("sharing"),
            exploration: value("exploration"),
            local_exploration: value("local_exploration"),
            ..self
        })
    }

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
            ("shrinkage", self.shrinkage),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return refuse(setting, value, "finite and above 0");
            }
        }
        for (setting, value) in [
            ("area_weight", self.area_weight),
            ("text_weight", self.text_weight),
            ("number_weight", self.number_weight),
            ("cost_weight", self.cost_weight),
            ("duration_weight", self.duration_weight),
            ("capability_weight", self.capability_weight),
            ("exploration", self.exploration),
            ("local_exploration", self.local_exploration),
        ] {
            if !(value.is_finite() && value >= 0.0) {
                return refuse(setting, value, "finite and not below 0");
            }
        }
        for (setting, value) in [("prior_success", self.prior_success), ("sharing", self.sharing)] {
            if !(0.0..=1.0).contains(&value) {
                return refuse(setting, value, "from 0 to 1");
            }
        }
        Ok(())
    }
}

/// Name, least and most of what is tuned.
const TUNED: [(&str, f64, f64); 9] = [
    ("temperature", 0.01, 0.5),
    ("area_weight", 0.0, 1.0),
    ("text_weight", 0.0, 1.0),
    ("number_weight", 0.0, 1.0),
    ("half_life", 50.0, 5_000.0),
    ("shrinkage", 1.0, 100.0),
    ("sharing", 0.0, 1.0),
    ("exploration", 0.0, 2.0),
    ("local_exploration", 0.0, 2.0),
];
