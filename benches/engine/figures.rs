//! Takes the figures: criterion decides how often, and what was measured is kept for the table at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use criterion::measurement::Measurement;
use criterion::{Criterion, SamplingMode, Throughput};

/// How many samples criterion takes of a figure: the fewest that it allows, since a sample of ours is one whole run or more.
const SAMPLES: usize = 10;
/// How long it warms up, and how long it measures, unless ten runs take longer.
const WARM_UP: Duration = Duration::from_millis(300);
const MEASURE: Duration = Duration::from_secs(2);

/// What was measured in this process, by subject and column: nanoseconds for each step, a sample a run.
#[derive(Default)]
pub(crate) struct Figures(BTreeMap<(String, &'static str), Vec<f64>>);

impl Figures {
    /// The median over the runs, in nanoseconds a step; `None` if it was not measured in this process.
    pub(crate) fn median(&self, subject: &str, column: &'static str) -> Option<f64> {
        let mut samples = self.0.get(&(subject.to_owned(), column))?.clone();
        samples.sort_by(f64::total_cmp);
        Some(samples[samples.len() / 2])
    }
}

/// Measures with one kind of clock.
pub(crate) struct Meter<M: Measurement> {
    criterion: Criterion<M>,
    clock: M,
    figures: Figures,
}

impl<M: Measurement<Value = Duration> + 'static> Meter<M> {
    /// A meter that measures what the command line asks for.
    pub(crate) fn new(clock: impl Fn() -> M, figures: Figures) -> Meter<M> {
        let criterion = Criterion::default().with_measurement(clock()).configure_from_args();
        Meter { criterion, clock: clock(), figures }
    }

    /// Measures one column of one subject, unless the command line leaves it out. What `ready` makes and what `run` leaves over are not in
    /// the figure. `run` gives the number of steps that it has done: a figure of a run that stopped half-way would be a figure of nothing.
    pub(crate) fn measure<S, L>(
        &mut self,
        (subject, steps): (&str, usize),
        column: &'static str,
        mut ready: impl FnMut() -> S,
        mut run: impl FnMut(S) -> (usize, L),
    ) {
        let mut samples = Vec::new();
        let mut group = self.criterion.benchmark_group(format!("engine/{subject}"));
        group
            .throughput(Throughput::Elements(steps as u64))
            .sampling_mode(SamplingMode::Flat)
            .sample_size(SAMPLES)
            .warm_up_time(WARM_UP)
            .measurement_time(MEASURE);
        group.bench_function(column, |bencher| {
            bencher.iter_custom(|times| {
                let mut total = Duration::ZERO;
                for _ in 0..times {
                    let ready = ready();
                    let began = self.clock.start();
                    let (done, left_over) = run(ready);
                    let took = self.clock.end(began);
                    assert_eq!(done, steps, "{column} did not do all of {subject}");
                    drop(left_over);
                    samples.push(took.as_nanos() as f64 / steps as f64);
                    total += took;
                }
                total
            });
        });
        group.finish();
        self.record(subject, column, samples);
    }

    /// Takes in what was measured beside something else, in nanoseconds a step.
    pub(crate) fn record(&mut self, subject: &str, column: &'static str, samples: Vec<f64>) {
        if !samples.is_empty() {
            self.figures.0.insert((subject.to_owned(), column), samples);
        }
    }

    /// Everything that was measured.
    pub(crate) fn into_figures(self) -> Figures {
        self.criterion.final_summary();
        self.figures
    }
}
