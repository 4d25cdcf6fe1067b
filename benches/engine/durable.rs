//! Durable steps a second on the file store, beside what its disk can do: one line appended and brought to safety, again and again, in the
//! same directory. By the clock on the wall, because it is the disk that takes the time.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use criterion::measurement::WallTime;
use futures::executor::block_on;
use orchestrator_ai::core::{
    Batch, Command, FileStore, Input, Payload, Run, RunId, RunOptions, RunResult, RunStore,
    Timestamp, Workflow,
};

use crate::figures::Meter;
use crate::{ours, shapes};

/// How many runs are under way at once.
const RUNS: usize = 100;
/// How many steps each has, one after the other: every one of them has to be safe before the next begins. So many that making the file of
/// a run when it ends weighs little against its steps.
const STEPS: usize = 100;
/// How many lines are written in a sample of the disk alone, one at a time.
const LINES: usize = 100;
/// As long as a line of a journal.
const LINE: [u8; 200] = [b'x'; 200];

pub(crate) fn measure(meter: &mut Meter<WallTime>, answer: &Payload) {
    // Not where other temporary files are: that may be memory, whose fsync costs nothing.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");

    let workflow = ours::workflow(&shapes::chain(STEPS));
    let mut fsyncs = Vec::new();
    let new_store = || {
        // Right before every sample of the store: from one second to the next a disk can be twenty times as slow.
        fsyncs.push(fsync(&directory.path().join("lines")));
        let store = directory.path().join(format!("store-{}", fsyncs.len()));
        ready(&store, &workflow)
    };
    let run = |(store, mut runs): (FileStore, Vec<Run>)| {
        let done = drive(&store, &mut runs, answer);
        (done, (store, runs))
    };
    meter.measure(("durable", RUNS * STEPS), "step", new_store, run);
    meter.record("durable", "fsync", fsyncs);
}

/// How long the disk takes for a line, in nanoseconds.
fn fsync(path: &Path) -> f64 {
    let mut file = File::create(path).expect("a file");
    let began = Instant::now();
    for _ in 0..LINES {
        file.write_all(&LINE).expect("there is room");
        file.sync_data().expect("the disk answers");
    }
    began.elapsed().as_nanos() as f64 / LINES as f64
}

/// An empty store, and runs that have not begun.
fn ready(directory: &Path, workflow: &Workflow) -> (FileStore, Vec<Run>) {
    let store = FileStore::open(directory).expect("a new directory");
    let run = |number| {
        let options = RunOptions::new(&format!("run-{number}"), "measure").expect("a name");
        Run::new(workflow.clone(), options)
    };
    (store, (0..RUNS).map(run).collect())
}

/// Drives all runs to their ends, in rounds: what has happened in any of them is appended together, and only then does any go on. Gives
/// the number of steps that were done.
fn drive(store: &FileStore, runs: &mut [Run], answer: &Payload) -> usize {
    let now = Timestamp(0);
    let mut done = 0;
    for run in runs.iter_mut() {
        run.handle(now, Input::Started).expect("it has not started");
    }
    loop {
        let batches: Vec<(RunId, Batch)> = runs.iter_mut().filter_map(events).collect();
        if batches.is_empty() {
            break;
        }
        block_on(store.append(&batches)).expect("the disk answers");
        for run in runs.iter_mut() {
            run.commit_polled();
            while let Some(command) = run.poll_command() {
                let Command::Execute { attempt, .. } = command else { continue };
                let result = Ok(answer.clone().into());
                run.handle(now, Input::Answered { attempt, result }).expect("it was asked");
                done += 1;
            }
        }
    }
    assert!(runs.iter().all(|run| matches!(run.result(), Some(RunResult::Succeeded { .. }))));
    done
}

/// What has happened in a run since it was last asked.
fn events(run: &mut Run) -> Option<(RunId, Batch)> {
    let events: Vec<_> = std::iter::from_fn(|| run.poll_event()).collect();
    let batch = (!events.is_empty()).then(|| Batch::new(events).expect("events in order"))?;
    Some((run.id().clone(), batch))
}
