//! The inner coordinates: every parameter of width 1, no bounds, and a smooth map to the points of the space.
//!
//! Inside the bounds the map is linear. Within [`EDGE`] of a bound it bends into a parabola whose vertex is the bound, and
//! beyond it goes back the same way, as in the boundary handling of Hansen's c-cmaes and pycma ("BoundTransform"). So a method
//! that knows no bounds can work in the inner coordinates: whatever it proposes lies inside, and an optimum on a bound is an
//! ordinary smooth one. A parameter without width has no inner coordinate.

use orchestrator_core::{Bounds, ParameterSpace};

/// The share of a width, on either side, over which the map bends.
const EDGE: f64 = 0.05;
/// After so much the map repeats itself: there and back, with both edges.
const PERIOD: f64 = 2.0 * (1.0 + 2.0 * EDGE);

/// The parameters that have a width, and the map from their inner coordinates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    free: Vec<(usize, Bounds)>,
}

impl Frame {
    pub(crate) fn of(space: &ParameterSpace) -> Frame {
        let parameters = space.bounds().iter().copied().enumerate();
        Frame { free: parameters.filter(|(_, bounds)| bounds.min < bounds.max).collect() }
    }

    /// How many inner coordinates there are.
    pub(crate) fn dimension(&self) -> usize {
        self.free.len()
    }

    /// Writes the free parameters of a point.
    pub(crate) fn place(&self, inner: &[f64], point: &mut [f64]) {
        for ((at, bounds), &inner) in self.free.iter().zip(inner) {
            point[*at] = value_at(bounds, share_of(inner));
        }
    }

    /// Where in its interval each free parameter of a point lies, 0 to 1.
    pub(crate) fn shares(&self, point: &[f64], shares: &mut Vec<f64>) {
        shares.clear();
        shares.extend(self.free.iter().map(|(at, bounds)| share_at(bounds, point[*at])));
    }

    /// Writes the free parameters of a point from their shares.
    pub(crate) fn place_shares(&self, shares: &[f64], point: &mut [f64]) {
        for ((at, bounds), &share) in self.free.iter().zip(shares) {
            point[*at] = value_at(bounds, share);
        }
    }

    /// The inner coordinates of a point: of the many that the map takes there, the nearest to `near`.
    pub(crate) fn inner(&self, point: &[f64], near: &[f64], inner: &mut [f64]) {
        for (((at, bounds), near), inner) in self.free.iter().zip(near).zip(inner) {
            let first = inner_of(share_at(bounds, point[*at]));
            let copies = [first, -2.0 * EDGE - first].map(|copy| {
                let turns = ((near - copy) / PERIOD).round();
                copy + if turns.is_finite() { turns * PERIOD } else { 0.0 }
            });
            *inner = if (copies[1] - near).abs() < (copies[0] - near).abs() {
                copies[1]
            } else {
                copies[0]
            };
        }
    }
}

/// Where in the interval an inner coordinate lies: 0 at the lower end, 1 at the upper.
fn share_of(inner: f64) -> f64 {
    let mut folded = inner;
    if !(-EDGE..=1.0 + EDGE).contains(&inner) {
        folded = (inner + EDGE).rem_euclid(PERIOD);
        folded = folded.min(PERIOD - folded) - EDGE;
    }
    if folded < EDGE {
        (folded + EDGE).powi(2) / (4.0 * EDGE)
    } else if folded > 1.0 - EDGE {
        1.0 - (1.0 + EDGE - folded).powi(2) / (4.0 * EDGE)
    } else {
        folded
    }
}

/// The inner coordinate of a place in the interval.
fn inner_of(share: f64) -> f64 {
    if share < EDGE {
        2.0 * (EDGE * share).sqrt() - EDGE
    } else if share > 1.0 - EDGE {
        1.0 + EDGE - 2.0 * (EDGE * (1.0 - share)).sqrt()
    } else {
        share
    }
}

/// From the nearer end, so that both ends are met exactly.
fn value_at(bounds: &Bounds, share: f64) -> f64 {
    let width = bounds.width();
    let value =
        if share <= 0.5 { bounds.min + share * width } else { bounds.max - (1.0 - share) * width };
    bounds.clamp(value)
}

fn share_at(bounds: &Bounds, value: f64) -> f64 {
    ((value - bounds.min) / bounds.width()).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As wide as a space allows: a width is finite.
    const WIDEST: Bounds = Bounds { min: 0.5 * f64::MIN, max: 0.5 * f64::MAX };

    #[test]
    fn both_ends_are_met_exactly_and_a_parameter_without_width_is_left_alone() {
        let bounds = [("a", 0.1, 0.7), ("fixed", 3.0, 3.0), ("b", WIDEST.min, WIDEST.max)];
        let bounds = bounds.map(|(name, min, max)| (name, Bounds { min, max }));
        let frame = Frame::of(&ParameterSpace::new(bounds).unwrap());
        assert_eq!(frame.dimension(), 2);
        let mut point = [0.0, 3.0, 0.0];
        frame.place(&[-EDGE, 1.0 + EDGE], &mut point);
        assert_eq!(point, [0.1, 3.0, WIDEST.max]);
        frame.place(&[1.0 + EDGE, -EDGE], &mut point);
        assert_eq!(point, [0.7, 3.0, WIDEST.min]);
    }

    proptest! {
        #[test]
        fn the_map_stays_inside_and_goes_back_to_the_nearest_copy(
            min in -1e3..1e3_f64, width in 1e-3..1e3_f64, inner in -5.0..5.0_f64
        ) {
            let bounds = Bounds { min, max: min + width };
            let frame = Frame::of(&ParameterSpace::new([("a", bounds)]).unwrap());
            let mut point = [0.0];
            frame.place(&[inner], &mut point);
            prop_assert!(bounds.contains(point[0]));
            let mut back = [0.0];
            frame.inner(&point, &[inner], &mut back);
            // At a bound the slope is 0, and rounding is enlarged to its root.
            prop_assert!((back[0] - inner).abs() < 1e-4, "{} {}", back[0], inner);
            let mut again = [0.0];
            frame.place(&back, &mut again);
            prop_assert!((again[0] - point[0]).abs() <= 1e-9 * width);
        }
    }
}
