//! A full quadratic model, fitted to evaluated points by weighted least squares.
//!
//! f(t) ≈ c + g·t + ½ tᵀ H t. The normal equations would square the condition of the problem, so the rows are reduced by
//! Householder reflections (Golub and Van Loan, "Matrix computations", 5.3).

use nalgebra::{DMatrix, DVector, SymmetricEigen};

/// A diagonal entry of the triangle below this share of the largest is rounding, and its coefficient is left 0.
const RANK_TOLERANCE: f64 = 1e-13;
/// How often the multiplier of the trust region is halved: a double has no more bits.
const BISECTIONS: usize = 80;

/// How many coefficients a quadratic in so many variables has.
pub(super) fn coefficients(dimension: usize) -> usize {
    (dimension + 1) * (dimension + 2) / 2
}

/// The rows of a least squares problem, and room to solve it.
#[derive(Debug, Clone, Default)]
pub(super) struct Quadratic {
    dimension: usize,
    /// Column by column, as the reflections go; the last column is what is fitted.
    columns: Vec<f64>,
    rows: usize,
    solution: Vec<f64>,
}

/// What the model proposes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) step: Vec<f64>,
    pub(super) length: f64,
    /// By how much the model says it is better.
    pub(super) gain: f64,
}

impl Quadratic {
    /// Fits the model to points (with their weights and values), of which there are at least as many as coefficients.
    ///
    /// A coefficient that the points do not determine is 0.
    pub(super) fn fit<'a>(
        &mut self,
        dimension: usize,
        rows: usize,
        samples: impl Iterator<Item = (&'a [f64], f64, f64)>,
    ) {
        let width = coefficients(dimension) + 1;
        self.dimension = dimension;
        self.rows = rows;
        self.columns.clear();
        self.columns.resize(width * rows, 0.0);
        for (row, (point, weight, value)) in samples.take(rows).enumerate() {
            let root = weight.sqrt();
            let mut column = row;
            let mut put = |entry: f64| {
                self.columns[column] = root * entry;
                column += rows;
            };
            put(1.0);
            point.iter().for_each(|t| put(*t));
            for (at, a) in point.iter().enumerate() {
                put(0.5 * a * a);
                point[at + 1..].iter().for_each(|b| put(a * b));
            }
            put(value);
        }
        self.reduce(width);
        self.solve(width - 1);
    }

    /// Makes the columns a triangle.
    fn reduce(&mut self, width: usize) {
        let rows = self.rows;
        for at in 0..(width - 1).min(rows) {
            let (done, rest) = self.columns.split_at_mut((at + 1) * rows);
            let pivot = &mut done[at * rows + at..];
            let norm = pivot.iter().map(|v| v * v).sum::<f64>().sqrt();
            if norm == 0.0 {
                continue;
            }
            let diagonal = if pivot[0] > 0.0 { -norm } else { norm };
            pivot[0] -= diagonal;
            let half = -pivot[0] * diagonal;
            for column in rest.chunks_exact_mut(rows) {
                let column = &mut column[at..];
                let share = dot(pivot, column) / half;
                column.iter_mut().zip(&*pivot).for_each(|(v, p)| *v -= share * p);
            }
            pivot[0] = diagonal;
        }
    }

    /// Back substitution.
    fn solve(&mut self, count: usize) {
        let (rows, columns) = (self.rows, &self.columns);
        let diagonal = |at: usize| columns[at * rows + at].abs();
        let largest = (0..count.min(rows)).map(diagonal).fold(0.0, f64::max);
        self.solution.clear();
        self.solution.extend_from_slice(&columns[count * rows..count * rows + count.min(rows)]);
        self.solution.resize(count, 0.0);
        for at in (0..count.min(rows)).rev() {
            let value = if diagonal(at) <= RANK_TOLERANCE * largest {
                0.0
            } else {
                self.solution[at] / columns[at * rows + at]
            };
            self.solution[at] = value;
            for above in 0..at {
                self.solution[above] -= columns[at * rows + above] * value;
            }
        }
    }

    /// The least of the model in the ball of this radius, from its value at the origin (Moré and Sorensen, "Computing a trust
    /// region step", 1983, over the axes of H). None when the model has no such step.
    pub(super) fn least(&self, radius: f64) -> Option<Step> {
        let n = self.dimension;
        if self.solution.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let gradient = DVector::from_column_slice(&self.solution[1..=n]);
        let mut curvature = DMatrix::zeros(n, n);
        let mut next = n + 1;
        for row in 0..n {
            for column in row..n {
                curvature[(row, column)] = self.solution[next];
                curvature[(column, row)] = self.solution[next];
                next += 1;
            }
        }
        let eigen = SymmetricEigen::try_new(curvature.clone(), f64::EPSILON, 100 * n)?;
        let along = eigen.eigenvectors.tr_mul(&gradient);
        let lowest = eigen.eigenvalues.min();
        let at = |multiplier: f64| {
            along.zip_map(&eigen.eigenvalues, |g, h| {
                let h = h + multiplier;
                if h > 0.0 { -g / h } else { 0.0 }
            })
        };
        let mut step = at(0.0);
        if lowest <= 0.0 || step.norm() > radius {
            // The length falls as the multiplier grows; above `high` it is within the radius.
            let mut low = (-lowest).max(0.0);
            let mut high = low + along.norm() / radius;
            for _ in 0..BISECTIONS {
                let middle = 0.5 * (low + high);
                if at(middle).norm() > radius { low = middle } else { high = middle }
            }
            step = at(high);
        }
        let step = &eigen.eigenvectors * step;
        let gain = -gradient.dot(&step) - 0.5 * step.dot(&(&curvature * &step));
        let length = step.norm();
        (gain > 0.0 && gain.is_finite() && length > 0.0 && length.is_finite()).then(|| Step {
            step: step.as_slice().to_vec(),
            length,
            gain,
        })
    }
}

/// In four sums, so that the additions need not wait for one another.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (fours_a, rest_a) = a.as_chunks::<4>();
    let (fours_b, rest_b) = b.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (a, b) in fours_a.iter().zip(fours_b) {
        for at in 0..4 {
            sums[at] += a[at] * b[at];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use orchestrator_core::Seed;

    /// ½ Σ hᵢ (tᵢ - oᵢ)² with a mixed term.
    fn value(t: &[f64]) -> f64 {
        let d = [t[0] - 0.3, t[1] + 0.2, t[2] - 0.1];
        d[0] * d[0] + 50.0 * d[1] * d[1] + 1e4 * d[2] * d[2] + 5.0 * d[0] * d[1] - 7.0
    }

    fn fitted(f: impl Fn(&[f64]) -> f64) -> Quadratic {
        let mut stream = Seed(3).fast_stream();
        let points: Vec<[f64; 3]> =
            (0..15).map(|_| [0; 3].map(|_| stream.between(-1.0, 1.0))).collect();
        let mut model = Quadratic::default();
        model.fit(
            3,
            15,
            points.iter().enumerate().map(|(at, t)| (t.as_slice(), 1.0 + at as f64, f(t))),
        );
        model
    }

    #[test]
    fn a_quadratic_is_found_again_and_its_least_point() {
        let least = fitted(value).least(10.0).unwrap();
        for (found, wanted) in least.step.iter().zip([0.3, -0.2, 0.1]) {
            assert!((found - wanted).abs() < 1e-9, "{least:?}");
        }
        assert!((least.gain - (value(&[0.0; 3]) + 7.0)).abs() < 1e-9);
    }

    #[test]
    fn a_step_stays_in_its_ball_even_where_the_model_falls_for_ever() {
        for f in
            [value, |t: &[f64]| t[0] - t[1], |t: &[f64]| t[0] * t[0] - t[1] * t[1] + 0.1 * t[1]]
        {
            let least = fitted(f).least(0.1).unwrap();
            assert!(least.length <= 0.1 * (1.0 + 1e-9), "{least:?}");
            assert!(f(&least.step) < f(&[0.0; 3]));
        }
        assert_eq!(fitted(|_| 0.0).least(1.0), None);
    }
}
