//! Selection, crossover and mutation of real vectors, each as its source has it.
//!
//! They draw from the stream they are given and keep nothing. The bounds are kept by clamping after mutation, so a child never
//! leaves the space.

use orchestrator_core::{Bounds, FastStream};

use crate::cost::Costs;

/// Tournament selection (Goldberg and Deb, "A comparative analysis of selection schemes used in genetic algorithms", 1991): the
/// best of `size` candidates drawn with replacement.
pub(super) fn tournament(costs: &Costs, size: usize, stream: &mut FastStream) -> usize {
    let mut winner = stream.below(costs.len());
    for _ in 1..size {
        let rival = stream.below(costs.len());
        if costs.cost(rival).is_better(&costs.cost(winner)) {
            winner = rival;
        }
    }
    winner
}

/// Blend crossover, BLX-α (Eshelman and Schaffer, "Real-coded genetic algorithms and interval-schemata", 1993): each value is
/// uniform in the interval of the parents' values, extended by α times its length at both ends.
pub(super) fn blend(child: &mut [f64], other: &[f64], alpha: f64, stream: &mut FastStream) {
    for (value, &other) in child.iter_mut().zip(other) {
        let (low, high) = (value.min(other), value.max(other));
        let reach = alpha * (high - low);
        *value = stream.between(low - reach, high + reach);
    }
}

/// Gaussian mutation (Bäck and Schwefel, "An overview of evolutionary algorithms for parameter optimization", 1993): each value
/// moves with probability `rate` by a normal deviate of `step` times the parameter's width.
pub(super) fn mutate(
    child: &mut [f64],
    bounds: &[Bounds],
    rate: f64,
    step: f64,
    stream: &mut FastStream,
) {
    for (value, bounds) in child.iter_mut().zip(bounds) {
        if stream.chance(rate) {
            *value += step * bounds.width() * stream.normal();
        }
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::*;
    use crate::cost::Cost;

    #[test]
    fn a_larger_tournament_selects_harder() {
        let mut costs = Costs::new(1);
        (0..20).for_each(|cost| costs.push(Cost::feasible(f64::from(cost))));
        let mean = |size| {
            let mut stream = Seed(3).fast_stream();
            (0..2000).map(|_| tournament(&costs, size, &mut stream) as f64).sum::<f64>() / 2000.0
        };
        // The expected best of k out of n drawn with replacement is near n / (k + 1).
        assert!((mean(1) - 9.5).abs() < 0.5, "{}", mean(1));
        assert!((mean(3) - 4.5).abs() < 0.5, "{}", mean(3));
    }

    #[test]
    fn a_blended_child_stays_within_reach_of_its_parents() {
        let mut stream = Seed(4).fast_stream();
        for _ in 0..500 {
            let mut child = [0.0, 5.0];
            blend(&mut child, &[1.0, 5.0], 0.5, &mut stream);
            assert!((-0.5..=1.5).contains(&child[0]), "{child:?}");
            assert_eq!(child[1], 5.0);
        }
    }

    #[test]
    fn mutation_moves_its_share_by_its_step() {
        let bounds = [Bounds { min: 0.0, max: 2.0 }];
        let mut stream = Seed(5).fast_stream();
        let (mut moved, mut squares) = (0, 0.0);
        for _ in 0..5000 {
            let mut child = [1.0];
            mutate(&mut child, &bounds, 0.15, 0.1, &mut stream);
            if child[0] != 1.0 {
                moved += 1;
                squares += (child[0] - 1.0_f64).powi(2);
            }
        }
        let share = f64::from(moved) / 5000.0;
        assert!((share - 0.15).abs() < 0.02, "{share}");
        let deviation = (squares / f64::from(moved)).sqrt();
        assert!((deviation - 0.2).abs() < 0.02, "{deviation}");
    }
}
