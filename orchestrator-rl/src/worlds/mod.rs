//! Worlds of the literature, as tables with a known optimum: to compare learners on, and to begin with.
//!
//! ```
//! let cliff = orchestrator_rl::worlds::cliff_walking();
//! assert_eq!(cliff.solve(1.0)?.start_value, -13.0);
//! # Ok::<(), orchestrator_rl::mdp::MdpError>(())
//! ```

mod bias;
mod cliff;
mod grid;
mod lake;
mod taxi;
mod windy;

pub use bias::MaximisationBias;
pub use cliff::cliff_walking;
pub use lake::{Ice, LAKE_4X4, LAKE_8X8, frozen_lake};
pub use taxi::taxi;
pub use windy::{Wind, windy_gridworld};
