//! The settings of the genetic algorithm: a plain struct whose default is the documents' preset, checked when it is made.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::error::GaError;

/// How many generations the documents let a search have.
pub const DOCUMENT_GENERATIONS: RangeInclusive<u32> = 10..=50;
/// The most generations that a search keeps a history of.
pub const GENERATIONS_MAX: u32 = 1_000_000;
/// The largest population: beyond it the state no longer fits a checkpoint that anyone would want.
pub const POPULATION_MAX: usize = 100_000;

/// How two parents make two children.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crossover {
    /// Blend crossover, BLX-α (Eshelman and Schaffer, "Real-coded genetic algorithms and interval-schemata", 1993): each value of a child
    /// is uniform in the interval of the parents' values, extended at both ends.
    Blend {
        /// By how much the interval is extended, as a share of its length, 0 to 1. Eshelman and Schaffer found 0.5 to balance exploring
        /// and exploiting.
        alpha: f64,
    },
    /// Uniform crossover (Syswerda, "Uniform crossover in genetic algorithms", 1989): each value of the first child is either parent's
    /// with equal probability, and the second child has the other.
    Uniform,
}

/// The settings of the genetic algorithm. [`Ga::new`](crate::Ga::new) checks them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GaConfig {
    /// How many candidates a generation has, at least 2. The documents say 20.
    pub population: usize,
    /// How many generations are bred after the start population (generation 0), at least 1; over them the mutation step decays. The documents say 10 to 50; 30 is
    /// their target for convergence.
    pub generations: u32,
    /// How many candidates compete to be a parent, at least 1. The documents say 3.
    pub tournament: usize,
    /// How two parents make two children.
    pub crossover: Crossover,
    /// The probability that a child has two parents. The documents say 0.7.
    pub crossover_rate: f64,
    /// The probability that a parameter of a child is mutated. The documents say 0.15.
    pub mutation_rate: f64,
    /// The deviation of a mutation in the first generation, as a share of the parameter's width. A tenth crosses the space in a
    /// few generations.
    pub mutation_step: f64,
    /// The same in the last generation; in between it decays geometrically. A fiftieth refines without letting the population become one point.
    pub mutation_step_final: f64,
    /// How many of the best survive unchanged, less than the population. One is enough never to lose the best.
    pub elites: usize,
}

impl GaConfig {
    /// The documents' preset: population 20, tournament 3, crossover 0.7, mutation 0.15, 30 generations.
    pub fn documents() -> GaConfig {
        GaConfig {
            population: 20,
            generations: 30,
            tournament: 3,
            crossover: Crossover::Blend { alpha: 0.5 },
            crossover_rate: 0.7,
            mutation_rate: 0.15,
            mutation_step: 0.1,
            mutation_step_final: 0.02,
            elites: 1,
        }
    }

    /// Whether a search can run with these settings.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), GaError> {
        let population = self.population as f64;
        let alpha = match self.crossover {
            Crossover::Blend { alpha } => alpha,
            Crossover::Uniform => 0.0,
        };
        let rows = [
            ("population", population, 2.0, POPULATION_MAX as f64),
            ("generations", f64::from(self.generations), 1.0, f64::from(GENERATIONS_MAX)),
            ("tournament", self.tournament as f64, 1.0, population),
            ("crossover_rate", self.crossover_rate, 0.0, 1.0),
            ("crossover.alpha", alpha, 0.0, 1.0),
            ("mutation_rate", self.mutation_rate, 0.0, 1.0),
            ("mutation_step", self.mutation_step, f64::MIN_POSITIVE, 1.0),
            (
                "mutation_step_final",
                self.mutation_step_final,
                f64::MIN_POSITIVE,
                self.mutation_step,
            ),
            ("elites", self.elites as f64, 0.0, population - 1.0),
        ];
        for (setting, value, min, max) in rows {
            if !(min <= value && value <= max) {
                return Err(GaError::Setting { setting, value, min, max });
            }
        }
        Ok(())
    }

    /// The deviation of a mutation in a generation, as a share of a parameter's width.
    pub(crate) fn step_at(&self, generation: u32) -> f64 {
        let last = self.generations.max(2) - 1;
        let done = f64::from(generation.saturating_sub(1).min(last)) / f64::from(last);
        self.mutation_step * (self.mutation_step_final / self.mutation_step).powf(done)
    }
}

impl Default for GaConfig {
    fn default() -> Self {
        GaConfig::documents()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_decays_from_its_first_to_its_final_value() {
        let config = GaConfig::documents();
        assert_eq!(config.step_at(1), 0.1);
        assert!((config.step_at(30) - 0.02).abs() < 1e-12);
        assert!((1..30).all(|g| config.step_at(g) > config.step_at(g + 1)));
    }

    #[track_caller]
    fn refused(config: GaConfig, setting: &str) {
        let message = config.check().unwrap_err().to_string();
        assert!(message.starts_with(setting), "{message}");
    }

    #[test]
    fn a_setting_out_of_range_is_named() {
        let preset = GaConfig::documents;
        assert!(preset().check().is_ok());
        refused(GaConfig { population: 1, ..preset() }, "population");
        refused(GaConfig { generations: 0, ..preset() }, "generations");
        refused(GaConfig { tournament: 21, ..preset() }, "tournament");
        refused(GaConfig { crossover_rate: f64::NAN, ..preset() }, "crossover_rate");
        refused(GaConfig { mutation_rate: 1.5, ..preset() }, "mutation_rate");
        refused(GaConfig { mutation_step_final: 0.2, ..preset() }, "mutation_step_final");
        refused(GaConfig { elites: 20, ..preset() }, "elites");
    }
}
