//! Two loops as one would write them by hand for one program: the yardsticks.
//!
//! `baseline` is the loop that decides what is ready, keeps a history of two records a step and a context of JSON values, and does no more:
//! no failures, no retries, no validation, no limits, no resuming. `petgraph` is the usual way to run a graph of futures: it remembers
//! nothing.

use std::collections::{HashMap, VecDeque};
use std::hint::black_box;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use petgraph::graph::{DiGraph, NodeIndex};
use serde_json::{Value, json};

use crate::shapes::Shape;

/// What the loop reads and never changes.
pub(crate) struct Plan {
    names: Vec<Arc<str>>,
    after: Vec<Vec<usize>>,
    waiting: Vec<usize>,
}

/// A run that has not begun.
pub(crate) struct Ready {
    waiting: Vec<usize>,
    queue: VecDeque<usize>,
}

enum What {
    Started,
    Succeeded,
}

#[expect(dead_code, reason = "a history is kept to be read later")]
struct Record {
    seq: u64,
    step: Arc<str>,
    what: What,
    value: Value,
}

impl Plan {
    pub(crate) fn new(shape: &Shape) -> Plan {
        Plan {
            names: (0..shape.steps()).map(|at| format!("step-{at}").into()).collect(),
            after: after(shape),
            waiting: waiting(shape),
        }
    }

    pub(crate) fn ready(&self) -> Ready {
        let waiting = self.waiting.clone();
        let queue = (0..waiting.len()).filter(|&at| waiting[at] == 0).collect();
        Ready { waiting, queue }
    }

    /// Runs to the end and gives the number of steps that were done. History and context are dropped in here, as ours are.
    pub(crate) fn run(&self, Ready { mut waiting, mut queue }: Ready) -> usize {
        let mut context: HashMap<Arc<str>, Value> = HashMap::new();
        let mut history: Vec<Record> = Vec::new();
        let mut done = 0;
        while let Some(at) = queue.pop_front() {
            let step = &self.names[at];
            let mut record = |what, value| {
                let seq = history.len() as u64;
                history.push(Record { seq, step: step.clone(), what, value });
            };
            record(What::Started, Value::Null);
            let output = json!({"ok": true, "n": at});
            record(What::Succeeded, output.clone());
            context.insert(step.clone(), output);
            done += 1;
            for &next in &self.after[at] {
                waiting[next] -= 1;
                if waiting[next] == 0 {
                    queue.push_back(next);
                }
            }
        }
        black_box((&context, &history));
        done
    }
}

type Job = Box<dyn Fn(usize) -> BoxFuture<'static, usize>>;

/// A graph of boxed futures, and how many steps each waits for.
pub(crate) struct Jobs {
    graph: DiGraph<Job, ()>,
    waiting: Vec<usize>,
}

impl Jobs {
    pub(crate) fn new(shape: &Shape) -> Jobs {
        let mut graph: DiGraph<Job, ()> = DiGraph::new();
        for _ in 0..shape.steps() {
            graph.add_node(Box::new(|at| Box::pin(async move { at })));
        }
        for (to, before) in shape.before.iter().enumerate() {
            for &from in before {
                graph.add_edge(NodeIndex::new(from), NodeIndex::new(to), ());
            }
        }
        Jobs { graph, waiting: waiting(shape) }
    }

    pub(crate) fn waiting(&self) -> Vec<usize> {
        self.waiting.clone()
    }

    /// Runs to the end and gives the number of steps that were done.
    pub(crate) fn run(&self, mut waiting: Vec<usize>) -> usize {
        futures::executor::block_on(async {
            let start = |at: usize| self.graph[NodeIndex::new(at)](at);
            let mut working = FuturesUnordered::new();
            working.extend((0..waiting.len()).filter(|&at| waiting[at] == 0).map(start));
            let mut done = 0;
            while let Some(at) = working.next().await {
                done += 1;
                for next in self.graph.neighbors(NodeIndex::new(at)).map(NodeIndex::index) {
                    waiting[next] -= 1;
                    if waiting[next] == 0 {
                        working.push(start(next));
                    }
                }
            }
            done
        })
    }
}

/// What follows each step.
fn after(shape: &Shape) -> Vec<Vec<usize>> {
    let mut after = vec![Vec::new(); shape.steps()];
    for (to, before) in shape.before.iter().enumerate() {
        before.iter().for_each(|&from| after[from].push(to));
    }
    after
}

/// How many steps each step waits for.
fn waiting(shape: &Shape) -> Vec<usize> {
    shape.before.iter().map(Vec::len).collect()
}
