//! The conformance checks, on the stores of this crate.

use std::collections::BTreeMap;

use orchestrator_core::journal::conformance::{self, Subject};
use orchestrator_core::{FileOptions, FileStore, MemoryStore, RunStore};
use tempfile::TempDir;

struct Memory;

impl Subject for Memory {
    fn fresh(&mut self) -> Box<dyn RunStore> {
        Box::new(MemoryStore::default())
    }
}

/// Each fresh store is in a folder of its own; the last one opened is the one that is reopened.
struct Folder {
    options: FileOptions,
    folders: BTreeMap<usize, TempDir>,
}

impl Folder {
    fn open(&self) -> Box<dyn RunStore> {
        let dir = self.folders.values().last().unwrap();
        Box::new(FileStore::open_with(dir.path(), self.options.clone()).unwrap())
    }
}

impl Subject for Folder {
    fn fresh(&mut self) -> Box<dyn RunStore> {
        self.folders.insert(self.folders.len(), tempfile::tempdir().unwrap());
        self.open()
    }

    fn reopen(&mut self, store: Box<dyn RunStore>) -> Option<Box<dyn RunStore>> {
        drop(store);
        Some(self.open())
    }
}

#[track_caller]
fn check(subject: &mut dyn Subject) {
    if let Err(failures) = conformance::check(subject) {
        panic!("{failures}");
    }
}

#[test]
fn memory() {
    check(&mut Memory);
}

#[test]
fn file() {
    check(&mut Folder { options: FileOptions::default(), folders: BTreeMap::new() });
}

/// Segments are closed, written anew and deleted all the time.
#[test]
fn file_with_tiny_segments() {
    for segment_bytes in [1, 200, 1_000] {
        check(&mut Folder { options: FileOptions { segment_bytes }, folders: BTreeMap::new() });
    }
}
