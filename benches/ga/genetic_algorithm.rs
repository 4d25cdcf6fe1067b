//! genetic_algorithm 0.28: one objective, whose fitness is a whole number.

use ::genetic_algorithm::strategy::evolve::prelude::*;

use super::task::Task;
use super::{CROSSOVER_RATE, DIMENSION, MUTATION_RATE, POPULATION, TOURNAMENT};

/// What one unit of its fitness is.
const UNIT: f64 = 1e-9;

#[derive(Clone, Debug)]
struct Cost(Task);

impl Fitness for Cost {
    type Genotype = RangeGenotype<f64>;

    fn calculate_for_chromosome(
        &mut self,
        chromosome: &FitnessChromosome<Self>,
        _: &FitnessGenotype<Self>,
    ) -> Option<FitnessValue> {
        fitness_score(self.0.cost(chromosome.genes.iter().copied()), UNIT)
    }
}

pub(crate) fn search(task: Task, generations: usize, seed: u64) -> f64 {
    let (min, max) = task.bounds();
    let genotype = RangeGenotype::<f64>::builder()
        .with_genes_size(DIMENSION)
        .with_allele_range(min..=max)
        // It has no normal step: uniform in ±1, whose deviation is near a half.
        .with_mutation_type(MutationType::Range(1.0))
        .build()
        .expect("a sound genotype");
    // It mutates up to so many genes of every child, twice the mean.
    let genes = (2.0 * MUTATION_RATE * DIMENSION as f64) as usize;
    let found = Evolve::builder()
        .with_genotype(genotype)
        .with_target_population_size(POPULATION)
        .with_max_generations(generations)
        .with_fitness(Cost(task))
        .with_fitness_ordering(FitnessOrdering::Minimize)
        .with_par_fitness(false)
        .with_mutate(MutateMultiGene::new(genes, 1.0))
        .with_crossover(CrossoverUniform::new(1.0, CROSSOVER_RATE as f32))
        .with_select(SelectTournament::new(0.98, 0.02, TOURNAMENT))
        .with_rng_seed_from_u64(seed)
        .call()
        .expect("nothing in it can fail");
    found.best_fitness_score().expect("it has evaluated") as f64 * UNIT
}
