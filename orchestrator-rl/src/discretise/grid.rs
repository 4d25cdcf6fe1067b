//! A space cut into cells, each parameter by itself.

use orchestrator_core::{Bounds, ParameterSpace};
use serde::{Deserialize, Serialize};

use super::axis::Axis;
use super::{BINS_MAX, DiscretiseError, TuneState};
use crate::index::STATES_MAX;

/// The format that this version writes and reads.
const VERSION: u32 = 1;

/// A space cut into cells: every point of it lies in exactly one.
///
/// It serialises with its edges, because a table means nothing without them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Grid {
    space: ParameterSpace,
    axes: Vec<Axis>,
    contexts: usize,
    /// All cells in all contexts; `None` when they are more than can be numbered.
    states: Option<usize>,
}

impl Grid {
    /// Cells of one width: `bins` for each real parameter, 1 to [`BINS_MAX`]. Whole numbers have a cell each, or where they are
    /// more than `bins` are grouped in so many; true, false, and labels have a cell each.
    ///
    /// # Errors
    /// When there are too few or too many bins or labels, or a parameter is a permutation.
    pub fn uniform(space: &ParameterSpace, bins: usize) -> Result<Grid, DiscretiseError> {
        Grid::shifted(space, bins, |_| 0.0)
    }

    /// Cells that each hold as many of the samples as the others: fine where points are, coarse where they are not. The rest is
    /// as in [`Grid::uniform`]. Where many samples have the same value there are fewer cells than bins.
    ///
    /// # Errors
    /// When there is no sample, or one is not a point of the space; and as [`Grid::uniform`].
    ///
    /// ```
    /// # use orchestrator_core::ParameterSpace;
    /// # use orchestrator_rl::Grid;
    /// let space = ParameterSpace::uniform(1, 0.0, 100.0)?;
    /// let samples = [[1.0], [2.0], [3.0], [90.0]];
    /// let grid = Grid::quantile(&space, samples.iter().map(|x| &x[..]), 4)?;
    /// let states: Vec<_> = samples.iter().map(|x| grid.state(x, 0)).collect::<Result<_, _>>()?;
    /// assert_eq!(states, [0, 1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn quantile<'a>(
        space: &ParameterSpace,
        samples: impl IntoIterator<Item = &'a [f64]>,
        bins: usize,
    ) -> Result<Grid, DiscretiseError> {
        let mut columns = vec![Vec::new(); space.len()];
        for (at, sample) in samples.into_iter().enumerate() {
            space.check(sample).map_err(|error| DiscretiseError::Sample { at, error })?;
            for (column, value) in columns.iter_mut().zip(sample) {
                column.push(*value);
            }
        }
        if columns.iter().any(Vec::is_empty) {
            return Err(DiscretiseError::NoSamples);
        }
        let axes = space.parameters().map(|parameter| {
            let column = std::mem::take(&mut columns[parameter.coordinates.start]);
            Axis::quantile(&parameter, bins, column)
        });
        Ok(Grid::of(space.clone(), axes.collect::<Result<_, _>>()?, 1))
    }

    /// The same grid for so many contexts, numbered from 0, where states are numbers. Keys take any context.
    ///
    /// # Errors
    /// When there are none or more than [`STATES_MAX`].
    pub fn with_contexts(self, contexts: usize) -> Result<Grid, DiscretiseError> {
        if !(1..=STATES_MAX).contains(&contexts) {
            let what = "the contexts".to_owned();
            return Err(DiscretiseError::Count { what, count: contexts, max: STATES_MAX });
        }
        Ok(Grid::of(self.space, self.axes, contexts))
    }

    /// The space that is cut.
    pub fn space(&self) -> &ParameterSpace {
        &self.space
    }

    /// How many cells each parameter has, in the order of the space.
    pub fn cells(&self) -> Vec<usize> {
        self.axes.iter().map(Axis::cells).collect()
    }

    /// How many states there are: the product of the cells and the contexts.
    ///
    /// # Errors
    /// When they are more than [`STATES_MAX`].
    pub fn states(&self) -> Result<usize, DiscretiseError> {
        self.states.ok_or(DiscretiseError::TooManyStates { max: STATES_MAX })
    }

    /// The number of a point's state, below [`Grid::states`].
    ///
    /// # Errors
    /// When the point is not in the space, there is no such context, or there are too many states for numbers.
    pub fn state(&self, point: &[f64], context: u64) -> Result<usize, DiscretiseError> {
        self.states()?;
        self.space.check(point).map_err(DiscretiseError::Point)?;
        let known = usize::try_from(context).ok().filter(|context| *context < self.contexts);
        let first = known.ok_or(DiscretiseError::Context { context, count: self.contexts })?;
        Ok(self.axes.iter().zip(point).fold(first, |number, (axis, value)| {
            number * axis.cells() + usize::from(axis.cell(*value))
        }))
    }

    /// The key of a point's state, for grids of any size.
    ///
    /// # Errors
    /// When the point is not in the space.
    pub fn key(&self, point: &[f64], context: u64) -> Result<TuneState, DiscretiseError> {
        self.space.check(point).map_err(DiscretiseError::Point)?;
        Ok(TuneState { cells: self.cells_of(point), context })
    }

    /// From where to where a state goes in each parameter, and its context; `None` when there is no such number. A cell holds its
    /// upper bound only where that is the end of the space.
    pub fn bounds(&self, state: usize) -> Option<(Vec<Bounds>, u64)> {
        if state >= self.states? {
            return None;
        }
        let mut left = state;
        let mut bounds: Vec<Bounds> = Vec::with_capacity(self.axes.len());
        for (axis, whole) in self.axes.iter().zip(self.space.bounds()).rev() {
            bounds.push(axis.bounds(left % axis.cells(), *whole));
            left /= axis.cells();
        }
        bounds.reverse();
        Some((bounds, left as u64))
    }

    /// The cells of a point that is known to be in the space.
    pub(crate) fn cells_of(&self, point: &[f64]) -> Vec<u16> {
        self.axes.iter().zip(point).map(|(axis, value)| axis.cell(*value)).collect()
    }

    /// Cells of one width, each parameter's moved down by its share of it.
    pub(super) fn shifted(
        space: &ParameterSpace,
        bins: usize,
        shift: impl Fn(usize) -> f64,
    ) -> Result<Grid, DiscretiseError> {
        let axes = space.parameters().enumerate();
        let axes = axes.map(|(at, parameter)| Axis::uniform(&parameter, bins, shift(at)));
        Ok(Grid::of(space.clone(), axes.collect::<Result<_, _>>()?, 1))
    }

    /// Grids over the same space laid over each other.
    pub(super) fn crossed(grids: &[Grid], space: &ParameterSpace) -> Result<Grid, DiscretiseError> {
        let axes = (0..space.len()).map(|at| {
            let axis = Axis::crossed(grids.iter().map(|grid| &grid.axes[at]), space.bounds()[at]);
            if axis.cells() > BINS_MAX {
                let what = format!("the cells of all tilings in {:?}", space.names()[at]);
                return Err(DiscretiseError::Count { what, count: axis.cells(), max: BINS_MAX });
            }
            Ok(axis)
        });
        Ok(Grid::of(space.clone(), axes.collect::<Result<_, _>>()?, 1))
    }

    fn of(space: ParameterSpace, axes: Vec<Axis>, contexts: usize) -> Grid {
        let states = axes.iter().try_fold(contexts, |product, axis| {
            product.checked_mul(axis.cells()).filter(|states| *states <= STATES_MAX)
        });
        Grid { space, axes, contexts, states }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    version: u32,
    space: ParameterSpace,
    edges: Vec<Axis>,
    contexts: usize,
}

impl From<Grid> for Saved {
    fn from(grid: Grid) -> Saved {
        Saved { version: VERSION, space: grid.space, edges: grid.axes, contexts: grid.contexts }
    }
}

impl TryFrom<Saved> for Grid {
    type Error = DiscretiseError;

    fn try_from(saved: Saved) -> Result<Grid, DiscretiseError> {
        if saved.version != VERSION {
            return Err(DiscretiseError::Version { found: saved.version, known: VERSION });
        }
        // An unshifted grid of one bin names a permutation, if there is one.
        Grid::uniform(&saved.space, 1)?;
        if saved.edges.len() != saved.space.len() {
            let (edges, space) = (saved.edges.len(), saved.space.len());
            let what = format!("edges of {edges} parameters, where the space has {space}");
            return Err(DiscretiseError::Damaged { what });
        }
        for (at, axis) in saved.edges.iter().enumerate() {
            if !axis.is_sound(saved.space.bounds()[at]) {
                let what = format!("the edges of {:?}", saved.space.names()[at]);
                return Err(DiscretiseError::Damaged { what });
            }
        }
        Grid::of(saved.space, saved.edges, 1).with_contexts(saved.contexts)
    }
}
