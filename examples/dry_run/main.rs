//! How long would this workflow take on N workers, and which tasks decide that? Runs a recorded workflow again in virtual time.
//!
//! ```text
//! cargo run --release --example dry_run -- trace.json --workers 8
//! cargo run --release --example dry_run -- trace.json --workers 8 --json
//! cargo run --release --example dry_run                              # a small trace of its own
//! ```
//!
//! FILE is a trace in the WfCommons WfFormat 1.5 (or before: 1.3, 1.4), or a definition in our own JSON form whose tasks say `expected_ms`.
//! Tasks that are ready start in the order of the file.
//!
//! Exit codes: 0 done, 2 the arguments or the trace are not usable; then one line on stderr says why, and nothing is on stdout.

mod broken;
mod edges;
mod form;
mod trace;
mod wfformat;

#[cfg(test)]
mod tests;

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use orchestrator_ai::core::{DryRunReport, Path, WhatIf};
use trace::Trace;

/// What is run without a file: one download, three parts of unequal length, one join.
const SMALL: &str = include_str!("small.json");

/// Runs a recorded workflow in virtual time and reports makespan, critical path and utilisation.
#[derive(Debug, Parser)]
#[command(name = "dry_run")]
struct Arguments {
    /// A WfFormat trace; a small one of its own if there is none
    file: Option<PathBuf>,
    /// How many tasks can run at the same time
    #[arg(long, value_name = "N", default_value = "2", allow_negative_numbers = true)]
    workers: NonZeroUsize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match answer(&Arguments::parse()) {
        Ok(text) => {
            // Who has stopped reading (`| head`) has read enough.
            let _closed = writeln!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {}", error.to_string().replace(['\n', '\r'], " "));
            ExitCode::from(2)
        }
    }
}

/// What is printed.
fn answer(arguments: &Arguments) -> Result<String, Box<dyn Error>> {
    let (name, bytes) = match &arguments.file {
        None => ("the example".to_owned(), SMALL.into()),
        Some(file) => {
            let read = fs::read(file);
            (
                file.display().to_string(),
                read.map_err(|error| format!("{}: {error}", file.display()))?,
            )
        }
    };
    let trace = form::read(&bytes).map_err(|error| format!("{name}: {error}"))?;
    let dry_run = trace.dry_run().workers(arguments.workers);
    let report = dry_run.report().map_err(|error| format!("{name}: {error}"))?;
    if arguments.json {
        return Ok(as_json(&trace, &report).to_string());
    }
    let one = arguments.workers.get();
    let others = [1, one / 2, one.saturating_mul(2)].into_iter().filter(|&n| n != one);
    let mut others: Vec<NonZeroUsize> = others.filter_map(NonZeroUsize::new).collect();
    others.dedup();
    Ok(as_text(&trace, &report, &dry_run.what_if(others)?))
}

fn as_json(trace: &Trace, report: &DryRunReport) -> serde_json::Value {
    let path: Vec<String> = report.critical_path.iter().map(|path| trace.id(path)).collect();
    serde_json::json!({
        "steps": report.steps,
        "edges": report.edges,
        "depth": report.depth,
        "makespan_s": report.makespan_s(),
        "critical_path_s": report.critical_path_s(),
        "critical_path": path,
        "utilisation": report.utilisation,
    })
}

fn as_text(trace: &Trace, report: &DryRunReport, others: &[WhatIf]) -> String {
    let DryRunReport { workers, steps, edges, depth, .. } = report;
    let (makespan, length) = (report.makespan_s(), report.critical_path_s());
    let mut text = format!("steps {steps}, edges {edges}, depth {depth}\n");
    let mut line = |line: String| writeln!(text, "{line}").expect("a String takes any text");
    let busy = 100.0 * report.utilisation;
    line(format!("makespan with {workers} at a time: {makespan} s, utilisation {busy:.1} %"));
    for WhatIf { workers, makespan, utilisation, .. } in others {
        let (makespan, busy) = (makespan.as_secs_f64(), 100.0 * utilisation);
        line(format!("  {workers} at a time would take {makespan:.3} s, utilisation {busy:.1} %"));
    }
    line(format!("critical path: {length} s"));
    let id = |path: &Path| format!("  {}", trace.id(path).escape_debug());
    text + &report.critical_path.iter().map(id).collect::<Vec<_>>().join("\n")
}
