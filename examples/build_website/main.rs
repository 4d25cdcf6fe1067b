//! A website from one sentence: a product manager specifies it, a coder writes it, a reviewer reads it, and what the reviewer rejects
//! goes back to the coder, for a bounded number of rounds.
//!
//! The models' replies are recorded, under `replies/`; the review is real, and rejects the first draft.
//!
//! ```text
//! cargo run --release --example build_website -- [--out DIR] [--rounds N] [--help]
//! ```

mod replay;
mod review;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::{fs, io};

use clap::{Parser, value_parser};
use orchestrator_ai::core::{
    Event, Observer, Orchestrator, Payload, Recorded, Role, RunId, RunReport, Task, TaskError,
    Worker, build_website, typed_worker,
};
use replay::{Coder, ProductManager};
use review::{Site, Spec, review};

const GOAL: &str = "a small website for a bicycle repair workshop";
/// Builds a website from one sentence and writes what the reviewer accepts.
///
/// Exit codes: 0 accepted and written, 1 not, 2 wrong usage.
#[derive(Parser)]
struct Arguments {
    /// Where the accepted site is written.
    #[arg(long, value_name = "DIR", default_value = "target/build_website")]
    out: PathBuf,
    /// How many drafts the coder may make.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = value_parser!(u32).range(1..))]
    rounds: u32,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments.out, arguments.rounds) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: no website: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(out: &Path, rounds: u32) -> Result<(), Box<dyn std::error::Error>> {
    let report = draft(Coder, rounds, Arc::new(Diary))?;
    let site: Site = report.output()?.to()?;
    write(&site, out)?;
    println!("{} files in {}", site.len(), out.display());
    Ok(())
}

/// Runs the workflow with this coder.
fn draft(
    coder: impl Worker + 'static,
    rounds: u32,
    observer: Arc<dyn Observer>,
) -> Result<RunReport, Box<dyn std::error::Error>> {
    let mut hub = Orchestrator::new().with_observer(observer);
    hub.register_worker("product_manager", Role::PRODUCT_MANAGER, ProductManager)?;
    hub.register_worker("coder", Role::CODER, coder)?;
    hub.register_worker("reviewer", Role::REVIEWER, typed_worker(read_draft))?;
    hub.register_workflow(build_website(rounds)?)?;
    Ok(futures::executor::block_on(hub.execute("build_website", GOAL))?)
}

/// Hands the draft on as it is, or fails with everything that must change.
async fn read_draft(site: Site, task: Task) -> Result<Site, TaskError> {
    let findings = review(&task.context().output::<Spec>("create_specs")?, &site);
    if findings.is_empty() {
        return Ok(site);
    }
    let message = format!("{} findings", findings.len());
    Err(TaskError::terminal("rejected", message).with_details(Payload::of(&findings)?))
}

/// Every path has been reviewed: none leads out of `out`.
fn write(site: &Site, out: &Path) -> io::Result<()> {
    for (path, text) in site {
        let file = out.join(path);
        fs::create_dir_all(file.parent().unwrap_or(out))?;
        fs::write(file, text)?;
    }
    Ok(())
}

/// Prints what happens, in the order in which it happens.
struct Diary;

impl Observer for Diary {
    fn recorded(&self, _run: &RunId, recorded: &Recorded) {
        match &recorded.event {
            Event::RunStarted { goal, .. } => println!("goal: {goal}"),
            Event::RoundStarted { path, round, .. } => println!("{path}[{round}]:"),
            Event::AttemptStarted { path, worker, .. } => println!("  {path}: {worker} works"),
            Event::StepSucceeded { path, attempt: 0, .. } => println!("{path}: accepted"),
            Event::StepSucceeded { path, output, .. } => {
                println!("  {path}: done, {} bytes", output.bytes());
            }
            Event::AttemptFailed { path, error, .. } => println!("  {path}: {error}, once more"),
            Event::StepFailed { path, error, .. } => {
                println!("  {path}: {error}");
                for finding in error.details.to::<Vec<String>>().unwrap_or_default() {
                    println!("    {finding}");
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use orchestrator_ai::core::{NoObserver, RunFailure, worker_fn};

    #[test]
    fn the_second_draft_is_accepted_because_it_answers_the_findings_of_the_first() {
        let report = draft(Coder, 3, Arc::new(NoObserver)).unwrap();
        let rounds = |r: &&Recorded| matches!(r.event, Event::RoundStarted { .. });
        assert_eq!(report.history.iter().filter(rounds).count(), 2);
        assert!(report.output().unwrap().to::<Site>().unwrap().contains_key("images/map.svg"));
    }

    #[test]
    fn a_coder_who_ignores_the_findings_runs_out_of_rounds() {
        let stubborn =
            worker_fn(async |_| Ok(Payload::parse(r#"{"index.html": "<p>hello"}"#)?.into()));
        let report = draft(stubborn, 2, Arc::new(NoObserver)).unwrap();
        let RunFailure::Failed { path, error } = report.output().unwrap_err() else {
            panic!("the run failed otherwise: {:?}", report.result)
        };
        assert_eq!((path.to_string().as_str(), error.code.as_str()), ("draft", "rounds_exhausted"));
        let last: TaskError = error.details.to().unwrap();
        let findings: Vec<String> = last.details.to().unwrap();
        assert!(findings.contains(&"index.html:1: <p> is not closed".to_owned()), "{findings:?}");
    }
}
