//! Points of a [`ParameterSpace`](orchestrator_core::ParameterSpace) as states that can be counted.
//!
//! A [`Grid`] cuts every parameter into cells: of one width ([`Grid::uniform`]), or of one number of samples
//! ([`Grid::quantile`]). What is counted already gets a cell for each value: true and false, labels, and whole numbers unless
//! there are more of them than bins. [`Tiles`] lay several such grids over each other, each a little shifted. A permutation has
//! no cells: it is refused.
//!
//! A point becomes a number ([`Grid::state`], for [`Training::dense`](crate::Training::dense)) or a key ([`Grid::key`], for
//! [`Training::hashed`](crate::Training::hashed)); the context is a part of both, so that states of different contexts share
//! nothing.
//!
//! Nothing here rounds or mends a point: what is not in the space is an error, not the nearest cell.
//!
//! ```
//! use orchestrator_core::{ParameterSpace, Seed};
//! use orchestrator_rl::{Grid, RlConfig, Training};
//!
//! let space = ParameterSpace::builder().real("x", 0.0, 1.0).boolean("fast").build()?;
//! let grid = Grid::uniform(&space, 10)?.with_contexts(3)?;
//! assert_eq!(grid.states()?, 3 * 10 * 2);
//! let state = grid.state(&[0.25, 1.0], 0)?;
//! assert_eq!(state, grid.state(&[0.29, 1.0], 0)?); // the same cell
//! assert_ne!(state, grid.state(&[0.25, 1.0], 2)?); // another context
//!
//! let mut training = Training::dense(RlConfig::default(), grid.states()?, 4, Seed(1))?;
//! training.learn(&state, 3, 1.0, None)?;
//! assert_eq!(training.table().best_known(&state), [3]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod axis;
mod error;
mod grid;
mod tiles;

use serde::{Deserialize, Serialize};

pub use error::DiscretiseError;
pub use grid::Grid;
pub use tiles::{TILINGS_MAX, Tiles};

/// The most cells of one parameter: their numbers are kept in 16 bits.
pub const BINS_MAX: usize = 1 << 16;

/// What the agent sees of a point: a key for hashed tables.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TuneState {
    /// The cell of each parameter, over the whole space.
    pub cells: Vec<u16>,
    /// Whatever else the state should tell apart: a class of input, a complexity bucket.
    pub context: u64,
}
