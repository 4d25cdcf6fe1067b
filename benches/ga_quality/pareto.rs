//! Many objectives: the hypervolumes that our methods reach, beside the medians of the same methods in pymoo.

use orchestrator_ai::core::Seed;
use orchestrator_ai::ga::pareto::{
    Directions, Nsga2, Nsga2Config, Nsga3, Nsga3Config, Objectives, ParetoSearch,
};
use orchestrator_ai::ga::{Optimizer, Stop};

use crate::pareto_problems::ParetoProblem;
use crate::row::Row;
use crate::statistics::{at_least_by_chance, median};

/// What every run may evaluate.
const EVALUATIONS: u64 = 25_000;
/// How many runs are held against a median.
const RUNS: u64 = 31;
/// The error that a one-sided test may make.
const LEVEL: f64 = 0.05;
/// The reference point of the hypervolume, in every objective.
const REFERENCE: f64 = 1.1;

/// What pymoo's NSGA-II reaches with a population of 100.
const NSGA2: [(ParetoProblem, f64); 6] = [
    (ParetoProblem::Zdt1, 0.8697),
    (ParetoProblem::Zdt2, 0.5364),
    (ParetoProblem::Zdt3, 1.3276),
    (ParetoProblem::Zdt4, 0.8667),
    (ParetoProblem::Zdt6, 0.4932),
    (ParetoProblem::Dtlz2, 0.7067),
];
/// What its NSGA-III reaches on DTLZ2.
const NSGA3: f64 = 0.7440;

/// All rows with many objectives.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = NSGA2
        .iter()
        .map(|&(problem, reference)| {
            let name = format!("NSGA-II, {}", problem.name());
            row(&name, reference, |seed| {
                let method =
                    Nsga2::new(problem.space(), problem.objectives(), Nsga2Config::default(), seed);
                reached(method.expect("the preset can run"), problem)
            })
        })
        .collect();
    rows.push(row("NSGA-III, DTLZ2", NSGA3, |seed| {
        let directions = Directions::of(3).expect("three objectives have directions");
        let space = ParetoProblem::Dtlz2.space();
        let method = Nsga3::new(space, directions, Nsga3Config::default(), seed);
        reached(method.expect("the preset can run"), ParetoProblem::Dtlz2)
    }));
    rows
}

/// The hypervolumes of all runs beside a median: more is better, so it fails when too many lie below.
fn row(name: &str, reference: f64, run: impl Fn(Seed) -> f64) -> Row {
    let mut volumes: Vec<f64> = (0..RUNS).map(|seed| run(Seed(seed))).collect();
    volumes.sort_by(f64::total_cmp);
    let below = volumes.iter().filter(|&&volume| volume < reference).count();
    let chance = at_least_by_chance(below, volumes.len());
    let quarter = volumes.len() / 4;
    let note = format!(
        "more is better; not below at 5 %: p = {chance:.3}; quartiles {:.4} {:.4} {:.4}",
        volumes[quarter],
        median(&volumes),
        volumes[volumes.len() - 1 - quarter],
    );
    Row::shown("hypervolume in 25,000 evaluations, pymoo", name, median(&volumes), reference)
        .held(chance >= LEVEL, note)
}

/// The hypervolume of the front after all evaluations.
fn reached<O: Optimizer>(method: O, problem: ParetoProblem) -> f64 {
    let names = (0..problem.objectives()).map(|at| format!("f{at}"));
    let objectives = Objectives::minimize(names).expect("the names differ");
    let reference = vec![REFERENCE; problem.objectives()];
    let search = ParetoSearch::with_reference(
        method,
        objectives,
        &reference,
        Stop::Evaluations(EVALUATIONS),
    );
    let found = search
        .expect("the rules have a bound")
        .run(&|x: &[f64], values: &mut [f64]| problem.evaluate(x, values));
    found.ok().and_then(|found| found.hypervolume).expect("all candidates are feasible")
}
