//! Takes the figures: everybody in turn, again and again, so that a neighbour on the machine disturbs all alike.

use std::time::{Duration, Instant};

use super::column::Column;
use super::contestants::{Contestant, Inputs, contestants};
use super::oracle::error_of;
use super::sgemm::Sgemm;
use crate::cpu_time;

/// Turns of who is fast; one that is slow stops when it has used up its time.
const ROUNDS: usize = 60;
/// So long everybody may compute in one turn, at least once.
const TURN: Duration = Duration::from_millis(40);
/// A sample is as many runs as take this long, so that reading the clock is none of it.
const SAMPLE: Duration = Duration::from_micros(300);
/// So much everybody may use in all, but two samples are taken in any case.
const BUDGET: Duration = Duration::from_secs(5);
const SAMPLES_MIN: usize = 2;

/// GFLOP/s over all samples.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Figure {
    /// Of the fastest sample.
    pub best: f64,
    /// Of the median one.
    pub median: f64,
    /// How many samples there were.
    pub samples: usize,
}

/// What was measured for one column.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Measured {
    /// The product of the gemm crate, on as many threads.
    pub sgemm: Figure,
    /// The same on one thread.
    pub sgemm_single: Figure,
    /// By name: the speed, and the largest difference from the oracle.
    pub contestants: Vec<(String, Figure, f64)>,
}

/// Processor time of one thread, which no neighbour can take, and the clock on the wall for several.
fn now(threads: usize, began: Instant) -> Duration {
    if threads == 1 { cpu_time() } else { began.elapsed() }
}

struct Turns<'a> {
    run: Box<dyn FnMut() + 'a>,
    operations: f64,
    /// Runs of one sample.
    inner: u32,
    samples: Vec<Duration>,
    used: Duration,
}

impl<'a> Turns<'a> {
    fn new(operations: f64, run: impl FnMut() + 'a) -> Turns<'a> {
        Turns {
            run: Box::new(run),
            operations,
            inner: 0,
            samples: Vec::new(),
            used: Duration::ZERO,
        }
    }

    fn take(&mut self, clock: &dyn Fn() -> Duration) {
        if self.inner == 0 {
            // The first run is not counted: it fetches pages and wakes threads.
            (self.run)();
            let began = clock();
            (self.run)();
            let once = (clock() - began).max(Duration::from_nanos(100));
            self.inner = SAMPLE.div_duration_f64(once).ceil().clamp(1.0, 10_000.0) as u32;
        }
        let over = |turns: &Turns<'_>| {
            let next = turns.samples.last().copied().unwrap_or_default() * turns.inner;
            turns.samples.len() >= SAMPLES_MIN && turns.used + next > BUDGET
        };
        let turn = clock();
        while !over(self) {
            let began = clock();
            for _ in 0..self.inner {
                (self.run)();
            }
            let ended = clock();
            self.samples.push((ended - began) / self.inner);
            self.used += ended - began;
            if ended - turn >= TURN {
                break;
            }
        }
    }

    fn figure(mut self) -> Figure {
        self.samples.sort();
        let speed = |time: Duration| self.operations / time.as_secs_f64() / 1e9;
        let samples = self.samples.len();
        Figure { best: speed(self.samples[0]), median: speed(self.samples[samples / 2]), samples }
    }
}

/// Measures everybody in this column, after having looked at their answers.
pub fn measure(column: &Column) -> Measured {
    let inputs = Inputs::of(column);
    let mut all = contestants(&inputs, column.threads);
    let checked: Vec<(String, f64)> = all
        .iter_mut()
        .map(|one| (one.name().to_owned(), error_of(&inputs, &one.output())))
        .collect();

    let (mut single, mut several) = (Sgemm::new(1), Sgemm::new(column.threads));
    let mut turns = vec![Turns::new(Sgemm::operations(), || single.run())];
    if column.threads > 1 {
        turns.push(Turns::new(Sgemm::operations(), || several.run()));
    }
    for one in &mut all {
        turns.push(Turns::new(column.operations(), || Contestant::run(one.as_mut())));
    }
    let began = Instant::now();
    let clock = || now(column.threads, began);
    for _ in 0..ROUNDS {
        for turns in &mut turns {
            turns.take(&clock);
        }
    }
    let mut figures = turns.into_iter().map(Turns::figure);
    let mut next = || figures.next().expect("a figure for each");
    let sgemm_single = next();
    let sgemm = if column.threads > 1 { next() } else { sgemm_single };
    let contestants = checked.into_iter().map(|(name, error)| (name, next(), error)).collect();
    Measured { sgemm, sgemm_single, contestants }
}
