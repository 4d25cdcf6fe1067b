//! The main job: profile a data file, search, learn, attend, generate three layers of scripts, run and check them.
//!
//! ```text
//! cargo run --release --example orchestrate                          # the bundled penguins, into target/orchestrate/
//! cargo run --release --example orchestrate -- --data mine.csv --out results --preset quality --seed 7
//! cargo run --release --example orchestrate -- --fitness measured    # by what the scripts do to a sample of the data
//! cargo run --release --example orchestrate -- --fitness measured --weight nulls=5 --data mine.json
//! ```
//!
//! Exit codes: 0 all checks passed, 1 a check or a step failed, 2 the arguments or the data are not usable.

mod arguments;
mod progress;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use orchestrator_ai::{OrchestrateError, OrchestratorAi, Verdict};

use arguments::Arguments;
use progress::ProgressBar;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut context = match arguments.context() {
        Ok(context) => context,
        Err(error) => return refuse(&*error),
    };
    let bar = Arc::new(ProgressBar::new());
    context.observer = bar.clone();

    let done = futures::executor::block_on(OrchestratorAi::new(context).orchestrate());
    bar.clear();
    match done {
        Ok(report) => {
            let text = if arguments.json {
                report.to_json()
            } else {
                format!("{}\nwritten to {}", report.summary(), arguments.out.display())
            };
            // The results are written, and the exit code tells the outcome, even if nobody reads this any more (`| head`).
            let _closed = writeln!(std::io::stdout(), "{text}");
            match report.outcome.verdict {
                Verdict::Verified => ExitCode::SUCCESS,
                Verdict::ChecksFailed => ExitCode::from(1),
            }
        }
        Err(error @ OrchestrateError::Failed(_)) => {
            say(&error);
            ExitCode::from(1)
        }
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &dyn std::error::Error) -> ExitCode {
    say(error);
    ExitCode::from(2)
}

/// One line, whatever the names of files hold.
fn say(error: &dyn std::error::Error) {
    eprintln!("error: {}", error.to_string().replace(['\n', '\r'], " "));
}
