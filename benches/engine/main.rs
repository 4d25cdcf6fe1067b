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

use ::graph_flow::NextAction::{self, ContinueAndExecute};
use criterion::Criterion;
use orchestrator_ai::core::{Payload, Workflow};

use cpu_time::CpuTime;
use figures::Figures;
use shapes::{Shape, chain, fan, layered};

/// How many steps stand beside each other in the fan.
const WIDTH: usize = 1_000;
/// How many threads the peers' runtime has.
const THREADS: usize = 2;

fn main() {
    let mut criterion = Criterion::default().with_measurement(CpuTime).configure_from_args();
    let mut figures = Figures::default();
    let answer = Payload::parse(r#"{"n":1,"ok":true}"#).expect("this is JSON");
    let shapes = [chain(1_000), fan(WIDTH), layered(10_000)];

    columns(&mut criterion, &mut figures, &shapes, &answer);
    validation(&mut criterion, &mut figures, &[chain(10_000), layered(10_000)]);
    for steps in [10_000, 100_000, 1_000_000] {
        scaling(&mut criterion, &mut figures, &[chain(steps), layered(steps)], &answer);
    }
    criterion.final_summary();
    let mut wall = Criterion::default().configure_from_args();
    durable::measure(&mut wall, &mut figures);

    table::print(&figures, &shapes.each_ref().map(|shape| shape.name.as_str()));
}

/// Ours, the hand-written ones and the peers on every shape; columns that are compared stand beside each other in time.
fn columns(
    criterion: &mut Criterion<CpuTime>,
    figures: &mut Figures,
    shapes: &[Shape],
    answer: &Payload,
) {
    let workflows: Vec<Workflow> = shapes.iter().map(ours::workflow).collect();
    let hub = hub::hub(&workflows, answer);
    // Only graph-flow asks for the timers, for the time-out that it puts around every task.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(THREADS).enable_time().build().expect("two threads");

    for (shape, workflow) in shapes.iter().zip(&workflows) {
        let subject = (shape.name.as_str(), shape.steps());
        let mut whole = |column, run: &mut dyn FnMut() -> usize| {
            figures.measure(criterion, &CpuTime, subject, column, || (), |()| (run(), ()));
        };
        whole("hub", &mut || hub::execute(&hub, workflow.name().as_str()));
        figures.measure(
            criterion,
            &CpuTime,
            subject,
            "run",
            || ours::ready(workflow),
            |run| (ours::drive(run, || answer.clone()), ()),
        );
        let plan = baseline::Plan::new(shape);
        figures.measure(
            criterion,
            &CpuTime,
            subject,
            "baseline",
            || plan.ready(),
            |ready| (plan.run(ready), ()),
        );
        let jobs = baseline::Jobs::new(shape);
        figures.measure(
            criterion,
            &CpuTime,
            subject,
            "petgraph",
            || jobs.waiting(),
            |waiting| (jobs.run(waiting), ()),
        );
        figures.measure(
            criterion,
            &CpuTime,
            subject,
            "dagrs",
            || dagrs::ready(shape),
            |ready| dagrs::run(&runtime, ready),
        );
        if shape.name.starts_with("chain") {
            let ways =
                [("graph_flow", ContinueAndExecute), ("graph_flow_saved", NextAction::Continue)];
            for (column, next) in ways {
                let ready = || graph_flow::chain(&runtime, shape.steps(), &next);
                let run = |ready| graph_flow::run(&runtime, ready);
                figures.measure(criterion, &CpuTime, subject, column, ready, run);
            }
        }
        if shape.name.starts_with("fan") {
            let ready = || graph_flow::fan(&runtime, WIDTH);
            let run = |ready| graph_flow::run(&runtime, ready);
            figures.measure(criterion, &CpuTime, subject, "graph_flow", ready, run);
        } else {
            let run = |ready| dagx::run(&runtime, ready);
            figures.measure(criterion, &CpuTime, subject, "dagx", || dagx::ready(shape), run);
        }
    }
}

/// Checking a definition, and compiling it.
fn validation(criterion: &mut Criterion<CpuTime>, figures: &mut Figures, shapes: &[Shape]) {
    for shape in shapes {
        let subject = (shape.name.as_str(), shape.steps());
        figures.measure(
            criterion,
            &CpuTime,
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
fn scaling(
    criterion: &mut Criterion<CpuTime>,
    figures: &mut Figures,
    shapes: &[Shape],
    answer: &Payload,
) {
    for shape in shapes {
        let workflow = ours::workflow(shape);
        let subject = (shape.name.as_str(), shape.steps());
        figures.measure(
            criterion,
            &CpuTime,
            subject,
            "many",
            || ours::ready(&workflow),
            |run| (ours::drive(run, || answer.clone()), ()),
        );
    }
}
