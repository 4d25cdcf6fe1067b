//! Processor time of a step, beside a loop written by hand and beside rurel. The contestants take turns, so that a neighbour on the
//! machine disturbs all alike; a figure is the median over the turns.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::contestants::{by_hand, dense, hashed, rurel};
use benches::rows::{Goal, Row};

const STEPS: u64 = 2_000_000;
const TURNS: usize = 15;

pub(crate) fn rows() -> Vec<Row> {
    let contestants: [fn(u64); 4] = [by_hand, dense, hashed, rurel];
    let mut speeds = contestants.map(|_| Vec::with_capacity(TURNS));
    for _ in 0..TURNS {
        for (run, speeds) in contestants.iter().zip(&mut speeds) {
            let began = used();
            run(STEPS);
            speeds.push(STEPS as f64 / (used() - began).as_secs_f64() / 1e6);
        }
    }
    let [by_hand, dense, hashed, rurel] = speeds.map(median);
    let row = |what: &str, ours: f64, reference: f64, least: f64| Row {
        what: format!("{what}, million steps a second: {ours:.1} of {reference:.1}; as a share"),
        ours: ours / reference,
        reference: 1.0,
        goal: Goal::AtLeast(least),
    };
    vec![
        row("dense table, of a loop by hand", dense, by_hand, 0.9),
        row("hashed states, of a loop by hand", hashed, by_hand, 0.65),
        row("dense table, of rurel", dense, rurel, 4.0),
    ]
}

fn used() -> Duration {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(used).expect("no process has used less than nothing")
}

fn median(mut speeds: Vec<f64>) -> f64 {
    speeds.sort_by(f64::total_cmp);
    speeds[speeds.len() / 2]
}
