//! What every method and every search asks of points to start from.

use orchestrator_core::ParameterSpace;

use crate::error::GaError;

/// Whether the points are of the space, and no more than there is room for.
pub(crate) fn check_start_points(
    space: &ParameterSpace,
    points: &[Vec<f64>],
    room: usize,
) -> Result<(), GaError> {
    if points.len() > room {
        return Err(GaError::StartCount { found: points.len(), population: room });
    }
    let check = |(index, point): (usize, &Vec<f64>)| {
        space.check(point).map_err(|source| GaError::Start { index, source })
    };
    points.iter().enumerate().try_for_each(check)
}
