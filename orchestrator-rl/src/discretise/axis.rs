//! One parameter, cut into cells.
//!
//! A cell goes from an edge to below the next one; the first begins at the least value, the last includes the greatest. So every
//! value lies in exactly one cell, and since every edge is a value above the least, no cell is empty.

use orchestrator_core::{Bounds, Domain, Parameter};
use serde::{Deserialize, Serialize};

use super::{BINS_MAX, DiscretiseError};

/// The edges between cells, ascending, above the least value and not above the greatest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Axis {
    edges: Vec<f64>,
}

impl Axis {
    /// Cells of one width, moved down by `shift` (in [0, 1)) of it; what is left over at the upper end is a cell more. What is
    /// counted is not moved: each of its values has its own cell.
    pub(super) fn uniform(
        parameter: &Parameter<'_>,
        bins: usize,
        shift: f64,
    ) -> Result<Axis, DiscretiseError> {
        if let Some(axis) = Axis::counted(parameter, bins)? {
            return Ok(axis);
        }
        let bounds = parameter.domain.bounds();
        let (width, bins_wide) = (bounds.width(), bins as f64);
        let edges = (1..=bins).map(|at| match parameter.domain {
            // Multiplied first, so that what divides evenly is exact; rounded up, no two edges part the same two numbers.
            Domain::Integer { .. } => {
                (bounds.min + (at as f64 - shift) * (width + 1.0) / bins_wide).ceil()
            }
            // Divided first, so that the widest bounds do not overflow.
            _ => bounds.min + (at as f64 - shift) / bins_wide * width,
        });
        // Without a shift the last edge is the upper end itself, which rounding must not make a cell of its own.
        let inner = if shift == 0.0 { bins - 1 } else { bins };
        Ok(Axis::of(edges.take(inner).collect(), bounds))
    }

    /// Cells of as equal numbers of these values as can be; values that occur often make them fewer.
    pub(super) fn quantile(
        parameter: &Parameter<'_>,
        bins: usize,
        mut values: Vec<f64>,
    ) -> Result<Axis, DiscretiseError> {
        if let Some(axis) = Axis::counted(parameter, bins)? {
            return Ok(axis);
        }
        values.sort_unstable_by(f64::total_cmp);
        let count = values.len() as u128;
        let edges = (1..bins).map(|at| values[(at as u128 * count / bins as u128) as usize]);
        Ok(Axis::of(edges.collect(), parameter.domain.bounds()))
    }

    /// The cells of several axes over the same parameter laid over each other.
    pub(super) fn crossed<'a>(axes: impl Iterator<Item = &'a Axis>, bounds: Bounds) -> Axis {
        let mut edges: Vec<f64> = axes.flat_map(|axis| axis.edges.iter().copied()).collect();
        edges.sort_unstable_by(f64::total_cmp);
        Axis::of(edges, bounds)
    }

    /// How many cells there are, at least 1.
    pub(super) fn cells(&self) -> usize {
        self.edges.len() + 1
    }

    /// The cell of a value.
    #[inline]
    pub(super) fn cell(&self, value: f64) -> u16 {
        // Checked when made: at most 65,536 cells.
        self.edges.partition_point(|edge| *edge <= value) as u16
    }

    /// From where to where a cell goes.
    pub(super) fn bounds(&self, cell: usize, whole: Bounds) -> Bounds {
        let below = cell.checked_sub(1).map(|at| self.edges[at]);
        let above = self.edges.get(cell);
        Bounds { min: below.unwrap_or(whole.min), max: *above.unwrap_or(&whole.max) }
    }

    /// What an axis that was read must be.
    pub(super) fn is_sound(&self, bounds: Bounds) -> bool {
        self.cells() <= BINS_MAX
            && self.edges.iter().all(|edge| bounds.contains(*edge) && *edge > bounds.min)
            && self.edges.is_sorted_by(|low, high| low < high)
    }

    fn of(mut edges: Vec<f64>, bounds: Bounds) -> Axis {
        edges.retain(|edge| bounds.min < *edge && *edge <= bounds.max);
        edges.dedup();
        Axis { edges }
    }

    /// A cell for each value, where values are counted and not more than bins. `None` where cells have to be cut.
    fn counted(parameter: &Parameter<'_>, bins: usize) -> Result<Option<Axis>, DiscretiseError> {
        let name = || parameter.name.to_owned();
        if !(1..=BINS_MAX).contains(&bins) {
            let what = format!("the bins of {:?}", parameter.name);
            return Err(DiscretiseError::Count { what, count: bins, max: BINS_MAX });
        }
        let (low, high) = match parameter.domain {
            Domain::Permutation(_) => return Err(DiscretiseError::Permutation { name: name() }),
            Domain::Real(_) => return Ok(None),
            Domain::Integer { min, max } if max.abs_diff(*min) >= bins as u64 => return Ok(None),
            Domain::Integer { min, max } => (*min, *max),
            Domain::Boolean => (0, 1),
            // No label is nearer to another, so that to group them would be arbitrary.
            Domain::Categorical(labels) if labels.len() > BINS_MAX => {
                let what = format!("the labels of {:?}", parameter.name);
                return Err(DiscretiseError::Count { what, count: labels.len(), max: BINS_MAX });
            }
            Domain::Categorical(labels) => (0, labels.len() as i64 - 1),
        };
        Ok(Some(Axis { edges: (low..high).map(|value| (value + 1) as f64).collect() }))
    }
}
