//! What embedding code relies on without saying so: object safety, and what may travel between threads.

use std::sync::Arc;

use orchestrator_core::*;

fn send<T: Send>() {}
fn shared<T: Send + Sync + 'static>() {}
fn error<T: std::error::Error + Send + Sync + 'static>() {}
fn sent<T: Send>(value: T) -> T {
    value
}

#[test]
fn every_public_trait_is_object_safe_and_may_be_shared() {
    shared::<Arc<dyn Worker>>();
    shared::<Arc<dyn Router>>();
    shared::<Arc<dyn Transformer>>();
    shared::<Arc<dyn Condition>>();
    shared::<Arc<dyn Clock>>();
    shared::<Arc<dyn Observer>>();
    shared::<Arc<dyn Spawner>>();
    shared::<Arc<dyn RunStore>>();
}

#[test]
fn what_the_library_hands_out_travels_between_threads() {
    send::<Run>();
    shared::<Run>();
    shared::<Orchestrator>();
    shared::<Workflow>();
    shared::<Task>();
    shared::<Context>();
    shared::<Command>();
    shared::<Input>();
    shared::<Event>();
    shared::<Recorded>();
    shared::<RunReport>();
    shared::<RunOutcome>();
    shared::<Payload>();
    shared::<Cancellation>();
    shared::<Canceller>();
    shared::<Notes>();
    shared::<Path>();
    shared::<Stream>();
    shared::<Parameters>();
    shared::<ManualClock>();
    shared::<Threads>();
    shared::<RunHandle>();
    shared::<RunView>();
    shared::<Snapshot>();
    shared::<Past>();
    shared::<Batch>();
    shared::<MemoryStore>();
    shared::<FileStore>();
    shared::<Closures>();
    let hub = Orchestrator::new();
    // A host with a runtime of many threads spawns this.
    let refused = futures::executor::block_on(sent(hub.execute("nothing", "")));
    assert!(refused.is_err());
}

#[test]
fn every_error_is_an_error() {
    error::<Faults>();
    error::<Fault>();
    error::<RegisterError>();
    error::<ExecuteError>();
    error::<RunFailure>();
    error::<InputError>();
    error::<RestoreError>();
    error::<TaskError>();
    error::<ContextError>();
    error::<ClosureError>();
    error::<PayloadError>();
    error::<PathError>();
    error::<NameError>();
    error::<RetryError>();
    error::<RouteError>();
    error::<ParameterError>();
    error::<DefinitionError>();
    error::<ForkError>();
    error::<Misfit>();
    error::<StoreError>();
    error::<BatchError>();
    error::<StartError>();
    error::<JoinError>();
    error::<ResumeError>();
    error::<DryRunError>();
}
