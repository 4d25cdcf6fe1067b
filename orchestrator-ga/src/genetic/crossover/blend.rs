//! Blend crossover; see [`Crossover::Blend`](super::Crossover::Blend).

use orchestrator_core::{Bounds, FastStream};

/// Writes two children, each value moved to its bounds where the extended interval leaves them.
#[inline]
pub(in crate::genetic) fn cross(
    parents: [&[f64]; 2],
    children: [&mut [f64]; 2],
    bounds: &[Bounds],
    alpha: f64,
    stream: &mut FastStream,
) {
    let [first, second] = children;
    for (at, bounds) in bounds.iter().enumerate() {
        let (one, other) = (parents[0][at], parents[1][at]);
        let (low, high) = (one.min(other), one.max(other));
        let reach = alpha * (high - low);
        let mut draw = || bounds.clamp(stream.between(low - reach, high + reach));
        (first[at], second[at]) = (draw(), draw());
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
            let (mut a, mut b) = ([0.0; 2], [0.0; 2]);
            cross([&[1.0, 5.0], &[3.0, 5.0]], [&mut a, &mut b], &bounds, 0.25, &mut stream);
            assert_ne!(a[0], b[0]);
            for child in [a, b] {
                assert!((0.5..=3.5).contains(&child[0]), "{child:?}");
                assert_eq!(child[1], 5.0);
                let quarter = ((child[0] - 0.5) / 0.75) as usize;
                below[quarter.min(3)] += 1;
            }
        }
        let error = (0.25 * 0.75 / (2 * COUNT) as f64).sqrt();
        for count in below {
            let found = f64::from(count) / (2 * COUNT) as f64;
            assert!((found - 0.25).abs() < 4.5 * error, "{below:?}");
        }
    }

    #[test]
    fn a_child_beyond_a_bound_is_moved_to_it() {
        let mut stream = Seed(5).fast_stream();
        let bounds = [Bounds { min: 1.0, max: 3.0 }];
        let mut at_bound = 0;
        for _ in 0..1000 {
            let (mut a, mut b) = ([0.0], [0.0]);
            cross([&[1.0], &[3.0]], [&mut a, &mut b], &bounds, 1.0, &mut stream);
            assert!(bounds[0].contains(a[0]) && bounds[0].contains(b[0]));
            at_bound += i32::from(a[0] == 1.0 || a[0] == 3.0);
        }
        assert!((600..740).contains(&at_bound), "{at_bound}"); // two thirds lie outside
    }
}
