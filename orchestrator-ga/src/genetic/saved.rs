//! The algorithm as it is read: checked, since a state that contradicts itself would panic later.

use orchestrator_core::{FastStream, ParameterSpace, Seed};
use serde::Deserialize;

use super::Ga;
use super::config::GaConfig;
use crate::batch::Batch;
use crate::cost::Costs;
use crate::error::GaError;
use crate::scratch::Scratch;

#[derive(Deserialize)]
pub(super) struct Saved {
    space: ParameterSpace,
    config: GaConfig,
    seed: Seed,
    stream: FastStream,
    points: Batch,
    costs: Costs,
    kept: Batch,
    kept_costs: Costs,
    start: Batch,
    warm_starts: usize,
    bred: u32,
}

impl TryFrom<Saved> for Ga {
    type Error = GaError;

    fn try_from(saved: Saved) -> Result<Ga, GaError> {
        saved.config.check()?;
        let (space, population) = (&saved.space, saved.config.population);
        let damaged = |what| Err(GaError::Damaged { what });
        for batch in [&saved.points, &saved.kept, &saved.start] {
            if batch.dimension() != space.len() || batch.len() > population {
                return damaged("a population is of another size");
            }
            if batch.points().any(|point| space.check(point).is_err()) {
                return damaged("an individual is not in the space");
            }
        }
        if saved.points.len() != saved.costs.len() || saved.kept.len() != saved.kept_costs.len() {
            return damaged("the costs and the individuals contradict each other");
        }
        if saved.costs.objectives() != 1 || saved.kept_costs.objectives() != 1 {
            return damaged("a genetic algorithm has one objective");
        }
        if !saved.costs.is_empty() && saved.costs.len() != population {
            return damaged("the population is of another size");
        }
        let Saved {
            space,
            config,
            seed,
            stream,
            points,
            costs,
            kept,
            kept_costs,
            start,
            warm_starts,
            bred,
        } = saved;
        Ok(Ga {
            space,
            config,
            seed,
            stream,
            points,
            costs,
            kept,
            kept_costs,
            start,
            warm_starts,
            bred,
            elites: Scratch::default(),
        })
    }
}
