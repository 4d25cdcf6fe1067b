//! A seeded history of calls to a store, as long as one likes, that anybody can work out without the store; and what a store must hold
//! after so many of them.

use orchestrator_core::{
    Batch, Event, MemoryStore, Past, Payload, Recorded, RunEntry, RunId, RunResult, RunStore, Seed,
    Snapshot, StoreError, Timestamp,
};

/// Names that differ in case, in script, and that are special to file systems.
pub(crate) const RUNS: [&str; 7] = ["run-1", "Run-1", "..", "con", "läuft.2", "日本", "z_9"];

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Call {
    Append(Vec<(RunId, Batch)>),
    Compact(RunId, Snapshot),
    Remove(RunId),
}

/// Makes the calls, one after the other.
pub(crate) struct History {
    seed: Seed,
    number: u64,
    /// Of each run: the last seq, the snapshot's seq.
    runs: Vec<(u64, u64)>,
}

impl History {
    pub(crate) fn new(seed: u64) -> History {
        History { seed: Seed(seed), number: 0, runs: vec![(0, 0); RUNS.len()] }
    }
}

impl Iterator for History {
    type Item = Call;

    fn next(&mut self) -> Option<Call> {
        self.number += 1;
        let mut stream = self.seed.derive(&format!("call {}", self.number)).stream();
        let mut below = |bound: u64| stream.word() % bound;
        let at = below(RUNS.len() as u64) as usize;
        let run = RunId::parse(RUNS[at]).unwrap();
        let (last, base) = self.runs[at];
        let kind = below(20);
        if kind == 0 && last > 0 {
            self.runs[at] = (0, 0);
            return Some(Call::Remove(run));
        }
        if kind <= 2 && last > base {
            let seq = base + 1 + below(last - base);
            self.runs[at].1 = seq;
            let state = Payload::of(&vec![seq; below(30) as usize]).unwrap();
            let snapshot = Snapshot { v: 3, seq, at: Timestamp(seq), state };
            return Some(Call::Compact(run, snapshot));
        }
        let mut batches = Vec::new();
        for _ in 0..1 + below(4) {
            let at = below(RUNS.len() as u64) as usize;
            let first = self.runs[at].0 + 1;
            let last = first + below(3);
            let events = (first..=last).map(|seq| {
                let text = format!("{} {} {seq} \"\\", self.number, RUNS[at]);
                let text = text + &"é\n".repeat(below(40) as usize);
                let event = match below(8) {
                    0 => Event::Paused,
                    1 => Event::RunEnded {
                        result: RunResult::Cancelled { reason: text },
                        uncompensated: Vec::new(),
                    },
                    _ => Event::CancelRequested { reason: text },
                };
                Recorded { seq, at: Timestamp(1_700_000_000_000 + self.number), event }
            });
            let batch = Batch::new(events.collect()).unwrap();
            batches.push((RunId::parse(RUNS[at]).unwrap(), batch));
            self.runs[at].0 = last;
        }
        Some(Call::Append(batches))
    }
}

impl Call {
    pub(crate) async fn make(&self, store: &dyn RunStore) -> Result<(), StoreError> {
        match self {
            Call::Append(batches) => store.append(batches).await,
            Call::Compact(run, snapshot) => store.compact(run, snapshot.clone()).await,
            Call::Remove(run) => store.remove(run).await,
        }
    }

    /// What a crash may have kept of this call: any prefix of its batches. All of it comes last.
    pub(crate) fn prefixes(&self) -> Vec<Option<Call>> {
        match self {
            Call::Append(batches) => (0..=batches.len())
                .map(|kept| (kept > 0).then(|| Call::Append(batches[..kept].to_vec())))
                .collect(),
            Call::Compact(..) | Call::Remove(_) => vec![None, Some(self.clone())],
        }
    }
}

/// Everything that a store holds.
pub(crate) type Contents = Vec<(RunEntry, Past)>;

pub(crate) async fn contents(store: &dyn RunStore) -> Contents {
    let mut contents = Vec::new();
    for entry in store.runs().await.unwrap() {
        let stored = store.load(&entry.run).await.unwrap().expect("a run that is listed");
        contents.push((entry, stored));
    }
    contents
}

/// What a store must hold after these calls.
pub(crate) async fn expected(calls: &[Call]) -> MemoryStore {
    let memory = MemoryStore::default();
    for call in calls {
        call.make(&memory).await.unwrap();
    }
    memory
}
