//! Kill it, and start it again: what is finished is not done again, and what was in flight is handed out with the same key.
//!
//! `cargo run --release --example checkpoint_resume` shows that by itself: it starts a run, goes down amid its third step, and starts
//! again. With `-- --dir DIR` the journal stays in DIR and every step takes a second: stop it with Ctrl-C, run the same line again.

use std::path::PathBuf;
use std::time::Duration;

use futures::executor::block_on;
use orchestrator_ai::core::*;

type Failure = Box<dyn std::error::Error>;

const STEPS: [&str; 5] = ["fetch", "clean", "train", "evaluate", "publish"];

/// One step after the other; each adds its name to what the one before gave.
fn workflow() -> Result<Workflow, Faults> {
    let mut builder = Workflow::builder("study").step(Step::task(STEPS[0], Role::GENERIC));
    for pair in STEPS.windows(2) {
        builder = builder.step(Step::task(pair[1], Role::GENERIC).after(pair[0]));
    }
    builder.build()
}

/// How this process ends.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// When the run does.
    Proper,
    /// Amid so many tasks: the work is handed out, and its answer is lost.
    Crash { after: u32 },
}

/// One life of the process: it opens the journal, finds out where the run stands, and goes on.
fn live(dir: &std::path::Path, pace: Duration, end: End) -> Result<Option<RunResult>, Failure> {
    let store = FileStore::open(dir)?;
    let options = RunOptions::new("study-1", "study")?;
    let now = Timestamp(0);
    let mut run = match block_on(store.load(&options.id))? {
        None => {
            println!("  nothing is kept of this run: it begins");
            let mut run = Run::new(workflow()?, options);
            run.handle(now, Input::Started)?;
            run
        }
        Some(past) => {
            println!("  {} events are kept: the run goes on", past.last_seq());
            Run::restore(workflow()?, options, past, now)?
        }
    };
    let mut tasks = 0;
    loop {
        // Everything that one input caused is one batch: all of it is kept, or none.
        let events: Vec<Recorded> = std::iter::from_fn(|| run.poll_event()).collect();
        if !events.is_empty() {
            block_on(store.append(&[(run.id().clone(), Batch::new(events)?)]))?;
            run.commit_polled();
        }
        if let Some(result) = run.result() {
            return Ok(Some(result.clone()));
        }
        let Some(Command::Execute { attempt, task, .. }) = run.poll_command() else {
            return Err("the steps of this run do nothing but work".into());
        };
        tasks += 1;
        println!("  {:<8} begins   (key {})", task.path().to_string(), task.idempotency_key());
        if end == (End::Crash { after: tasks }) {
            return Ok(None);
        }
        std::thread::sleep(pace);
        println!("  {:<8} is done", task.path().to_string());
        let done = format!("{} > {}", task.input().to::<String>()?, task.path());
        run.handle(now, Input::Answered { attempt, result: Ok(TaskOutput::of(&done)?) })?;
    }
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => {
            let dir = tempfile::tempdir()?;
            println!("first life");
            live(dir.path(), Duration::ZERO, End::Crash { after: 3 })?;
            println!("  -- the process is gone --\nsecond life");
            let result = live(dir.path(), Duration::ZERO, End::Proper)?;
            println!("  {}", serde_json::to_string(&result)?);
            println!("third life");
            let result = live(dir.path(), Duration::ZERO, End::Proper)?;
            println!("  nothing is left to do: {}", serde_json::to_string(&result)?);
        }
        ["--dir", dir] => {
            let result = live(&PathBuf::from(dir), Duration::from_secs(1), End::Proper)?;
            println!("  {}", serde_json::to_string(&result)?);
        }
        _ => return Err("usage: checkpoint_resume [--dir DIR]".into()),
    }
    Ok(())
}
