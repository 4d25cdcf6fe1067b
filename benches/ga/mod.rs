//! How fast a generation is bred: ours, the peers, and the loops one would write by hand, with the same operators on the same tasks.
//!
//! The bench `ga` and the program `ga_quality` both measure with this.

mod dense;
mod genetic_algorithm;
mod genetic_algorithms;
mod moors;
mod ours;
mod radiate;
mod rounds;
mod table;
mod task;

pub use ours::{Shape, microseconds_a_generation};
pub use rounds::{Figures, rounds};
pub use table::{Comparison, comparisons, print};
pub use task::{Contender, ROUNDS, Role, Task, contenders};

/// How many candidates a generation has.
pub const POPULATION: usize = 100;
/// How many parameters a candidate has.
pub const DIMENSION: usize = 30;
/// The operators, the same for all as far as they have them.
pub(crate) const TOURNAMENT: usize = 3;
pub(crate) const CROSSOVER_RATE: f64 = 0.7;
pub(crate) const MUTATION_RATE: f64 = 0.15;
/// The deviation of a mutation, in the units of the task.
pub(crate) const MUTATION_STEP: f64 = 0.5;
