//! The host goes down after every single event, amid batches too, and comes up again: what follows is what would have followed, no step that
//! has ended is done again, and an attempt that was in flight is made at most once more, with the same key.

use std::collections::{BTreeMap, VecDeque};

use orchestrator_core::testkit::{Made, random_workflow};
use orchestrator_core::{
    AttemptId, Candidate, Command, Decided, Decision, Event, Input, Past, Path, Payload, Recorded,
    Role, Run, RunOptions, SignalName, Snapshot, Staff, Task, TaskError, TaskOutput, Timestamp,
    WorkerName,
};

/// How many random workflows are gone through.
const WORKFLOWS: u64 = 200;
/// How many turns a run may take: far more than any that ends.
const TURNS_MAX: usize = 5_000;

/// A host that always does the first thing that there is to do.
struct Host {
    run: Run,
    now: Timestamp,
    open: BTreeMap<(Path, u32), Command>,
    /// How often workers were asked, by the key of the attempt.
    asked: BTreeMap<String, u32>,
    /// Workers that were told to stop: they do so at once.
    stopped: VecDeque<AttemptId>,
    /// The events with which batches end, and the state then, if snapshots are kept.
    snapshots: Option<Vec<Snapshot>>,
    /// Which of the two signals was the last in events that the run does not have any more.
    last_was_go: bool,
}

impl Host {
    fn new(run: Run, now: Timestamp) -> Host {
        let (open, asked, stopped) = Default::default();
        Host { run, now, open, asked, stopped, snapshots: None, last_was_go: false }
    }

    fn to_the_end(mut self, name: &str) -> Host {
        for _ in 0..TURNS_MAX {
            while self.run.poll_event().is_some() {}
            self.run.commit_polled();
            while let Some(command) = self.run.poll_command() {
                self.take(command);
            }
            if self.run.result().is_some() {
                return self;
            }
            let input = self.next_input();
            let told = self.run.handle(self.now, input.clone());
            assert!(told.is_ok(), "{name}: {input:?} gives {told:?}");
            if let Some(snapshots) = &mut self.snapshots {
                snapshots.push(self.run.snapshot());
            }
        }
        panic!("{name}: no end");
    }

    fn take(&mut self, command: Command) {
        let place = match &command {
            Command::Execute { attempt, task, .. } => {
                *self.asked.entry(task.idempotency_key()).or_default() += 1;
                (attempt.path.clone(), attempt.attempt)
            }
            Command::Route { attempt, .. } => (attempt.path.clone(), attempt.attempt),
            Command::Decide { path, .. } => (path.clone(), 0),
            Command::Withdraw { path } => {
                self.open.remove(&(path.clone(), 0));
                return;
            }
            Command::Cancel { attempt } => {
                if self.open.remove(&(attempt.path.clone(), attempt.attempt)).is_some() {
                    self.stopped.push_back(attempt.clone());
                }
                return;
            }
            _ => panic!("a command of a new kind"),
        };
        self.open.insert(place, command);
    }

    fn next_input(&mut self) -> Input {
        if let Some(attempt) = self.stopped.pop_front() {
            return Input::Answered { attempt, result: Err(TaskError::cancelled()) };
        }
        let due = self.run.next_deadline();
        if due.is_some_and(|due| due <= self.now) {
            return Input::TimePassed;
        }
        match (self.open.pop_first(), due) {
            (Some((_, Command::Execute { attempt, task, .. })), _) => {
                Input::Answered { attempt, result: work(&task) }
            }
            (Some((_, Command::Route { attempt, candidates, .. })), _) => {
                let worker = candidates[attempt.attempt as usize % candidates.len()].worker.clone();
                let rationale = "in turn".to_owned();
                let decision = Decision { worker, rationale, confidence: 1.0, propensity: 1.0 };
                Input::Routed { attempt, result: Ok(decision) }
            }
            (Some((_, Command::Decide { path, choices, .. })), _) => {
                Input::Decided { path, decided: Decided::new(&choices[0]) }
            }
            (Some(_), _) => unreachable!("only what asks for an answer is kept"),
            (None, Some(due)) => {
                self.now = due;
                Input::TimePassed
            }
            (None, None) => {
                // Somebody waits for a signal, and both come in turn. A snapshot does not tell which was the last.
                let history = self.run.history();
                let came = |recorded: &Recorded| match &recorded.event {
                    Event::SignalReceived { name, .. } => Some(name.as_str() == "go"),
                    _ => None,
                };
                let last = history.iter().rev().find_map(came).unwrap_or(self.last_was_go);
                let name = SignalName::parse(if last { "paid" } else { "go" }).unwrap();
                Input::Signalled { name, payload: Payload::null() }
            }
        }
    }
}

/// What a worker says: a function of the attempt and its input.
fn work(task: &Task) -> Result<TaskOutput, TaskError> {
    let roll = task.seed().derive(task.input().as_json()).0;
    match roll % 10 {
        0 => Err(TaskError::retryable("flaky", "again")),
        1 => Err(TaskError::outcome_unknown("lost", "who knows")),
        2 => Err(TaskError::terminal("bad", "never")),
        3 => Ok(TaskOutput::of(&[1, 2]).unwrap()),
        _ => Ok(TaskOutput::of(&(roll >> 40)).unwrap()),
    }
}

fn options(seed: u64) -> RunOptions {
    let mut staff = Staff::default();
    for worker in ["grace", "tony"] {
        let candidate =
            Candidate { worker: WorkerName::parse(worker).unwrap(), capabilities: vec![] };
        staff.add(Role::REVIEWER, candidate);
    }
    RunOptions {
        seed: orchestrator_core::Seed(seed),
        staff,
        ..RunOptions::new("run-1", "a goal").unwrap()
    }
}

/// What happened and when, without the numbers, and without what a restore adds.
fn essence(history: &[Recorded]) -> Vec<(Timestamp, Event)> {
    let own = history
        .iter()
        .filter(|recorded| !matches!(recorded.event, Event::AttemptRedispatched { .. }));
    own.map(|recorded| (recorded.at, recorded.event.clone())).collect()
}

fn check(seed: u64, made: Made) -> usize {
    let (workflow, name) = (&random_workflow(seed, made), "a random workflow");
    let mut run = Run::new(workflow.clone(), options(seed));
    let now = Timestamp(1_000);
    run.handle(now, Input::Started).unwrap();
    let snapshots = Some(vec![run.snapshot()]);
    let whole = Host { snapshots, ..Host::new(run, now) }.to_the_end(name);
    let snapshots = whole.snapshots.as_deref().unwrap_or_default();
    let history = whole.run.history();
    let essential = essence(&history);
    for kept in 1..=history.len() {
        let name = format!("{name}, seed {seed}, down after event {kept}");
        let now = history[kept - 1].at;
        let before = &history[..kept];
        let snapshot = snapshots.iter().rfind(|snapshot| snapshot.seq <= kept as u64);
        let past = match snapshot.filter(|_| kept % 2 == 0) {
            Some(snapshot) => Past {
                snapshot: Some(snapshot.clone()),
                events: before[snapshot.seq as usize..].to_vec(),
            },
            None => before.to_vec().into(),
        };
        let restored = Run::restore(workflow.clone(), options(seed), past, now);
        let restored = restored.unwrap_or_else(|error| panic!("{name}: {error}"));
        let is_go = |recorded: &Recorded| match &recorded.event {
            Event::SignalReceived { name, .. } => Some(name.as_str() == "go"),
            _ => None,
        };
        let last_was_go = before.iter().rev().find_map(is_go).unwrap_or(false);
        let resumed = Host { last_was_go, ..Host::new(restored, now) }.to_the_end(&name);
        let after = resumed.run.history();
        let first = after.first().map_or(kept, |recorded| recorded.seq as usize - 1);
        let mut all = history[..first].to_vec();
        all.extend(after);
        let (mut is, mut was) = (essence(&all), essential.clone());
        let torn = snapshots.iter().all(|snapshot| snapshot.seq != kept as u64);
        if torn && made == Made::OfAll {
            // Of several things that were due at once some were done. What follows from those comes before the others now, and may stop
            // them, where the order of arrival counts.
            check_work(&name, before, &resumed, None);
            continue;
        }
        assert_eq!(resumed.run.outcome(), whole.run.outcome(), "{name}");
        // Nor does it count in which order workers that were told to stop say so.
        let stops = |(_, event): &(Timestamp, Event)| matches!(event, Event::StepStopping { .. });
        if torn || was.iter().any(stops) {
            let order = |(at, event): &(Timestamp, Event)| (*at, format!("{event:?}"));
            is.sort_by_key(order);
            was.sort_by_key(order);
        }
        for (at, (is, was)) in is.iter().zip(&was).enumerate() {
            assert_eq!(is, was, "{name}: event {at}");
        }
        assert_eq!(is.len(), was.len(), "{name}");
        check_work(&name, before, &resumed, Some(&whole));
    }
    history.len()
}

/// Counts what workers were asked for.
fn check_work(name: &str, before: &[Recorded], resumed: &Host, whole: Option<&Host>) {
    let mut in_flight: BTreeMap<AttemptId, ()> = BTreeMap::new();
    let mut over: Vec<AttemptId> = Vec::new();
    for recorded in before {
        let (path, attempt, begins) = match &recorded.event {
            Event::AttemptStarted { path, attempt, .. }
            | Event::RouteDecided { path, attempt, .. } => (path, attempt, true),
            Event::StepSucceeded { path, attempt, .. }
            | Event::AttemptFailed { path, attempt, .. }
            | Event::StepFailed { path, attempt, .. } => (path, attempt, false),
            _ => continue,
        };
        let id = AttemptId { path: path.clone(), attempt: *attempt };
        if begins {
            in_flight.insert(id, ());
        } else {
            in_flight.remove(&id);
            over.push(id);
        }
    }
    let key = |id: &AttemptId| format!("run-1:{}:{}", id.path, id.attempt);
    for id in &over {
        assert_eq!(resumed.asked.get(&key(id)), None, "{name}: {id:?} is done again");
    }
    for (asked, times) in &resumed.asked {
        assert_eq!(*times, 1, "{name}: {asked}");
        let wanted = whole.is_none_or(|whole| whole.asked.contains_key(asked));
        assert!(wanted, "{name}: {asked} was never to be done");
    }
    let after = resumed.run.history();
    for id in in_flight.keys() {
        // What was not wanted any more when the host went down is not asked for again.
        let called_off = after.iter().any(|recorded| match &recorded.event {
            Event::StepFailed { path, attempt, error } => {
                (path, attempt) == (&id.path, &id.attempt) && *error == TaskError::cancelled()
            }
            _ => false,
        });
        let asked = resumed.asked.contains_key(&key(id));
        assert!(asked || called_off || whole.is_none(), "{name}: {id:?} is forgotten");
    }
}

#[test]
fn where_the_order_of_arrival_does_not_count() {
    let events: usize = (0..WORKFLOWS).map(|seed| check(seed, Made::OrderFree)).sum();
    assert!(events > 2_000, "{events}");
}

#[test]
fn where_the_workflow_is_made_of_everything() {
    let events: usize = (0..WORKFLOWS).map(|seed| check(seed, Made::OfAll)).sum();
    assert!(events > 2_000, "{events}");
}
