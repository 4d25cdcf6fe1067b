//! When a search ends: rules that combine, at least one of them a bound.

use serde::{Deserialize, Serialize};

use crate::error::GaError;

/// When a search ends.
///
/// A budget of evaluations is kept exactly: the last batch is cut to what is left.
///
/// ```
/// use orchestrator_ga::Stop;
/// let stop = Stop::Evaluations(1000).or(Stop::Target(-1e-8)).or(Stop::Stagnation(50));
/// assert!(stop.check().is_ok());
/// assert!(Stop::Target(0.0).check().is_err()); // might never end
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stop {
    /// After so many evaluations, at least 1.
    Evaluations(u64),
    /// After so many generations were bred after the first.
    Generations(u32),
    /// When the fitness of a feasible candidate reaches this.
    Target(f64),
    /// After so many generations without improvement, at least 1.
    Stagnation(u32),
    /// When a candidate satisfies all constraints.
    Feasible,
    /// When any of the rules says so.
    Any(Vec<Stop>),
    /// When all of the rules say so.
    All(Vec<Stop>),
}

/// Why a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StopReason {
    /// The budget of evaluations is used up.
    Evaluations,
    /// The generations are used up.
    Generations,
    /// The target was reached.
    Target,
    /// There was no improvement for as many generations as were allowed.
    Stagnation,
    /// A candidate satisfies all constraints.
    Feasible,
    /// The method has come to its own end.
    Converged,
    /// It has not ended: the caller stopped driving it.
    Interrupted,
}

/// What the rules are held against.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    pub(crate) evaluations: u64,
    /// Generations told; the first counts.
    pub(crate) generations: u32,
    /// The best fitness of a feasible candidate.
    pub(crate) fitness: Option<f64>,
    pub(crate) stagnant: u32,
}

impl Stop {
    /// This rule or the other.
    #[must_use]
    pub fn or(self, other: Stop) -> Stop {
        match self {
            Stop::Any(mut rules) => {
                rules.push(other);
                Stop::Any(rules)
            }
            rule => Stop::Any(vec![rule, other]),
        }
    }

    /// This rule and the other.
    #[must_use]
    pub fn and(self, other: Stop) -> Stop {
        match self {
            Stop::All(mut rules) => {
                rules.push(other);
                Stop::All(rules)
            }
            rule => Stop::All(vec![rule, other]),
        }
    }

    /// Whether a search that follows these rules is sure to end, and every rule makes sense.
    ///
    /// # Errors
    /// [`GaError::Unbounded`], or [`GaError::Stop`] with the rule that makes no sense.
    pub fn check(&self) -> Result<(), GaError> {
        self.check_each()?;
        if self.is_bounded() { Ok(()) } else { Err(GaError::Unbounded) }
    }

    fn check_each(&self) -> Result<(), GaError> {
        let fault = |what| Err(GaError::Stop { what });
        match self {
            Stop::Evaluations(0) => fault("a budget of no evaluations"),
            Stop::Stagnation(0) => fault("a stagnation of no generations"),
            Stop::Target(target) if !target.is_finite() => fault("a target that is not finite"),
            Stop::Any(rules) | Stop::All(rules) if rules.is_empty() => fault("a list of no rules"),
            Stop::Any(rules) | Stop::All(rules) => rules.iter().try_for_each(Stop::check_each),
            Stop::Evaluations(_)
            | Stop::Generations(_)
            | Stop::Target(_)
            | Stop::Stagnation(_)
            | Stop::Feasible => Ok(()),
        }
    }

    fn is_bounded(&self) -> bool {
        match self {
            Stop::Evaluations(_) | Stop::Generations(_) => true,
            Stop::Target(_) | Stop::Stagnation(_) | Stop::Feasible => false,
            Stop::Any(rules) => rules.iter().any(Stop::is_bounded),
            Stop::All(rules) => rules.iter().all(Stop::is_bounded),
        }
    }

    /// Whether a rule looks at the fitness, which many objectives have only by a measure such as the hypervolume.
    pub(crate) fn looks_at_fitness(&self) -> bool {
        match self {
            Stop::Target(_) | Stop::Stagnation(_) => true,
            Stop::Any(rules) | Stop::All(rules) => rules.iter().any(Stop::looks_at_fitness),
            Stop::Evaluations(_) | Stop::Generations(_) | Stop::Feasible => false,
        }
    }

    /// How many evaluations are left before the rules end the search for this reason alone.
    pub(crate) fn room(&self, used: u64) -> u64 {
        match self {
            Stop::Evaluations(most) => most.saturating_sub(used),
            Stop::Any(rules) => rules.iter().map(|rule| rule.room(used)).min().unwrap_or(u64::MAX),
            Stop::All(rules) => rules.iter().map(|rule| rule.room(used)).max().unwrap_or(u64::MAX),
            Stop::Generations(_) | Stop::Target(_) | Stop::Stagnation(_) | Stop::Feasible => {
                u64::MAX
            }
        }
    }

    /// The first rule that is met.
    pub(crate) fn reason(&self, progress: &Progress) -> Option<StopReason> {
        match self {
            Stop::Evaluations(most) => {
                (progress.evaluations >= *most).then_some(StopReason::Evaluations)
            }
            Stop::Generations(most) => {
                (progress.generations > *most).then_some(StopReason::Generations)
            }
            Stop::Target(target) => {
                progress.fitness.is_some_and(|f| f >= *target).then_some(StopReason::Target)
            }
            Stop::Stagnation(most) => {
                (progress.stagnant >= *most).then_some(StopReason::Stagnation)
            }
            Stop::Feasible => progress.fitness.is_some().then_some(StopReason::Feasible),
            Stop::Any(rules) => rules.iter().find_map(|rule| rule.reason(progress)),
            Stop::All(rules) => rules
                .iter()
                .map(|rule| rule.reason(progress))
                .try_fold(None, |_, reason| reason.map(Some))
                .flatten(),
        }
    }
}
