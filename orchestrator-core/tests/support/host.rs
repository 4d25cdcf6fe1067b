//! A host for tests: it drives one run by hand, and after every input checks what must hold of every run at every event.
//!
//! The checks: the view of the live run is that of its replayed history; its snapshot, written and read, restores to the same run as the
//! whole history does; and every prefix of the last batch, as a torn journal would leave it, makes a run.

// Every test binary uses its own part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::time::Duration;

use orchestrator_core::{
    AttemptId, Command, Decided, Event, Handled, Input, InputError, Path, Payload, Recorded, Role,
    Run, RunOptions, RunResult, RunView, SignalName, Snapshot, Step, StepStatus, Task, TaskError,
    TaskOutput, Timestamp, Workflow,
};
use serde::Serialize;

pub(crate) type Answer = Result<TaskOutput, TaskError>;

pub(crate) fn task(id: &str) -> Step {
    Step::task(id, Role::GENERIC)
}

pub(crate) fn flow(steps: impl IntoIterator<Item = Step>) -> Workflow {
    named("flow", steps)
}

pub(crate) fn named(name: &str, steps: impl IntoIterator<Item = Step>) -> Workflow {
    let builder = Workflow::builder(name);
    steps.into_iter().fold(builder, |builder, step| builder.step(step)).build().unwrap()
}

pub(crate) fn options() -> RunOptions {
    RunOptions::new("run", "goal").unwrap()
}

/// The options of a run whose input is this JSON text.
pub(crate) fn given(json: &str) -> RunOptions {
    RunOptions { input: Some(Payload::parse(json).unwrap()), ..options() }
}

pub(crate) fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

pub(crate) fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn bad() -> TaskError {
    TaskError::terminal("bad", "it is bad")
}

pub(crate) fn flaky() -> TaskError {
    TaskError::retryable("flaky", "try again")
}

pub(crate) struct Host {
    pub(crate) run: Run,
    pub(crate) workflow: Workflow,
    pub(crate) options: RunOptions,
    pub(crate) now: u64,
    /// What has been handed out and not answered by this host.
    pub(crate) tasks: BTreeMap<AttemptId, Task>,
    /// The commands since they were last asked for, as `execute a 1`.
    commands: Vec<String>,
    /// How many attempts were handed out, by path.
    pub(crate) executed: BTreeMap<String, u32>,
    /// The events in their batches.
    pub(crate) batches: Vec<Vec<Recorded>>,
    pub(crate) snapshots: Vec<Snapshot>,
}

impl Host {
    /// A run that has started.
    pub(crate) fn start(workflow: Workflow) -> Host {
        Host::start_with(workflow, options())
    }

    pub(crate) fn start_with(workflow: Workflow, options: RunOptions) -> Host {
        let run = Run::new(workflow.clone(), options.clone());
        let mut host = Host::around(run, workflow, options);
        assert_eq!(host.tell(Input::Started), Ok(Handled::Taken));
        host
    }

    /// A run out of a past.
    pub(crate) fn resume(workflow: Workflow, options: RunOptions, past: Vec<Recorded>) -> Host {
        let now = past.last().unwrap().at;
        let run = Run::restore(workflow.clone(), options.clone(), past, now).unwrap();
        let mut host = Host::around(run, workflow, options);
        host.now = now.0;
        host.collect();
        host
    }

    fn around(run: Run, workflow: Workflow, options: RunOptions) -> Host {
        Host {
            run,
            workflow,
            options,
            now: 0,
            tasks: BTreeMap::new(),
            commands: Vec::new(),
            executed: BTreeMap::new(),
            batches: Vec::new(),
            snapshots: Vec::new(),
        }
    }

    pub(crate) fn tell(&mut self, input: Input) -> Result<Handled, InputError> {
        let before = (self.run.event_count(), self.run.snapshot(), self.run.next_deadline());
        let told = self.run.handle(Timestamp(self.now), input);
        if told != Ok(Handled::Taken) {
            let after = (self.run.event_count(), self.run.snapshot(), self.run.next_deadline());
            assert_eq!(before, after, "what was not taken changed something");
        }
        self.collect();
        self.check();
        told
    }

    #[track_caller]
    pub(crate) fn take(&mut self, input: Input) {
        assert_eq!(self.tell(input), Ok(Handled::Taken));
    }

    /// Takes the events and carries the commands down.
    fn collect(&mut self) {
        let batch: Vec<Recorded> = std::iter::from_fn(|| self.run.poll_event()).collect();
        if !batch.is_empty() {
            self.batches.push(batch);
        }
        self.run.commit_polled();
        while let Some(command) = self.run.poll_command() {
            self.hear(command);
        }
    }

    fn hear(&mut self, command: Command) {
        assert!(self.run.result().is_none(), "a finished run asks for {command:?}");
        self.commands.push(match command {
            Command::Execute { attempt, task, .. } => {
                let line = format!("execute {} {}", attempt.path, attempt.attempt);
                *self.executed.entry(attempt.path.to_string()).or_default() += 1;
                assert!(self.tasks.insert(attempt, *task).is_none(), "{line} twice");
                line
            }
            Command::Route { attempt, .. } => format!("route {} {}", attempt.path, attempt.attempt),
            Command::Cancel { attempt } => format!("cancel {} {}", attempt.path, attempt.attempt),
            Command::Decide { path, .. } => format!("decide {path}"),
            Command::Withdraw { path } => format!("withdraw {path}"),
            _ => panic!("a command of a new kind"),
        });
    }

    /// The commands since the last call.
    pub(crate) fn commands(&mut self) -> Vec<String> {
        std::mem::take(&mut self.commands)
    }

    /// The attempt at a path that is open here.
    #[track_caller]
    pub(crate) fn attempt(&self, at: &str) -> AttemptId {
        let open = self.tasks.keys().rev().find(|id| id.path.to_string() == at);
        open.unwrap_or_else(|| panic!("{at} is not open; there are {:?}", self.open())).clone()
    }

    #[track_caller]
    pub(crate) fn task(&self, at: &str) -> &Task {
        &self.tasks[&self.attempt(at)]
    }

    /// The paths that are open, sorted.
    pub(crate) fn open(&self) -> Vec<String> {
        self.tasks.keys().map(|id| id.path.to_string()).collect()
    }

    #[track_caller]
    pub(crate) fn answer(&mut self, at: &str, result: Answer) {
        let attempt = self.attempt(at);
        self.tasks.remove(&attempt);
        assert_eq!(self.tell(Input::Answered { attempt, result }), Ok(Handled::Taken));
    }

    #[track_caller]
    pub(crate) fn done(&mut self, at: &str, output: impl Serialize) {
        self.answer(at, Ok(TaskOutput::of(&output).unwrap()));
    }

    #[track_caller]
    pub(crate) fn fail(&mut self, at: &str, error: TaskError) {
        self.answer(at, Err(error));
    }

    /// An answer that nobody waits for, as it is taken.
    pub(crate) fn late(&mut self, at: &str, attempt: u32) -> Result<Handled, InputError> {
        let attempt = AttemptId { path: path(at), attempt };
        self.tell(Input::Answered { attempt, result: Ok(TaskOutput::of(&"late").unwrap()) })
    }

    pub(crate) fn decide(&mut self, at: &str, choice: &str) -> Result<Handled, InputError> {
        self.tell(Input::Decided { path: path(at), decided: Decided::new(choice) })
    }

    pub(crate) fn signal(
        &mut self,
        name: &str,
        payload: impl Serialize,
    ) -> Result<Handled, InputError> {
        let name = SignalName::parse(name).unwrap();
        self.tell(Input::Signalled { name, payload: Payload::of(&payload).unwrap() })
    }

    /// Lets time pass.
    pub(crate) fn pass(&mut self, millis: u64) {
        self.now += millis;
        self.take(Input::TimePassed);
    }

    pub(crate) fn cancel(&mut self) {
        self.take(Input::Cancelled { reason: "enough".to_owned() });
    }

    /// The host goes down and comes back with what it kept.
    pub(crate) fn crash(&mut self) {
        let history = self.run.history();
        let text = serde_json::to_string(&history).unwrap();
        let past: Vec<Recorded> = serde_json::from_str(&text).unwrap();
        assert_eq!(past, history);
        let now = Timestamp(self.now);
        self.run = Run::restore(self.workflow.clone(), self.options.clone(), past, now).unwrap();
        self.tasks.clear();
        self.commands.clear();
        self.collect();
        self.check();
    }

    /// Goes on to the end: what is open is answered in order; else time passes.
    pub(crate) fn finish(&mut self, work: impl Fn(&Task) -> Answer) {
        for _ in 0..10_000 {
            if self.run.result().is_some() {
                return;
            }
            if let Some((attempt, task)) = self.tasks.pop_first() {
                // What was called off may be answered late.
                let result = work(&task);
                self.tell(Input::Answered { attempt, result }).unwrap();
            } else {
                let due = self.run.next_deadline();
                self.now = due.unwrap_or_else(|| panic!("stuck: {:#?}", self.story())).0;
                self.take(Input::TimePassed);
            }
        }
        panic!("no end: {:#?}", self.story());
    }

    pub(crate) fn status(&self, at: &str) -> Option<StepStatus> {
        self.run.status(&path(at))
    }

    /// The history, an event a line; see [`line`].
    pub(crate) fn story(&self) -> Vec<String> {
        self.run.history().iter().map(|recorded| line(&recorded.event)).collect()
    }

    /// The lines of the events after the first so many.
    pub(crate) fn since(&self, seq: u64) -> Vec<String> {
        let history = self.run.history();
        history.iter().filter(|r| r.seq > seq).map(|r| line(&r.event)).collect()
    }

    /// The lines of the story that say something of a kind.
    pub(crate) fn told(&self, what: &str) -> Vec<String> {
        self.story().into_iter().filter(|line| line.split(' ').next() == Some(what)).collect()
    }

    #[track_caller]
    pub(crate) fn output(&self) -> &str {
        match self.run.result() {
            Some(RunResult::Succeeded { output }) => output.as_json(),
            other => panic!("{other:?}: {:#?}", self.story()),
        }
    }

    /// Where the run failed, and with which code.
    #[track_caller]
    pub(crate) fn failure(&self) -> (String, String) {
        match self.run.result() {
            Some(RunResult::Failed { path, error }) => (path.to_string(), error.code.clone()),
            other => panic!("{other:?}: {:#?}", self.story()),
        }
    }

    fn restored(&self, past: impl Into<orchestrator_core::Past>) -> Run {
        let now = Timestamp(self.now);
        Run::restore(self.workflow.clone(), self.options.clone(), past, now).unwrap()
    }

    /// What must hold after every input.
    fn check(&mut self) {
        let history = self.run.history();
        let Some(last) = history.last() else { return };
        let view = RunView::at(&self.workflow, history.clone(), last.seq).unwrap();
        assert_eq!(view, self.run.view(), "the replayed view");

        let snapshot: Snapshot =
            serde_json::from_str(&serde_json::to_string(&self.run.snapshot()).unwrap()).unwrap();
        assert_eq!(snapshot, self.run.snapshot());
        self.snapshots.push(snapshot);
        let whole = self.restored(history.clone());
        // A snapshot that is older by a batch or two, and one of the very last event.
        for snapshot in self.snapshots.iter().rev().take(3) {
            let events = history.iter().filter(|r| r.seq > snapshot.seq).cloned().collect();
            let past = orchestrator_core::Past { snapshot: Some(snapshot.clone()), events };
            same(&self.restored(past), &whole);
        }
        let batch = self.batches.last().map_or(0, Vec::len);
        for torn in 1..batch.min(history.len()) {
            self.restored(history[..history.len() - torn].to_vec());
        }
    }
}

/// Two runs that cannot be told apart.
#[track_caller]
pub(crate) fn same(one: &Run, other: &Run) {
    assert_eq!(one.view(), other.view());
    assert_eq!(one.next_deadline(), other.next_deadline());
    assert_eq!(one.in_flight(), other.in_flight());
    assert_eq!(one.outcome(), other.outcome());
    assert_eq!(one.snapshot(), other.snapshot());
    let last = one.history().len().min(other.history().len());
    let tail = |run: &Run| run.history()[run.history().len() - last..].to_vec();
    assert_eq!(tail(one), tail(other));
}

/// An event as a line: its kind, then where, then which, then the code of what went wrong.
pub(crate) fn line(event: &Event) -> String {
    let json: serde_json::Value = serde_json::to_value(event).unwrap();
    let mut line = json["type"].as_str().unwrap().to_owned();
    for field in ["path", "from", "to", "round", "item", "attempt", "fires", "name"] {
        match &json[field] {
            serde_json::Value::Null => {}
            serde_json::Value::String(text) => line += &format!(" {text}"),
            other => line += &format!(" {other}"),
        }
    }
    if let Some(code) = json["error"]["code"].as_str() {
        line += &format!(" {code}");
    }
    line
}
