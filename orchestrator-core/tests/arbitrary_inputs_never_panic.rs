//! Whatever a run is told, in whatever order, sense or nonsense: it does not panic, what it refuses or ignores leaves no event, and what it
//! records is a history that a run can have.

use std::cell::Cell;
use std::time::Duration;

use orchestrator_core::testkit::{Simulation, check_history};
use orchestrator_core::{
    AttemptId, Candidate, Command, Context, Decided, Decision, Handled, Input, Join, On,
    OnItemFailure, Path, Payload, Recorded, RetryPolicy, Role, RouteError, Run, RunOptions,
    SignalName, Staff, Step, TaskError, TaskOutput, Timestamp, WorkerName, Workflow, condition_fn,
    transform_fn,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// How many sequences are tried.
const CASES: u32 = 1_000;

/// Places that are there, that are there only at times, and that never are.
const PATHS: [&str; 16] = [
    "a",
    "ask",
    "wait",
    "rest",
    "loop",
    "loop[0]/try",
    "loop[1]/try",
    "loop[2]/try",
    "map",
    "map[0]/one",
    "map[1]/one",
    "map[7]/one",
    "sub[0]/inner",
    "a~compensation",
    "nowhere",
    "a[0]/b",
];

#[derive(Debug, Clone)]
enum Act {
    Tell(Input),
    /// Answers one of the commands that are open, by its number.
    Answer(usize, u8),
    /// Says again what was said before.
    Repeat(usize),
    Pass(u16),
    Poll,
    Commit(u8),
    /// Goes down, and comes up again from what is committed.
    Crash,
    Snapshot,
}

fn path() -> impl Strategy<Value = Path> {
    (0..PATHS.len()).prop_map(|at| Path::parse(PATHS[at]).unwrap())
}

fn attempt() -> impl Strategy<Value = AttemptId> {
    let number = prop_oneof![4 => 0..4_u32, 1 => Just(u32::MAX)];
    (path(), number).prop_map(|(path, attempt)| AttemptId { path, attempt })
}

fn payload() -> impl Strategy<Value = Payload> {
    prop_oneof![
        Just(Payload::null()),
        any::<u64>().prop_map(|number| Payload::of(&number).unwrap()),
        ".{0,8}".prop_map(|text| Payload::text(&text)),
        proptest::collection::vec(any::<i8>(), 0..5).prop_map(|list| Payload::of(&list).unwrap()),
        // More than may travel.
        Just(Payload::text(&"x".repeat(600))),
    ]
}

fn result() -> impl Strategy<Value = Result<TaskOutput, TaskError>> {
    prop_oneof![
        (payload(), any::<f64>()).prop_map(|(payload, usd)| {
            let mut output = TaskOutput::from(payload);
            output.usage.usd = usd;
            Ok(output)
        }),
        (0..5_usize, ".{0,6}", payload(), any::<u64>()).prop_map(|(kind, code, details, ms)| {
            let error = match kind {
                0 => TaskError::retryable(&code, "again"),
                1 => TaskError::retryable_after(Duration::from_millis(ms), &code, "later"),
                2 => TaskError::terminal(&code, "never"),
                3 => TaskError::cancelled(),
                _ => TaskError::outcome_unknown(&code, "who knows"),
            };
            Err(error.with_details(details))
        }),
    ]
}

fn routed() -> impl Strategy<Value = Result<Decision, RouteError>> {
    let worker = prop_oneof![Just("grace"), Just("tony"), Just("nobody")];
    prop_oneof![
        (worker, any::<f64>()).prop_map(|(worker, number)| Ok(Decision {
            worker: WorkerName::parse(worker).unwrap(),
            rationale: String::new(),
            confidence: number,
            propensity: number,
        })),
        Just(Err(RouteError { reason: "none".into() })),
    ]
}

fn input() -> impl Strategy<Value = Input> {
    let choice = prop_oneof![Just("yes"), Just("no"), Just("perhaps")];
    let name = prop_oneof![Just("go"), Just("gone")];
    prop_oneof![
        1 => Just(Input::Started),
        6 => (attempt(), result()).prop_map(|(attempt, result)| Input::Answered { attempt, result }),
        5 => (attempt(), routed()).prop_map(|(attempt, result)| Input::Routed { attempt, result }),
        4 => attempt().prop_map(|attempt| Input::Heartbeat { attempt }),
        4 => (path(), choice, payload()).prop_map(|(path, choice, remark)| Input::Decided {
            path,
            decided: Decided { by: Some("ada".into()), remark, ..Decided::new(choice) },
        }),
        4 => (name, payload()).prop_map(|(name, payload)| Input::Signalled {
            name: SignalName::parse(name).unwrap(),
            payload,
        }),
        8 => Just(Input::TimePassed),
        2 => Just(Input::Paused),
        6 => Just(Input::Resumed),
        1 => Just(Input::Cancelled { reason: "enough".into() }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => input().prop_map(Act::Tell),
        12 => (any::<usize>(), any::<u8>()).prop_map(|(at, how)| Act::Answer(at, how)),
        2 => any::<usize>().prop_map(Act::Repeat),
        3 => any::<u16>().prop_map(|ms| Act::Pass(ms % 300)),
        5 => Just(Act::Poll),
        5 => any::<u8>().prop_map(Act::Commit),
        1 => Just(Act::Crash),
        1 => Just(Act::Snapshot),
    ]
}

/// A workflow with every kind of step in it; `variant` changes how they hang together.
fn workflow(variant: u8) -> Workflow {
    let retry = || RetryPolicy { delay_ms: 50, ..RetryPolicy::attempts(2) };
    let one = |step: Step| Workflow::builder("body").step(step).build().unwrap();
    let list = transform_fn("list", 1, |_: &Payload, _: &Context| Ok(Payload::of(&[1, 2, 3])?));
    let seen = |context: &Context| Ok(context.visible().len().is_multiple_of(2));
    let failing = [OnItemFailure::FailFast, OnItemFailure::Tolerate(1), OnItemFailure::Collect];
    let ms = Duration::from_millis;
    let try_it = Step::task("try", Role::REVIEWER).retry(retry()).heartbeat_timeout(ms(90));
    let item = Step::task("one", Role::CODER).retry(retry()).attempt_timeout(ms(120));
    let last = Step::branch("last").case(condition_fn("even", 1, seen), "end").otherwise("other");
    Workflow::builder("all")
        .step(Step::task("a", Role::CODER).retry(retry()).compensate(Role::REVIEWER, retry()))
        .step(Step::decision("ask", "go on?", ["yes", "no"]).default_choice("no", ms(200)))
        .step(Step::wait_for_signal("wait", "go").step_timeout(ms(400)))
        .step(Step::wait_for("rest", ms(70)).after_when("ask", condition_fn("even", 1, seen)))
        .step(Step::repeat_until_accepted("loop", one(try_it), 3, "try").after("a").rounds_kept(1))
        .step(
            Step::map("map", one(item), 2)
                .input(list)
                .on_item_failure(failing[variant as usize % 3])
                .after("a")
                .step_timeout(ms(500)),
        )
        .step(
            Step::sub_workflow("sub", one(Step::task("inner", Role::TESTER)))
                .after_end("loop", On::Always)
                .after_end("map", On::Failure)
                .join(if variant.is_multiple_of(2) { Join::Any } else { Join::AtLeast(1) }),
        )
        .step(last.after("wait").join(Join::Any))
        .step(Step::task("end", Role::CODER))
        .step(Step::task("other", Role::CODER).compensate(Role::CODER, retry()))
        .build()
        .unwrap()
}

/// Who fills the roles: somebody is to be chosen among the reviewers.
fn staff() -> Vec<(Role, Candidate)> {
    let reviewer = |name: &str| {
        let worker = WorkerName::parse(name).unwrap();
        (Role::REVIEWER, Candidate { worker, capabilities: Vec::new() })
    };
    vec![reviewer("grace"), reviewer("tony")]
}

struct Host {
    workflow: Workflow,
    options: RunOptions,
    run: Run,
    now: Timestamp,
    committed: usize,
    log: Vec<Recorded>,
    open: Vec<Command>,
    said: Vec<Input>,
}

impl Host {
    fn new(variant: u8) -> Host {
        let mut filled = Staff::default();
        staff().into_iter().for_each(|(role, candidate)| filled.add(role, candidate));
        let options = RunOptions {
            staff: filled,
            payload_bytes_max: 1_000,
            signals_max: 2,
            ..RunOptions::new("run-1", "a goal").unwrap()
        };
        let workflow = workflow(variant);
        let run = Run::new(workflow.clone(), options.clone());
        let (log, open, said) = Default::default();
        Host { workflow, options, run, now: Timestamp(0), committed: 0, log, open, said }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Tell(input) => self.tell(input),
            Act::Answer(at, how) => {
                while let Some(command) = self.run.poll_command() {
                    assert!(self.run.result().is_none(), "a finished run asks for {command:?}");
                    self.open.push(command);
                }
                if !self.open.is_empty() {
                    let command = self.open.swap_remove(at % self.open.len());
                    self.answer(command, how);
                }
            }
            Act::Repeat(at) if !self.said.is_empty() => {
                self.tell(self.said[at % self.said.len()].clone());
            }
            Act::Pass(ms) => self.now.0 += u64::from(ms),
            Act::Poll | Act::Repeat(_) => self.poll(),
            Act::Commit(events) => {
                self.committed = self.log.len().min(self.committed + events as usize % 8);
                self.run.committed(self.committed as u64);
            }
            Act::Crash if self.committed > 0 => {
                self.log.truncate(self.committed);
                self.open.clear();
                let run = Run::restore(
                    self.workflow.clone(),
                    self.options.clone(),
                    self.log.clone(),
                    self.now,
                );
                self.run = run.unwrap();
            }
            Act::Crash => {}
            Act::Snapshot => {
                let snapshot = self.run.snapshot();
                assert_eq!(snapshot.seq, self.run.event_count());
            }
        }
    }

    fn answer(&mut self, command: Command, how: u8) {
        let input = match command {
            Command::Execute { attempt, task, .. } => {
                let result = match how % 4 {
                    0 => Err(TaskError::retryable("flaky", "again")),
                    1 => Err(TaskError::terminal("bad", "never")),
                    _ => Ok(task.input().clone().into()),
                };
                Input::Answered { attempt, result }
            }
            Command::Route { attempt, candidates, .. } => {
                let worker = candidates[how as usize % candidates.len()].worker.clone();
                let rationale = String::new();
                let decision = Decision { worker, rationale, confidence: 1.0, propensity: 1.0 };
                Input::Routed { attempt, result: Ok(decision) }
            }
            Command::Decide { path, choices, .. } => Input::Decided {
                path,
                decided: Decided {
                    by: Some("ada".into()),
                    ..Decided::new(&choices[how as usize % choices.len()])
                },
            },
            Command::Cancel { attempt } => {
                Input::Answered { attempt, result: Err(TaskError::cancelled()) }
            }
            _ => return,
        };
        self.tell(input);
    }

    fn tell(&mut self, input: Input) {
        let (events, deadline) = (self.run.event_count(), self.run.next_deadline());
        self.said.push(input.clone());
        let told = self.run.handle(self.now, input.clone());
        if told != Ok(Handled::Taken) {
            assert_eq!(self.run.event_count(), events, "{input:?} gives {told:?}");
            assert_eq!(self.run.next_deadline(), deadline, "{input:?} gives {told:?}");
        }
    }

    fn poll(&mut self) {
        self.log.extend(std::iter::from_fn(|| self.run.poll_event()));
    }
}

/// Does it all to one run, and looks at what came of that.
fn check(variant: u8, acts: Vec<Act>) -> Host {
    let mut host = Host::new(variant);
    // One in eight runs is never told to begin, unless by chance.
    if !variant.is_multiple_of(8) {
        host.tell(Input::Started);
    }
    for act in acts {
        host.act(act);
    }
    host.poll();
    let mut simulation = Simulation::new(0).workflow(host.workflow.clone());
    for (role, candidate) in staff() {
        simulation = simulation.worker(role, candidate);
    }
    check_history(&simulation, &host.log).unwrap_or_else(|violation| panic!("{violation}"));
    if !host.log.is_empty() {
        let past = host.log.clone();
        let again = Run::restore(host.workflow.clone(), host.options.clone(), past, host.now);
        assert!(again.unwrap().event_count() >= host.log.len() as u64);
    }
    host
}

/// A failure prints the shortest sequence that shows it.
#[test]
fn a_run_takes_whatever_comes() {
    let (ended, long) = (Cell::new(0), Cell::new(0));
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..Default::default() };
    let sequences = (any::<u8>(), proptest::collection::vec(act(), 1..250));
    let tried = TestRunner::new(config).run(&sequences, |(variant, acts)| {
        let host = check(variant, acts);
        ended.set(ended.get() + u32::from(host.run.result().is_some()));
        long.set(long.get() + u32::from(host.log.len() > 25));
        Ok(())
    });
    tried.unwrap_or_else(|failure| panic!("{failure}"));
    // Sequences that led nowhere would say little.
    assert!(ended.get() > CASES / 50 && long.get() > CASES / 10, "{ended:?} {long:?}");
}
