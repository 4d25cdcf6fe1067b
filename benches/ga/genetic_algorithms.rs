//! genetic_algorithms 2.4, on one thread.

use ::genetic_algorithms::chromosomes::Range as Chromosome;
use ::genetic_algorithms::configuration::{GaConfiguration, ProblemSolving};
use ::genetic_algorithms::ga::Ga;
use ::genetic_algorithms::genotypes::Range as Gene;
use ::genetic_algorithms::initializers::range_random_initialization;
use ::genetic_algorithms::nsga2::Nsga2Ga;
use ::genetic_algorithms::nsga2::configuration::{Nsga2Configuration, ObjectiveDirection};
use ::genetic_algorithms::operations::{Crossover, Mutation, Selection, Survivor};
use ::genetic_algorithms::traits::{
    ConfigurationT, CrossoverConfig, MutationConfig, SelectionConfig, StoppingConfig,
};

use super::task::{Task, hypervolume, zdt1};
use super::{CROSSOVER_RATE, DIMENSION, MUTATION_RATE, POPULATION};

pub(crate) fn search(task: Task, generations: usize, seed: u64) -> f64 {
    let alleles = vec![Gene::new(0, vec![task.bounds()], 0.0_f64)];
    if task == Task::Zdt1 {
        return pareto(alleles, generations, seed);
    }
    let mut search: Ga<Chromosome<f64>> = Ga::new()
        .with_genes_per_chromosome(DIMENSION)
        .with_population_size(POPULATION)
        .with_threads(1)
        .with_rng_seed(seed)
        .with_initialization_fn(move |count, _, _| {
            range_random_initialization(count, Some(&alleles), Some(false))
        })
        .with_fitness_fn(move |genes: &[Gene<f64>]| task.cost(genes.iter().map(|g| g.value)))
        .with_selection_method(Selection::Tournament)
        .with_crossover_method(Crossover::Uniform)
        .with_mutation_method(Mutation::Gaussian)
        .with_survivor_method(Survivor::Fitness)
        .with_crossover_probability_max(CROSSOVER_RATE)
        .with_mutation_probability_max(MUTATION_RATE)
        .with_problem_solving(ProblemSolving::Minimization)
        .with_max_generations(generations)
        .build()
        .expect("a sound configuration");
    search.run().expect("nothing in it can fail").best_chromosome.fitness
}

fn pareto(alleles: Vec<Gene<f64>>, generations: usize, seed: u64) -> f64 {
    ::genetic_algorithms::rng::set_seed(Some(seed));
    let objectives = Nsga2Configuration::new()
        .with_num_objectives(2)
        .with_population_size(POPULATION)
        .with_max_generations(generations)
        .with_objective_directions(vec![ObjectiveDirection::Minimize; 2]);
    let mut configuration = GaConfiguration::default();
    configuration.limit_configuration.genes_per_chromosome = DIMENSION;
    configuration.limit_configuration.alleles_can_be_repeated = true;
    let first = alleles.clone();
    let mut search = Nsga2Ga::<Chromosome<f64>>::new(objectives, configuration)
        .with_alleles(alleles)
        .with_initialization_fn(move |count, _, _| {
            range_random_initialization(count, Some(&first), Some(true))
        })
        .with_objective_fns(vec![
            Box::new(|genes: &[Gene<f64>]| genes[0].value),
            Box::new(|genes: &[Gene<f64>]| zdt1(genes.iter().map(|g| g.value))[1]),
        ])
        .build()
        .expect("a sound configuration");
    let front = search.run().expect("nothing in it can fail");
    hypervolume(front.individuals.iter().map(|one| [one.objectives[0], one.objectives[1]]))
}
