//! moors 0.2. It has no tournament and no uniform crossover: selection by rank and SBX stand for them.

use ::moors::selection::soo::RankSelection;
use ::moors::survival::soo::FitnessSurvival;
use ::moors::{
    AlgorithmBuilder, GaussianMutation, NoDuplicatesCleaner, Nsga2Builder, RandomSamplingFloat,
    SimulatedBinaryCrossover, impl_constraints_fn,
};
use ndarray::{Array1, Array2, Axis};

use super::task::{Task, hypervolume, zdt1};
use super::{CROSSOVER_RATE, DIMENSION, MUTATION_RATE, MUTATION_STEP, POPULATION};

impl_constraints_fn!(Wide, lower_bound = -5.12, upper_bound = 5.12);
impl_constraints_fn!(Unit, lower_bound = 0.0, upper_bound = 1.0);

pub(crate) fn search(task: Task, generations: usize, seed: u64) -> f64 {
    if task == Task::Zdt1 {
        return pareto(generations, seed);
    }
    let (min, max) = task.bounds();
    let mut search = AlgorithmBuilder::default()
        .sampler(RandomSamplingFloat::new(min, max))
        .crossover(SimulatedBinaryCrossover::new(15.0))
        .mutation(GaussianMutation::new(MUTATION_RATE, MUTATION_STEP))
        .selector(RankSelection)
        .survivor(FitnessSurvival)
        .duplicates_cleaner(NoDuplicatesCleaner)
        .fitness_fn(move |points: &Array2<f64>| -> Array1<f64> {
            points.map_axis(Axis(1), |point| task.cost(point.iter().copied()))
        })
        .constraints_fn(Wide)
        .num_vars(DIMENSION)
        .population_size(POPULATION)
        .num_offsprings(POPULATION)
        .num_iterations(generations)
        .mutation_rate(1.0)
        .crossover_rate(CROSSOVER_RATE)
        .keep_infeasible(false)
        .verbose(false)
        .seed(seed)
        .build()
        .expect("a sound configuration");
    search.run().expect("nothing in it can fail");
    let population = search.population.expect("it has run");
    population.fitness.iter().copied().fold(f64::INFINITY, f64::min)
}

fn pareto(generations: usize, seed: u64) -> f64 {
    let objectives = |points: &Array2<f64>| {
        let mut costs = Array2::zeros((points.nrows(), 2));
        for (point, mut cost) in points.axis_iter(Axis(0)).zip(costs.axis_iter_mut(Axis(0))) {
            [cost[0], cost[1]] = zdt1(point.iter().copied());
        }
        costs
    };
    let mut search = Nsga2Builder::default()
        .sampler(RandomSamplingFloat::new(0.0, 1.0))
        .crossover(SimulatedBinaryCrossover::new(15.0))
        .mutation(GaussianMutation::new(1.0 / DIMENSION as f64, 0.1))
        .duplicates_cleaner(NoDuplicatesCleaner)
        .fitness_fn(objectives)
        .constraints_fn(Unit)
        .num_vars(DIMENSION)
        .population_size(POPULATION)
        .num_offsprings(POPULATION)
        .num_iterations(generations)
        .mutation_rate(1.0)
        .crossover_rate(0.9)
        .keep_infeasible(false)
        .verbose(false)
        .seed(seed)
        .build()
        .expect("a sound configuration");
    search.run().expect("nothing in it can fail");
    let population = search.population.expect("it has run");
    hypervolume(population.fitness.axis_iter(Axis(0)).map(|row| [row[0], row[1]]))
}
