//! Learns to act in any Markov decision process that is written as a table, and says how near the optimum that comes.
//!
//! ```text
//! cargo run --release --example solve_mdp -- TABLE.json --gamma 0.95 --steps 50000 --seeds 11 [--json]
//! ```
//!
//! The table is JSON with a row for each transition (see `orchestrator_rl::mdp`). The agent knows nothing of it but what it meets: it learns with
//! the one default configuration, once a seed; then its greedy policy is evaluated exactly. Without a table it solves the frozen lake. Exits 2
//! with one line when the table cannot be read or is broken.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use orchestrator_ai::core::Seed;
use orchestrator_ai::rl::mdp::{Policy, TableMdp};
use orchestrator_ai::rl::worlds::{Ice, LAKE_4X4, frozen_lake};
use orchestrator_ai::rl::{RlConfig, Training};
use serde_json::json;

/// Learn a table and compare with its optimum.
#[derive(Parser)]
struct Arguments {
    /// The table; without one, FrozenLake 4x4.
    table: Option<PathBuf>,
    /// What a reward of the next step is worth now, in [0, 1].
    #[arg(long, default_value_t = 0.95)]
    gamma: f64,
    /// How many steps each agent learns from.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    steps: u64,
    /// How many agents learn, each with a seed of its own.
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    seeds: u64,
    /// Print one JSON object with the keys `median`, `worst` and `optimum`.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let table = arguments.table.as_deref().map(|path| format!("{}: ", path.display()));
            eprintln!("solve_mdp: {}{error}", table.unwrap_or_default());
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mdp = match &arguments.table {
        Some(path) => TableMdp::from_json(&std::fs::read_to_string(path)?)?,
        None => frozen_lake(&LAKE_4X4, Ice::Slippery),
    };
    let optimum = mdp.solve(arguments.gamma)?.start_value;
    let mut values = Vec::new();
    for seed in 0..arguments.seeds {
        values.push(learned_value(&mdp, arguments, Seed(seed))?);
    }
    values.sort_by(f64::total_cmp);
    let median = match values.len() {
        count if count % 2 == 1 => values[count / 2],
        count => 0.5 * (values[count / 2 - 1] + values[count / 2]),
    };
    let worst = values[0];
    if arguments.json {
        // JSON has no infinity: a policy that pays for ever is worth `null`.
        println!("{}", json!({ "median": median, "worst": worst, "optimum": optimum }));
    } else {
        println!(
            "{} seeds, {} steps each, gamma {}",
            arguments.seeds, arguments.steps, arguments.gamma
        );
        println!("median  {median:.10}");
        println!("worst   {worst:.10}");
        println!("optimum {optimum:.10}");
    }
    Ok(())
}

/// What the greedy policy of one agent is worth from the start.
fn learned_value(
    mdp: &TableMdp,
    arguments: &Arguments,
    seed: Seed,
) -> Result<f64, Box<dyn std::error::Error>> {
    let config = RlConfig { gamma: arguments.gamma, ..RlConfig::default() };
    let mut training = Training::dense(config, mdp.states(), mdp.actions(), seed)?;
    training.run_steps(&mut mdp.environment(), arguments.steps)?;
    let learned = training.settled();
    let policy = Policy::of_ties(mdp.states(), mdp.actions(), |state| learned.best_known(&state))?;
    Ok(mdp.evaluate(&policy, arguments.gamma)?.start_value)
}
