//! Who does it: the choice among the workers that are able to.
//!
//! A router is asked when more than one worker fills a role; what it says is recorded in the run's history, so that a replay
//! asks nobody. The outcome is told back to it, so that it can learn.

use serde::{Deserialize, Serialize};

use crate::id::{Capability, Role, RunId, WorkerName};
use crate::path::Path;
use crate::payload::Payload;
use crate::random::Seed;
use crate::task::{TaskError, Usage};

/// What is to be done, as a router sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The run.
    pub run: RunId,
    /// The step.
    pub path: Path,
    /// The role that is asked for.
    pub role: Role,
    /// Which attempt this is for, counted from 1.
    pub attempt: u32,
    /// Who has already tried this step, first to last.
    pub tried: Vec<WorkerName>,
    /// The input that the worker will get.
    pub input: Payload,
    /// What the run is for.
    pub goal: String,
    /// The randomness of this decision.
    pub seed: Seed,
}

/// A worker that is able to do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its name.
    pub worker: WorkerName,
    /// What it can do.
    pub capabilities: Vec<Capability>,
}

/// A router's choice, with what is needed to judge it later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Who shall do it.
    pub worker: WorkerName,
    /// Why, for a person.
    pub rationale: String,
    /// How sure the router is, in [0, 1].
    pub confidence: f64,
    /// With which probability this worker was chosen, in (0, 1]: what an off-policy estimate divides by.
    pub propensity: f64,
}

/// How a routed attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What was asked.
    pub request: Request,
    /// Who did it.
    pub worker: WorkerName,
    /// What it cost; on failure too, as far as it is known.
    pub usage: Usage,
    /// Milliseconds from dispatch to answer.
    pub duration_ms: u64,
    /// The failure, if it failed.
    pub error: Option<TaskError>,
}

/// No choice could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no route: {reason}")]
pub struct RouteError {
    /// Why not.
    pub reason: String,
}

/// Chooses among able workers.
///
/// ```
/// use orchestrator_core::{Candidate, Decision, Request, RouteError, Router};
///
/// /// Gives every retry to somebody who has not tried yet.
/// struct FreshEyes;
///
/// impl Router for FreshEyes {
///     fn route(&self, request: &Request, candidates: &[Candidate]) -> Result<Decision, RouteError> {
///         let fresh = candidates.iter().find(|c| !request.tried.contains(&c.worker));
///         let chosen = fresh.or(candidates.first()).ok_or(RouteError { reason: "nobody".into() })?;
///         Ok(Decision {
///             worker: chosen.worker.clone(),
///             rationale: "the first that has not tried".into(),
///             confidence: 1.0,
///             propensity: 1.0,
///         })
///     }
/// }
/// # let _: &dyn Router = &FreshEyes;
/// ```
pub trait Router: Send + Sync {
    /// Chooses one of the candidates; there is at least one.
    ///
    /// # Errors
    /// When none of them will do: the attempt then fails with this as its reason.
    fn route(&self, request: &Request, candidates: &[Candidate]) -> Result<Decision, RouteError>;

    /// Is told how an attempt that it routed ended.
    fn observe(&self, outcome: &Outcome) {
        let _ = outcome;
    }
}

/// The default router: the first candidate in the order of registration; on a retry, the first that has not tried yet, and
/// round again when all have.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeclaredOrder;

impl Router for DeclaredOrder {
    fn route(&self, request: &Request, candidates: &[Candidate]) -> Result<Decision, RouteError> {
        let tries =
            |c: &Candidate| request.tried.iter().filter(|tried| **tried == c.worker).count();
        let chosen = candidates
            .iter()
            .min_by_key(|candidate| tries(candidate))
            .ok_or_else(|| RouteError { reason: "there is no candidate".to_owned() })?;
        Ok(Decision {
            worker: chosen.worker.clone(),
            rationale: "first in declared order among those who tried least".to_owned(),
            confidence: 1.0,
            propensity: 1.0,
        })
    }
}
