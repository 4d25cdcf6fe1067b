//! How far a front is from the true one, when that is known.

use super::hypervolume::{IndicatorError, check_lengths};

/// Inverted generational distance (Coello Coello and Reyes Sierra, "A study of the parallelization of a coevolutionary
/// multi-objective evolutionary algorithm", 2004): the mean over the points of the true front of the distance to the nearest point
/// that was found. 0 is best; it depends on the scales of the objectives.
///
/// ```
/// use orchestrator_ga::pareto::igd;
/// assert_eq!(igd(&[[0.0, 1.0]], &[[0.0, 1.0], [3.0, 5.0]])?, 2.5);
/// # Ok::<(), orchestrator_ga::pareto::IndicatorError>(())
/// ```
///
/// # Errors
/// When one of the fronts is empty, or the points differ in their number of objectives.
pub fn igd<P: AsRef<[f64]>, T: AsRef<[f64]>>(
    found: &[P],
    truth: &[T],
) -> Result<f64, IndicatorError> {
    mean_distance(found, truth, |found, truth| found - truth)
}

/// The same by the distance that dominance respects, IGD+ (Ishibuchi, Masuda, Tanigaki and Nojima, "Modified distance calculation
/// in generational distance and inverted generational distance", 2015): only what is worse than the true point counts, so a front
/// that dominates another never has the greater value. All objectives are minimised.
///
/// # Errors
/// As [`igd`].
pub fn igd_plus<P: AsRef<[f64]>, T: AsRef<[f64]>>(
    found: &[P],
    truth: &[T],
) -> Result<f64, IndicatorError> {
    mean_distance(found, truth, |found, truth| (found - truth).max(0.0))
}

fn mean_distance<P: AsRef<[f64]>, T: AsRef<[f64]>>(
    found: &[P],
    truth: &[T],
    part: impl Fn(f64, f64) -> f64,
) -> Result<f64, IndicatorError> {
    let (Some(first), false) = (found.first(), truth.is_empty()) else {
        return Err(IndicatorError::Empty);
    };
    let objectives = first.as_ref().len();
    check_lengths(found, objectives)?;
    check_lengths(truth, objectives)?;
    let square = |found: &[f64], truth: &[f64]| {
        found.iter().zip(truth).map(|(&a, &b)| part(a, b).powi(2)).sum::<f64>()
    };
    let nearest = |truth: &T| {
        let squares = found.iter().map(|found| square(found.as_ref(), truth.as_ref()));
        squares.fold(f64::INFINITY, f64::min).sqrt()
    };
    Ok(truth.iter().map(nearest).sum::<f64>() / truth.len() as f64)
}
