//! A world for dry runs: random workflows of tasks and loops, and workers whose answers are a pure function of the task. Everything follows
//! from one seed.

use std::collections::BTreeMap;
use std::time::Duration;

use orchestrator_core::{
    AttemptId, Candidate, Command, Context, Decision, Input, On, Payload, RetryPolicy, Role, Run,
    RunOptions, Seed, Staff, Step, Stream, Task, TaskError, TaskOutput, Timestamp, Usage,
    WorkerName, Workflow, condition_fn, transform_fn,
};

/// A random definition with what is needed to judge its runs.
pub(crate) struct World {
    pub(crate) seed: Seed,
    pub(crate) workflow: Workflow,
    pub(crate) options: RunOptions,
}

impl World {
    pub(crate) fn new(seed: u64) -> World {
        let seed = Seed(seed);
        let mut author = Author { stream: seed.derive("definition").stream(), steps: 0 };
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
        World { seed, workflow, options }
    }

    pub(crate) fn run(&self) -> Run {
        Run::new(self.workflow.clone(), self.options.clone())
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
    steps: u32,
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
            for before in &ids {
                if self.stream.chance(0.4) {
                    let on = [On::Success, On::Success, On::Success, On::Failure, On::Always];
                    step = step.after_end(before, on[self.stream.below(5)]);
                }
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
