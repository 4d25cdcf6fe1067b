//! SARSA against Q-learning on the cliff (Sutton and Barto, 2018, example 6.6): who learns while exploring keeps away from the edge, who
//! learns what would be best walks along it and falls off now and then.
//!
//! ```text
//! cargo run --release --example cliff_walking -- [--runs 100] [--out cliff_walking.svg]
//! ```
//!
//! Writes a picture of the returns and of both paths.

mod svg;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use orchestrator_ai::core::Seed;
use orchestrator_ai::rl::mdp::TableMdp;
use orchestrator_ai::rl::worlds::cliff_walking;
use orchestrator_ai::rl::{DenseTable, Environment, Method, RlConfig, RlError, Training};

const EPISODES: usize = 500;

/// Compare SARSA and Q-learning on the cliff.
#[derive(Parser)]
struct Arguments {
    /// Over how many runs the returns are averaged.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    runs: u64,
    /// Where the picture goes.
    #[arg(long, default_value = "target/cliff_walking.svg")]
    out: PathBuf,
}

/// What is drawn of a method.
struct Learned {
    name: &'static str,
    colour: &'static str,
    /// The mean return of each episode.
    returns: Vec<f64>,
    /// The cells of the greedy path of one long training.
    path: Vec<usize>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cliff_walking: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let cliff = cliff_walking();
    let learned = [
        learn(&cliff, "SARSA", "#1f77b4", Method::Sarsa, arguments.runs)?,
        learn(&cliff, "Q-learning", "#d62728", Method::QLearning, arguments.runs)?,
    ];
    for Learned { name, returns, path, .. } in &learned {
        let late = &returns[EPISODES - 100..];
        let mean = late.iter().sum::<f64>() / late.len() as f64;
        println!(
            "{name:10} mean return of the last 100 episodes {mean:7.1}, path of {} steps",
            path.len() - 1
        );
    }
    let out = &arguments.out;
    out.parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(out, svg::picture(&learned)))
        .map_err(|error| format!("{} cannot be written: {error}", out.display()))?;
    println!("{}", out.display());
    Ok(())
}

fn learn(
    cliff: &TableMdp,
    name: &'static str,
    colour: &'static str,
    method: Method,
    runs: u64,
) -> Result<Learned, RlError> {
    let mut returns = vec![0.0; EPISODES];
    for seed in 0..runs {
        let training = trained(cliff, RlConfig::textbook(method, 0.5, 0.1, 1.0), seed, EPISODES)?;
        for (mean, episode) in returns.iter_mut().zip(training.episodes()) {
            *mean += episode.reward / runs as f64;
        }
    }
    // A path is of what is believed in the end, not of where the last fall left it: longer, by smaller steps.
    let calm = trained(cliff, RlConfig::textbook(method, 0.1, 0.1, 1.0), 0, 10 * EPISODES)?;
    Ok(Learned { name, colour, returns, path: path(cliff, calm.table()) })
}

fn trained(
    cliff: &TableMdp,
    config: RlConfig,
    seed: u64,
    episodes: usize,
) -> Result<Training<orchestrator_ai::rl::Dense>, RlError> {
    let mut training = Training::dense(config, cliff.states(), cliff.actions(), Seed(seed))?;
    let mut walk = cliff.environment();
    for _ in 0..episodes {
        training.episode(&mut walk)?;
    }
    Ok(training)
}

/// The cells of the greedy path from the start, cut off where it goes in a circle.
fn path(cliff: &TableMdp, table: &DenseTable) -> Vec<usize> {
    let (mut walk, mut stream) = (cliff.environment(), Seed(0).fast_stream());
    let mut cells = vec![walk.reset(&mut stream)];
    while cells.len() <= cliff.states() {
        let step = walk.step(table.best_known(&cells[cells.len() - 1])[0], &mut stream);
        cells.push(step.next);
        if step.terminal {
            break;
        }
    }
    cells
}
