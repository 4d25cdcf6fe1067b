//! What a task may ask of a search worker, and the search that this comes to.

use std::collections::BTreeMap;

use orchestrator_core::{ParameterSpace, Task, TaskError};
use serde::{Deserialize, Serialize};

use crate::cma::CmaConfig;
use crate::differential::DeConfig;
use crate::genetic::{Crossover, GENERATIONS_MAX, GaConfig, Mutation, Selection};
use crate::method::{AnyOptimizer, Method, MethodName};
use crate::search::Search;
use crate::stop::Stop;

/// The budget of a method that has none in its settings, when a task says nothing: what the documents' preset of the genetic algorithm
/// spends at most.
const UNASKED_EVALUATIONS: u64 = 20 * 31;

/// A point to start from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum StartPoint {
    /// A value for every name of the space, as an earlier result's `optimized_params` has them.
    Named(BTreeMap<String, f64>),
    /// The values in the order of the space.
    Vector(Vec<f64>),
}

/// What a task may ask of a [`GaWorker`](crate::GaWorker). Everything is optional; what is left out is as the worker was made. Unknown
/// keys are refused, so that a misspelt one is not silently ignored, and so is a setting of the genetic algorithm for another method.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GaRequest {
    /// By which method, with its own default settings if it is not the worker's.
    pub method: Option<MethodName>,
    /// Ends the search after so many evaluations. Without `generations` beside it, the genetic algorithm spreads its decaying step
    /// over as many generations as these pay for.
    pub evaluations: Option<u64>,
    /// Overrides [`GaConfig::generations`]; ends the search of another method after so many generations.
    pub generations: Option<u32>,
    /// Overrides [`GaConfig::population`], [`DeConfig::population`] and [`CmaConfig::population`].
    pub population: Option<usize>,
    /// Overrides [`GaConfig::selection`] by a tournament of so many.
    pub tournament: Option<usize>,
    /// Overrides [`GaConfig::selection`].
    pub selection: Option<Selection>,
    /// Overrides [`GaConfig::crossover_rate`].
    pub crossover_rate: Option<f64>,
    /// Overrides [`GaConfig::crossover`].
    pub crossover: Option<Crossover>,
    /// Overrides [`GaConfig::mutation_rate`].
    pub mutation_rate: Option<f64>,
    /// Overrides [`GaConfig::mutation`].
    pub mutation: Option<Mutation>,
    /// Overrides [`GaConfig::elites`].
    pub elites: Option<usize>,
    /// Ends the search at this fitness.
    pub target: Option<f64>,
    /// Ends the search after so many generations without improvement.
    pub stagnation: Option<u32>,
    /// Points of the start population, from earlier runs say, the best first.
    pub warm_start: Vec<StartPoint>,
}

/// A search, and the settings of the genetic algorithm if it is one.
pub(super) struct Plan {
    pub(super) search: Search<AnyOptimizer>,
    pub(super) config: Option<GaConfig>,
}

impl Plan {
    /// The search that a task asks for.
    pub(super) fn of(
        task: &Task,
        space: &ParameterSpace,
        method: &Method,
    ) -> Result<Plan, TaskError> {
        let request = match task.input() {
            input if input.is_null() => GaRequest::default(),
            input => input.to::<GaRequest>()?,
        };
        let method = request.method(method, space)?;
        let stop = request.stop(&method);
        let optimizer = method.build(space.clone(), task.seed());
        let mut search =
            optimizer.and_then(|optimizer| Search::new(optimizer, stop)).map_err(refused)?;
        let points = request.warm_start.into_iter().map(|point| vector(point, space));
        let points: Vec<Vec<f64>> = points.collect::<Result<_, _>>()?;
        search.start_from(&points).map_err(refused)?;
        let config = match method {
            Method::Genetic(config) => Some(config),
            Method::Differential(_) | Method::CmaEs(_) | Method::Auto { .. } => None,
        };
        Ok(Plan { search, config })
    }
}

impl GaRequest {
    /// The worker's method, or another in its defaults, with what the request overrides.
    fn method(&self, own: &Method, space: &ParameterSpace) -> Result<Method, TaskError> {
        let name = self.method.unwrap_or(own.name());
        if name != MethodName::Genetic
            && let Some(setting) = self.genetic_setting()
        {
            return Err(refused(format!("{setting} is a setting of the genetic algorithm alone")));
        }
        if self.tournament.is_some() && self.selection.is_some() {
            return Err(refused(
                "tournament and selection are both given, and contradict each other",
            ));
        }
        if name == MethodName::Auto && self.population.is_some() {
            return Err(refused("population is no setting of auto, which finds its own"));
        }
        Ok(match (name, own) {
            (MethodName::Genetic, Method::Genetic(own)) => Method::Genetic(self.genetic(own)),
            (MethodName::Genetic, _) => Method::Genetic(self.genetic(&GaConfig::documents())),
            (MethodName::Differential, Method::Differential(own)) => {
                Method::Differential(self.differential(own))
            }
            (MethodName::Differential, _) => {
                let evaluations = self.evaluations.unwrap_or(UNASKED_EVALUATIONS);
                let own = DeConfig::for_budget(space.len(), evaluations);
                Method::Differential(self.differential(&own))
            }
            (MethodName::CmaEs, Method::CmaEs(own)) => Method::CmaEs(self.cma_es(own)),
            (MethodName::CmaEs, _) => Method::CmaEs(self.cma_es(&CmaConfig::default())),
            (MethodName::Auto, Method::Auto { evaluations }) => {
                Method::Auto { evaluations: self.evaluations.unwrap_or(*evaluations) }
            }
            (MethodName::Auto, _) => {
                Method::Auto { evaluations: self.evaluations.unwrap_or(UNASKED_EVALUATIONS) }
            }
        })
    }

    /// A setting that only the genetic algorithm has, if there is one.
    fn genetic_setting(&self) -> Option<&'static str> {
        let settings = [
            ("tournament", self.tournament.is_some()),
            ("selection", self.selection.is_some()),
            ("crossover_rate", self.crossover_rate.is_some()),
            ("crossover", self.crossover.is_some()),
            ("mutation_rate", self.mutation_rate.is_some()),
            ("mutation", self.mutation.is_some()),
            ("elites", self.elites.is_some()),
        ];
        settings.into_iter().find(|(_, is_given)| *is_given).map(|(setting, _)| setting)
    }

    fn cma_es(&self, own: &CmaConfig) -> CmaConfig {
        CmaConfig { population: self.population.or(own.population), ..own.clone() }
    }

    fn differential(&self, own: &DeConfig) -> DeConfig {
        DeConfig {
            population: self.population.unwrap_or(own.population),
            evaluations: self.evaluations.unwrap_or(own.evaluations),
            ..own.clone()
        }
    }

    fn genetic(&self, own: &GaConfig) -> GaConfig {
        let population = self.population.unwrap_or(own.population);
        let paid_for = self.evaluations.map(|evaluations| {
            let batches = evaluations.div_ceil(population.max(1) as u64);
            let most = u64::from(GENERATIONS_MAX);
            u32::try_from(batches.saturating_sub(1).clamp(1, most)).unwrap_or(GENERATIONS_MAX)
        });
        GaConfig {
            generations: self.generations.or(paid_for).unwrap_or(own.generations),
            population,
            selection: self.tournament.map_or(self.selection.unwrap_or(own.selection), |size| {
                Selection::Tournament { size }
            }),
            crossover_rate: self.crossover_rate.unwrap_or(own.crossover_rate),
            crossover: self.crossover.unwrap_or(own.crossover),
            mutation_rate: self.mutation_rate.unwrap_or(own.mutation_rate),
            mutation: self.mutation.unwrap_or(own.mutation),
            elites: self.elites.unwrap_or(own.elites),
            ..own.clone()
        }
    }

    fn stop(&self, method: &Method) -> Stop {
        let evaluations = self.evaluations.or(match method {
            // Its own bound, its generations, follows.
            Method::Genetic(_) => None,
            Method::Differential(config) => Some(config.evaluations),
            Method::CmaEs(_) => self.generations.is_none().then_some(UNASKED_EVALUATIONS),
            Method::Auto { evaluations } => Some(*evaluations),
        });
        let generations = self.generations.or(match method {
            Method::Genetic(config) if evaluations.is_none() => Some(config.generations),
            Method::Genetic(_)
            | Method::Differential(_)
            | Method::CmaEs(_)
            | Method::Auto { .. } => None,
        });
        let bounds = [evaluations.map(Stop::Evaluations), generations.map(Stop::Generations)];
        let rules = [self.target.map(Stop::Target), self.stagnation.map(Stop::Stagnation)];
        match bounds.into_iter().chain(rules).flatten().reduce(Stop::or) {
            Some(stop) => stop,
            None => Stop::Evaluations(UNASKED_EVALUATIONS),
        }
    }
}

/// A start point in the order of the space.
fn vector(point: StartPoint, space: &ParameterSpace) -> Result<Vec<f64>, TaskError> {
    match point {
        StartPoint::Vector(values) => Ok(values),
        StartPoint::Named(mut values) => {
            let point = space.names().iter().map(|name| {
                values
                    .remove(name)
                    .ok_or_else(|| refused(format!("a warm start has no value for {name:?}")))
            });
            let point = point.collect::<Result<_, _>>()?;
            match values.keys().next() {
                None => Ok(point),
                Some(name) => Err(refused(format!(
                    "a warm start has a value for {name:?}, which the space has not"
                ))),
            }
        }
    }
}

fn refused(error: impl ToString) -> TaskError {
    TaskError::terminal("ga_settings", error.to_string())
}
