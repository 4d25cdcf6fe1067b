//! The little dense algebra that a quadratic model needs: a Cholesky factor, and the least value of a quadratic within a ball.

/// How often the interval that holds the multiplier of the trust region is halved.
const BISECTIONS: u32 = 60;

/// Factors a symmetric matrix (row-major, of which the lower half is read) into L Lᵀ and writes L over the lower half. False when it is not
/// positive definite.
pub(super) fn cholesky(matrix: &mut [f64], size: usize) -> bool {
    for row in 0..size {
        let (above, rest) = matrix.split_at_mut(row * size);
        let own = &mut rest[..size];
        for column in 0..row {
            let other = &above[column * size..column * size + column];
            let dot: f64 = own[..column].iter().zip(other).map(|(a, b)| a * b).sum();
            own[column] = (own[column] - dot) / above[column * size + column];
        }
        let squares: f64 = own[..row].iter().map(|a| a * a).sum();
        let pivot = own[row] - squares;
        if !(pivot > 0.0 && pivot.is_finite()) {
            return false;
        }
        own[row] = pivot.sqrt();
    }
    true
}

/// Solves L x = b in place.
pub(super) fn lower_solve(factor: &[f64], size: usize, b: &mut [f64]) {
    for row in 0..size {
        let own = &factor[row * size..row * size + row];
        let dot: f64 = own.iter().zip(&b[..row]).map(|(a, b)| a * b).sum();
        b[row] = (b[row] - dot) / factor[row * size + row];
    }
}

/// Solves L Lᵀ x = b in place.
pub(super) fn solve(factor: &[f64], size: usize, b: &mut [f64]) {
    lower_solve(factor, size, b);
    for row in (0..size).rev() {
        b[row] /= factor[row * size + row];
        let value = b[row];
        for (b, a) in b[..row].iter_mut().zip(&factor[row * size..]) {
            *b -= a * value;
        }
    }
}

/// Writes the step of at most this length that minimises `gᵀs + ½ sᵀHs` (Moré and Sorensen, "Computing a trust region step", 1983, with
/// bisection in the place of their Newton steps). `factor` is memory as large as `hessian`. False when nothing finite comes of it.
pub(super) fn least_within(
    gradient: &[f64],
    hessian: &[f64],
    reach: f64,
    factor: &mut [f64],
    step: &mut [f64],
) -> bool {
    let size = gradient.len();
    // The length of the step for a multiplier; infinite when the multiplier leaves the matrix indefinite.
    let mut attempt = |multiplier: f64| {
        factor.copy_from_slice(hessian);
        (0..size).for_each(|at| factor[at * size + at] += multiplier);
        if !cholesky(factor, size) {
            return f64::INFINITY;
        }
        step.iter_mut().zip(gradient).for_each(|(s, g)| *s = -g);
        solve(factor, size, step);
        length(step)
    };
    if attempt(0.0) <= reach {
        return true;
    }
    // No eigenvalue is below minus the greatest row sum (Gershgorin), so this multiplier is enough.
    let rows = hessian.chunks_exact(size);
    let most = rows.map(|row| row.iter().map(|h| h.abs()).sum::<f64>()).fold(0.0, f64::max);
    let (mut low, mut high) = (0.0, most + length(gradient) / reach + f64::MIN_POSITIVE);
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (low + high);
        if attempt(middle) <= reach {
            high = middle;
        } else {
            low = middle;
        }
    }
    // A rounding error longer at most; a gradient of zero at a saddle gives no step at all.
    attempt(high) <= 2.0 * reach
}

/// The Euclidean length.
pub(super) fn length(vector: &[f64]) -> f64 {
    vector.iter().map(|v| v * v).sum::<f64>().sqrt()
}
