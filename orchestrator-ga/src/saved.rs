//! A search as it is written down: with a version, and checked when it is read.

use orchestrator_core::{ParameterSpace, Seed};
use serde::{Deserialize, Serialize};

use crate::config::GaConfig;
use crate::error::GaError;
use crate::outcome::StopReason;
use crate::population::Population;
use crate::search::{Ga, Generation};

/// The format that this version writes and reads.
const VERSION: u32 = 1;

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SavedGa {
    version: u32,
    space: ParameterSpace,
    config: GaConfig,
    seed: Seed,
    population: Population,
    history: Vec<Generation>,
    best: Option<(Vec<f64>, f64)>,
    stagnant: u32,
    stop: Option<StopReason>,
    warm_starts: usize,
}

impl From<Ga> for SavedGa {
    fn from(ga: Ga) -> Self {
        SavedGa {
            version: VERSION,
            space: ga.space,
            config: ga.config,
            seed: ga.seed,
            population: ga.population,
            history: ga.history,
            best: ga.best,
            stagnant: ga.stagnant,
            stop: ga.stop,
            warm_starts: ga.warm_starts,
        }
    }
}

impl TryFrom<SavedGa> for Ga {
    type Error = GaError;

    fn try_from(saved: SavedGa) -> Result<Self, GaError> {
        if saved.version != VERSION {
            return Err(GaError::Version { found: saved.version, known: VERSION });
        }
        saved.config.check()?;
        let damaged = |what| Err(GaError::Damaged { what });
        if !saved.population.fits(saved.config.population, &saved.space) {
            return damaged("the population does not fit the space and the settings");
        }
        if saved.best.is_none() != saved.history.is_empty() {
            return damaged("the best and the history contradict each other");
        }
        if let Some((point, fitness)) = &saved.best
            && (saved.space.check(point).is_err() || !fitness.is_finite())
        {
            return damaged("the best is not in the space");
        }
        if saved.history.len() > saved.config.generations as usize + 1
            || (saved.stop.is_some() && saved.history.is_empty())
        {
            return damaged("the history and the settings contradict each other");
        }
        Ok(Ga {
            space: saved.space,
            config: saved.config,
            seed: saved.seed,
            population: saved.population,
            history: saved.history,
            best: saved.best,
            stagnant: saved.stagnant,
            stop: saved.stop,
            warm_starts: saved.warm_starts,
        })
    }
}
