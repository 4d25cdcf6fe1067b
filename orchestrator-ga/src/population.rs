//! The candidates of a generation, their order, and how different they are.
//!
//! All points lie in one contiguous vector, so that breeding touches memory in order and a clone is two copies.

use std::cmp::Ordering;

use orchestrator_core::ParameterSpace;
use serde::{Deserialize, Serialize};

/// What is known of a candidate's fitness.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Score {
    /// Not evaluated yet.
    Pending,
    /// Evaluated, and there is none.
    Failed,
    /// Evaluated; always finite.
    Known(f64),
}

impl Score {
    pub(crate) fn known(self) -> Option<f64> {
        match self {
            Score::Known(fitness) => Some(fitness),
            Score::Pending | Score::Failed => None,
        }
    }

    /// Better first; what has no fitness comes last, all such being equal.
    fn better_first(self, other: Score) -> Ordering {
        match (self.known(), other.known()) {
            (Some(a), Some(b)) => b.total_cmp(&a),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        }
    }
}

/// A generation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Population {
    points: Vec<f64>,
    scores: Vec<Score>,
}

impl Population {
    pub(crate) fn with_capacity(count: usize, dimension: usize) -> Population {
        Population {
            points: Vec::with_capacity(count * dimension),
            scores: Vec::with_capacity(count),
        }
    }

    pub(crate) fn push(&mut self, point: &[f64], score: Score) {
        self.points.extend_from_slice(point);
        self.scores.push(score);
    }

    pub(crate) fn len(&self) -> usize {
        self.scores.len()
    }

    pub(crate) fn point(&self, index: usize) -> &[f64] {
        let dimension = self.points.len() / self.len();
        &self.points[index * dimension..(index + 1) * dimension]
    }

    pub(crate) fn score(&self, index: usize) -> Score {
        self.scores[index]
    }

    pub(crate) fn set_score(&mut self, index: usize, score: Score) {
        self.scores[index] = score;
    }

    pub(crate) fn scores(&self) -> &[Score] {
        &self.scores
    }

    /// The places of the candidates that wait for a score.
    pub(crate) fn pending(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.len()).filter(|&at| self.scores[at] == Score::Pending)
    }

    /// The places from best to worst, equals in their own order: a total order, so that a selection is reproducible.
    pub(crate) fn ranking(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.len()).collect();
        places.sort_by(|&a, &b| self.scores[a].better_first(self.scores[b]).then(a.cmp(&b)));
        places
    }

    /// The mean over the parameters of the deviation of their values, each as a share of the parameter's width: 0 when all
    /// candidates are one, about 0.29 when they fill the space evenly, at most 0.5. Parameters without width are left out.
    pub(crate) fn diversity(&self, space: &ParameterSpace) -> f64 {
        let count = self.len() as f64;
        let (mut sum, mut dimensions) = (0.0, 0);
        for (at, bounds) in space.bounds().iter().enumerate() {
            let width = bounds.width();
            if width > 0.0 && width.is_finite() {
                let share = |candidate: usize| (self.point(candidate)[at] - bounds.min) / width;
                let mean = (0..self.len()).map(share).sum::<f64>() / count;
                let variance =
                    (0..self.len()).map(|candidate| (share(candidate) - mean).powi(2)).sum::<f64>()
                        / count;
                sum += variance.sqrt();
                dimensions += 1;
            }
        }
        if dimensions == 0 { 0.0 } else { sum / f64::from(dimensions) }
    }

    /// Whether the population has this shape, and lies in the space: for what was loaded.
    pub(crate) fn fits(&self, count: usize, space: &ParameterSpace) -> bool {
        self.scores.len() == count
            && self.points.len() == count * space.len()
            && (0..count).all(|at| space.check(self.point(at)).is_ok())
            && self.scores.iter().all(|score| score.known().is_none_or(f64::is_finite))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_fitness_ranks_last_and_equals_keep_their_order() {
        let mut population = Population::with_capacity(5, 1);
        for score in [
            Score::Failed,
            Score::Known(-3.0),
            Score::Known(2.0),
            Score::Pending,
            Score::Known(2.0),
        ] {
            population.push(&[0.0], score);
        }
        assert_eq!(population.ranking(), [2, 4, 1, 0, 3]);
    }

    #[test]
    fn diversity_is_zero_for_one_point_and_half_for_two_corners() {
        let space = ParameterSpace::uniform(2, -1.0, 3.0).unwrap();
        let mut population = Population::with_capacity(2, 2);
        population.push(&[-1.0, -1.0], Score::Pending);
        population.push(&[-1.0, -1.0], Score::Pending);
        assert_eq!(population.diversity(&space), 0.0);
        let mut population = Population::with_capacity(2, 2);
        population.push(&[-1.0, 3.0], Score::Pending);
        population.push(&[3.0, -1.0], Score::Pending);
        assert_eq!(population.diversity(&space), 0.5);
    }
}
