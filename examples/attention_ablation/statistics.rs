//! Paired differences: their mean, an interval, and how often either arm was ahead.

use std::collections::BTreeMap;
use std::fmt;

use orchestrator_ai::core::Seed;

/// Resamples of the bootstrap; with 4,000 the ends of a 95 % interval are steady to about a twentieth of its width.
const RESAMPLES: usize = 4_000;

/// Differences nearer to 0 are rounding.
const SAME: f64 = 1e-12;

/// Differences between two arms on the same file and seed.
pub(crate) struct Paired {
    mean: f64,
    interval: [f64; 2],
    more: usize,
    less: usize,
    same: usize,
}

impl Paired {
    /// Of pairs of file and difference; `None` without any. The interval is the percentile bootstrap over whole files (Efron and Tibshirani,
    /// "An introduction to the bootstrap", 1993), because the seeds of one file are no independent witnesses; so the sign test is of files.
    pub(crate) fn of(pairs: impl Iterator<Item = (usize, f64)>, seed: Seed) -> Option<Paired> {
        let mut files: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for (file, difference) in pairs {
            files.entry(file).or_default().push(difference);
        }
        let means: Vec<f64> =
            files.values().map(|all| all.iter().sum::<f64>() / all.len() as f64).collect();
        if means.is_empty() {
            return None;
        }
        let count = means.len();
        let mut dice = seed.derive("bootstrap").fast_stream();
        let mut resampled: Vec<f64> = (0..RESAMPLES)
            .map(|_| (0..count).map(|_| means[dice.below(count)]).sum::<f64>() / count as f64)
            .collect();
        resampled.sort_by(f64::total_cmp);
        let at = |share: f64| resampled[(share * (RESAMPLES - 1) as f64).round() as usize];
        let more = means.iter().filter(|mean| **mean > SAME).count();
        let less = means.iter().filter(|mean| **mean < -SAME).count();
        Some(Paired {
            mean: means.iter().sum::<f64>() / count as f64,
            interval: [at(0.025), at(0.975)],
            more,
            less,
            same: count - more - less,
        })
    }

    /// How probable it is that fair coins fall at least as unevenly (two sides, ties left out).
    fn sign_test(&self) -> f64 {
        let (coins, most) = (self.more + self.less, self.more.max(self.less));
        let mut term = 0.5_f64.powi(coins as i32);
        let mut tail = 0.0;
        for heads in 0..=coins {
            if heads >= most {
                tail += term;
            }
            term *= (coins - heads) as f64 / (heads + 1) as f64;
        }
        (2.0 * tail).min(1.0)
    }
}

impl fmt::Display for Paired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [low, high] = self.interval;
        write!(
            f,
            "{:10.5}  {:>22}{:7}{:7}{:7}{:9.3}",
            self.mean,
            format!("{low:.5} to {high:.5}"),
            self.more,
            self.less,
            self.same,
            self.sign_test()
        )
    }
}
