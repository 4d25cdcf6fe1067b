//! Candidates on their way to a fitness, and their scores on the way back.
//!
//! Both are blocks: a fitness that works on many points at once gets them row by row, in one piece of memory, and a plain one costs
//! no allocation.

use std::ops::Range;

use orchestrator_core::Seed;
use serde::{Deserialize, Serialize};

use crate::cost::{Cost, Costs};
use crate::fitness::FitnessError;

/// Where in a search an evaluation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    /// The generation, counted from 0 (the start population).
    pub generation: u32,
    /// The place of the candidate in its generation.
    pub index: usize,
    /// A seed that belongs to this evaluation alone: a fitness with chance in it draws from here, and stays reproducible.
    pub seed: Seed,
}

/// A point that waits for its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate<'a> {
    /// The values, in the order of the space, inside its bounds.
    pub point: &'a [f64],
    /// Where in the search it stands, and its own seed.
    pub evaluation: Evaluation,
}

/// Points that wait for their scores, neighbours in one generation.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Seed};
/// use orchestrator_ga::{Ga, GaConfig};
/// let search = Ga::search(ParameterSpace::uniform(3, 0.0, 1.0)?, GaConfig::documents(), Seed(1))?;
/// let candidates = search.candidates();
/// assert_eq!((candidates.len(), candidates.dimension()), (20, 3));
/// assert_eq!(candidates.as_slice()[3..6], *candidates.point(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidates<'a> {
    pub(crate) points: &'a [f64],
    pub(crate) dimension: usize,
    /// The place of the first one in its generation.
    pub(crate) first: usize,
    pub(crate) generation: u32,
    /// Of the whole generation.
    pub(crate) seed: Seed,
}

impl<'a> Candidates<'a> {
    /// How many there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.points.len() / self.dimension
    }

    /// Whether there is none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// How many coordinates a point has.
    #[inline]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// All coordinates, row by row.
    #[inline]
    pub fn as_slice(&self) -> &'a [f64] {
        self.points
    }

    /// A point.
    ///
    /// # Panics
    /// When `at` is not below [`Candidates::len`].
    #[inline]
    pub fn point(&self, at: usize) -> &'a [f64] {
        &self.points[at * self.dimension..(at + 1) * self.dimension]
    }

    /// Where in the search a candidate stands, and its own seed.
    #[inline]
    pub fn evaluation(&self, at: usize) -> Evaluation {
        let index = self.first + at;
        Evaluation { generation: self.generation, index, seed: self.seed.index(index as u64) }
    }

    /// The candidates one by one, in order.
    #[inline]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Candidate<'a>> + use<'a> {
        let all = *self;
        (0..all.len())
            .map(move |at| Candidate { point: all.point(at), evaluation: all.evaluation(at) })
    }

    /// Some of them, each with the evaluation it has.
    ///
    /// # Panics
    /// When the range goes beyond [`Candidates::len`].
    #[must_use]
    pub fn part(&self, range: Range<usize>) -> Candidates<'a> {
        Candidates {
            points: &self.points[range.start * self.dimension..range.end * self.dimension],
            first: self.first + range.start,
            ..*self
        }
    }
}

/// What an evaluation found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Score {
    /// All constraints hold, and this is the fitness: the greater, the better.
    Fitness(f64),
    /// The constraints are broken this far (more than 0).
    Violation(f64),
}

impl From<f64> for Score {
    fn from(fitness: f64) -> Score {
        Score::Fitness(fitness)
    }
}

/// The scores of candidates, in their order. Those that cannot be ranked are failures, and counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    pub(crate) costs: Costs,
    pub(crate) failures: usize,
    pub(crate) infeasible: usize,
    /// Why the last failure was one.
    pub(crate) last_error: Option<FitnessError>,
}

impl Scores {
    pub(crate) fn new() -> Scores {
        Scores::of(1)
    }

    /// None yet, by so many objectives.
    pub(crate) fn of(objectives: usize) -> Scores {
        Scores { costs: Costs::new(objectives), failures: 0, infeasible: 0, last_error: None }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.costs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.costs.is_empty()
    }

    /// Adds the score of the next candidate. A plain `Ok(f64)` is a fitness.
    #[inline]
    pub fn push<S: Into<Score>>(&mut self, score: Result<S, FitnessError>) {
        let cost = match score.map(Into::into) {
            Ok(Score::Fitness(fitness)) if fitness.is_finite() => Cost::feasible(-fitness),
            Ok(Score::Violation(violation)) if violation > 0.0 && violation.is_finite() => {
                self.infeasible += 1;
                Cost { violation, value: f64::INFINITY }
            }
            Ok(Score::Fitness(value)) => self.failed(FitnessError::NotFinite { value }),
            Ok(Score::Violation(value)) => self.failed(FitnessError::Violation { value }),
            Err(error) => self.failed(error),
        };
        self.costs.push(cost);
    }

    /// Adds what several objectives say of the next candidate: `write` fills in their values, in their order and in their own
    /// directions, and gives the violation; above 0 the values do not matter. A value that is not written, or not finite, is a failure.
    #[inline]
    pub fn push_values(&mut self, write: impl FnOnce(&mut [f64]) -> Result<f64, FitnessError>) {
        let checked = |row: &mut [f64]| {
            let violation = write(row)?;
            if violation <= 0.0 {
                match row.iter().find(|value| !value.is_finite()) {
                    None => Ok(0.0),
                    Some(&value) => Err(FitnessError::NotFinite { value }),
                }
            } else if violation.is_finite() {
                Ok(violation)
            } else {
                Err(FitnessError::Violation { value: violation })
            }
        };
        match self.costs.push_with(checked) {
            Ok(violation) => self.infeasible += usize::from(violation > 0.0),
            Err(error) => {
                self.failed(error);
            }
        }
    }

    /// Adds the scores of the candidates that follow.
    #[cfg(feature = "rayon")]
    pub(crate) fn append(&mut self, others: Scores) {
        self.costs.extend(&others.costs);
        self.failures += others.failures;
        self.infeasible += others.infeasible;
        self.last_error = others.last_error.or(self.last_error.take());
    }

    pub(crate) fn clear(&mut self) {
        self.costs.clear();
        (self.failures, self.infeasible) = (0, 0);
        self.last_error = None;
    }

    #[cold]
    fn failed(&mut self, error: FitnessError) -> Cost {
        self.failures += 1;
        self.last_error = Some(error);
        Cost::FAILED
    }
}
