//! What is known of evaluated candidates, in the one order that every method selects by.
//!
//! Inside, everything is a cost: smaller is better. A candidate that breaks a constraint is worse than any that breaks none, and
//! among such the smaller violation is better (Deb, "An efficient constraint handling method for genetic algorithms", 2000). A
//! candidate whose evaluation failed is worse than all. There is no NaN, so the order is total.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

/// The cost of a candidate with one objective.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// How far the constraints are broken, 0 when they hold; infinite when the evaluation failed.
    pub violation: f64,
    /// What is minimised; infinite when it is not known.
    pub value: f64,
}

impl Cost {
    /// The cost of a candidate whose evaluation failed.
    pub const FAILED: Cost = Cost { violation: f64::INFINITY, value: f64::INFINITY };

    /// The cost of a candidate that breaks no constraint.
    pub fn feasible(value: f64) -> Cost {
        Cost { violation: 0.0, value }
    }

    /// Whether it is better than the other.
    #[inline]
    pub fn is_better(&self, other: &Cost) -> bool {
        if self.violation == other.violation {
            self.value < other.value
        } else {
            self.violation < other.violation
        }
    }

    /// Better first.
    pub fn better_first(&self, other: &Cost) -> Ordering {
        self.violation.total_cmp(&other.violation).then(self.value.total_cmp(&other.value))
    }

    /// Whether the evaluation gave an answer.
    pub fn is_known(&self) -> bool {
        self.violation < f64::INFINITY
    }

    /// Whether all constraints hold.
    pub fn is_feasible(&self) -> bool {
        self.violation == 0.0
    }
}

/// The costs of a batch or of a population: a row for each candidate, a column for each objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Written", try_from = "Written")]
pub struct Costs {
    objectives: usize,
    values: Vec<f64>,
    violations: Vec<f64>,
}

impl Costs {
    /// No costs yet, for so many objectives (at least 1).
    pub fn new(objectives: usize) -> Costs {
        Costs { objectives: objectives.max(1), values: Vec::new(), violations: Vec::new() }
    }

    /// The same, with room for `count` candidates.
    pub fn with_capacity(objectives: usize, count: usize) -> Costs {
        let objectives = objectives.max(1);
        Costs {
            objectives,
            values: Vec::with_capacity(objectives * count),
            violations: Vec::with_capacity(count),
        }
    }

    /// How many objectives there are.
    pub fn objectives(&self) -> usize {
        self.objectives
    }

    /// How many candidates have costs.
    pub fn len(&self) -> usize {
        self.violations.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.violations.is_empty()
    }

    /// The cost by the first objective.
    ///
    /// # Panics
    /// When `index` is not below [`Costs::len`].
    #[inline]
    pub fn cost(&self, index: usize) -> Cost {
        Cost { violation: self.violations[index], value: self.values[index * self.objectives] }
    }

    /// What is minimised, one value for each objective; all infinite when the evaluation failed.
    ///
    /// # Panics
    /// When `index` is not below [`Costs::len`].
    #[inline]
    pub fn row(&self, index: usize) -> &[f64] {
        &self.values[index * self.objectives..(index + 1) * self.objectives]
    }

    /// How far the constraints are broken.
    ///
    /// # Panics
    /// When `index` is not below [`Costs::len`].
    #[inline]
    pub fn violation(&self, index: usize) -> f64 {
        self.violations[index]
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Adds a candidate with one objective.
    ///
    /// # Panics
    /// When there is more than one objective.
    #[inline]
    pub fn push(&mut self, cost: Cost) {
        assert_eq!(self.objectives, 1, "one value for several objectives");
        self.values.push(cost.value);
        self.violations.push(cost.violation);
    }

    /// Adds a candidate.
    ///
    /// # Panics
    /// When the row has another length than there are objectives.
    #[inline]
    pub fn push_row(&mut self, row: &[f64], violation: f64) {
        assert_eq!(row.len(), self.objectives, "a row of another number of objectives");
        self.values.extend_from_slice(row);
        self.violations.push(violation);
    }

    /// Adds the candidates of another list.
    ///
    /// # Panics
    /// When the other has another number of objectives.
    pub fn extend(&mut self, others: &Costs) {
        assert_eq!(self.objectives, others.objectives, "costs of another number of objectives");
        self.values.extend_from_slice(&others.values);
        self.violations.extend_from_slice(&others.violations);
    }

    /// Adds a candidate whose row is NaN until `write` fills it and gives the violation. When it fails instead, so has the candidate.
    #[inline]
    pub(crate) fn push_with<E>(
        &mut self,
        write: impl FnOnce(&mut [f64]) -> Result<f64, E>,
    ) -> Result<f64, E> {
        let start = self.values.len();
        self.values.resize(start + self.objectives, f64::NAN);
        let violation = write(&mut self.values[start..]);
        let known = *violation.as_ref().unwrap_or(&f64::INFINITY);
        if known > 0.0 {
            self.values[start..].fill(f64::INFINITY);
        }
        self.violations.push(known);
        violation
    }

    /// Changes the rows of the candidates that break no constraint, from this place on.
    pub(crate) fn for_each_feasible_row(
        &mut self,
        first: usize,
        mut change: impl FnMut(&mut [f64]),
    ) {
        let rows = self.values.chunks_exact_mut(self.objectives).zip(&self.violations).skip(first);
        rows.filter(|(_, violation)| **violation == 0.0).for_each(|(row, _)| change(row));
    }

    /// Puts another candidate's cost in this place.
    ///
    /// # Panics
    /// When `index` is not below [`Costs::len`], or there is more than one objective.
    #[inline]
    pub fn set(&mut self, index: usize, cost: Cost) {
        assert_eq!(self.objectives, 1, "one value for several objectives");
        self.values[index] = cost.value;
        self.violations[index] = cost.violation;
    }

    /// The place of the best candidate by the first objective, the first of equals; none when there are no costs.
    pub fn best(&self) -> Option<usize> {
        let mut best = 0;
        for at in 1..self.len() {
            if self.cost(at).is_better(&self.cost(best)) {
                best = at;
            }
        }
        (!self.is_empty()).then_some(best)
    }

    /// Fills `places` with the places from best to worst by the first objective, equals in their own order.
    pub fn ranking(&self, places: &mut Vec<usize>) {
        places.clear();
        places.extend(0..self.len());
        places.sort_unstable_by(|&a, &b| self.cost(a).better_first(&self.cost(b)).then(a.cmp(&b)));
    }

    /// Fills `places` with the places of the `count` best by the first objective, from best to worst, equals in their own order: the
    /// beginning of the [`ranking`](Costs::ranking), without ranking the rest.
    pub fn best_places(&self, count: usize, places: &mut Vec<usize>) {
        places.clear();
        if count <= 1 {
            places.extend(self.best().filter(|_| count == 1));
            return;
        }
        let order =
            |a: &usize, b: &usize| self.cost(*a).better_first(&self.cost(*b)).then(a.cmp(b));
        places.extend(0..self.len());
        if count < places.len() {
            places.select_nth_unstable_by(count, order);
            places.truncate(count);
        }
        places.sort_unstable_by(order);
    }

    /// Takes a row out; the last one takes its place.
    ///
    /// # Panics
    /// When `index` is not below [`Costs::len`].
    pub fn swap_remove(&mut self, index: usize) {
        self.violations.swap_remove(index);
        let last = self.violations.len();
        let (objectives, to) = (self.objectives, index * self.objectives);
        self.values.copy_within(last * objectives.., to);
        self.truncate(last);
    }

    /// Keeps the first `count` rows.
    pub fn truncate(&mut self, count: usize) {
        self.values.truncate(count * self.objectives);
        self.violations.truncate(count);
    }

    /// Forgets all costs, and keeps the memory.
    pub fn clear(&mut self) {
        self.values.clear();
        self.violations.clear();
    }
}

/// JSON has no infinities: they are written as null.
#[derive(Serialize, Deserialize)]
struct Written {
    objectives: usize,
    values: Vec<Option<f64>>,
    violations: Vec<Option<f64>>,
}

impl From<Costs> for Written {
    fn from(costs: Costs) -> Written {
        let finite = |value: &f64| value.is_finite().then_some(*value);
        Written {
            objectives: costs.objectives,
            values: costs.values.iter().map(finite).collect(),
            violations: costs.violations.iter().map(finite).collect(),
        }
    }
}

impl TryFrom<Written> for Costs {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Costs, Self::Error> {
        let Written { objectives, values, violations } = written;
        if objectives == 0 || Some(values.len()) != objectives.checked_mul(violations.len()) {
            return Err("the costs are damaged: their numbers of rows contradict each other");
        }
        if violations.iter().flatten().any(|&violation| violation < 0.0) {
            return Err("the costs are damaged: a violation is negative");
        }
        let infinite = |value: Option<f64>| value.unwrap_or(f64::INFINITY);
        Ok(Costs {
            objectives,
            values: values.into_iter().map(infinite).collect(),
            violations: violations.into_iter().map(infinite).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn feasible_comes_before_infeasible_and_failed_comes_last() {
        let order = [
            Cost::feasible(-1.0),
            Cost::feasible(5.0),
            Cost { violation: 0.5, value: -100.0 },
            Cost { violation: 2.0, value: -200.0 },
            Cost::FAILED,
        ];
        for (at, better) in order.iter().enumerate() {
            for worse in &order[at + 1..] {
                assert!(better.is_better(worse) && !worse.is_better(better));
                assert_eq!(better.better_first(worse), Ordering::Less);
            }
            assert!(!better.is_better(better));
        }
    }

    #[test]
    fn the_best_places_are_the_beginning_of_the_ranking() {
        let mut costs = Costs::new(1);
        [3.0, 1.0, 2.0, 1.0, 5.0].into_iter().for_each(|value| costs.push(Cost::feasible(value)));
        costs.push(Cost::FAILED);
        let (mut ranking, mut places) = (Vec::new(), Vec::new());
        costs.ranking(&mut ranking);
        assert_eq!(ranking, [1, 3, 2, 0, 4, 5]);
        for count in 0..=6 {
            costs.best_places(count, &mut places);
            assert_eq!(places, ranking[..count]);
        }
        Costs::new(1).best_places(1, &mut places);
        assert!(places.is_empty());
    }

    #[test]
    fn costs_are_written_without_infinities_and_read_again() {
        let mut costs = Costs::new(1);
        costs.push(Cost::feasible(2.0));
        costs.push(Cost::FAILED);
        let text = serde_json::to_string(&costs).unwrap();
        assert_eq!(text, r#"{"objectives":1,"values":[2.0,null],"violations":[0.0,null]}"#);
        assert_eq!(serde_json::from_str::<Costs>(&text).unwrap(), costs);
        let torn = r#"{"objectives":1,"values":[2.0],"violations":[0.0,null]}"#;
        assert!(serde_json::from_str::<Costs>(torn).is_err());
        assert_eq!(costs.best(), Some(0));
    }
}
