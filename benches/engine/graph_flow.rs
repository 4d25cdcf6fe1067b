//! graph-flow 0.8 with its session store in memory: a walk from task to task, with a task that fans out. It knows no joins of its own, so
//! that the layers are beyond it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use graph_flow::{
    Context, ExecutionStatus, FanOutTask, FlowRunner, GraphBuilder, InMemorySessionStorage,
    NextAction, Session, SessionStorage, Task, TaskResult,
};
use tokio::runtime::Runtime;

const SESSION: &str = "measured";

struct Count {
    id: String,
    next: NextAction,
    done: Arc<AtomicUsize>,
}

#[async_trait]
impl Task for Count {
    fn id(&self) -> &str {
        &self.id
    }

    async fn run(&self, _: Context) -> graph_flow::Result<TaskResult> {
        self.done.fetch_add(1, Ordering::Relaxed);
        Ok(TaskResult::new(None, self.next.clone()))
    }
}

/// A session that has not begun.
pub(crate) struct Ready {
    runner: FlowRunner,
    done: Arc<AtomicUsize>,
}

/// Makes tasks that count themselves.
fn counting(done: &Arc<AtomicUsize>) -> impl Fn(usize, NextAction) -> Arc<dyn Task> + use<> {
    let done = done.clone();
    move |at, next| Arc::new(Count { id: format!("step-{at}"), next, done: done.clone() })
}

/// Each step after the one before; `next` is [`NextAction::ContinueAndExecute`] to go on at once, and [`NextAction::Continue`] to save the
/// session after every step.
pub(crate) fn chain(runtime: &Runtime, steps: usize, next: &NextAction) -> Ready {
    let done = Arc::default();
    let task = counting(&done);
    let mut builder = GraphBuilder::new("chain");
    for at in 0..steps {
        let last = at + 1 == steps;
        let next = if last { &NextAction::End } else { next };
        builder = builder.add_task(task(at, next.clone()));
    }
    for at in 1..steps {
        builder = builder.add_edge(format!("step-{}", at - 1), format!("step-{at}"));
    }
    ready(runtime, builder, done)
}

/// One step, `width` at once after it, one after all of them.
pub(crate) fn fan(runtime: &Runtime, width: usize) -> Ready {
    let done = Arc::default();
    let task = counting(&done);
    let children = (1..=width).map(|at| task(at, NextAction::End)).collect();
    let fan = FanOutTask::new("fan", children).with_next_action(NextAction::ContinueAndExecute);
    let builder = GraphBuilder::new("fan")
        .add_task(task(0, NextAction::ContinueAndExecute))
        .add_task(fan)
        .add_task(task(width + 1, NextAction::End))
        .add_edge("step-0", "fan")
        .add_edge("fan", format!("step-{}", width + 1));
    ready(runtime, builder, done)
}

fn ready(runtime: &Runtime, builder: GraphBuilder, done: Arc<AtomicUsize>) -> Ready {
    let graph = builder.set_start_task("step-0").build().expect("the shapes are sound");
    let sessions = Arc::new(InMemorySessionStorage::new());
    let session = Session::new_from_task(SESSION.to_owned(), "step-0");
    runtime.block_on(sessions.save(session)).expect("memory takes it");
    Ready { runner: FlowRunner::new(Arc::new(graph), sessions), done }
}

/// Gives the number of steps that were done, and the graph, for whoever measures to drop.
pub(crate) fn run(runtime: &Runtime, ready: Ready) -> (usize, Ready) {
    runtime.block_on(async {
        loop {
            let ran = ready.runner.run(SESSION).await.expect("nothing in it can fail");
            if matches!(ran.status, ExecutionStatus::Completed) {
                break;
            }
        }
    });
    (ready.done.load(Ordering::Relaxed), ready)
}
