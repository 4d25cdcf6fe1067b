//! Figures of Sutton and Barto, "Reinforcement learning" (2018): cliff walking (example 6.6, figure 6.3) and maximisation bias (example
//! 6.7, figure 6.5).

use orchestrator_core::Seed;
use orchestrator_rl::worlds::{MaximisationBias, cliff_walking};
use orchestrator_rl::{Environment, Method, RlConfig, Training};

use benches::rows::{Goal, Row};

const CLIFF_RUNS: u64 = 500;
const BIAS_RUNS: u64 = 10_000;
/// How many noisy actions there are in the second state.
const BIAS_ACTIONS: usize = 10;
/// Near episode 100: the mean of these.
const BIAS_EPISODES: std::ops::Range<u32> = 95..105;

pub(crate) fn rows(first_seed: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, method, about, slack) in [
        ("Q-learning", Method::QLearning, -50.0, 4.0),
        ("SARSA", Method::Sarsa, -28.0, 3.0),
        ("expected SARSA", Method::ExpectedSarsa, -21.0, 3.0),
    ] {
        rows.push(Row {
            what: format!(
                "cliff walking, α .5, ε .1, γ 1: {name}, last 100 of 500 episodes, {CLIFF_RUNS} runs"
            ),
            ours: cliff_return(method, first_seed),
            reference: about,
            goal: Goal::Within(about, slack),
        });
    }
    rows.push(Row {
        what: format!(
            "cliff walking: share of {SAFE_RUNS} seeds in which SARSA's path keeps off the edge"
        ),
        ours: safe_share(first_seed),
        reference: 1.0,
        goal: Goal::AtLeast(0.9),
    });
    for (name, method, about, slack) in
        [("Q-learning", Method::QLearning, 0.46, 0.05), ("double Q", Method::DoubleQ, 0.09, 0.04)]
    {
        rows.push(Row {
            what: format!(
                "maximisation bias: {name}, share of left near episode 100, {BIAS_RUNS} runs"
            ),
            ours: left_share(method, first_seed),
            reference: about,
            goal: Goal::Within(about, slack),
        });
    }
    rows
}

fn cliff_return(method: Method, first_seed: u64) -> f64 {
    let cliff = cliff_walking();
    let mut sum = 0.0;
    for seed in first_seed..first_seed + CLIFF_RUNS {
        let config = RlConfig::textbook(method, 0.5, 0.1, 1.0);
        let mut training = Training::dense(config, 48, 4, Seed(seed)).expect("sound settings");
        let mut walk = cliff.environment();
        for _ in 0..500 {
            training.episode(&mut walk).expect("rewards are finite");
        }
        sum += training.episodes()[400..].iter().map(|row| row.reward).sum::<f64>() / 100.0;
    }
    sum / CLIFF_RUNS as f64
}

const SAFE_RUNS: u64 = 50;

/// The greedy path from the start reaches the goal without a step along the edge, but for the cells at both ends. A small step size, so that it
/// is what SARSA believes in the end and not where its last fall left it.
fn safe_share(first_seed: u64) -> f64 {
    let cliff = cliff_walking();
    let safe = (first_seed..first_seed + SAFE_RUNS).filter(|&seed| {
        let config = RlConfig::textbook(Method::Sarsa, 0.1, 0.1, 1.0);
        let mut training = Training::dense(config, 48, 4, Seed(seed)).expect("sound settings");
        let mut walk = cliff.environment();
        for _ in 0..5_000 {
            training.episode(&mut walk).expect("rewards are finite");
        }
        let mut stream = Seed(0).fast_stream();
        let mut state = walk.reset(&mut stream);
        for _ in 0..100 {
            let step = walk.step(training.table().best_known(&state)[0], &mut stream);
            if step.terminal {
                return true;
            }
            if (25..35).contains(&step.next) {
                return false;
            }
            state = step.next;
        }
        false
    });
    safe.count() as f64 / SAFE_RUNS as f64
}

fn left_share(method: Method, first_seed: u64) -> f64 {
    let mut left = 0_u64;
    for seed in first_seed..first_seed + BIAS_RUNS {
        let config = RlConfig::textbook(method, 0.1, 0.1, 1.0);
        let training = Training::dense(config, 2, BIAS_ACTIONS, Seed(seed));
        let mut training = training.expect("sound settings");
        let mut world = MaximisationBias::new(BIAS_ACTIONS);
        for episode in 0..BIAS_EPISODES.end {
            let row = training.episode(&mut world).expect("rewards are finite");
            // Left is a step to the second state, right is the end.
            left += u64::from(BIAS_EPISODES.contains(&episode) && row.steps == 2);
        }
    }
    left as f64 / (BIAS_RUNS * BIAS_EPISODES.len() as u64) as f64
}
