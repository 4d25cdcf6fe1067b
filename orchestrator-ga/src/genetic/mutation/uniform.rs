//! Uniform mutation of whole numbers; see [`Mutation::Uniform`](super::Mutation::Uniform).

use orchestrator_core::{Bounds, FastStream};

/// Any other whole number within the bounds, which are two different whole numbers.
pub(super) fn another_whole(value: f64, bounds: &Bounds, stream: &mut FastStream) -> f64 {
    let others = bounds.width();
    // Up to 2^54 others: their number is exact, and a unit of 53 bits misses at most every second of so many.
    let other = bounds.min + (others * stream.unit()).floor().min(others - 1.0);
    if other < value { other } else { other + 1.0 }
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::*;

    #[test]
    fn every_other_number_is_as_likely() {
        let bounds = Bounds { min: -2.0, max: 2.0 };
        let mut stream = Seed(8).fast_stream();
        let mut counts = [0; 5];
        for _ in 0..8000 {
            counts[(another_whole(1.0, &bounds, &mut stream) + 2.0) as usize] += 1;
        }
        assert_eq!(counts[3], 0);
        assert!([0, 1, 2, 4].iter().all(|&at| (1825..2175).contains(&counts[at])), "{counts:?}");
        let two = Bounds { min: 0.0, max: 1.0 };
        assert_eq!(another_whole(1.0, &two, &mut stream), 0.0);
        assert_eq!(another_whole(0.0, &two, &mut stream), 1.0);
    }
}
