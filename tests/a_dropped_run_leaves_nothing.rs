//! A host that no longer waits for the pipeline drops its future: whatever was at work ends, and no file is left.
#![allow(missing_docs)]

mod support;

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures::channel::oneshot;
use futures::executor::block_on;
use futures::future::{Either, select};
use orchestrator_ai::core::{Note, Observer, Path as StepPath, RunId};
use orchestrator_ai::{OrchestrationContext, OrchestratorAi, step};
use support::{penguins, quick};

/// Says once that a step reports progress.
struct Watch {
    step: &'static str,
    seen: Mutex<Option<oneshot::Sender<()>>>,
}

impl Observer for Watch {
    fn noted(&self, _: &RunId, path: &StepPath, _: &Note) {
        if path.to_string() == self.step
            && let Some(seen) = self.seen.lock().unwrap().take()
        {
            let _nobody_waits = seen.send(());
        }
    }
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[track_caller]
fn dropped_at(step: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let (sender, seen) = oneshot::channel();
    let watch = Arc::new(Watch { step, seen: Mutex::new(Some(sender)) });
    let context = OrchestrationContext {
        out: Some(folder.path().join("out")),
        state: Some(folder.path().join("state")),
        observer: watch.clone(),
        ..quick(&penguins())
    };
    let pipeline = OrchestratorAi::new(context);
    let run = Box::pin(pipeline.orchestrate());
    match block_on(select(run, seen)) {
        Either::Left((ended, _)) => panic!("it ended before {step}: {ended:?}"),
        Either::Right((seen, run)) => {
            seen.unwrap();
            drop(run);
        }
    }
    drop(pipeline);
    // A unit on a thread of its own ends what it is doing; with the last of them goes the last hold on the observer.
    while Arc::strong_count(&watch) > 1 {
        std::thread::yield_now();
    }
    assert_eq!(entries(folder.path()), Vec::<String>::new(), "dropped at {step}");
}

#[test]
fn wherever_it_is_dropped() {
    dropped_at(step::GENETIC_SEARCH);
    dropped_at(step::VERIFICATION);
}
