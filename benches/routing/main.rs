//! How well the router of orchestrator-attention chooses, and how fast, held against what was measured elsewhere.
//!
//! ```text
//! cargo run --release -p benches --bin routing_quality -- [DATA] [--check] [--seed N] [--only quality|drift|speed]
//! ```
//!
//! `DATA` is the folder with `routellm_mmlu_gsm8k.csv` and `routerarena_809x2.csv`; without it `ROUTING_DATA_DIR`, or `../shared/data/routing`
//! beside the checkout. Where there is none, the replay is skipped. `--check` exits 1 when a row falls short; `--seed` is the first of the seeds (0).

mod decision;
mod drift;
mod log;
mod policies;
mod replay;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use orchestrator_core::Router;

use replay::{MORE_SEEDS, ROUTER, SEEDS};

/// λ, and what is to be beaten at it: the rewards of ε-greedy and of LinUCB, both as MABWiser gives them.
const GOALS: [(f64, f64, f64); 2] = [(0.0, 0.803, 0.800), (0.3, 0.653, 0.655)];

/// How long a decision may take.
const DECISION_MAX: Duration = Duration::from_micros(20);

const PARTS: [&str; 3] = ["quality", "drift", "speed"];

/// What was tuned on, and what was only looked at.
const TUNED: &str = "routellm_mmlu_gsm8k.csv";
const HELD_OUT: &str = "routerarena_809x2.csv";

fn main() -> ExitCode {
    let (mut check, mut only, mut seed, mut folder) = (false, None, 0_u64, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--check" => check = true,
            "--only" => match arguments.next() {
                Some(part) if PARTS.contains(&part.as_str()) => only = Some(part),
                _ => return refuse("--only needs quality, drift or speed"),
            },
            "--seed" => match arguments.next().and_then(|number| number.parse().ok()) {
                Some(number) => seed = number,
                None => return refuse("--seed needs a whole number"),
            },
            other if other.starts_with('-') => {
                return refuse(&format!("unknown argument {other:?}"));
            }
            path => folder = Some(PathBuf::from(path)),
        }
    }
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    let mut short = 0;
    if wanted("quality") {
        match quality(folder, seed) {
            Ok(missed) => short += missed,
            Err(error) => return refuse(&error),
        }
    }
    if wanted("drift") {
        short += drift::table(seed);
    }
    if wanted("speed") {
        short += speed();
    }
    eprintln!("{short} rows short");
    if check && short > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn refuse(what: &str) -> ExitCode {
    eprintln!("routing_quality: {what}; known are DATA, --check, --only PART and --seed N");
    ExitCode::from(2)
}

/// The replays; how many rows fall short.
fn quality(given: Option<PathBuf>, first: u64) -> Result<usize, String> {
    let folder = given.clone().or_else(|| std::env::var_os("ROUTING_DATA_DIR").map(PathBuf::from));
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/routing");
    let folder = folder.unwrap_or_else(beside);
    if !folder.join(TUNED).is_file() {
        if given.is_some() {
            return Err(format!("{} has no {TUNED}", folder.display()));
        }
        println!("skipped: there is no {TUNED} in {}; name its folder", folder.display());
        return Ok(0);
    }
    let mut short = 0;
    for name in [TUNED, HELD_OUT] {
        let path = folder.join(name);
        if !path.is_file() {
            println!("skipped: there is no {name}");
            continue;
        }
        let log = log::Log::read(&path)?;
        println!("\n{name}: {} queries, {} models\n", log.queries.len(), log.models.len());
        println!("| λ | who | {SEEDS} seeds | {MORE_SEEDS} seeds | ± | least | goal | met |");
        println!("|---:|---|---:|---:|---:|---:|---|---|");
        for (lambda, greedy, linear) in GOALS {
            for result in replay::contest(&log, lambda, first) {
                let mean = result.mean(SEEDS);
                let (goal, met) = if name == TUNED && result.what == ROUTER {
                    let goal = greedy.max(linear);
                    short += usize::from(mean <= goal);
                    (format!("> {goal}"), if mean > goal { "yes" } else { "NO" })
                } else {
                    (String::new(), "")
                };
                println!(
                    "| {lambda} | {} | {mean:.4} | {:.4} | {:.4} | {:.4} | {goal} | {met} |",
                    result.what,
                    result.mean(MORE_SEEDS),
                    result.error(),
                    result.least(),
                );
            }
        }
    }
    Ok(short)
}

/// The time of a decision; 1 when it falls short.
fn speed() -> usize {
    const TURNS: usize = 15;
    const ROUNDS: usize = 50;
    let (router, candidates, asked) = decision::scene();
    let turn = |_| {
        let began = benches::cpu_time();
        for _ in 0..ROUNDS {
            for request in &asked {
                std::hint::black_box(router.route(request, &candidates).expect("candidates"));
            }
        }
        (benches::cpu_time() - began) / (ROUNDS * asked.len()) as u32
    };
    let mut turns: Vec<Duration> = (0..TURNS).map(turn).collect();
    turns.sort_unstable();
    let median = turns[TURNS / 2];
    println!(
        "\n| processor time of | µs | least of {TURNS} turns | goal | met |\n|---|---:|---:|---|---|"
    );
    println!(
        "| a decision, {} tasks, {} candidates | {:.1} | {:.1} | < {} | {} |",
        decision::TASKS,
        decision::CANDIDATES,
        median.as_nanos() as f64 / 1e3,
        turns[0].as_nanos() as f64 / 1e3,
        DECISION_MAX.as_micros(),
        if median < DECISION_MAX { "yes" } else { "NO" },
    );
    usize::from(median >= DECISION_MAX)
}
