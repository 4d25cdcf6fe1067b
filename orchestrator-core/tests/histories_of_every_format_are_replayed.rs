//! Histories that released versions wrote, kept in `golden/history_vN`: whatever comes later must replay them to the same end, under
//! definitions that must keep their digests.
//!
//! Between them they have every event there is. Never write a golden history anew once it was released: add a folder.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path as File, PathBuf};
use std::time::Duration;

use orchestrator_core::{
    Candidate, Command, Context, Decided, Decision, Event, Input, On, OnItemFailure, Past, Path,
    Payload, Recorded, RetryPolicy, Role, Run, RunId, RunOptions, RunOutcome, RunView, Seed,
    SignalName, Snapshot, Staff, Step, TaskError, Timestamp, WorkerName, Workflow, condition_fn,
    fork, migrate, transform_fn,
};
use serde::{Deserialize, Serialize};

/// What a golden file holds.
#[derive(Serialize, Deserialize)]
struct Golden {
    history: Vec<Recorded>,
    /// The state in the middle, and at the end.
    snapshots: Vec<Snapshot>,
    view: RunView,
    outcome: RunOutcome,
}

fn golden() -> PathBuf {
    File::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/history_v1")
}

#[test]
fn every_golden_history_is_replayed_to_its_end() {
    let mut kinds = BTreeSet::new();
    for (name, workflow, ..) in scenarios() {
        let text = fs::read_to_string(golden().join(format!("{name}.json"))).unwrap();
        let golden: Golden = serde_json::from_str(&text).unwrap();
        kinds.extend(golden.history.iter().map(|recorded| kind(&recorded.event)));
        let end = golden.history.last().unwrap().at;
        let mut pasts = vec![Past::from(golden.history.clone())];
        for snapshot in golden.snapshots {
            let events = golden.history[snapshot.seq as usize..].to_vec();
            pasts.push(Past { snapshot: Some(snapshot), events });
        }
        for past in pasts {
            let run = Run::restore(workflow.clone(), options(name), past, end).unwrap();
            assert_eq!(run.outcome().as_ref(), Some(&golden.outcome), "{name}");
            assert_eq!(run.view(), golden.view, "{name}");
        }
    }
    let every: BTreeSet<String> = KINDS.iter().map(ToString::to_string).collect();
    assert_eq!(kinds, every, "the golden histories have every event");
}

/// The same inputs still give the same bytes.
#[test]
fn what_wrote_the_golden_histories_writes_them_again() {
    for (name, workflow, script) in scenarios() {
        let text = fs::read_to_string(golden().join(format!("{name}.json"))).unwrap();
        assert_eq!(written(name, &workflow, script), text, "{name}");
    }
}

/// `cargo test -p orchestrator-core --test histories_of_every_format_are_replayed -- --ignored`
#[test]
#[ignore = "writes the golden histories"]
fn write_version_1() {
    fs::create_dir_all(golden()).unwrap();
    for (name, workflow, script) in scenarios() {
        fs::write(golden().join(format!("{name}.json")), written(name, &workflow, script)).unwrap();
    }
}

fn written(name: &str, workflow: &Workflow, script: Script) -> String {
    let (run, snapshots) = script(name, workflow);
    let golden = Golden {
        history: run.history(),
        snapshots,
        view: run.view(),
        outcome: run.outcome().expect("the script ends the run"),
    };
    serde_json::to_string_pretty(&golden).unwrap() + "\n"
}

type Script = fn(&str, &Workflow) -> (Run, Vec<Snapshot>);

fn scenarios() -> Vec<(&'static str, Workflow, Script)> {
    vec![
        ("every_kind", every_kind(), |name, workflow| {
            play(name, workflow, &mut every_kind_script())
        }),
        ("undone", undone(), |name, workflow| {
            play(
                name,
                workflow,
                &mut VecDeque::from([Say::Tell(Input::Cancelled { reason: "enough".into() })]),
            )
        }),
        ("forked", every_kind(), forked),
        ("migrated", changed(), migrated),
    ]
}

fn options(name: &str) -> RunOptions {
    let mut staff = Staff::default();
    for (role, worker) in
        [(Role::CODER, "ada"), (Role::REVIEWER, "grace"), (Role::REVIEWER, "edsger")]
    {
        let worker = WorkerName::parse(worker).unwrap();
        staff.add(role, Candidate { worker, capabilities: Vec::new() });
    }
    RunOptions {
        seed: Seed(7),
        staff,
        input: Some(Payload::parse(r#"{"list":[1,2,3],"title":"ä \"quoted\"\n"}"#).unwrap()),
        ..RunOptions::new(name, "a goal, \"ä\"\n").unwrap()
    }
}

fn every_kind() -> Workflow {
    let draft = Workflow::builder("draft_body")
        .step(Step::task("write", Role::CODER).retry(RetryPolicy::attempts(3)))
        .step(Step::task("review", Role::REVIEWER).after("write"))
        .build()
        .unwrap();
    let each =
        Workflow::builder("each_body").step(Step::task("load", Role::CODER)).build().unwrap();
    let sub = Workflow::builder("sub_body").step(Step::task("inner", Role::CODER)).build().unwrap();
    let large = |context: &Context| Ok(context.output::<u64>("each/none").is_ok());
    Workflow::builder("every_kind")
        .step(Step::task("begin", Role::CODER).heartbeat_timeout(Duration::from_secs(10)))
        .step(Step::repeat_until_accepted("draft", draft, 3, "review").after("begin"))
        .step(
            Step::map("each", each, 2)
                .on_item_failure(OnItemFailure::Collect)
                .input(transform_fn("list", 1, |_, _| Ok(Payload::parse("[1,2,3]")?)))
                .after("begin"),
        )
        .step(
            Step::branch("size")
                .after("each")
                .case(condition_fn("large", 1, large), "split")
                .otherwise("keep"),
        )
        .step(Step::task("split", Role::CODER))
        .step(Step::task("keep", Role::CODER))
        .step(Step::sub_workflow("sub", sub).after("keep"))
        .step(Step::decision("ask", "ship it?", ["ship", "hold"]).after("sub"))
        .step(Step::wait_for_signal("paid", "payment").after("ask"))
        .step(Step::wait_for("rest", Duration::from_secs(5)).after("paid"))
        .step(Step::task("ship", Role::CODER).after_when(
            "rest",
            condition_fn("shipped", 1, |context: &Context| {
                Ok(context.output::<Decided>("ask")?.choice == "ship")
            }),
        ))
        .step(Step::task("hopeless", Role::CODER).after("begin"))
        .step(Step::task("console", Role::CODER).after_end("hopeless", On::Failure))
        .build()
        .unwrap()
}

fn undone() -> Workflow {
    let each =
        Workflow::builder("each_body").step(Step::task("poor", Role::CODER)).build().unwrap();
    Workflow::builder("undone")
        .step(Step::task("book", Role::CODER).compensate(Role::CODER, RetryPolicy::attempts(1)))
        .step(
            Step::task("pay", Role::CODER)
                .compensate(Role::CODER, RetryPolicy::attempts(1))
                .after("book"),
        )
        .step(
            Step::map("each", each, 2)
                .input(transform_fn("list", 1, |_, _| Ok(Payload::parse("[1,2,3]")?)))
                .after("pay"),
        )
        .step(Step::task("console", Role::CODER).after_end("each", On::Failure))
        .step(Step::wait_for_signal("never", "never").after("console"))
        .build()
        .unwrap()
}

/// `undone` with one more step.
fn changed() -> Workflow {
    Workflow::builder("undone")
        .step(Step::task("book", Role::CODER))
        .step(Step::task("post", Role::CODER).after("book"))
        .build()
        .unwrap()
}

/// What the outside does when no command is open.
enum Say {
    Tell(Input),
    /// Lets the deadline come.
    Wait,
    /// Goes down, and comes up again.
    Crash,
}

fn every_kind_script() -> VecDeque<Say> {
    let path = |text| Path::parse(text).unwrap();
    let signal = |name| SignalName::parse(name).unwrap();
    VecDeque::from([
        Say::Tell(Input::Signalled { name: signal("payment"), payload: Payload::from("12 €") }),
        Say::Wait,
        Say::Tell(Input::Paused),
        Say::Tell(Input::Resumed),
        Say::Crash,
        Say::Tell(Input::Decided {
            path: path("ask"),
            decided: Decided { by: Some("ada".into()), ..Decided::new("ship") },
        }),
        Say::Wait,
    ])
}

/// Plays a run to its end. Every fourth command is lost in a crash; workers answer by what they are asked.
fn play(name: &str, workflow: &Workflow, script: &mut VecDeque<Say>) -> (Run, Vec<Snapshot>) {
    let mut run = Run::new(workflow.clone(), options(name));
    let now = Timestamp(1_700_000_000_000);
    run.handle(now, Input::Started).unwrap();
    go_on(run, now, script)
}

fn go_on(mut run: Run, mut now: Timestamp, script: &mut VecDeque<Say>) -> (Run, Vec<Snapshot>) {
    let (mut open, mut snapshots) = (VecDeque::new(), Vec::new());
    let mut lost = false;
    while run.result().is_none() {
        run.committed(u64::MAX);
        while let Some(command) = run.poll_command() {
            open.push_back(command);
        }
        now = now.after(Duration::from_millis(3));
        let crash = |run: &Run| {
            let (workflow, id) = (run.workflow().clone(), run.id().to_string());
            Run::restore(workflow, options(&id), run.history(), now).unwrap()
        };
        if !lost && run.event_count() > 9 && !open.is_empty() {
            lost = true;
            open.clear();
            run = crash(&run);
            continue;
        }
        if let Some(input) = open.pop_front().and_then(|command| answer(&mut run, now, &command)) {
            run.handle(now, input).unwrap();
        } else if open.is_empty() {
            match script.pop_front() {
                Some(Say::Tell(input)) => {
                    run.handle(now, input).unwrap();
                }
                Some(Say::Wait) => {
                    now = run.next_deadline().unwrap_or(now).max(now);
                    run.handle(now, Input::TimePassed).unwrap();
                }
                Some(Say::Crash) => run = crash(&run),
                None => panic!("the script is over, and the run is not: {:#?}", run.view()),
            }
        }
        if snapshots.is_empty() && run.event_count() > 20 {
            snapshots.push(run.snapshot());
        }
    }
    snapshots.push(run.snapshot());
    (run, snapshots)
}

fn answer(run: &mut Run, now: Timestamp, command: &Command) -> Option<Input> {
    match command {
        Command::Execute { attempt, task, .. } => {
            if attempt.path.step().as_str() == "begin" {
                let later = now.after(Duration::from_secs(6));
                let _ = run.handle(later, Input::Heartbeat { attempt: attempt.clone() }).unwrap();
            }
            let text = attempt.path.to_string();
            let result = match (text.as_str(), attempt.attempt) {
                ("draft[0]/write", 1) => Err(TaskError::retryable("busy", "come back later")),
                ("draft[0]/review", _) => Err(TaskError::terminal("rejected", "once more")
                    .with_details(Payload::parse(r#"["too long"]"#).unwrap())),
                ("hopeless" | "each[1]/poor" | "pay~compensation", _) => {
                    Err(TaskError::outcome_unknown("lost", "who knows"))
                }
                _ => Ok(Payload::of(&BTreeMap::from([(text, task.input().digest())]))
                    .unwrap()
                    .into()),
            };
            Some(Input::Answered { attempt: attempt.clone(), result })
        }
        Command::Route { attempt, candidates, .. } => {
            let worker = candidates[attempt.attempt as usize % candidates.len()].worker.clone();
            let rationale = "in turn".to_owned();
            let decision = Decision { worker, rationale, confidence: 0.5, propensity: 0.25 };
            Some(Input::Routed { attempt: attempt.clone(), result: Ok(decision) })
        }
        _ => None,
    }
}

/// The run of every kind, its map done again.
fn forked(name: &str, workflow: &Workflow) -> (Run, Vec<Snapshot>) {
    let (parent, _) = play("every_kind", workflow, &mut every_kind_script());
    let from = [Path::parse("each[1]/load").unwrap()];
    let id = RunId::parse("every_kind").unwrap();
    let history = fork(workflow, &id, &parent.history(), &from, None).unwrap();
    let now = history.last().unwrap().at;
    let run = Run::restore(workflow.clone(), options(name), history, now).unwrap();
    let mut script = every_kind_script();
    script.pop_front();
    go_on(run, now, &mut script)
}

/// The beginning of a run that was to be undone, gone on with under another definition.
fn migrated(name: &str, workflow: &Workflow) -> (Run, Vec<Snapshot>) {
    let mut run = Run::new(undone(), options(name));
    let now = Timestamp(1_700_000_000_000);
    run.handle(now, Input::Started).unwrap();
    let history = migrate(&run.history(), workflow, |event| Some(event.clone())).unwrap();
    let run = Run::restore(workflow.clone(), options(name), history, now).unwrap();
    go_on(run, now, &mut VecDeque::new())
}

/// The name of an event, as it is written.
fn kind(event: &Event) -> String {
    serde_json::to_value(event).unwrap()["type"].as_str().unwrap().to_owned()
}

/// Every event that version 1 can write.
const KINDS: [&str; 31] = [
    "run_started",
    "forked",
    "migrated",
    "route_requested",
    "route_decided",
    "attempt_started",
    "attempt_redispatched",
    "heartbeat_received",
    "step_succeeded",
    "attempt_failed",
    "step_failed",
    "step_skipped",
    "step_stopping",
    "edge_decided",
    "branch_taken",
    "loop_started",
    "round_started",
    "map_expanded",
    "item_started",
    "item_ended",
    "sub_workflow_started",
    "decision_requested",
    "decision_made",
    "wait_started",
    "wait_ended",
    "signal_received",
    "paused",
    "resumed",
    "cancel_requested",
    "unwinding_started",
    "run_ended",
];
