//! Gaussian mutation; see [`Mutation::Gaussian`](super::Mutation::Gaussian).

use orchestrator_core::{Bounds, FastStream};

#[inline]
pub(super) fn moved(value: f64, bounds: &Bounds, step: f64, stream: &mut FastStream) -> f64 {
    (value + deviate(bounds, step, stream)).clamp(bounds.min, bounds.max)
}

#[inline]
pub(super) fn deviate(bounds: &Bounds, step: f64, stream: &mut FastStream) -> f64 {
    step * bounds.width() * stream.normal()
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::*;

    #[test]
    fn moves_are_normal_with_the_step_as_deviation_and_end_at_the_bounds() {
        let bounds = Bounds { min: -10.0, max: 10.0 };
        let mut stream = Seed(5).fast_stream();
        const COUNT: usize = 40_000;
        let moves: Vec<f64> = (0..COUNT).map(|_| moved(1.0, &bounds, 0.1, &mut stream)).collect();
        for (deviations, share) in
            [(-2.0, 0.022750), (-1.0, 0.158655), (0.0, 0.5), (1.0, 0.841345), (3.0, 0.998650)]
        {
            let limit = 1.0 + 2.0 * deviations;
            let found = moves.iter().filter(|&&m| m < limit).count() as f64 / COUNT as f64;
            let error: f64 = (share * (1.0 - share) / COUNT as f64).sqrt();
            assert!((found - share).abs() < 4.5 * error, "below {limit}: {found}, not {share}");
        }
        let at_bound = (0..1000).filter(|_| moved(10.0, &bounds, 0.1, &mut stream) == 10.0).count();
        assert!((430..570).contains(&at_bound), "{at_bound}");
    }
}
