//! Whoever watches a search hears of every generation, may look at all of it, and may stop it.

mod support;

use std::ops::ControlFlow;

use orchestrator_ga::{Ga, GaConfig, Search, Stop, StopReason};
use support::{bytes, search, sphere, until};

#[test]
fn every_generation_is_told_with_its_measurements_and_the_search() {
    let mut rows = Vec::new();
    let mut ga = search(GaConfig::default(), 2);
    let result = ga.run_observed(&sphere, |search, row| {
        assert_eq!(search.history().rows().last(), Some(row));
        assert_eq!(search.best().unwrap().1, row.best);
        rows.push(*row);
        ControlFlow::Continue(())
    });
    assert_eq!(rows, ga.history().rows());
    assert_eq!(rows.len(), 31);
    assert_eq!(
        rows.iter().map(|row| row.evaluations as u64).sum::<u64>(),
        result.unwrap().evaluations
    );
    let mut unwatched = search(GaConfig::default(), 2);
    unwatched.run(&sphere).unwrap();
    assert_eq!(bytes(&ga), bytes(&unwatched));
}

#[test]
fn generations_without_anything_new_and_those_that_the_history_drops_are_told_too() {
    let still = GaConfig { crossover_rate: 0.0, mutation_rate: 0.0, ..GaConfig::default() };
    let mut told = 0;
    search(still, 2)
        .run_observed(&sphere, |_, row| {
            assert_eq!(row.index, told);
            told += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(told, 31);

    let mut told = 0;
    let mut ga = until(Stop::Generations(3_000), 2);
    ga.run_observed(&sphere, |_, _| {
        told += 1;
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(ga.history().rows().len() <= 1024);
    assert_eq!(told, 3_001);
}

#[test]
fn an_observer_interrupts_and_the_search_goes_on_later_as_if_nothing_had_happened() {
    // The second stands between two empty generations when it is interrupted.
    let still = GaConfig { crossover_rate: 0.0, mutation_rate: 0.0, ..GaConfig::default() };
    for config in [GaConfig::default(), still] {
        let mut ga = search(config.clone(), 2);
        let result = ga
            .run_observed(&sphere, |_, row| match row.index {
                7 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            })
            .unwrap();
        assert_eq!((result.stop, result.fitness_history.len()), (StopReason::Interrupted, 8));
        assert!(!ga.finished());
        let mut loaded: Search<Ga> = bytes(&ga).to().unwrap();
        let mut whole = search(config, 2);
        assert_eq!(loaded.run(&sphere).unwrap(), whole.run(&sphere).unwrap());
        assert_eq!(bytes(&loaded), bytes(&whole));
    }
}

#[test]
fn an_observer_saves_and_changes_the_rules_on_the_way() {
    let mut saved = None;
    let result = search(GaConfig::default(), 2)
        .run_observed(&sphere, |search, row| {
            if row.index == 4 {
                saved = Some(bytes(search));
                search.set_stop(Stop::Generations(9)).unwrap();
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(result.fitness_history.len(), 10);
    let mut loaded: Search<Ga> = saved.unwrap().to().unwrap();
    assert_eq!(loaded.generation(), 5);
    loaded.set_stop(Stop::Generations(9)).unwrap();
    assert_eq!(loaded.run(&sphere).unwrap(), result);
}
