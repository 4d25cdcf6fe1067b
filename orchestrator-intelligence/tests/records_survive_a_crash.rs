//! The tracker and its file: bounded, appended, torn, damaged, of another version.

mod common;

use std::fs;

use common::{name, record};
use orchestrator_intelligence::{ExecutionOutcome, ExecutionTracker, JsonlStore, StoreError, Torn};

fn file() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("execution_records.jsonl");
    (dir, path)
}

#[test]
fn what_was_appended_is_read_again() {
    let (_dir, path) = file();
    let (mut store, loaded) = JsonlStore::open(&path, 10).unwrap();
    assert!(loaded.records.is_empty() && loaded.torn.is_none());
    let records: Vec<_> = (0..4).map(|at| record("w", at % 2 == 0, f64::from(at))).collect();
    for record in &records {
        store.append(record).unwrap();
    }
    drop(store);
    assert_eq!(JsonlStore::open(&path, 10).unwrap().1.records, records);
    assert_eq!(JsonlStore::open(&path, 3).unwrap().1.records, records[1..]);
}

#[test]
fn a_torn_end_is_cut_wherever_it_was_torn() {
    let (_dir, path) = file();
    let (mut store, _) = JsonlStore::open(&path, 10).unwrap();
    store.append(&record("w", true, 1.0)).unwrap();
    let first = fs::read(&path).unwrap();
    store.append(&record("é", false, 2.0)).unwrap();
    let both = fs::read(&path).unwrap();
    for cut in first.len() + 1..both.len() {
        fs::write(&path, &both[..cut]).unwrap();
        let (mut store, loaded) = JsonlStore::open(&path, 10).unwrap();
        if cut == both.len() - 1 {
            // Only the newline is gone: the record is whole.
            assert_eq!((loaded.records.len(), loaded.torn), (2, None));
        } else {
            let bytes = cut - first.len();
            assert_eq!(loaded.torn, Some(Torn { line: 2, bytes }), "cut at {cut}");
            assert_eq!(loaded.records.len(), 1);
        }
        store.append(&record("w", true, 3.0)).unwrap();
        let again = JsonlStore::open(&path, 10).unwrap().1;
        assert_eq!(again.torn, None);
        assert_eq!(again.records.last().unwrap().usd, 3.0);
    }
}

#[test]
fn a_damaged_line_names_file_and_line() {
    let (_dir, path) = file();
    let (mut store, _) = JsonlStore::open(&path, 10).unwrap();
    store.append(&record("w", true, 1.0)).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{good}{{\"version\":1}}\n{good}")).unwrap();
    let message = JsonlStore::open(&path, 10).unwrap_err().to_string();
    assert!(message.contains("execution_records.jsonl line 2: missing field"), "{message}");

    fs::write(&path, format!("{good}{}", good.replace("\"version\":1", "\"version\":7"))).unwrap();
    let error = JsonlStore::open(&path, 10).unwrap_err();
    assert!(matches!(error, StoreError::Version { line: 2, found: 7, .. }), "{error}");

    fs::write(&path, [good.as_bytes(), b"\xff\xfe\n"].concat()).unwrap();
    assert!(matches!(JsonlStore::open(&path, 10), Err(StoreError::Line { line: 2, .. })));
    // Nothing was cut from a file that could not be read.
    assert_eq!(fs::read(&path).unwrap().len(), good.len() + 3);
}

#[test]
fn a_record_that_json_cannot_hold_is_refused_and_leaves_no_trace() {
    let (_dir, path) = file();
    let (mut store, _) = JsonlStore::open(&path, 10).unwrap();
    assert!(store.append(&record("w", true, f64::NAN)).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"");
}

#[test]
fn the_tracker_forgets_the_oldest_and_answers_queries() {
    let tracker = ExecutionTracker::new(5);
    for at in 0..8 {
        tracker.record(record(if at < 6 { "a" } else { "b" }, at % 2 == 0, f64::from(at)));
    }
    assert_eq!(tracker.len(), 5);
    assert_eq!(tracker.records()[0].usd, 3.0);
    assert_eq!(tracker.by_outcome(ExecutionOutcome::Success).len(), 2);
    assert_eq!(tracker.by_worker(&name("b")).len(), 2);
    assert_eq!(tracker.by_area("core").len(), 5);
    assert!(tracker.by_area("docs").is_empty());
    let statistics = tracker.statistics();
    assert_eq!((statistics.tasks, statistics.success_rate, statistics.usd_mean), (5, 0.4, 5.0));
}
