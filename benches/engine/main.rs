//! What a step costs in the engine when its worker does nothing, beside a loop written by hand and beside other libraries. `README.md` says
//! what each column is; the table at the end is made of the medians of this run and of nothing else.

mod baseline;
mod cpu_time;
mod dagrs;
mod dagx;
mod durable;
mod figures;
mod graph_flow;
mod hub;
mod ours;
mod shapes;
mod table;

use std::cell::LazyCell;

use ::graph_flow::NextAction::{self, ContinueAndExecute};
use criterion::measurement::WallTime;
use std::sync::Arc;

use orchestrator_ai::core::{Payload, Workflow};

use cpu_time::CpuTime;
use figures::{Figures, Meter};
use shapes::{Shape, chain, fan, layered};

/// How many steps stand beside each other in the fan.
const WIDTH: usize = 1_000;
/// How many threads the peers' runtime has.
const THREADS: usize = 2;

fn main() {
    let answer = Payload::parse(r#"{"n":1,"ok":true}"#).expect("this is JSON");
    let shapes = [chain(1_000), fan(WIDTH), layered(10_000)];

    let mut meter = Meter::new(|| CpuTime, Figures::default());
    columns(&mut meter, &shapes, &answer);
    validation(&mut meter, &[chain(10_000), layered(10_000)]);
    for steps in [10_000, 100_000, 1_000_000] {
        scaling(&mut meter, &[chain(steps), layered(steps)], &answer);
    }

    let mut meter = Meter::new(|| WallTime, meter.into_figures());
    durable::measure(&mut meter, &answer);

    let names = shapes.each_ref().map(|shape| shape.name.as_str());
    table::print(&meter.into_figures(), &names);
}

/// Ours, the hand-written ones and the peers on every shape; columns that are compared stand beside each other in time.
fn columns(meter: &mut Meter<CpuTime>, shapes: &[Shape], answer: &Payload) {
    let workflows: Vec<Workflow> = shapes.iter().map(ours::workflow).collect();
    // Only graph-flow asks for the timers, for the time-out that it puts around every task.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(THREADS).enable_time().build().expect("two threads");

    for (shape, workflow) in shapes.iter().zip(&workflows) {
        let subject = (shape.name.as_str(), shape.steps());

        let run = |ready| hub::execute(ready, workflow.name().as_str());
        let ready = |store| hub::ready(workflow, answer, store);
        meter.measure(subject, "hub_stored", || ready(Some(Arc::default())), run);
        meter.measure(subject, "hub", || ready(None), run);

        let run = |run| (ours::drive(run, || answer.clone()), ());
        meter.measure(subject, "run", || ours::ready(workflow), run);

        let plan = baseline::Plan::new(shape);
        meter.measure(subject, "baseline", || plan.ready(), |ready| (plan.run(ready), ()));

        let jobs = baseline::Jobs::new(shape);
        meter.measure(subject, "petgraph", || jobs.waiting(), |waiting| (jobs.run(waiting), ()));

        let run = |ready| dagrs::run(&runtime, ready);
        meter.measure(subject, "dagrs", || dagrs::ready(shape), run);

        let run = |ready| graph_flow::run(&runtime, ready);
        if shape.name.starts_with("chain") {
            let ready = |next| graph_flow::chain(&runtime, shape.steps(), next);
            meter.measure(subject, "graph_flow", || ready(&ContinueAndExecute), run);
            meter.measure(subject, "graph_flow_saved", || ready(&NextAction::Continue), run);
        }
        if shape.name.starts_with("fan") {
            meter.measure(subject, "graph_flow", || graph_flow::fan(&runtime, WIDTH), run);
        } else {
            let run = |ready| dagx::run(&runtime, ready);
            meter.measure(subject, "dagx", || dagx::ready(shape), run);
        }
    }
}

/// Checking a definition, and compiling it.
fn validation(meter: &mut Meter<CpuTime>, shapes: &[Shape]) {
    for shape in shapes {
        let subject = (shape.name.as_str(), shape.steps());
        meter.measure(
            subject,
            "build",
            || ours::builder(shape),
            |builder| {
                let workflow = builder.build().expect("the shapes are sound");
                (workflow.steps().count(), workflow)
            },
        );
    }
}

/// The run alone, with many steps.
fn scaling(meter: &mut Meter<CpuTime>, shapes: &[Shape], answer: &Payload) {
    for shape in shapes {
        // Made only if the command line does not leave it out: a million steps take seconds.
        let workflow = LazyCell::new(|| ours::workflow(shape));
        let subject = (shape.name.as_str(), shape.steps());
        let run = |run| (ours::drive(run, || answer.clone()), ());
        meter.measure(subject, "many", || ours::ready(&workflow), run);
    }
}
