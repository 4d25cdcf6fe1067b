//! A run driven by hand: no async, no runtime, no thread, no clock. The host takes the events and keeps them, carries out the commands,
//! and says what came of them. Its store is a list of lines; when it goes down, the lines are all it needs to go on.
//! Run it with `cargo run --release --example host_driven`.

use orchestrator_ai::core::*;

type Failure = Box<dyn std::error::Error>;

/// The whole store: one JSON line an event.
#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn keep(&mut self, recorded: &Recorded) -> Result<(), Failure> {
        self.0.push(serde_json::to_string(recorded)?);
        Ok(())
    }

    fn read(&self) -> Result<Vec<Recorded>, Failure> {
        self.0.iter().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }
}

fn workflow() -> Result<Workflow, Faults> {
    Workflow::builder("release")
        .step(Step::task("compile", Role::CODER))
        .step(Step::task("test", Role::TESTER).after("compile").retry(RetryPolicy::attempts(2)))
        .step(Step::task("sign", Role::CODER).after("compile"))
        .step(Step::task("publish", Role::DEPLOYER).after_all(["test", "sign"]))
        .build()
}

/// The workers of this host: plain functions. The tests are flaky: they fail the first time.
fn work(task: &Task) -> Result<TaskOutput, TaskError> {
    println!(
        "  work on {} (attempt {}, key {})",
        task.path(),
        task.attempt(),
        task.idempotency_key()
    );
    match (task.path().step().as_str(), task.attempt()) {
        ("test", 1) => Err(TaskError::retryable("flaky", "a test timed out")),
        (step, _) => Ok(TaskOutput::of(&format!("{step} is done"))?),
    }
}

/// Goes on until the run is over, or until so many tasks were worked on.
fn drive(run: &mut Run, store: &mut Lines, mut tasks_max: usize) -> Result<(), Failure> {
    let mut now = Timestamp(0);
    while run.result().is_none() {
        // First what happened is kept. Only then does the run give out the commands that follow from it.
        while let Some(recorded) = run.poll_event() {
            store.keep(&recorded)?;
            run.committed(recorded.seq);
        }
        let input = match run.poll_command() {
            Some(Command::Execute { .. }) if tasks_max == 0 => return Ok(()),
            Some(Command::Execute { attempt, task, .. }) => {
                tasks_max -= 1;
                Input::Answered { attempt, result: work(&task) }
            }
            Some(other) => return Err(format!("this host cannot {other:?}").into()),
            // Nothing to do: the clock of this host jumps to the next deadline, here the rest before a retry.
            None => {
                let due = run.next_deadline().ok_or("nothing to do, and nothing to wait for")?;
                println!("  wait {} ms", due.0 - now.0);
                now = due;
                Input::TimePassed
            }
        };
        run.handle(now, input)?;
    }
    while let Some(recorded) = run.poll_event() {
        store.keep(&recorded)?;
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let options = || RunOptions::new("release-7", "release version 7");
    let mut store = Lines::default();

    println!("a host begins, and goes down after two tasks");
    let mut run = Run::new(workflow()?, options()?);
    run.handle(Timestamp(0), Input::Started)?;
    drive(&mut run, &mut store, 2)?;
    drop(run);

    println!("another host goes on from {} lines", store.0.len());
    let mut run = Run::restore(workflow()?, options()?, store.read()?, Timestamp(0))?;
    drive(&mut run, &mut store, usize::MAX)?;

    println!("what was kept:");
    for recorded in store.read()? {
        let event = serde_json::to_value(&recorded.event)?;
        let path = event["path"].as_str().unwrap_or("");
        println!("  {:>2} {} {path}", recorded.seq, event["type"].as_str().unwrap_or(""));
    }
    println!("result: {}", serde_json::to_string(&run.result())?);
    Ok(())
}
