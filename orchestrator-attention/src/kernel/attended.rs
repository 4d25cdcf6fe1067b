//! What attention gives back.

use nalgebra::DMatrix;

use super::problem::Problem;
use crate::real::Real;

/// How much attention gives back beside its output; each also gives what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Returns {
    /// The output alone.
    #[default]
    Output,
    /// Entropy and log-sum-exp of every query and head: queries × heads numbers, without another pass over the keys.
    Statistics,
    /// The weights: for each head queries × keys numbers, which nothing else needs at once.
    Weights,
}

/// What attention gives back. A query that sees no key gets weights 0, output 0 (before any output projection), entropy 0 and
/// log-sum-exp −∞.
#[derive(Debug, Clone, PartialEq)]
pub struct Attended<T: Real = f64> {
    /// A row for each query.
    pub output: DMatrix<T>,
    /// Present when [`Returns::Statistics`] or more was asked for.
    pub statistics: Option<Statistics<T>>,
    /// For each head a matrix of queries × keys; present when [`Returns::Weights`] was asked for.
    pub weights: Option<Vec<DMatrix<T>>>,
}

/// How a query spread its attention.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics<T: Real = f64> {
    /// Entropy of the weights in nats, queries × heads.
    pub entropy: DMatrix<T>,
    /// ln Σ exp(logit), queries × heads.
    pub log_sum_exp: DMatrix<T>,
    /// How many keys each query sees, in every head the same.
    pub visible: Vec<usize>,
}

impl<T: Real> Attended<T> {
    /// The weights averaged over the heads, queries × keys: rows that see a key still sum to 1. `None` when they were not asked for.
    pub fn mean_weights(&self) -> Option<DMatrix<T>> {
        let weights = self.weights.as_ref()?;
        let (first, others) = weights.split_first()?;
        let sum = others.iter().fold(first.clone(), |sum, weights| sum + weights);
        Some(sum / T::of(weights.len() as f64))
    }
}

impl<T: Real> Default for Attended<T> {
    /// An empty one, to be filled.
    fn default() -> Self {
        Attended { output: DMatrix::zeros(0, 0), statistics: None, weights: None }
    }
}

impl<T: Real> Attended<T> {
    /// Brings everything into the shapes of the problem. What stands there afterwards is left from before.
    pub(super) fn shape(&mut self, problem: &Problem<'_, T>) {
        let Problem { queries, keys, heads, value_width, .. } = *problem;
        shape(&mut self.output, queries, heads * value_width);
        if problem.statistics {
            let statistics = self.statistics.get_or_insert_with(|| Statistics {
                entropy: DMatrix::zeros(0, 0),
                log_sum_exp: DMatrix::zeros(0, 0),
                visible: Vec::new(),
            });
            shape(&mut statistics.entropy, queries, heads);
            shape(&mut statistics.log_sum_exp, queries, heads);
            problem.mask.count_visible(queries, keys, &mut statistics.visible);
        } else {
            self.statistics = None;
        }
        if problem.weights {
            let weights = self.weights.get_or_insert_default();
            weights.resize_with(heads, || DMatrix::zeros(0, 0));
            for weights in weights {
                shape(weights, queries, keys);
            }
        } else {
            self.weights = None;
        }
    }
}

fn shape<T: Real>(matrix: &mut DMatrix<T>, rows: usize, columns: usize) {
    if matrix.shape() != (rows, columns) {
        *matrix = DMatrix::zeros(rows, columns);
    }
}

impl<T: Real> Statistics<T> {
    /// The entropy averaged over the queries that have a choice (two keys or more) and all heads, as a share of the greatest
    /// possible (ln of the keys they see). `None` when no query has a choice.
    pub fn mean_relative_entropy(&self) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0_usize);
        for (query, &visible) in self.visible.iter().enumerate() {
            if visible >= 2 {
                for &entropy in &self.entropy.row(query) {
                    sum += entropy.double() / (visible as f64).ln();
                    count += 1;
                }
            }
        }
        (count > 0).then(|| sum / count as f64)
    }
}
