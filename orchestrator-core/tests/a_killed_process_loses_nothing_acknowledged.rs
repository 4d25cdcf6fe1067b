//! A real process, killed 50 times while it appends to a store in a folder.

#[path = "support/history.rs"]
mod history;
#[path = "support/killed.rs"]
mod killed;

use std::path::Path;

use orchestrator_core::{FileOptions, FileStore, RunStore};

fn open(dir: &Path) -> Box<dyn RunStore> {
    // Small segments, so that closing and writing them anew is interrupted, too.
    let options = FileOptions { segment_bytes: 4_000 };
    Box::new(FileStore::open_with(dir, options).unwrap())
}

#[test]
fn child() {
    killed::child(open);
}

#[test]
fn nothing_acknowledged_is_lost() {
    killed::kill_again_and_again(1, "child", open);
}
