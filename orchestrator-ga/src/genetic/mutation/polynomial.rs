//! Polynomial mutation; see [`Mutation::Polynomial`](super::Mutation::Polynomial).
//!
//! Without bounds near, the move δ, as a share of the width, has the density `½(η+1)(1-|δ|)^η` in [-1, 1]. With bounds, each side keeps
//! half of the chance, and its density is cut where the value would leave the bounds.

use orchestrator_core::{Bounds, FastStream};

#[inline]
pub(super) fn moved(value: f64, bounds: &Bounds, eta: f64, stream: &mut FastStream) -> f64 {
    let width = bounds.width();
    if width <= 0.0 {
        return value;
    }
    let power = 1.0 / (eta + 1.0);
    let unit = stream.unit();
    let share = if unit < 0.5 {
        let room = (value - bounds.min) / width;
        let beyond = (1.0 - room).max(0.0).powf(eta + 1.0);
        (2.0 * unit + (1.0 - 2.0 * unit) * beyond).powf(power) - 1.0
    } else {
        let room = (bounds.max - value) / width;
        let beyond = (1.0 - room).max(0.0).powf(eta + 1.0);
        1.0 - (2.0 * (1.0 - unit) + (2.0 * unit - 1.0) * beyond).powf(power)
    };
    (value + share * width).clamp(bounds.min, bounds.max)
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::*;

    /// The cumulative distribution of the move, as a share of the width, must be the formula's, to 4.5 standard errors.
    #[track_caller]
    fn check(value: f64, eta: f64) {
        let bounds = Bounds { min: -1.0, max: 3.0 };
        const COUNT: usize = 40_000;
        let mut stream = Seed(7).fast_stream();
        let moves: Vec<f64> = (0..COUNT)
            .map(|_| {
                let moved = moved(value, &bounds, eta, &mut stream);
                assert!(bounds.contains(moved));
                (moved - value) / 4.0
            })
            .collect();
        let (down, up) = ((value + 1.0) / 4.0, (3.0 - value) / 4.0);
        // The chance of a move in a direction of at most `size`, of the half that the direction has.
        let within = |size: f64, room: f64| {
            let mass = |size: f64| 1.0 - (1.0 - size).powf(eta + 1.0);
            (mass(size.min(room)) / mass(room)).min(1.0)
        };
        for limit in [-0.6, -0.3, -0.1, -0.01, 0.01, 0.1, 0.3, 0.6] {
            let share = match limit {
                limit if limit < 0.0 && down == 0.0 => 0.0,
                limit if limit < 0.0 => 0.5 * (1.0 - within(-limit, down)),
                limit => 0.5 + 0.5 * within(limit, up),
            };
            let found = moves.iter().filter(|&&m| m < limit).count() as f64 / COUNT as f64;
            let error = (share * (1.0 - share) / COUNT as f64).sqrt() + 1e-9;
            assert!((found - share).abs() < 4.5 * error, "below {limit}: {found}, not {share}");
        }
    }

    #[test]
    fn moves_have_the_density_of_the_paper_up_to_the_bounds() {
        for eta in [0.0, 5.0, 20.0] {
            check(1.0, eta);
            check(-0.5, eta);
            check(-1.0, eta);
        }
        let fixed = Bounds { min: 2.0, max: 2.0 };
        assert_eq!(moved(2.0, &fixed, 5.0, &mut Seed(1).fast_stream()), 2.0);
    }
}
