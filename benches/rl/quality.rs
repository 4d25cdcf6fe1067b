//! Every figure that orchestrator-rl promises, measured and held against its reference.
//!
//! ```text
//! cargo run --release -p benches --bin rl_quality -- [--check] [--json] [--seed N] [--only speed|optimum|textbook]
//! ```
//!
//! `--check` exits 1 when one falls short; `--seed` is the first of the seeds (0). That no step allocates is counted by
//! `cargo bench -p benches --bench rl_memory`, in a program of its own.

mod contestants;
mod lake;
mod optimum;

mod speed;
mod textbook;

use std::process::ExitCode;

use benches::rows::{self, Row};

const PARTS: [&str; 3] = ["speed", "optimum", "textbook"];

fn main() -> ExitCode {
    let (mut check, mut json, mut only, mut seed) = (false, false, None, 0);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--check" => check = true,
            "--json" => json = true,
            "--only" => match arguments.next() {
                Some(part) if PARTS.contains(&part.as_str()) => only = Some(part),
                _ => return refuse("--only needs speed, optimum or textbook"),
            },
            "--seed" => match arguments.next().and_then(|number| number.parse().ok()) {
                Some(number) => seed = number,
                None => return refuse("--seed needs a whole number"),
            },
            other => return refuse(&format!("unknown argument {other:?}")),
        }
    }
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    let mut rows: Vec<Row> = Vec::new();
    if wanted("speed") {
        rows.extend(speed::rows());
    }
    if wanted("optimum") {
        rows.extend(optimum::rows(seed));
    }
    if wanted("textbook") {
        rows.extend(textbook::rows(seed));
    }
    if json {
        rows::print_json(&rows);
    } else {
        rows::print_table(&rows);
    }
    let short = rows.iter().filter(|row| !row.met()).count();
    eprintln!("{} of {} figures met", rows.len() - short, rows.len());
    if check && short > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn refuse(what: &str) -> ExitCode {
    eprintln!("rl_quality: {what}; known are --check, --json, --only PART and --seed N");
    ExitCode::from(2)
}
