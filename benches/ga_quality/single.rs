//! One objective: our methods on the six functions, beside what the peers reach with the same number of evaluations.

use std::collections::BTreeMap;

use orchestrator_ai::core::Seed;
use orchestrator_ai::ga::{Auto, Ga, GaConfig, Optimizer, Search, Stop};
use serde::{Deserialize, Serialize};

use crate::problems::{FUNCTIONS, Function, Problem};
use crate::row::Row;
use crate::statistics::{at_least_by_chance, geometric_mean, median};

/// The dimension of the comparison.
const DIMENSION: usize = 10;
/// The short budget: of the preset, its start population and 49 generations of 20.
const SHORT: u64 = 1_000;
/// The long budget.
const LONG: u64 = 10_000;
/// How many runs a median is of; a rotated problem is another in each of them.
const RUNS: u64 = 11;
/// How many runs the test of the preset has.
const PRESET_RUNS: u64 = 31;
/// The error that a one-sided test may make.
const LEVEL: f64 = 0.05;
/// How much worse than the best peer a column may be while the mean over the columns is not.
const COLUMN_MAX: f64 = 2.0;

/// The best cell of each column of the table that was measured elsewhere, and which peer's it is.
const BEST: [(Function, f64, &str); 4] = [
    (Function::Ackley, 0.121, "pycma"),
    (Function::Rastrigin, 10.3, "pymoo GA"),
    (Function::Rosenbrock, 15.8, "scipy DE"),
    (Function::Sphere, 1.2e-4, "pycma"),
];

/// The row of the documents' preset in DEAP, of the same table.
const DEAP: [(Function, f64); 4] = [
    (Function::Ackley, 4.64),
    (Function::Rastrigin, 20.3),
    (Function::Rosenbrock, 117.0),
    (Function::Sphere, 0.154),
];

/// What the long budget is enough for.
const ENOUGH: f64 = 1e-8;
const ENOUGH_RASTRIGIN: f64 = 0.02;

/// What `peers.py` measured.
#[derive(Deserialize)]
struct Peers {
    evaluations: u64,
    /// By `shifted` or `rotated`, by function, by peer.
    medians: BTreeMap<String, BTreeMap<String, BTreeMap<String, f64>>>,
}

/// All rows with one objective.
pub(crate) fn rows() -> Vec<Row> {
    let peers: Peers =
        serde_json::from_str(include_str!("peers.json")).expect("peers.py writes this form");
    assert_eq!(peers.evaluations, SHORT, "peers.json is of another budget; run peers.py again");
    let mut rows = table();
    rows.extend(beside(&peers, "rotated", Problem::rotated));
    rows.extend(long());
    rows.extend(preset());
    rows
}

/// The problems of every run, for the peers in another language.
pub(crate) fn problems() -> String {
    #[derive(Serialize)]
    struct Given {
        evaluations: u64,
        shifted: BTreeMap<&'static str, Vec<Problem>>,
        rotated: BTreeMap<&'static str, Vec<Problem>>,
    }
    let all = |make: fn(Function, usize, u64) -> Problem| {
        let of = |f: Function| (0..RUNS).map(|run| make(f, DIMENSION, run)).collect();
        FUNCTIONS.iter().map(|&f| (f.name(), of(f))).collect()
    };
    let given = Given {
        evaluations: SHORT,
        shifted: all(Problem::shifted_again),
        rotated: all(Problem::rotated),
    };
    serde_json::to_string(&given).expect("problems are plain numbers")
}

/// `Auto` beside the best cells of the table that was measured elsewhere.
fn table() -> Vec<Row> {
    let group = format!("Auto, {DIMENSION}-D, {SHORT} evaluations: the best cell of the table");
    let mut rows: Vec<Row> = BEST
        .iter()
        .map(|&(function, reference, peer)| {
            let ours = auto(function, SHORT, Problem::shifted_again);
            Row::shown(&group, &format!("{}, {peer}", function.name()), ours, reference)
                .at_most(COLUMN_MAX)
        })
        .collect();
    rows.push(mean_of(&rows));
    rows
}

/// `Auto` beside the best of the peers that ran on the same problems.
fn beside(peers: &Peers, kind: &str, make: fn(Function, usize, u64) -> Problem) -> Vec<Row> {
    let group =
        format!("Auto, {DIMENSION}-D, {SHORT} evaluations, {kind}: the best peer run beside it");
    let mut rows: Vec<Row> = FUNCTIONS
        .iter()
        .map(|&function| {
            let row = &peers.medians[kind][function.name()];
            let (peer, &reference) =
                row.iter().min_by(|a, b| a.1.total_cmp(b.1)).expect("there are peers");
            let ours = auto(function, SHORT, make);
            Row::shown(&group, &format!("{}, {peer}", function.name()), ours, reference)
        })
        .collect();
    rows.push(mean_of(&rows));
    rows
}

/// The geometric mean over the rows; and, for the reader, what it would be if no column counted as more than a thousand times better, so that no
/// single one decides.
fn mean_of(rows: &[Row]) -> Row {
    let ratios: Vec<f64> = rows.iter().map(|row| row.ratio).collect();
    let bounded: Vec<f64> = ratios.iter().map(|ratio| ratio.max(1e-3)).collect();
    let mean = geometric_mean(&ratios);
    let note = format!("<= 1; {:.3} with no ratio below 0.001", geometric_mean(&bounded));
    Row::shown(&rows[0].group, "geometric mean of the ratios", mean, 1.0).held(mean <= 1.0, note)
}

/// `Auto` with the long budget.
fn long() -> Vec<Row> {
    let group = format!("Auto, {DIMENSION}-D, {LONG} evaluations");
    FUNCTIONS
        .iter()
        .map(|&function| {
            let goal = if function == Function::Rastrigin { ENOUGH_RASTRIGIN } else { ENOUGH };
            let ours = auto(function, LONG, Problem::shifted_again);
            Row::shown(&group, function.name(), ours, goal).at_most(1.0)
        })
        .collect()
}

/// The documents' preset beside the same in DEAP: a sign test against its median.
fn preset() -> Vec<Row> {
    let config = GaConfig { generations: 49, ..GaConfig::documents() };
    DEAP.iter()
        .map(|&(function, reference)| {
            let problem = Problem::shifted(function, DIMENSION);
            let ours: Vec<f64> = (0..PRESET_RUNS)
                .map(|run| {
                    let ga = Ga::new(problem.space(), config.clone(), Seed(run));
                    cost(ga.expect("the preset can run"), SHORT, &problem)
                })
                .collect();
            let worse = ours.iter().filter(|&&cost| cost > reference).count();
            let chance = at_least_by_chance(worse, ours.len());
            let group = format!("the documents' preset, {SHORT} evaluations: DEAP");
            Row::shown(&group, function.name(), median(&ours), reference)
                .held(chance >= LEVEL, format!("not worse at 5 %: p = {chance:.3}"))
        })
        .collect()
}

/// The median of `Auto`'s runs.
fn auto(function: Function, evaluations: u64, make: fn(Function, usize, u64) -> Problem) -> f64 {
    let costs: Vec<f64> = (0..RUNS)
        .map(|run| {
            let problem = make(function, DIMENSION, run);
            let method = Auto::new(problem.space(), evaluations, Seed(run));
            cost(method.expect("the spaces are small"), evaluations, &problem)
        })
        .collect();
    median(&costs)
}

/// The least cost that the method meets within the budget.
fn cost<O: Optimizer>(method: O, evaluations: u64, problem: &Problem) -> f64 {
    let search = Search::new(method, Stop::Evaluations(evaluations));
    let found = search.and_then(|mut search| search.run(&|x: &[f64]| -problem.value(x)));
    -found.expect("the problems have a value everywhere").final_fitness
}
