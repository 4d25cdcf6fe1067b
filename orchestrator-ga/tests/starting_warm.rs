//! A search starts from what earlier ones found.

mod support;

use orchestrator_core::Seed;
use orchestrator_ga::{Ga, GaConfig, GaError, Search, Stop, verify};
use support::{bytes, methods, search, space, sphere};

#[test]
fn a_warm_start_is_not_lost() {
    let best = vec![0.3; 4];
    let config = GaConfig::default();
    let ga = Ga::starting_from(space(), config, Seed(1), std::slice::from_ref(&best)).unwrap();
    let made_with = Search::new(ga, Stop::Generations(30)).unwrap();
    let mut given_later = search(GaConfig::default(), 1);
    given_later.start_from(std::slice::from_ref(&best)).unwrap();
    for mut ga in [made_with, given_later] {
        let result = ga.run(&sphere).unwrap();
        assert_eq!((&result.best, result.final_fitness), (&best, 0.0));
        assert_eq!(result.warm_starts, 1);
        assert!(
            verify(&result, ga.space())
                .iter()
                .all(|check| check.name != "fitness improved over generations" || check.passed)
        );
    }
}

#[test]
fn every_method_begins_with_what_it_is_given_and_goes_on_from_there() {
    for method in methods() {
        let optimizer = method.build(space(), Seed(4)).unwrap();
        let mut search = Search::new(optimizer, Stop::Evaluations(300)).unwrap();
        let given = [vec![0.31; 4], vec![0.9, -0.9, 0.9, -0.9]];
        search.start_from(&given).unwrap();
        assert!(search.ask().map(|candidate| candidate.point.to_vec()).take(2).eq(given.clone()));
        search.step(&sphere).unwrap();
        assert_eq!(search.best().unwrap().0, given[0], "{method:?}");
        let result = search.run(&sphere).unwrap();
        assert!(result.final_fitness > sphere(&given[0]), "{method:?}: {}", result.final_fitness);
        assert_eq!(result.warm_starts, 2);
    }
}

#[test]
fn the_best_of_one_search_starts_the_next_which_is_never_worse() {
    let mut known = Vec::new();
    let mut fitness = f64::MIN;
    for seed in 0..4 {
        let mut ga = search(GaConfig { generations: 4, ..GaConfig::default() }, seed);
        ga.start_from(&known).unwrap();
        let result = ga.run(&sphere).unwrap();
        assert!(result.final_fitness >= fitness, "seed {seed}");
        fitness = result.final_fitness;
        known.insert(0, result.best);
    }
}

#[test]
fn points_that_do_not_fit_are_refused_by_their_place_and_change_nothing() {
    let outside = [vec![0.0; 4], vec![0.0, 0.0, 7.0, 0.0]];
    let config = GaConfig::default();
    let error = Ga::starting_from(space(), config.clone(), Seed(1), &outside).unwrap_err();
    assert_eq!(error.to_string(), "start point 1: parameter \"x2\": 7 is outside [-1, 1]");
    let many = vec![vec![0.3; 4]; 21];
    let error = Ga::starting_from(space(), config, Seed(1), &many).unwrap_err();
    assert_eq!(error, GaError::StartCount { found: 21, population: 20 });

    let mut ga = search(GaConfig::default(), 1);
    let before = bytes(&ga);
    let error = ga.start_from(&outside).unwrap_err();
    assert_eq!(error.to_string(), "start point 1: parameter \"x2\": 7 is outside [-1, 1]");
    let error = ga.start_from(&many).unwrap_err();
    assert_eq!(error, GaError::StartCount { found: 21, population: 20 });
    assert_eq!(bytes(&ga), before);
}

#[test]
fn a_search_that_runs_or_was_given_points_takes_no_more() {
    let mut ga = search(GaConfig::default(), 1);
    ga.start_from(&[vec![0.3; 4]]).unwrap();
    assert_eq!(ga.start_from(&[vec![0.3; 4]]).unwrap_err(), GaError::Started);
    let mut ga = search(GaConfig::default(), 1);
    ga.step(&sphere).unwrap();
    assert_eq!(ga.start_from(&[vec![0.3; 4]]).unwrap_err(), GaError::Started);
}
