//! The settings of CMA-ES: a plain struct with Hansen's defaults, checked when it is made.

use serde::{Deserialize, Serialize};

use crate::error::GaError;
use crate::genetic::POPULATION_MAX;

/// The most free parameters of CMA-ES: its state grows with their square and its decompositions with their cube.
pub const CMA_DIMENSION_MAX: usize = 1000;
/// The most restarts that may be allowed.
pub const RESTARTS_MAX: u32 = 10_000;

/// What follows when a run has converged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Restarts {
    /// Nothing: the method has converged.
    None,
    /// A run from a random point with twice the population (Auger and Hansen, "A restart CMA evolution strategy with increasing
    /// population size", 2005).
    Ipop,
    /// Runs with ever larger populations, and as many evaluations in short runs with small populations and steps (Hansen,
    /// "Benchmarking a BI-population CMA-ES on the BBOB-2009 function testbed", 2009).
    Bipop,
}

/// What is evaluated beside the candidates of the distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Surrogate {
    /// Nothing: the order of the costs alone counts, and a candidate takes about a microsecond in 10 dimensions.
    None,
    /// Between the generations, the least point of a quadratic fitted to the points near the best, one candidate at a time
    /// while that helps. A quadratic function is solved within about (n + 1)(n + 2) / 2 evaluations. In more than 20 dimensions
    /// it is not used. A step takes a fraction of a millisecond in 10 dimensions and several milliseconds in 20.
    Quadratic,
}

/// The settings of CMA-ES. [`CmaEs::new`](crate::CmaEs::new) checks them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CmaConfig {
    /// How many candidates a generation has (λ), at least 4. None is 4 + ⌊3 ln n⌋, Hansen's default: enough for a smooth
    /// function, and restarts enlarge it for a rugged one.
    pub population: Option<usize>,
    /// The first deviation of a candidate from the mean (σ), as a share of each parameter's width, above 0 and at most 1. At
    /// 0.25 the bounds lie two deviations from the middle, so that few candidates are folded back and the whole space is within
    /// reach.
    pub step: f64,
    /// Where the first run starts; None is the middle of the space, which is nowhere far from the optimum. Later runs start at
    /// random points.
    pub mean: Option<Vec<f64>>,
    /// What follows when a run has converged.
    pub restarts: Restarts,
    /// How many runs may follow the first, at most [`RESTARTS_MAX`]. Populations stop doubling at 1,024 times the first.
    pub restarts_max: u32,
    /// What is evaluated beside the candidates of the distribution. With the quadratic model, in 10 dimensions and 1,000
    /// evaluations, the medians of all six functions that were measured (turned or not) are better; on Rosenbrock's function
    /// somewhat more runs end away from the optimum.
    pub surrogate: Surrogate,
}

impl CmaConfig {
    /// Whether a search can run with these settings; the mean is checked against the space later.
    ///
    /// # Errors
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), GaError> {
        let rows = [
            ("population", self.population.unwrap_or(4) as f64, 4.0, POPULATION_MAX as f64),
            ("step", self.step, STEP_MIN, 1.0),
            ("restarts_max", f64::from(self.restarts_max), 0.0, f64::from(RESTARTS_MAX)),
        ];
        rows.into_iter().try_for_each(|(setting, value, min, max)| {
            GaError::check_setting(setting, value, min, max)
        })
    }

    /// The population of the first run over so many free parameters.
    pub(super) fn population_for(&self, dimension: usize) -> usize {
        self.population.unwrap_or(4 + (3.0 * (dimension as f64).ln()) as usize)
    }
}

/// A smaller step is below what a double resolves of the width.
const STEP_MIN: f64 = 1e-15;

impl Default for CmaConfig {
    fn default() -> Self {
        CmaConfig {
            population: None,
            step: 0.25,
            mean: None,
            restarts: Restarts::Bipop,
            restarts_max: 100,
            surrogate: Surrogate::Quadratic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(config: CmaConfig, setting: &str) {
        let message = config.check().unwrap_err().to_string();
        assert!(message.starts_with(setting), "{message}");
    }

    #[test]
    fn a_setting_out_of_range_is_named() {
        assert!(CmaConfig::default().check().is_ok());
        refused(CmaConfig { population: Some(3), ..CmaConfig::default() }, "population");
        refused(CmaConfig { step: 0.0, ..CmaConfig::default() }, "step");
        refused(CmaConfig { step: f64::NAN, ..CmaConfig::default() }, "step");
        refused(CmaConfig { restarts_max: u32::MAX, ..CmaConfig::default() }, "restarts_max");
    }

    #[test]
    fn the_population_is_hansens() {
        let sizes = [1, 2, 10, 40, 100].map(|n| CmaConfig::default().population_for(n));
        assert_eq!(sizes, [4, 6, 10, 15, 17]);
    }
}
