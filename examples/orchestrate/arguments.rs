//! The command line.

use std::error::Error;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use orchestrator_ai::codegen::{Edits, FitnessWeights};
use orchestrator_ai::core::Seed;
use orchestrator_ai::{FitnessKind, OrchestrationContext, Preset, Settings};

/// Generates, runs and checks layered ETL scripts for a data file.
#[derive(Debug, Parser)]
#[command(name = "orchestrate")]
pub(crate) struct Arguments {
    /// The data: a text table in UTF-8 (comma, semicolon, tab, bar or blanks; with or without a header), JSON or JSON lines
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/penguins-raw.csv"), hide_default_value = true)]
    pub(crate) data: PathBuf,
    /// Where the scripts, the reports and the cleaned data go
    #[arg(long, value_name = "DIR", default_value = "target/orchestrate")]
    pub(crate) out: PathBuf,
    /// Overwrite scripts there that somebody has edited
    #[arg(long)]
    pub(crate) force: bool,
    /// Read what earlier runs learned from here, and write what this one learned
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Runs of the same project learn from each other
    #[arg(long, default_value = "Data Pipeline Generator")]
    pub(crate) project: String,
    /// What the scripts are for, in your words
    #[arg(long, default_value = "Create optimized ETL scripts with multi-layer architecture")]
    pub(crate) objective: String,
    /// The same seed gives the same bytes
    #[arg(long, default_value_t = 42, allow_negative_numbers = true)]
    pub(crate) seed: u64,
    /// How hard to work
    #[arg(long, value_enum, default_value_t = PresetName::Standard)]
    pub(crate) preset: PresetName,
    /// Generations of the genetic search, instead of the preset's
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) generations: Option<u32>,
    /// Episodes of the learning step, instead of the preset's
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) episodes: Option<u32>,
    /// Attention heads, instead of as many as the layers ask for; each has 4 dimensions
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) heads: Option<usize>,
    /// What the search maximises
    #[arg(long, value_enum, default_value_t = FitnessName::Formula)]
    pub(crate) fitness: FitnessName,
    /// With --fitness measured: what a term of the score counts, such as nulls=5; may be given several times
    #[arg(long, value_name = "TERM=NUMBER", value_parser = weight)]
    pub(crate) weight: Vec<(String, f64)>,
    /// Print the whole report as JSON instead of a summary
    #[arg(long)]
    pub(crate) json: bool,
}

/// See [`Preset`].
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PresetName {
    /// 20 individuals, 30 generations, 30 episodes, 4 heads
    Standard,
    /// 8 generations, 5 episodes, 2 heads
    Speed,
    /// 40 individuals, 50 generations, 100 episodes, 6 heads, two stages of verification
    Quality,
    /// Pruned Q-table, attention for complex layers only, scripts taken from the state where the same were made before
    Efficiency,
}

/// See [`FitnessKind`].
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FitnessName {
    /// A formula over the parameters and the features of the data
    Formula,
    /// What the scripts do to a sample of the data, each run in a sandbox
    Measured,
}

impl Arguments {
    /// What the pipeline is asked to do.
    pub(crate) fn context(&self) -> Result<OrchestrationContext, Box<dyn Error>> {
        let preset = match self.preset {
            PresetName::Standard => Preset::Standard,
            PresetName::Speed => Preset::Speed,
            PresetName::Quality => Preset::Quality,
            PresetName::Efficiency => Preset::Efficiency,
        };
        let defaults = Settings::from(preset);
        let mut weights = FitnessWeights::default();
        for (term, value) in &self.weight {
            weights = weights.with(term, *value)?;
        }
        let settings = Settings {
            generations: self.generations.unwrap_or(defaults.generations),
            episodes: self.episodes.unwrap_or(defaults.episodes),
            heads: self.heads.or(defaults.heads),
            fitness: match self.fitness {
                FitnessName::Formula => FitnessKind::Formula,
                FitnessName::Measured => FitnessKind::Measured(weights),
            },
            ..defaults
        };
        settings.check()?;
        Ok(OrchestrationContext {
            project: self.project.clone(),
            objective: self.objective.clone(),
            out: Some(self.out.clone()),
            edits: if self.force { Edits::Overwrite } else { Edits::Keep },
            state: self.state.clone(),
            seed: Seed(self.seed),
            settings,
            ..OrchestrationContext::of_file(&self.data)
        })
    }
}

fn weight(text: &str) -> Result<(String, f64), String> {
    let (term, value) = text.split_once('=').ok_or("a weight reads TERM=NUMBER")?;
    let value = value.parse().map_err(|_| format!("{value:?} is no number"))?;
    Ok((term.to_owned(), value))
}
