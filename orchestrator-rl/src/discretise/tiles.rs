//! Tile coding: several grids over each other, each a little shifted.
//!
//! Sutton and Barto, "Reinforcement Learning" (2018), section 9.5.4. Tiling t of n is moved by t · (1, 3, 5, …) / n of a tile,
//! modulo a whole tile: asymmetric displacements of the first odd numbers make what is near share tiles evenly in all directions
//! (Miller and Glanz, 1996, advise it there, with n a power of 2 and at least 4 times as many as there are parameters). Only what
//! is cut is moved; what has a cell for each value has the same one in all tilings.
//!
//! A table holds one value for each state. As a state, the tiles that a point lies in are one thing ([`Tiles::crossing`]): two
//! points are the same state when they share all tiles. What near points have in common, the tiles that they share
//! ([`Tiles::tiles`]), is for who adds up a value for each tile. The learners of this crate do not.

use orchestrator_core::ParameterSpace;
use serde::{Deserialize, Serialize};

use super::{DiscretiseError, Grid};
use crate::index::STATES_MAX;

/// The most tilings.
pub const TILINGS_MAX: usize = 1 << 10;

/// Several shifted grids over one space: every point lies in exactly one tile of each.
///
/// ```
/// use orchestrator_core::ParameterSpace;
/// use orchestrator_rl::Tiles;
///
/// let space = ParameterSpace::uniform(2, 0.0, 1.0)?;
/// let tiles = Tiles::new(&space, 8, 4)?;
/// let (here, near, far) = (tiles.tiles(&[0.5, 0.5])?, tiles.tiles(&[0.54, 0.5])?, tiles.tiles(&[0.9, 0.1])?);
/// let shared = |other: &[usize]| here.iter().filter(|tile| other.contains(tile)).count();
/// assert_eq!((shared(&near), shared(&far)), (7, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Saved", into = "Saved")]
pub struct Tiles {
    bins: usize,
    tilings: Vec<Grid>,
    /// The number of each tiling's first tile, and after the last one how many there are.
    firsts: Vec<usize>,
    crossing: Grid,
}

impl Tiles {
    /// So many tilings, 1 to [`TILINGS_MAX`], of `bins` tiles to the width of a parameter (and one more where it is shifted).
    ///
    /// # Errors
    /// When there are too few or too many tilings, bins or labels, more than [`STATES_MAX`] tiles, or a parameter is a
    /// permutation.
    pub fn new(
        space: &ParameterSpace,
        tilings: usize,
        bins: usize,
    ) -> Result<Tiles, DiscretiseError> {
        if !(1..=TILINGS_MAX).contains(&tilings) {
            let what = "the tilings".to_owned();
            return Err(DiscretiseError::Count { what, count: tilings, max: TILINGS_MAX });
        }
        let grids = (0..tilings).map(|tiling| {
            Grid::shifted(space, bins, |at| {
                (tiling * (2 * at + 1) % tilings) as f64 / tilings as f64
            })
        });
        let grids = grids.collect::<Result<Vec<_>, _>>()?;
        let mut firsts = vec![0];
        let mut count = 0_usize;
        for grid in &grids {
            count += grid.states()?;
            if count > STATES_MAX {
                return Err(DiscretiseError::TooManyStates { max: STATES_MAX });
            }
            firsts.push(count);
        }
        let crossing = Grid::crossed(&grids, space)?;
        Ok(Tiles { bins, tilings: grids, firsts, crossing })
    }

    /// The tilings, each a grid of its own.
    pub fn tilings(&self) -> &[Grid] {
        &self.tilings
    }

    /// How many tiles all tilings have together.
    pub fn count(&self) -> usize {
        self.firsts[self.tilings.len()]
    }

    /// The tiles of a point, one of each tiling in their order, as numbers below [`Tiles::count`].
    ///
    /// # Errors
    /// When the point is not in the space.
    pub fn tiles(&self, point: &[f64]) -> Result<Vec<usize>, DiscretiseError> {
        let tilings = self.tilings.iter().zip(&self.firsts);
        tilings.map(|(grid, first)| Ok(first + grid.state(point, 0)?)).collect()
    }

    /// All tilings in one: the grid in which two points share a cell when they share all tiles.
    pub fn crossing(&self) -> &Grid {
        &self.crossing
    }
}

/// What tiles are made of; they are made again when read.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    version: u32,
    space: ParameterSpace,
    tilings: usize,
    bins: usize,
}

/// The format that this version writes and reads.
const VERSION: u32 = 1;

impl From<Tiles> for Saved {
    fn from(tiles: Tiles) -> Saved {
        let space = tiles.crossing.space().clone();
        Saved { version: VERSION, space, tilings: tiles.tilings.len(), bins: tiles.bins }
    }
}

impl TryFrom<Saved> for Tiles {
    type Error = DiscretiseError;

    fn try_from(saved: Saved) -> Result<Tiles, DiscretiseError> {
        if saved.version != VERSION {
            return Err(DiscretiseError::Version { found: saved.version, known: VERSION });
        }
        Tiles::new(&saved.space, saved.tilings, saved.bins)
    }
}
