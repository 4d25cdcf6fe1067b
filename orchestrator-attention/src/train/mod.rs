//! Learning the projections of a layer: exact gradients, and an optimiser that follows them.
//!
//! [`MultiHeadAttention::trace`](crate::MultiHeadAttention::trace) attends and remembers, [`Trace::backward`] turns the gradient of a
//! loss at the output into those of the projections and of the rows that came in, and [`Adam`] takes a step. Loss, data and when
//! to stop are the caller's; nothing here draws a number, so that the same rows give the same weights.
//!
//! ```
//! use orchestrator_attention::{Adam, AdamSettings, AttentionConfig, Mask, MultiHeadAttention, nalgebra::DMatrix};
//! use orchestrator_core::Seed;
//! let mut layer = MultiHeadAttention::seeded(AttentionConfig::default(), Seed(1))?;
//! let mut adam = Adam::of_layer(AdamSettings { learning_rate: 0.01, ..Default::default() }, &layer)?;
//! let rows = DMatrix::from_fn(6, 16, |row, column| ((7 * row + 3 * column) as f64).sin());
//! let target = DMatrix::from_fn(6, 16, |row, column| ((row + 2 * column) as f64).cos());
//!
//! let mut losses = Vec::new();
//! for _ in 0..100 {
//!     let trace = layer.trace(&rows, &rows, &rows, &Mask::None)?;
//!     let error = trace.output() - &target; // the gradient of ½·‖output − target‖²
//!     losses.push(0.5 * error.norm_squared());
//!     let gradients = trace.backward(&error)?;
//!     layer.update(&mut adam, &gradients.projections)?;
//! }
//! assert!(losses[99] < 0.5 * losses[0], "{losses:?}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adam;
mod gradients;

pub use adam::{Adam, AdamError, AdamSettings};
pub use gradients::{Gradients, Trace};
