//! The six functions of the comparison, with their shifts, bounds and rotations; all are minimised, and 0 is the least value.
//!
//! The optimum lies off the middle and off the diagonal: its coordinate `i` is `L + (U - L) (0.2 + 0.6 frac(0.618… (i + 1)))`.
//! A rotated problem is the same function of `R (x - o)`, `R` being drawn uniformly from the orthogonal matrices (Stewart, "The
//! efficient generation of random orthogonal matrices", 1980).

use std::f64::consts::{E, TAU};

use orchestrator_ai::core::{ParameterSpace, Seed};
use serde::Serialize;

/// One of the six functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Function {
    Ackley,
    Rastrigin,
    Rosenbrock,
    Sphere,
    Griewank,
    Ellipsoid,
}

/// All six; the first four are those of the table that was measured elsewhere.
pub(crate) const FUNCTIONS: [Function; 6] = [
    Function::Ackley,
    Function::Rastrigin,
    Function::Rosenbrock,
    Function::Sphere,
    Function::Griewank,
    Function::Ellipsoid,
];

impl Function {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Function::Ackley => "ackley",
            Function::Rastrigin => "rastrigin",
            Function::Rosenbrock => "rosenbrock",
            Function::Sphere => "sphere",
            Function::Griewank => "griewank",
            Function::Ellipsoid => "ellipsoid",
        }
    }

    fn bounds(self) -> (f64, f64) {
        match self {
            Function::Ackley => (-32.768, 32.768),
            Function::Rastrigin | Function::Sphere => (-5.12, 5.12),
            Function::Rosenbrock => (-5.0, 10.0),
            Function::Griewank => (-600.0, 600.0),
            Function::Ellipsoid => (-5.0, 5.0),
        }
    }

    /// The value at a point whose optimum is the origin.
    fn value(self, z: &[f64]) -> f64 {
        let n = z.len() as f64;
        let squares = || z.iter().map(|z| z * z).sum::<f64>();
        match self {
            Function::Sphere => squares(),
            Function::Ellipsoid => {
                let last = (n - 1.0).max(1.0);
                let weight = |at: usize| 10_f64.powf(6.0 * at as f64 / last);
                z.iter().enumerate().map(|(at, z)| weight(at) * z * z).sum()
            }
            Function::Rastrigin => {
                10.0 * n + z.iter().map(|z| z * z - 10.0 * (TAU * z).cos()).sum::<f64>()
            }
            Function::Ackley => {
                let waves = z.iter().map(|z| (TAU * z).cos()).sum::<f64>() / n;
                -20.0 * (-0.2 * (squares() / n).sqrt()).exp() - waves.exp() + 20.0 + E
            }
            Function::Griewank => {
                let waves =
                    z.iter().enumerate().map(|(at, z)| (z / (at as f64 + 1.0).sqrt()).cos());
                squares() / 4000.0 - waves.product::<f64>() + 1.0
            }
            Function::Rosenbrock => z
                .windows(2)
                .map(|pair| {
                    let (x, next) = (pair[0] + 1.0, pair[1] + 1.0);
                    100.0 * (next - x * x).powi(2) + (1.0 - x).powi(2)
                })
                .sum(),
        }
    }
}

/// A function with its shift, and maybe a rotation.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Problem {
    pub(crate) function: Function,
    lower: f64,
    upper: f64,
    /// Where the optimum is.
    shift: Vec<f64>,
    /// Row-major, when there is one.
    rotation: Option<Vec<f64>>,
}

impl Problem {
    /// The function in so many dimensions, shifted.
    pub(crate) fn shifted(function: Function, dimension: usize) -> Problem {
        const GOLDEN: f64 = 0.618_033_988_749_894_9;
        let (lower, upper) = function.bounds();
        let shift = (1..=dimension)
            .map(|at| lower + (upper - lower) * (0.2 + 0.6 * (GOLDEN * at as f64).fract()))
            .collect();
        Problem { function, lower, upper, shift, rotation: None }
    }

    /// The same for every run.
    pub(crate) fn shifted_again(function: Function, dimension: usize, _run: u64) -> Problem {
        Problem::shifted(function, dimension)
    }

    /// The same, rotated by the matrix with this number.
    pub(crate) fn rotated(function: Function, dimension: usize, number: u64) -> Problem {
        let seed = Seed(4).derive("rotation").derive(function.name()).index(number);
        let rotation = Some(orthogonal(dimension, seed));
        Problem { rotation, ..Problem::shifted(function, dimension) }
    }

    /// Where it is searched.
    pub(crate) fn space(&self) -> ParameterSpace {
        ParameterSpace::uniform(self.shift.len(), self.lower, self.upper)
            .expect("the bounds are an interval")
    }

    /// The value at a point, 0 at the optimum.
    pub(crate) fn value(&self, point: &[f64]) -> f64 {
        let mut from = vec![0.0; point.len()];
        for (from, (x, o)) in from.iter_mut().zip(point.iter().zip(&self.shift)) {
            *from = x - o;
        }
        let Some(rotation) = &self.rotation else { return self.function.value(&from) };
        let rows = rotation.chunks_exact(from.len());
        let turned: Vec<f64> =
            rows.map(|row| row.iter().zip(&from).map(|(r, x)| r * x).sum()).collect();
        self.function.value(&turned)
    }
}

/// Rows of normal deviates, made orthonormal one after the other (twice, against rounding).
fn orthogonal(dimension: usize, seed: Seed) -> Vec<f64> {
    let mut stream = seed.fast_stream();
    let mut rows: Vec<f64> = Vec::with_capacity(dimension * dimension);
    for _ in 0..dimension {
        let mut row: Vec<f64> = (0..dimension).map(|_| stream.normal()).collect();
        for _ in 0..2 {
            for done in rows.chunks_exact(dimension) {
                let along: f64 = row.iter().zip(done).map(|(a, b)| a * b).sum();
                row.iter_mut().zip(done).for_each(|(a, b)| *a -= along * b);
            }
        }
        let length = row.iter().map(|a| a * a).sum::<f64>().sqrt();
        rows.extend(row.iter().map(|a| a / length));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_zero_at_its_optimum_and_positive_beside_it() {
        for function in FUNCTIONS {
            for problem in [Problem::shifted(function, 10), Problem::rotated(function, 10, 3)] {
                assert!(problem.value(&problem.shift).abs() < 1e-12, "{function:?}");
                let mut beside = problem.shift.clone();
                beside[4] += 0.1;
                assert!(problem.value(&beside) > 1e-6, "{function:?}");
                assert!(problem.space().check(&problem.shift).is_ok());
            }
        }
    }

    #[test]
    fn a_rotation_keeps_lengths() {
        let rotation = orthogonal(7, Seed(1));
        let point: Vec<f64> = (0..7).map(f64::from).collect();
        let turned = rotation
            .chunks_exact(7)
            .map(|row| row.iter().zip(&point).map(|(r, x)| r * x).sum::<f64>());
        assert!((turned.map(|z| z * z).sum::<f64>() - 91.0).abs() < 1e-9);
    }
}
