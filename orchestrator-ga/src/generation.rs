//! What is measured of every generation, and the bounded record of it.

use std::ops::Range;

use orchestrator_core::ParameterSpace;
use serde::{Deserialize, Serialize};

use crate::optimizer::Population;

/// The most rows that a history keeps. A longer search keeps every second of them, then every fourth, and so on: always evenly
/// spaced, the first among them.
pub const HISTORY_MAX: usize = 1024;

/// What was measured of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Generation {
    /// Which one, counted from 0 (the start population).
    pub index: u32,
    /// The best fitness in it; of candidates that break no constraint, if there are any. The least finite number when there are none.
    pub best: f64,
    /// The mean fitness of those that have one.
    pub mean: f64,
    /// The mean over the parameters of the deviation of their values, as a share of their widths (0 to 0.5).
    pub diversity: f64,
    /// How many candidates were evaluated for it.
    pub evaluations: usize,
    /// How many of these evaluations failed.
    pub failures: usize,
    /// How many of these candidates broke a constraint.
    #[serde(default)]
    pub infeasible: usize,
}

impl Generation {
    pub(crate) fn of(
        index: u32,
        population: Population<'_>,
        space: &ParameterSpace,
        evaluated: Evaluated,
    ) -> Generation {
        let Evaluated { evaluations, failures, infeasible } = evaluated;
        let (mut best, mut sum, mut known) = (f64::INFINITY, 0.0, 0.0);
        let share = 1.0 / population.costs.len().max(1) as f64;
        for at in 0..population.costs.len() {
            let cost = population.costs.cost(at);
            if cost.is_feasible() && cost.value.is_finite() {
                best = best.min(cost.value);
                // Divided first: the sum of two finite numbers may be infinite.
                sum += cost.value * share;
                known += 1.0;
            }
        }
        let (best, mean) =
            if known > 0.0 { (-best, -sum / (known * share)) } else { (f64::MIN, f64::MIN) };
        Generation {
            index,
            best,
            mean,
            diversity: diversity(population, space),
            evaluations,
            failures,
            infeasible,
        }
    }
}

/// What was done for a generation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evaluated {
    pub(crate) evaluations: usize,
    pub(crate) failures: usize,
    pub(crate) infeasible: usize,
}

/// The mean over the parameters of the deviation of their values, each as a share of the parameter's width: 0 when all candidates
/// are one, about 0.29 when they fill the space evenly, at most 0.5. Parameters without width are left out.
pub(crate) fn diversity(population: Population<'_>, space: &ParameterSpace) -> f64 {
    let dimension = population.points.dimension();
    let mut total = Deviations::default();
    if dimension < COLUMNS {
        for column in 0..dimension {
            total.add::<1>(population, space, column..column + 1);
        }
    } else {
        for start in (0..dimension).step_by(COLUMNS) {
            total.add::<COLUMNS>(population, space, start..dimension.min(start + COLUMNS));
        }
    }
    total.sum / total.count.max(1.0)
}

/// How many columns are summed up together: so many sums fit into registers while the rows are read in order.
const COLUMNS: usize = 8;

#[derive(Default)]
struct Deviations {
    sum: f64,
    count: f64,
}

impl Deviations {
    /// Adds the deviations of these columns, at most `N` of at least `N`.
    fn add<const N: usize>(
        &mut self,
        population: Population<'_>,
        space: &ParameterSpace,
        columns: Range<usize>,
    ) {
        let points = population.points;
        // The last block reaches back into the one before it, so that all have the same width.
        let block = columns.end - N..columns.end;
        let block_of = |row: &[f64]| -> [f64; N] {
            row[block.clone()].try_into().expect("a block has its width")
        };
        let Some(origin) = points.points().next().map(block_of) else { return };
        let (mut means, mut squares) = ([0.0; N], [0.0; N]);
        for point in points.points() {
            let values = block_of(point);
            for at in 0..N {
                // From the first point, so that nothing cancels when the population is small.
                let from_first = values[at] - origin[at];
                means[at] += from_first;
                squares[at] += from_first * from_first;
            }
        }
        let share = 1.0 / points.len() as f64;
        for column in columns {
            let (at, width) = (column - block.start, space.bounds()[column].width());
            if width > 0.0 {
                let mean = means[at] * share;
                self.sum += (squares[at] * share - mean * mean).max(0.0).sqrt() / width;
                self.count += 1.0;
            }
        }
    }
}

/// The measured generations, evenly thinned when there are many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written<R>", bound(deserialize = "R: Row + Deserialize<'de>"))]
pub struct History<R = Generation> {
    rows: Vec<R>,
    /// Every how many generations a row is kept, as a power of two.
    stride_log2: u32,
}

/// A history as it is read, before it is checked.
#[derive(Deserialize)]
struct Written<R> {
    rows: Vec<R>,
    stride_log2: u32,
}

/// What was measured of one generation, as a row of a history.
pub(crate) trait Row {
    /// Which generation it was.
    fn index(&self) -> u32;
    /// Whether what was read can be what was written.
    fn is_sound(&self) -> bool;
}

impl Row for Generation {
    fn index(&self) -> u32 {
        self.index
    }
    fn is_sound(&self) -> bool {
        self.best.is_finite()
    }
}

impl<R: Row> TryFrom<Written<R>> for History<R> {
    type Error = &'static str;

    fn try_from(Written { rows, stride_log2 }: Written<R>) -> Result<History<R>, Self::Error> {
        let stride = 1_u32.checked_shl(stride_log2).ok_or("the history is damaged: its stride")?;
        let in_place = |(at, row): (usize, &R)| {
            u64::from(row.index()) == at as u64 * u64::from(stride) && row.is_sound()
        };
        if rows.len() > HISTORY_MAX || !rows.iter().enumerate().all(in_place) {
            return Err("the history is damaged: its rows are not evenly spaced");
        }
        Ok(History { rows, stride_log2 })
    }
}

impl<R> Default for History<R> {
    fn default() -> Self {
        History { rows: Vec::new(), stride_log2: 0 }
    }
}

impl<R> History<R> {
    /// The rows: one for each generation, until there are [`HISTORY_MAX`]; then one for every second, and so on.
    pub fn rows(&self) -> &[R] {
        &self.rows
    }

    /// How many rows there are after so many generations.
    pub(crate) fn rows_of(&self, generations: u32) -> u64 {
        u64::from(generations).div_ceil(1 << self.stride_log2)
    }
}

#[allow(private_bounds)] // Only the searches of this crate write a history.
impl<R: Row> History<R> {
    pub(crate) fn push(&mut self, row: R) {
        if row.index() & ((1 << self.stride_log2) - 1) != 0 {
            return;
        }
        if self.rows.len() == HISTORY_MAX {
            self.stride_log2 += 1;
            let mask = (1 << self.stride_log2) - 1;
            self.rows.retain(|row| row.index() & mask == 0);
            if row.index() & mask != 0 {
                return;
            }
        }
        if self.rows.len() == self.rows.capacity() {
            // All at once, so that no later generation asks for memory.
            self.rows.reserve_exact(HISTORY_MAX - self.rows.len());
        }
        self.rows.push(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use crate::cost::Costs;

    fn of(points: &[[f64; 2]]) -> f64 {
        let mut batch = Batch::new(2);
        points.iter().for_each(|point| {
            batch.push(point);
        });
        let space = ParameterSpace::uniform(2, -1.0, 3.0).unwrap();
        diversity(Population { points: &batch, costs: &Costs::new(1) }, &space)
    }

    #[test]
    fn diversity_is_the_deviation_as_a_share_of_the_width() {
        assert_eq!(of(&[[-1.0, -1.0], [-1.0, -1.0]]), 0.0);
        assert_eq!(of(&[[-1.0, 3.0], [3.0, -1.0]]), 0.5);
        assert_eq!(of(&[]), 0.0);
        let near = of(&[[1.0, 1.0], [1.0 + 4e-12, 1.0 + 4e-12]]);
        assert!((near / 5e-13 - 1.0).abs() < 1e-3, "{near}");
    }

    #[test]
    fn the_diversity_of_many_parameters_is_the_mean_of_their_deviations() {
        for dimension in [1, 7, 8, 9, 16, 30] {
            let mut stream = orchestrator_core::Seed(dimension as u64).fast_stream();
            let mut batch = Batch::new(dimension);
            batch.append(20).fill_with(|| stream.between(-1.0, 3.0));
            let deviation = |at: usize| {
                let column = || batch.points().map(move |point| point[at]);
                let mean = column().sum::<f64>() / batch.len() as f64;
                let squares = column().map(|value| (value - mean).powi(2)).sum::<f64>();
                (squares / batch.len() as f64).sqrt() / 4.0
            };
            let mean = (0..dimension).map(deviation).sum::<f64>() / dimension as f64;
            let space = ParameterSpace::uniform(dimension, -1.0, 3.0).unwrap();
            let found = diversity(Population { points: &batch, costs: &Costs::new(1) }, &space);
            assert!((found - mean).abs() < 1e-12, "{dimension}: {found}, not {mean}");
        }
    }

    #[test]
    fn a_long_history_is_thinned_evenly() {
        let mut history = History::default();
        let row = |index| Generation {
            index,
            best: 0.0,
            mean: 0.0,
            diversity: 0.0,
            evaluations: 0,
            failures: 0,
            infeasible: 0,
        };
        for index in 0..10_000 {
            history.push(row(index));
            assert!(history.rows().len() <= HISTORY_MAX);
        }
        let kept: Vec<u32> = history.rows().iter().map(|row| row.index).collect();
        assert_eq!(kept[0], 0);
        assert!(kept.windows(2).all(|pair| pair[1] - pair[0] == 16), "{:?}", &kept[..4]);
        assert!(10_000 - kept[kept.len() - 1] <= 16);
    }
}
