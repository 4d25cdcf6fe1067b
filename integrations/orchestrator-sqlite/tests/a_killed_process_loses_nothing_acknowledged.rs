//! A real process, killed 50 times while it appends to a database.

#[path = "../../../orchestrator-core/tests/support/history.rs"]
mod history;
#[path = "../../../orchestrator-core/tests/support/killed.rs"]
mod killed;

use std::path::Path;

use orchestrator_core::RunStore;
use orchestrator_sqlite::SqliteStore;

fn open(dir: &Path) -> Box<dyn RunStore> {
    Box::new(SqliteStore::open(dir.join("journal.sqlite")).unwrap())
}

#[test]
fn child() {
    killed::child(open);
}

#[test]
fn nothing_acknowledged_is_lost() {
    killed::kill_again_and_again(2, "child", open);
}
