//! Several objectives at once: the trade-offs between them instead of one best point.
//!
//! An [`ObjectivesFn`] gives every candidate several values, [`Objectives`] names them and says which are minimised, and a
//! [`ParetoSearch`] drives a method: [`Nsga2`] for two or three objectives, [`Nsga3`] for more. What comes out is a front: points of
//! which none is better than another in everything. [`hypervolume`], [`igd`] and [`igd_plus`] say how good a front is.
//!
//! Everything inside is minimised, and so is what the free functions of this module take; only [`ParetoSearch`] and what it gives
//! speak in the directions of the user.
//!
//! ```
//! use orchestrator_core::{ParameterSpace, Seed};
//! use orchestrator_ga::Stop;
//! use orchestrator_ga::pareto::{Direction, Nsga2, Nsga2Config, Objectives, ParetoSearch};
//!
//! // Near 0 and near 2 at once (Schaffer's function).
//! let space = ParameterSpace::uniform(1, -10.0, 10.0)?;
//! let objectives = Objectives::new([("to 0", Direction::Minimize), ("near 2", Direction::Maximize)])?;
//! let method = Nsga2::new(space, objectives.len(), Nsga2Config::default(), Seed(7))?;
//! let mut search = ParetoSearch::with_reference(method, objectives, &[4.4, -4.4], Stop::Evaluations(2_000))?;
//! let found = search.run(&|x: &[f64], values: &mut [f64]| {
//!     values[0] = x[0] * x[0];
//!     values[1] = -(x[0] - 2.0).powi(2);
//! })?;
//! assert!(found.front.len() > 90);
//! assert!(found.front.iter().all(|trade_off| (-0.1..=2.1).contains(&trade_off.point[0])));
//! assert!(found.hypervolume > Some(0.9 * 16.69));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod advance;
mod breed;
mod crowding;
mod directions;
mod distance;
mod dominance;
mod fronts;
mod hypervolume;
mod niches;
mod nsga2;
mod nsga3;
mod objectives;
mod outcome;
mod pool;
mod saved;
mod search;
mod vary;

pub use crowding::Crowding;
pub use directions::{DIRECTIONS_MAX, Directions, DirectionsError};
pub use distance::{igd, igd_plus};
pub use dominance::dominates;
pub use fronts::Fronts;
pub use hypervolume::{HYPERVOLUME_OBJECTIVES_MAX, Hypervolume, IndicatorError, hypervolume};
pub use nsga2::{Nsga2, Nsga2Config};
pub use nsga3::{Nsga3, Nsga3Config};
pub use objectives::{
    Direction, FallibleObjectives, OBJECTIVES_MAX, Objective, Objectives, ObjectivesError,
    ObjectivesFn, ParetoScore, fallible_objectives, objectives_fn,
};
pub use outcome::{ParetoGeneration, ParetoResult, TradeOff};
pub use search::ParetoSearch;
pub use vary::{ETA_MAX, Variation};
