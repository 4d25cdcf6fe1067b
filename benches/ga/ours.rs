//! Ours: a whole `Search`, with its history, its counts and its rules, as a user runs it.

use orchestrator_ai::core::{ParameterSpace, Seed};
use orchestrator_ai::ga::pareto::{Nsga2, Nsga2Config, Objectives, ParetoSearch};
use orchestrator_ai::ga::{Crossover, Ga, GaConfig, Mutation, Search, Selection, Stop};

use super::task::{Task, hypervolume, rastrigin, sphere, zdt1};
use super::{CROSSOVER_RATE, DIMENSION, MUTATION_RATE, MUTATION_STEP, POPULATION, TOURNAMENT};
use crate::cpu_time;

/// The size of a search.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// How many candidates a generation has.
    pub population: usize,
    /// How many parameters a candidate has.
    pub dimension: usize,
}

const MATCHED: Shape = Shape { population: POPULATION, dimension: DIMENSION };

pub(crate) fn search(task: Task, generations: usize, seed: u64) -> f64 {
    if task == Task::Zdt1 {
        return pareto(generations, seed);
    }
    let mut search = matched(MATCHED, generations, seed);
    let found = match task {
        Task::Sphere => search.run(&|x: &[f64]| -sphere(x.iter().copied())),
        Task::Rastrigin => search.run(&|x: &[f64]| -rastrigin(x.iter().copied())),
        Task::Zdt1 => unreachable!("two objectives"),
    };
    -found.expect("nothing in it can fail").final_fitness
}

/// NSGA-II, in its preset; gives the hypervolume.
fn pareto(generations: usize, seed: u64) -> f64 {
    let space = ParameterSpace::uniform(DIMENSION, 0.0, 1.0).expect("a sound space");
    let config = Nsga2Config { population: POPULATION, ..Nsga2Config::default() };
    let method = Nsga2::new(space, 2, config, Seed(seed)).expect("a sound configuration");
    let objectives = Objectives::minimize(["f1", "f2"]).expect("the names differ");
    let stop = Stop::Evaluations((generations * POPULATION) as u64);
    let mut search = ParetoSearch::new(method, objectives, stop).expect("a rule that ends");
    let found = search.run(&|x: &[f64], values: &mut [f64]| {
        values.copy_from_slice(&zdt1(x.iter().copied()));
    });
    let front = found.expect("nothing in it can fail").front;
    hypervolume(front.iter().map(|one| [one.values[0], one.values[1]]))
}

/// A search with the operators that all contenders have.
fn matched(shape: Shape, generations: usize, seed: u64) -> Search<Ga> {
    let (min, max) = Task::Sphere.bounds();
    let step = MUTATION_STEP / (max - min);
    let generations = u32::try_from(generations).expect("thousands");
    let config = GaConfig {
        population: shape.population,
        generations,
        selection: Selection::Tournament { size: TOURNAMENT },
        crossover: Crossover::Uniform,
        crossover_rate: CROSSOVER_RATE,
        mutation_rate: MUTATION_RATE,
        mutation: Mutation::Gaussian { step, final_step: step },
        elites: 1,
        ..GaConfig::documents()
    };
    let space = ParameterSpace::uniform(shape.dimension, min, max).expect("a sound space");
    let ga = Ga::new(space, config, Seed(seed)).expect("a sound configuration");
    Search::new(ga, Stop::Generations(generations)).expect("a rule that ends")
}

/// The processor time of a generation of another shape on the sphere, in microseconds: the median of several runs.
pub fn microseconds_a_generation(shape: Shape, generations: usize, rounds: usize) -> f64 {
    let mut samples = Vec::new();
    for seed in 0..=rounds as u64 {
        let mut search = matched(shape, generations, seed);
        let began = cpu_time();
        search.run(&|x: &[f64]| -sphere(x.iter().copied())).expect("nothing in it can fail");
        let took = cpu_time().saturating_sub(began);
        samples.push(took.as_nanos() as f64 / 1e3 / generations as f64);
    }
    super::rounds::median(&samples[1..])
}
