//! A search over many objectives finds the front, keeps its promises about evaluations and bounds, and is the same for the same seed.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::time::Duration;

use orchestrator_core::{Bounds, Domain, ParameterSpace, Payload, Seed};
use orchestrator_ga::pareto::{
    Direction, Directions, Nsga2, Nsga2Config, Nsga3, Nsga3Config, Objectives, ObjectivesFn,
    ParetoSearch, Variation, dominates, fallible_objectives, igd_plus, objectives_fn,
};
use orchestrator_ga::{Evaluation, FitnessError, GaError, Optimizer, Search, Stop, StopReason};
use proptest::prelude::*;
use serde::de::DeserializeOwned;

/// ZDT1: the front is f1 = 1 − √f0.
fn zdt1(x: &[f64], values: &mut [f64]) {
    let g = 1.0 + 9.0 * x[1..].iter().sum::<f64>() / (x.len() - 1) as f64;
    values[0] = x[0];
    values[1] = g * (1.0 - (x[0] / g).sqrt());
}

/// DTLZ2 with as many objectives as there are values: the front is the unit sphere.
fn dtlz2(x: &[f64], values: &mut [f64]) {
    let objectives = values.len();
    let far: f64 = x[objectives - 1..].iter().map(|x| (x - 0.5).powi(2)).sum();
    for (at, value) in values.iter_mut().enumerate() {
        *value = 1.0 + far;
        let angle = |at: usize| x[at] * std::f64::consts::FRAC_PI_2;
        (0..objectives - 1 - at).for_each(|k| *value *= angle(k).cos());
        if at > 0 {
            *value *= angle(objectives - 1 - at).sin();
        }
    }
}

/// Two parabolas on a grid, so that costs are often equal; what is near the middle breaks a constraint, and a corner fails.
struct Patchy;

impl ObjectivesFn for Patchy {
    fn evaluate(
        &self,
        x: &[f64],
        values: &mut [f64],
        evaluation: &Evaluation,
    ) -> Result<(), FitnessError> {
        if x[0] > 0.9 && x[1] > 0.9 {
            return Err(FitnessError::failed("a corner"));
        }
        let grid = |value: f64| (value * 8.0).floor();
        let noise = (evaluation.seed.0 % 2) as f64;
        values[0] = grid(x[0] * x[0] + x[2]) + noise;
        values[1] = grid((1.0 - x[0]) * (1.0 - x[0]) + x[1]);
        Ok(())
    }
    fn violation(&self, x: &[f64]) -> f64 {
        (0.2 - (x[0] - 0.5).abs()).max(0.0)
    }
    fn repair(&self, x: &mut [f64]) -> bool {
        let moves = x[2] < 0.01;
        x[2] = x[2].max(0.01);
        moves
    }
}

fn unit(dimension: usize) -> ParameterSpace {
    ParameterSpace::uniform(dimension, 0.0, 1.0).unwrap()
}

fn two() -> Objectives {
    Objectives::minimize(["f0", "f1"]).unwrap()
}

fn nsga2(dimension: usize, population: usize, seed: u64) -> Nsga2 {
    let config = Nsga2Config { population, ..Nsga2Config::default() };
    Nsga2::new(unit(dimension), 2, config, Seed(seed)).unwrap()
}

fn nsga3(dimension: usize, objectives: usize, seed: u64) -> Nsga3 {
    let directions = Directions::das_dennis(objectives, 4).unwrap();
    Nsga3::new(unit(dimension), directions, Nsga3Config::default(), Seed(seed)).unwrap()
}

fn bytes<O: Optimizer + serde::Serialize>(search: &ParetoSearch<O>) -> Payload {
    Payload::of(search).unwrap()
}

#[test]
fn nsga2_finds_the_front_of_zdt1_on_every_seed() {
    let truth: Vec<[f64; 2]> =
        (0..=100).map(|at| f64::from(at) / 100.0).map(|x: f64| [x, 1.0 - x.sqrt()]).collect();
    for seed in 0..5 {
        let stop = Stop::Evaluations(6_000);
        let method = nsga2(6, 60, seed);
        let mut search = ParetoSearch::with_reference(method, two(), &[1.1, 1.1], stop).unwrap();
        let found = search.run(&zdt1).unwrap();
        let values: Vec<&[f64]> = found.front.iter().map(|t| t.values.as_slice()).collect();
        let distance = igd_plus(&values, &truth).unwrap();
        assert!(distance < 0.01, "seed {seed}: {distance}");
        // At most 0.8767 is possible.
        assert!(found.hypervolume.unwrap() > 0.86 && found.hypervolume.unwrap() < 0.8767);
        assert_eq!(found.hypervolume_history.last().copied(), found.hypervolume);
        assert_eq!(found.front_history.len(), 100);
        assert_eq!(*found.front_history.last().unwrap(), found.front.len());
    }
}

#[test]
fn nsga3_finds_a_point_for_every_direction_of_dtlz2() {
    for (objectives, divisions) in [(3, 6), (5, 3)] {
        let directions = Directions::das_dennis(objectives, divisions).unwrap();
        let space = unit(objectives + 4);
        let names = Objectives::minimize((0..objectives).map(|at| format!("f{at}"))).unwrap();
        let mut search = Nsga3::search(
            space,
            names,
            directions.clone(),
            Nsga3Config::default(),
            Seed(3),
            Stop::Generations(200),
        )
        .unwrap();
        let found = search.run(&dtlz2).unwrap();
        for direction in directions.iter() {
            let length = direction.iter().map(|part| part * part).sum::<f64>().sqrt();
            let nearest = found
                .front
                .iter()
                .map(|t| {
                    let along: f64 = t.values.iter().zip(direction).map(|(a, b)| a * b).sum();
                    let size = t.values.iter().map(|value| value * value).sum::<f64>().sqrt();
                    along / (length * size)
                })
                .fold(0.0, f64::max);
            assert!(nearest > 0.99, "{direction:?}: cosine {nearest}");
        }
        let sizes = found.front.iter().map(|t| t.values.iter().map(|v| v * v).sum::<f64>().sqrt());
        assert!(sizes.fold(0.0, f64::max) < 1.1);
    }
}

#[test]
fn the_direction_of_an_objective_and_its_scale_change_nothing_but_their_sign_and_size() {
    let plain =
        ParetoSearch::with_reference(nsga2(4, 20, 1), two(), &[2.0, 2.0], Stop::Generations(30))
            .unwrap()
            .run(&zdt1)
            .unwrap();
    let turned =
        Objectives::new([("f0", Direction::Maximize), ("f1", Direction::Minimize)]).unwrap();
    let reference = [-2.0, 2.0 * 1024.0];
    let found =
        ParetoSearch::with_reference(nsga2(4, 20, 1), turned, &reference, Stop::Generations(30))
            .unwrap()
            .run(&objectives_fn(|x, values| {
                zdt1(x, values);
                (values[0], values[1]) = (-values[0], values[1] * 1024.0);
            }))
            .unwrap();
    assert_eq!(plain.hypervolume.unwrap() * 1024.0, found.hypervolume.unwrap());
    for (a, b) in plain.front.iter().zip(&found.front) {
        assert_eq!(a.point, b.point);
        assert_eq!([-a.values[0], a.values[1] * 1024.0], b.values[..]);
    }
}

#[test]
fn a_budget_is_kept_exactly_and_a_cut_generation_counts_for_the_front() {
    for budget in [1, 7, 20, 33, 199] {
        let calls = Cell::new(0);
        let counting = objectives_fn(|x, values| {
            calls.set(calls.get() + 1);
            // Every later candidate is better in both.
            (values[0], values[1]) = (-f64::from(calls.get()), x[0] - f64::from(calls.get()));
        });
        let mut search =
            ParetoSearch::new(nsga2(3, 20, 1), two(), Stop::Evaluations(budget)).unwrap();
        let found = search.run(&counting).unwrap();
        assert_eq!((u64::from(calls.get() as u32), found.evaluations), (budget, budget));
        assert_eq!(found.stop, StopReason::Evaluations);
        assert!(
            found.front.len() <= 2 && found.front.iter().any(|t| t.values[0] == -(budget as f64))
        );
    }
}

#[test]
fn the_order_of_evaluation_changes_nothing() {
    let mut forward = ParetoSearch::new(nsga2(3, 16, 5), two(), Stop::Generations(12)).unwrap();
    let noisy = fallible_objectives(|x: &[f64], values: &mut [f64], e: &Evaluation| {
        (values[0], values[1]) = (x[0] + 0.01 * e.seed.stream().normal(), 1.0 - x[0] + x[1]);
        Ok(())
    });
    forward.run(&noisy).unwrap();
    let mut backward = ParetoSearch::new(nsga2(3, 16, 5), two(), Stop::Generations(12)).unwrap();
    while !backward.finished() {
        let batch: Vec<_> = backward.ask().collect();
        let mut scores: Vec<Result<[f64; 2], FitnessError>> = batch
            .iter()
            .rev()
            .map(|c| {
                let noise = 0.01 * c.evaluation.seed.stream().normal();
                Ok([c.point[0] + noise, 1.0 - c.point[0] + c.point[1]])
            })
            .collect();
        scores.reverse();
        backward.tell(scores).unwrap();
    }
    assert_eq!(bytes(&forward), bytes(&backward));
    let other = ParetoSearch::new(nsga2(3, 16, 6), two(), Stop::Generations(12)).unwrap();
    assert_ne!(bytes(&forward), bytes(&other));
}

/// run(50) is run(20), save, load, run(30): in bytes, at every generation between.
#[track_caller]
fn check_saved<O>(method: impl Fn() -> O, objectives: &Objectives, function: &impl ObjectivesFn)
where
    O: Optimizer + serde::Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let reference = vec![20.0; objectives.len()];
    let start = |stop| {
        ParetoSearch::with_reference(method(), objectives.clone(), &reference, stop).unwrap()
    };
    let mut whole = start(Stop::Generations(50));
    let mut torn = start(Stop::Generations(50));
    while !whole.finished() {
        whole.step(function).unwrap();
        torn = bytes(&torn).to().unwrap();
        torn.step(function).unwrap();
        assert_eq!(torn, whole, "generation {}", whole.generation());
    }
    assert_eq!(bytes(&torn), bytes(&whole));
    // In the middle of a generation too.
    let mut cut = start(Stop::Evaluations(331));
    cut.run(function).unwrap();
    let mut cut: ParetoSearch<O> = bytes(&cut).to().unwrap();
    cut.set_stop(Stop::Generations(50)).unwrap();
    cut.run(function).unwrap();
    assert_eq!(bytes(&cut), bytes(&whole));
    assert_eq!(cut.result().unwrap(), whole.result().unwrap());
}

#[test]
fn saved_and_loaded_nsga2_ends_with_the_same_bytes() {
    check_saved(|| nsga2(3, 24, 9), &two(), &Patchy);
    check_saved(|| nsga2(3, 13, 2), &two(), &zdt1);
}

#[test]
fn saved_and_loaded_nsga3_ends_with_the_same_bytes() {
    check_saved(|| nsga3(3, 2, 9), &two(), &Patchy);
    let three = Objectives::minimize(["a", "b", "c"]).unwrap();
    check_saved(|| nsga3(5, 3, 4), &three, &dtlz2);
}

#[test]
fn what_a_member_is_ranked_by_follows_from_the_costs() {
    let mut search = ParetoSearch::new(nsga2(3, 24, 9), two(), Stop::Generations(40)).unwrap();
    while !search.finished() {
        search.step(&Patchy).unwrap();
        let loaded: ParetoSearch<Nsga2> = bytes(&search).to().unwrap();
        let (kept, fresh) = (search.optimizer(), loaded.optimizer());
        assert_eq!((kept.ranks(), kept.crowding()), (fresh.ranks(), fresh.crowding()));
        assert!(kept.ranks().is_sorted());
    }
}

#[test]
fn a_damaged_state_is_refused_and_never_panics() {
    let mut search =
        ParetoSearch::with_reference(nsga2(2, 4, 1), two(), &[2.0, 2.0], Stop::Evaluations(10))
            .unwrap();
    search.run(&zdt1).unwrap();
    let text = bytes(&search).to_string();
    let read = |text: &str| {
        let payload = Payload::parse(text).map_err(|error| error.to_string())?;
        payload.to::<ParetoSearch<Nsga2>>().map_err(|error| error.to_string())
    };
    assert_eq!(read(&text).unwrap(), search);
    for (from, to, message) in [
        ("\"version\":1", "\"version\":2", "format 2"),
        ("\"dimension\":2", "\"dimension\":0", "damaged"),
        ("\"dimension\":2", "\"dimension\":3", "damaged"),
        ("\"failures\":0", "\"failures\":11", "damaged"),
        (
            "\"failures\":0,\"failures_of_batch\"",
            "\"failures\":11,\"failures_of_batch\"",
            "damaged",
        ),
        ("\"failures_of_batch\":0", "\"failures_of_batch\":1", "damaged"),
        ("\"stride_log2\":0", "\"stride_log2\":40", "damaged"),
        ("\"reference\":[2.0,2.0]", "\"reference\":[2.0]", "reference point"),
        ("\"reference\":[2.0,2.0]", "\"reference\":null", "reference point"),
        ("\"population\":4", "\"population\":3", "population"),
        ("\"objectives\":2", "\"objectives\":3", ""),
        ("\"name\":\"f1\"", "\"name\":\"f0\"", "occurs twice"),
        ("{\"evaluations\":10}", "{\"generations\":0}", ""),
    ] {
        assert!(text.contains(from), "{from} is not in {text}");
        let Err(error) = read(&text.replacen(from, to, 1)) else {
            assert_eq!(message, "", "{to} was read");
            continue;
        };
        assert!(error.contains(message), "{to}: {error}");
    }
    // Any number turned into any other is read or refused, and what is read can go on.
    let mut stream = Seed(3).fast_stream();
    for _ in 0..400 {
        let digits: Vec<usize> =
            text.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect();
        let at = digits[stream.below(digits.len())];
        let mut torn = text.clone();
        torn.replace_range(at..=at, &stream.below(10).to_string());
        if let Ok(mut read) = read(&torn)
            && read.set_stop(Stop::Evaluations(40)).is_ok()
        {
            let _ = read.run(&zdt1);
        }
    }
}

#[test]
fn constraints_come_before_objectives_and_failures_are_counted() {
    let mut search = ParetoSearch::new(nsga2(3, 20, 4), two(), Stop::Generations(30)).unwrap();
    let found = search.run(&Patchy).unwrap();
    assert!(found.front.iter().all(|t| Patchy.violation(&t.point) == 0.0 && t.point[2] >= 0.01));
    let fails = |x: &[f64], values: &mut [f64], _: &Evaluation| {
        (values[0], values[1]) = (x[0], 1.0 - x[0]);
        if x[0] < 0.5 { Err(FitnessError::failed("left")) } else { Ok(()) }
    };
    let mut search = ParetoSearch::new(nsga2(3, 20, 4), two(), Stop::Generations(5)).unwrap();
    let found = search.run(&fallible_objectives(fails)).unwrap();
    assert!(found.failures > 0 && found.failures < found.evaluations);
    assert!(found.front.iter().all(|t| t.point[0] >= 0.5));
    assert_eq!(
        search.history().rows().iter().map(|row| row.failures as u64).sum::<u64>(),
        found.failures
    );
}

#[test]
fn an_objective_that_is_not_written_or_not_finite_is_a_failure() {
    for (second, words) in [(None, "NaN"), (Some(f64::INFINITY), "inf")] {
        let mut search = ParetoSearch::new(nsga2(2, 8, 4), two(), Stop::Generations(5)).unwrap();
        let before = bytes(&search);
        let error = search
            .run(&objectives_fn(|x, values| {
                values[0] = x[0];
                if let Some(second) = second {
                    values[1] = second;
                }
            }))
            .unwrap_err();
        let message = format!(
            "generation 0: all 8 evaluations failed, the last because the fitness is {words}, not a finite number"
        );
        assert_eq!(error.to_string(), message);
        assert_eq!(bytes(&search), before);
        assert!(search.run(&zdt1).is_ok());
    }
}

#[test]
fn a_wrong_or_late_answer_changes_nothing() {
    let mut search = ParetoSearch::new(nsga2(2, 8, 4), two(), Stop::Generations(3)).unwrap();
    assert_eq!(search.result().unwrap_err(), GaError::NothingYet);
    let before = bytes(&search);
    let error = search.tell([Ok([1.0, 2.0])]).unwrap_err();
    assert_eq!(error, GaError::Scores { wanted: 8, found: 1 });
    let error = search.tell((0..8).map(|_| Ok([1.0]))).unwrap_err().to_string();
    assert!(error.ends_with("1 values for 2 objectives"), "{error}");
    assert_eq!(bytes(&search), before);
    search.run(&zdt1).unwrap();
    let after = bytes(&search);
    assert_eq!(search.ask().len(), 0);
    assert_eq!(search.tell::<[f64; 2]>([]).unwrap_err(), GaError::Ended);
    assert_eq!(search.step(&zdt1).unwrap_err(), GaError::Ended);
    assert_eq!(bytes(&search), after);
}

#[test]
fn a_search_and_its_method_must_agree_and_its_rules_must_make_sense() {
    let three = Objectives::minimize(["a", "b", "c"]).unwrap();
    let error = ParetoSearch::new(nsga2(2, 8, 1), three, Stop::Generations(3)).unwrap_err();
    assert_eq!(error.to_string(), "the method has 2 objectives, the search 3");
    let short = ParetoSearch::with_reference(nsga2(2, 8, 1), two(), &[1.0], Stop::Generations(3));
    assert_eq!(short.unwrap_err(), GaError::ReferenceLength { wanted: 2, found: 1 });
    let unbounded = ParetoSearch::new(nsga2(2, 8, 1), two(), Stop::Feasible);
    assert_eq!(unbounded.unwrap_err(), GaError::Unbounded);
    let target = Stop::Generations(3).or(Stop::Target(0.5));
    assert!(ParetoSearch::new(nsga2(2, 8, 1), two(), target.clone()).is_err());
    assert!(ParetoSearch::with_reference(nsga2(2, 8, 1), two(), &[1.0, 1.0], target).is_ok());
    let single = Search::new(nsga2(2, 8, 1), Stop::Generations(3)).unwrap_err();
    assert_eq!(single, GaError::Objectives { found: 2 });
    assert!(Objectives::minimize(["alone"]).is_err());
    let config = Nsga2Config { population: 3, ..Nsga2Config::default() };
    assert!(Nsga2::new(unit(2), 2, config, Seed(1)).is_err());
    let variation = Variation { crossover_eta: f64::NAN, ..Variation::default() };
    let config = Nsga2Config { variation, ..Nsga2Config::default() };
    let error = Nsga2::new(unit(2), 2, config, Seed(1)).unwrap_err().to_string();
    assert!(error.starts_with("crossover_eta"), "{error}");
}

#[test]
fn the_hypervolume_is_a_target_and_says_when_a_search_stagnates() {
    let until = |rule| {
        let stop = Stop::Generations(200).or(rule);
        ParetoSearch::with_reference(nsga2(4, 20, 7), two(), &[1.1, 1.1], stop).unwrap()
    };
    let found = until(Stop::Target(0.7)).run(&zdt1).unwrap();
    assert_eq!(found.stop, StopReason::Target);
    let history = &found.hypervolume_history;
    assert!(history[history.len() - 1] >= 0.7 && history[history.len() - 2] < 0.7);
    let still = objectives_fn(|_, values| values.fill(0.5));
    let found = until(Stop::Stagnation(4)).run(&still).unwrap();
    assert_eq!((found.stop, found.hypervolume_history.len()), (StopReason::Stagnation, 5));
}

#[test]
fn a_search_may_end_with_the_first_feasible_candidate() {
    struct Narrow;
    impl ObjectivesFn for Narrow {
        fn evaluate(
            &self,
            x: &[f64],
            values: &mut [f64],
            _: &Evaluation,
        ) -> Result<(), FitnessError> {
            (values[0], values[1]) = (x[0], x[1]);
            Ok(())
        }
        fn violation(&self, x: &[f64]) -> f64 {
            (x[0] + x[1] - 0.02).max(0.0)
        }
    }
    let stop = Stop::Generations(300).or(Stop::Feasible);
    let mut search = ParetoSearch::new(nsga2(2, 12, 1), two(), stop).unwrap();
    let found = search.run(&Narrow).unwrap();
    assert_eq!(found.stop, StopReason::Feasible);
    assert!(found.front.iter().all(|t| t.point[0] + t.point[1] <= 0.02));
    let rows = search.history().rows();
    assert!(rows[..rows.len() - 1].iter().all(|row| row.front == 0));
}

#[test]
fn a_warm_start_is_not_lost_and_a_wrong_one_is_named() {
    let best = vec![vec![0.25, 0.0, 0.0]];
    let start = |points: &[Vec<f64>]| {
        Nsga2::starting_from(
            unit(3),
            2,
            Nsga2Config { population: 8, ..Nsga2Config::default() },
            Seed(1),
            points,
        )
    };
    let mut search = ParetoSearch::new(start(&best).unwrap(), two(), Stop::Generations(5)).unwrap();
    let found = search.run(&zdt1).unwrap();
    assert_eq!(found.warm_starts, 1);
    assert!(found.front.iter().all(|t| !dominates(&t.values, &[0.25, 0.5])));
    let error = start(&[vec![0.0; 3], vec![0.0, 0.0, 7.0]]).unwrap_err();
    assert_eq!(error.to_string(), "start point 1: parameter \"x2\": 7 is outside [0, 1]");
    let error = start(&vec![vec![0.0; 3]; 9]).unwrap_err();
    assert_eq!(error, GaError::StartCount { found: 9, population: 8 });
}

#[test]
fn where_nothing_new_can_be_bred_a_search_ends_as_converged() {
    let space = ParameterSpace::uniform(2, 1.0, 1.0).unwrap();
    let method =
        Nsga2::new(space, 2, Nsga2Config { population: 6, ..Nsga2Config::default() }, Seed(1));
    let mut search = ParetoSearch::new(method.unwrap(), two(), Stop::Evaluations(1000)).unwrap();
    let found = search.run(&zdt1).unwrap();
    assert_eq!((found.stop, found.evaluations), (StopReason::Converged, 6));
}

#[test]
fn an_observer_sees_every_generation_and_may_end_the_search() {
    let start = || ParetoSearch::new(nsga2(3, 8, 2), two(), Stop::Generations(20)).unwrap();
    let mut watched = start();
    let mut seen = Vec::new();
    let found = watched.run_observed(&zdt1, |search, generation| {
        assert_eq!(search.generation(), generation.index + 1);
        seen.push(generation.index);
        if generation.index == 9 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(found.unwrap().stop, StopReason::Interrupted);
    assert_eq!(seen, (0..10).collect::<Vec<_>>());
    assert!(watched.progress() > 0.4 && watched.progress() < 0.6);
    let mut whole = start();
    assert_eq!(watched.run(&zdt1).unwrap(), whole.run(&zdt1).unwrap());
    assert_eq!(bytes(&watched), bytes(&whole));

    let mut timed = ParetoSearch::new(
        nsga2(3, 8, 2),
        two(),
        Stop::Generations(20).or(Stop::Elapsed(Duration::from_secs(2))),
    )
    .unwrap();
    let found = timed.run_observed(&zdt1, |search, generation| {
        search.set_elapsed(Duration::from_secs(u64::from(generation.index)));
        ControlFlow::Continue(())
    });
    let found = found.unwrap();
    assert_eq!((found.stop, found.front_history.len()), (StopReason::Elapsed, 3));
}

#[test]
fn an_earlier_front_is_where_a_search_can_start() {
    let mut search = ParetoSearch::new(nsga2(3, 8, 2), two(), Stop::Evaluations(8)).unwrap();
    let points = [vec![0.25, 0.0, 0.0], vec![0.5, 0.0, 0.0]];
    assert!(search.start_from(&[vec![2.0; 3]]).is_err());
    search.start_from(&points).unwrap();
    assert_eq!(search.ask().next().unwrap().point, points[0]);
    assert_eq!(search.start_from(&points).unwrap_err(), GaError::Started);
    let found = search.run(&zdt1).unwrap();
    assert_eq!(found.warm_starts, 2);
    assert!(points.iter().all(|point| found.front.iter().any(|t| t.point == *point)));
}

#[test]
fn without_a_feasible_candidate_the_nearest_is_named() {
    struct Never;
    impl ObjectivesFn for Never {
        fn evaluate(&self, _: &[f64], _: &mut [f64], _: &Evaluation) -> Result<(), FitnessError> {
            unreachable!("who breaks a constraint is not asked for values")
        }
        fn violation(&self, x: &[f64]) -> f64 {
            1.0 + x[0]
        }
    }
    let mut search = ParetoSearch::new(nsga2(2, 8, 1), two(), Stop::Generations(9)).unwrap();
    let GaError::Infeasible { violation, nearest, evaluations } = search.run(&Never).unwrap_err()
    else {
        panic!("nothing is feasible");
    };
    assert_eq!((violation, evaluations), (1.0 + nearest[0], search.evaluations()));
    assert!(violation < 1.1);
}

#[test]
fn every_kind_of_parameter_can_be_searched() {
    let space = ParameterSpace::new([
        ("real", Domain::Real(Bounds { min: 0.0, max: 1.0 })),
        ("whole", Domain::Integer { min: -3, max: 9 }),
        ("flag", Domain::Boolean),
        ("label", Domain::Categorical(vec!["a".into(), "b".into(), "c".into()])),
        ("order", Domain::Permutation(5)),
    ])
    .unwrap();
    let config = Nsga2Config { population: 20, ..Nsga2Config::default() };
    let method = Nsga2::new(space, 2, config, Seed(4)).unwrap();
    let mut search = ParetoSearch::new(method, two(), Stop::Generations(60)).unwrap();
    let mixed = objectives_fn(|x, values| {
        // In order is best; so are the flag and the label in the middle. The number is a trade-off.
        let disorder: f64 = x[4..].iter().enumerate().map(|(at, v)| (v - at as f64).abs()).sum();
        let rest = x[0] + (1.0 - x[2]) + (x[3] - 1.0).abs() + disorder;
        (values[0], values[1]) = (x[1] + rest, -x[1] + rest);
    });
    while !search.finished() {
        assert!(search.ask().all(|candidate| search.space().check(candidate.point).is_ok()));
        search.step(&mixed).unwrap();
    }
    let front = search.front();
    assert!(front.len() >= 10, "{}", front.len());
    assert!(front.iter().filter(|t| t.point[4..] == [0.0, 1.0, 2.0, 3.0, 4.0]).count() >= 10);
}

#[cfg(feature = "rayon")]
#[test]
fn threads_change_nothing() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut search = ParetoSearch::new(nsga2(3, 24, 9), two(), Stop::Generations(12)).unwrap();
        pool.install(|| search.run(&orchestrator_ga::parallel_objectives(Patchy))).unwrap();
        bytes(&search)
    };
    let mut alone = ParetoSearch::new(nsga2(3, 24, 9), two(), Stop::Generations(12)).unwrap();
    alone.run(&Patchy).unwrap();
    for threads in [1, 2, 16] {
        assert_eq!(run(threads), bytes(&alone), "{threads} threads");
    }
}

#[test]
fn golden_values_stay() {
    // Both exponents are powers of two and the objectives are sums: nothing here depends on a library of functions.
    let variation = Variation { mutation_eta: 15.0, ..Variation::default() };
    let config = Nsga2Config { population: 20, variation };
    let method = Nsga2::new(unit(4), 2, config, Seed(42)).unwrap();
    let mut search =
        ParetoSearch::with_reference(method, two(), &[3.0, 3.0], Stop::Generations(40)).unwrap();
    let near = |x: &[f64], wanted: f64| x.iter().map(|x| (x - wanted) * (x - wanted)).sum::<f64>();
    let found = search
        .run(&objectives_fn(|x, values| (values[0], values[1]) = (near(x, 0.25), near(x, 0.75))))
        .unwrap();
    let middle = &found.front[found.front.len() / 2];
    let values = [middle.point[0], middle.point[3], found.hypervolume.unwrap()];
    assert_eq!(values.map(f64::to_bits), GOLDEN, "{values:?}");
}

// A change here changes every result that anybody has recorded.
const GOLDEN: [u64; 3] = [4603163185599367887, 4602123916573340224, 4621142810257632863];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn bounds_are_kept_no_point_is_asked_twice_and_no_front_is_dominated(
        seed: u64, population in 4..16_usize, eta in 0.0..40.0_f64, rate in 0.0..1.0_f64, third: bool,
    ) {
        let variation = Variation { crossover_eta: eta, mutation_eta: eta, mutation_rate: Some(rate), ..Variation::default() };
        let space = ParameterSpace::uniform(5, -3.0, 7.0).unwrap();
        let method: Box<dyn Optimizer> = if third {
            let config = Nsga3Config { population: Some(population), variation };
            Box::new(Nsga3::new(space, Directions::das_dennis(2, 5).unwrap(), config, Seed(seed)).unwrap())
        } else {
            Box::new(Nsga2::new(space, 2, Nsga2Config { population, variation }, Seed(seed)).unwrap())
        };
        let mut search = ParetoSearch::new(method, two(), Stop::Generations(12)).unwrap();
        let sums = objectives_fn(|x, values| {
            (values[0], values[1]) = (x.iter().sum(), x.iter().map(|x| (x - 1.0).powi(2)).sum());
        });
        while !search.finished() {
            let asked: Vec<Vec<f64>> = search.ask().map(|candidate| candidate.point.to_vec()).collect();
            for (at, point) in asked.iter().enumerate() {
                prop_assert!(search.space().check(point).is_ok());
                prop_assert!(!asked[..at].contains(point));
                prop_assert!(!search.optimizer().population().points.points().any(|known| known == point));
            }
            let before = search.front();
            search.step(&sums).unwrap();
            let front = search.front();
            // Nobody in the front is dominated, neither within nor by what was known.
            for new in front.iter() {
                prop_assert!(!front.iter().chain(&before).any(|other| dominates(&other.values, &new.values)));
            }
        }
    }
}
