//! The conformance checks of orchestrator-core, on the database.

use std::path::PathBuf;

use orchestrator_core::RunStore;
use orchestrator_core::journal::conformance::{self, Subject};
use orchestrator_sqlite::SqliteStore;
use tempfile::TempDir;

/// Each fresh store is a file of its own; the last one is the one that is reopened.
struct Files {
    dir: TempDir,
    count: u64,
}

impl Files {
    fn path(&self) -> PathBuf {
        self.dir.path().join(format!("{}.sqlite", self.count))
    }
}

impl Subject for Files {
    fn fresh(&mut self) -> Box<dyn RunStore> {
        self.count += 1;
        Box::new(SqliteStore::open(self.path()).unwrap())
    }

    fn reopen(&mut self, store: Box<dyn RunStore>) -> Option<Box<dyn RunStore>> {
        drop(store);
        Some(Box::new(SqliteStore::open(self.path()).unwrap()))
    }
}

#[test]
fn a_database_in_a_file() {
    let mut files = Files { dir: tempfile::tempdir().unwrap(), count: 0 };
    if let Err(failures) = conformance::check(&mut files) {
        panic!("{failures}");
    }
}

struct Memory;

impl Subject for Memory {
    fn fresh(&mut self) -> Box<dyn RunStore> {
        Box::new(SqliteStore::in_memory().unwrap())
    }
}

#[test]
fn a_database_in_memory() {
    if let Err(failures) = conformance::check(&mut Memory) {
        panic!("{failures}");
    }
}
