//! Simulates runs of random workflows, or shows one of them in full:
//!
//! ```text
//! cargo run -p orchestrator-core --features testkit --example simulate -- --seed 17
//! cargo run -p orchestrator-core --features testkit --example simulate -- --seed 0 --count 1000
//! ```

use std::process::ExitCode;

use orchestrator_core::testkit::{Made, Simulation, random_workflow, sweep};

fn main() -> ExitCode {
    let (mut seed, mut count) = (0, 1);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let number = arguments.next().and_then(|number| number.parse::<u64>().ok());
        match (argument.as_str(), number) {
            ("--seed", Some(number)) => seed = number,
            ("--count", Some(number)) => count = number,
            _ => {
                eprintln!("usage: simulate [--seed N] [--count N]");
                return ExitCode::from(2);
            }
        }
    }
    if count == 1 {
        println!("{}", random_workflow(seed, Made::OfAll).to_mermaid());
    }
    let reached = sweep(seed..seed.saturating_add(count), |seed| {
        let report = Simulation::new(seed).run()?;
        if count == 1 {
            for recorded in &report.history {
                println!("{}", serde_json::to_string(recorded).expect("events are JSON"));
            }
        }
        Ok(report)
    });
    match reached {
        Ok(coverage) => {
            print!("{coverage}");
            ExitCode::SUCCESS
        }
        Err(violation) => {
            eprintln!("{violation}");
            ExitCode::FAILURE
        }
    }
}
