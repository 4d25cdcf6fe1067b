//! A quadratic model of the cost around a point, by weighted least squares over evaluated points.
//!
//! The coefficients of the quadratic part cost a little, so that with fewer points than coefficients the model takes the least
//! curvature that explains them (as Powell's NEWUOA does, 2006), and with more it smooths over what is no quadratic. The model
//! knows no axes: turned points give the same model, turned.

use super::dense::{cholesky, least_within, lower_solve, solve};

/// What a coefficient of the quadratic part costs beside an error of the size of the values.
const RIDGE: f64 = 1e-9;
/// The same of the constant and the linear part: enough that the equations always have one solution.
const RIDGE_LINEAR: f64 = 1e-12;

/// A fit and the memory it needs, which is reused.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    dimension: usize,
    /// The normal equations, and their factor once they are solved; row-major, the lower half.
    normal: Vec<f64>,
    /// Their right side, and the coefficients once they are solved.
    coefficients: Vec<f64>,
    weights: f64,
    terms: Vec<f64>,
    hessian: Vec<f64>,
    factor: Vec<f64>,
    step: Vec<f64>,
}

/// How many coefficients a quadratic has.
pub(super) fn coefficients(dimension: usize) -> usize {
    (dimension + 1) * (dimension + 2) / 2
}

impl Model {
    /// Forgets all points.
    pub(super) fn clear(&mut self, dimension: usize) {
        let size = coefficients(dimension);
        self.dimension = dimension;
        self.weights = 0.0;
        for (part, length) in [
            (&mut self.normal, size * size),
            (&mut self.coefficients, size),
            (&mut self.hessian, dimension * dimension),
            (&mut self.factor, dimension * dimension),
            (&mut self.step, dimension),
        ] {
            part.clear();
            part.resize(length, 0.0);
        }
    }

    /// Adds a point: its offset from the centre, in a unit in which offsets are about 1, and its cost, in a unit in which costs
    /// are.
    pub(super) fn add(&mut self, offset: &[f64], value: f64, weight: f64) {
        self.expand(offset);
        let size = self.terms.len();
        for (row, a) in self.terms.iter().enumerate() {
            let scaled = weight * a;
            let own = &mut self.normal[row * size..=row * size + row];
            own.iter_mut().zip(&self.terms).for_each(|(sum, b)| *sum += scaled * b);
            self.coefficients[row] += scaled * value;
        }
        self.weights += weight;
    }

    /// Fits. False when the points are no basis for a model.
    pub(super) fn fit(&mut self) -> bool {
        let (n, size) = (self.dimension, self.coefficients.len());
        for at in 0..size {
            let ridge = if at <= n { RIDGE_LINEAR } else { RIDGE };
            self.normal[at * size + at] += ridge * self.weights;
        }
        if !cholesky(&mut self.normal, size) {
            return false;
        }
        solve(&self.normal, size, &mut self.coefficients);
        let mut next = n + 1;
        for row in 0..n {
            for column in row..n {
                self.hessian[row * n + column] = self.coefficients[next];
                self.hessian[column * n + row] = self.coefficients[next];
                next += 1;
            }
        }
        self.coefficients.iter().all(|value| value.is_finite())
    }

    /// The step from the centre, at most `reach` long, after which the model is least, and by how much it is less there. Call it after a
    /// successful [`Model::fit`].
    pub(super) fn step(&mut self, reach: f64) -> Option<(&[f64], f64)> {
        let n = self.dimension;
        let gradient = &self.coefficients[1..=n];
        if !least_within(gradient, &self.hessian, reach, &mut self.factor, &mut self.step) {
            return None;
        }
        let step = &self.step;
        let curved = self.hessian.chunks_exact(n).zip(step);
        let half: f64 = curved.map(|(row, s)| 0.5 * s * dot(row, step)).sum();
        let promise = -(dot(gradient, step) + half);
        promise.is_finite().then_some((step, promise))
    }

    /// How little the points say about this offset: the variance of the model's value there, up to a factor. Call it after a
    /// successful [`Model::fit`].
    pub(super) fn leverage(&mut self, offset: &[f64]) -> f64 {
        self.expand(offset);
        let size = self.terms.len();
        lower_solve(&self.normal, size, &mut self.terms);
        dot(&self.terms, &self.terms)
    }

    /// Writes the terms of a quadratic at an offset: the constant, the linear ones, the upper half of the products.
    fn expand(&mut self, offset: &[f64]) {
        self.terms.clear();
        self.terms.push(1.0);
        self.terms.extend_from_slice(offset);
        for (at, a) in offset.iter().enumerate() {
            self.terms.push(0.5 * a * a);
            self.terms.extend(offset[at + 1..].iter().map(|b| a * b));
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::*;

    /// Least 0 at (0.2, -0.1, 0.3), with curvatures that are not along the axes.
    fn bowl(x: &[f64]) -> f64 {
        let z = [x[0] - 0.2, x[1] + 0.1, x[2] - 0.3];
        (z[0] + z[1]).powi(2) + 3.0 * (z[1] - z[2]).powi(2) + 0.5 * z[2].powi(2)
    }

    fn fitted(points: usize) -> Model {
        let mut stream = Seed(1).fast_stream();
        let mut model = Model::default();
        model.clear(3);
        for _ in 0..points {
            let point = [0; 3].map(|_| stream.between(-1.0, 1.0));
            model.add(&point, bowl(&point), 1.0);
        }
        assert!(model.fit());
        model
    }

    #[test]
    fn a_quadratic_is_found_again_from_twice_as_many_points_as_it_has_coefficients() {
        let mut model = fitted(2 * coefficients(3));
        let (step, promise) = model.step(1.0).unwrap();
        let error = step.iter().zip([0.2, -0.1, 0.3]).map(|(s, o)| (s - o).abs());
        assert!(error.fold(0.0, f64::max) < 1e-5, "{step:?}");
        assert!((promise - bowl(&[0.0; 3])).abs() < 1e-5, "{promise}");
    }

    #[test]
    fn a_step_is_no_longer_than_its_reach() {
        let mut model = fitted(2 * coefficients(3));
        let (step, promise) = model.step(0.1).unwrap();
        assert!((dot(step, step).sqrt() - 0.1).abs() < 1e-6 && promise > 0.0, "{step:?}");
    }

    #[test]
    fn fewer_points_than_coefficients_still_make_a_model() {
        let mut model = fitted(7);
        let (step, _) = model.step(0.5).unwrap();
        let step = step.to_vec();
        assert!(bowl(&step) < bowl(&[0.0; 3]), "{step:?}");
        // Where no point is, less is known.
        assert!(model.leverage(&[3.0, 3.0, -3.0]) > model.leverage(&[0.0; 3]));
    }
}
