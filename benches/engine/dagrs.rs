//! dagrs 0.9: a graph of nodes that talk over channels, on tokio.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use dagrs::{
    Action, Content, DefaultNode, EnvVar, Graph, InChannels, Node, NodeTable, OutChannels, Output,
};
use tokio::runtime::Runtime;

use crate::shapes::Shape;

/// Waits for its inputs, tells its outputs, and counts itself.
struct Count(Arc<AtomicUsize>);

#[async_trait]
impl Action for Count {
    async fn run(
        &self,
        inputs: &mut InChannels,
        outputs: &mut OutChannels,
        _: Arc<EnvVar>,
    ) -> Output {
        inputs.map(|content| assert!(content.is_ok())).await;
        outputs.broadcast(Content::new(())).await;
        self.0.fetch_add(1, Ordering::Relaxed);
        Output::empty()
    }
}

/// A graph that has not run.
pub(crate) struct Ready {
    graph: Graph,
    done: Arc<AtomicUsize>,
}

pub(crate) fn ready(shape: &Shape) -> Ready {
    let (mut table, mut graph) = (NodeTable::new(), Graph::new());
    let done = Arc::new(AtomicUsize::new(0));
    let mut ids = Vec::with_capacity(shape.steps());
    for at in 0..shape.steps() {
        let node = DefaultNode::with_action(format!("step-{at}"), Count(done.clone()), &mut table);
        ids.push(node.id());
        graph.add_node(node).expect("a new node");
    }
    let mut after = vec![Vec::new(); shape.steps()];
    for (to, before) in shape.before.iter().enumerate() {
        before.iter().for_each(|&from| after[from].push(ids[to]));
    }
    for (from, after) in ids.into_iter().zip(after).filter(|(_, after)| !after.is_empty()) {
        graph.add_edge(from, after).expect("both ends are there");
    }
    Ready { graph, done }
}

/// Gives the number of steps that were done, and the graph, for whoever measures to drop.
pub(crate) fn run(runtime: &Runtime, mut ready: Ready) -> (usize, Ready) {
    runtime.block_on(ready.graph.async_start()).expect("nothing in it can fail");
    (ready.done.load(Ordering::Relaxed), ready)
}
