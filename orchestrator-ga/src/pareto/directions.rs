//! Directions in which a front of many objectives is looked for, spread evenly over the simplex.

use serde::{Deserialize, Serialize};

use super::objectives::OBJECTIVES_MAX;

/// The most directions of a set.
pub const DIRECTIONS_MAX: usize = 100_000;

/// Why something is no set of directions.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DirectionsError {
    /// Give from 2 to [`OBJECTIVES_MAX`] objectives.
    #[error("directions for {found} objectives; there must be from 2 to {OBJECTIVES_MAX}")]
    Objectives {
        /// How many were asked for.
        found: usize,
    },
    /// Give at least one, and fewer divisions where there are too many.
    #[error("a set of no directions, or of more than {DIRECTIONS_MAX}")]
    Count,
    /// A direction has as many parts as there are objectives, each finite and at least 0, and one of them above 0.
    #[error(
        "direction {index} is none: its parts must be finite, at least 0, not all 0, one for each objective"
    )]
    Direction {
        /// Which one.
        index: usize,
    },
}

/// Directions, each a point of the simplex (at least 0 in every objective, summing to 1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Vec<f64>>", into = "Vec<Vec<f64>>")]
pub struct Directions {
    objectives: usize,
    /// Row by row.
    parts: Vec<f64>,
}

impl Directions {
    /// Your own directions; each is scaled to a sum of 1.
    ///
    /// # Errors
    /// When there are none or too many, or one of them is no direction.
    pub fn new(directions: &[Vec<f64>]) -> Result<Directions, DirectionsError> {
        let objectives = directions.first().ok_or(DirectionsError::Count)?.len();
        if !(2..=OBJECTIVES_MAX).contains(&objectives) {
            return Err(DirectionsError::Objectives { found: objectives });
        }
        if directions.len() > DIRECTIONS_MAX {
            return Err(DirectionsError::Count);
        }
        let mut parts = Vec::with_capacity(directions.len() * objectives);
        for (index, direction) in directions.iter().enumerate() {
            let sum: f64 = direction.iter().sum();
            if direction.len() != objectives
                || direction.iter().any(|part| !(part.is_finite() && *part >= 0.0))
                || !(sum > 0.0 && sum.is_finite())
            {
                return Err(DirectionsError::Direction { index });
            }
            // What sums to one but for rounding is left as it is, so that a set is read as it was written.
            let scale = if (sum - 1.0).abs() < 1e-12 { 1.0 } else { sum };
            parts.extend(direction.iter().map(|part| part / scale));
        }
        Ok(Directions { objectives, parts })
    }

    /// All directions whose parts are multiples of one over `divisions` (Das and Dennis, "Normal-boundary intersection", 1998):
    /// (objectives + divisions − 1 choose divisions) of them.
    ///
    /// # Errors
    /// When the number of objectives is out of its range, or there are no divisions or too many directions.
    pub fn das_dennis(objectives: usize, divisions: usize) -> Result<Directions, DirectionsError> {
        Directions::two_layer(objectives, divisions, 0)
    }

    /// The same with a second layer inside, moved half way to the middle (Deb and Jain, 2014): many objectives would have either
    /// thousands of directions or none within the simplex. 0 inner divisions are no second layer.
    ///
    /// # Errors
    /// As [`Directions::das_dennis`].
    pub fn two_layer(
        objectives: usize,
        outer_divisions: usize,
        inner_divisions: usize,
    ) -> Result<Directions, DirectionsError> {
        if !(2..=OBJECTIVES_MAX).contains(&objectives) {
            return Err(DirectionsError::Objectives { found: objectives });
        }
        let inner = if inner_divisions == 0 { Some(0) } else { count(objectives, inner_divisions) };
        let total = count(objectives, outer_divisions).zip(inner).map(|(a, b)| a + b);
        if outer_divisions == 0 || total.is_none_or(|total| total > DIRECTIONS_MAX) {
            return Err(DirectionsError::Count);
        }
        let mut parts = Vec::new();
        layer(objectives, outer_divisions, &mut parts);
        let outer = parts.len();
        if inner_divisions > 0 {
            layer(objectives, inner_divisions, &mut parts);
            let middle = 1.0 / objectives as f64;
            parts[outer..].iter_mut().for_each(|part| *part = 0.5 * (*part + middle));
        }
        Ok(Directions { objectives, parts })
    }

    /// The set that Deb and Jain used for so many objectives: 12 divisions (91 directions) for three, 6 for five, two layers from
    /// eight on; 99 divisions for two.
    ///
    /// # Errors
    /// When the number of objectives is out of its range.
    pub fn of(objectives: usize) -> Result<Directions, DirectionsError> {
        let (outer, inner) = match objectives {
            2 => (99, 0),
            3 => (12, 0),
            4 => (7, 0),
            5 => (6, 0),
            6 | 7 => (4, 1),
            8..=10 => (3, 2),
            11..=15 => (2, 1),
            _ => (1, 1),
        };
        Directions::two_layer(objectives, outer, inner)
    }

    /// How many objectives there are.
    pub fn objectives(&self) -> usize {
        self.objectives
    }

    /// How many directions there are.
    #[allow(clippy::len_without_is_empty)] // There is always one.
    pub fn len(&self) -> usize {
        self.parts.len() / self.objectives
    }

    /// All directions, in order.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, f64> {
        self.parts.chunks_exact(self.objectives)
    }
}

/// (objectives + divisions − 1 choose divisions), unless it is far too many.
fn count(objectives: usize, divisions: usize) -> Option<usize> {
    let mut count: usize = 1;
    for at in 1..objectives {
        count = count.checked_mul(divisions.checked_add(at)?)? / at;
        if count > DIRECTIONS_MAX {
            return None;
        }
    }
    Some(count)
}

/// Appends all ways to give `divisions` shares to the objectives, in lexicographic order.
fn layer(objectives: usize, divisions: usize, parts: &mut Vec<f64>) {
    let mut shares = vec![0; objectives];
    shares[objectives - 1] = divisions;
    loop {
        parts.extend(shares.iter().map(|&share| share as f64 / divisions as f64));
        // The next one: the last objective that can gives a share to the one before it, and all behind goes to the end.
        let Some(giver) = (1..objectives).rev().find(|&at| shares[at] > 0) else { return };
        let rest = shares[giver] - 1;
        shares[giver] = 0;
        shares[giver - 1] += 1;
        shares[objectives - 1] = rest;
    }
}

impl TryFrom<Vec<Vec<f64>>> for Directions {
    type Error = DirectionsError;
    fn try_from(directions: Vec<Vec<f64>>) -> Result<Directions, DirectionsError> {
        Directions::new(&directions)
    }
}

impl From<Directions> for Vec<Vec<f64>> {
    fn from(directions: Directions) -> Self {
        directions.iter().map(<[f64]>::to_vec).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_are_as_large_as_those_of_the_paper() {
        for (objectives, size) in [(2, 100), (3, 91), (5, 210), (8, 156), (10, 275), (15, 135)] {
            let directions = Directions::of(objectives).unwrap();
            assert_eq!(directions.len(), size, "{objectives} objectives");
            let mut seen: Vec<&[f64]> = directions.iter().collect();
            for direction in &seen {
                assert!((direction.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{direction:?}");
            }
            seen.sort_by(|a, b| a.partial_cmp(b).unwrap());
            seen.dedup();
            assert_eq!(seen.len(), size, "all differ");
        }
        assert!((2..=OBJECTIVES_MAX).all(|objectives| Directions::of(objectives).is_ok()));
    }

    #[test]
    fn two_divisions_of_three_objectives_are_the_corners_and_the_middles_of_the_edges() {
        let directions: Vec<Vec<f64>> = Directions::das_dennis(3, 2).unwrap().into();
        let all = [
            [0.0, 0.0, 1.0],
            [0.0, 0.5, 0.5],
            [0.0, 1.0, 0.0],
            [0.5, 0.0, 0.5],
            [0.5, 0.5, 0.0],
            [1.0, 0.0, 0.0],
        ];
        assert_eq!(directions, all);
    }

    #[test]
    fn what_is_no_direction_is_refused_and_a_set_is_read_as_it_was_written() {
        assert_eq!(Directions::new(&[]).unwrap_err(), DirectionsError::Count);
        assert_eq!(Directions::das_dennis(3, 0).unwrap_err(), DirectionsError::Count);
        assert_eq!(Directions::das_dennis(20, 50).unwrap_err(), DirectionsError::Count);
        assert_eq!(
            Directions::das_dennis(1, 5).unwrap_err(),
            DirectionsError::Objectives { found: 1 }
        );
        for wrong in [vec![0.0, 0.0], vec![-1.0, 2.0], vec![f64::NAN, 1.0], vec![1.0]] {
            let error = Directions::new(&[vec![1.0, 1.0], wrong]).unwrap_err();
            assert_eq!(error, DirectionsError::Direction { index: 1 });
        }
        let set = Directions::of(10).unwrap();
        let text = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<Directions>(&text).unwrap(), set);
    }
}
