//! How many bytes a step costs while a run is under way, its definition excluded, and how often it asks for memory. A program of its own,
//! because counting every allocation would slow down what `engine` measures.

#[path = "engine/hub.rs"]
mod hub;
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
        // No fan: the join of a million is an input larger than any that may travel.
        for shape in [chain(steps), layered(steps)] {
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
    println!("\n| what | run | hub |");
    println!("|---|---:|---:|");
    for shape in [chain(1_000), fan(1_000), layered(10_000)] {
        let [run, hub] = allocations_a_step(&shape);
        println!("| {}: allocations a step | {run:.1} | {hub:.1} |", shape.name);
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

/// Allocations and reallocations, by the run alone and by the hub. The answer is made once, so that all of them are the engine's.
fn allocations_a_step(shape: &Shape) -> [f64; 2] {
    let (workflow, answer) = (ours::workflow(shape), Payload::text("fourteen bytes"));
    // What the first run of a workflow prepares for all of them is not a step's.
    ours::drive(ours::ready(&workflow), || answer.clone());
    let count = |run: &mut dyn FnMut() -> usize| {
        let before = COUNTING.stats();
        let done = run();
        let counted = COUNTING.stats() - before;
        (counted.allocations + counted.reallocations) as f64 / done as f64
    };
    let mut ready = Some(hub::ready(&workflow, &answer, None));
    let mut kept = None;
    let mut through_hub = || {
        let ready = ready.take().expect("run once");
        let (done, hub) = hub::execute(ready, workflow.name().as_str());
        kept = Some(hub);
        done
    };
    [count(&mut || ours::drive(ours::ready(&workflow), || answer.clone())), count(&mut through_hub)]
}
