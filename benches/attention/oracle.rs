//! Attention in f64 and plain loops, which shares no code with anybody: nobody is timed whose answer is not this one.

use nalgebra::DMatrix;

use super::contestants::Inputs;

/// How far an answer in f32 may be from the oracle's. The values are normal numbers and the weights sum to 1, so this is some forty
/// roundings.
pub const ERROR_MAX: f64 = 5e-6;

/// So many queries are looked at, spread over all.
const QUERIES_MAX: usize = 64;

/// The largest absolute difference between the output and the oracle's, NaN counting as infinite.
pub fn error_of(inputs: &Inputs, output: &DMatrix<f32>) -> f64 {
    let (n, width) = (inputs.q.nrows(), inputs.width());
    assert_eq!(output.shape(), inputs.q.shape(), "the output has the shape of the queries");
    let scale = 1.0 / (width as f64).sqrt();
    let mut worst = 0.0_f64;
    for query in (0..n).step_by(n.div_ceil(QUERIES_MAX)) {
        for head in 0..inputs.heads {
            let columns = head * width..(head + 1) * width;
            let mut weights = vec![0.0_f64; n];
            for column in columns.clone() {
                let q = f64::from(inputs.q[(query, column)]) * scale;
                for (weight, k) in weights.iter_mut().zip(&inputs.k.column(column)) {
                    *weight += q * f64::from(*k);
                }
            }
            let max = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            weights.iter_mut().for_each(|weight| *weight = (*weight - max).exp());
            let sum: f64 = weights.iter().sum();
            for column in columns {
                let values = inputs.v.column(column);
                let mixed =
                    weights.iter().zip(&values).map(|(w, v)| w * f64::from(*v)).sum::<f64>();
                let error = (mixed / sum - f64::from(output[(query, column)])).abs();
                worst = if error.is_nan() { f64::INFINITY } else { worst.max(error) };
            }
        }
    }
    worst
}
