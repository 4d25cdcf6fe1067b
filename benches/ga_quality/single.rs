//! One objective: our methods on the six functions, beside the medians that the peers reach with the same number of evaluations.

use orchestrator_ai::core::Seed;
use orchestrator_ai::ga::{Ga, GaConfig, Optimizer, Search, Stop};

use crate::problems::{Function, Problem};
use crate::row::Row;
use crate::statistics::{at_least_by_chance, median};

/// The dimension of the comparison.
const DIMENSION: usize = 10;
/// The budget of the preset: its start population and 49 generations of 20.
const SHORT: u64 = 1_000;
/// How many runs the test of the preset has.
const PRESET_RUNS: u64 = 31;
/// The error that a one-sided test may make.
const LEVEL: f64 = 0.05;

/// The four functions of the table that was measured elsewhere, and the row of the documents' preset in DEAP.
const DEAP: [(Function, f64); 4] = [
    (Function::Ackley, 4.64),
    (Function::Rastrigin, 20.3),
    (Function::Rosenbrock, 117.0),
    (Function::Sphere, 0.154),
];

/// All rows with one objective.
pub(crate) fn rows() -> Vec<Row> {
    preset()
}

/// The rotated problems, for a peer in another language.
pub(crate) fn problems() -> String {
    let problem = Problem::rotated(Function::Sphere, DIMENSION, 0);
    serde_json::to_string(&problem).expect("a problem is plain numbers")
}

/// The documents' preset beside the same in DEAP.
fn preset() -> Vec<Row> {
    let config = GaConfig { generations: 49, ..GaConfig::documents() };
    DEAP.iter()
        .map(|&(function, reference)| {
            let problem = Problem::shifted(function, DIMENSION);
            let costs: Vec<f64> = (0..PRESET_RUNS)
                .map(|run| {
                    let ga = Ga::new(problem.space(), config.clone(), Seed(run));
                    cost(ga.expect("the preset can run"), SHORT, &problem)
                })
                .collect();
            let worse = costs.iter().filter(|&&cost| cost > reference).count();
            let chance = at_least_by_chance(worse, costs.len());
            let name = format!("{} in {SHORT}", function.name());
            Row::shown("the documents' preset, DEAP", &name, median(&costs), reference)
                .held(chance >= LEVEL, format!("not worse at 5 %: p = {chance:.3}"))
        })
        .collect()
}

/// The least cost that the method meets within the budget.
fn cost<O: Optimizer>(method: O, evaluations: u64, problem: &Problem) -> f64 {
    let search = Search::new(method, Stop::Evaluations(evaluations));
    let found = search.and_then(|mut search| search.run(&|x: &[f64]| -problem.value(x)));
    -found.expect("the problems have a value everywhere").final_fitness
}
