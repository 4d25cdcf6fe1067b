//! The memory that attention works in.

use super::pack::{self, BLOCK};
use super::problem::Problem;
use super::tile::PANEL;
use crate::real::Real;

/// Queries of a head that are attended together, 256 bytes of them in each column: four vectors of 512 bits.
pub(super) const fn group<T>() -> usize {
    256 / size_of::<T>()
}

/// Memory that attention works in, kept from call to call so that later ones need not ask for any.
///
/// It grows to what the largest call needs: the keys and values of one head once more for every thread, and some 100 kB.
/// What is left in it from one call never changes the result of another.
///
/// ```
/// use orchestrator_attention::{Attended, ScaledDotProduct, Workspace, nalgebra::DMatrix};
/// let attention = ScaledDotProduct { heads: 4, ..Default::default() };
/// let rows = DMatrix::from_fn(16, 16, |row, column| ((row * 16 + column) as f32).sin());
/// let (mut workspace, mut attended) = (Workspace::new(), Attended::default());
/// for _ in 0..100 {
///     attention.attend_into(&rows, &rows, &rows, &mut workspace, &mut attended)?; // only the first one allocates
/// }
/// assert_eq!(attended, attention.attend(&rows, &rows, &rows)?);
/// # Ok::<(), orchestrator_attention::AttentionError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Workspace<T: Real = f64> {
    benches: Vec<Bench<T>>,
}

impl<T: Real> Workspace<T> {
    /// An empty one: the first call fills it.
    pub fn new() -> Self {
        Workspace { benches: Vec::new() }
    }

    /// How many bytes it holds.
    pub fn bytes(&self) -> usize {
        self.benches.iter().map(|bench| bench.memory.capacity() * size_of::<T>()).sum()
    }

    /// One bench for each thread.
    pub(super) fn benches(&mut self, threads: usize) -> &mut [Bench<T>] {
        if self.benches.len() < threads {
            self.benches.resize_with(threads, Bench::default);
        }
        &mut self.benches[..threads]
    }
}

/// What one thread works in.
#[derive(Debug, Clone, Default)]
pub(super) struct Bench<T> {
    memory: Vec<T>,
}

/// The parts of a bench.
pub(super) struct Parts<'a, T> {
    /// The keys of a head ([`pack::keys`]).
    pub keys: &'a mut [T],
    /// The values of a head ([`pack::values`]).
    pub values: &'a mut [T],
    /// A group of queries ([`pack::queries`]).
    pub queries: &'a mut [T],
    /// Logits of a block, then weights: key after key, in each `lanes` places.
    pub logits: &'a mut [T],
    /// Sums of weighted values: column after column, in each `lanes` places.
    pub mixed: &'a mut [T],
    /// What is known of every query of the group, [`FACTS`] times `lanes` places.
    pub facts: &'a mut [T],
}

/// Largest logit, sum, and what the statistics need: ties, rest and spread.
pub(super) const FACTS: usize = 5;

impl<T: Real> Bench<T> {
    /// The parts, large enough for the problem; what is in them is left from before.
    pub(super) fn parts(&mut self, problem: &Problem<'_, T>) -> Parts<'_, T> {
        let lanes = lanes::<T>(problem.queries);
        let sizes = [
            pack::keys_len(problem.keys, problem.width),
            pack::values_len(problem.keys, problem.value_width),
            problem.width * lanes,
            BLOCK.min(problem.keys) * lanes,
            problem.value_width.next_multiple_of(PANEL) * lanes,
            FACTS * lanes,
        ]
        .map(|size| size.next_multiple_of(line::<T>()));
        let wanted = sizes.iter().sum::<usize>() + line::<T>();
        if self.memory.len() < wanted {
            // A new vector: the old content is not worth a copy.
            self.memory = Vec::new();
            self.memory = vec![T::zero(); wanted];
        }
        // A vector that straddles two cache lines costs twice.
        let start = self.memory.as_ptr().align_offset(64).min(line::<T>());
        let mut rest = &mut self.memory[start..];
        let [keys, values, queries, logits, mixed, facts] = sizes.map(|size| {
            let (part, after) = std::mem::take(&mut rest).split_at_mut(size);
            rest = after;
            part
        });
        Parts { keys, values, queries, logits, mixed, facts }
    }
}

/// How many places a column of a group has for so many queries in all: whole vectors of every width, and a power of two.
pub(super) fn lanes<T>(queries: usize) -> usize {
    queries.next_power_of_two().clamp(line::<T>(), group::<T>())
}

/// Numbers in a cache line, which is also the longest vector.
const fn line<T>() -> usize {
    64 / size_of::<T>()
}
