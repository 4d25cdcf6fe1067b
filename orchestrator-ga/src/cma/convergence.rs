//! When a run is over: the rules of Hansen's tutorial (appendix B.3) and of his "Benchmarking a BI-population CMA-ES" (2009).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::distribution::Distribution;
use super::strategy::Strategy;
use crate::cost::Costs;

/// TolFun: a run is over when costs differ by less than this, or than this share of how much the first generation differed if
/// that was less than 1. So it does not matter in which unit a small cost is given.
const COST_TOLERANCE: f64 = 1e-12;
/// TolX: a run is over when its deviations are below this share of its first one.
const STEP_TOLERANCE: f64 = 1e-12;
/// ConditionCov: above this the axes are rounding.
const CONDITION_MAX: f64 = 1e14;
/// TolXUp: a run that reaches so many times its first deviation has diverged.
const GROWTH_MAX: f64 = 1e3;
/// Stagnation looks back so many generations at most.
const STAGNATION_WINDOW_MAX: usize = 20_000;
/// The median over the window is looked at once in so many generations.
const STAGNATION_EVERY: u64 = 20;
/// A run all of whose candidates failed for so many generations stands where nothing can be learnt.
const FAILED_GENERATIONS_MAX: u32 = 10;

/// What a run remembers to know when it is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The best and the median cost of each generation, the last ones.
    bests: VecDeque<f64>,
    medians: VecDeque<f64>,
    /// How much the costs of the first generation differed.
    spread: Option<f64>,
    failed_generations: u32,
    pub(super) evaluations: u64,
}

/// What the rules are held against.
pub(super) struct Limits<'a> {
    pub(super) distribution: &'a Distribution,
    pub(super) strategy: &'a Strategy,
    pub(super) first_step: f64,
    pub(super) evaluations_max: Option<u64>,
}

impl Record {
    pub(super) fn new() -> Record {
        Record {
            bests: VecDeque::new(),
            medians: VecDeque::new(),
            spread: None,
            failed_generations: 0,
            evaluations: 0,
        }
    }

    /// Whether what was read can be of a run.
    pub(super) fn is_sound(&self) -> bool {
        let mut known = self.bests.iter().chain(&self.medians).chain(&self.spread);
        self.bests.len() == self.medians.len()
            && self.bests.len() <= STAGNATION_WINDOW_MAX
            && known.all(|value| value.is_finite())
    }

    /// Notes a generation, given from best to worst. False when nothing was learnt of it, as all failed.
    #[must_use]
    pub(super) fn note(
        &mut self,
        costs: &Costs,
        ranking: &[usize],
        distribution: &Distribution,
    ) -> bool {
        self.evaluations = self.evaluations.saturating_add(ranking.len() as u64);
        let known = ranking.iter().take_while(|&&at| costs.cost(at).is_known()).count();
        if known == 0 {
            self.failed_generations = self.failed_generations.saturating_add(1);
            return false;
        }
        self.failed_generations = 0;
        let height = |place: usize| {
            let cost = costs.cost(ranking[place]);
            let height = if cost.is_feasible() { cost.value } else { cost.violation };
            height.clamp(f64::MIN, f64::MAX)
        };
        let (best, median) = (height(0), height(known / 2));
        let spread = (height(known - 1) - best).abs().min(f64::MAX);
        // A first generation on a plateau tells nothing of the unit.
        if self.spread.is_none_or(|spread| spread == 0.0) && known > 1 {
            self.spread = Some(spread);
        }
        let window = stagnation_window(distribution.dimension(), ranking.len())
            .max(distribution.generation as usize / 5)
            .min(STAGNATION_WINDOW_MAX);
        while self.bests.len() >= window {
            self.bests.pop_front();
            self.medians.pop_front();
        }
        self.bests.push_back(best);
        self.medians.push_back(median);
        true
    }

    /// Whether the run is over.
    pub(super) fn is_over(&self, limits: &Limits<'_>, costs: &Costs, ranking: &[usize]) -> bool {
        let Limits { distribution, strategy, first_step, evaluations_max } = limits;
        let lambda = strategy.weights.len() as f64;
        let n = distribution.dimension() as f64;
        let generations_max = 100.0 + 150.0 * (n + 3.0).powi(2) / lambda.sqrt();
        self.failed_generations >= FAILED_GENERATIONS_MAX
            || evaluations_max.is_some_and(|most| self.evaluations >= most)
            || distribution.generation as f64 >= generations_max
            || self.is_flat(costs, ranking, (10.0 + 30.0 * n / lambda) as usize)
            || is_small(distribution, *first_step)
            || is_degenerate(distribution, *first_step)
            || has_no_effect(distribution)
            || self.stagnates(limits)
    }

    /// TolFun and TolHistFun.
    fn is_flat(&self, costs: &Costs, ranking: &[usize], window: usize) -> bool {
        let tolerance = COST_TOLERANCE * self.spread.unwrap_or(1.0).min(1.0);
        if self.bests.len() < window {
            return false;
        }
        let late = self.bests.iter().rev().take(window);
        let (low, high) = late.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &best| {
            (low.min(best), high.max(best))
        });
        let worst = ranking.iter().rev().map(|&at| costs.cost(at)).find(|cost| cost.is_known());
        let worst = worst.map_or(high, |cost| if cost.is_feasible() { cost.value } else { high });
        high.max(worst) - low <= tolerance
    }

    /// Neither the best nor the median costs of the last third are better than those of the first.
    fn stagnates(&self, limits: &Limits<'_>) -> bool {
        let Limits { distribution, strategy, .. } = limits;
        let window = stagnation_window(distribution.dimension(), strategy.weights.len());
        let due = distribution.generation.is_multiple_of(STAGNATION_EVERY);
        if self.bests.len() < window || !due {
            return false;
        }
        [&self.bests, &self.medians].into_iter().all(|history| {
            let part = (history.len() * 3 / 10).max(1);
            let first = median(history.iter().take(part));
            let last = median(history.iter().rev().take(part));
            last >= first
        })
    }
}

/// So many generations are wanted at least to speak of stagnation.
fn stagnation_window(dimension: usize, population: usize) -> usize {
    120 + 30 * dimension / population
}

/// TolX.
fn is_small(distribution: &Distribution, first_step: f64) -> bool {
    let most = STEP_TOLERANCE * first_step;
    (0..distribution.dimension()).all(|at| {
        let deviation = distribution.variance(at).max(0.0).sqrt();
        distribution.sigma * deviation.max(distribution.path_c[at].abs()) < most
    })
}

/// ConditionCov and TolXUp.
fn is_degenerate(distribution: &Distribution, first_step: f64) -> bool {
    let scales = &distribution.scales;
    let (low, high) = scales
        .iter()
        .fold((f64::INFINITY, 0.0_f64), |(low, high), &scale| (low.min(scale), high.max(scale)));
    high > low * CONDITION_MAX.sqrt() || distribution.sigma * high > GROWTH_MAX * first_step
}

/// NoEffectAxis, one axis a generation, and NoEffectCoord.
fn has_no_effect(distribution: &Distribution) -> bool {
    let Distribution { mean, sigma, axes, scales, generation, .. } = distribution;
    let n = mean.len();
    let axis = (*generation % n as u64) as usize;
    let reach = 0.1 * sigma * scales[axis];
    let rows = mean.iter().zip(axes.chunks_exact(n));
    rows.into_iter().all(|(mean, row)| *mean == mean + reach * row[axis])
        || mean.iter().enumerate().any(|(at, mean)| {
            *mean == mean + 0.2 * sigma * distribution.variance(at).max(0.0).sqrt()
        })
}

fn median<'a>(values: impl Iterator<Item = &'a f64>) -> f64 {
    let mut values: Vec<f64> = values.copied().collect();
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}
