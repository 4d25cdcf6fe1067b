//! Islands breed apart, send their best round the ring, and are one search for the same seed.

mod support;

use orchestrator_core::{ParameterSpace, Seed};
use orchestrator_ga::{
    Batch, Cost, Costs, Ga, GaConfig, GaError, Islands, Migration, Niching, Optimizer, Search,
    Sizing, Stop,
};
use support::{bytes, landscape};

fn space() -> ParameterSpace {
    ParameterSpace::builder()
        .real("x", -1.0, 1.0)
        .integer("n", 0, 20)
        .permutation("p", 5)
        .categorical("c", ["a", "b", "c"])
        .build()
        .unwrap()
}

fn search(seed: u64) -> Search<Islands> {
    let migration = Migration { islands: 3, every: 2, migrants: 2 };
    Islands::search(space(), GaConfig::documents(), migration, Seed(seed)).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_bytes_saved_and_loaded_in_between() {
    let fitness = landscape(&space());
    let (mut whole, mut halting) = (search(4), search(4));
    while !whole.finished() {
        for candidate in whole.ask() {
            assert!(space().check(candidate.point).is_ok());
        }
        whole.step(&fitness).unwrap();
        halting = bytes(&halting).to().unwrap();
        halting.step(&fitness).unwrap();
        assert_eq!(whole, halting);
    }
    assert_eq!(bytes(&whole), bytes(&halting));
    assert_eq!(whole.result().unwrap(), halting.result().unwrap());
    let history = whole.result().unwrap().fitness_history;
    assert!(history.windows(2).all(|pair| pair[1] >= pair[0]));
    assert_ne!(bytes(&whole), bytes(&search(5)));
}

#[test]
fn the_best_travel_to_the_next_island_every_so_many_generations() {
    // Nothing is bred that is new, and only island 0 begins with the optimum.
    let still = GaConfig { crossover_rate: 0.0, mutation_rate: 0.0, ..GaConfig::documents() };
    let migration = Migration { islands: 3, every: 4, migrants: 1 };
    let space = ParameterSpace::uniform(2, -1.0, 1.0).unwrap();
    let optimum = vec![0.0, 0.0];
    let start = std::slice::from_ref(&optimum);
    let mut all = Islands::starting_from(space, still, migration, Seed(1), start).unwrap();
    assert_eq!(all.warm_starts(), 1);
    let has = |all: &Islands, island: usize| {
        let points = all.islands()[island].population().points;
        points.points().any(|point| point == optimum)
    };
    let mut batch = Batch::new(2);
    for generation in 0..=8 {
        batch.clear();
        all.ask(&mut batch);
        assert_eq!(batch.len(), if generation == 0 { 60 } else { 0 });
        let mut costs = Costs::new(1);
        batch.points().for_each(|x| costs.push(Cost::feasible(x[0].abs() + x[1].abs())));
        all.tell(&mut batch, &mut costs);
        let arrived = [0, 1, 2].map(|island| has(&all, island));
        assert_eq!(arrived, [true, generation >= 4, generation >= 8], "{generation}");
        assert_eq!(all.population().points.len(), 60);
        assert_eq!(all.population().costs.len(), 60);
    }
}

#[test]
fn islands_differ_and_are_each_what_a_lone_algorithm_would_be_until_they_meet() {
    let fitness = landscape(&space());
    let migration = Migration { islands: 3, every: 50, migrants: 1 };
    let config = GaConfig::documents();
    let mut all = Islands::search(space(), config.clone(), migration, Seed(9)).unwrap();
    all.run(&fitness).unwrap();
    let islands = all.optimizer().islands();
    assert_ne!(islands[0].population().points, islands[1].population().points);
    for island in islands {
        let alone = Ga::new(space(), config.clone(), island.seed()).unwrap();
        let mut alone = Search::new(alone, Stop::Generations(30)).unwrap();
        alone.run(&fitness).unwrap();
        assert_eq!(alone.optimizer().population().points, island.population().points);
    }
}

#[test]
fn islands_go_with_every_other_choice() {
    let fitness = landscape(&space());
    let migration = Migration { islands: 2, every: 1, migrants: 2 };
    let configs = [
        GaConfig { niching: Niching::Crowding, ..GaConfig::documents() },
        GaConfig { sizing: Sizing::Reduction { min: 4 }, ..GaConfig::documents() },
        GaConfig {
            sizing: Sizing::Growth { max: 40, after: 1, factor: 2.0 },
            ..GaConfig::documents()
        },
    ];
    for config in configs {
        let mut whole = Islands::search(space(), config, migration, Seed(2)).unwrap();
        let mut halting = whole.clone();
        while !whole.finished() {
            whole.step(&fitness).unwrap();
            halting = bytes(&halting).to().unwrap();
            halting.step(&fitness).unwrap();
        }
        assert_eq!(whole, halting);
    }
}

#[test]
fn what_makes_no_ring_is_refused() {
    let refused = |migration: Migration, setting: &str| {
        let error = Islands::new(space(), GaConfig::documents(), migration, Seed(1)).unwrap_err();
        assert!(error.to_string().starts_with(setting), "{error}");
    };
    let good = Migration::default();
    refused(Migration { islands: 1, ..good }, "islands is 1");
    refused(Migration { every: 0, ..good }, "every is 0");
    refused(Migration { migrants: 11, ..good }, "migrants is 11");
    let large = GaConfig { population: 50_000, ..GaConfig::documents() };
    assert!(Islands::new(space(), large, good, Seed(1)).is_err());
    let many = vec![space().middle(); 81];
    let error =
        Islands::starting_from(space(), GaConfig::documents(), good, Seed(1), &many).unwrap_err();
    assert_eq!(error, GaError::StartCount { found: 81, population: 80 });

    let whole: serde_json::Value = bytes(search(1).optimizer()).to().unwrap();
    serde_json::from_value::<Islands>(whole.clone()).unwrap();
    let torn = |path: &str, value: serde_json::Value| {
        let mut torn = whole.clone();
        *torn.pointer_mut(path).expect(path) = value;
        serde_json::from_value::<Islands>(torn).unwrap_err().to_string()
    };
    use serde_json::json;
    assert!(torn("/islands", json!([])).contains("no island"));
    assert!(torn("/migration/islands", json!(4)).contains("more or fewer islands"));
    assert!(torn("/islands/1/config/elites", json!(2)).contains("differ"));
    assert!(torn("/asked", json!([1])).contains("parts of the batch"));
}
