//! When a search ends: rules that combine, at least one of them a bound.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::GaError;

/// The most evaluations that a budget can have: the last number up to which every text format and every `f64` counts exactly.
pub const EVALUATIONS_MAX: u64 = 1 << 53;

/// When a search ends.
///
/// A budget of evaluations is kept exactly: the last batch is cut to what is left. All other rules are looked at after every batch.
///
/// ```
/// use orchestrator_ga::Stop;
/// let stop = Stop::Evaluations(1000).or(Stop::Target(-1e-8)).or(Stop::Stagnation(50));
/// assert!(stop.check().is_ok());
/// assert!(Stop::Target(0.0).check().is_err()); // might never end
/// ```
///
/// A search reads no clock. A limit of time holds when the host tells the time, after every generation for example:
///
/// ```
/// use std::ops::ControlFlow;
/// use std::time::{Duration, Instant};
/// use orchestrator_core::{ParameterSpace, Seed};
/// use orchestrator_ga::{Ga, GaConfig, Search, Stop, StopReason};
///
/// let ga = Ga::new(ParameterSpace::uniform(2, 0.0, 1.0)?, GaConfig::documents(), Seed(1))?;
/// let stop = Stop::Generations(1_000_000).or(Stop::Elapsed(Duration::from_millis(5)));
/// let (mut search, began) = (Search::new(ga, stop)?, Instant::now());
/// let found = search.run_observed(&|x: &[f64]| x[0] * x[1], |search, _| {
///     search.set_elapsed(began.elapsed());
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(found.stop, StopReason::Elapsed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stop {
    /// After so many evaluations, 1 to [`EVALUATIONS_MAX`].
    Evaluations(u64),
    /// After so many generations were bred after the first, less than `u32::MAX`.
    Generations(u32),
    /// When the fitness of a feasible candidate reaches this.
    Target(f64),
    /// After so many generations without improvement, at least 1.
    Stagnation(u32),
    /// After so many evaluations without improvement, at least 1.
    StagnantEvaluations(u64),
    /// When the host says that so much time has passed: see [`Search::set_elapsed`](crate::Search::set_elapsed). No bound, since
    /// nobody may say it.
    Elapsed(Duration),
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
    /// There was no improvement for as long as was allowed.
    Stagnation,
    /// The time is used up.
    Elapsed,
    /// A candidate satisfies all constraints.
    Feasible,
    /// The method has come to its own end.
    Converged,
    /// It has not ended: the caller stopped driving it, and may go on.
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
    pub(crate) stagnant_generations: u32,
    pub(crate) stagnant_evaluations: u64,
    pub(crate) elapsed: Duration,
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
            Stop::Evaluations(most) if *most > EVALUATIONS_MAX => {
                fault("a budget of too many evaluations")
            }
            Stop::Generations(u32::MAX) => fault("a number of generations that is never passed"),
            Stop::Stagnation(0) => fault("a stagnation of no generations"),
            Stop::StagnantEvaluations(0) => fault("a stagnation of no evaluations"),
            Stop::Elapsed(Duration::ZERO) => fault("no time"),
            Stop::Target(target) if !target.is_finite() => fault("a target that is not finite"),
            Stop::Any(rules) | Stop::All(rules) if rules.is_empty() => fault("a list of no rules"),
            Stop::Any(rules) | Stop::All(rules) => rules.iter().try_for_each(Stop::check_each),
            Stop::Evaluations(_)
            | Stop::Generations(_)
            | Stop::Target(_)
            | Stop::Stagnation(_)
            | Stop::StagnantEvaluations(_)
            | Stop::Elapsed(_)
            | Stop::Feasible => Ok(()),
        }
    }

    fn is_bounded(&self) -> bool {
        match self {
            Stop::Evaluations(_) | Stop::Generations(_) => true,
            Stop::Target(_)
            | Stop::Stagnation(_)
            | Stop::StagnantEvaluations(_)
            | Stop::Elapsed(_)
            | Stop::Feasible => false,
            Stop::Any(rules) => rules.iter().any(Stop::is_bounded),
            Stop::All(rules) => rules.iter().all(Stop::is_bounded),
        }
    }

    /// Whether a rule looks at the fitness, which many objectives have only by a measure such as the hypervolume.
    pub(crate) fn looks_at_fitness(&self) -> bool {
        match self {
            Stop::Target(_) | Stop::Stagnation(_) | Stop::StagnantEvaluations(_) => true,
            Stop::Any(rules) | Stop::All(rules) => rules.iter().any(Stop::looks_at_fitness),
            Stop::Evaluations(_) | Stop::Generations(_) | Stop::Elapsed(_) | Stop::Feasible => {
                false
            }
        }
    }

    /// How many evaluations are left before the rules end the search for this reason alone.
    pub(crate) fn room(&self, used: u64) -> u64 {
        match self {
            Stop::Evaluations(most) => most.saturating_sub(used),
            Stop::Any(rules) => rules.iter().map(|rule| rule.room(used)).min().unwrap_or(u64::MAX),
            Stop::All(rules) => rules.iter().map(|rule| rule.room(used)).max().unwrap_or(u64::MAX),
            Stop::Generations(_)
            | Stop::Target(_)
            | Stop::Stagnation(_)
            | Stop::StagnantEvaluations(_)
            | Stop::Elapsed(_)
            | Stop::Feasible => u64::MAX,
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
                (progress.stagnant_generations >= *most).then_some(StopReason::Stagnation)
            }
            Stop::StagnantEvaluations(most) => {
                (progress.stagnant_evaluations >= *most).then_some(StopReason::Stagnation)
            }
            Stop::Elapsed(most) => (progress.elapsed >= *most).then_some(StopReason::Elapsed),
            Stop::Feasible => progress.fitness.is_some().then_some(StopReason::Feasible),
            Stop::Any(rules) => rules.iter().find_map(|rule| rule.reason(progress)),
            Stop::All(rules) => rules
                .iter()
                .map(|rule| rule.reason(progress))
                .try_fold(None, |_, reason| reason.map(Some))
                .flatten(),
        }
    }

    /// How much of what is allowed is used up, 0 to 1. What cannot be known beforehand, a target say, counts as untouched.
    pub(crate) fn used(&self, progress: &Progress) -> f64 {
        let used = match self {
            Stop::Evaluations(most) => progress.evaluations as f64 / *most as f64,
            Stop::Generations(most) => f64::from(progress.generations) / (f64::from(*most) + 1.0),
            Stop::Elapsed(most) => progress.elapsed.as_secs_f64() / most.as_secs_f64(),
            Stop::Target(_)
            | Stop::Stagnation(_)
            | Stop::StagnantEvaluations(_)
            | Stop::Feasible => 0.0,
            Stop::Any(rules) => rules.iter().map(|rule| rule.used(progress)).fold(0.0, f64::max),
            Stop::All(rules) => rules.iter().map(|rule| rule.used(progress)).fold(1.0, f64::min),
        };
        used.min(1.0)
    }
}
