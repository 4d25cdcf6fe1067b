//! How well a script does its job, measured: it runs on a sample of the user's data, in the sandbox, and what it leaves is counted.
//!
//! Four pieces, each of use by itself:
//! - [`Sampling`] parts the user's data into rows to tune on, rows to decide by, and rows to judge by;
//! - [`Measurer`] runs a script on such a part and gives a [`Measurement`], which [`FitnessWeights`] turn into a score;
//! - [`MeasuredFitness`] does both for parameters θ: which script do they make, and what does it score;
//! - [`MeasuredFitness::judge`] lets what a search found stand only where it is better than the defaults on rows that it was not
//!   tuned on, and measures both on others still.
//!
//! A measurement is the same at every run, but for the run time, whose weight is 0 unless the user gives it one.
//!
//! ```
//! use orchestrator_codegen::{FitnessWeights, Measurement};
//! let clean = Measurement { succeeded: true, rows_in: 10, rows_out: 10, cells: 20, columns: 2, typed_columns: 1, ..Measurement::default() };
//! let holes = Measurement { nulls_left: 10, ..clean.clone() };
//! let lost = Measurement { succeeded: false, ..clean.clone() };
//! let weights = FitnessWeights::default();
//! assert!(weights.score(&clean)? > weights.score(&holes)?);
//! assert_eq!(weights.score(&lost)?, 0.0);
//! # Ok::<(), orchestrator_codegen::FitnessWeightsError>(())
//! ```

mod judge;
mod measure;
mod sample;
mod score;
mod search;

pub use judge::{KEPT_MARGIN, Kept, MeasuredScore, MeasuredSearch};
pub use measure::{CACHE_MAX, MeasureError, Measurer, ScriptData};
pub use sample::{DataParts, Sampling, SamplingError};
pub use score::{FitnessWeights, FitnessWeightsError, Measurement};
pub use search::{MeasuredFitness, MeasuredFitnessError};
