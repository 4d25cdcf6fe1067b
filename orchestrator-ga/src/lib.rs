//! Reproducible genetic search with a validated parameter space.
//!
//! Give it a [`ParameterSpace`](orchestrator_core::ParameterSpace), a function to maximise and a seed. It answers with the best point it met, how it got there,
//! and the region around it that is worth refining. The same seed gives the same bytes, in whatever order the candidates of a
//! generation are evaluated, because every candidate draws from a stream of its own.
//!
//! The search is an ask/tell state ([`Ga`]): it hands out candidates and takes scores, calls no user code unless you want it to
//! ([`Ga::run`]), reads no clock, and can be saved between any two generations. A candidate that was not changed is never
//! evaluated twice. A fitness that fails or is not finite ranks last and is counted.
//!
//! ```
//! use orchestrator_core::{ParameterSpace, Seed};
//! use orchestrator_ga::{Ga, GaConfig, fitness_fn};
//!
//! let space = ParameterSpace::uniform(3, -5.0, 5.0)?;
//! let sphere = fitness_fn(|x: &[f64]| -x.iter().map(|v| v * v).sum::<f64>());
//!
//! let mut search = Ga::new(space, GaConfig::default(), Seed(7))?;
//! let found = search.run(&sphere)?;
//! assert!(found.final_fitness > -1.0);
//! assert!(found.final_fitness >= found.fitness_history[0]);
//! assert!(found.evaluations <= 20 * 31);
//! assert_eq!(found.region.len(), 3); // where a finer method should go on
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The documents' F(θ) is [`DocumentFitness`]; [`verify`] is their checklist with the measured numbers, [`diagnose`] their
//! troubleshooting. [`GaWorker`] is the adapter to orchestrator-core.

mod check;
mod config;
mod diagnosis;
mod document;
mod error;
mod fitness;
mod operators;
mod outcome;
mod population;
mod saved;
mod search;
mod worker;

/// Core's word for a line of a checklist, as [`verify`] gives them.
pub use orchestrator_core::Check;

pub use check::{DIVERSITY_MIN, verify};
pub use config::{
    DOCUMENT_GENERATIONS, GENERATIONS_MAX, GaConfig, IMPROVEMENT_MIN, POPULATION_MAX,
};
pub use diagnosis::{Finding, diagnose};
pub use document::{COMPLEXITY, DocumentFitness, FitnessTerms};
pub use error::GaError;
pub use fitness::{Evaluation, Fallible, FitnessError, FitnessFn, fallible, fitness_fn};
pub use outcome::{GaResult, REGION_SHARE_MIN, StopReason};
pub use search::{Candidate, Ga, Generation};
pub use worker::{GaOutput, GaRequest, GaWorker, StartPoint};
