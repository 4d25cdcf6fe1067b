//! The state as it is read, before it is checked.

use orchestrator_core::{FastStream, ParameterSpace, Seed};
use serde::Deserialize;

use super::evidence::Evidence;
use super::workspace::Workspace;
use super::{Auto, Stage};
use crate::error::GaError;
use crate::optimizer::Optimizer;

#[derive(Deserialize)]
pub(super) struct Saved {
    space: ParameterSpace,
    seed: Seed,
    stream: FastStream,
    evaluations: u64,
    used: u64,
    round: u32,
    round_start: u64,
    round_end: u64,
    stage: Stage,
    evidence: Evidence,
    of_models: usize,
    since_models: u32,
}

/// More models than any plan asks for.
const OF_MODELS_MAX: usize = 64;

impl TryFrom<Saved> for Auto {
    type Error = GaError;

    fn try_from(saved: Saved) -> Result<Auto, GaError> {
        let Saved { space, seed, stream, evaluations, used, .. } = saved;
        let Saved { round, round_start, round_end, stage, evidence, .. } = saved;
        let Saved { of_models, since_models, .. } = saved;
        let (own, descends) = match &stage {
            Stage::Genetic(ga) => (ga.space(), true),
            Stage::Covariance(cma) => (cma.space(), true),
            Stage::Modelled(de, None) => (de.space(), true),
            Stage::Modelled(de, Some(descent)) => {
                (de.space(), descent.is_sound() && evidence.best().is_some())
            }
        };
        let sound = descends
            && *own == space
            && evidence.is_sound(&space)
            && of_models <= OF_MODELS_MAX
            && evaluations > 0
            && round < u64::BITS
            && round_start <= round_end
            && round_start <= used;
        if !sound {
            return Err(GaError::Damaged { what: "the state of the automatic choice" });
        }
        Ok(Auto {
            workspace: Workspace::new(&space),
            space,
            seed,
            stream,
            evaluations,
            used,
            round,
            round_start,
            round_end,
            stage,
            evidence,
            of_models,
            since_models: since_models.min(u32::MAX - 1),
        })
    }
}
