//! With a store: nothing goes out that is not durable, and whatever the store does, every run can go on.

use std::collections::BTreeMap;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use futures::FutureExt;
use futures::executor::block_on;
use futures::future::join_all;
use orchestrator_core::journal::{FaultyStore, Loss};
use orchestrator_core::{
    Batch, Decided, Event, JoinError, MemoryStore, Orchestrator, Past, Path, Recovered,
    RestoreError, ResumeError, Role, RunEntry, RunId, RunStore, Snapshot, SnapshotPolicy, Start,
    Step, StepStatus, StoreError, Task, TaskOutput, Workflow, async_trait, condition_fn, worker_fn,
};

fn id(text: &str) -> RunId {
    RunId::parse(text).unwrap()
}

fn task(name: &str) -> Step {
    Step::task(name, Role::GENERIC)
}

fn built(name: &str, steps: impl IntoIterator<Item = Step>) -> Workflow {
    let builder = Workflow::builder(name);
    steps.into_iter().fold(builder, |builder, step| builder.step(step)).build().unwrap()
}

/// How often each attempt was begun, by its idempotency key.
type Ledger = Arc<Mutex<BTreeMap<String, usize>>>;

fn hub(store: Arc<dyn RunStore>, ledger: &Ledger, workflow: Workflow) -> Orchestrator {
    let mut hub = Orchestrator::new().with_store(store);
    let ledger = ledger.clone();
    let worker = worker_fn(move |task: Task| {
        *ledger.lock().unwrap().entry(task.idempotency_key()).or_default() += 1;
        let output = TaskOutput::from(task.input().clone());
        std::future::ready(Ok(output))
    });
    hub.register_worker("worker", Role::GENERIC, worker).unwrap();
    hub.register_workflow(workflow).unwrap();
    hub
}

/// A chain beside two branches that meet, and a loop of two rounds.
fn shape() -> Workflow {
    let body = built("body", [task("work")]);
    let second = condition_fn("second round", 1, |context: &orchestrator_core::Context| {
        Ok(context.round()?.index == 1)
    });
    built(
        "w",
        [
            task("a"),
            task("b").after("a"),
            task("c").after("a"),
            task("d").after_all(["b", "c"]),
            Step::repeat_until("loop", body, 3, second).after("a"),
        ],
    )
}

fn named(name: &str) -> Start {
    Start { id: Some(id(name)), ..Start::goal(name) }
}

/// Starts three runs, and awaits them all.
fn three(hub: &Orchestrator) -> Vec<Result<orchestrator_core::RunReport, JoinError>> {
    let runs = ["one", "two", "three"].map(|name| hub.start("w", named(name)).unwrap());
    block_on(join_all(runs.iter().map(|run| run.join())))
}

#[test]
fn runs_at_the_same_time_share_an_append() {
    let store = Arc::new(FaultyStore::counting(MemoryStore::default()));
    let ledger = Ledger::default();
    let hub = hub(store.clone(), &ledger, shape());
    assert!(three(&hub).iter().all(Result::is_ok));
    let together = store.appends();
    let alone = Arc::new(FaultyStore::counting(MemoryStore::default()));
    let hub = self::hub(alone.clone(), &Ledger::default(), shape());
    block_on(hub.start("w", named("one")).unwrap().join()).unwrap();
    // Four attempts at a time: what one run does in a turn, three do in a few more.
    assert!(together < 3 * alone.appends(), "{together} and {}", alone.appends());
}

#[test]
fn whenever_the_store_fails_every_run_goes_on_and_does_nothing_twice() {
    let counting = Arc::new(FaultyStore::counting(MemoryStore::default()));
    let reports = three(&hub(counting.clone(), &Ledger::default(), shape()));
    let wanted: Vec<_> = reports.into_iter().map(|report| report.unwrap().result).collect();
    for at in 1..=counting.appends() {
        for loss in [Loss::Everything, Loss::FirstOnly(1), Loss::Answer] {
            let case = format!("append {at}, {loss:?}");
            let faulty = Arc::new(FaultyStore::new(MemoryStore::default(), at, loss));
            let ledger = Ledger::default();
            let first = hub(faulty.clone(), &ledger, shape());
            let lost = three(&first);
            assert!(lost.iter().any(Result::is_err), "{case}");
            for error in lost.iter().filter_map(|lost| lost.as_ref().err()) {
                assert!(matches!(error, JoinError::Store { .. }), "{case}: {error}");
                assert!(error.to_string().contains("the test took the store away"), "{error}");
            }
            drop(first);
            let kept = Arc::new(Arc::into_inner(faulty).unwrap().into_inner());
            // What is durable is done: it must not be done again.
            let mut done = Vec::new();
            for entry in block_on(kept.runs()).unwrap() {
                let past = block_on(kept.load(&entry.run)).unwrap().unwrap();
                done.extend(past.events.into_iter().filter_map(|recorded| match recorded.event {
                    Event::StepSucceeded { path, attempt, .. } if attempt > 0 => {
                        Some(format!("{}:{path}:{attempt}", entry.run))
                    }
                    _ => None,
                }));
            }
            let before = ledger.lock().unwrap().clone();
            let second = hub(kept, &ledger, shape());
            let Recovered { runs, refused } = block_on(second.recover()).unwrap();
            assert!(refused.is_empty(), "{case}");
            block_on(second.drive());
            for run in &runs {
                let report = block_on(run.join()).unwrap();
                assert_eq!(
                    report.result.clone(),
                    wanted[["one", "two", "three"]
                        .iter()
                        .position(|n| *n == run.id().as_str())
                        .unwrap()],
                    "{case}"
                );
            }
            let after = ledger.lock().unwrap();
            for key in &done {
                assert_eq!(before.get(key), after.get(key), "{case}: {key} was done again");
                assert_eq!(after[key], 1, "{case}: {key}");
            }
            assert!(after.values().all(|begun| *begun <= 2), "{case}: {after:?}");
        }
    }
}

#[test]
fn nothing_goes_out_before_it_is_durable() {
    /// Looks at each start of an attempt when it is appended, before it is.
    struct Watch(MemoryStore, Ledger);
    #[async_trait]
    impl RunStore for Watch {
        async fn append(&self, batches: &[(RunId, Batch)]) -> Result<(), StoreError> {
            for (run, batch) in batches {
                for recorded in batch.events() {
                    if let Event::AttemptStarted { path, attempt, .. } = &recorded.event {
                        let key = format!("{run}:{path}:{attempt}");
                        assert!(
                            !self.1.lock().unwrap().contains_key(&key),
                            "{key} began too early"
                        );
                    }
                }
            }
            // A store that takes its time: it answers when it is polled again.
            orchestrator_core::yield_now().await;
            self.0.append(batches).await
        }
        async fn load(&self, run: &RunId) -> Result<Option<Past>, StoreError> {
            self.0.load(run).await
        }
        async fn runs(&self) -> Result<Vec<RunEntry>, StoreError> {
            self.0.runs().await
        }
        async fn compact(&self, run: &RunId, snapshot: Snapshot) -> Result<(), StoreError> {
            self.0.compact(run, snapshot).await
        }
        async fn remove(&self, run: &RunId) -> Result<(), StoreError> {
            self.0.remove(run).await
        }
    }
    let ledger = Ledger::default();
    let store = Arc::new(Watch(MemoryStore::default(), ledger.clone()));
    let reports = three(&hub(store, &ledger, shape()));
    assert!(reports.iter().all(|report| report.as_ref().unwrap().output().is_ok()));
}

#[test]
fn a_name_that_the_store_knows_is_not_used_again() {
    let store = Arc::new(MemoryStore::default());
    let workflow = || built("w", [task("a")]);
    let first = hub(store.clone(), &Ledger::default(), workflow());
    block_on(first.execute_with("w", named("mine"))).unwrap();
    drop(first);
    let ledger = Ledger::default();
    let second = hub(store.clone(), &ledger, workflow());
    // Another that goes in with it is not harmed.
    let other = second.start("w", named("other")).unwrap();
    let mine = second.start("w", named("mine")).unwrap();
    assert_eq!(block_on(mine.join()).unwrap_err(), JoinError::Exists { run: id("mine") });
    assert!(block_on(other.join()).is_ok());
    assert_eq!(ledger.lock().unwrap().len(), 1, "only the other one worked");
    let again = block_on(second.resume(&id("mine"))).unwrap();
    assert!(block_on(again.join()).unwrap().output().is_ok(), "an ended run gives its report");
    let none = block_on(second.resume(&id("nobody"))).unwrap_err();
    assert_eq!(none, ResumeError::UnknownRun { run: id("nobody") });
}

#[test]
fn open_decisions_are_asked_again_after_a_restore() {
    let store = Arc::new(MemoryStore::default());
    let workflow = || built("w", [Step::decision("ask", "Shall we?", ["yes", "no"])]);
    let first = hub(store.clone(), &Ledger::default(), workflow());
    let run = first.start("w", named("mine")).unwrap();
    let _ = first.drive().now_or_never();
    let view = run.view();
    drop((run, first));
    let second = hub(store, &Ledger::default(), workflow());
    let recovered = block_on(second.recover()).unwrap();
    let [run] = &recovered.runs[..] else { panic!("{recovered:?}") };
    let _ = second.drive().now_or_never();
    assert_eq!(run.view(), view);
    assert_eq!(run.open_decisions()[0].question, "Shall we?");
    let receipt = run.decide(Path::parse("ask").unwrap(), Decided::new("yes")).unwrap();
    block_on(receipt).unwrap();
    assert!(block_on(run.join()).unwrap().output().is_ok());
}

/// A loop of many rounds.
fn long(rounds: u32) -> Workflow {
    let body = built("body", [task("work")]);
    let last = condition_fn("last round", 1, move |context: &orchestrator_core::Context| {
        Ok(context.round()?.index + 1 == rounds)
    });
    built("long", [Step::repeat_until("loop", body, rounds, last).rounds_kept(2)])
}

#[test]
fn histories_are_bounded_by_snapshots() {
    let store = Arc::new(MemoryStore::default());
    let policy = SnapshotPolicy { every_events: NonZeroU64::new(1_500).unwrap() };
    let first = hub(store.clone(), &Ledger::default(), long(2_000)).with_snapshots(policy);
    let report = block_on(first.execute_with("long", named("mine"))).unwrap();
    assert!(report.output().is_ok());
    let past = block_on(store.load(&id("mine"))).unwrap().unwrap();
    assert!(past.snapshot.is_some());
    assert!(past.last_seq() > 6_000 && past.events.len() < 1_600, "{}", past.events.len());
    // In memory a part of a chunk is kept besides.
    assert!(report.history.len() < 3_000, "{}", report.history.len());
}

#[test]
fn a_run_goes_on_from_a_snapshot_of_which_the_beginning_is_gone() {
    let store = Arc::new(MemoryStore::default());
    let policy = SnapshotPolicy { every_events: NonZeroU64::new(50).unwrap() };
    let ledger = Ledger::default();
    let first = hub(store.clone(), &ledger, long(1_000)).with_snapshots(policy);
    let run = first.start("long", named("mine")).unwrap();
    let seen = AtomicUsize::new(0);
    let mut events = run.events();
    // Dropped in the middle, after some snapshots.
    let interrupted = async {
        let mut driver = Box::pin(first.drive()).fuse();
        let mut stream = Box::pin(async {
            while futures::StreamExt::next(&mut events).await.is_some() {
                if seen.fetch_add(1, Ordering::SeqCst) == 150 {
                    break;
                }
            }
        })
        .fuse();
        futures::select! { () = driver => panic!("too late"), () = stream => {} }
    };
    block_on(interrupted);
    drop((run, events, first));
    let past = block_on(store.load(&id("mine"))).unwrap().unwrap();
    assert!(past.snapshot.is_some() && past.events.first().is_none_or(|first| first.seq > 1));
    let second = hub(store, &ledger, long(1_000)).with_snapshots(policy);
    let recovered = block_on(second.recover()).unwrap();
    assert!(recovered.refused.is_empty(), "{:?}", recovered.refused);
    assert!(block_on(recovered.runs[0].join()).unwrap().output().is_ok());
    let ledger = ledger.lock().unwrap();
    assert_eq!(ledger.len(), 1_000);
    assert!(ledger.values().filter(|begun| **begun > 1).count() <= 1, "at most the one in flight");
}

#[test]
fn a_changed_definition_is_refused_or_migrated() {
    let ask = || Step::decision("ask", "Shall we?", ["yes", "no"]);
    let before = || built("w", [task("old"), ask().after("old")]);
    let after = || built("w", [task("new"), ask().after("new"), task("last").after("ask")]);
    let store = Arc::new(MemoryStore::default());
    let first = hub(store.clone(), &Ledger::default(), before());
    let run = first.start("w", named("mine")).unwrap();
    let _ = first.drive().now_or_never();
    let seq = run.view().seq;
    drop((run, first));

    let ledger = Ledger::default();
    let second = hub(store.clone(), &ledger, after());
    let refused = block_on(second.recover()).unwrap().refused;
    let [(_, ResumeError::Restore { error, .. })] = &refused[..] else { panic!("{refused:?}") };
    let RestoreError::DefinitionChanged { journal, given, steps } = error else {
        panic!("{error}")
    };
    assert_eq!((journal.as_str(), given.as_str()), (before().digest(), after().digest()));
    assert_eq!(steps, &["ask", "last", "new", "old"]);
    drop(second);

    let mut third = hub(store.clone(), &ledger, after());
    let renamed = |path: &Path| match path.to_string().as_str() {
        "old" => Path::parse("new").unwrap(),
        _ => path.clone(),
    };
    let change = move |event: &Event| {
        let mut event = event.clone();
        match &mut event {
            Event::AttemptStarted { path, .. } | Event::StepSucceeded { path, .. } => {
                *path = renamed(path);
            }
            _ => {}
        }
        Some(event)
    };
    let name = after().name().clone();
    third.register_migration(name.clone(), before().digest(), change).unwrap();
    assert!(third.register_migration(name, before().digest(), |_| None).is_err());
    let recovered = block_on(third.recover()).unwrap();
    assert!(recovered.refused.is_empty(), "{:?}", recovered.refused);
    let run = &recovered.runs[0];
    assert_eq!(run.view().steps[&Path::parse("new").unwrap()].status, StepStatus::Succeeded);
    let _receipt = run.decide(Path::parse("ask").unwrap(), Decided::new("yes")).unwrap();
    let report = block_on(run.join()).unwrap();
    assert!(report.output().is_ok());
    assert_eq!(ledger.lock().unwrap().keys().collect::<Vec<_>>(), ["mine:last:1"]);
    let past = block_on(store.load(&id("mine"))).unwrap().unwrap();
    assert_eq!(past.snapshot.as_ref().unwrap().seq, seq, "it stands for as many events as before");
    assert!(matches!(past.events[0].event, Event::Migrated { .. }));
    // What is kept now fits the definition, and only that.
    drop((recovered, third));
    let fourth = hub(store, &ledger, after());
    let again = block_on(fourth.resume(&id("mine"))).unwrap();
    assert_eq!(block_on(again.join()).unwrap().result, report.result);
}

#[test]
fn a_store_that_panics_loses_the_run_and_not_the_hub() {
    struct Broken;
    #[async_trait]
    impl RunStore for Broken {
        async fn append(&self, _: &[(RunId, Batch)]) -> Result<(), StoreError> {
            panic!("oh")
        }
        async fn load(&self, _: &RunId) -> Result<Option<Past>, StoreError> {
            Ok(None)
        }
        async fn runs(&self) -> Result<Vec<RunEntry>, StoreError> {
            Ok(Vec::new())
        }
        async fn compact(&self, _: &RunId, _: Snapshot) -> Result<(), StoreError> {
            Ok(())
        }
        async fn remove(&self, _: &RunId) -> Result<(), StoreError> {
            Ok(())
        }
    }
    let hub = hub(Arc::new(Broken), &Ledger::default(), built("w", [task("a")]));
    for _ in 0..2 {
        let lost = block_on(hub.start("w", named("mine")).unwrap().join()).unwrap_err();
        assert!(matches!(lost, JoinError::Store { .. }), "{lost}");
    }
}

#[test]
fn what_a_person_decided_is_acknowledged_when_it_is_durable() {
    let ask =
        || built("w", [Step::decision("ask", "Shall we?", ["yes", "no"]), task("a").after("ask")]);
    // Counts the appends up to the question.
    let store = Arc::new(FaultyStore::counting(MemoryStore::default()));
    let counting = hub(store.clone(), &Ledger::default(), ask());
    let _run = counting.start("w", named("mine")).unwrap();
    let _ = counting.drive().now_or_never();
    let next = store.appends() + 1;

    let store = Arc::new(FaultyStore::new(MemoryStore::default(), next, Loss::Everything));
    let ledger = Ledger::default();
    let hub = hub(store, &ledger, ask()).with_concurrency(NonZeroUsize::MIN);
    let run = hub.start("w", named("mine")).unwrap();
    let _ = hub.drive().now_or_never();
    let receipt = run.decide(Path::parse("ask").unwrap(), Decided::new("yes")).unwrap();
    assert!(
        matches!(block_on(receipt), Err(JoinError::Store { .. })),
        "it was taken, and not kept"
    );
    assert!(run.decide(Path::parse("ask").unwrap(), Decided::new("yes")).is_err());
    assert!(ledger.lock().unwrap().is_empty());
}
