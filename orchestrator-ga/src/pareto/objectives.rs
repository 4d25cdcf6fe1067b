//! What is sought: several values of a candidate at once, each with a name and a direction.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::candidates::{Candidates, Evaluation, Scores};
use crate::fitness::FitnessError;

/// The most objectives of a search. With more of them nearly every candidate is as good as every other, and no method selects.
pub const OBJECTIVES_MAX: usize = 32;

/// Which values of an objective are better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The smaller ones.
    Minimize,
    /// The greater ones.
    Maximize,
}

impl Direction {
    /// A value as a cost, or a cost as a value again.
    #[inline]
    pub(crate) fn cost(self, value: f64) -> f64 {
        match self {
            Direction::Minimize => value,
            Direction::Maximize => -value,
        }
    }
}

/// One of several things that are sought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objective {
    /// What it is called in results.
    pub name: String,
    /// Which values are better.
    pub direction: Direction,
}

/// Why a list of objectives, or a score by them, makes no sense.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectivesError {
    /// With one objective there is a [`Search`](crate::Search).
    #[error("{found} objectives; there must be from 2 to {OBJECTIVES_MAX}")]
    Count {
        /// How many were given.
        found: usize,
    },
    /// Every objective needs a name of its own.
    #[error("objective {name:?} occurs twice")]
    Duplicate {
        /// The name that occurs twice.
        name: String,
    },
}

/// The objectives of a search, in a fixed order.
///
/// ```
/// use orchestrator_ga::pareto::{Direction, Objectives};
/// let objectives = Objectives::new([("cost", Direction::Minimize), ("range", Direction::Maximize)])?;
/// assert_eq!(objectives.len(), 2);
/// assert!(Objectives::minimize(["cost", "cost"]).is_err());
/// # Ok::<(), orchestrator_ga::pareto::ObjectivesError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Objective>", into = "Vec<Objective>")]
pub struct Objectives(Vec<Objective>);

impl Objectives {
    /// These objectives.
    ///
    /// # Errors
    /// When there are fewer than 2 or more than [`OBJECTIVES_MAX`], or a name occurs twice.
    pub fn new<N: Into<String>>(
        objectives: impl IntoIterator<Item = (N, Direction)>,
    ) -> Result<Objectives, ObjectivesError> {
        let named = |(name, direction): (N, _)| Objective { name: name.into(), direction };
        Objectives::try_from(objectives.into_iter().map(named).collect::<Vec<_>>())
    }

    /// Objectives of which all are minimised.
    ///
    /// # Errors
    /// As [`Objectives::new`].
    pub fn minimize<N: Into<String>>(
        names: impl IntoIterator<Item = N>,
    ) -> Result<Objectives, ObjectivesError> {
        Objectives::new(names.into_iter().map(|name| (name, Direction::Minimize)))
    }

    /// How many there are.
    #[allow(clippy::len_without_is_empty)] // There are always two.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, in order.
    pub fn as_slice(&self) -> &[Objective] {
        &self.0
    }

    /// Turns values into costs, or costs into values, in place.
    #[inline]
    pub(crate) fn turn(&self, row: &mut [f64]) {
        for (value, objective) in row.iter_mut().zip(&self.0) {
            *value = objective.direction.cost(*value);
        }
    }
}

impl TryFrom<Vec<Objective>> for Objectives {
    type Error = ObjectivesError;

    fn try_from(objectives: Vec<Objective>) -> Result<Objectives, ObjectivesError> {
        if !(2..=OBJECTIVES_MAX).contains(&objectives.len()) {
            return Err(ObjectivesError::Count { found: objectives.len() });
        }
        for (at, Objective { name, .. }) in objectives.iter().enumerate() {
            if objectives[..at].iter().any(|before| before.name == *name) {
                return Err(ObjectivesError::Duplicate { name: name.clone() });
            }
        }
        Ok(Objectives(objectives))
    }
}

impl From<Objectives> for Vec<Objective> {
    fn from(objectives: Objectives) -> Self {
        objectives.0
    }
}

/// What several objectives say of a candidate.
#[derive(Debug, Clone, PartialEq)]
pub enum ParetoScore {
    /// All constraints hold, and these are the values of the objectives, in their order and in their own directions.
    Values(Vec<f64>),
    /// The constraints are broken this far (more than 0).
    Violation(f64),
}

impl From<Vec<f64>> for ParetoScore {
    fn from(values: Vec<f64>) -> ParetoScore {
        ParetoScore::Values(values)
    }
}

impl<const N: usize> From<[f64; N]> for ParetoScore {
    fn from(values: [f64; N]) -> ParetoScore {
        ParetoScore::Values(values.into())
    }
}

/// Several objectives of a candidate at once.
///
/// A closure `Fn(&[f64], &mut [f64])` is one as it is; one that may fail becomes one by [`fallible_objectives`].
///
/// ```
/// use orchestrator_ga::{Evaluation, FitnessError};
/// use orchestrator_ga::pareto::ObjectivesFn;
///
/// /// A beam: its weight and how far it bends, for a width and a height.
/// struct Beam { length: f64 }
///
/// impl ObjectivesFn for Beam {
///     fn evaluate(&self, beam: &[f64], values: &mut [f64], _: &Evaluation) -> Result<(), FitnessError> {
///         let [width, height] = beam else { return Err(FitnessError::failed("a beam has a width and a height")) };
///         values[0] = width * height * self.length;
///         values[1] = self.length.powi(3) / (width * height.powi(3));
///         Ok(())
///     }
///     fn violation(&self, beam: &[f64]) -> f64 {
///         (beam[1] - 4.0 * beam[0]).max(0.0) // Slender beams buckle.
///     }
/// }
/// # let _: &dyn ObjectivesFn = &Beam { length: 1.0 };
/// # let _: &dyn ObjectivesFn = &|x: &[f64], values: &mut [f64]| { values[0] = x[0]; values[1] = -x[0]; };
/// ```
pub trait ObjectivesFn {
    /// Writes the value of every objective, in their order. One that is not written, or not finite, makes the evaluation a failure.
    ///
    /// # Errors
    /// When the candidate has no values. It ranks last and is counted.
    fn evaluate(
        &self,
        candidate: &[f64],
        values: &mut [f64],
        evaluation: &Evaluation,
    ) -> Result<(), FitnessError>;

    /// How far the candidate breaks the constraints: more than 0 when it does, 0 or less when all hold. A candidate that breaks some is
    /// ranked by this alone, behind all that break none, and its values are not asked for.
    #[inline]
    fn violation(&self, _candidate: &[f64]) -> f64 {
        0.0
    }

    /// Moves the candidate to where the constraints hold, before it is evaluated, and says whether it moved it; by default it stays.
    /// What was moved out of the space is then moved back. It may be called again for what it has moved already, and must leave that
    /// where it is.
    #[inline]
    fn repair(&self, _candidate: &mut [f64]) -> bool {
        false
    }

    /// Adds a score for each of the candidates, in their order; as [`FitnessFn::evaluate_batch`](crate::FitnessFn::evaluate_batch).
    #[inline]
    fn evaluate_batch(&self, candidates: &Candidates<'_>, scores: &mut Scores) {
        for candidate in candidates.iter() {
            scores.push_values(|values| {
                let violation = self.violation(candidate.point);
                if violation <= 0.0 {
                    self.evaluate(candidate.point, values, &candidate.evaluation)?;
                }
                Ok(violation)
            });
        }
    }
}

impl<F: Fn(&[f64], &mut [f64]) + ?Sized> ObjectivesFn for F {
    #[inline]
    fn evaluate(
        &self,
        candidate: &[f64],
        values: &mut [f64],
        _: &Evaluation,
    ) -> Result<(), FitnessError> {
        self(candidate, values);
        Ok(())
    }
}

impl<T: ObjectivesFn + ?Sized> ObjectivesFn for Arc<T> {
    fn evaluate(
        &self,
        candidate: &[f64],
        values: &mut [f64],
        evaluation: &Evaluation,
    ) -> Result<(), FitnessError> {
        (**self).evaluate(candidate, values, evaluation)
    }
    fn violation(&self, candidate: &[f64]) -> f64 {
        (**self).violation(candidate)
    }
    fn repair(&self, candidate: &mut [f64]) -> bool {
        (**self).repair(candidate)
    }
    fn evaluate_batch(&self, candidates: &Candidates<'_>, scores: &mut Scores) {
        (**self).evaluate_batch(candidates, scores);
    }
}

/// The same closure; it lets the compiler infer the arguments' types.
pub fn objectives_fn<F: Fn(&[f64], &mut [f64])>(objectives: F) -> F {
    objectives
}

/// Objectives out of a closure that may fail.
///
/// ```
/// use orchestrator_ga::FitnessError;
/// use orchestrator_ga::pareto::fallible_objectives;
/// let roots = fallible_objectives(|x: &[f64], values: &mut [f64], _| match x[0] {
///     x if x < 0.0 => Err(FitnessError::failed("negative")),
///     x => {
///         (values[0], values[1]) = (x.sqrt(), -x);
///         Ok(())
///     }
/// });
/// # let _: &dyn orchestrator_ga::pareto::ObjectivesFn = &roots;
/// ```
pub fn fallible_objectives<F>(objectives: F) -> FallibleObjectives<F>
where
    F: Fn(&[f64], &mut [f64], &Evaluation) -> Result<(), FitnessError>,
{
    FallibleObjectives { objectives }
}

/// See [`fallible_objectives`].
#[derive(Debug, Clone, Copy)]
pub struct FallibleObjectives<F> {
    objectives: F,
}

impl<F> ObjectivesFn for FallibleObjectives<F>
where
    F: Fn(&[f64], &mut [f64], &Evaluation) -> Result<(), FitnessError>,
{
    fn evaluate(
        &self,
        candidate: &[f64],
        values: &mut [f64],
        evaluation: &Evaluation,
    ) -> Result<(), FitnessError> {
        (self.objectives)(candidate, values, evaluation)
    }
}
