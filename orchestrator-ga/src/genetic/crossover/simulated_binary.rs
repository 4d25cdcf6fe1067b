//! Simulated binary crossover; see [`Crossover::Sbx`](super::Crossover::Sbx).
//!
//! The spread factor β is the children's distance by the parents'. Without bounds its density is `½(η+1)β^η` up to 1 and
//! `½(η+1)β^-(η+2)` beyond. With bounds it is cut, on each side of its own, where the child would meet the bound, and what is left
//! is made whole: the mass beyond is not put on the bound.

use orchestrator_core::{Bounds, FastStream};

#[inline]
pub(super) fn cross(
    a: &mut [f64],
    b: &mut [f64],
    bounds: &[Bounds],
    eta: f64,
    stream: &mut FastStream,
) {
    let power = 1.0 / (eta + 1.0);
    for ((a, b), bounds) in a.iter_mut().zip(b).zip(bounds) {
        // One word decides about taking part and about which child gets which side.
        let word = stream.word();
        let (low, high) = (a.min(*b), a.max(*b));
        let distance = high - low;
        // Nothing lies between equal values, and beyond a subnormal distance the ratios below would overflow.
        if word & 1 == 0 || distance <= f64::MIN_POSITIVE {
            continue;
        }
        let unit = stream.unit();
        let middle = low + 0.5 * distance;
        let half = 0.5 * distance;
        let below = spread(unit, 1.0 + 2.0 * (low - bounds.min) / distance, eta, power);
        let above = spread(unit, 1.0 + 2.0 * (bounds.max - high) / distance, eta, power);
        let low = (middle - below * half).clamp(bounds.min, bounds.max);
        let high = (middle + above * half).clamp(bounds.min, bounds.max);
        (*a, *b) = if word & 2 == 0 { (low, high) } else { (high, low) };
    }
}

/// The spread factor of a uniform number, at most `limit` (which is at least 1, and may be infinite).
#[inline]
fn spread(unit: f64, limit: f64, eta: f64, power: f64) -> f64 {
    let whole = 2.0 - limit.powf(-(eta + 1.0));
    let scaled = unit * whole;
    if scaled <= 1.0 { scaled.powf(power) } else { (2.0 - scaled).powf(-power) }
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::*;

    /// The cumulative distribution of the spread factor must be `cdf`, to 4.5 standard errors.
    #[track_caller]
    fn check(bounds: Bounds, parents: (f64, f64), eta: f64, cdf: impl Fn(f64) -> f64) {
        const COUNT: usize = 50_000;
        let mut stream = Seed(6).fast_stream();
        let mut factors = Vec::new();
        let (mut tried, mut ordered) = (0, 0);
        while factors.len() < COUNT {
            let (mut a, mut b) = ([parents.0], [parents.1]);
            tried += 1;
            cross(&mut a, &mut b, &[bounds], eta, &mut stream);
            if a == [parents.0] && b == [parents.1] {
                continue;
            }
            assert!(bounds.contains(a[0]) && bounds.contains(b[0]));
            ordered += i32::from(a[0] < b[0]);
            let middle = 0.5 * (parents.0 + parents.1);
            factors.push((middle - a[0].min(b[0])) / (0.5 * (parents.1 - parents.0)));
        }
        let share = COUNT as f64 / f64::from(tried);
        assert!((share - 0.5).abs() < 0.02, "{share} took part");
        let ordered = f64::from(ordered) / COUNT as f64;
        assert!((ordered - 0.5).abs() < 0.02, "{ordered} have the lower side first");
        for limit in [0.5, 0.8, 0.95, 1.0, 1.05, 1.3, 1.9, 2.5] {
            let share = cdf(limit);
            let found = factors.iter().filter(|&&f| f <= limit).count() as f64 / COUNT as f64;
            let error = (share * (1.0 - share) / COUNT as f64).sqrt() + 1e-9;
            assert!((found - share).abs() < 4.5 * error, "up to {limit}: {found}, not {share}");
        }
    }

    #[test]
    fn the_spread_factor_has_the_density_of_the_paper() {
        for eta in [0.0, 2.0, 15.0] {
            let free = |beta: f64| {
                if beta <= 1.0 {
                    0.5 * beta.powf(eta + 1.0)
                } else {
                    1.0 - 0.5 * beta.powf(-(eta + 1.0))
                }
            };
            check(Bounds { min: -1e9, max: 1e9 }, (1.0, 3.0), eta, free);
            // The lower child meets its bound at a factor of 2.
            let cut = |beta: f64| (free(beta) / free(2.0)).min(1.0);
            check(Bounds { min: 0.0, max: 1e9 }, (1.0, 3.0), eta, cut);
        }
    }

    #[test]
    fn parents_at_the_bounds_have_children_within() {
        let mut stream = Seed(7).fast_stream();
        let bounds = [Bounds { min: 0.0, max: 1.0 }; 3];
        for _ in 0..1000 {
            let (mut a, mut b) = ([0.0, 0.5, 0.3], [1.0, 0.5, 0.3 + 1e-17]);
            cross(&mut a, &mut b, &bounds, 3.0, &mut stream);
            assert!(a.iter().chain(&b).all(|&value| bounds[0].contains(value)));
            assert_eq!((a[1], b[1]), (0.5, 0.5));
        }
    }
}
