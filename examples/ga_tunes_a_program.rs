//! A search whose fitness is the run time of a real program: an external merge sort of real text, tuned by running it.
//!
//! ```text
//! cargo run --release --example ga_tunes_a_program
//! ```
//!
//! Every candidate is a child process (this program again, with `--child`), which sorts suffixes of the lines of a real file with the
//! settings that it is given. Some settings it refuses, with some it takes too long: it is killed then. Both are failed evaluations, which
//! rank last. A measured time is uncertain, and so this search is no function of its seed alone; therefore every measurement is recorded,
//! and the search that is given the record again comes to the same result, byte for byte.

use std::collections::BTreeMap;
use std::io::Read;
use std::num::NonZeroUsize;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::executor::block_on;
use orchestrator_ai::core::*;
use orchestrator_ai::ga::*;
use serde::{Deserialize, Serialize};

type Fault = Box<dyn std::error::Error>;

const INPUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/penguins-raw.csv");
/// How often the child reads its file, and how many suffixes of each line it sorts.
const COPIES: usize = 80;
/// What the buffers of the child's merge may take up together.
const MEMORY: usize = 1 << 20;
const TIMEOUT: Duration = Duration::from_millis(100);
const EVALUATIONS: u64 = 72;

/// The parameters of the sort, by the names that they have in the space.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Settings {
    /// The length of the runs that are sorted by insertion, as a power of two.
    run_log2: u32,
    /// How many runs are merged at once.
    ways: usize,
    /// The buffer of each, as a power of two.
    buffer_log2: u32,
    /// Whether the first eight bytes are compared as a number before the rest is looked at.
    prefix: bool,
}

/// What somebody might have chosen without measuring.
const BY_HAND: [f64; 4] = [8.0, 2.0, 9.0, 0.0];

fn space() -> Result<ParameterSpace, ParameterError> {
    ParameterSpace::builder()
        .integer("run_log2", 0, 14)
        .integer("ways", 2, 64)
        .integer("buffer_log2", 4, 16)
        .boolean("prefix")
        .build()
}

/// The worker that measures: it runs the program, and is patient without holding a thread.
struct Program {
    expected: u64,
}

/// A child that is killed when nobody waits for it any more.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[async_trait]
impl Worker for Program {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let broken = |error: &dyn ToString| TaskError::terminal("program", error.to_string());
        let Settings { run_log2, ways, buffer_log2, prefix } = task.input().to()?;
        let mut child = Command::new(std::env::current_exe().map_err(|error| broken(&error))?);
        child.args(["--child", &run_log2.to_string(), &ways.to_string(), &buffer_log2.to_string()]);
        child
            .arg(prefix.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = Killed(child.spawn().map_err(|error| broken(&error))?);
        let status = loop {
            match child.0.try_wait().map_err(|error| broken(&error))? {
                Some(status) => break status,
                None => {
                    SystemClock.sleep_until(SystemClock.now().after(Duration::from_millis(1))).await
                }
            }
        };
        if !status.success() {
            return Err(TaskError::terminal("refused", format!("the program ended with {status}")));
        }
        let mut said = String::new();
        let mut stdout = child.0.stdout.take().expect("it is piped");
        stdout.read_to_string(&mut said).map_err(|error| broken(&error))?;
        match said.trim().split_once(' ') {
            Some((micros, sum)) if sum == self.expected.to_string() => {
                let micros: f64 = micros.parse().map_err(|error| broken(&error))?;
                Ok(TaskOutput::of(&BTreeMap::from([("ms", micros / 1000.0)]))?)
            }
            _ => Err(TaskError::terminal("unsorted", "the program sorted wrongly")),
        }
    }
}

/// By generation and index: the candidate, and what was measured.
type Record = BTreeMap<(u32, usize), (Vec<f64>, Result<f64, FitnessError>)>;

/// The same fitness, every answer of it written down.
struct Recorded<F> {
    fitness: F,
    record: Mutex<Record>,
}

#[async_trait]
impl<F: AsyncFitnessFn> AsyncFitnessFn for Recorded<F> {
    async fn evaluate(&self, x: &[f64], evaluation: Evaluation) -> Result<f64, FitnessError> {
        let answer = self.fitness.evaluate(x, evaluation).await;
        let place = (evaluation.generation, evaluation.index);
        self.record.lock().expect("no holder panics").insert(place, (x.to_vec(), answer.clone()));
        answer
    }
}

fn search() -> Result<Search<Ga>, Fault> {
    let config =
        GaConfig { population: 12, generations: 7, mutation_rate: 0.25, ..GaConfig::documents() };
    let mut search =
        Search::new(Ga::new(space()?, config, Seed(3))?, Stop::Evaluations(EVALUATIONS))?;
    search.start_from(&[BY_HAND.to_vec()])?;
    Ok(search)
}

fn main() -> Result<ExitCode, Fault> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--child") {
        return child(&arguments[1..]);
    }
    let text = std::fs::read(INPUT)?;
    let mut keys = keys(&text);
    keys.sort();
    let program = Arc::new(Program { expected: checksum(&keys) });
    let fitness = WorkerFitness::new(program, &space()?, "/ms")
        .minimised()
        .with_timeout(TIMEOUT, Arc::new(SystemClock));
    let fitness = Recorded { fitness, record: Mutex::default() };

    // One at a time: programs that run side by side disturb each other's times.
    let mut tuning = search()?;
    let found = block_on(tuning.run_async(&fitness, NonZeroUsize::MIN))?;
    let record = fitness.record.into_inner().expect("no holder panics");

    let mut best: Vec<(f64, &[f64])> =
        record.values().filter_map(|(x, answer)| Some((*answer.as_ref().ok()?, &x[..]))).collect();
    best.sort_by(|a, b| b.0.total_cmp(&a.0));
    println!("{:>6} {:>5} {:>8} {:>7} {:>9}", "run", "ways", "buffer", "prefix", "time");
    for (_, point) in &best[..best.len().min(3)] {
        line("found", point, median(&fitness.fitness, point))?;
    }
    line("by hand", &BY_HAND, median(&fitness.fitness, &BY_HAND))?;
    let late = |answer: &Result<f64, _>| matches!(answer, Err(FitnessError::TimedOut { .. }));
    let late = record.values().filter(|(_, answer)| late(answer)).count();
    println!(
        "{} runs of the program: {} were refused, {late} were killed after {TIMEOUT:?}",
        found.evaluations,
        found.failures as usize - late
    );
    tuning.diagnose(tuning.optimizer().config()).iter().for_each(|advice| println!("- {advice}"));

    let replayed = search()?.run(&fallible(|_: &[f64], at| {
        let known = record.get(&(at.generation, at.index));
        known.map_or(Err(FitnessError::failed("not measured")), |(_, answer)| answer.clone())
    }))?;
    assert_eq!(replayed, found, "the same measurements lead to the same result");
    println!("the record of {} measurements, given again, leads to the same result", record.len());
    Ok(ExitCode::SUCCESS)
}

/// The median of five more measurements, in milliseconds.
fn median(fitness: &WorkerFitness, point: &[f64]) -> Option<f64> {
    let evaluation = Evaluation { generation: 0, index: 0, seed: Seed(0) };
    let times = (0..5).map(|_| block_on(fitness.evaluate(point, evaluation)).map(|ms| -ms));
    let mut times = times.collect::<Result<Vec<f64>, _>>().ok()?;
    times.sort_by(f64::total_cmp);
    Some(times[2])
}

fn line(name: &str, point: &[f64], ms: Option<f64>) -> Result<(), Fault> {
    let space = space()?;
    let settings = space.read(point);
    let time = ms.map_or("failed".to_owned(), |ms| format!("{ms:.1} ms"));
    println!(
        "{:>6} {:>5} {:>8} {:>7} {time:>9}  {name}",
        1 << settings.integer("run_log2")?,
        settings.integer("ways")?,
        1 << settings.integer("buffer_log2")?,
        settings.boolean("prefix")?,
    );
    Ok(())
}

/// The program that is tuned. It says how many microseconds it took, and the sum by which the order can be checked.
fn child(arguments: &[String]) -> Result<ExitCode, Fault> {
    let [run_log2, ways, buffer_log2, prefix] = arguments else {
        return Err("four settings".into());
    };
    let (run, ways): (usize, usize) = (1 << run_log2.parse::<u32>()?, ways.parse()?);
    let buffer = 1 << buffer_log2.parse::<u32>()?;
    if ways * buffer > MEMORY {
        eprintln!("{ways} buffers of {buffer} bytes do not fit");
        return Ok(ExitCode::from(3));
    }
    let began = Instant::now();
    let mut text = Vec::new();
    let mut block = vec![0; buffer];
    for _ in 0..COPIES {
        text.clear();
        let mut file = std::fs::File::open(INPUT)?;
        loop {
            match file.read(&mut block)? {
                0 => break,
                count => text.extend_from_slice(&block[..count]),
            }
        }
    }
    let keys = keys(&text);
    let sorted = match prefix.parse()? {
        true => {
            let keys = keys.into_iter().map(|key| (first_bytes(key), key)).collect();
            merge_sort(keys, run, ways).into_iter().map(|(_, key)| key).collect()
        }
        false => merge_sort(keys, run, ways),
    };
    println!("{} {}", began.elapsed().as_micros(), checksum(&sorted));
    Ok(ExitCode::SUCCESS)
}

/// Suffixes of all lines.
fn keys(text: &[u8]) -> Vec<&[u8]> {
    let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.flat_map(|line| (0..COPIES).map(move |at| &line[at * 7 % line.len()..])).collect()
}

fn first_bytes(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    bytes[..key.len().min(8)].copy_from_slice(&key[..key.len().min(8)]);
    u64::from_be_bytes(bytes)
}

fn checksum(keys: &[&[u8]]) -> u64 {
    let bytes = keys.iter().flat_map(|key| key.iter().take(8));
    bytes.fold(17, |sum: u64, &byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)))
}

/// Runs sorted by insertion, then merged so many at once until one is left.
fn merge_sort<T: Ord + Copy>(mut keys: Vec<T>, run: usize, ways: usize) -> Vec<T> {
    for part in keys.chunks_mut(run) {
        for at in 1..part.len() {
            let place = part[..at].iter().rposition(|key| *key <= part[at]).map_or(0, |at| at + 1);
            part[place..=at].rotate_right(1);
        }
    }
    let mut length = run;
    while length < keys.len() {
        let mut merged = Vec::with_capacity(keys.len());
        for group in keys.chunks(length * ways) {
            let mut runs: Vec<&[T]> = group.chunks(length).collect();
            while let Some(least) = (0..runs.len()).min_by_key(|&at| runs[at][0]) {
                merged.push(runs[least][0]);
                runs[least] = &runs[least][1..];
                runs.retain(|run| !run.is_empty());
            }
        }
        keys = merged;
        length *= ways;
    }
    keys
}
