//! What a step costs in processor time, driven by hand and by the hub, on three shapes; and what the file store makes of a hundred runs.
//!
//! `cargo run --release -p orchestrator-core --example hub_cost`; with `durable`, `chain` or `layered` only that, over and over: for a profiler.

use std::fs;
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use futures::executor::block_on;
use futures::future::join_all;
use orchestrator_core::{
    Command, FileStore, Input, Limits, MemoryStore, Orchestrator, Payload, Role, Run, RunOptions,
    RunResult, Seed, Start, Step, Timestamp, Workflow, worker_fn,
};

fn step(at: usize, before: impl IntoIterator<Item = usize>) -> Step {
    let before = before.into_iter().map(|at| format!("step-{at}"));
    Step::task(format!("step-{at}"), Role::GENERIC).after_all(before)
}

fn built(name: &str, steps: impl Iterator<Item = Step>) -> Workflow {
    steps.fold(Workflow::builder(name), |builder, step| builder.step(step)).build().unwrap()
}

fn chain(count: usize) -> Workflow {
    built("chain", (0..count).map(|at| step(at, at.checked_sub(1))))
}

fn fan(width: usize) -> Workflow {
    let middle = (1..=width).map(|at| step(at, [0]));
    let steps = [step(0, [])].into_iter().chain(middle).chain([step(width + 1, 1..=width)]);
    built("fan", steps)
}

fn layered(count: usize) -> Workflow {
    let mut stream = Seed(7).stream();
    let steps = (0..count).map(|at| {
        let mut before = Vec::new();
        while at >= 100 && before.len() < 3 {
            let chosen = (at / 100 - 1) * 100 + stream.below(100);
            if !before.contains(&chosen) {
                before.push(chosen);
            }
        }
        step(at, before)
    });
    built("layered", steps.collect::<Vec<_>>().into_iter())
}

/// Nanoseconds of processor time of this thread.
fn cpu() -> u64 {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("a Linux kernel");
    text.split_whitespace().next().unwrap().parse().unwrap()
}

/// The least processor time of many samples, a step. What is made ready and what is left behind is not measured; the kernel counts in
/// ticks, so that a sample is many executions.
fn least<T, R>(steps: usize, mut ready: impl FnMut() -> T, mut once: impl FnMut(&T) -> R) -> f64 {
    let many = 40_000usize.div_ceil(steps);
    let sample = |_| {
        let made: Vec<T> = (0..many).map(|_| ready()).collect();
        let begun = cpu();
        let left: Vec<R> = made.iter().map(&mut once).collect();
        let took = cpu() - begun;
        drop(left);
        took
    };
    (0..25).map(sample).min().unwrap() as f64 / (many * steps) as f64
}

fn by_hand(workflow: &Workflow) {
    let mut run = Run::new(workflow.clone(), RunOptions::new("measured", "measure").unwrap());
    let now = Timestamp(0);
    run.handle(now, Input::Started).unwrap();
    while run.result().is_none() {
        run.committed(u64::MAX);
        while let Some(command) = run.poll_command() {
            let Command::Execute { attempt, .. } = command else { continue };
            run.handle(now, Input::Answered { attempt, result: Ok(Payload::null().into()) })
                .unwrap();
        }
    }
    assert!(matches!(run.result(), Some(RunResult::Succeeded { .. })));
}

fn hub(workflow: &Workflow) -> Orchestrator {
    let mut hub = Orchestrator::new().with_concurrency(NonZeroUsize::new(64).unwrap());
    let worker = worker_fn(|_| std::future::ready(Ok(Payload::null().into())));
    hub.register_worker("worker", Role::GENERIC, worker).unwrap();
    hub.register_workflow(workflow.clone()).unwrap();
    hub
}

fn execute(hub: &Orchestrator, workflow: &Workflow) {
    let report = block_on(hub.execute(workflow.name().as_str(), "measure")).unwrap();
    assert!(report.output().is_ok());
}

fn durable() {
    const RUNS: usize = 100;
    const LENGTH: usize = 400;
    let folder = tempfile::tempdir_in(".").unwrap();
    let mut file = fs::File::create(folder.path().join("lines")).unwrap();
    let begun = Instant::now();
    for _ in 0..200 {
        file.write_all(&[b'x'; 200]).unwrap();
        file.sync_data().unwrap();
    }
    let fsyncs = 200.0 / begun.elapsed().as_secs_f64();
    let store = FileStore::open(folder.path().join("journal")).unwrap();
    let workflow = chain(LENGTH);
    let limits = Limits { attempts_max: NonZeroUsize::new(RUNS).unwrap(), ..Limits::default() };
    let hub = hub(&workflow).with_limits(limits).with_store(Arc::new(store));
    let begun = Instant::now();
    let runs = (0..RUNS).map(|_| hub.start("chain", Start::default()).unwrap());
    let runs: Vec<_> = runs.collect();
    let reports = block_on(join_all(runs.iter().map(|run| run.join())));
    assert!(reports.iter().all(|report| report.as_ref().unwrap().output().is_ok()));
    let steps = (RUNS * LENGTH) as f64 / begun.elapsed().as_secs_f64();
    println!(
        "file store, {RUNS} runs: {steps:.0} steps/s, {fsyncs:.0} fsyncs/s, ratio {:.1}",
        steps / fsyncs
    );
}

fn main() {
    if let Some(shape) = std::env::args().nth(1) {
        // For a profiler.
        let workflow = match shape.as_str() {
            "durable" => return (0..4).for_each(|_| durable()),
            "chain" => chain(1_000),
            _ => layered(10_000),
        };
        for _ in 0..2_000_000 / workflow.steps().count() {
            execute(&hub(&workflow).with_store(Arc::new(MemoryStore::default())), &workflow);
        }
        return;
    }
    println!(
        "{:<16} {:>8} {:>8} {:>8} {:>10} {:>8}",
        "ns a step", "run", "hub", "stored", "1.5run+300", "report"
    );
    for workflow in [chain(1_000), fan(1_000), layered(10_000)] {
        let steps = workflow.steps().count();
        let run = least(steps, || (), |()| by_hand(&workflow));
        let hubs = least(steps, || hub(&workflow), |hub| execute(hub, &workflow));
        let store = || Arc::new(MemoryStore::default());
        let stored = || hub(&workflow).with_store(store());
        let stored = least(steps, stored, |hub| execute(hub, &workflow));
        let report = least(
            steps,
            || hub(&workflow),
            |hub| {
                let report = block_on(hub.execute(workflow.name().as_str(), "measure")).unwrap();
                assert_eq!(report.outputs.len(), steps);
            },
        );
        let bound = 1.5 * run + 300.0;
        println!(
            "{:<16} {run:>8.0} {hubs:>8.0} {stored:>8.0} {bound:>10.0} {report:>8.0}",
            workflow.name()
        );
    }
    durable();
}
