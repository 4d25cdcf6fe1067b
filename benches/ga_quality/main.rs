//! How good the answers are for the same number of evaluations, ours beside the peers', as one table.
//!
//! ```sh
//! cargo run --release -p benches --bin ga_quality               # the table
//! cargo run --release -p benches --bin ga_quality -- --check    # exits 1 when a row falls short
//! cargo run --release -p benches --bin ga_quality -- --json     # the rows, for machines
//! cargo run --release -p benches --bin ga_quality -- --only quality # or speed: one half of it
//! cargo run --release -p benches --bin ga_quality -- --problems # the problems, for peers.py
//! ```
//!
//! The figures are the same on every machine, each a median over fixed seeds; but for the times, which come last.

mod pareto;
mod pareto_problems;
mod problems;
mod row;
mod single;
mod speed;
mod statistics;

use std::process::ExitCode;

use row::Row;

/// What is printed.
#[derive(Clone, Copy, PartialEq)]
enum Output {
    Table,
    Json,
    Problems,
}

/// Which rows are made.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    All,
    Quality,
    Speed,
}

fn main() -> ExitCode {
    let (mut output, mut check, mut part) = (Output::Table, false, Part::All);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--check" => check = true,
            "--json" => output = Output::Json,
            "--problems" => output = Output::Problems,
            "--only" => match arguments.next().as_deref() {
                Some("quality") => part = Part::Quality,
                Some("speed") => part = Part::Speed,
                _ => return refused("--only takes quality or speed"),
            },
            unknown => {
                return refused(&format!(
                    "unknown argument {unknown:?}; known: --check, --json, --only quality, --only speed, --problems"
                ));
            }
        }
    }
    if output == Output::Problems {
        println!("{}", single::problems());
        return ExitCode::SUCCESS;
    }
    let mut rows = Vec::new();
    if part != Part::Speed {
        rows.extend(single::rows());
        rows.extend(pareto::rows());
    }
    if part != Part::Quality {
        rows.extend(speed::rows());
    }
    match output {
        Output::Json => {
            let text = serde_json::to_string_pretty(&rows);
            println!("{}", text.expect("rows are plain figures and texts"));
        }
        Output::Table | Output::Problems => print(&rows),
    }
    let short = rows.iter().filter(|row| !row.holds).count();
    if check && short > 0 {
        eprintln!("{short} of {} rows fall short", rows.len());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn refused(what: &str) -> ExitCode {
    eprintln!("{what}");
    ExitCode::from(2)
}

/// The rows as a Markdown table, group by group.
fn print(rows: &[Row]) {
    for group in rows.chunk_by(|a, b| a.group == b.group) {
        println!("\n**{}**\n", group[0].group);
        println!("| what | ours | reference | ratio | holds | goal |");
        println!("|---|---:|---:|---:|---|---|");
        for Row { name, ours, reference, ratio, holds, note, .. } in group {
            let holds = if *holds { "yes" } else { "NO" };
            let [ours, reference, ratio] = [ours, reference, ratio].map(|value| figure(*value));
            println!("| {name} | {ours} | {reference} | {ratio} | {holds} | {note} |");
        }
    }
}

/// Three significant digits, small and large ones with an exponent.
fn figure(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        "–".to_owned()
    } else if size == 0.0 {
        "0".to_owned()
    } else if (1e-3..1e5).contains(&size) {
        let places = (2 - size.log10().floor() as i32).clamp(0, 5);
        format!("{value:.*}", usize::try_from(places).unwrap_or(0))
    } else {
        format!("{value:.2e}")
    }
}
