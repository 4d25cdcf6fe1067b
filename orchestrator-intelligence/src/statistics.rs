//! How much a rate is worth: intervals for one proportion and for the difference of two.

/// The 97.5 % quantile of the normal distribution, for two-sided intervals of 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % score interval of a proportion (Wilson, 1927); all of [0, 1] when nothing was tried.
///
/// ```
/// let (low, high) = orchestrator_intelligence::wilson_interval(8, 10);
/// assert!((low - 0.4902).abs() < 1e-4 && (high - 0.9433).abs() < 1e-4);
/// assert_eq!(orchestrator_intelligence::wilson_interval(0, 0), (0.0, 1.0));
/// ```
pub fn wilson_interval(successes: usize, trials: usize) -> (f64, f64) {
    if trials == 0 {
        return (0.0, 1.0);
    }
    let n = trials as f64;
    let p = successes.min(trials) as f64 / n;
    let square = Z * Z;
    let center = (p + square / (2.0 * n)) / (1.0 + square / n);
    let reach = Z / (1.0 + square / n) * (p * (1.0 - p) / n + square / (4.0 * n * n)).sqrt();
    // At 0 and 1 the ends are exact; rounding must not leave them a hair inside.
    let low = if successes == 0 { 0.0 } else { center - reach };
    let high = if successes >= trials { 1.0 } else { center + reach };
    (low.max(0.0), high.min(1.0))
}

/// The 95 % interval of `a − b` for two proportions given as (successes, trials): the hybrid score interval, method 10 of Newcombe,
/// "Interval estimation for the difference between independent proportions", 1998.
///
/// ```
/// // The paper's example: 56 of 70 and 48 of 80.
/// let (low, high) = orchestrator_intelligence::difference_interval((56, 70), (48, 80));
/// assert!((low - 0.0524).abs() < 1e-4 && (high - 0.3339).abs() < 1e-4);
/// ```
pub fn difference_interval(a: (usize, usize), b: (usize, usize)) -> (f64, f64) {
    if a.1 == 0 || b.1 == 0 {
        return (-1.0, 1.0);
    }
    let rate = |(successes, trials): (usize, usize)| successes as f64 / trials as f64;
    let (pa, pb) = (rate(a), rate(b));
    let ((low_a, high_a), (low_b, high_b)) = (wilson_interval(a.0, a.1), wilson_interval(b.0, b.1));
    let difference = pa - pb;
    (difference - (pa - low_a).hypot(high_b - pb), difference + (high_a - pa).hypot(pb - low_b))
}
