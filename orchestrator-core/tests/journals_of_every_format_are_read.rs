//! Journals that released versions wrote, kept in `golden/journal_vN`: whatever comes later must read them.
//!
//! Beside each log stands what it holds, `expected.json`. A later version may know more of an event than was written then, so that all
//! that is written there must be found, but not the other way round. Never write a golden journal anew once it was released: add one.

use std::fs;
use std::path::{Path, PathBuf};

use futures::executor::block_on;
use orchestrator_core::{
    Batch, Command, FileOptions, FileStore, Input, Payload, Recorded, RetryPolicy, Role, Run,
    RunId, RunOptions, RunStore, Snapshot, Step, TaskError, Timestamp, Workflow,
};
use serde_json::{Value, json};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

#[test]
fn every_golden_journal_holds_what_it_held() {
    let mut journals = 0;
    for entry in fs::read_dir(golden()).unwrap() {
        let journal = entry.unwrap().path();
        if !journal.file_name().unwrap().to_str().unwrap().starts_with("journal_v") {
            continue;
        }
        journals += 1;
        let copied = tempfile::tempdir().unwrap();
        fs::create_dir(copied.path().join("log")).unwrap();
        for entry in fs::read_dir(journal.join("log")).unwrap() {
            let from = entry.unwrap().path();
            fs::copy(&from, copied.path().join("log").join(from.file_name().unwrap())).unwrap();
        }
        let store = FileStore::open(copied.path()).unwrap();
        assert_eq!(store.recovery().cut, None, "{}", journal.display());
        let text = fs::read_to_string(journal.join("expected.json")).unwrap();
        let expected: Value = serde_json::from_str(&text).unwrap();
        let found = contents(&store);
        assert_eq!(found.as_array().unwrap().len(), expected.as_array().unwrap().len());
        includes(&found, &expected, &journal.display().to_string());
    }
    assert_eq!(journals, 1, "golden journals");
}

/// All that is expected is there; lists are as long.
#[track_caller]
fn includes(found: &Value, expected: &Value, at: &str) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            for (key, expected) in expected {
                let at = format!("{at}/{key}");
                includes(found.get(key).unwrap_or_else(|| panic!("{at} is gone")), expected, &at);
            }
        }
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len(), "{at}");
            for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
                includes(found, expected, &format!("{at}/{index}"));
            }
        }
        (found, expected) => assert_eq!(found, expected, "{at}"),
    }
}

fn contents(store: &dyn RunStore) -> Value {
    let runs = block_on(store.runs()).unwrap().into_iter().map(|entry| {
        let stored = block_on(store.load(&entry.run)).unwrap().unwrap();
        json!({"entry": entry, "snapshot": stored.snapshot, "events": stored.events})
    });
    runs.collect()
}

/// The events of a run with a loop, a retry, and a failure at the end.
fn events(workflow: &Workflow, run: &RunId) -> Vec<Recorded> {
    let options = RunOptions::new(run.as_str(), "a goal, \"ä\"\n").unwrap();
    let mut run = Run::new(workflow.clone(), options);
    let mut now = Timestamp(1_700_000_000_000);
    run.handle(now, Input::Started).unwrap();
    let mut events = Vec::new();
    while run.result().is_none() {
        while let Some(recorded) = run.poll_event() {
            let recorded = recorded.clone();
            run.committed(recorded.seq);
            events.push(recorded);
        }
        now = run.next_deadline().unwrap_or(now).max(now);
        run.handle(now, Input::TimePassed).unwrap();
        while let Some(command) = run.poll_command() {
            if let Command::Execute { attempt, task, .. } = command {
                let result = match events.len() % 3 {
                    0 => Err(TaskError::retryable("busy", "come back later")),
                    _ => Ok(task.input().clone().into()),
                };
                run.handle(now, Input::Answered { attempt, result }).unwrap();
            }
        }
    }
    while let Some(recorded) = run.poll_event() {
        events.push(recorded.clone());
    }
    events
}

/// `cargo test -p orchestrator-core --test journals_of_every_format_are_read -- --ignored`
#[test]
#[ignore = "writes a golden journal"]
fn write_version_1() {
    let body = Workflow::builder("draft")
        .step(Step::task("write", Role::CODER).retry(RetryPolicy::attempts(3)))
        .step(Step::task("review", Role::REVIEWER).after("write"))
        .build()
        .unwrap();
    let workflow = Workflow::builder("publish")
        .step(Step::repeat_until_accepted("draft", body, 2, "review"))
        .step(Step::task("deploy", Role::DEPLOYER).after("draft"))
        .build()
        .unwrap();
    let target = golden().join("journal_v1");
    let dir = tempfile::tempdir().unwrap();
    let store = FileStore::open_with(dir.path(), FileOptions { segment_bytes: 3_000 }).unwrap();
    let runs = ["run-1", "Run-1", "läuft.2", "gone"].map(|name| RunId::parse(name).unwrap());
    let all = runs.clone().map(|run| events(&workflow, &run));
    for at in 0..all.iter().map(Vec::len).max().unwrap() {
        let parts: Vec<(RunId, Batch)> = runs
            .iter()
            .zip(&all)
            .filter_map(|(run, events)| {
                let part = events.chunks(1 + run.as_str().len() % 3).nth(at)?;
                Some((run.clone(), Batch::new(part.to_vec()).unwrap()))
            })
            .collect();
        block_on(store.append(&parts)).unwrap();
    }
    let snapshot = |seq| {
        let state = Payload::parse(r#"{"nodes":[1,2.5,"ä"],"round":null}"#).unwrap();
        Snapshot { v: 1, seq, at: Timestamp(1_700_000_000_000), state }
    };
    block_on(store.compact(&runs[1], snapshot(4))).unwrap();
    block_on(store.compact(&runs[2], snapshot(all[2].len() as u64))).unwrap();
    block_on(store.remove(&runs[3])).unwrap();
    let _ = fs::remove_dir_all(&target);
    fs::create_dir_all(target.join("log")).unwrap();
    for entry in fs::read_dir(dir.path().join("log")).unwrap() {
        let from = entry.unwrap().path();
        fs::copy(&from, target.join("log").join(from.file_name().unwrap())).unwrap();
    }
    let text = serde_json::to_string_pretty(&contents(&store)).unwrap();
    fs::write(target.join("expected.json"), text + "\n").unwrap();
}
