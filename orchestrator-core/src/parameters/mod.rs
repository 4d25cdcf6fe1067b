//! The vocabulary of the optimisers: named parameters with their domains, and the documents' θ.
//!
//! A [`ParameterSpace`] is what a search moves in. Its parameters are real, whole, true or false, one of some labels, or an order
//! of some things; a candidate is a plain `[f64]` of coordinates for all of them, so that a method that knows only numbers can work
//! on any space. [`ParameterSpace::read`] gives a candidate back in its own terms. [`Parameters`] is the θ of the generation
//! pipeline: a weight for each feature, a bias for each layer, one temperature.
//!
//! Nothing here rounds or repairs unasked: [`ParameterSpace::check`] names the first fault, [`ParameterSpace::clamp`] mends all.
//!
//! ```
//! use orchestrator_core::{ParameterSpace, Seed};
//! let space = ParameterSpace::builder()
//!     .real("learning_rate", 1e-4, 1e-1)
//!     .integer("layers", 1, 10)
//!     .boolean("bias")
//!     .categorical("activation", ["relu", "tanh"])
//!     .permutation("route", 5)
//!     .build()?;
//! assert_eq!(space.len(), 9); // one coordinate each, five for the order
//! assert_eq!(space.names()[4], "route.0");
//!
//! let mut point = [0.01, 2.7, 1.0, 1.0, 0.3, 0.1, 0.9, 0.2, 0.4];
//! space.clamp(&mut point);
//! let reading = space.read(&point);
//! assert_eq!(reading.integer("layers")?, 3);
//! assert_eq!(reading.category("activation")?, "tanh");
//! assert_eq!(reading.order("route")?, [2, 0, 4, 1, 3]);
//! # Ok::<(), orchestrator_core::ParameterError>(())
//! ```

mod bounds;
mod builder;
mod domain;
mod error;
mod permutation;
mod reading;
mod sampling;
mod space;
mod theta;

pub use bounds::Bounds;
pub use builder::SpaceBuilder;
pub use domain::{Domain, INTEGER_MAX, PERMUTATION_MAX};
pub use error::ParameterError;
pub use reading::Reading;
pub use space::{Parameter, ParameterSpace};
pub use theta::{BIAS_BOUNDS, Parameters, TEMPERATURE_BOUNDS, WEIGHT_BOUNDS};
