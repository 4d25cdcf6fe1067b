//! What every [`RunStore`] must do, as checks that run on any of them. Behind the feature `testkit`.
//!
//! Somebody who keeps journals elsewhere (a database, a service) writes a [`Subject`] and calls [`check`] in a test. What it cannot check
//! is that acknowledged events survive a crash of the process or of the machine: kill one, as this crate's own tests do.
//!
//! ```
//! use orchestrator_core::journal::conformance::{self, Subject};
//! use orchestrator_core::{MemoryStore, RunStore};
//!
//! struct Memory;
//! impl Subject for Memory {
//!     fn fresh(&mut self) -> Box<dyn RunStore> {
//!         Box::new(MemoryStore::default())
//!     }
//! }
//! conformance::check(&mut Memory)?;
//! # Ok::<(), conformance::Failures>(())
//! ```

mod appending;
mod keeping;
mod script;

use std::fmt;

use super::RunStore;
use script::Outcome;

/// A kind of store, as the checks need it.
pub trait Subject {
    /// A store with nothing in it. Every check asks for one of its own.
    fn fresh(&mut self) -> Box<dyn RunStore>;

    /// Closes the store and opens again what it keeps. `None`, if it keeps nothing beyond itself: what needs this is left out then.
    fn reopen(&mut self, store: Box<dyn RunStore>) -> Option<Box<dyn RunStore>> {
        drop(store);
        None
    }
}

/// A check that a store did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The name of the check, which says what must hold.
    pub check: &'static str,
    /// What was found instead.
    pub found: String,
}

/// All checks that a store did not pass, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failures(pub Vec<Failure>);

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store fails {} of {} checks", self.0.len(), CHECKS.len())?;
        for Failure { check, found } in &self.0 {
            write!(f, "\n- {check}: {found}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failures {}

type Check = fn(&mut dyn Subject) -> Outcome;

const CHECKS: [(&str, Check); 18] = [
    ("a fresh store is empty", keeping::empty),
    ("what is appended is loaded, in order", appending::order),
    ("runs do not mix", appending::many_runs),
    ("a run may occur several times in one append", appending::twice_in_one_call),
    ("an append of nothing is accepted", appending::nothing),
    ("a gap is refused", appending::gap),
    ("a duplicate is accepted and kept once", appending::duplicate),
    ("another event at the same seq is refused", appending::conflict),
    ("an append that is refused leaves nothing", appending::all_or_nothing),
    ("many threads can append", appending::concurrent),
    ("runs are listed by id, with their end", keeping::listing),
    ("names and texts of any script are kept apart and kept", keeping::unicode),
    ("a payload of one mebibyte is kept", keeping::large),
    ("a snapshot takes the place of events", keeping::compaction),
    ("a snapshot that does not fit is refused", keeping::unfit_snapshots),
    ("an ended run stays ended when it is compacted", keeping::compacted_end),
    ("a removed run is gone, and its name is free", keeping::removal),
    ("what was acknowledged is there after reopening", keeping::reopening),
];

/// Runs all checks.
///
/// # Errors
/// Every check that the store does not pass, with what was found.
pub fn check(subject: &mut dyn Subject) -> Result<(), Failures> {
    let failed: Vec<Failure> = CHECKS
        .iter()
        .filter_map(|(check, run)| run(subject).err().map(|found| Failure { check, found }))
        .collect();
    if failed.is_empty() { Ok(()) } else { Err(Failures(failed)) }
}

/// The names of all checks, in the order in which they run.
pub fn names() -> impl Iterator<Item = &'static str> {
    CHECKS.iter().map(|(name, _)| *name)
}
