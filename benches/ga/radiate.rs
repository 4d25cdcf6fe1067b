//! radiate 1.3, serially. Its scores are f32.

use ::radiate::prelude::*;

use super::task::{Task, hypervolume, zdt1};
use super::{CROSSOVER_RATE, DIMENSION, MUTATION_RATE, POPULATION, TOURNAMENT};

pub(crate) fn search(task: Task, generations: usize, seed: u64) -> f64 {
    random_provider::scoped_seed(seed, || {
        if task == Task::Zdt1 {
            return pareto(generations);
        }
        let (min, max) = task.bounds();
        let engine = GeneticEngine::builder()
            .codec(FloatCodec::<f64, _>::vector(DIMENSION, min..max))
            .minimizing()
            .population_size(POPULATION)
            .offspring_fraction(0.98)
            .executor(Executor::Serial)
            .offspring_selector(TournamentSelector::new(TOURNAMENT))
            .survivor_selector(EliteSelector::new())
            .alter(alters![
                UniformCrossover::new(CROSSOVER_RATE),
                GaussianMutator::new(MUTATION_RATE)
            ])
            .fitness_fn(move |x: Vec<f64>| task.cost(x.into_iter()) as f32)
            .build();
        let last = engine.iter().take(generations).last().expect("at least one generation");
        f64::from(last.score().as_f32())
    })
}

fn pareto(generations: usize) -> f64 {
    let engine = GeneticEngine::builder()
        .codec(FloatCodec::<f64, _>::vector(DIMENSION, 0.0..1.0))
        .population_size(POPULATION)
        .multi_objective(vec![Optimize::Minimize, Optimize::Minimize])
        .front_size(90..110)
        .executor(Executor::Serial)
        .offspring_selector(TournamentNSGA2Selector::new())
        .survivor_selector(NSGA2Selector::new())
        .offspring_fraction(0.5)
        .alter(alters![
            SimulatedBinaryCrossover::new(0.9, 15.0),
            PolynomialMutator::new(1.0 / DIMENSION as f64, 20.0)
        ])
        .fitness_fn(|x: Vec<f64>| zdt1(x.into_iter()).to_vec())
        .build();
    let last = engine.iter().take(generations).last().expect("at least one generation");
    hypervolume(last.population().iter().filter_map(|one| {
        let score = one.score()?;
        let values = score.as_slice();
        Some([f64::from(values[0]), f64::from(values[1])])
    }))
}
