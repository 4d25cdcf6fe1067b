//! A search finds what there is to find, inside its bounds, and says where to go on.

mod support;

use orchestrator_core::{Parameters, Seed};
use orchestrator_ga::{
    DocumentFitness, Ga, GaConfig, Mutation, REGION_SHARE_MIN, Selection, verify,
};
use proptest::prelude::*;
use support::{search, sphere};

#[test]
fn the_documents_preset_comes_near_the_documents_optimum_on_every_seed() {
    let space = Parameters::space(
        ["complexity", "nulls", "size", "types", "duplicates"],
        ["layer_0", "layer_1", "layer_2"],
    );
    let fitness = DocumentFitness { desired_complexity: 0.7 }.over(&space).unwrap();
    for seed in 0..20 {
        let mut ga = Ga::search(space.clone(), GaConfig::documents(), Seed(seed)).unwrap();
        let result = ga.run(&fitness).unwrap();
        assert!(result.final_fitness > 2.85, "seed {seed}: {}", result.final_fitness);
        assert!(result.final_fitness <= DocumentFitness::OPTIMUM);
        let failed: Vec<_> = verify(&result, &space).into_iter().filter(|c| !c.passed).collect();
        assert!(failed.is_empty(), "seed {seed}: {failed:?}");
        assert_eq!(verify(&result, &space).len(), 5);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn bounds_are_kept_the_best_is_never_lost_and_the_region_holds_it(
        seed: u64, population in 2..12_usize, mutation in 0.0..1.0_f64, crossover in 0.0..1.0_f64,
    ) {
        let config = GaConfig {
            population, generations: 8, mutation_rate: mutation, crossover_rate: crossover,
            selection: Selection::Tournament { size: 2 },
            mutation: Mutation::Gaussian { step: 0.8, final_step: 0.5 }, ..GaConfig::default()
        };
        let mut ga = search(config, seed);
        while !ga.finished() {
            for candidate in ga.ask() {
                prop_assert!(ga.space().check(candidate.point).is_ok());
            }
            ga.step(&sphere).unwrap();
        }
        let result = ga.result().unwrap();
        prop_assert!(result.fitness_history.windows(2).all(|pair| pair[1] >= pair[0]));
        prop_assert_eq!(result.fitness_history.last(), Some(&result.final_fitness));
        prop_assert_eq!(sphere(&result.best), result.final_fitness);
        prop_assert!(result.region.check(&result.best).is_ok());
        for (part, whole) in result.region.bounds().iter().zip(ga.space().bounds()) {
            prop_assert!(whole.contains(part.min) && whole.contains(part.max));
            prop_assert!(part.width() >= 0.5 * REGION_SHARE_MIN * whole.width() - 1e-12);
        }
    }
}
