//! Blend crossover; see [`Crossover::Blend`](super::Crossover::Blend).

use orchestrator_core::{Bounds, FastStream};

#[inline]
pub(super) fn cross(
    a: &mut [f64],
    b: &mut [f64],
    bounds: &[Bounds],
    alpha: f64,
    stream: &mut FastStream,
) {
    for ((a, b), bounds) in a.iter_mut().zip(b).zip(bounds) {
        let (low, high) = (a.min(*b), a.max(*b));
        let reach = alpha * (high - low);
        let (low, width) = (low - reach, (high - low) + 2.0 * reach);
        if width > 0.0 {
            *a = (low + width * stream.unit()).clamp(bounds.min, bounds.max);
            *b = (low + width * stream.unit()).clamp(bounds.min, bounds.max);
        }
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::*;

    #[test]
    fn children_are_uniform_in_the_extended_interval_of_their_parents() {
        let mut stream = Seed(4).fast_stream();
        let bounds = [Bounds { min: -10.0, max: 10.0 }; 2];
        const COUNT: usize = 40_000;
        let mut below = [0; 4];
        for _ in 0..COUNT {
            let (mut a, mut b) = ([1.0, 5.0], [3.0, 5.0]);
            cross(&mut a, &mut b, &bounds, 0.25, &mut stream);
            for child in [a, b] {
                assert!((0.5..=3.5).contains(&child[0]), "{child:?}");
                assert_eq!(child[1], 5.0);
                let quarter = ((child[0] - 0.5) / 0.75) as usize;
                below[quarter.min(3)] += 1;
            }
        }
        let error = (0.25 * 0.75 / (2 * COUNT) as f64).sqrt();
        for count in below {
            assert!(
                (f64::from(count) / (2 * COUNT) as f64 - 0.25).abs() < 4.5 * error,
                "{below:?}"
            );
        }
    }

    #[test]
    fn a_child_beyond_a_bound_is_moved_to_it() {
        let mut stream = Seed(5).fast_stream();
        let bounds = [Bounds { min: 1.0, max: 3.0 }];
        let mut at_bound = 0;
        for _ in 0..1000 {
            let (mut a, mut b) = ([1.0], [3.0]);
            cross(&mut a, &mut b, &bounds, 1.0, &mut stream);
            assert!(bounds[0].contains(a[0]) && bounds[0].contains(b[0]));
            at_bound += i32::from(a[0] == 1.0 || a[0] == 3.0);
        }
        assert!((600..740).contains(&at_bound), "{at_bound}"); // two thirds lie outside
    }
}
