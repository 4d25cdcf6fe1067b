//! How many bytes a step costs while a run is under way, its definition excluded. A program of its own, because counting every allocation
//! would slow down what `engine` measures.

#[path = "engine/ours.rs"]
mod ours;
#[path = "engine/shapes.rs"]
mod shapes;

use std::alloc::System;

use orchestrator_ai::core::Payload;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use shapes::{Shape, chain, fan, layered};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A step may cost so much, with a payload of 16 bytes, when there are as many as this.
const BYTES_A_STEP_MAX: usize = 600;
const STEPS_OF_GOAL: usize = 1_000_000;
/// Growing vectors hold up to twice what is in them: how much depends on the number of steps, so that one number would be luck.
const STEPS: [usize; 4] = [10_000, 100_000, 600_000, STEPS_OF_GOAL];

fn main() {
    println!("| what | ours | goal | ratio | met |");
    println!("|---|---:|---:|---:|---|");
    for steps in STEPS {
        for shape in [chain(steps), fan(steps), layered(steps)] {
            let (name, bytes) = (&shape.name, bytes_a_step(&shape));
            let rest = if steps == STEPS_OF_GOAL {
                let ratio = bytes as f64 / BYTES_A_STEP_MAX as f64;
                let met = if bytes <= BYTES_A_STEP_MAX { "yes" } else { "NO" };
                format!("{BYTES_A_STEP_MAX} B | {ratio:.3} | {met}")
            } else {
                "| |".to_owned()
            };
            println!("| {name}: bytes a step | {bytes} B | {rest} |");
        }
    }
}

/// The most that was alive at once, less what was alive before the run was made. Looked at whenever the run asks for something.
fn bytes_a_step(shape: &Shape) -> usize {
    let workflow = ours::workflow(shape);
    let before = alive();
    let (mut peak, mut answered) = (before, 0_u64);
    let done = ours::drive(ours::ready(&workflow), || {
        peak = peak.max(alive());
        answered += 1;
        // Every answer is another one, or all steps would share one.
        Payload::text(&format!("{answered:014}"))
    });
    assert_eq!(done, shape.steps());
    (peak - before) / shape.steps()
}

fn alive() -> usize {
    let stats = COUNTING.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}
