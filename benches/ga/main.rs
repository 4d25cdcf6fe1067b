//! What a generation costs in processor time, beside the peers and beside loops written by hand. Criterion keeps the figures from run to
//! run; the table at the end is made of rounds in which everybody runs in turn, and of nothing else.

#[path = "../engine/cpu_time.rs"]
mod cpu_time;

use std::time::Duration;

use benches::ga::{
    ROUNDS, Shape, Task, comparisons, contenders, microseconds_a_generation, print, rounds,
};
use criterion::{Criterion, SamplingMode, Throughput};

use cpu_time::CpuTime;

/// Other sizes than the table's: population and dimension.
const SHAPES: [(usize, usize); 9] = [
    (20, 5),
    (20, 30),
    (20, 100),
    (100, 5),
    (100, 30),
    (100, 100),
    (1000, 5),
    (1000, 30),
    (1000, 100),
];

fn main() {
    let mut criterion = Criterion::default().with_measurement(CpuTime).configure_from_args();
    for task in Task::ALL {
        let mut group = criterion.benchmark_group(format!("ga/{}", task.name()));
        group
            .throughput(Throughput::Elements(task.generations() as u64))
            .sampling_mode(SamplingMode::Flat)
            .sample_size(10)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(1));
        for contender in contenders(task) {
            group.bench_function(contender.name, |bencher| {
                bencher.iter(|| contender.run(task, task.generations(), 1));
            });
        }
        group.finish();
    }
    criterion.final_summary();
    // `cargo test --benches` asks only whether it runs, and a filter asks for what it names.
    if std::env::args().skip(1).any(|argument| argument != "--bench") {
        return;
    }

    let all = Task::ALL.map(|task| comparisons(task, &rounds(task, &contenders(task), ROUNDS)));
    print(&all.concat());

    println!("\n| population | parameters | µs a generation |");
    println!("|---:|---:|---:|");
    for (population, dimension) in SHAPES {
        let generations = 2_000_000 / (population * dimension).max(400);
        let shape = Shape { population, dimension };
        let time = microseconds_a_generation(shape, generations, ROUNDS);
        println!("| {population} | {dimension} | {time:.2} |");
    }
}
