//! Whole arithmetical crossover; see [`Crossover::Arithmetic`](super::Crossover::Arithmetic).

use orchestrator_core::Bounds;

#[inline]
pub(super) fn cross(a: &mut [f64], b: &mut [f64], bounds: &[Bounds], share: f64) {
    for ((a, b), bounds) in a.iter_mut().zip(b).zip(bounds) {
        let distance = *b - *a;
        // Rounding may carry a sum beyond the parents, and so beyond a bound.
        let near_b = (*b - share * distance).clamp(bounds.min, bounds.max);
        *a = (*a + share * distance).clamp(bounds.min, bounds.max);
        *b = near_b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_lie_on_the_line_between_their_parents_as_far_from_both() {
        let bounds = [Bounds { min: -5.0, max: 5.0 }; 2];
        let (mut a, mut b) = ([0.0, 4.0], [1.0, -4.0]);
        cross(&mut a, &mut b, &bounds, 0.25);
        assert_eq!((a, b), ([0.25, 2.0], [0.75, -2.0]));
    }
}
