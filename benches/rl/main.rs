//! What a step of Q-learning costs beside a loop written by hand and beside rurel, in processor time; see `contestants`. The same figures,
//! with the goals, are printed by `rl_quality`.

mod contestants;
#[path = "../engine/cpu_time.rs"]
mod cpu_time;
mod lake;

use criterion::{Criterion, Throughput};

use cpu_time::CpuTime;

/// So many steps of one learner.
type Contestant = fn(u64);

/// Steps of one sample: long enough that learning from nothing is not most of it.
const STEPS: u64 = 1_000_000;

fn main() {
    let mut criterion =
        Criterion::default().with_measurement(CpuTime).sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("rl_step_frozen_lake_8x8");
    group.throughput(Throughput::Elements(STEPS));
    let contestants: [(&str, Contestant); 4] = [
        ("by_hand", contestants::by_hand),
        ("dense", contestants::dense),
        ("hashed", contestants::hashed),
        ("rurel", contestants::rurel),
    ];
    for (name, run) in contestants {
        group.bench_function(name, |bencher| bencher.iter(|| run(STEPS)));
    }
    group.finish();
    criterion.final_summary();
}
