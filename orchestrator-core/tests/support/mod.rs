//! A world for the state machine: random workflows, workers whose answers are a pure function of the task, and a host that is late,
//! forgetful, and crashes. Everything follows from one seed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use orchestrator_core::{
    AttemptId, Candidate, Command, Context, Decision, Event, Handled, Ignored, Input, InputError,
    Join, On, Path, Payload, Recorded, RetryPolicy, Role, Run, RunOptions, Seed, Staff, Step,
    StepStatus, Stream, Task, TaskError, TaskOutput, Timestamp, Usage, WorkerName, Workflow,
    condition_fn, transform_fn,
};

/// Which joins a random workflow may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Joins {
    /// `All` only: the outcome must not depend on the order of arrival.
    All,
    /// Any, and n of m, too.
    Every,
}

/// A random definition with what is needed to judge its runs.
pub(crate) struct World {
    pub(crate) seed: Seed,
    pub(crate) workflow: Workflow,
    pub(crate) options: RunOptions,
    pub(crate) attempts_max: BTreeMap<String, u32>,
}

impl World {
    pub(crate) fn new(seed: u64, joins: Joins) -> World {
        let seed = Seed(seed);
        let mut author = Author {
            stream: seed.derive("definition").stream(),
            joins,
            steps: 0,
            attempts_max: BTreeMap::new(),
        };
        let workflow = author.frame("root", 0);
        let mut staff = Staff::default();
        for (role, worker) in [
            (Role::CODER, "ada"),
            (Role::REVIEWER, "grace"),
            (Role::REVIEWER, "edsger"),
            (Role::REVIEWER, "barbara"),
        ] {
            let worker = WorkerName::parse(worker).unwrap();
            let capabilities = Vec::new();
            staff.add(role, Candidate { worker, capabilities });
        }
        let options = RunOptions {
            seed: seed.derive("run"),
            staff,
            ..RunOptions::new("run-1", "a goal").unwrap()
        };
        World { seed, workflow, options, attempts_max: author.attempts_max }
    }

    pub(crate) fn run(&self) -> Run {
        Run::new(self.workflow.clone(), self.options.clone())
    }

    pub(crate) fn restore(&self, history: Vec<Recorded>, now: Timestamp) -> Run {
        Run::restore(self.workflow.clone(), self.options.clone(), history, now)
            .unwrap_or_else(|error| panic!("seed {}: {error}", self.seed))
    }

    /// What the worker says: a function of where it is, the attempt, and what it sees.
    pub(crate) fn work(&self, task: &Task) -> Result<TaskOutput, TaskError> {
        let place = format!("{} {}", task.path(), task.attempt());
        let mut stream = self.seed.derive("work").derive(&place).stream();
        let kind = stream.below(20);
        match kind {
            0..=1 => Err(TaskError::retryable("flaky", place)),
            2 => Err(TaskError::retryable_after(Duration::from_millis(70), "busy", place)),
            3 => Err(TaskError::outcome_unknown("lost", place)),
            4..=5 => Err(TaskError::terminal("bad", place)
                .with_details(Payload::of(&BTreeMap::from([("why", stream.unit())])).unwrap())),
            6 => Ok(Payload::null().into()),
            _ => Ok(TaskOutput::from(sight(task.input(), task.context())).with_usage(Usage {
                tokens: stream.word(),
                usd: stream.unit() * 1e-7,
                seconds: -0.0,
            })),
        }
    }

    pub(crate) fn choose(&self, candidates: &[Candidate], seed: Seed) -> Decision {
        let mut stream = seed.stream();
        Decision {
            worker: candidates[stream.below(candidates.len())].worker.clone(),
            rationale: "a throw of the dice".to_owned(),
            confidence: stream.unit(),
            propensity: 1.0 / candidates.len() as f64,
        }
    }

    /// Answers a command, if it asks for an answer.
    pub(crate) fn answer(&self, command: &Command) -> Input {
        match command {
            Command::Execute { attempt, task, .. } => {
                Input::Answered { attempt: attempt.clone(), result: self.work(task) }
            }
            Command::Route { attempt, request, candidates } => Input::Routed {
                attempt: attempt.clone(),
                result: Ok(self.choose(candidates, request.seed)),
            },
            Command::Cancel { attempt } => {
                Input::Answered { attempt: attempt.clone(), result: Err(TaskError::cancelled()) }
            }
            _ => panic!("a command of a new kind"),
        }
    }
}

/// All that can be seen, so that a difference in sight is a difference in the outcome.
pub(crate) fn sight(input: &Payload, context: &Context) -> Payload {
    let seen: BTreeMap<String, String> = context
        .visible()
        .into_iter()
        .map(|step| {
            let digest = context.payload(&step).unwrap().digest();
            (step, digest)
        })
        .collect();
    let round = context.round().ok().map(|r| (r.index, r.carried.digest()));
    Payload::of(&(input.digest(), seen, round, context.goal())).unwrap()
}

struct Author {
    stream: Stream,
    joins: Joins,
    steps: u32,
    attempts_max: BTreeMap<String, u32>,
}

impl Author {
    fn frame(&mut self, name: &str, depth: u32) -> Workflow {
        let count = 1 + self.stream.below(if depth == 0 { 7 } else { 4 });
        let mut builder = Workflow::builder(name);
        let mut ids: Vec<String> = Vec::new();
        for _ in 0..count {
            self.steps += 1;
            let id = format!("s{}", self.steps);
            let mut step = if depth < 2 && self.stream.chance(0.2) {
                self.repeated(&id, depth)
            } else {
                self.task(&id)
            };
            let mut edges = 0;
            for before in &ids {
                if self.stream.chance(0.4) {
                    let on = [On::Success, On::Success, On::Success, On::Failure, On::Always];
                    step = step.after_end(before, on[self.stream.below(5)]);
                    edges += 1;
                }
            }
            if self.joins == Joins::Every && edges > 0 {
                step = match self.stream.below(3) {
                    0 => step,
                    1 => step.join(Join::Any),
                    _ => step.join(Join::AtLeast(1 + self.stream.below(edges) as u32)),
                };
            }
            if self.stream.chance(0.15) {
                step = step.input(transform_fn("look", 1, |payload, context| {
                    if payload.is_null() {
                        return Err(orchestrator_core::ClosureError::new("nothing to look at"));
                    }
                    Ok(sight(payload, context))
                }));
            }
            if self.stream.chance(0.15) {
                step = step.output(transform_fn("look", 1, |payload, context| {
                    Ok(sight(payload, context))
                }));
            }
            builder = builder.step(step);
            ids.push(id);
        }
        builder.build().unwrap()
    }

    fn task(&mut self, id: &str) -> Step {
        let role = [Role::CODER, Role::REVIEWER, Role::TESTER][self.stream.below(3)].clone();
        let attempts_max = 1 + self.stream.below(3) as u32;
        self.attempts_max.insert(id.to_owned(), attempts_max);
        let retry = RetryPolicy {
            delay_ms: [0, 100][self.stream.below(2)],
            repeat_unknown: self.stream.chance(0.5),
            ..RetryPolicy::attempts(attempts_max)
        };
        Step::task(id, role).retry(retry)
    }

    fn repeated(&mut self, id: &str, depth: u32) -> Step {
        let body = self.frame(&format!("body_{id}"), depth + 1);
        let rounds_max = 1 + self.stream.below(3) as u32;
        if self.stream.chance(0.5) {
            let judges: Vec<String> = body.steps().map(ToString::to_string).collect();
            let judge = &judges[self.stream.below(judges.len())];
            Step::repeat_until_accepted(id, body, rounds_max, judge)
        } else {
            let done = condition_fn("done", 1, |context: &Context| {
                let seen = sight(&Payload::null(), context).digest();
                Ok(seen.ends_with(|last: char| ('0'..'8').contains(&last)))
            });
            Step::repeat_until(id, body, rounds_max, done)
        }
    }
}

/// What a host may do beside working.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Habits {
    pub(crate) crashes_max: u32,
    pub(crate) pauses: bool,
    pub(crate) nonsense: bool,
    pub(crate) cancels: bool,
}

/// A host that drives one run in a random order and checks all that must hold on the way.
pub(crate) struct Host<'a> {
    world: &'a World,
    stream: Stream,
    habits: Habits,
    pub(crate) run: Run,
    now: Timestamp,
    polled: u64,
    committed: u64,
    open: Vec<Command>,
    answered: Vec<Input>,
    /// What every attempt was handed out with: it must be the same every time.
    handed_out: BTreeMap<AttemptId, (String, Seed, Payload, Payload)>,
    /// Everything that was told to the run, as long as it did not crash.
    pub(crate) told: Vec<(Timestamp, Input)>,
    pub(crate) crashes: u32,
}

impl<'a> Host<'a> {
    pub(crate) fn new(world: &'a World, order: u64, habits: Habits) -> Host<'a> {
        Host {
            world,
            stream: world.seed.derive("order").index(order).stream(),
            habits,
            run: world.run(),
            now: Timestamp(1_000),
            polled: 0,
            committed: 0,
            open: Vec::new(),
            answered: Vec::new(),
            handed_out: BTreeMap::new(),
            told: Vec::new(),
            crashes: 0,
        }
    }

    pub(crate) fn ended(mut self) -> Host<'a> {
        self.tell(Input::Started);
        for _ in 0..20_000 {
            if self.run.result().is_some() {
                self.check_end();
                return self;
            }
            self.turn();
        }
        let history = self.run.history();
        let last = history.iter().rev().take(6).collect::<Vec<_>>();
        panic!(
            "seed {}: the run does not end; it has {} in flight, and the last events {last:#?}",
            self.world.seed,
            self.run.in_flight()
        );
    }

    fn turn(&mut self) {
        // Some turns persist only some of the events.
        for _ in 0..self.stream.below(6) {
            if let Some(recorded) = self.run.poll_event() {
                self.polled = recorded.seq;
            }
        }
        if self.stream.chance(0.7) {
            self.committed = self.polled;
            self.run.committed(self.polled);
        }
        while let Some(command) = self.run.poll_command() {
            self.check_command(&command);
            self.open.push(command);
        }
        let kinds = 8 + u64::from(self.habits.nonsense || self.habits.pauses) * 4;
        match self.stream.below(kinds as usize) {
            0..=4 if !self.open.is_empty() => {
                let at = self.stream.below(self.open.len());
                let input = self.world.answer(&self.open.swap_remove(at));
                self.answered.push(input.clone());
                self.tell(input);
            }
            5 => {
                self.now = self.now.after(Duration::from_millis(self.stream.below(90) as u64));
                self.tell(Input::TimePassed);
            }
            6 if self.crashes < self.habits.crashes_max && self.committed > 0 => self.crash(),
            7 if self.habits.cancels && self.stream.chance(0.2) => {
                self.tell(Input::Cancelled { reason: "enough".to_owned() });
            }
            8 if self.habits.pauses => self.tell(Input::Paused),
            9 if self.habits.nonsense => self.nonsense(),
            10..=11 if self.habits.pauses => self.tell(Input::Resumed),
            _ => {}
        }
    }

    fn tell(&mut self, input: Input) {
        self.told.push((self.now, input.clone()));
        let told = self.run.handle(self.now, input.clone());
        // A command to cancel and the answer of the worker cross on their way.
        assert!(told.is_ok(), "seed {}: {input:?} gave {told:?}", self.world.seed);
    }

    fn crash(&mut self) {
        self.crashes += 1;
        let kept = self.run.history()[..self.committed as usize].to_vec();
        let text = serde_json::to_string(&kept).unwrap();
        let read: Vec<Recorded> = serde_json::from_str(&text).unwrap();
        assert_eq!(read, kept, "seed {}", self.world.seed);
        self.run = self.world.restore(read, self.now);
        self.polled = self.committed;
        self.open.clear();
        self.answered.clear();
        self.told.clear();
    }

    fn check_command(&mut self, command: &Command) {
        let seed = self.world.seed;
        assert!(self.run.result().is_none(), "seed {seed}: a finished run asks for {command:?}");
        let (attempt, is_cause): (_, fn(&Event, &AttemptId) -> bool) = match command {
            Command::Execute { attempt, task, .. } => {
                let sent = (
                    task.idempotency_key(),
                    task.seed(),
                    task.input().clone(),
                    sight(task.input(), task.context()),
                );
                let first = self.handed_out.entry(attempt.clone()).or_insert(sent.clone());
                assert_eq!(*first, sent, "seed {seed}: {attempt:?} is handed out differently");
                assert_eq!(self.run.status(&attempt.path), Some(StepStatus::Running));
                (attempt, |event, id| match event {
                    Event::AttemptStarted { path, attempt, .. }
                    | Event::RouteDecided { path, attempt, .. }
                    | Event::AttemptRedispatched { path, attempt, .. } => {
                        (path, attempt) == (&id.path, &id.attempt)
                    }
                    _ => false,
                })
            }
            Command::Route { attempt, .. } => (attempt, |event, id| {
                matches!(event, Event::RouteRequested { path, attempt, .. }
                    if (path, attempt) == (&id.path, &id.attempt))
            }),
            Command::Cancel { attempt } => {
                (attempt, |event, _| matches!(event, Event::CancelRequested { .. }))
            }
            _ => panic!("a command of a new kind"),
        };
        let kept = &self.run.history()[..self.committed as usize];
        assert!(
            kept.iter().any(|recorded| is_cause(&recorded.event, attempt)),
            "seed {seed}: the cause of {command:?} is not committed"
        );
    }

    /// Late, double and invented inputs change nothing.
    fn nonsense(&mut self) {
        let events = self.run.history().len();
        let deadline = self.run.next_deadline();
        let far = Timestamp(u64::MAX / 2);
        let bogus = |path: &str, attempt| Input::Answered {
            attempt: AttemptId { path: Path::parse(path).unwrap(), attempt },
            result: Ok(TaskOutput::default()),
        };
        let told = match self.stream.below(4) {
            0 if !self.answered.is_empty() => {
                let double = self.answered[self.stream.below(self.answered.len())].clone();
                let told = self.run.handle(far, double);
                assert_eq!(told, Ok(Handled::Ignored(Ignored::AlreadyAnswered)));
                told
            }
            1 => {
                let told = self.run.handle(far, bogus("nowhere", 1));
                assert!(matches!(told, Err(InputError::UnknownStep { .. })), "{told:?}");
                told
            }
            2 => {
                let told = self.run.handle(far, bogus("s1[9]/s2", 1));
                assert!(matches!(told, Err(InputError::UnknownStep { .. })), "{told:?}");
                told
            }
            _ => {
                let first = self.world.workflow.steps().next().unwrap().clone();
                let told = self.run.handle(far, bogus(first.as_str(), 99));
                assert!(matches!(told, Err(InputError::UnknownAttempt { .. })), "{told:?}");
                told
            }
        };
        assert_ne!(told, Ok(Handled::Taken));
        assert_eq!(self.run.history().len(), events, "seed {}", self.world.seed);
        assert_eq!(self.run.next_deadline(), deadline);
    }

    fn check_end(&mut self) {
        let seed = self.world.seed;
        while self.run.poll_event().is_some() {}
        self.run.commit_polled();
        assert!(self.run.poll_command().is_none(), "seed {seed}");
        assert_eq!(self.run.next_deadline(), None, "seed {seed}");
        assert_eq!(self.run.in_flight(), 0, "seed {seed}");
        let after = self.run.handle(self.now, Input::Paused);
        assert_eq!(after, Ok(Handled::Ignored(Ignored::RunEnded)), "seed {seed}");
        check_history(self.world, &self.run.history());
    }
}

/// What must be true of every history.
pub(crate) fn check_history(world: &World, history: &[Recorded]) {
    let seed = world.seed;
    let mut settled: BTreeSet<&Path> = BTreeSet::new();
    let mut cancelled = false;
    for recorded in history {
        let (path, attempt, starts, settles) = match &recorded.event {
            Event::RouteRequested { path, attempt, .. }
            | Event::RouteDecided { path, attempt, .. }
            | Event::AttemptStarted { path, attempt, .. } => (path, *attempt, true, false),
            Event::LoopStarted { path, .. } | Event::RoundStarted { path, .. } => {
                (path, 0, true, false)
            }
            Event::AttemptRedispatched { path, attempt, redispatches } => {
                assert!(*redispatches <= 3, "seed {seed}");
                (path, *attempt, false, false)
            }
            Event::AttemptFailed { path, attempt, .. } => (path, *attempt, false, false),
            Event::StepSucceeded { path, attempt, .. }
            | Event::StepFailed { path, attempt, .. } => (path, *attempt, false, true),
            Event::StepSkipped { path } => (path, 0, false, true),
            Event::CancelRequested { .. } => {
                cancelled = true;
                continue;
            }
            _ => continue,
        };
        assert!(!(starts && cancelled), "seed {seed}: {recorded:?} after the cancellation");
        assert!(!settled.contains(path), "seed {seed}: {recorded:?} after {path} had ended");
        let bound = world.attempts_max.get(path.step().as_str()).copied().unwrap_or(0);
        assert!(attempt <= bound, "seed {seed}: {recorded:?}, of {bound} attempts");
        if settles {
            settled.insert(path);
        }
    }
}

/// Drives a run to its end in one fixed order: what is due first, then the smallest open attempt.
pub(crate) fn drive_in_order(world: &World, mut run: Run, mut now: Timestamp) -> Run {
    let mut open: BTreeMap<(AttemptId, u8), Command> = BTreeMap::new();
    for _ in 0..20_000 {
        while run.poll_event().is_some() {}
        run.commit_polled();
        while let Some(command) = run.poll_command() {
            let key = match &command {
                Command::Execute { attempt, .. } => (attempt.clone(), 1),
                Command::Route { attempt, .. } => (attempt.clone(), 0),
                Command::Cancel { attempt } => (attempt.clone(), 2),
                _ => panic!("a command of a new kind"),
            };
            open.insert(key, command);
        }
        if run.result().is_some() {
            return run;
        }
        let input = match (run.next_deadline(), open.pop_first()) {
            (Some(due), Some((key, command))) if due <= now => {
                open.insert(key, command);
                Input::TimePassed
            }
            (_, Some((_, command))) => world.answer(&command),
            (Some(due), None) => {
                now = now.max(due);
                Input::TimePassed
            }
            (None, None) => panic!("seed {}: nothing is open, and no end", world.seed),
        };
        run.handle(now, input).unwrap();
    }
    panic!("seed {}: the run does not end", world.seed);
}
