//! Constraints: what keeps them comes first, repair moves into the space, and what cannot be kept is told with its measure.

mod support;

use std::cell::RefCell;

use orchestrator_core::{ParameterSpace, Seed};
use orchestrator_ga::{
    Batch, Candidates, Costs, Finding, FitnessFn, Ga, GaConfig, GaError, Score, Scores, Search,
    Stop, StopReason, batch_fn, constrained, fallible, fitness_fn, repaired,
};
use support::{bytes, search, space, sphere, until};

#[test]
fn a_search_that_starts_infeasible_finds_what_keeps_the_constraints() {
    // A thin ring.
    let ring = |x: &[f64]| (x.iter().map(|v| v * v).sum::<f64>().sqrt() - 0.8).abs() - 0.02;
    let fitness = constrained(fitness_fn(|x| x[0]), ring);
    let mut ga = until(Stop::Generations(60), 1);
    let mut first_feasible = None;
    while !ga.finished() {
        ga.step(&fitness).unwrap();
        first_feasible = first_feasible.or(ga.best().map(|(_, first)| (ga.generation(), first)));
    }
    let result = ga.result().unwrap();
    let (generation, first) = first_feasible.unwrap();
    assert!(generation > 1, "the start population was to break the constraint");
    assert!(ring(&result.best) <= 0.0);
    assert!(result.final_fitness > first + 0.1, "from {first} to {}", result.final_fitness);
    let rows = ga.history().rows();
    assert_eq!(rows.iter().map(|row| row.infeasible as u64).sum::<u64>(), result.infeasible);
    assert_eq!(rows[0].infeasible, 20);
}

#[test]
fn the_fitness_of_what_breaks_a_constraint_is_not_asked_for() {
    let outside = |x: &[f64]| x[0];
    let asked = RefCell::new(Vec::new());
    let fitness = constrained(
        fitness_fn(|x| {
            asked.borrow_mut().push(x[0]);
            sphere(x)
        }),
        outside,
    );
    let result = search(GaConfig::default(), 1).run(&fitness).unwrap();
    assert!(asked.borrow().iter().all(|x| *x <= 0.0));
    assert_eq!(asked.borrow().len() as u64, result.evaluations - result.infeasible);
    assert!(result.infeasible > 0);
}

#[test]
fn constraints_add_up_and_a_batch_sees_only_what_keeps_them() {
    let over = |x: &[f64]| x[0] - 0.5;
    let under = |x: &[f64]| -0.5 - x[0];
    let plain = constrained(constrained(fitness_fn(sphere), over), under);
    let blocks = RefCell::new(0);
    let batched = batch_fn(|candidates: &Candidates<'_>| {
        *blocks.borrow_mut() += 1;
        candidates
            .iter()
            .map(|candidate| {
                assert!(candidate.point[0].abs() <= 0.5);
                sphere(candidate.point)
            })
            .collect()
    });
    let batched = constrained(constrained(batched, over), under);
    assert!((plain.violation(&[0.75, 0.0, 0.0, 0.0]) - 0.25).abs() < 1e-12);
    assert!((plain.violation(&[-0.75, 0.0, 0.0, 0.0]) - 0.25).abs() < 1e-12);
    assert_eq!(plain.violation(&[0.1; 4]), 0.0);
    let (mut one, mut other) = (search(GaConfig::default(), 5), search(GaConfig::default(), 5));
    let result = one.run(&plain).unwrap();
    assert_eq!(other.run(&batched).unwrap(), result);
    assert_eq!(bytes(&one), bytes(&other));
    assert!(*blocks.borrow() < result.evaluations - result.infeasible, "blocks, not single points");
}

#[test]
fn a_repair_moves_candidates_and_never_out_of_the_space() {
    // Pushes all points outwards; the bounds hold them at the sphere's far corner.
    let fitness = repaired(fitness_fn(sphere), |x| x.iter_mut().for_each(|v| *v = v.abs() * 3.0));
    let mut ga = search(GaConfig::default(), 1);
    let seen = RefCell::new(0);
    let watching = fallible(|x: &[f64], _| {
        assert!(x.iter().all(|v| (0.0..=1.0).contains(v)), "{x:?}");
        *seen.borrow_mut() += 1;
        Ok(sphere(x))
    });
    let watched = repaired(watching, fitness_repair(&fitness));
    let result = ga.run(&watched).unwrap();
    assert_eq!(*seen.borrow(), result.evaluations);
    assert!(space().check(&result.best).is_ok());

    // By hand, what leaves the space is moved back as well, NaN included.
    let mut ga = search(GaConfig::default(), 1);
    ga.repair(|x| (x[0], x[1]) = (f64::NAN, 7.0));
    assert!(ga.ask().all(|candidate| candidate.point[..2] == [-1.0, 1.0]));
}

fn fitness_repair(fitness: &impl FitnessFn) -> impl Fn(&mut [f64]) {
    |x| {
        fitness.repair(x);
    }
}

#[test]
fn when_nothing_is_feasible_the_least_violation_is_told() {
    let impossible = constrained(fitness_fn(sphere), |x| 10.0 + x[0]);
    let mut ga = search(GaConfig::default(), 1);
    let GaError::Infeasible { violation, nearest, evaluations } = ga.run(&impossible).unwrap_err()
    else {
        panic!("another error");
    };
    assert_eq!(violation, 10.0 + nearest[0]);
    assert!((9.0..9.05).contains(&violation), "{violation}");
    assert_eq!(evaluations, ga.evaluations());
    let text = ga.result().unwrap_err().to_string();
    assert!(text.contains("the nearest breaks the constraints by 9"), "{text}");
    let findings = ga.diagnose(&GaConfig::default());
    assert!(matches!(findings[..], [Finding::Infeasible { .. }]), "{findings:?}");
    // It survives being saved, and is forgotten as soon as something is feasible.
    let mut loaded: Search<Ga> = bytes(&ga).to().unwrap();
    assert_eq!(loaded.result(), ga.result());
    loaded.set_stop(Stop::Generations(31)).unwrap();
    loaded.run(&sphere).unwrap();
}

#[test]
fn a_falling_violation_is_no_stagnation() {
    let far = constrained(fitness_fn(sphere), |x| 3.5 + x[0] + x[1] + x[2]);
    let stop = Stop::Generations(30).or(Stop::Stagnation(3));
    let mut ga = until(stop, 1);
    let first = ga.step(&far);
    assert!(first.is_ok());
    let GaError::Infeasible { violation: early, .. } = ga.result().unwrap_err() else { panic!() };
    let GaError::Infeasible { violation: late, .. } = ga.run(&far).unwrap_err() else { panic!() };
    assert!(late < early);
    assert!(ga.generation() > 4, "it ended in generation {}", ga.generation());
}

#[test]
fn a_search_for_anything_feasible_stops_at_the_first() {
    let ring = |x: &[f64]| (x.iter().map(|v| v * v).sum::<f64>().sqrt() - 0.8).abs() - 0.02;
    let fitness = constrained(fitness_fn(|_| 0.0), ring);
    let stop = Stop::Evaluations(5_000).or(Stop::Feasible);
    let result = until(stop, 1).run(&fitness).unwrap();
    assert_eq!(result.stop, StopReason::Feasible);
    assert!(ring(&result.best) <= 0.0 && result.evaluations < 5_000);
}

#[test]
fn a_violation_that_is_no_number_is_a_failed_evaluation() {
    let vague = constrained(fitness_fn(sphere), |x| if x[0] < 0.0 { f64::NAN } else { 0.0 });
    let result = search(GaConfig::default(), 1).run(&vague).unwrap();
    assert!(result.failures > 0 && result.infeasible == 0);
    let infinite = search(GaConfig::default(), 1).tell((0..20).map(|_| Ok(Score::Violation(-1.0))));
    assert!(matches!(infinite, Err(GaError::AllFailed { .. })));
}

#[test]
fn feasibility_comes_first_for_every_method_since_costs_are_ordered_so() {
    let space = ParameterSpace::uniform(1, 0.0, 1.0).unwrap();
    let mut ga = Ga::search(space, GaConfig::default(), Seed(1)).unwrap();
    let scores: Vec<_> = (0..20)
        .map(|at| Ok(if at == 13 { Score::Fitness(-1e9) } else { Score::Violation(1e-9) }))
        .collect();
    let chosen = ga.ask().nth(13).unwrap().point.to_vec();
    ga.tell(scores).unwrap();
    assert_eq!(ga.best(), Some((&chosen[..], -1e9)));
    let best = ga.optimizer_population_best();
    assert_eq!(best, chosen);
}

trait PopulationBest {
    fn optimizer_population_best(&self) -> Vec<f64>;
}

impl PopulationBest for Search<Ga> {
    fn optimizer_population_best(&self) -> Vec<f64> {
        use orchestrator_ga::Optimizer;
        let population = self.optimizer().population();
        let (points, costs): (&Batch, &Costs) = (population.points, population.costs);
        points.point(costs.best().unwrap()).to_vec()
    }
}

/// A fitness over batches that forgets one candidate.
struct Forgetful;

impl FitnessFn for Forgetful {
    fn evaluate(
        &self,
        x: &[f64],
        _: &orchestrator_ga::Evaluation,
    ) -> Result<f64, orchestrator_ga::FitnessError> {
        Ok(sphere(x))
    }
    fn evaluate_batch(&self, candidates: &Candidates<'_>, scores: &mut Scores) {
        for candidate in candidates.iter().skip(1) {
            scores.push(Ok(sphere(candidate.point)));
        }
    }
}

#[test]
fn a_batch_with_a_score_too_few_is_refused() {
    let mut ga = search(GaConfig::default(), 1);
    let before = bytes(&ga);
    assert_eq!(ga.step(&Forgetful).unwrap_err(), GaError::Scores { wanted: 20, found: 19 });
    assert_eq!(bytes(&ga), before);
}
