//! Tier 1: the genetic search over the whole parameter space.

use std::collections::BTreeMap;

use orchestrator_core::{
    Check, ParameterSpace, Parameters, Payload, Task, TaskError, TaskOutput, Worker, async_trait,
};
use orchestrator_ga::{GaOutput, GaRequest, GaWorker, StartPoint, batch_fn};
use serde::{Deserialize, Serialize};

use super::initialise::Initialised;
use super::learn::named;
use super::{Unit, terminal};
use crate::pipeline::fitness::{DataFitness, DataFitnessTerms};
use crate::pipeline::objective::Objective;
use crate::pipeline::workflow::step;

/// What the genetic search hands on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GaOptimization {
    /// The best parameters.
    pub optimized_params: Parameters,
    /// Their fitness.
    pub final_fitness: f64,
    /// What it is made of.
    pub fitness_terms: DataFitnessTerms,
    /// The best fitness of each generation.
    pub fitness_history: Vec<f64>,
    /// How different the individuals of each generation were.
    pub diversity_history: Vec<f64>,
    /// How often the fitness was evaluated.
    pub evaluations: u64,
    /// Points of earlier runs that the search started from.
    pub warm_starts: usize,
    /// Where the learning step goes on.
    pub region: ParameterSpace,
    /// Advice from measured diversity and stagnation.
    pub diagnosis: Vec<String>,
    /// The verification checklist.
    pub checks: Vec<Check>,
}

/// See the module.
pub(in crate::pipeline) struct SearchUnit(pub Unit);

#[async_trait]
impl Worker for SearchUnit {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let initialised: Initialised = task.context().output(step::INITIALISE)?;
        let fitness = DataFitness::of_features(&initialised.features);
        let space = initialised.space();
        let settings = self.0.context.settings;
        let objective = Objective::of(&self.0, &initialised)?;
        let mut warm_start = self.warm_start(&space);
        let warm_starts = warm_start.len();
        // Half of the first generation stays random.
        let room = (settings.population / 2).saturating_sub(warm_starts);
        let starts = objective.starts()?.into_iter().take(room);
        warm_start.extend(starts.map(|theta| StartPoint::Named(named(&space, &theta))));
        let request = GaRequest { warm_start, ..GaRequest::default() };
        let worker = GaWorker::new(
            space.clone(),
            settings.ga(),
            batch_fn(move |candidates| {
                let points = candidates.as_slice().chunks_exact(candidates.dimension());
                objective.values(&points.collect::<Vec<_>>())
            }),
        );
        let output = worker.execute(task.with_input(Payload::of(&request)?)).await?;
        let GaOutput { result, checks, diagnosis } = output.payload.to()?;
        let best = Parameters::from_vector(&space, &result.best).map_err(terminal("ga"))?;
        Ok(TaskOutput::of(&GaOptimization {
            fitness_terms: fitness.terms(&best).map_err(terminal("ga"))?,
            optimized_params: best,
            final_fitness: result.final_fitness,
            fitness_history: result.fitness_history,
            diversity_history: result.diversity_history,
            evaluations: result.evaluations,
            warm_starts,
            region: result.region,
            diagnosis,
            checks,
        })?)
    }
}

impl SearchUnit {
    /// The best points of earlier runs of this project, as far as they fit this space.
    fn warm_start(&self, space: &ParameterSpace) -> Vec<StartPoint> {
        let fits = |point: &BTreeMap<String, f64>| {
            let values: Option<Vec<f64>> =
                space.names().iter().map(|name| point.get(name).copied()).collect();
            point.len() == space.len() && values.is_some_and(|values| space.check(&values).is_ok())
        };
        let known = self.0.knowledge.best(&self.0.context.project);
        let points = known.iter().map(|best| &best.parameters).filter(|point| fits(point));
        points.cloned().map(StartPoint::Named).collect()
    }
}
