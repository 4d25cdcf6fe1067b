//! dagx 0.3: a typed graph of tasks, on any runtime, here tokio. Its tasks take tuples of a fixed size, so that it can do the chain and the
//! layers, and not a join of a thousand.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dagx::{DagRunner, TaskHandle, task_fn};
use tokio::runtime::Runtime;

use crate::shapes::Shape;

/// A graph that has not run.
pub(crate) struct Ready {
    graph: DagRunner,
    done: Arc<AtomicUsize>,
}

pub(crate) fn ready(shape: &Shape) -> Ready {
    let graph = DagRunner::new();
    let done = Arc::new(AtomicUsize::new(0));
    let mut handles: Vec<TaskHandle<u32>> = Vec::with_capacity(shape.steps());
    for before in &shape.before {
        let done = done.clone();
        let count = move || done.fetch_add(1, Ordering::Relaxed);
        let handle = match before.as_slice() {
            [] => graph
                .add_task(task_fn(move |(): ()| {
                    count();
                    async { 0_u32 }
                }))
                .into(),
            [a] => graph
                .add_task(task_fn(move |a: u32| {
                    count();
                    async move { a }
                }))
                .depends_on(handles[*a]),
            [a, b, c] => graph
                .add_task(task_fn(move |(a, b, c): (u32, u32, u32)| {
                    count();
                    async move { a | b | c }
                }))
                .depends_on((&handles[*a], &handles[*b], &handles[*c])),
            more => unreachable!("no task here takes {} inputs", more.len()),
        };
        handles.push(handle);
    }
    Ready { graph, done }
}

/// Gives the number of steps that were done, and the graph, for whoever measures to drop.
pub(crate) fn run(runtime: &Runtime, ready: Ready) -> (usize, Ready) {
    let spawn = |task| {
        tokio::spawn(task);
    };
    runtime.block_on(ready.graph.run(spawn)).expect("nothing in it can fail");
    (ready.done.load(Ordering::Relaxed), ready)
}
