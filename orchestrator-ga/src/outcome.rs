//! What a search found, and where a finer method should go on.

use std::collections::BTreeMap;

use orchestrator_core::{Bounds, ParameterSpace};
use serde::{Deserialize, Serialize};

use crate::optimizer::Population;
use crate::stop::StopReason;

/// The least width of the region worth refining, as a share of each parameter's width. A population that has collapsed would
/// otherwise leave nothing to refine.
pub const REGION_SHARE_MIN: f64 = 0.1;

/// What a search found. It serialises with the documents' keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchResult {
    /// The best point, by name.
    pub optimized_params: BTreeMap<String, f64>,
    /// The best point, in the order of the space.
    pub best: Vec<f64>,
    /// Its fitness.
    pub final_fitness: f64,
    /// The best fitness of each generation, the start population first; thinned as [`History`](crate::History) is.
    pub fitness_history: Vec<f64>,
    /// The mean fitness of each generation, over those that have one.
    pub mean_history: Vec<f64>,
    /// How different the candidates of each generation were: 0 (all one) to 0.5.
    pub diversity_history: Vec<f64>,
    /// How often the fitness was evaluated.
    pub evaluations: u64,
    /// How many of these evaluations failed or were not finite.
    pub failures: u64,
    /// How many of the candidates broke a constraint.
    #[serde(default)]
    pub infeasible: u64,
    /// How many evaluations there had been at the last improvement.
    #[serde(default)]
    pub improved_at: u64,
    /// Why the search ended.
    pub stop: StopReason,
    /// For how many generations there has been no improvement.
    pub stagnant_generations: u32,
    /// How many points of the start population were given.
    pub warm_starts: usize,
    /// Where a finer method should go on: the part of the space that holds the best point and the best quarter of the last
    /// generation, each real or integer parameter at least [`REGION_SHARE_MIN`] of its width (less only at a bound). The others stay whole.
    pub region: ParameterSpace,
}

/// See [`SearchResult::region`].
pub(crate) fn region_around(
    best: &[f64],
    population: Population<'_>,
    space: &ParameterSpace,
) -> ParameterSpace {
    let Population { points, costs } = population;
    let mut places = Vec::new();
    costs.ranking(&mut places);
    places.retain(|&at| costs.cost(at).is_known());
    places.truncate(costs.len().div_ceil(4));
    let parts = space.bounds().iter().enumerate().map(|(at, bounds)| {
        let reach = 0.5 * REGION_SHARE_MIN * bounds.width();
        let (low, high) = places
            .iter()
            .map(|&candidate| points.point(candidate)[at])
            .fold((best[at] - reach, best[at] + reach), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        Bounds { min: low, max: high }
    });
    space
        .narrowed(&parts.collect::<Vec<_>>())
        .expect("every part holds the best point, which is in the space")
}
