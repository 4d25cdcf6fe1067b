//! How fast attention is, how exact, and how much memory it needs, beside candle and what one would write with nalgebra.
//!
//! ```text
//! cargo run --release -p benches --bin attention_speed -- [--check] [--json] [--only speed|memory|exact] [--column N]
//! ```
//!
//! `--check` exits 1 when a figure falls short, and names it; `--column` takes one column of the table, counted from 0. A column is measured in
//! a process of its own, because how many threads candle takes is fixed for a process.

use std::process::{Command, ExitCode};

use benches::attention::{
    COLUMNS, Column, ERROR_MAX, Inputs, Measured, SGEMM_THERE, contestants, error_of, extra_memory,
    measure,
};
use benches::rows::{self, Goal, Row};

const PARTS: [&str; 3] = ["speed", "memory", "exact"];
/// A column may be this share of the best that was found elsewhere, scaled by the speed of the machine.
const SHARE_MIN: f64 = 0.9;
/// How much faster two threads are to be than one, where there is enough to do.
const TWO_THREADS: f64 = 1.7;
/// Where memory is looked at, and how much there may be of it beside inputs and output.
const MEMORY_COLUMN: usize = 1;
const MEMORY_MAX: f64 = 4.0;
const MEGABYTE: f64 = 1024.0 * 1024.0;
/// What candle needed where the figures were taken.
const MEMORY_OF_CANDLE_THERE: f64 = 528.0;

fn main() -> ExitCode {
    let (mut check, mut json, mut only, mut column) = (false, false, None, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--check" => check = true,
            "--json" => json = true,
            "--only" => match arguments.next() {
                Some(part) if PARTS.contains(&part.as_str()) => only = Some(part),
                _ => return refuse("--only needs speed, memory or exact"),
            },
            "--column" => match arguments.next().and_then(|number| number.parse().ok()) {
                Some(number) if number < COLUMNS.len() => column = Some(number),
                _ => return refuse("--column needs a number below 5"),
            },
            // What this program asks of itself, in another process.
            "--measured" => {
                let column = &COLUMNS[column.unwrap_or(0)];
                println!("{}", serde_json::json!(measure(column)));
                return ExitCode::SUCCESS;
            }
            "--remembered" => {
                let column = &COLUMNS[column.unwrap_or(0)];
                let bytes = extra_memory(column, &arguments.next().unwrap_or_default());
                println!("{}", serde_json::json!(bytes));
                return ExitCode::SUCCESS;
            }
            other => return refuse(&format!("unknown argument {other:?}")),
        }
    }
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    let columns: Vec<usize> = column.map_or((0..COLUMNS.len()).collect(), |one| vec![one]);
    let mut rows: Vec<Row> = Vec::new();
    if wanted("speed") {
        let measured: Vec<(&Column, Measured)> = columns
            .iter()
            .map(|&at| (&COLUMNS[at], ask(at, &["--measured"]).expect("a column was measured")))
            .collect();
        if !json {
            print_speeds(&measured);
        }
        rows.extend(speed_rows(&measured));
    } else if wanted("exact") {
        rows.extend(columns.iter().flat_map(|&at| exact_rows(&COLUMNS[at])));
    }
    if wanted("memory") {
        rows.extend(memory_rows());
    }
    if json {
        rows::print_json(&rows);
    } else {
        println!();
        rows::print_rounded(&rows, 3);
    }
    let short: Vec<&Row> = rows.iter().filter(|row| !row.met()).collect();
    for row in &short {
        eprintln!("attention_speed: short: {}", row.what);
    }
    if check && !short.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn refuse(what: &str) -> ExitCode {
    eprintln!(
        "attention_speed: {what}; known are --check, --json, --only PART and --column NUMBER"
    );
    ExitCode::from(2)
}

/// Asks this program for a part in a process of its own, with as many threads for everybody as the column has.
fn ask<T: serde::de::DeserializeOwned>(column: usize, what: &[&str]) -> Option<T> {
    let program = std::env::current_exe().expect("this program is somewhere");
    let threads = COLUMNS[column].threads.to_string();
    let output = Command::new(program)
        .args(["--column", &column.to_string()])
        .args(what)
        .env("RAYON_NUM_THREADS", &threads)
        .env("CANDLE_NUM_THREADS", &threads)
        .stderr(std::process::Stdio::inherit())
        .output()
        .expect("this program can be started");
    assert!(output.status.success(), "measuring column {column} ended with {}", output.status);
    serde_json::from_slice(&output.stdout).ok()
}

/// The table of the figures: a row for each contestant, then what was measured elsewhere, as it was and scaled.
fn print_speeds(measured: &[(&Column, Measured)]) {
    println!("GFLOP/s = 4n²d / time, f32: of the fastest sample (of the median one)\n");
    let line = |name: &str, cell: &dyn Fn(&Column, &Measured) -> String| {
        let cells: Vec<String> = measured.iter().map(|(c, m)| cell(c, m)).collect();
        println!("| {name} | {} |", cells.join(" | "));
    };
    line("dimensions/heads/n", &|column, _| column.name());
    println!("|---{}|", "|---:".repeat(measured.len()));
    for name in ["nalgebra naive", "candle", "ours"] {
        line(name, &|_, measured| match figure(measured, name) {
            Some((figure, _)) => format!("{:.1} ({:.1})", figure.best, figure.median),
            None => "".to_owned(),
        });
    }
    line("sgemm of gemm, 1024", &|_, measured| {
        format!("{:.0} ({:.0})", measured.sgemm.best, measured.sgemm.median)
    });
    line("the same on one thread", &|_, measured| format!("{:.0}", measured.sgemm_single.best));
    let there = |value: Option<f64>| value.map_or(String::new(), |value| format!("{value}"));
    line("there: nalgebra naive", &|column, _| there(column.naive_there));
    line("there: candle", &|column, _| there(column.candle_there));
    line("there: torch", &|column, _| there(Some(column.torch_there)));
    line("there: best found", &|column, _| there(Some(column.best_there)));
    line("best found, scaled", &|column, measured| {
        format!("{:.1}", column.best_there * scale(measured))
    });
    for (name, of) in [("ours / candle", "candle"), ("ours / nalgebra naive", "nalgebra naive")] {
        line(name, &|_, measured| match (figure(measured, "ours"), figure(measured, of)) {
            (Some((ours, _)), Some((other, _))) => format!("{:.2}", ours.best / other.best),
            _ => String::new(),
        });
    }
    line("ours / best found, scaled", &|column, measured| {
        figure(measured, "ours").map_or(String::new(), |(ours, _)| {
            format!("{:.2}", ours.best / (column.best_there * scale(measured)))
        })
    });
    line("largest error of ours", &|_, measured| {
        figure(measured, "ours").map_or(String::new(), |(_, error)| format!("{error:.1e}"))
    });
}

fn figure<'a>(measured: &'a Measured, name: &str) -> Option<(&'a benches::attention::Figure, f64)> {
    let found = measured.contestants.iter().find(|(other, ..)| other == name)?;
    Some((&found.1, found.2))
}

/// By what figures from elsewhere are multiplied: the speed of sgemm on one thread, here over there, in turn with the contestants. Two threads
/// are scaled by the same, since sgemm on two was not written down there.
fn scale(measured: &Measured) -> f64 {
    measured.sgemm_single.best / SGEMM_THERE
}

fn speed_rows(measured: &[(&Column, Measured)]) -> Vec<Row> {
    let ours = |measured: &Measured| figure(measured, "ours").map_or(f64::NAN, |(f, _)| f.best);
    let mut rows = Vec::new();
    for (column, measured) in measured {
        for (name, _, error) in &measured.contestants {
            assert!(*error <= ERROR_MAX, "{name} is wrong by {error:e} at {}", column.name());
        }
        let reference = column.best_there * scale(measured);
        rows.push(Row {
            what: format!("{}: GFLOP/s, of the best found, scaled", column.name()),
            ours: ours(measured),
            reference,
            goal: Goal::AtLeast(SHARE_MIN * reference),
        });
    }
    let single = measured
        .iter()
        .find(|(column, _)| column.threads == 1 && (column.dimensions, column.n) == (512, 4096));
    let several = measured.iter().find(|(column, _)| column.threads == 2);
    if let (Some((_, single)), Some((column, several))) = (single, several) {
        rows.push(Row {
            what: format!("{}: of the same on one", column.name()),
            ours: ours(several) / ours(single),
            reference: several.sgemm.best / several.sgemm_single.best,
            goal: Goal::AtLeast(TWO_THREADS),
        });
    }
    rows
}

fn exact_rows(column: &Column) -> Vec<Row> {
    let inputs = Inputs::of(column);
    let mut all = contestants(&inputs, column.threads);
    let ours = all.iter_mut().find(|one| one.name() == "ours");
    let output = ours.expect("ours is always there").output();
    vec![Row {
        what: format!("{}: largest error, in millionths", column.name()),
        ours: 1e6 * error_of(&inputs, &output),
        reference: 1e6 * ERROR_MAX,
        goal: Goal::AtMost(1e6 * ERROR_MAX),
    }]
}

fn memory_rows() -> Vec<Row> {
    let megabytes = |name: &str| {
        let bytes: Option<u64> = ask(MEMORY_COLUMN, &["--remembered", name]);
        bytes.map(|bytes| bytes as f64 / MEGABYTE)
    };
    let Some(ours) = megabytes("ours") else {
        eprintln!("attention_speed: this system does not tell how much memory was used at most");
        return Vec::new();
    };
    let column = COLUMNS[MEMORY_COLUMN].name();
    vec![Row {
        what: format!(
            "{column}: MB beside inputs and output, of candle's (there: {MEMORY_OF_CANDLE_THERE})"
        ),
        ours,
        reference: megabytes("candle").unwrap_or(MEMORY_OF_CANDLE_THERE),
        goal: Goal::AtMost(MEMORY_MAX),
    }]
}
