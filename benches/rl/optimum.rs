//! How near the greedy policy comes to the optimum, by exact evaluation from the start, over eleven seeds.

use orchestrator_core::Seed;
use orchestrator_rl::mdp::{Policy, TableMdp};
use orchestrator_rl::worlds::{
    Ice, LAKE_4X4, LAKE_8X8, Wind, cliff_walking, frozen_lake, taxi, windy_gridworld,
};
use orchestrator_rl::{DenseTable, Method, RlConfig, Training};

use benches::rows::{Goal, Row};

const SEEDS: u64 = 11;
const GAMMA: f64 = 0.95;
/// The published optima have ten digits.
const DIGITS: f64 = 5e-10;

pub(crate) fn rows(first_seed: u64) -> Vec<Row> {
    let lake_4 = frozen_lake(&LAKE_4X4, Ice::Slippery);
    let lake_8 = frozen_lake(&LAKE_8X8, Ice::Slippery);
    let (cliff, taxi) = (cliff_walking(), taxi());
    let optima = [
        ("FrozenLake 4x4", &lake_4, GAMMA, 0.180_471_578_4),
        ("FrozenLake 8x8", &lake_8, GAMMA, 0.048_250_204_1),
        ("CliffWalking", &cliff, GAMMA, -9.733_158_334_4),
        ("CliffWalking", &cliff, 1.0, -13.0),
        ("Taxi", &taxi, GAMMA, 1.729_930_016_8),
        ("windy gridworld", &windy_gridworld(Wind::Steady), 1.0, -15.0),
    ];
    let mut rows: Vec<Row> = optima
        .into_iter()
        .map(|(world, mdp, gamma, known)| Row {
            what: format!("{world}, γ {gamma}: value iteration"),
            ours: mdp.solve(gamma).map_or(f64::NAN, |solution| solution.start_value),
            reference: known,
            goal: Goal::Within(known, DIGITS),
        })
        .collect();

    // World, γ, steps, and the least median and worst.
    let close = 0.995 * 0.180_471_578_4;
    let exact = |optimum: f64| optimum - DIGITS;
    let taxi_exact = exact(1.729_930_016_8);
    let learned: [(&str, &TableMdp, f64, u64, f64, f64); 8] = [
        ("FrozenLake 4x4", &lake_4, GAMMA, 50_000, close, close),
        ("FrozenLake 4x4", &lake_4, GAMMA, 100_000, close, close),
        ("FrozenLake 4x4", &lake_4, GAMMA, 200_000, close, close),
        ("FrozenLake 8x8", &lake_8, GAMMA, 300_000, 0.0455, 0.0420),
        ("CliffWalking", &cliff, GAMMA, 50_000, exact(-9.733_158_334_4), exact(-9.733_158_334_4)),
        ("CliffWalking", &cliff, 1.0, 50_000, exact(-13.0), exact(-13.0)),
        ("Taxi", &taxi, GAMMA, 50_000, -1.6, -1.6),
        ("Taxi", &taxi, GAMMA, 300_000, taxi_exact, taxi_exact),
    ];
    for (world, mdp, gamma, steps, median_min, worst_min) in learned {
        let config = RlConfig { gamma, ..RlConfig::default() };
        let what = format!("{world}, γ {gamma}, {steps} steps, default");
        rows.extend(median_and_worst(
            &what, mdp, &config, steps, first_seed, median_min, worst_min,
        ));
    }
    for (gamma, optimum) in [(GAMMA, -9.733_158_334_4), (1.0, -13.0)] {
        let config = RlConfig::textbook(Method::QLearning, 0.5, 0.1, gamma);
        let what = format!("CliffWalking, γ {gamma}, 50000 steps, Q-learning");
        let goal = exact(optimum);
        rows.extend(median_and_worst(&what, &cliff, &config, 50_000, first_seed, goal, goal));
    }
    rows
}

fn median_and_worst(
    what: &str,
    mdp: &TableMdp,
    config: &RlConfig,
    steps: u64,
    first_seed: u64,
    median_min: f64,
    worst_min: f64,
) -> [Row; 2] {
    let mut values: Vec<f64> = (first_seed..first_seed + SEEDS)
        .map(|seed| {
            let training = Training::dense(config.clone(), mdp.states(), mdp.actions(), Seed(seed));
            let mut training = training.expect("the settings are sound");
            training.run_steps(&mut mdp.environment(), steps).expect("rewards are finite");
            value_of(mdp, &training.settled(), config.gamma)
        })
        .collect();
    values.sort_by(f64::total_cmp);
    let reference = mdp.solve(config.gamma).map_or(f64::NAN, |solution| solution.start_value);
    [("median", values[values.len() / 2], median_min), ("worst", values[0], worst_min)].map(
        |(which, ours, least)| Row {
            what: format!("{what}: {which} of {SEEDS}"),
            ours,
            reference,
            goal: Goal::AtLeast(least),
        },
    )
}

fn value_of(mdp: &TableMdp, table: &DenseTable, gamma: f64) -> f64 {
    let policy = Policy::of_ties(mdp.states(), mdp.actions(), |state| table.best_known(&state));
    let value = policy.and_then(|policy| mdp.evaluate(&policy, gamma));
    value.map_or(f64::NEG_INFINITY, |evaluation| evaluation.start_value)
}
