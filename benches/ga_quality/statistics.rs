//! What repeated runs are summed up by, and the two tests that the goals name.

/// The middle value; the mean of the two middle ones when their number is even.
///
/// # Panics
/// When there is no value.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let half = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[half] } else { 0.5 * (sorted[half - 1] + sorted[half]) }
}

/// The geometric mean. A value of zero counts as the least positive one, lest it decide alone by a logarithm without end.
pub(crate) fn geometric_mean(values: &[f64]) -> f64 {
    let logs = values.iter().map(|value| value.max(f64::MIN_POSITIVE).ln());
    (logs.sum::<f64>() / values.len() as f64).exp()
}

/// How probable it is that so many of `ours` or more exceed `theirs` when both come from one distribution (Mann and Whitney, "On
/// a test of whether one of two random variables is stochastically larger than the other", 1947): the normal approximation with
/// mid-ranks, the correction for ties and for continuity. Small says that ours are larger.
#[allow(dead_code)] // For the rows whose reference is a sample and not a median.
pub(crate) fn larger_by_chance(ours: &[f64], theirs: &[f64]) -> f64 {
    let (m, n) = (ours.len() as f64, theirs.len() as f64);
    let wins: f64 = ours
        .iter()
        .flat_map(|our| theirs.iter().map(move |their| (our, their)))
        .map(|(our, their)| {
            if our > their {
                1.0
            } else if our == their {
                0.5
            } else {
                0.0
            }
        })
        .sum();
    let mut all: Vec<f64> = ours.iter().chain(theirs).copied().collect();
    all.sort_by(f64::total_cmp);
    let ties: f64 =
        all.chunk_by(|a, b| a == b).map(|tie| (tie.len() as f64).powi(3) - tie.len() as f64).sum();
    let total = m + n;
    let variance = m * n / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    upper_tail((wins - 0.5 * m * n - 0.5) / variance.sqrt())
}

/// How probable it is that at least `hits` of `trials` fair coins fall on one side: the sign test against a known median.
pub(crate) fn at_least_by_chance(hits: usize, trials: usize) -> f64 {
    let mut term = 0.5_f64.powi(i32::try_from(trials).unwrap_or(i32::MAX));
    let mut tail = 0.0;
    for count in 0..=trials {
        if count >= hits {
            tail += term;
        }
        term *= (trials - count) as f64 / (count + 1) as f64;
    }
    tail.min(1.0)
}

/// The share of a normal distribution above `z` deviations (Abramowitz and Stegun, 7.1.26; to 1.5e-7).
fn upper_tail(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    const TERMS: [f64; 5] =
        [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    let tail = 0.5 * t * TERMS.iter().fold(0.0, |sum, term| sum * t + term) * (-x * x).exp();
    if z > 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_the_normal_distribution_is_that_of_the_tables() {
        for (z, tail) in [(0.0, 0.5), (1.0, 0.158_655), (1.644_854, 0.05), (-1.0, 0.841_345)] {
            assert!((upper_tail(z) - tail).abs() < 1e-5, "{z}");
        }
    }

    #[test]
    fn tests_tell_equal_from_larger() {
        let low: Vec<f64> = (0..31).map(f64::from).collect();
        let high: Vec<f64> = (15..46).map(f64::from).collect();
        assert!(larger_by_chance(&high, &low) < 1e-3);
        assert!(larger_by_chance(&low, &high) > 0.99);
        assert!((larger_by_chance(&low, &low) - 0.5).abs() < 0.05);
        assert!((at_least_by_chance(21, 31) - 0.035_5).abs() < 1e-3);
        assert_eq!(at_least_by_chance(0, 31), 1.0);
        assert_eq!(median(&[3.0, 1.0, 2.0, 10.0]), 2.5);
        assert!((geometric_mean(&[1.0, 100.0]) - 10.0).abs() < 1e-9);
    }
}
