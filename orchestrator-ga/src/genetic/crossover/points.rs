//! Crossover at cut points; see [`Crossover::Points`](super::Crossover::Points).

use std::ops::Range;

use orchestrator_core::FastStream;

/// Exchanges over the values of all runs, as if they lay side by side.
pub(super) fn cross(
    a: &mut [f64],
    b: &mut [f64],
    runs: &[Range<usize>],
    count: u32,
    stream: &mut FastStream,
) {
    let values: usize = runs.iter().map(ExactSizeIterator::len).sum();
    let mut places = values.saturating_sub(1);
    let mut cuts = places.min(count as usize);
    let mut exchanging = false;
    let mut first = true;
    for at in runs.iter().cloned().flatten() {
        // Of the places that are left, this one is cut with the chance that makes every choice of cuts as likely as another
        // (Fan, Muller and Rezucha, "Development of sampling plans by using sequential (item by item) selection techniques", 1962).
        if !first {
            if cuts > 0 && stream.below(places) < cuts {
                cuts -= 1;
                exchanging = !exchanging;
            }
            places -= 1;
        }
        first = false;
        if exchanging {
            std::mem::swap(&mut a[at], &mut b[at]);
        }
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::*;

    #[test]
    fn there_are_as_many_cuts_as_asked_for_and_each_place_is_as_likely() {
        let mut stream = Seed(9).fast_stream();
        const COUNT: usize = 6000;
        for (count, cuts) in [(1, 1), (2, 2), (3, 3), (5, 5), (9, 5)] {
            let mut at_place = [0; 5];
            for _ in 0..COUNT {
                let (mut a, mut b) = ([1.0; 8], [2.0; 8]);
                // Six values in two runs; the order between them is not touched.
                cross(&mut a, &mut b, &[0..2, 4..8], count, &mut stream);
                assert_eq!((a[2], a[3], a[0]), (1.0, 1.0, 1.0));
                let values = [a[0], a[1], a[4], a[5], a[6], a[7]];
                assert!(a.iter().zip(&b).all(|(a, b)| a + b == 3.0));
                let found: Vec<usize> = (0..5).filter(|&at| values[at] != values[at + 1]).collect();
                assert_eq!(found.len(), cuts);
                found.into_iter().for_each(|at| at_place[at] += 1);
            }
            let share = cuts as f64 / 5.0;
            let error = (share * (1.0 - share) / COUNT as f64).sqrt() + 1e-9;
            for found in at_place {
                assert!((f64::from(found) / COUNT as f64 - share).abs() < 4.5 * error);
            }
        }
        let (mut a, mut b) = ([1.0], [2.0]);
        cross(&mut a, &mut b, std::slice::from_ref(&(0..1)), 2, &mut stream);
        cross(&mut a, &mut b, &[], 2, &mut stream);
        assert_eq!((a, b), ([1.0], [2.0]));
    }
}
