//! The normal distribution that a run samples from, and how it learns.
//!
//! The update is that of Hansen's tutorial, appendix A. Steps are kept as y = (x - m) / σ in inner coordinates. The covariance
//! is decomposed now and then only; until then its last decomposition serves.

use nalgebra::{DMatrix, SymmetricEigen};
use orchestrator_core::FastStream;
use serde::{Deserialize, Serialize};

use super::strategy::Strategy;
use crate::batch::Batch;

/// How many sweeps the decomposition may take for each row. It needs two or three; more is a matrix that is none.
const SWEEPS_PER_ROW_MAX: usize = 100;

/// N(m, σ² C), with the steps it was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Distribution {
    pub(super) mean: Vec<f64>,
    pub(super) sigma: f64,
    /// C: the rows of its lower triangle, one after the other.
    pub(super) covariance: Vec<f64>,
    /// B, row by row: its columns are the axes of C when it was last decomposed.
    pub(super) axes: Vec<f64>,
    /// D: the roots of the eigenvalues, in the order of the axes.
    pub(super) scales: Vec<f64>,
    pub(super) path_sigma: Vec<f64>,
    pub(super) path_c: Vec<f64>,
    /// How often it has learnt.
    pub(super) generation: u64,
    /// The generation of the last decomposition.
    pub(super) decomposed: u64,
    /// The steps that wait for costs, B D z.
    pub(super) steps: Batch,
    /// |z|² of each.
    pub(super) lengths: Vec<f64>,
}

/// Working memory, no part of the state.
#[derive(Debug, Clone, Default)]
pub(super) struct Scratch {
    shift: Vec<f64>,
    rotated: Vec<f64>,
    white: Vec<f64>,
}

impl Distribution {
    /// A ball around the mean.
    pub(super) fn ball(mean: Vec<f64>, sigma: f64) -> Distribution {
        let n = mean.len();
        let mut covariance = vec![0.0; n * (n + 1) / 2];
        let mut axes = vec![0.0; n * n];
        for at in 0..n {
            covariance[row_start(at) + at] = 1.0;
            axes[at * n + at] = 1.0;
        }
        Distribution {
            sigma,
            covariance,
            axes,
            scales: vec![1.0; n],
            path_sigma: vec![0.0; n],
            path_c: vec![0.0; n],
            generation: 0,
            decomposed: 0,
            steps: Batch::new(n),
            lengths: Vec::new(),
            mean,
        }
    }

    pub(super) fn dimension(&self) -> usize {
        self.mean.len()
    }

    /// Draws so many new steps.
    pub(super) fn sample(&mut self, count: usize, stream: &mut FastStream, scratch: &mut Scratch) {
        let n = self.dimension();
        self.steps.clear();
        self.lengths.clear();
        for _ in 0..if n == 0 { 0 } else { count } {
            let mut length = 0.0;
            scratch.rotated.clear();
            scratch.rotated.extend(self.scales.iter().map(|scale| {
                let z = stream.normal();
                length += z * z;
                scale * z
            }));
            let step = self.steps.push(&self.mean);
            for (value, row) in step.iter_mut().zip(self.axes.chunks_exact(n)) {
                *value = dot(row, &scratch.rotated);
            }
            self.lengths.push(length);
        }
    }

    /// Where a step leads.
    pub(super) fn place(&self, step: usize, inner: &mut Vec<f64>) {
        inner.clear();
        let values = self.mean.iter().zip(self.steps.point(step));
        inner.extend(values.map(|(mean, y)| mean + self.sigma * y));
    }

    /// Puts the step to this place instead of the one that was drawn, shortened to a length that a drawn one may have (Hansen,
    /// "Injecting external solutions into CMA-ES", 2011).
    pub(super) fn replace(&mut self, step: usize, inner: &[f64], scratch: &mut Scratch) {
        let n = self.dimension() as f64;
        let values = self.steps.point_mut(step).iter_mut().zip(inner.iter().zip(&self.mean));
        values.for_each(|(y, (inner, mean))| *y = (inner - mean) / self.sigma);
        let z = self.rotate_back(self.steps.point(step), scratch);
        let length: f64 = z.iter().map(|z| z * z).sum();
        let longest = n.sqrt() + 2.0 * n / (n + 2.0);
        let share = (longest / length.sqrt()).min(1.0);
        self.steps.point_mut(step).iter_mut().for_each(|y| *y *= share);
        self.lengths[step] = length * share * share;
    }

    /// Learns from the steps, given from best to worst. False when the numbers ran out of range, and the run is over.
    #[must_use]
    pub(super) fn learn(
        &mut self,
        strategy: &Strategy,
        ranking: &[usize],
        scratch: &mut Scratch,
    ) -> bool {
        let s = strategy;
        let n = self.dimension() as f64;
        self.generation = self.generation.saturating_add(1);
        self.shift(s, ranking, &mut scratch.shift);
        for (mean, shift) in self.mean.iter_mut().zip(&scratch.shift) {
            *mean += self.sigma * shift;
        }
        self.rotate_into(&scratch.shift, &mut scratch.rotated);
        scratch.white.clear();
        let rows = self.axes.chunks_exact(self.scales.len());
        scratch.white.extend(rows.map(|row| dot(row, &scratch.rotated)));

        let gain = (s.c_sigma * (2.0 - s.c_sigma) * s.mu_eff).sqrt();
        for (path, white) in self.path_sigma.iter_mut().zip(&scratch.white) {
            *path = (1.0 - s.c_sigma) * *path + gain * white;
        }
        let length = dot(&self.path_sigma, &self.path_sigma).sqrt();
        let begun = 1.0 - (1.0 - s.c_sigma).powf(2.0 * self.generation as f64);
        // h_σ: a long path means that σ is far too small, and then C learns from the path what σ ought to.
        let stalled = length / begun.sqrt() >= (1.4 + 2.0 / (n + 1.0)) * s.chi;
        let gain = if stalled { 0.0 } else { (s.c_c * (2.0 - s.c_c) * s.mu_eff).sqrt() };
        for (path, shift) in self.path_c.iter_mut().zip(&scratch.shift) {
            *path = (1.0 - s.c_c) * *path + gain * shift;
        }
        self.learn_covariance(s, ranking, stalled);
        self.sigma *= ((s.c_sigma / s.d_sigma) * (length / s.chi - 1.0)).min(1.0).exp();
        let due = self.generation - self.decomposed >= s.decompose_every;
        self.is_finite() && (!due || self.decompose())
    }

    /// Σ wᵢ yᵢ over the better half.
    fn shift(&self, strategy: &Strategy, ranking: &[usize], shift: &mut Vec<f64>) {
        shift.clear();
        shift.resize(self.dimension(), 0.0);
        for (&weight, &at) in strategy.weights[..strategy.mu].iter().zip(ranking) {
            for (sum, y) in shift.iter_mut().zip(self.steps.point(at)) {
                *sum += weight * y;
            }
        }
    }

    fn learn_covariance(&mut self, s: &Strategy, ranking: &[usize], stalled: bool) {
        let n = self.dimension() as f64;
        let weights: f64 = s.weights.iter().sum();
        let missing = if stalled { s.c_1 * s.c_c * (2.0 - s.c_c) } else { 0.0 };
        let keep = 1.0 + missing - s.c_1 - s.c_mu * weights;
        self.covariance.iter_mut().for_each(|value| *value *= keep);
        add_square(&mut self.covariance, s.c_1, &self.path_c);
        for (&weight, &at) in s.weights.iter().zip(ranking) {
            let share =
                if weight < 0.0 { n / self.lengths[at].max(f64::MIN_POSITIVE) } else { 1.0 };
            add_square(&mut self.covariance, s.c_mu * weight * share, self.steps.point(at));
        }
    }

    /// z of a step: D⁻¹ Bᵀ y.
    pub(super) fn rotate_back<'a>(&self, step: &[f64], scratch: &'a mut Scratch) -> &'a [f64] {
        self.rotate_into(step, &mut scratch.rotated);
        &scratch.rotated
    }

    fn rotate_into(&self, step: &[f64], rotated: &mut Vec<f64>) {
        rotated.clear();
        rotated.resize(step.len(), 0.0);
        for (row, y) in self.axes.chunks_exact(step.len()).zip(step) {
            for (sum, axis) in rotated.iter_mut().zip(row) {
                *sum += axis * y;
            }
        }
        rotated.iter_mut().zip(&self.scales).for_each(|(z, scale)| *z /= scale);
    }

    /// Takes the axes and scales of C. False when it has none: rounding has made it lose its positive eigenvalues.
    fn decompose(&mut self) -> bool {
        let n = self.dimension();
        let matrix = DMatrix::from_fn(n, n, |row, column| {
            self.covariance[row_start(row.max(column)) + row.min(column)]
        });
        let sweeps_max = SWEEPS_PER_ROW_MAX * n;
        let Some(found) = SymmetricEigen::try_new(matrix, f64::EPSILON, sweeps_max) else {
            return false;
        };
        if found.eigenvalues.iter().any(|&value| !(value > 0.0 && value.is_finite())) {
            return false;
        }
        for (scale, value) in self.scales.iter_mut().zip(&found.eigenvalues) {
            *scale = value.sqrt();
        }
        for (at, row) in self.axes.chunks_exact_mut(n).enumerate() {
            for (value, axis) in row.iter_mut().zip(found.eigenvectors.row(at).iter()) {
                *value = *axis;
            }
        }
        self.decomposed = self.generation;
        true
    }

    pub(super) fn is_finite(&self) -> bool {
        self.sigma.is_finite()
            && self.sigma > 0.0
            && self.mean.iter().chain(&self.covariance).all(|value| value.is_finite())
            && self.path_c.iter().chain(&self.path_sigma).all(|value| value.is_finite())
    }

    /// C of a coordinate with itself.
    pub(super) fn variance(&self, at: usize) -> f64 {
        self.covariance[row_start(at) + at]
    }
}

/// Where a row of a lower triangle starts.
fn row_start(row: usize) -> usize {
    row * (row + 1) / 2
}

/// Adds `weight` · v vᵀ to a lower triangle.
fn add_square(triangle: &mut [f64], weight: f64, vector: &[f64]) {
    let mut start = 0;
    for (at, value) in vector.iter().enumerate() {
        let factor = weight * value;
        for (entry, other) in triangle[start..=start + at].iter_mut().zip(vector) {
            *entry += factor * other;
        }
        start += at + 1;
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
