//! A fleet of workers with different strengths and prices, and a router that finds out who is good at what by attending to past tasks.
//!
//! ```text
//! cargo run --release --example attention_routing -- [--tasks 600] [--seed 1] [--price 0.3]
//! ```
//!
//! Every task is a run of a small workflow through the hub, which asks the router whom to give it to and tells it how it went. Prints why one
//! decision was taken, what was learned from the log, and how much was lost against who is best at every kind of task and against chance.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use futures::executor::block_on;
use orchestrator_ai::attention::{AttentionRouter, LearnOptions, RouterConfig};
use orchestrator_ai::core::{
    Candidate, Decision, Orchestrator, Outcome, Path, Payload, Request, Role, RouteError, Router,
    RunId, Seed, Start, Step, Task, TaskError, TaskOutput, Usage, WorkerName, Workflow, worker_fn,
};

/// Route tasks by attention over past ones.
#[derive(Parser)]
struct Arguments {
    /// How many tasks there are.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(50..=20_000))]
    tasks: u64,
    /// The seed of tasks and workers.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What the dearest worker's mean cost takes from a success of 1.
    #[arg(long, default_value_t = 0.3)]
    price: f64,
}

/// What is to be done: an area, and three ways to say it.
const AREAS: [(&str, [&str; 3]); 4] = [
    (
        "contracts",
        ["review the clause on liability", "draft a clause on payment", "summarise the lease"],
    ),
    ("code", ["fix the failing parser test", "write a function that sorts", "refactor the cache"]),
    ("images", ["draw a round logo in blue", "crop the photo of the team", "colour the old map"]),
    ("figures", ["sum the invoices of May", "find the outlier in the table", "forecast the sales"]),
];

/// A worker: its name, dollars for a hundred lines, and its chance of success in each area.
const FLEET: [(&str, f64, [f64; 4]); 4] = [
    ("oracle", 0.100, [0.95, 0.92, 0.60, 0.94]),
    ("coder", 0.020, [0.30, 0.93, 0.10, 0.70]),
    ("painter", 0.030, [0.10, 0.05, 0.95, 0.15]),
    ("intern", 0.002, [0.55, 0.40, 0.35, 0.60]),
];

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("attention_routing: {error}");
            ExitCode::from(2)
        }
    }
}

/// The router, shared by the hub and by us who look at it afterwards.
struct Shared(Arc<AttentionRouter>);

impl Router for Shared {
    fn route(&self, request: &Request, candidates: &[Candidate]) -> Result<Decision, RouteError> {
        self.0.route(request, candidates)
    }
    fn observe(&self, outcome: &Outcome) {
        self.0.observe(outcome);
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let config = RouterConfig { cost_weight: arguments.price, ..RouterConfig::default() };
    let router = Arc::new(AttentionRouter::new(config)?);
    let mut hub = Orchestrator::new().with_router(Shared(Arc::clone(&router)));
    for (name, usd, skills) in FLEET {
        hub.register_worker(
            name,
            Role::GENERIC,
            worker_fn(move |task: Task| async move { work(&task, usd, skills) }),
        )?;
    }
    hub.register_workflow(
        Workflow::builder("serve").step(Step::task("serve", Role::GENERIC)).build()?,
    )?;

    let seed = Seed(arguments.seed);
    let mut stream = seed.derive("tasks").fast_stream();
    let dearest = mean_cost(FLEET[0].1);
    let (mut taken, mut best, mut chance) = (0.0, 0.0, 0.0);
    for number in 0..arguments.tasks {
        let area = stream.below(AREAS.len());
        let (name, goals) = AREAS[area];
        let lines = 20 + stream.below(180);
        let input = Payload::parse(&format!(r#"{{"area":"{name}","lines":{lines}}}"#))?;
        let goal = goals[stream.below(goals.len())];
        let start = Start { input: Some(input), seed: seed.index(number), ..Start::goal(goal) };
        // A failure of the task is no failure of ours: the router was told.
        let _ = block_on(hub.start("serve", start)?.join())?;
        let newest = router.memory().tasks().next().ok_or("nothing was remembered")?;
        let worth = |worker: usize| {
            FLEET[worker].2[area]
                - arguments.price * FLEET[worker].1 * lines as f64 / 100.0 / dearest
        };
        let chosen = FLEET.iter().position(|worker| worker.0 == newest.worker.as_str());
        taken += worth(chosen.ok_or("an unknown worker")?);
        best += (0..FLEET.len()).map(worth).fold(f64::NEG_INFINITY, f64::max);
        chance += (0..FLEET.len()).map(worth).sum::<f64>() / FLEET.len() as f64;
    }

    println!("one decision, after {} tasks:\n{}\n", arguments.tasks, explained(&router)?);
    let learned = router.learn(&LearnOptions::default());
    println!(
        "learned from {} tasks: loss {:.4} before, {:.4} after {} steps; temperature {:.3}, area {:.2}, text {:.2}, numbers {:.2}\n",
        learned.tasks,
        learned.loss_before,
        learned.loss_after,
        learned.steps,
        learned.temperature,
        learned.area_weight,
        learned.text_weight,
        learned.number_weight,
    );
    let count = arguments.tasks as f64;
    println!(
        "worth of a task: {:.3}, {:.3} at best, {:.3} by chance",
        taken / count,
        best / count,
        chance / count
    );
    println!(
        "regret of a task: {:.3}, {:.3} by chance",
        (best - taken) / count,
        (best - chance) / count
    );
    Ok(())
}

/// Dollars of a task of mean length.
fn mean_cost(usd: f64) -> f64 {
    usd * 109.5 / 100.0
}

/// Succeeds by chance, by what it is good at, and costs by the line.
fn work(task: &Task, usd: f64, skills: [f64; 4]) -> Result<TaskOutput, TaskError> {
    let bad = |error: orchestrator_ai::core::PayloadError| {
        TaskError::terminal("input", error.to_string())
    };
    let area: String = task.input().at("/area").map_err(bad)?;
    let lines: f64 = task.input().at("/lines").map_err(bad)?;
    let at = AREAS.iter().position(|(name, _)| *name == area);
    let skill = skills[at.ok_or_else(|| TaskError::terminal("area", "nobody does that"))?];
    let usage = Usage { usd: usd * lines / 100.0, ..Usage::default() };
    if task.seed().derive("skill").fast_stream().chance(skill) {
        Ok(TaskOutput::from(Payload::text("done")).with_usage(usage))
    } else {
        Err(TaskError::terminal("failed", "it went wrong"))
    }
}

/// Why the next contract of 120 lines would go where it goes.
fn explained(router: &AttentionRouter) -> Result<String, Box<dyn std::error::Error>> {
    let request = Request {
        run: RunId::parse("next")?,
        path: Path::parse("serve")?,
        role: Role::GENERIC,
        attempt: 1,
        tried: Vec::new(),
        input: Payload::parse(r#"{"area":"contracts","lines":120}"#)?,
        goal: "review the clause on payment".to_owned(),
        seed: Seed(0),
    };
    let candidate = |(name, _, _): &(&str, f64, [f64; 4])| {
        Ok(Candidate { worker: WorkerName::parse(name)?, capabilities: Vec::new() })
    };
    let candidates: Result<Vec<Candidate>, orchestrator_ai::core::NameError> =
        FLEET.iter().map(candidate).collect();
    Ok(router.explain(&request, &candidates?)?.to_string())
}
