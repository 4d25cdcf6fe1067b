//! What [`Auto`](super::Auto) decides before it has seen a cost: by the kind of the space, its dimension and the budget, and by nothing else.

use orchestrator_core::ParameterSpace;

use crate::differential::DeConfig;

/// With fewer evaluations a dimension the documents' preset is chosen. The limit is a judgement: that many points hardly found a
/// quadratic model. Measured in ten dimensions (`benches/README.md`), the models were ahead of the preset, or level with it, from 50
/// evaluations on, which is this limit; below it nothing was measured.
const MODELLED_MIN: u64 = 5;
/// The same for covariance adaptation, which has no model to help it. A judgement too: over 30 dimensions with 20 evaluations each the
/// preset was ahead on two functions of six and behind on the others.
const COVARIANCE_MIN: u64 = 25;
/// Beyond this dimension a fit of (n + 1)(n + 2)/2 coefficients costs more than the evaluations that it saves are worth: tens of
/// milliseconds each.
const MODELLED_DIMENSION_MAX: usize = 20;
/// How many evaluations a dimension the first round has; each one after it has twice as many as the one before.
const ROUND: u64 = 1_000;
/// The share of a round after which differential evolution leaves the rest to the descent.
pub(super) const EXPLORING: f64 = 0.85;

/// The method of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// The documents' genetic algorithm.
    Genetic,
    /// Differential evolution helped by models, then a descent.
    Modelled,
    /// CMA-ES with restarts.
    Covariance,
}

/// The method of a round, counted from 0, in a search of so many evaluations.
pub(super) fn choice(space: &ParameterSpace, evaluations: u64, round: u32) -> Choice {
    let dimension = space.len();
    let afford = |least: u64| evaluations >= least.saturating_mul(dimension as u64);
    let modelled = dimension <= MODELLED_DIMENSION_MAX;
    if !space.is_real() || !afford(if modelled { MODELLED_MIN } else { COVARIANCE_MIN }) {
        Choice::Genetic
    } else if modelled && round.is_multiple_of(2) {
        Choice::Modelled
    } else {
        // In the rounds between, what shares no weakness with the other.
        Choice::Covariance
    }
}

/// How many evaluations a round has of those that are left.
pub(super) fn share(dimension: usize, round: u32, left: u64) -> u64 {
    let first = ROUND.saturating_mul(dimension as u64);
    let share = first.saturating_mul(1_u64.checked_shl(round).unwrap_or(u64::MAX));
    // What would be too little for a round of its own is added to this one.
    if left < share.saturating_add(share / 2) { left } else { share }
}

/// Differential evolution for a round of so many evaluations.
pub(super) fn differential(dimension: usize, evaluations: u64) -> DeConfig {
    const LEAST: f64 = 8.0;
    let config = DeConfig::for_budget(dimension, evaluations);
    let most = (18 * dimension) as f64;
    let population = (0.5 * (evaluations as f64).sqrt()).round().min(most).max(LEAST);
    DeConfig { population: population as usize, ..config }
}

/// Which models are asked in a generation: each is fitted to so many times as many points as a quadratic has coefficients, those
/// nearest to the best, and may go so far, as a share of the distance of the farthest of them. Few points tell of the place, many of the
/// landscape.
pub(super) fn models(dimension: usize) -> &'static [(f64, f64)] {
    const ALL: [(f64, f64); 4] = [(0.5, 0.5), (1.5, 0.7), (3.0, 0.7), (6.0, 0.7)];
    /// Beyond this dimension the two largest fits cost too much.
    const ALL_UP_TO: usize = 12;
    if dimension <= ALL_UP_TO { &ALL } else { &ALL[..2] }
}

/// Every how many generations of a round the models are asked. They hurry a search: a short one needs it, a long one would settle in the first good
/// valley (measured on Rastrigin's function with 1,000 evaluations a dimension).
pub(super) fn models_every(dimension: usize, evaluations: u64) -> u32 {
    /// Up to so many evaluations a dimension the models are asked in every generation.
    const SHORT: f64 = 100.0;
    let lengths = evaluations as f64 / (SHORT * dimension as f64);
    lengths.sqrt().round().max(1.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_follows_from_the_space_and_the_budget() {
        let real = |n| ParameterSpace::uniform(n, 0.0, 1.0).unwrap();
        assert_eq!(choice(&real(10), 49, 0), Choice::Genetic);
        assert_eq!(choice(&real(10), 1_000, 0), Choice::Modelled);
        assert_eq!(choice(&real(10), 100_000, 1), Choice::Covariance);
        assert_eq!(choice(&real(30), 700, 0), Choice::Genetic);
        assert_eq!(choice(&real(30), 3_000, 0), Choice::Covariance);
        let mixed = ParameterSpace::builder().real("a", 0.0, 1.0).boolean("b").build().unwrap();
        assert_eq!(choice(&mixed, 10_000, 0), Choice::Genetic);
    }

    #[test]
    fn rounds_use_up_the_budget() {
        for evaluations in [1, 999, 10_000, 16_000, 123_456, u64::MAX / 4] {
            let (mut left, mut round) = (evaluations, 0);
            while left > 0 {
                let share = share(10, round, left);
                assert!(share > 0 && share <= left);
                left -= share;
                round += 1;
            }
            assert!(round < 64);
        }
        assert_eq!(share(10, 0, 10_000), 10_000);
        assert_eq!(share(10, 0, 40_000), 10_000);
        assert_eq!(share(10, 1, 25_000), 25_000);
    }
}
