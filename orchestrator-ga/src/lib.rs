//! Reproducible genetic search with a validated parameter space.
//!
//! Give it a [`ParameterSpace`](orchestrator_core::ParameterSpace), a function to maximise and a seed. It answers with the best point it met, how it got there,
//! and the region around it that is worth refining. The same seed gives the same bytes, in whatever order the candidates of a
//! generation are evaluated.
//!
//! ```
//! use orchestrator_core::{ParameterSpace, Seed};
//! use orchestrator_ga::{fitness_fn, maximize};
//!
//! let space = ParameterSpace::uniform(3, -5.0, 5.0)?;
//! let sphere = fitness_fn(|x| -x.iter().map(|v| v * v).sum::<f64>());
//! let found = maximize(space, 300, Seed(7), &sphere)?; // `minimize` takes a cost
//! assert!(found.final_fitness > -1e-6 && found.evaluations == 300);
//! assert_eq!(found.region.len(), 3); // where a finer method should go on
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which method
//!
//! | method | when |
//! |---|---|
//! | [`Auto`] | you do not want to choose: it picks and chains the others by the space, its dimension and the budget; behind [`maximize`] and [`minimize`] |
//! | [`Ga`] | the parameters are not all real, or you want to choose the operators ([`GaConfig`]; its default is the documents' preset) |
//! | [`Islands`] | the same in several populations with migration |
//! | [`De`] | mostly real parameters and a known budget; it adapts its settings by itself |
//! | [`CmaEs`] | real parameters only, at least about 50 evaluations each |
//! | [`Nsga2`], [`Nsga3`] | several objectives at once: see [`pareto`] |
//! | your own | an [`Optimizer`] |
//!
//! A [`Method`] is one of `Ga`, `De`, `CmaEs` and `Auto`, chosen at run time. A method proposes and learns; a [`Search`] drives it. A
//! search is an ask/tell state: it hands out candidates and takes scores, calls no user code unless you want it to ([`Search::run`]), reads no
//! clock, and can be saved between any two batches. A candidate that was not changed is never evaluated twice. A fitness that fails or is
//! not finite ranks last and is counted.
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
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What to maximise
//!
//! | you have | it is a fitness by | with several objectives |
//! |---|---|---|
//! | a closure over a point | itself ([`fitness_fn`] infers its argument) | itself, over a point and the values it fills in ([`objectives_fn`](pareto::objectives_fn)) |
//! | one that may fail, or has chance in it | [`fallible`] | [`fallible_objectives`](pareto::fallible_objectives) |
//! | a function over many points at once | [`batch_fn`] | [`ObjectivesFn::evaluate_batch`] |
//! | a type of your own | [`FitnessFn`], one required method | [`ObjectivesFn`], one required method |
//! | something to await | [`AsyncFitnessFn`], [`async_fitness_fn`] | [`ParetoSearch::ask`], then `tell` |
//! | a worker: a model that judges, a program that is measured | [`WorkerFitness`] | the same |
//!
//! [`constrained`] adds a constraint to a fitness, [`repaired`] a repair; objectives have methods for both. `parallel` and `parallel_objectives`
//! (feature `rayon`) and, for a fitness, [`on_spawner`] evaluate on several threads, with the same bytes as on one.
//!
//! # How to drive it
//!
//! [`Search::run`] to the end, [`Search::step`] by the batch, [`Search::run_async`] with so many evaluations in flight; `run_observed` and
//! `run_async_observed` tell you of every generation, and let you stop. [`ParetoSearch`] has the same, but for the asynchronous ones. [`Stop`] says
//! when it ends: a budget, a target, stagnation,
//! the host's time, anything feasible, in any combination that holds a bound. [`Search::set_stop`] goes on after the end; with a
//! method that does not plan by its budget (`De` and `Auto` do), a budget that is extended ends with the bytes of the larger one.
//! [`Search::start_from`] begins with what is known to be good. A saved search goes on as if nothing had happened; a damaged one is refused.
//!
//! The documents' F(θ) is [`DocumentFitness`]; [`verify`] is their checklist with the measured numbers, [`diagnose`] their
//! troubleshooting. [`GaWorker`] and [`AsyncGaWorker`] are the adapters to orchestrator-core.

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
pub mod pareto;
mod pending;
mod run;
mod run_async;
mod saved;
mod scratch;
mod search;
mod start;
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
pub use cma::{CMA_DIMENSION_MAX, CmaConfig, CmaEs, RESTARTS_MAX, Restarts, Surrogate};
pub use cost::{Cost, Costs};
pub use diagnosis::{Finding, diagnose};
pub use differential::{De, DeConfig};
pub use document::{COMPLEXITY, DocumentFitness, FitnessTerms};
pub use error::GaError;
pub use fitness::{FitnessError, FitnessFn};
pub use generation::{Generation, HISTORY_MAX, History};
pub use genetic::{
    Crossover, DOCUMENT_GENERATIONS, Duplicates, GENERATIONS_MAX, Ga, GaConfig, ISLANDS_MAX,
    Islands, Migration, Mutation, Niching, OrderCrossover, OrderMutation, POPULATION_MAX,
    RateControl, Replacement, Selection, Sizing, StepControl,
};
pub use method::{AnyOptimizer, Method, MethodName};
pub use optimizer::{Optimizer, Population};
pub use outcome::{REGION_SHARE_MIN, SearchResult};
#[cfg(feature = "rayon")]
pub use parallel::{Parallel, ParallelObjectives, parallel, parallel_objectives};
pub use pareto::{Nsga2, Nsga3, Objectives, ObjectivesFn, ParetoSearch};
pub use search::Search;
pub use stop::{EVALUATIONS_MAX, Stop, StopReason};
pub use worker::{AsyncGaWorker, GaOutput, GaRequest, GaWorker, StartPoint, WorkerFitness};
