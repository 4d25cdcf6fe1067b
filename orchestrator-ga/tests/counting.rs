//! Evaluations are dear: none is made twice, none beyond the budget, and none is lost by a wrong answer.

mod support;

use std::cell::Cell;

use orchestrator_ga::{GaConfig, GaError, Stop, StopReason, fitness_fn};
use support::{bytes, search, sphere, until};

#[test]
fn an_unchanged_individual_is_never_evaluated_again() {
    let calls = Cell::new(0_u64);
    let counting = fitness_fn(|x| {
        calls.set(calls.get() + 1);
        sphere(x)
    });
    let still = GaConfig { crossover_rate: 0.0, mutation_rate: 0.0, ..GaConfig::default() };
    let result = search(still, 2).run(&counting).unwrap();
    assert_eq!((calls.get(), result.evaluations), (20, 20));
    assert_eq!(result.fitness_history.len(), 31);

    calls.set(0);
    let result = search(GaConfig::default(), 2).run(&counting).unwrap();
    assert_eq!(calls.get(), result.evaluations);
    assert!(result.evaluations < 20 + 30 * 19, "{}", result.evaluations);
}

#[test]
fn a_budget_of_evaluations_is_spent_exactly() {
    let calls = Cell::new(0_u64);
    let counting = fitness_fn(|x| {
        calls.set(calls.get() + 1);
        sphere(x)
    });
    for budget in [1, 19, 20, 21, 333] {
        calls.set(0);
        let result = until(Stop::Evaluations(budget), 3).run(&counting).unwrap();
        assert_eq!((calls.get(), result.evaluations), (budget, budget));
        assert_eq!(result.stop, StopReason::Evaluations);
    }
}

#[test]
fn a_budget_that_is_extended_ends_where_the_larger_one_does() {
    // A thousand cuts a generation in two, as nearly every number does.
    for (small, large) in [(1_000, 2_000), (7, 8), (20, 40), (1, 1_001)] {
        let mut whole = until(Stop::Evaluations(large), 5);
        let result = whole.run(&sphere).unwrap();

        let mut parts = until(Stop::Evaluations(small), 5);
        assert_eq!(parts.run(&sphere).unwrap().evaluations, small);
        parts.set_stop(Stop::Evaluations(large)).unwrap();
        assert!(!parts.finished());
        assert_eq!(parts.run(&sphere).unwrap(), result);
        assert_eq!(bytes(&parts), bytes(&whole), "{small} and then {large}");
    }
}

#[test]
fn a_wrong_or_late_answer_changes_nothing() {
    let mut ga = search(GaConfig::default(), 4);
    assert_eq!(ga.result().unwrap_err(), GaError::NothingYet);
    let before = bytes(&ga);
    assert_eq!(ga.tell([Ok(1.0)]).unwrap_err(), GaError::Scores { wanted: 20, found: 1 });
    let many = ga.tell((0..21).map(|_| Ok(1.0))).unwrap_err();
    assert_eq!(many, GaError::Scores { wanted: 20, found: 21 });
    assert_eq!(bytes(&ga), before);
    ga.run(&sphere).unwrap();
    let after = bytes(&ga);
    assert_eq!(ga.ask().len(), 0);
    assert_eq!(ga.tell::<f64>([]).unwrap_err(), GaError::Ended);
    assert_eq!(bytes(&ga), after);
}

#[test]
fn what_is_asked_is_the_same_until_it_is_told() {
    let mut ga = search(GaConfig::default(), 4);
    let asked: Vec<Vec<f64>> = ga.ask().map(|candidate| candidate.point.to_vec()).collect();
    assert!(ga.ask().map(|candidate| candidate.point.to_vec()).eq(asked.clone()));
    assert!(ga.candidates().as_slice().chunks_exact(4).eq(asked.iter().map(Vec::as_slice)));
    ga.tell(asked.iter().map(|point| Ok(sphere(point)))).unwrap();
    assert!(ga.ask().zip(&asked).any(|(candidate, before)| candidate.point != before));
}
