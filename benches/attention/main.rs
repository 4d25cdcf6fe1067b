//! What one answer of attention costs on one thread, in processor time, beside candle and what one would write with nalgebra. The same
//! figures, beside those that were measured elsewhere, and two threads, are printed by `attention_speed`.

#[path = "../engine/cpu_time.rs"]
mod cpu_time;

use std::process::{Command, ExitCode};
use std::time::Duration;

use benches::attention::{COLUMNS, ERROR_MAX, Inputs, contestants, error_of};
use criterion::{Criterion, SamplingMode, Throughput};

use cpu_time::CpuTime;

/// How many threads candle takes; read once in a process.
const THREADS: &str = "RAYON_NUM_THREADS";

fn main() -> ExitCode {
    // One thread for everybody: candle is told by the environment, which a program cannot change for itself.
    if std::env::var_os(THREADS).is_none() {
        let program = std::env::current_exe().expect("this program is somewhere");
        let status =
            Command::new(program).args(std::env::args_os().skip(1)).env(THREADS, "1").status();
        let status = status.expect("this program can be started");
        return if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let mut criterion = Criterion::default().with_measurement(CpuTime).configure_from_args();
    for column in COLUMNS.iter().filter(|column| column.threads == 1) {
        let inputs = Inputs::of(column);
        let mut group =
            criterion.benchmark_group(format!("attention/{}", column.name().replace('/', "x")));
        // An operation is an element, so that criterion's elements a second are FLOP/s.
        group
            .throughput(Throughput::Elements(column.operations() as u64))
            .sampling_mode(SamplingMode::Flat)
            .sample_size(10)
            .warm_up_time(Duration::from_millis(300))
            .measurement_time(Duration::from_secs(1));
        for mut one in contestants(&inputs, 1) {
            let mut checked = false;
            group.bench_function(one.name(), |bencher| {
                if !checked {
                    assert!(error_of(&inputs, &one.output()) <= ERROR_MAX, "a wrong answer");
                    checked = true;
                }
                bencher.iter(|| one.run());
            });
        }
        group.finish();
    }
    criterion.final_summary();
    ExitCode::SUCCESS
}
