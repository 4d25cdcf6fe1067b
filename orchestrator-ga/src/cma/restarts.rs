//! What runs follow one another.

use orchestrator_core::FastStream;
use serde::{Deserialize, Serialize};

use super::config::{CmaConfig, Restarts};
use crate::genetic::POPULATION_MAX;

/// A population doubles at most so often.
const DOUBLINGS_MAX: u32 = 10;

/// One run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) population: usize,
    /// Its first deviation.
    pub(super) step: f64,
    /// After so many evaluations it is over.
    pub(super) evaluations_max: Option<u64>,
    regime: Regime,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Regime {
    Large,
    Small,
}

/// The runs so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Schedule {
    /// The population of the first run.
    first: usize,
    restarts: u32,
    doublings: u32,
    /// How many evaluations the runs with large populations took, the first among them.
    large: u64,
    /// How many the runs with small ones took.
    small: u64,
    /// How many the last run with a large one took.
    last_large: u64,
}

impl Schedule {
    /// The schedule, and its first run.
    pub(super) fn new(config: &CmaConfig, dimension: usize) -> (Schedule, Plan) {
        let first = config.population_for(dimension);
        let plan = Plan {
            population: first,
            step: config.step,
            evaluations_max: None,
            regime: Regime::Large,
        };
        (Schedule { first, restarts: 0, doublings: 0, large: 0, small: 0, last_large: 0 }, plan)
    }

    /// Whether these can be of such a method.
    pub(super) fn is_sound(&self, plan: &Plan, config: &CmaConfig, dimension: usize) -> bool {
        self.first == config.population_for(dimension)
            && self.doublings <= DOUBLINGS_MAX
            && (4..=POPULATION_MAX).contains(&plan.population)
            && plan.step > 0.0
            && plan.step <= 1.0
    }

    /// The run that follows one which took so many evaluations.
    pub(super) fn next(
        &mut self,
        config: &CmaConfig,
        plan: &Plan,
        evaluations: u64,
        stream: &mut FastStream,
    ) -> Option<Plan> {
        match plan.regime {
            Regime::Large => {
                self.large += evaluations;
                self.last_large = evaluations;
            }
            Regime::Small => self.small += evaluations,
        }
        if self.restarts >= config.restarts_max {
            return None;
        }
        self.restarts = self.restarts.saturating_add(1);
        match config.restarts {
            Restarts::None => None,
            Restarts::Bipop if self.small < self.large => Some(self.small_run(config, stream)),
            Restarts::Ipop | Restarts::Bipop => {
                self.doublings = (self.doublings + 1).min(DOUBLINGS_MAX);
                Some(Plan {
                    population: self.doubled(),
                    step: config.step,
                    evaluations_max: None,
                    regime: Regime::Large,
                })
            }
        }
    }

    fn doubled(&self) -> usize {
        (self.first << self.doublings).min(POPULATION_MAX.max(self.first))
    }

    /// λ = ⌊λ₀ (λ_large / 2 λ₀)^(U²)⌋ and σ = σ₀ 10^(-2 U'), for at most half of what the last large run took.
    fn small_run(&self, config: &CmaConfig, stream: &mut FastStream) -> Plan {
        let ratio = (0.5 * self.doubled() as f64 / self.first as f64).max(1.0);
        let population = self.first as f64 * ratio.powf(stream.unit().powi(2));
        Plan {
            population: (population as usize).clamp(4, POPULATION_MAX),
            step: config.step * 10.0_f64.powf(-2.0 * stream.unit()),
            evaluations_max: Some(self.last_large.div_ceil(2)),
            regime: Regime::Small,
        }
    }
}
