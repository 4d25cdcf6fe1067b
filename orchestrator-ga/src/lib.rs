//! Reproducible genetic search with a validated parameter space.
//!
//! Give it a [`ParameterSpace`](orchestrator_core::ParameterSpace), a function to maximise and a seed. It answers with the best point it met, how it got there,
//! and the region around it that is worth refining. The same seed gives the same bytes, in whatever order the candidates of a
//! generation are evaluated.
//!
//! A method ([`Optimizer`]: [`Ga`], …) proposes and learns; a [`Search`] drives it. A search is an ask/tell state: it hands out
//! candidates and takes scores, calls no user code unless you want it to ([`Search::run`]), reads no clock, and can be saved between
//! any two batches. A candidate that was not changed is never evaluated twice. A fitness that fails or is not finite ranks last and is counted.
//!
//! ```
//! use orchestrator_core::{ParameterSpace, Seed};
//! use orchestrator_ga::{Ga, GaConfig, fitness_fn};
//!
//! let space = ParameterSpace::uniform(3, -5.0, 5.0)?;
//! let sphere = fitness_fn(|x: &[f64]| -x.iter().map(|v| v * v).sum::<f64>());
//!
//! let mut search = Ga::search(space, GaConfig::default(), Seed(7))?;
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

mod adapters;
mod advance;
mod async_fitness;
mod auto;
mod batch;
mod candidates;
mod check;
mod cma;
mod cost;
mod diagnosis;
mod differential;
mod document;
mod error;
mod fitness;
mod generation;
mod genetic;
mod method;
mod optimizer;
mod outcome;
#[cfg(feature = "rayon")]
mod parallel;
mod run;
mod run_async;
mod saved;
mod search;
mod stop;
mod worker;

/// Core's word for a line of a checklist, as [`verify`] gives them.
pub use orchestrator_core::Check;

pub use adapters::{
    BatchFn, Constrained, Fallible, Repaired, batch_fn, constrained, fallible, fitness_fn, repaired,
};
pub use advance::{EMPTY_GENERATIONS_MAX, IMPROVEMENT_MIN};
pub use async_fitness::{AsyncFitness, AsyncFitnessFn, OnSpawner, async_fitness_fn, on_spawner};
pub use auto::{Auto, maximize, minimize};
pub use batch::Batch;
pub use candidates::{Candidate, Candidates, Evaluation, Score, Scores};
pub use check::{DIVERSITY_MIN, verify};
pub use cma::{CMA_DIMENSION_MAX, CmaConfig, CmaEs, RESTARTS_MAX, Restarts};
pub use cost::{Cost, Costs};
pub use diagnosis::{Finding, diagnose};
pub use differential::{De, DeConfig};
pub use document::{COMPLEXITY, DocumentFitness, FitnessTerms};
pub use error::GaError;
pub use fitness::{FitnessError, FitnessFn};
pub use generation::{Generation, HISTORY_MAX, History};
pub use genetic::{DOCUMENT_GENERATIONS, GENERATIONS_MAX, Ga, GaConfig, POPULATION_MAX};
pub use method::{AnyOptimizer, Method, MethodName};
pub use optimizer::{Optimizer, Population};
pub use outcome::{REGION_SHARE_MIN, SearchResult};
#[cfg(feature = "rayon")]
pub use parallel::{Parallel, parallel};
pub use search::Search;
pub use stop::{EVALUATIONS_MAX, Stop, StopReason};
pub use worker::{AsyncGaWorker, GaOutput, GaRequest, GaWorker, StartPoint, WorkerFitness};
