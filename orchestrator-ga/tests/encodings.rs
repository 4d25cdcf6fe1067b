//! Whatever the parameters are and however they are bred, every candidate is a point of the space, and problems are solved in
//! their own terms.

mod support;

use orchestrator_core::{Domain, ParameterSpace, Seed};
use orchestrator_ga::{
    Crossover, Duplicates, Ga, GaConfig, Mutation, Niching, Optimizer, OrderCrossover,
    OrderMutation, RateControl, Replacement, Search, Selection, Sizing, StepControl, Stop,
    fitness_fn,
};
use proptest::prelude::*;
use support::{bytes, landscape};

/// A setting of every kind, picked by the digits of a number; below [`COMBINATIONS`] all are different.
fn config(mut number: usize) -> GaConfig {
    let mut digit = |base: usize| {
        let digit = number % base;
        number /= base;
        digit
    };
    let selection = [
        Selection::Tournament { size: 3 },
        Selection::Roulette,
        Selection::Rank { pressure: 1.7 },
        Selection::StochasticUniversal,
        Selection::Truncation { share: 0.4 },
    ][digit(5)];
    let crossover = [
        Crossover::Blend { alpha: 0.5 },
        Crossover::Sbx { eta: 2.0 },
        Crossover::Uniform,
        Crossover::Points { count: 2 },
        Crossover::Arithmetic,
    ][digit(5)];
    let mutation = [
        Mutation::Gaussian { step: 0.5, final_step: 0.1 },
        Mutation::Polynomial { eta: 3.0 },
        Mutation::Uniform,
    ][digit(3)];
    let order_crossover = [OrderCrossover::Ordered, OrderCrossover::PartiallyMapped][digit(2)];
    let order_mutation =
        [OrderMutation::Swap, OrderMutation::Insertion, OrderMutation::Inversion][digit(3)];
    let replacement = [Replacement::Generational, Replacement::Plus { children: 5 }][digit(2)];
    let niching =
        [Niching::None, Niching::Sharing { radius: 0.3, alpha: 1.0 }, Niching::Crowding][digit(3)];
    let duplicates = [Duplicates::Allow, Duplicates::Redraw { attempts: 3 }][digit(2)];
    let one_fifth = digit(2) == 1 && matches!(mutation, Mutation::Gaussian { .. });
    let rate = digit(2);
    let sizing = [
        Sizing::Fixed,
        Sizing::Reduction { min: 4 },
        Sizing::Growth { max: 13, after: 1, factor: 1.5 },
    ][digit(3)];
    GaConfig {
        population: 7,
        generations: 4,
        selection,
        crossover_rate: 0.7,
        crossover,
        order_crossover,
        mutation_rate: 0.3,
        mutation,
        order_mutation,
        elites: 1,
        replacement,
        niching,
        duplicates,
        step_control: if one_fifth {
            StepControl::OneFifth { factor: 0.8 }
        } else {
            StepControl::Schedule
        },
        rate_control: [RateControl::Fixed, RateControl::Diversity { below: 0.4, rate_max: 0.9 }]
            [rate],
        sizing,
    }
}

/// How many combinations there are of selection, crossover, mutation, those of orders, replacement and niching.
const OPERATORS: usize = 5 * 5 * 3 * 2 * 3 * 2 * 3;
/// The same with duplicates, controls and sizing.
const COMBINATIONS: usize = OPERATORS * 2 * 2 * 2 * 3;

/// Runs to the end: whatever is handed out or held is in the space, and the best is never lost.
fn run(space: &ParameterSpace, config: GaConfig, seed: u64) -> Result<(), TestCaseError> {
    let fitness = landscape(space);
    let mut search = Ga::search(space.clone(), config, Seed(seed)).unwrap();
    while !search.finished() {
        for candidate in search.ask() {
            let checked = space.check(candidate.point);
            prop_assert!(checked.is_ok(), "{:?}: {checked:?}", candidate.point);
            prop_assert!(
                candidate
                    .point
                    .iter()
                    .all(|v| v.to_bits() != (-0.0_f64).to_bits() || *v != 0.0 || space.is_real())
            );
        }
        search.step(&fitness).unwrap();
        let population = search.optimizer().population();
        prop_assert_eq!(population.points.len(), population.costs.len());
        for (index, point) in population.points.points().enumerate() {
            prop_assert!(space.check(point).is_ok(), "{point:?}");
            prop_assert_eq!(population.costs.cost(index).value, -fitness(point));
        }
    }
    let result = search.result().unwrap();
    prop_assert!(result.fitness_history.windows(2).all(|pair| pair[1] >= pair[0]));
    prop_assert_eq!(result.fitness_history.last(), Some(&result.final_fitness));
    prop_assert!(result.region.check(&result.best).is_ok());
    Ok(())
}

fn mixed() -> ParameterSpace {
    ParameterSpace::builder()
        .real("x", -1.0, 3.0)
        .integer("n", -5, 5)
        .permutation("p", 4)
        .boolean("b")
        .categorical("c", ["u", "v", "w"])
        .real("y", 0.0, 0.1)
        .permutation("q", 3)
        .integer("wide", -(1 << 53), 1 << 53)
        .build()
        .unwrap()
}

#[test]
fn every_combination_of_operators_stays_in_the_space_and_never_loses_the_best() {
    // All real parameters are bred by a loop of their own.
    let (mixed, real) = (mixed(), ParameterSpace::uniform(4, -1.0, 2.0).unwrap());
    for operators in 0..OPERATORS {
        let space = if operators % 3 == 0 { &real } else { &mixed };
        // The other choices take turns, at a stride that meets each of them with each operator.
        let number = operators + OPERATORS * (operators * 7 % (COMBINATIONS / OPERATORS));
        run(space, config(number), operators as u64).unwrap_or_else(|error| {
            panic!("combination {number}, {:?}: {error}", config(number));
        });
    }
}

#[test]
fn saved_and_loaded_after_every_generation_every_combination_ends_with_the_same_bytes() {
    let space = mixed();
    let fitness = landscape(&space);
    for number in (0..COMBINATIONS).step_by(181) {
        let mut whole = Ga::search(space.clone(), config(number), Seed(number as u64)).unwrap();
        let mut halting = whole.clone();
        while !whole.finished() {
            whole.step(&fitness).unwrap();
            halting = bytes(&halting).to().unwrap();
            halting.step(&fitness).unwrap();
            assert_eq!(halting, whole, "combination {number}");
        }
        assert_eq!(bytes(&halting), bytes(&whole), "combination {number}");
        assert_eq!(halting.result().unwrap(), whole.result().unwrap());
    }
}

#[test]
fn a_damaged_algorithm_is_refused_and_says_why() {
    let space = ParameterSpace::builder().integer("n", 0, 9).permutation("p", 2).build().unwrap();
    let config = GaConfig {
        niching: Niching::Crowding,
        step_control: StepControl::OneFifth { factor: 0.8 },
        ..GaConfig::documents()
    };
    let mut search = Ga::search(space.clone(), config, Seed(1)).unwrap();
    search.step(&landscape(&space)).unwrap();
    let whole: serde_json::Value = bytes(search.optimizer()).to().unwrap();
    serde_json::from_value::<Ga>(whole.clone()).unwrap();

    #[track_caller]
    fn refused(mut torn: serde_json::Value, path: &str, value: serde_json::Value, message: &str) {
        *torn.pointer_mut(path).expect(path) = value;
        let error = serde_json::from_value::<Ga>(torn).unwrap_err().to_string();
        assert!(error.contains(message), "{path}: {error}");
    }
    use serde_json::json;
    refused(whole.clone(), "/points/points/0", json!(2.5), "not in the space");
    refused(
        whole.clone(),
        "/points/points/2",
        whole["points"]["points"][1].clone(),
        "not in the space",
    );
    refused(whole.clone(), "/points/dimension", json!(2), "not in the space");
    refused(whole.clone(), "/points/dimension", json!(0), "");
    refused(
        whole.clone(),
        "/costs",
        json!({"objectives": 1, "values": [], "violations": []}),
        "contradict",
    );
    refused(whole.clone(), "/kept_costs", whole["costs"].clone(), "contradict");
    refused(whole.clone(), "/size", json!(3), "another size");
    refused(whole.clone(), "/rivals", json!([20]), "is not there");
    refused(whole.clone(), "/step_scale", json!(0.0), "no positive number");
    refused(whole.clone(), "/config/elites", json!(30), "elites is 30");
    refused(whole.clone(), "/stream", json!([0, 0, 0, 0]), "four words are zero");
}

#[test]
fn a_route_over_cities_on_a_circle_is_found() {
    const CITIES: usize = 14;
    let space = ParameterSpace::builder().permutation("route", CITIES).build().unwrap();
    for seed in 0..5 {
        // The circle's cities in random order, so that the best route is no order that anything begins with.
        let mut places: Vec<f64> =
            (0..CITIES).map(|at| at as f64 / CITIES as f64 * std::f64::consts::TAU).collect();
        Seed(seed).derive("cities").fast_stream().shuffle(&mut places);
        let length = |route: &[f64]| {
            let city = |at: usize| places[route[at % CITIES] as usize];
            (0..CITIES).map(|at| 2.0 * (0.5 * (city(at) - city(at + 1))).sin().abs()).sum::<f64>()
        };
        let shortest = CITIES as f64 * 2.0 * (std::f64::consts::PI / CITIES as f64).sin();
        let config = GaConfig {
            population: 60,
            generations: 150,
            mutation_rate: 0.4,
            replacement: Replacement::Plus { children: 60 },
            duplicates: Duplicates::Redraw { attempts: 5 },
            ..GaConfig::documents()
        };
        let stop = Stop::Generations(150).or(Stop::Target(-shortest - 1e-9));
        let ga = Ga::new(space.clone(), config, Seed(seed)).unwrap();
        let mut search = Search::new(ga, stop).unwrap();
        let found = search.run(&fitness_fn(|route| -length(route))).unwrap();
        assert!(
            found.final_fitness >= -shortest - 1e-9,
            "seed {seed}: {} instead of {shortest}",
            -found.final_fitness
        );
        let order = space.read(&found.best).order("route").unwrap();
        assert_eq!(order.len(), CITIES);
    }
}

#[test]
fn a_problem_with_all_kinds_of_parameters_is_solved() {
    let space = ParameterSpace::builder()
        .real("x", -5.0, 5.0)
        .integer("n", 0, 100)
        .boolean("on")
        .categorical("colour", ["red", "green", "blue", "black"])
        .permutation("order", 6)
        .build()
        .unwrap();
    let fitness = fitness_fn(|point: &[f64]| {
        let read = || {
            let at = space.read(point);
            let order = at.order("order")?;
            // Of the 15 pairs of things, how many stand in falling order.
            let pairs = (0..6).flat_map(|later| (0..later).map(move |earlier| (earlier, later)));
            let falling = pairs.filter(|&(a, b)| order[a] > order[b]).count() as f64;
            Ok::<f64, orchestrator_core::ParameterError>(
                -(at.real("x")? - 1.25).powi(2)
                    - 0.01 * (at.integer("n")? - 73).abs() as f64
                    - f64::from(u8::from(!at.boolean("on")?))
                    - f64::from(u8::from(at.category("colour")? != "blue"))
                    + 0.2 * falling,
            )
        };
        read().unwrap_or(f64::NAN)
    });
    for seed in 0..5 {
        let config = GaConfig {
            population: 40,
            generations: 80,
            order_mutation: OrderMutation::Insertion,
            ..GaConfig::documents()
        };
        let mut search = Ga::search(space.clone(), config, Seed(seed)).unwrap();
        let found = search.run(&fitness).unwrap();
        assert_eq!(found.failures, 0);
        let best = space.read(&found.best);
        assert_eq!(best.integer("n"), Ok(73), "seed {seed}");
        assert_eq!((best.boolean("on"), best.category("colour")), (Ok(true), Ok("blue")));
        assert_eq!(best.order("order").unwrap(), [5, 4, 3, 2, 1, 0], "seed {seed}");
        assert!((best.real("x").unwrap() - 1.25).abs() < 0.1, "seed {seed}: {:?}", found.best);
        // What is no number is not narrowed.
        let region: Vec<_> = found.region.parameters().map(|p| p.domain.clone()).collect();
        assert_eq!(region[2], Domain::Boolean);
        assert_eq!(region[4], Domain::Permutation(6));
        assert!(found.region.bounds()[1].width() < 100.0);
    }
}

fn domain() -> impl Strategy<Value = Domain> {
    prop_oneof![
        (-1e3..1e3_f64, 0.0..1e3_f64).prop_map(|(min, width)| {
            Domain::Real(orchestrator_core::Bounds { min, max: min + width })
        }),
        (-50..50_i64, 0..50_i64).prop_map(|(min, width)| Domain::Integer { min, max: min + width }),
        Just(Domain::Boolean),
        (1..6_usize).prop_map(|count| {
            Domain::Categorical((0..count).map(|at| format!("label {at}")).collect())
        }),
        (1..9_usize).prop_map(Domain::Permutation),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn candidates_stay_in_any_space_under_any_settings(
        domains in proptest::collection::vec(domain(), 1..7),
        number in 0..COMBINATIONS,
        seed: u64,
        crossover_rate in 0.0..=1.0_f64,
        mutation_rate in prop_oneof![Just(0.0), Just(1.0), 0.0..0.9_f64],
    ) {
        let named = domains.into_iter().enumerate().map(|(at, domain)| (format!("p{at}"), domain));
        let space = ParameterSpace::new(named).unwrap();
        let rate_control = match config(number).rate_control {
            RateControl::Diversity { below, .. } => RateControl::Diversity { below, rate_max: 1.0 },
            other => other,
        };
        let config = GaConfig { crossover_rate, mutation_rate, rate_control, ..config(number) };
        run(&space, config, seed)?;
    }
}
