//! A random host: it drives one run to its end in an order of its own, loses what it did not commit, and shows every event to the reference
//! scheduler.

use std::collections::BTreeSet;
use std::time::Duration;

use super::coverage::Coverage;
use super::reference::{Broken, Cause, Checked, Reference, Terms, broken, must};
use super::rules::Given;
use super::violation::{Rule, Violation};
use super::{Report, Simulation, worker};
use crate::id::SignalName;
use crate::path::Path;
use crate::payload::Payload;
use crate::random::{Seed, Stream};
use crate::run::{
    AttemptId, Command, Decided, Handled, Input, Past, Recorded, Run, RunOptions, RunOutcome,
    RunResult, RunView, Snapshot,
};
use crate::task::{TaskError, TaskOutput};
use crate::time::Timestamp;

/// How many turns a host has its habits for.
const WILD_TURNS_MAX: usize = 120;
/// How many turns a run may take in all: far more than any that ends.
const TURNS_MAX: usize = 20_000;

pub(super) struct Host<'a> {
    simulation: &'a Simulation,
    terms: &'a Terms<'a>,
    options: &'a RunOptions,
    world: Seed,
    dice: Stream,
    run: Run,
    reference: Reference<'a>,
    log: Vec<Recorded>,
    committed: usize,
    now: Timestamp,
    /// What the host was asked for and has not answered.
    open: Vec<Command>,
    /// What it has answered, to be said again.
    said: Vec<Input>,
    given: Given,
    /// Everything that the run was told, as long as there was no crash.
    told: Vec<(Timestamp, Input)>,
    snapshot: Option<Snapshot>,
    crashes_left: u32,
    crashes: u32,
    cancels: bool,
    coverage: Coverage,
}

/// What should become of an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Expect {
    Taken,
    Ignored,
    Refused,
    Anything,
}

impl<'a> Host<'a> {
    pub(super) fn new(
        simulation: &'a Simulation,
        terms: &'a Terms<'a>,
        options: &'a RunOptions,
        order: u64,
    ) -> Host<'a> {
        let world = Seed(simulation.seed);
        let mut dice = world.derive("order").index(order).stream();
        let habits = simulation.habits;
        let crashes_left = dice.below(habits.crashes_max as usize + 1) as u32;
        let cancels = percent(&mut dice, habits.cancels_percent);
        Host {
            simulation,
            terms,
            options,
            world: world.derive("world"),
            dice,
            run: Run::new(simulation.workflow.clone(), options.clone()),
            reference: Reference::new(terms),
            log: Vec::new(),
            committed: 0,
            now: Timestamp(1_000),
            open: Vec::new(),
            said: Vec::new(),
            given: Given::default(),
            told: Vec::new(),
            snapshot: None,
            crashes_left,
            crashes: 0,
            cancels,
            coverage: Coverage::default(),
        }
    }

    pub(super) fn to_the_end(&mut self) -> Checked<RunOutcome> {
        self.tell(Input::Started, Expect::Taken)?;
        let wild = self.dice.below(WILD_TURNS_MAX);
        for turn in 0..TURNS_MAX {
            if self.run.result().is_some() && self.committed == self.log.len() {
                return self.ended();
            }
            if turn < wild { self.turn()? } else { self.calm_turn()? }
        }
        broken(Rule::Progress, format!("{TURNS_MAX} turns, and no end"))
    }

    /// One turn of a host with habits.
    fn turn(&mut self) -> Checked {
        let habits = self.simulation.habits;
        if percent(&mut self.dice, habits.laggard_percent) {
            let some = self.dice.below(self.log.len() - self.committed + 1);
            self.commit(self.committed + some);
        } else {
            self.commit(self.log.len());
        }
        self.take_commands()?;
        if percent(&mut self.dice, habits.strays_percent) {
            return self.stray();
        }
        if percent(&mut self.dice, habits.pauses_percent) {
            return self.tell(Input::Paused, Expect::Anything);
        }
        match self.dice.below(12) {
            0..=4 if !self.open.is_empty() => self.answer(),
            5 => self.let_time_pass(),
            6 if self.crashes < self.crashes_left => self.crash(),
            7 if self.cancels => {
                self.cancels = false;
                let reason = "enough".to_owned();
                self.tell(Input::Cancelled { reason }, Expect::Anything)
            }
            8 if self.reference.is_paused() => self.tell(Input::Resumed, Expect::Anything),
            9 => self.signal(),
            10 => self.heartbeat(),
            11 if self.dice.chance(0.5) => {
                let snapshot = self.run.snapshot();
                self.run.trim(snapshot.seq);
                self.snapshot = Some(snapshot);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// One turn of a host that only wants to get to the end.
    fn calm_turn(&mut self) -> Checked {
        self.commit(self.log.len());
        self.take_commands()?;
        if self.run.result().is_some() || self.committed < self.log.len() {
            return Ok(());
        }
        self.given.all_told(&self.reference, &self.log)?;
        if self.reference.is_paused() {
            return self.tell(Input::Resumed, Expect::Anything);
        }
        let (signals, _) = self.reference.awaited();
        if !self.open.is_empty() {
            self.answer()
        } else if let Some(deadline) = self.run.next_deadline() {
            self.now = self.now.max(deadline);
            self.tell(Input::TimePassed, Expect::Taken)
        } else if let Some(name) = signals.first() {
            self.send(&name.clone())
        } else {
            let in_flight = self.run.in_flight();
            broken(Rule::Progress, format!("nothing is open, {in_flight} in flight, and no end"))
        }
    }

    /// Tells the run something, and shows what comes of it to the reference.
    fn tell(&mut self, input: Input, expect: Expect) -> Checked {
        // Clocks are set back now and then.
        let back = if self.dice.chance(0.05) { self.dice.below(200) as u64 } else { 0 };
        let now = Timestamp(self.now.0.saturating_sub(back));
        let timely = matches!(input, Input::TimePassed | Input::Resumed);
        let due = if timely { self.reference.due(now) } else { BTreeSet::new() };
        let deadline = self.run.next_deadline();
        let told = self.run.handle(now, input.clone());
        if self.crashes == 0 {
            self.told.push((now, input.clone()));
        }
        let events = self.new_events();
        let fits = match (&told, expect) {
            (_, Expect::Anything)
            | (Ok(Handled::Taken), Expect::Taken)
            | (Ok(Handled::Ignored(_)), Expect::Ignored)
            | (Err(_), Expect::Refused) => true,
            _ => false,
        };
        must(fits, Rule::Ignored, || format!("{input:?} gives {told:?} instead of {expect:?}"))?;
        if told != Ok(Handled::Taken) {
            let left = events.is_empty() && self.run.next_deadline() == deadline;
            must(left, Rule::Ignored, || format!("{input:?} gives {told:?} and changes the run"))?;
        }
        self.show(events, Cause::Told(&input))?;
        self.reference.nothing_missing()?;
        if timely && !self.reference.is_paused() {
            let left = self.reference.due(now);
            let late = left.intersection(&due).next();
            must(late.is_none(), Rule::Missing, || format!("{late:?} was due"))?;
        }
        self.compare()
    }

    fn new_events(&mut self) -> Vec<Recorded> {
        std::iter::from_fn(|| self.run.poll_event()).collect()
    }

    fn show(&mut self, events: Vec<Recorded>, cause: Cause<'_>) -> Checked {
        for recorded in events {
            self.coverage.note_event(&recorded.event);
            let checked = self.reference.event(&recorded, cause);
            self.log.push(recorded);
            checked?;
        }
        Ok(())
    }

    /// What the run says of itself follows from its history.
    fn compare(&self) -> Checked {
        let (says, wanted) = (self.run.in_flight(), self.reference.in_flight());
        must(says == wanted, Rule::State, || format!("{says} in flight, should be {wanted}"))?;
        let (says, wanted) = (self.run.result(), self.reference.result.as_ref());
        must(says == wanted, Rule::State, || format!("the result is {says:?} not {wanted:?}"))?;
        let (says, wanted) = (self.run.next_deadline(), self.reference.next_deadline());
        must(says == wanted, Rule::Deadline, || format!("it is {says:?} not {wanted:?}"))
    }

    /// The same of every step.
    fn compare_steps(&self, view: &RunView, reference: &Reference<'_>) -> Checked {
        let outputs = reference.outputs();
        let statuses = reference.statuses();
        let other = view.steps.keys().find(|path| {
            !path.is_compensation() && statuses.iter().all(|(known, _)| known != *path)
        });
        must(other.is_none(), Rule::State, || format!("{other:?} should not be kept"))?;
        for (path, status) in statuses {
            let Some(step) = view.steps.get(&path) else {
                return broken(Rule::State, format!("{path} is not there"));
            };
            must(step.status == status, Rule::State, || {
                format!("{path} is {:?}, should be {status:?}", step.status)
            })?;
            must(step.output.as_ref() == outputs.get(&path), Rule::State, || {
                format!("{path} gave {:?}, should {:?}", step.output, outputs.get(&path))
            })?;
        }
        Ok(())
    }

    fn commit(&mut self, events: usize) {
        self.committed = events;
        self.run.committed(events as u64);
    }

    fn take_commands(&mut self) -> Checked {
        while let Some(command) = self.run.poll_command() {
            self.given.check(&command, &self.log, self.committed, &self.reference)?;
            match command {
                Command::Execute { .. } | Command::Route { .. } | Command::Decide { .. } => {
                    self.open.push(command);
                }
                Command::Withdraw { path } => {
                    self.coverage.note("withdrawn");
                    // Sometimes the person does not hear of it in time.
                    if self.dice.chance(0.7) {
                        self.open.retain(
                            |open| !matches!(open, Command::Decide { path: p, .. } if *p == path),
                        );
                    }
                }
                Command::Cancel { attempt } => {
                    self.coverage.note("told to stop");
                    // Some workers stop; others have finished already.
                    if self.dice.chance(0.5) {
                        let is_it = |open: &Command| matches!(open, Command::Execute { attempt: a, .. } if *a == attempt);
                        if let Some(at) = self.open.iter().position(is_it) {
                            self.open.swap_remove(at);
                            let result = Err(TaskError::cancelled());
                            self.say(Input::Answered { attempt, result })?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn answer(&mut self) -> Checked {
        let at = self.dice.below(self.open.len());
        let input = match self.open.swap_remove(at) {
            Command::Execute { attempt, task, .. } => {
                let result = match &self.simulation.work {
                    Some(work) => work(&task),
                    None => worker::work(self.world, &task),
                };
                Input::Answered { attempt, result }
            }
            Command::Route { attempt, request, candidates } => {
                Input::Routed { attempt, result: worker::route(&request, &candidates) }
            }
            Command::Decide { path, choices, input, .. } => {
                let decided = worker::decide(self.world, &path, &choices, &input);
                Input::Decided { path, decided }
            }
            Command::Cancel { .. } | Command::Withdraw { .. } => return Ok(()),
        };
        self.say(input)
    }

    /// Answers; whether it comes in time the reference knows.
    fn say(&mut self, input: Input) -> Checked {
        let in_time = match &input {
            Input::Answered { attempt, .. } => self.reference.awaits(attempt) == Some(true),
            Input::Routed { attempt, .. } => self.reference.awaits(attempt) == Some(false),
            Input::Decided { path, .. } => self.reference.asks(path),
            _ => return self.tell(input, Expect::Anything),
        };
        if !in_time {
            self.coverage.note("late answer");
        }
        self.said.push(input.clone());
        self.tell(input, if in_time { Expect::Taken } else { Expect::Ignored })
    }

    fn let_time_pass(&mut self) -> Checked {
        let due = self.run.next_deadline().filter(|_| self.dice.chance(0.5));
        let by = Duration::from_millis(self.dice.below(90) as u64);
        self.now = due.map_or(self.now.after(by), |due| self.now.max(due));
        self.tell(Input::TimePassed, Expect::Anything)
    }

    fn signal(&mut self) -> Checked {
        let names = self.reference.signal_names();
        if names.is_empty() || !self.dice.chance(0.5) {
            return Ok(());
        }
        let name = names[self.dice.below(names.len())].clone();
        self.send(&name)
    }

    fn send(&mut self, name: &str) -> Checked {
        let payload = Payload::of(&(self.dice.word() >> 44)).expect("a number is a payload");
        let name = SignalName::parse(name).expect("the name of a signal of this workflow");
        if self.reference.signals_kept(name.as_str()) > 0 {
            self.coverage.note("superfluous signal");
        }
        self.tell(Input::Signalled { name, payload }, Expect::Anything)
    }

    fn heartbeat(&mut self) -> Checked {
        let beating = self.open.iter().filter_map(|command| match command {
            Command::Execute { attempt, .. } => Some(attempt.clone()),
            _ => None,
        });
        // Those first that would be missed.
        let beating: Vec<AttemptId> = beating.collect();
        let missed = beating.iter().find(|id| self.reference.hears(id));
        let Some(attempt) = missed.or(beating.last()).cloned() else { return Ok(()) };
        self.now = self.now.after(Duration::from_millis(self.dice.below(150) as u64));
        self.tell(Input::Heartbeat { attempt }, Expect::Anything)
    }

    /// Something late, double or invented; it changes nothing, at whatever time it comes.
    fn stray(&mut self) -> Checked {
        let now = self.now;
        if self.dice.chance(0.3) {
            self.now = Timestamp(u64::MAX / 2);
        }
        let first = self.simulation.workflow.steps().next().expect("a workflow has steps").clone();
        let bogus = |path: &str, attempt| Input::Answered {
            attempt: AttemptId { path: Path::parse(path).expect("a path"), attempt },
            result: Ok(TaskOutput::default()),
        };
        let (word, input, expect) = match self.dice.below(7) {
            0..=2 if !self.said.is_empty() => {
                let at = self.dice.below(self.said.len());
                ("double answer", self.said[at].clone(), Expect::Ignored)
            }
            3 => ("invented step", bogus("nowhere", 1), Expect::Refused),
            4 => ("invented round", bogus(&format!("{first}[9]/nowhere"), 1), Expect::Refused),
            5 => {
                let path = Path::parse("nowhere").expect("a path");
                let decided = Decided::new("yes");
                ("invented decision", Input::Decided { path, decided }, Expect::Refused)
            }
            6 => ("second start", Input::Started, Expect::Ignored),
            _ => ("invented attempt", bogus(first.as_str(), 999), Expect::Refused),
        };
        let still = match &input {
            // The same attempt may be under way again: the host forgot the answer when it crashed.
            Input::Answered { attempt, .. } => self.reference.awaits(attempt) == Some(true),
            Input::Routed { attempt, .. } => self.reference.awaits(attempt) == Some(false),
            Input::Decided { path, .. } => self.reference.asks(path),
            _ => false,
        };
        if still {
            self.now = now;
            return Ok(());
        }
        self.coverage.note(word);
        let told = self.tell(input, expect);
        self.now = now;
        told
    }

    /// Loses everything that is not committed, and begins again from the rest.
    fn crash(&mut self) -> Checked {
        if self.committed == 0 {
            return Ok(());
        }
        self.crashes += 1;
        self.coverage.note("crash");
        let past = self.past()?;
        self.log.truncate(self.committed);
        self.snapshot = None;
        self.given.forget();
        // A worker or a person outlives the host now and then, and answers what is asked a second time.
        let keeps = self.dice.chance(0.3);
        let mut outlived = std::mem::take(&mut self.open);
        self.said.clear();
        self.told.clear();
        self.now = self.now.after(Duration::from_millis(self.dice.below(200) as u64));
        let restored =
            Run::restore(self.simulation.workflow.clone(), self.options.clone(), past, self.now);
        self.run = restored.map_err(|error| (Rule::Replay, error.to_string()))?;
        self.reference = Reference::new(self.terms);
        for recorded in &self.log {
            self.reference.event(recorded, Cause::Unknown)?;
        }
        let events = self.new_events();
        self.show(events, Cause::Restored)?;
        self.reference.nothing_missing()?;
        self.compare()?;
        self.compare_steps(&self.run.view(), &self.reference)?;
        outlived.retain(|command| {
            let id = match command {
                Command::Execute { attempt, .. } => attempt,
                _ => return false,
            };
            keeps && self.reference.awaits(id) == Some(true)
        });
        if !outlived.is_empty() {
            self.coverage.note("outlived the host");
        }
        self.open = outlived;
        Ok(())
    }

    /// What is left after a crash: events, a text whose last line is torn, or a snapshot and the events after it.
    fn past(&mut self) -> Checked<Past> {
        let kept = &self.log[..self.committed];
        let events = match self.dice.below(3) {
            0 => {
                self.coverage.note("torn line");
                let mut text = String::new();
                for recorded in kept {
                    text.push_str(&serde_json::to_string(recorded).expect("events are JSON"));
                    text.push('\n');
                }
                if let Some(next) = self.log.get(self.committed) {
                    let line = serde_json::to_string(next).expect("events are JSON");
                    let cut = (1..line.len()).rev().find(|&at| line.is_char_boundary(at));
                    text.push_str(&line[..cut.unwrap_or(0)]);
                }
                let read = text.lines().map_while(|line| serde_json::from_str(line).ok());
                let read: Vec<Recorded> = read.collect();
                must(read == kept, Rule::Replay, || "events change when they are written".into())?;
                read
            }
            _ => kept.to_vec(),
        };
        if self.committed == self.log.len() && self.dice.chance(0.3) {
            self.snapshot = Some(self.run.snapshot());
        }
        let usable = |snapshot: &mut Snapshot| snapshot.seq <= self.committed as u64;
        let Some(snapshot) = self.snapshot.take_if(usable) else { return Ok(events.into()) };
        self.coverage.note("snapshot");
        let text = serde_json::to_string(&snapshot).expect("a snapshot is JSON");
        let read: Option<Snapshot> = serde_json::from_str(&text).ok();
        must(read.as_ref() == Some(&snapshot), Rule::Replay, || {
            "a snapshot changes when it is written".into()
        })?;
        // A store may have kept more than the events after it.
        let from = if self.dice.chance(0.5) { snapshot.seq as usize } else { 0 };
        Ok(Past { snapshot: read, events: events[from..].to_vec() })
    }

    /// What holds at the end: nothing goes on, and the history alone makes the same run.
    fn ended(&mut self) -> Checked<RunOutcome> {
        let asks = self.run.poll_command();
        must(asks.is_none(), Rule::Command, || format!("a finished run asks for {asks:?}"))?;
        let after = [Input::Paused, Input::TimePassed, Input::Cancelled { reason: "late".into() }];
        for input in after {
            self.tell(input, Expect::Ignored)?;
        }
        let view = self.run.view();
        self.compare_steps(&view, &self.reference)?;
        let outcome = self.run.outcome();
        let Some(outcome) = outcome else { return broken(Rule::State, "there is no outcome") };
        let wanted = self.reference.outputs();
        must(outcome.outputs == wanted, Rule::State, || {
            format!("the outputs are {:?}, should be {wanted:?}", outcome.outputs)
        })?;
        let history = self.run.history();
        // A run that was restored from a snapshot has the events after it.
        let first = self.log.len() - history.len();
        let same = history == self.log[first..];
        must(same, Rule::State, || "the history is not what was polled".into())?;
        self.coverage.note(match &outcome.result {
            RunResult::Succeeded { .. } => "succeeded",
            RunResult::Failed { .. } => "failed",
            RunResult::Cancelled { .. } => "cancelled",
        });
        self.replayed(&view)?;
        self.at_any_event()?;
        self.told_again()?;
        Ok(outcome)
    }

    fn replayed(&self, view: &RunView) -> Checked {
        let again = Run::restore(
            self.simulation.workflow.clone(),
            self.options.clone(),
            self.log.clone(),
            self.now,
        );
        let again = again.map_err(|error| (Rule::Replay, error.to_string()))?;
        let same = again.view() == *view && again.outcome() == self.run.outcome();
        must(same, Rule::Replay, || "the replayed run is another".into())?;
        must(again.event_count() == self.log.len() as u64, Rule::Replay, || {
            "a run that has ended goes on when it is restored".into()
        })?;
        must(again.snapshot() == self.run.snapshot(), Rule::Replay, || {
            "the snapshot of the replayed run is another".into()
        })
    }

    /// The run as it stood at some event is what the events up to that make.
    fn at_any_event(&mut self) -> Checked {
        let seq = 1 + self.dice.below(self.log.len());
        let view = RunView::at(&self.simulation.workflow, self.log.clone(), seq as u64);
        let view = view.map_err(|error| (Rule::Replay, error.to_string()))?;
        let mut reference = Reference::new(self.terms);
        for recorded in &self.log[..seq] {
            reference.event(recorded, Cause::Unknown)?;
        }
        self.compare_steps(&view, &reference)
            .map_err(|(_, detail)| (Rule::Replay, format!("at event {seq}: {detail}")))
    }

    /// The same inputs, and nobody who polls or commits, give the same bytes.
    fn told_again(&self) -> Checked {
        if self.crashes > 0 {
            return Ok(());
        }
        let mut again = Run::new(self.simulation.workflow.clone(), self.options.clone());
        for (now, input) in &self.told {
            // Refusals are as before, and were looked at then.
            let _ = again.handle(*now, input.clone());
        }
        let bytes = |history: &[Recorded]| serde_json::to_string(history).expect("events are JSON");
        must(bytes(&again.history()) == bytes(&self.log), Rule::Bytes, || {
            "the same inputs gave another history".into()
        })
    }

    pub(super) fn report(mut self, outcome: RunOutcome) -> Report {
        self.coverage.one();
        Report {
            seed: self.simulation.seed,
            outcome,
            history: self.log,
            executions: self.given.executions,
            crashes: self.crashes,
            coverage: self.coverage,
        }
    }

    pub(super) fn violation(&self, broken: Broken) -> Violation {
        // The reference has stopped at the event that it did not allow.
        let at = (self.reference.seq as usize).saturating_sub(1);
        violation(self.simulation.seed, broken, &self.log, at)
    }
}

pub(super) fn violation(
    seed: u64,
    (rule, detail): Broken,
    history: &[Recorded],
    at: usize,
) -> Violation {
    let before = history[..at.min(history.len())].iter().rev().take(Violation::EVENTS_MAX).rev();
    Violation {
        seed,
        rule,
        event: history.get(at).cloned(),
        detail,
        before: before.cloned().collect(),
    }
}

fn percent(dice: &mut Stream, percent: u32) -> bool {
    dice.below(100) < percent as usize
}
