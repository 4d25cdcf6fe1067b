//! How hard the pipeline works: presets, single settings, and the budget.

use std::num::NonZeroUsize;

use orchestrator_attention::{AttentionConfig, COMPLEXITY_THRESHOLD};
use orchestrator_codegen::{Activation, FitnessWeights};
use orchestrator_ga::GaConfig;
use orchestrator_rl::RlConfig;
use serde::{Deserialize, Serialize};

/// The documents' three ways of saving, and the way between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// The documents' defaults: 20 individuals, 30 generations, 30 episodes, 4 heads for the three layers.
    #[default]
    Standard,
    /// 8 generations, 5 episodes, 2 heads.
    Speed,
    /// 40 individuals, 50 generations, 100 episodes, 6 heads (of the documents' 6 to 8), and a second stage of verification.
    Quality,
    /// The standard search with a pruned Q-table, attention only for layers of more than 0.7 complexity, and scripts taken from the
    /// snapshot where the same ones were made before.
    Efficiency,
}

/// How thorough the verification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stages {
    /// The scripts parse, reproduce each other, and do their job on the user's file.
    One,
    /// Also: a second run gives the same bytes, and cleaning what is clean finds no fault.
    Two,
}

/// What the search maximises.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FitnessKind {
    /// A formula over θ and the features of the data: no script is run for it.
    #[default]
    Formula,
    /// What the script of θ measurably does to a sample of the data, by these weights. Each distinct script is run once, in the sandbox
    /// of the code generator. The scripts are those that were measured: attention is reported, and changes nothing.
    ///
    /// The data are parted in three. What was found on the first part stands only where it is clearly better than the default parameters
    /// on the second one too; else the defaults stand. Both are compared on the third part, which decided nothing
    /// ([`MeasuredSearch`](crate::MeasuredSearch)). Less than three rows of data are refused.
    Measured(FitnessWeights),
}

/// What a run may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Script tokens and, for paid workers, model tokens. At least [`Budget::TOKENS_MIN`]; recommended is the default, 65,000.
    pub tokens: u64,
    /// Attempts that work at the same time. Default 4.
    pub workers: NonZeroUsize,
    /// Bytes of populations and tables. Default 500 MB.
    pub memory_bytes: u64,
    /// Dollars for paid workers, in cents. Default 0: nothing here is paid for unless the host says so.
    pub usd_cents: u64,
}

impl Budget {
    /// The documents' least token budget.
    pub const TOKENS_MIN: u64 = 45_000;
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            tokens: 65_000,
            workers: NonZeroUsize::new(4).expect("four is not zero"),
            memory_bytes: 500_000_000,
            usd_cents: 0,
        }
    }
}

/// The settings of the pipeline. Plain data: take a [`Preset`] and change what you want; [`Settings::check`] is called before a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Where the settings come from.
    pub preset: Preset,
    /// Individuals of the genetic search: 4 to 1,000.
    pub population: usize,
    /// Generations: 1 to 1,000. The documents say 10 to 50.
    pub generations: u32,
    /// Episodes of the learning step: 1 to 10,000. The documents say 5 to 100.
    pub episodes: u32,
    /// Attention heads: 1 to 64. The dimension of a head stays 4, so the embedding has four times as many dimensions. `None` lets them
    /// follow the number of layers that attend, within what the preset allows: see [`Settings::attention`].
    pub heads: Option<usize>,
    /// The activation of the script tokens.
    pub activation: Activation,
    /// The complexity of a layer, in [0, 1], above which it attends. 0 is always, and 1 is never.
    pub attention_above: f64,
    /// The most entries that the Q-table keeps; `None` keeps all.
    pub q_table_max: Option<usize>,
    /// What the search maximises.
    #[serde(default)]
    pub fitness: FitnessKind,
    /// How thorough the verification is.
    pub stages: Stages,
    /// Whether scripts are taken from the snapshot of earlier runs where the same ones were made before.
    pub reuse_scripts: bool,
    /// What a run may use up.
    pub budget: Budget,
}

impl From<Preset> for Settings {
    fn from(preset: Preset) -> Self {
        let standard = Settings {
            preset,
            population: 20,
            generations: 30,
            episodes: 30,
            heads: None,
            activation: Activation::Relu,
            attention_above: 0.0,
            q_table_max: None,
            fitness: FitnessKind::Formula,
            stages: Stages::One,
            reuse_scripts: false,
            budget: Budget::default(),
        };
        match preset {
            Preset::Standard => standard,
            Preset::Speed => Settings { generations: 8, episodes: 5, ..standard },
            Preset::Quality => Settings {
                population: 40,
                generations: 50,
                episodes: 100,
                stages: Stages::Two,
                ..standard
            },
            Preset::Efficiency => Settings {
                attention_above: COMPLEXITY_THRESHOLD,
                q_table_max: Some(256),
                reuse_scripts: true,
                ..standard
            },
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Preset::Standard.into()
    }
}

/// A setting out of its range.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{name} is {value}, and must be from {min} to {max}")]
pub struct SettingsError {
    /// The setting.
    pub name: &'static str,
    /// Its value.
    pub value: f64,
    /// The least value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
}

impl Settings {
    /// The settings of the genetic search: what is not set here is as the documents have it.
    pub fn ga(&self) -> GaConfig {
        GaConfig {
            population: self.population,
            generations: self.generations,
            ..GaConfig::documents()
        }
    }

    /// The settings of the learning step: what is not set here is as the documents have it.
    pub fn rl(&self) -> RlConfig {
        let documents = RlConfig::documents();
        let episodes_min = documents.episodes_min.min(self.episodes);
        RlConfig { episodes_min, episodes_max: self.episodes, ..documents }
    }

    /// The shape of attention when so many layers attend: with the heads that are set, or one for each of them and one for what they
    /// share, within the bounds of the preset (2 for speed, 6 to 8 for quality, else 2 to 8).
    pub fn attention(&self, layers: usize) -> AttentionConfig {
        let preset = match self.preset {
            Preset::Standard => orchestrator_attention::Preset::Default,
            Preset::Speed => orchestrator_attention::Preset::Speed,
            Preset::Quality => orchestrator_attention::Preset::Quality,
            Preset::Efficiency => orchestrator_attention::Preset::Efficiency,
        };
        self.heads.map_or_else(|| preset.for_layers(layers), AttentionConfig::with_heads)
    }

    /// Whether a layer of this complexity attends.
    pub fn attends(&self, complexity: f64) -> bool {
        self.attention_above == 0.0 || complexity > self.attention_above
    }

    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn check(&self) -> Result<(), SettingsError> {
        let ranges = [
            ("population", self.population as f64, 4.0, 1_000.0),
            ("generations", f64::from(self.generations), 1.0, 1_000.0),
            ("episodes", f64::from(self.episodes), 1.0, 10_000.0),
            ("heads", self.heads.unwrap_or(1) as f64, 1.0, 64.0),
            ("attention_above", self.attention_above, 0.0, 1.0),
            ("budget.tokens", self.budget.tokens as f64, Budget::TOKENS_MIN as f64, 1e12),
        ];
        let outside = |&(_, value, min, max): &(_, f64, f64, f64)| !(min..=max).contains(&value);
        match ranges.into_iter().find(outside) {
            None => Ok(()),
            Some((name, value, min, max)) => Err(SettingsError { name, value, min, max }),
        }
    }
}
