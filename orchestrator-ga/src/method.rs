//! The methods of this crate under one name, for whoever chooses at run time.
//!
//! Who knows the method when the program is written uses its own type. A choice that comes from a file, a task or a person is a
//! [`Method`]; what it makes is one type, [`AnyOptimizer`], so that a search by it can be saved and loaded without knowing which it is.

use orchestrator_core::{ParameterSpace, Seed};
use serde::{Deserialize, Serialize};

use crate::auto::Auto;
use crate::batch::Batch;
use crate::cma::{CmaConfig, CmaEs};
use crate::cost::Costs;
use crate::differential::{De, DeConfig};
use crate::error::GaError;
use crate::genetic::{Ga, GaConfig};
use crate::optimizer::{Optimizer, Population};

/// A method with its settings.
///
/// ```
/// use orchestrator_core::{ParameterSpace, Seed};
/// use orchestrator_ga::{GaConfig, Method, Search, Stop};
///
/// let method = Method::Genetic(GaConfig::documents());
/// let optimizer = method.build(ParameterSpace::uniform(2, 0.0, 1.0)?, Seed(1))?;
/// let found = Search::new(optimizer, Stop::Evaluations(300))?.run(&|x: &[f64]| x[0] * x[1])?;
/// assert!(found.final_fitness > 0.9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Method {
    /// The genetic algorithm.
    Genetic(GaConfig),
    /// Differential evolution.
    Differential(DeConfig),
    /// Evolution by covariance, CMA-ES.
    CmaEs(CmaConfig),
    /// The others, picked and chained by the space and the budget.
    Auto {
        /// The budget that the search will have.
        evaluations: u64,
    },
}

/// The name of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MethodName {
    /// The genetic algorithm.
    Genetic,
    /// Differential evolution.
    Differential,
    /// Evolution by covariance, CMA-ES.
    CmaEs,
    /// The others, picked and chained by the space and the budget.
    Auto,
}

impl Method {
    /// Its name.
    pub fn name(&self) -> MethodName {
        match self {
            Method::Genetic(_) => MethodName::Genetic,
            Method::Differential(_) => MethodName::Differential,
            Method::CmaEs(_) => MethodName::CmaEs,
            Method::Auto { .. } => MethodName::Auto,
        }
    }

    /// The method over a space.
    ///
    /// # Errors
    /// When a setting is out of its range, or the method cannot search such a space.
    pub fn build(&self, space: ParameterSpace, seed: Seed) -> Result<AnyOptimizer, GaError> {
        match self {
            Method::Genetic(config) => Ga::new(space, config.clone(), seed)
                .map(|optimizer| AnyOptimizer::Genetic(Box::new(optimizer))),
            Method::CmaEs(config) => CmaEs::new(space, config.clone(), seed)
                .map(|optimizer| AnyOptimizer::CmaEs(Box::new(optimizer))),
            Method::Differential(config) => De::new(space, config.clone(), seed)
                .map(|optimizer| AnyOptimizer::Differential(Box::new(optimizer))),
            Method::Auto { evaluations } => Auto::new(space, *evaluations, seed)
                .map(|optimizer| AnyOptimizer::Auto(Box::new(optimizer))),
        }
    }
}

/// One of the methods of this crate. See [`Method`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AnyOptimizer {
    /// The genetic algorithm.
    Genetic(Box<Ga>),
    /// Differential evolution.
    Differential(Box<De>),
    /// Evolution by covariance.
    CmaEs(Box<CmaEs>),
    /// The others, picked and chained.
    Auto(Box<Auto>),
}

impl AnyOptimizer {
    fn inner(&self) -> &dyn Optimizer {
        match self {
            AnyOptimizer::Genetic(optimizer) => &**optimizer,
            AnyOptimizer::Differential(optimizer) => &**optimizer,
            AnyOptimizer::CmaEs(optimizer) => &**optimizer,
            AnyOptimizer::Auto(optimizer) => &**optimizer,
        }
    }

    fn inner_mut(&mut self) -> &mut dyn Optimizer {
        match self {
            AnyOptimizer::Genetic(optimizer) => &mut **optimizer,
            AnyOptimizer::Differential(optimizer) => &mut **optimizer,
            AnyOptimizer::CmaEs(optimizer) => &mut **optimizer,
            AnyOptimizer::Auto(optimizer) => &mut **optimizer,
        }
    }
}

impl Optimizer for AnyOptimizer {
    fn space(&self) -> &ParameterSpace {
        self.inner().space()
    }
    fn seed(&self) -> Seed {
        self.inner().seed()
    }
    fn objectives(&self) -> usize {
        self.inner().objectives()
    }
    fn ask(&mut self, batch: &mut Batch) {
        self.inner_mut().ask(batch);
    }
    fn start_from(&mut self, points: &[Vec<f64>], batch: &mut Batch) {
        self.inner_mut().start_from(points, batch);
    }
    fn tell(&mut self, batch: &mut Batch, costs: &mut Costs) {
        self.inner_mut().tell(batch, costs);
    }
    fn population(&self) -> Population<'_> {
        self.inner().population()
    }
    fn warm_starts(&self) -> usize {
        self.inner().warm_starts()
    }
    fn converged(&self) -> bool {
        self.inner().converged()
    }
}
