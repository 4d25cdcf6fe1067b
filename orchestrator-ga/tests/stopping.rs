//! A search ends when its rules say so, for a reason that it names, and never runs without a bound.

mod support;

use std::ops::ControlFlow;
use std::time::Duration;

use orchestrator_core::{Clock, ManualClock, Timestamp};
use orchestrator_ga::{EVALUATIONS_MAX, GaError, Stop, StopReason, fitness_fn};
use support::{sphere, until};

const BOUND: Stop = Stop::Generations(30);

#[test]
fn a_search_stops_at_its_target_or_when_it_stagnates() {
    let result = until(BOUND.or(Stop::Target(-0.05)), 7).run(&sphere).unwrap();
    assert_eq!(result.stop, StopReason::Target);
    assert!(result.fitness_history.len() < 31 && result.final_fitness >= -0.05);

    let result = until(BOUND.or(Stop::Stagnation(4)), 7).run(&fitness_fn(|_| 1.0)).unwrap();
    assert_eq!(result.stop, StopReason::Stagnation);
    assert_eq!(result.fitness_history.len(), 5);
}

#[test]
fn stagnation_counts_evaluations_too() {
    let flat = fitness_fn(|_| 1.0);
    let result = until(BOUND.or(Stop::StagnantEvaluations(60)), 7).run(&flat).unwrap();
    assert_eq!((result.stop, result.improved_at), (StopReason::Stagnation, 1));
    assert!((61..61 + 20).contains(&result.evaluations), "{}", result.evaluations);
    // A fitness that rises with every call never stagnates.
    let rising = std::cell::Cell::new(0.0);
    let rise = fitness_fn(|_| {
        rising.set(rising.get() + 1.0);
        rising.get()
    });
    let result = until(BOUND.or(Stop::StagnantEvaluations(60)), 7).run(&rise).unwrap();
    assert_eq!(result.stop, StopReason::Generations);
    assert_eq!(result.improved_at, result.evaluations);
}

#[test]
fn time_is_what_the_host_says_and_never_goes_back() {
    let clock = ManualClock::at(Timestamp(1_000));
    let began = clock.now();
    let mut search = until(BOUND.or(Stop::Elapsed(Duration::from_millis(45))), 7);
    let result = search.run_observed(&sphere, |search, _| {
        clock.advance(Duration::from_millis(10));
        search.set_elapsed(clock.now().since(began));
        ControlFlow::Continue(())
    });
    let result = result.unwrap();
    assert_eq!((result.stop, result.fitness_history.len()), (StopReason::Elapsed, 5));

    search.set_elapsed(Duration::ZERO);
    assert_eq!(search.elapsed(), Duration::from_millis(50));
    assert!(search.finished());
    search.set_stop(BOUND.or(Stop::Elapsed(Duration::from_secs(1)))).unwrap();
    assert!(!search.finished(), "more time was given");

    // Nobody says the time: the other bound holds.
    let result = until(BOUND.or(Stop::Elapsed(Duration::from_millis(1))), 7).run(&sphere);
    assert_eq!(result.unwrap().stop, StopReason::Generations);
}

#[test]
fn rules_combine_by_or_and_by_and() {
    // Both: the target, and at least 200 evaluations.
    let both = Stop::Target(-0.05).and(Stop::Evaluations(200));
    let result = until(BOUND.or(both), 7).run(&sphere).unwrap();
    assert!(result.final_fitness >= -0.05 && result.evaluations >= 200);
    assert!(result.fitness_history.len() < 31);
    // The last rule that was met gives the reason.
    assert_eq!(result.stop, StopReason::Evaluations);
    // All of two budgets is the larger one, any of two the smaller one.
    let (small, large) = (Stop::Evaluations(30), Stop::Evaluations(90));
    let evaluations = |stop| until(stop, 7).run(&sphere).unwrap().evaluations;
    assert_eq!(evaluations(small.clone().and(large.clone())), 90);
    assert_eq!(evaluations(small.or(large)), 30);
}

#[test]
fn rules_that_might_never_end_a_search_or_make_no_sense_are_refused() {
    let target = Stop::Target(0.0);
    for stop in [
        target.clone(),
        Stop::Feasible,
        Stop::Stagnation(5),
        Stop::StagnantEvaluations(5),
        Stop::Elapsed(Duration::from_secs(1)),
        BOUND.and(target.clone()),
        target.clone().or(Stop::Feasible),
    ] {
        assert_eq!(stop.check().unwrap_err(), GaError::Unbounded, "{stop:?}");
        let mut search = until(BOUND, 1);
        assert_eq!(search.set_stop(stop).unwrap_err(), GaError::Unbounded);
        assert_eq!(*search.stop(), BOUND);
    }
    for stop in [
        Stop::Evaluations(0),
        Stop::Evaluations(EVALUATIONS_MAX + 1),
        Stop::Generations(u32::MAX),
        BOUND.or(Stop::Target(f64::NAN)),
        BOUND.or(Stop::Stagnation(0)),
        BOUND.or(Stop::StagnantEvaluations(0)),
        BOUND.or(Stop::Elapsed(Duration::ZERO)),
        BOUND.or(Stop::All(Vec::new())),
    ] {
        assert!(matches!(stop.check(), Err(GaError::Stop { .. })), "{stop:?}");
    }
}

#[test]
fn after_the_end_other_rules_let_it_go_on() {
    let mut search = until(Stop::Generations(3), 7);
    assert_eq!(search.progress(), 0.0);
    let short = search.run(&sphere).unwrap();
    assert_eq!((short.fitness_history.len(), search.progress()), (4, 1.0));
    search.set_stop(Stop::Generations(7)).unwrap();
    assert_eq!(search.progress(), 0.5);
    assert_eq!(search.run(&sphere).unwrap().fitness_history.len(), 8);
    // Rules that are met already end it at once.
    search.set_stop(Stop::Generations(2)).unwrap();
    assert!(search.finished());
}

#[test]
fn a_method_that_breeds_nothing_new_has_converged_and_stays_so() {
    use orchestrator_core::Seed;
    use orchestrator_ga::{EMPTY_GENERATIONS_MAX, Ga, GaConfig, Search};
    let still = GaConfig { crossover_rate: 0.0, mutation_rate: 0.0, ..GaConfig::default() };
    let ga = Ga::new(support::space(), still, Seed(1)).unwrap();
    let mut search = Search::new(ga, Stop::Evaluations(1_000)).unwrap();
    let result = search.run(&sphere).unwrap();
    assert_eq!((result.stop, result.evaluations), (StopReason::Converged, 20));
    assert_eq!(search.generation(), EMPTY_GENERATIONS_MAX);
    search.set_stop(Stop::Evaluations(2_000)).unwrap();
    assert!(search.finished());
}
