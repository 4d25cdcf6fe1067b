//! Our hub, with workers that answer at once.

use std::num::NonZeroUsize;

use orchestrator_ai::core::{Orchestrator, Payload, Role, Workflow, worker_fn};

/// How many attempts are in flight at most.
const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(64).expect("sixty-four is not zero");

/// A hub that knows the workflows.
pub(crate) fn hub(workflows: &[Workflow], answer: &Payload) -> Orchestrator {
    // A memory store goes in here, with one line, as soon as there is one.
    let mut hub = Orchestrator::new().with_concurrency(CONCURRENCY);
    let answer = answer.clone();
    let worker = worker_fn(move |_| std::future::ready(Ok(answer.clone().into())));
    hub.register_worker("worker", Role::GENERIC, worker).expect("the only worker");
    for workflow in workflows {
        hub.register_workflow(workflow.clone()).expect("the only one of that name");
    }
    hub
}

/// Runs the workflow through the hub and gives the number of steps that were done. The report is dropped in here.
pub(crate) fn execute(hub: &Orchestrator, workflow: &str) -> usize {
    let report = futures::executor::block_on(hub.execute(workflow, "measure"));
    let report = report.expect("it is registered");
    assert!(report.output().is_ok());
    report.outputs.len()
}
