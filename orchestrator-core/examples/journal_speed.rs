//! How fast journals are kept: durable steps a second on the file store, beside the fsyncs of the same disk, and the memory store.
//!
//! `cargo run --release -p orchestrator-core --example journal_speed [FOLDER]`; the folder says which disk, and is left as it was.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use orchestrator_core::{
    Batch, Event, FileStore, MemoryStore, Path, Payload, Recorded, RunId, RunStore, Timestamp,
    Usage, WorkerName,
};

const RUNS: usize = 100;
const TIME: Duration = Duration::from_secs(2);

/// What an answer leaves in the journal of a chain: its step is done, the next one begins.
fn step(run: usize, number: u64) -> Batch {
    let path = Path::parse("deploy_code").expect("a valid path");
    let output = Payload::text(&format!("output {:06}", run as u64 + number));
    let worker = WorkerName::parse("ada").expect("a valid name");
    let at = Timestamp(1_700_000_000_000 + number);
    let (attempt, usage, input) = (1, Usage::default(), Some(output.clone()));
    let events = vec![
        Event::StepSucceeded { path: path.clone(), attempt, output, usage },
        Event::AttemptStarted { path, attempt, worker, input },
    ];
    let recorded = (2 * number + 1..).zip(events).map(|(seq, event)| Recorded { seq, at, event });
    Batch::new(recorded.collect()).expect("seq grows by one")
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = folder.join(format!("journal-speed-{}", std::process::id()));
    fs::create_dir_all(&dir)?;
    let runs: Vec<RunId> =
        (0..RUNS).map(|run| RunId::parse(format!("run-{run:03}"))).collect::<Result<_, _>>()?;
    let append = |number| -> Vec<(RunId, Batch)> {
        runs.iter().enumerate().map(|(at, run)| (run.clone(), step(at, number))).collect()
    };

    let store = FileStore::open(dir.join("store"))?;
    let (mut steps, mut busy) = (0_u64, Duration::ZERO);
    while busy < TIME {
        let batches = append(steps / RUNS as u64);
        let start = Instant::now();
        block_on(store.append(&batches))?;
        busy += start.elapsed();
        steps += RUNS as u64;
    }
    let durable = steps as f64 / busy.as_secs_f64();
    drop(store);
    let start = Instant::now();
    let store = FileStore::open(dir.join("store"))?;
    let opening = start.elapsed().as_secs_f64() / (2 * steps) as f64;
    let start = Instant::now();
    for run in &runs {
        block_on(store.load(run))?;
    }
    let loading = start.elapsed().as_secs_f64() / (2 * steps) as f64;
    drop(store);

    // As many bytes a write as the appends above had, so that the disk does the same work.
    let log: u64 = fs::read_dir(dir.join("store/log"))?
        .map(|entry| Ok(entry?.metadata()?.len()))
        .sum::<std::io::Result<u64>>()?;
    let bytes = vec![b'x'; (log * RUNS as u64 / steps) as usize];
    let mut file = OpenOptions::new().create(true).append(true).open(dir.join("probe"))?;
    let (mut syncs, start) = (0_u64, Instant::now());
    while start.elapsed() < TIME {
        file.write_all(&bytes)?;
        file.sync_data()?;
        syncs += 1;
    }
    let fsyncs = syncs as f64 / start.elapsed().as_secs_f64();
    fs::remove_dir_all(&dir)?;

    let memory = MemoryStore::default();
    let (mut batches, mut spent) = (0_u64, Duration::ZERO);
    for number in 0..2_000 {
        let append = append(number);
        let start = Instant::now();
        block_on(memory.append(&append))?;
        spent += start.elapsed();
        batches += RUNS as u64;
    }

    println!("file store, {RUNS} runs an append: {durable:>9.0} durable steps/s");
    println!("fsyncs of the disk, {:>6} bytes each: {fsyncs:>7.0} /s", bytes.len());
    println!("ratio: {:.1}", durable / fsyncs);
    println!(
        "opening: {:.0} ns an event; loading: {:.0} ns an event",
        opening * 1e9,
        loading * 1e9
    );
    println!("memory store: {:.0} ns a batch", spent.as_secs_f64() * 1e9 / batches as f64);
    Ok(())
}
