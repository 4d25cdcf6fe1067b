//! First figures of the engine: what a step costs when its worker does nothing.
//!
//! Two shapes, a chain and a fan-out with its join, each driven by a host of its own (the [`Run`] alone) and by the hub.
//! Building the workflow is left out of the measurement; and so is making a run where the host drives; running is in it.

use std::hint::black_box;
use std::num::NonZeroUsize;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use orchestrator_ai::core::{
    Command, Input, Orchestrator, Role, Run, RunOptions, Step, Timestamp, Workflow, worker_fn,
};

/// Long enough that starting and ending a run weigh little against its steps.
const STEPS: usize = 1_000;

/// Each step after the one before.
fn chain() -> Workflow {
    let step = |at: usize| {
        let step = Step::task(format!("s{at}"), Role::GENERIC);
        if at == 0 { step } else { step.after(format!("s{}", at - 1)) }
    };
    let steps = (0..STEPS).map(step);
    steps.fold(Workflow::builder("chain"), |builder, step| builder.step(step)).build().unwrap()
}

/// One step, then as many beside each other as make `STEPS` with the first and the last, then one that waits for all of them.
fn fan_out() -> Workflow {
    let names: Vec<String> = (0..STEPS - 2).map(|at| format!("s{at}")).collect();
    let mut builder = Workflow::builder("fan_out").step(Step::task("first", Role::GENERIC));
    for name in &names {
        builder = builder.step(Step::task(name.as_str(), Role::GENERIC).after("first"));
    }
    builder.step(Step::task("last", Role::GENERIC).after_all(names)).build().unwrap()
}

/// Drives the run as a host without a store does; every answer is the input.
fn drive(mut run: Run) -> Run {
    let now = Timestamp(0);
    run.handle(now, Input::Started).unwrap();
    while run.result().is_none() {
        while run.poll_event().is_some() {}
        run.commit_polled();
        while let Some(command) = run.poll_command() {
            if let Command::Execute { attempt, task, .. } = command {
                let result = Ok(task.input().clone().into());
                run.handle(now, Input::Answered { attempt, result }).unwrap();
            }
        }
    }
    run
}

fn engine(criterion: &mut Criterion) {
    let mut hub = Orchestrator::new().with_concurrency(NonZeroUsize::new(64).unwrap());
    let echo = worker_fn(async |task| Ok(task.input().clone().into()));
    hub.register_worker("echo", Role::GENERIC, echo).unwrap();

    let mut group = criterion.benchmark_group("engine");
    group.throughput(Throughput::Elements(STEPS as u64)).sample_size(20);
    for workflow in [chain(), fan_out()] {
        let name = workflow.name().to_string();
        hub.register_workflow(workflow.clone()).unwrap();
        // A figure of a run that failed would be a figure of nothing.
        assert_eq!(drive(new_run(&workflow)).outcome().unwrap().outputs.len(), STEPS);
        let report = futures::executor::block_on(hub.execute(&name, "measure")).unwrap();
        assert_eq!(report.outputs.len(), STEPS);

        group.bench_function(format!("{name}_{STEPS}/run"), |bencher| {
            bencher.iter_batched(|| new_run(&workflow), drive, BatchSize::SmallInput);
        });
        group.bench_function(format!("{name}_{STEPS}/hub"), |bencher| {
            bencher.iter(|| {
                black_box(futures::executor::block_on(hub.execute(&name, "measure")).unwrap())
            });
        });
    }
    group.finish();
}

fn new_run(workflow: &Workflow) -> Run {
    Run::new(workflow.clone(), RunOptions::new("measured", "measure").unwrap())
}

criterion_group!(benches, engine);
criterion_main!(benches);
