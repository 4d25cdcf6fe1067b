//! The algorithm as it is written down, checked when it is read.

use orchestrator_core::{FastStream, ParameterSpace, Seed};
use serde::Deserialize;

use super::Ga;
use super::config::GaConfig;
use super::layout::Layout;
use crate::batch::Batch;
use crate::cost::Costs;
use crate::error::GaError;
use crate::scratch::Scratch;

/// The fields of [`Ga`], believed nothing yet.
#[derive(Deserialize)]
pub(super) struct Written {
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
    size: usize,
    rivals: Vec<usize>,
    step_scale: f64,
    best: Costs,
    unimproved: u32,
}

impl TryFrom<Written> for Ga {
    type Error = GaError;

    fn try_from(written: Written) -> Result<Ga, GaError> {
        let Written { space, config, points, costs, kept, kept_costs, start, .. } = &written;
        config.check()?;
        for batch in [points, kept, start] {
            if batch.dimension() != space.len()
                || batch.points().any(|point| space.check(point).is_err())
            {
                return damaged("a candidate of the population is not in the space");
            }
        }
        let single = [costs, kept_costs, &written.best].iter().all(|costs| costs.objectives() == 1);
        if !single || costs.len() != points.len() || kept_costs.len() != kept.len() {
            return damaged("the population and its costs contradict each other");
        }
        let sizes = config.sizing.least(config.population)..=config.sizing.most(config.population);
        if !sizes.contains(&written.size)
            || !(points.is_empty() || sizes.contains(&points.len()))
            || kept.len() > written.size
            || start.len() > config.population
            || written.warm_starts > config.population
            || written.best.len() > 1
        {
            return damaged("the population has another size than its settings allow");
        }
        if written.rivals.iter().any(|&rival| rival >= points.len()) {
            return damaged("a child competes with a parent that is not there");
        }
        if !(written.step_scale > 0.0 && written.step_scale.is_finite()) {
            return damaged("the factor of the mutation step is no positive number");
        }
        Ok(Ga {
            layout: Layout::of(&written.space),
            memory: Scratch::default(),
            space: written.space,
            config: written.config,
            seed: written.seed,
            stream: written.stream,
            points: written.points,
            costs: written.costs,
            kept: written.kept,
            kept_costs: written.kept_costs,
            start: written.start,
            warm_starts: written.warm_starts,
            bred: written.bred,
            size: written.size,
            rivals: written.rivals,
            step_scale: written.step_scale,
            best: written.best,
            unimproved: written.unimproved,
        })
    }
}

fn damaged(what: &'static str) -> Result<Ga, GaError> {
    Err(GaError::Damaged { what })
}
