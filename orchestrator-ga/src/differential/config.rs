//! The settings of differential evolution: a plain struct, checked when the method is made.

use serde::{Deserialize, Serialize};

use crate::error::GaError;
use crate::genetic::POPULATION_MAX;
use crate::stop::EVALUATIONS_MAX;

/// The smallest population that the mutation can draw four different members from.
pub(super) const POPULATION_MIN: usize = 4;
/// The most entries of the success history.
pub(super) const MEMORY_MAX: usize = 1_000;

/// The settings of differential evolution. [`De::new`](crate::De::new) checks them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeConfig {
    /// How many candidates the first generation has, at least 4.
    pub population: usize,
    /// How many the last one has, at least 4 and at most `population`; in between their number falls linearly with the
    /// evaluations. Tanabe and Fukunaga let it fall to 4.
    pub population_final: usize,
    /// Over how many evaluations the population shrinks, 1 to [`EVALUATIONS_MAX`]: the budget of the search. More evaluations
    /// than that go on with the smallest population.
    pub evaluations: u64,
    /// How many entries the history of successful F and CR has, 1 to 1,000. Five (Brest and others' jSO, 2017).
    pub memory: usize,
    /// Among which share of the best the leader of a mutation is drawn, in (0, 1]; never fewer than two.
    pub best_share: f64,
    /// How many replaced parents are remembered, as a multiple of the population (0 to 10); differences are drawn from them too.
    pub archive: f64,
}

impl DeConfig {
    /// The settings for so many evaluations in a space of this dimension.
    ///
    /// L-SHADE's own 18 candidates a dimension need some 10,000 evaluations a dimension. With fewer, a generation is kept to a
    /// fiftieth of the budget, so that differential evolution has generations enough to adapt its F and CR in.
    pub fn for_budget(dimension: usize, evaluations: u64) -> DeConfig {
        const OF_DIMENSION: usize = 18;
        const GENERATIONS: u64 = 50;
        const LEAST: usize = 10;
        let most = OF_DIMENSION.saturating_mul(dimension).clamp(LEAST, POPULATION_MAX);
        let afforded = usize::try_from(evaluations / GENERATIONS).unwrap_or(usize::MAX);
        DeConfig {
            population: afforded.clamp(LEAST, most),
            population_final: POPULATION_MIN,
            evaluations,
            memory: 5,
            best_share: 0.15,
            archive: 1.0,
        }
    }

    /// Whether a search can run with these settings.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), GaError> {
        let least = POPULATION_MIN as f64;
        let population = self.population as f64;
        let rows = [
            ("population", population, least, POPULATION_MAX as f64),
            ("population_final", self.population_final as f64, least, population),
            ("evaluations", self.evaluations as f64, 1.0, EVALUATIONS_MAX as f64),
            ("memory", self.memory as f64, 1.0, MEMORY_MAX as f64),
            ("best_share", self.best_share, f64::MIN_POSITIVE, 1.0),
            ("archive", self.archive, 0.0, 10.0),
        ];
        rows.into_iter().try_for_each(|(setting, value, min, max)| {
            GaError::check_setting(setting, value, min, max)
        })
    }
}

impl Default for DeConfig {
    /// For 10,000 evaluations in ten dimensions.
    fn default() -> Self {
        DeConfig::for_budget(10, 10_000)
    }
}
