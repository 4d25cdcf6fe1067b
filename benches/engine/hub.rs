//! Our hub, with workers that answer at once.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use orchestrator_ai::core::{MemoryStore, Orchestrator, Payload, Role, Workflow, worker_fn};

/// How many attempts are in flight at most.
const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(64).expect("sixty-four is not zero");

/// A hub that knows one workflow, and how many steps its worker has done.
pub(crate) struct Ready {
    hub: Orchestrator,
    done: Arc<AtomicUsize>,
}

pub(crate) fn ready(
    workflow: &Workflow,
    answer: &Payload,
    store: Option<Arc<MemoryStore>>,
) -> Ready {
    let mut hub = Orchestrator::new().with_concurrency(CONCURRENCY);
    if let Some(store) = store {
        hub = hub.with_store(store);
    }
    let done = Arc::new(AtomicUsize::new(0));
    let (answer, counted) = (answer.clone(), done.clone());
    let worker = worker_fn(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        std::future::ready(Ok(answer.clone().into()))
    });
    hub.register_worker("worker", Role::GENERIC, worker).expect("the only worker");
    hub.register_workflow(workflow.clone()).expect("the only workflow");
    Ready { hub, done }
}

/// Runs the workflow through the hub and gives the number of steps that were done. The report is dropped in here, the hub with what its
/// store keeps is not.
pub(crate) fn execute(ready: Ready, workflow: &str) -> (usize, Ready) {
    let report = futures::executor::block_on(ready.hub.execute(workflow, "measure"));
    assert!(report.expect("it is registered").output().is_ok());
    (ready.done.load(Ordering::Relaxed), ready)
}
