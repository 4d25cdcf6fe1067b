//! The strategy as it is written down, checked when it is read.

use orchestrator_core::{FastStream, ParameterSpace, Seed};
use serde::{Deserialize, Serialize};

use super::config::CmaConfig;
use super::convergence::Record;
use super::distribution::{Distribution, Scratch};
use super::frame::Frame;
use super::local::{Local, Room};
use super::restarts::{Plan, Schedule};
use super::strategy::Strategy;
use super::{CmaEs, check, local_for};
use crate::batch::Batch;
use crate::cost::Costs;
use crate::error::GaError;

#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    space: ParameterSpace,
    config: CmaConfig,
    seed: Seed,
    stream: FastStream,
    schedule: Schedule,
    plan: Plan,
    record: Record,
    distribution: Distribution,
    points: Batch,
    costs: Costs,
    finished: bool,
    local: Option<Local>,
}

impl From<CmaEs> for Saved {
    fn from(cma: CmaEs) -> Saved {
        Saved {
            space: cma.space,
            config: cma.config,
            seed: cma.seed,
            stream: cma.stream,
            schedule: cma.schedule,
            plan: cma.plan,
            record: cma.record,
            distribution: cma.distribution,
            points: cma.points,
            costs: cma.costs,
            finished: cma.finished,
            local: cma.local,
        }
    }
}

impl TryFrom<Saved> for CmaEs {
    type Error = GaError;

    fn try_from(saved: Saved) -> Result<CmaEs, GaError> {
        check(&saved.space, &saved.config)?;
        let frame = Frame::of(&saved.space);
        let n = frame.dimension();
        if !saved.schedule.is_sound(&saved.plan, &saved.config, n) || !saved.record.is_sound() {
            return Err(GaError::Damaged { what: "the restarts are out of range" });
        }
        let wanted = local_for(&saved.config, n).is_some();
        if saved.local.is_some() != wanted
            || saved.local.as_ref().is_some_and(|local| !local.is_sound(n))
        {
            return Err(GaError::Damaged {
                what: "the points of the model are out of shape or range",
            });
        }
        let steps = if n == 0 || saved.finished { None } else { Some(saved.plan.population) };
        check_distribution(&saved.distribution, n, steps)?;
        if saved.points.dimension() != saved.space.len()
            || saved.points.len() != saved.costs.len()
            || saved.points.points().any(|point| saved.space.check(point).is_err())
            || saved.costs.objectives() != 1
        {
            return Err(GaError::Damaged { what: "the last generation is not in the space" });
        }
        Ok(CmaEs {
            strategy: Strategy::new(n, saved.plan.population),
            scratch: Scratch::default(),
            inner: Vec::new(),
            placed: saved.space.middle(),
            ranking: Vec::new(),
            frame,
            space: saved.space,
            config: saved.config,
            seed: saved.seed,
            stream: saved.stream,
            schedule: saved.schedule,
            plan: saved.plan,
            record: saved.record,
            distribution: saved.distribution,
            points: saved.points,
            costs: saved.costs,
            finished: saved.finished,
            local: saved.local,
            room: Room::default(),
        })
    }
}

fn check_distribution(
    distribution: &Distribution,
    n: usize,
    steps: Option<usize>,
) -> Result<(), GaError> {
    let d = distribution;
    let lengths = [&d.mean, &d.scales, &d.path_sigma, &d.path_c].map(Vec::len);
    let fits = lengths == [n; 4]
        && d.covariance.len() == n * (n + 1) / 2
        && d.axes.len() == n * n
        && d.steps.dimension() == n.max(1)
        && d.steps.len() == d.lengths.len()
        && d.decomposed <= d.generation
        && steps.is_none_or(|count| d.steps.len() == count);
    let finite = |values: &[f64]| values.iter().all(|value| value.is_finite());
    if fits
        && d.is_finite()
        && finite(&d.axes)
        && finite(&d.lengths)
        && finite(d.steps.as_slice())
        && d.scales.iter().all(|&scale| scale.is_finite() && scale > 0.0)
    {
        Ok(())
    } else {
        Err(GaError::Damaged { what: "the distribution is out of shape or range" })
    }
}
