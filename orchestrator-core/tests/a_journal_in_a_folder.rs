//! What is promised of the folder: what a crash may leave there, what damage does, what can be deleted.

#[path = "support/history.rs"]
mod history;

use std::fs;
use std::path::{Path, PathBuf};

use futures::executor::block_on;
use history::{Call, Contents, History, contents, expected};
use orchestrator_core::{
    Batch, Event, FileOptions, FileStore, Payload, Recorded, RunId, RunStore, Snapshot, StoreError,
    Timestamp,
};
use tempfile::TempDir;

/// A folder on a disk in memory, where there is one: these tests tear files themselves, and would wait for ten thousand fsyncs.
fn scratch() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

fn open(dir: &Path, segment_bytes: u64) -> Result<FileStore, StoreError> {
    FileStore::open_with(dir, FileOptions { segment_bytes })
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The segments, in order.
fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(dir.join("log")).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn bytes_in(dir: &Path) -> u64 {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}

fn line_starts(text: &[u8]) -> impl DoubleEndedIterator<Item = usize> {
    let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).filter(|start| *start < text.len())
}

/// A store in a folder that made these calls, and is closed.
fn made(calls: &[Call], segment_bytes: u64) -> TempDir {
    let dir = scratch();
    let store = open(dir.path(), segment_bytes).unwrap();
    for call in calls {
        block_on(call.make(&store)).unwrap();
    }
    dir
}

/// What must be there after each number of calls and of batches of the next one.
fn states(calls: &[Call]) -> Vec<Contents> {
    let mut states = Vec::new();
    for number in 0..calls.len() {
        for kept in calls[number].prefixes() {
            let calls: Vec<Call> = calls[..number].iter().cloned().chain(kept).collect();
            states.push(block_on(async { contents(&expected(&calls).await).await }));
        }
    }
    states
}

fn appends(seed: u64, count: usize) -> Vec<Call> {
    let calls: Vec<Call> =
        History::new(seed).take_while(|call| matches!(call, Call::Append(_))).take(count).collect();
    assert_eq!(calls.len(), count, "seed {seed} begins with other calls");
    calls
}

/// A history that begins with so many appends.
fn seed_of_appends(count: usize) -> u64 {
    (0..)
        .find(|seed| History::new(*seed).take(count).all(|call| matches!(call, Call::Append(_))))
        .unwrap()
}

#[test]
fn any_history_is_kept_whatever_is_closed_deleted_and_garbled_in_between() {
    for seed in 0..12 {
        let dir = scratch();
        let segment_bytes = [300, 2_000, 20_000][(seed % 3) as usize];
        let mut store = open(dir.path(), segment_bytes).unwrap();
        let calls: Vec<Call> = History::new(seed).take(250).collect();
        for (number, call) in calls.iter().enumerate() {
            block_on(call.make(&store)).unwrap();
            if number % 20 == 19 {
                drop(store);
                spoil_projections(dir.path(), number);
                store = open(dir.path(), segment_bytes).unwrap();
                let expected = block_on(expected(&calls[..=number]));
                let expected = block_on(contents(&expected));
                let found = block_on(contents(&store));
                assert_eq!(found, expected, "seed {seed}, after call {number}");
            }
        }
        let memory = block_on(expected(&calls));
        assert_eq!(block_on(contents(&store)), block_on(contents(&memory)), "seed {seed}");
    }
}

/// Deletes, empties, garbles and lengthens projections.
fn spoil_projections(dir: &Path, number: usize) {
    for folder in [".runs", ".state"] {
        let paths = fs::read_dir(dir.join(folder)).unwrap().map(|entry| entry.unwrap().path());
        let mut paths: Vec<PathBuf> = paths.collect();
        paths.sort();
        for (at, path) in paths.iter().enumerate() {
            let mut bytes = fs::read(path).unwrap();
            match (number / 20 + at) % 6 {
                0 => fs::remove_file(path).unwrap(),
                1 => fs::write(path, "").unwrap(),
                2 => {
                    let middle = bytes.len() / 2;
                    if let Some(byte) = bytes.get_mut(middle) {
                        *byte ^= 4;
                    }
                    fs::write(path, bytes).unwrap();
                }
                3 => {
                    bytes.extend_from_slice(b"{}\n");
                    fs::write(path, bytes).unwrap();
                }
                _ => {}
            }
        }
    }
}

#[test]
fn a_log_that_is_torn_in_its_last_lines_keeps_every_whole_batch_before() {
    let calls = appends(seed_of_appends(6), 6);
    let states = states(&calls);
    let dir = made(&calls, u64::MAX);
    let log = segments(dir.path()).pop().unwrap();
    let whole = fs::read(&log).unwrap();
    let (mut least, mut cuts) = (0, 0);
    let from = line_starts(&whole).rev().nth(4).unwrap();
    for length in from..=whole.len() {
        let copied = scratch();
        copy(dir.path(), copied.path());
        let log = copied.path().join("log").join(log.file_name().unwrap());
        fs::write(&log, &whole[..length]).unwrap();
        let store = open(copied.path(), u64::MAX).unwrap();
        let found = block_on(contents(&store));
        let at = states.iter().position(|state| *state == found);
        let at = at.unwrap_or_else(|| panic!("torn at {length}: {found:#?}"));
        assert!(at >= least, "torn at {length}, less is kept than when torn before");
        least = at;
        match &store.recovery().cut {
            Some(cut) => {
                cuts += 1;
                let kept = fs::metadata(&log).unwrap().len();
                assert_eq!((cut.offset, cut.offset + cut.bytes), (kept, length as u64));
                assert_eq!(cut.file, log);
            }
            None => assert!(whole[length - 1] == b'\n', "torn at {length}"),
        }
        if length % 8 != 0 && length != whole.len() {
            continue;
        }
        // Whoever got no answer makes the calls again, and goes on.
        for call in &calls {
            block_on(call.make(&store)).unwrap();
        }
        assert_eq!(block_on(contents(&store)), *states.last().unwrap(), "torn at {length}");
        drop(store);
        assert_eq!(open(copied.path(), u64::MAX).unwrap().recovery().cut, None);
    }
    assert_eq!(states[least], *states.last().unwrap());
    assert!(cuts > (whole.len() - from) / 2, "{cuts} cuts");
}

#[test]
fn a_flipped_byte_is_an_error_with_its_line_or_a_reported_cut_of_the_end() {
    let calls = appends(seed_of_appends(5), 5);
    let states = states(&calls);
    let dir = made(&calls, 1_500);
    let paths = segments(dir.path());
    assert!(paths.len() > 1, "one segment is too few");
    for path in &paths {
        let whole = fs::read(path).unwrap();
        for at in 0..whole.len() {
            let copied = scratch();
            copy(dir.path(), copied.path());
            let path_copied = copied.path().join("log").join(path.file_name().unwrap());
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            fs::write(&path_copied, &flipped).unwrap();
            let number = 1 + whole[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
            match open(copied.path(), 1_500) {
                Ok(store) => {
                    assert_eq!(path, paths.last().unwrap(), "byte {at} of {path:?}");
                    let cut = store.recovery().cut.clone().expect("a cut");
                    assert!(cut.offset <= at as u64 && cut.bytes > 0);
                    let found = block_on(contents(&store));
                    assert!(states.contains(&found), "byte {at} of {path:?}");
                }
                Err(StoreError::Damaged { file, line, .. }) => {
                    assert_eq!((file, line), (path_copied.clone(), number), "byte {at}");
                    assert_eq!(fs::read(path_copied).unwrap(), flipped, "the damage is left alone");
                }
                Err(error) => panic!("byte {at} of {path:?}: {error}"),
            }
        }
    }
}

#[test]
fn a_missing_segment_is_damage_and_so_is_a_missing_log() {
    let calls = appends(seed_of_appends(6), 6);
    let dir = made(&calls, 500);
    let paths = segments(dir.path());
    assert!(paths.len() > 3);
    for path in &paths[..paths.len() - 1] {
        let copied = scratch();
        copy(dir.path(), copied.path());
        fs::remove_file(copied.path().join("log").join(path.file_name().unwrap())).unwrap();
        let error = open(copied.path(), 500).err().expect("a missing segment");
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    }
    fs::remove_dir_all(dir.path().join("log")).unwrap();
    let error = open(dir.path(), 500).err().expect("a missing log");
    assert!(error.to_string().contains("the log is missing"), "{error}");
}

#[test]
fn what_a_crash_leaves_of_a_merge_is_cleaned_up() {
    let calls = appends(seed_of_appends(6), 6);
    let dir = made(&calls, 500);
    let paths = segments(dir.path());
    // As after the new file took its name, and before the old ones were deleted.
    let merged = [fs::read(&paths[0]).unwrap(), fs::read(&paths[1]).unwrap()].concat();
    fs::write(dir.path().join("log/00000001-00000002.log"), merged).unwrap();
    fs::write(dir.path().join("log/00000002-00000003.tmp"), "half").unwrap();
    let store = open(dir.path(), 500).unwrap();
    let memory = block_on(expected(&calls));
    assert_eq!(block_on(contents(&store)), block_on(contents(&memory)));
    assert!(!paths[0].exists() && !paths[1].exists() && paths[2].exists());
    assert!(!dir.path().join("log/00000002-00000003.tmp").exists());
}

#[test]
fn a_folder_has_one_open_store() {
    let dir = scratch();
    let store = FileStore::open(dir.path()).unwrap();
    let error = FileStore::open(dir.path()).err().expect("the folder is held");
    assert_eq!(error, StoreError::Locked { lock: dir.path().join("lock") });
    drop(store);
    FileStore::open(dir.path()).unwrap();
}

#[test]
fn a_later_format_is_refused_as_such() {
    let dir = made(&appends(seed_of_appends(2), 2), u64::MAX);
    let log = segments(dir.path()).pop().unwrap();
    let mut text = fs::read(&log).unwrap();
    // CRC-32C of the bytes before it, worked out by another implementation.
    text.extend_from_slice(b"{\"v\":2,\"later\":true,\"crc\":\"dbb306ac\"}\n");
    fs::write(&log, text).unwrap();
    let error = open(dir.path(), u64::MAX).err().expect("a later format");
    assert!(matches!(error, StoreError::Version { found: 2, known: 1, .. }), "{error}");
}

#[test]
fn the_log_shrinks_when_runs_are_compacted_and_removed() {
    const SEGMENT: u64 = 4_000;
    let dir = scratch();
    let store = open(dir.path(), SEGMENT).unwrap();
    // A run that stays holds on to the first segment and to nothing else.
    let stays: Vec<Call> = appends(seed_of_appends(1), 1);
    block_on(stays[0].make(&store)).unwrap();
    let mut most = 0;
    for round in 0..200_u64 {
        let run = RunId::parse(format!("short-{round}")).unwrap();
        let events =
            (1..=20).map(|seq| Recorded { seq, at: Timestamp(round), event: Event::Paused });
        let batch = Batch::new(events.collect()).unwrap();
        block_on(store.append(&[(run.clone(), batch)])).unwrap();
        block_on(store.remove(&run)).unwrap();
        most = most.max(bytes_in(&dir.path().join("log")));
    }
    // Dead: as much as is live and one segment. Live: what stays, removals not yet needless. And the open segment, with its append.
    assert!(most < 5 * SEGMENT, "{most} bytes");
    assert!(segments(dir.path()).len() < 6, "{:?}", segments(dir.path()));
    store.project().unwrap();
    let projections = fs::read_dir(dir.path().join(".runs")).unwrap().count();
    assert_eq!(projections, block_on(store.runs()).unwrap().len());
    drop(store);
    let store = open(dir.path(), SEGMENT).unwrap();
    let memory = block_on(expected(&stays));
    assert_eq!(block_on(contents(&store)), block_on(contents(&memory)));
}

#[test]
fn projections_can_be_read_by_anybody() {
    let calls = appends(seed_of_appends(12), 12);
    let dir = made(&calls, u64::MAX);
    let memory = block_on(expected(&calls));
    for (entry, stored) in block_on(contents(&memory)) {
        let name = entry.run.as_str();
        let Ok(text) = fs::read_to_string(dir.path().join(format!(".runs/{name}.jsonl"))) else {
            continue;
        };
        assert_eq!(text.lines().count(), stored.events.len());
        for (line, recorded) in text.lines().zip(&stored.events) {
            let json: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(json["event"], serde_json::to_value(&recorded.event).unwrap());
            assert_eq!((&json["seq"], &json["run"]), (&recorded.seq.into(), &name.into()));
        }
        return;
    }
    panic!("no run has a projection by its own name");
}

/// Segments are closed and written anew under the feet of those who append and read.
#[test]
fn threads_that_append_compact_remove_and_load_do_not_disturb_each_other() {
    let dir = scratch();
    let store = open(dir.path(), 700).unwrap();
    let last = |thread: u64| 80 + thread;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                let run = RunId::parse(format!("Run-{thread}")).unwrap();
                let gone = RunId::parse(format!("gone-{thread}")).unwrap();
                for seq in 1..=last(thread) {
                    // The other run lives for ten events, again and again.
                    let other = (gone.clone(), paused((seq - 1) % 10 + 1));
                    if seq % 10 == 1 {
                        block_on(store.remove(&gone)).unwrap();
                    }
                    block_on(store.append(&[(run.clone(), paused(seq)), other])).unwrap();
                    if seq % 7 == 0 {
                        let state = Payload::of(&seq).unwrap();
                        let snapshot = Snapshot { v: 1, seq, at: Timestamp(0), state };
                        block_on(store.compact(&run, snapshot)).unwrap();
                    }
                    let stored = block_on(store.load(&run)).unwrap().unwrap();
                    assert_eq!(stored.last_seq(), seq);
                    assert_eq!(stored.events.len() as u64, seq % 7);
                }
            });
        }
    });
    let before = block_on(contents(&store));
    assert_eq!(before.len(), 8);
    for thread in 0..4_u64 {
        let name = format!("Run-{thread}");
        let entry = before.iter().find(|(entry, _)| entry.run.as_str() == name).unwrap();
        assert_eq!(entry.0.last_seq, last(thread));
    }
    drop(store);
    assert_eq!(block_on(contents(&open(dir.path(), 700).unwrap())), before);
}

fn paused(seq: u64) -> Batch {
    Batch::new(vec![Recorded { seq, at: Timestamp(0), event: Event::Paused }]).unwrap()
}
