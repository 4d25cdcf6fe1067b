//! Every conformance check bites: for each there is a store that is broken in the way it looks for.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use orchestrator_core::journal::conformance::{self, Subject};
use orchestrator_core::{
    Batch, MemoryStore, Past, RunEntry, RunId, RunStore, Snapshot, StoreError, async_trait,
};

/// The ways in which a store can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    DropsTheLastBatch,
    ReversesEvents,
    MixesRuns,
    TakesOnlyTheFirstBatchOfARun,
    RefusesAnAppendOfNothing,
    AcceptsGaps,
    RefusesDuplicates,
    KeepsDuplicatesTwice,
    AcceptsConflicts,
    KeepsHalfOfWhatItRefuses,
    LosesBatchesOfOtherThreads,
    ListsInReverse,
    NeverListsAnEnd,
    FoldsCase,
    CutsLongEvents,
    KeepsEventsBesideTheSnapshot,
    LosesTheEventsAfterASnapshot,
    AcceptsAnySnapshot,
    ForgetsTheEndWhenCompacted,
    NeverRemoves,
    ForgetsWhenReopened,
    ForgetsTheLastAppendWhenReopened,
    BringsTheRemovedBackWhenReopened,
    KnowsRunsThatNeverWere,
}

use Broken::*;

/// The store that is broken, and the checks that must tell.
const TABLE: [(Broken, &[&str]); 24] = [
    (DropsTheLastBatch, &["runs do not mix", "what is appended is loaded, in order"]),
    (ReversesEvents, &["what is appended is loaded, in order"]),
    (MixesRuns, &["runs do not mix"]),
    (TakesOnlyTheFirstBatchOfARun, &["a run may occur several times in one append"]),
    (RefusesAnAppendOfNothing, &["an append of nothing is accepted"]),
    (AcceptsGaps, &["a gap is refused"]),
    (RefusesDuplicates, &["a duplicate is accepted and kept once"]),
    (KeepsDuplicatesTwice, &["a duplicate is accepted and kept once"]),
    (AcceptsConflicts, &["another event at the same seq is refused"]),
    (KeepsHalfOfWhatItRefuses, &["an append that is refused leaves nothing"]),
    (LosesBatchesOfOtherThreads, &["many threads can append"]),
    (ListsInReverse, &["runs are listed by id, with their end"]),
    (NeverListsAnEnd, &["runs are listed by id, with their end"]),
    (FoldsCase, &["names and texts of any script are kept apart and kept"]),
    (CutsLongEvents, &["a payload of one mebibyte is kept"]),
    (KeepsEventsBesideTheSnapshot, &["a snapshot takes the place of events"]),
    (LosesTheEventsAfterASnapshot, &["a snapshot takes the place of events"]),
    (AcceptsAnySnapshot, &["a snapshot that does not fit is refused"]),
    (ForgetsTheEndWhenCompacted, &["an ended run stays ended when it is compacted"]),
    (NeverRemoves, &["a removed run is gone, and its name is free"]),
    (ForgetsWhenReopened, &["what was acknowledged is there after reopening"]),
    (ForgetsTheLastAppendWhenReopened, &["what was acknowledged is there after reopening"]),
    (BringsTheRemovedBackWhenReopened, &["a removed run is gone, and its name is free"]),
    (KnowsRunsThatNeverWere, &["a fresh store is empty"]),
];

#[test]
fn every_broken_store_is_found_out_by_the_right_check() {
    for (broken, expected) in TABLE {
        let failures = conformance::check(&mut Workshop { broken: Some(broken), disk: None })
            .expect_err(&format!("{broken:?} passes"));
        let found: BTreeSet<&str> = failures.0.iter().map(|failure| failure.check).collect();
        for name in expected {
            assert!(found.contains(name), "{broken:?} passes {name:?}:\n{failures}");
        }
    }
}

#[test]
fn every_check_has_a_store_that_fails_it() {
    let bitten: BTreeSet<&str> = TABLE.iter().flat_map(|(_, checks)| *checks).copied().collect();
    let all: BTreeSet<&str> = conformance::names().collect();
    assert_eq!(bitten, all);
}

/// Without its fault the same store passes, so that it is the fault that is found.
#[test]
fn the_store_as_such_is_sound() {
    conformance::check(&mut Workshop { broken: None, disk: None }).unwrap();
}

struct Workshop {
    broken: Option<Broken>,
    disk: Option<Arc<Disk>>,
}

/// What outlives a store: the appends and so on, made again in a fresh one.
struct Disk {
    memory: Mutex<Arc<MemoryStore>>,
    calls: Mutex<Vec<Call>>,
}

#[derive(Clone)]
enum Call {
    Append(Vec<(RunId, Batch)>),
    Compact(RunId, Snapshot),
    Remove(RunId),
}

struct Faulty {
    broken: Option<Broken>,
    disk: Arc<Disk>,
    owner: std::thread::ThreadId,
}

impl Workshop {
    fn open(&self) -> Box<dyn RunStore> {
        let disk = self.disk.clone().unwrap();
        Box::new(Faulty { broken: self.broken, disk, owner: std::thread::current().id() })
    }
}

impl Subject for Workshop {
    fn fresh(&mut self) -> Box<dyn RunStore> {
        self.disk =
            Some(Arc::new(Disk { memory: Mutex::default(), calls: Mutex::new(Vec::new()) }));
        self.open()
    }

    fn reopen(&mut self, store: Box<dyn RunStore>) -> Option<Box<dyn RunStore>> {
        drop(store);
        let disk = self.disk.as_ref().unwrap();
        let mut calls = disk.calls.lock().unwrap();
        match self.broken {
            Some(ForgetsWhenReopened) => calls.clear(),
            Some(ForgetsTheLastAppendWhenReopened) => {
                let last = calls.iter().rposition(|call| matches!(call, Call::Append(_)));
                if let Some(last) = last {
                    calls.remove(last);
                }
            }
            Some(BringsTheRemovedBackWhenReopened) => {
                calls.retain(|call| !matches!(call, Call::Remove(_)));
            }
            _ => {}
        }
        let memory = MemoryStore::default();
        for call in &*calls {
            // What a fault left out may leave later calls without their ground.
            let _ = futures::executor::block_on(async {
                match call {
                    Call::Append(batches) => memory.append(batches).await,
                    Call::Compact(run, snapshot) => memory.compact(run, snapshot.clone()).await,
                    Call::Remove(run) => memory.remove(run).await,
                }
            });
        }
        drop(calls);
        *disk.memory.lock().unwrap() = Arc::new(memory);
        Some(self.open())
    }
}

impl Faulty {
    fn is(&self, broken: Broken) -> bool {
        self.broken == Some(broken)
    }

    fn memory(&self) -> Arc<MemoryStore> {
        self.disk.memory.lock().unwrap().clone()
    }

    fn name(&self, run: &RunId) -> RunId {
        if self.is(FoldsCase) {
            return RunId::parse(run.as_str().to_lowercase()).unwrap();
        }
        if self.is(MixesRuns) && run.as_str() == "run-7" {
            return RunId::parse("run-8").unwrap();
        }
        run.clone()
    }

    async fn keep(&self, batches: &[(RunId, Batch)]) -> Result<(), StoreError> {
        self.memory().append(batches).await?;
        self.disk.calls.lock().unwrap().push(Call::Append(batches.to_vec()));
        Ok(())
    }
}

#[async_trait]
impl RunStore for Faulty {
    async fn append(&self, batches: &[(RunId, Batch)]) -> Result<(), StoreError> {
        let mut batches: Vec<(RunId, Batch)> =
            batches.iter().map(|(run, batch)| (self.name(run), batch.clone())).collect();
        match self.broken {
            Some(DropsTheLastBatch) => {
                batches.pop();
            }
            Some(TakesOnlyTheFirstBatchOfARun) => {
                let mut seen = BTreeSet::new();
                batches.retain(|(run, _)| seen.insert(run.clone()));
            }
            Some(RefusesAnAppendOfNothing) if batches.is_empty() => {
                return Err(StoreError::backend("append", "there is nothing to append"));
            }
            Some(LosesBatchesOfOtherThreads) if std::thread::current().id() != self.owner => {
                batches.truncate(1);
            }
            Some(CutsLongEvents) => batches.retain(|(_, batch)| {
                batch.events().iter().all(|event| format!("{event:?}").len() < 1 << 16)
            }),
            Some(KeepsHalfOfWhatItRefuses) => {
                for one in &batches {
                    self.keep(std::slice::from_ref(one)).await?;
                }
                return Ok(());
            }
            _ => {}
        }
        match self.keep(&batches).await {
            Err(StoreError::Gap { .. }) if self.is(AcceptsGaps) => Ok(()),
            Err(StoreError::Conflict { .. }) if self.is(AcceptsConflicts) => Ok(()),
            Ok(()) if self.is(RefusesDuplicates) || self.is(KeepsDuplicatesTwice) => {
                // The second time is the one that counts.
                let calls = self.disk.calls.lock().unwrap();
                let earlier = calls[..calls.len() - 1].iter().any(
                    |call| matches!(call, Call::Append(before) if !batches.is_empty() && *before == batches),
                );
                match batches.first() {
                    Some((run, batch)) if earlier && self.is(RefusesDuplicates) => {
                        Err(StoreError::Conflict { run: run.clone(), seq: batch.first() })
                    }
                    _ => Ok(()),
                }
            }
            other => other,
        }
    }

    async fn load(&self, run: &RunId) -> Result<Option<Past>, StoreError> {
        let mut stored = self.memory().load(&self.name(run)).await?;
        let Some(kept) = &mut stored else {
            return Ok(self.is(KnowsRunsThatNeverWere).then(Past::default));
        };
        if self.is(ReversesEvents) {
            kept.events.reverse();
        }
        if self.is(KeepsDuplicatesTwice) {
            let calls = self.disk.calls.lock().unwrap();
            let appends = calls.iter().filter(|call| matches!(call, Call::Append(_))).count();
            if appends > 1 {
                kept.events.extend(kept.events.last().cloned());
            }
        }
        if self.is(LosesTheEventsAfterASnapshot) && kept.snapshot.is_some() {
            kept.events.clear();
        }
        if self.is(KeepsEventsBesideTheSnapshot)
            && let Some(snapshot) = &kept.snapshot
        {
            let mut old = Vec::new();
            for call in &*self.disk.calls.lock().unwrap() {
                if let Call::Append(batches) = call {
                    let of_run = batches.iter().filter(|(of, _)| of == run);
                    old.extend(of_run.flat_map(|(_, batch)| batch.events()).cloned());
                }
            }
            old.retain(|event| event.seq <= snapshot.seq);
            kept.events.splice(0..0, old);
        }
        Ok(stored)
    }

    async fn runs(&self) -> Result<Vec<RunEntry>, StoreError> {
        let mut runs = self.memory().runs().await?;
        if self.is(ListsInReverse) {
            runs.reverse();
        }
        for entry in &mut runs {
            let compacted = self.memory().load(&entry.run).await?.unwrap().snapshot.is_some();
            if self.is(NeverListsAnEnd) || (self.is(ForgetsTheEndWhenCompacted) && compacted) {
                entry.ended = false;
            }
        }
        Ok(runs)
    }

    async fn compact(&self, run: &RunId, snapshot: Snapshot) -> Result<(), StoreError> {
        let run = self.name(run);
        let compacted = self.memory().compact(&run, snapshot.clone()).await;
        if compacted.is_ok() {
            self.disk.calls.lock().unwrap().push(Call::Compact(run, snapshot));
        }
        if self.is(AcceptsAnySnapshot) { Ok(()) } else { compacted }
    }

    async fn remove(&self, run: &RunId) -> Result<(), StoreError> {
        if self.is(NeverRemoves) {
            return Ok(());
        }
        let run = self.name(run);
        self.memory().remove(&run).await?;
        self.disk.calls.lock().unwrap().push(Call::Remove(run));
        Ok(())
    }
}
