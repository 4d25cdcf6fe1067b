//! What a run is told when it is made.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{Capability, NameError, Role, RunId, WorkerName};
use crate::payload::{PAYLOAD_BYTES_MAX, Payload};
use crate::random::Seed;
use crate::route::Candidate;

/// How often an attempt is handed out again after crashes before its worker counts as lost: a worker that brings its own process
/// down would otherwise do so for ever.
pub const REDISPATCHES_MAX: u32 = 3;

/// How many signals are kept until steps wait for them, of all names together, unless the host says otherwise.
pub const SIGNALS_MAX: u32 = 1_000;

/// The arguments of a run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Its name.
    pub id: RunId,
    /// What it is for.
    pub goal: String,
    /// What its first steps get; the goal as a text if `None`.
    pub input: Option<Payload>,
    /// Where all its randomness comes from. Default 0: who wants two runs to differ says so.
    pub seed: Seed,
    /// Who fills which role.
    pub staff: Staff,
    /// The largest output that a step may have, and input that a transformer may make, in bytes. Default [`PAYLOAD_BYTES_MAX`].
    pub payload_bytes_max: usize,
    /// See [`REDISPATCHES_MAX`], the default.
    pub redispatches_max: u32,
    /// How many signals are kept until steps wait for them, of all names together. Default [`SIGNALS_MAX`].
    pub signals_max: u32,
}

impl RunOptions {
    /// The options of a run with this name and goal, else the defaults.
    ///
    /// # Errors
    /// When `id` is no name.
    pub fn new(id: &str, goal: impl Into<String>) -> Result<RunOptions, NameError> {
        Ok(RunOptions {
            id: RunId::parse(id)?,
            goal: goal.into(),
            input: None,
            seed: Seed::default(),
            staff: Staff::default(),
            payload_bytes_max: PAYLOAD_BYTES_MAX,
            redispatches_max: REDISPATCHES_MAX,
            signals_max: SIGNALS_MAX,
        })
    }
}

/// Who fills which role, in declared order. A role that is not in it is filled by one worker of the role's own name, so that a host
/// which hands out work by role need not list anybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Staff(BTreeMap<Role, Vec<Candidate>>);

impl Staff {
    /// Adds a worker to a role.
    pub fn add(&mut self, role: Role, candidate: Candidate) {
        self.0.entry(role).or_default().push(candidate);
    }

    /// Whether somebody was added to the role.
    pub fn fills(&self, role: &Role) -> bool {
        self.0.contains_key(role)
    }

    /// Who fills the role and can do what is required, in declared order.
    pub(crate) fn able<'a>(
        &'a self,
        role: &Role,
        requires: &'a BTreeSet<Capability>,
    ) -> impl Iterator<Item = &'a Candidate> {
        let candidates = self.0.get(role).into_iter().flatten();
        candidates.filter(move |candidate| {
            requires.iter().all(|required| candidate.capabilities.contains(required))
        })
    }

    /// Who does it, as far as there is nothing to choose.
    pub(super) fn who(&self, role: &Role, requires: &BTreeSet<Capability>) -> Who {
        if !self.fills(role) {
            return Who::One(WorkerName::of(role));
        }
        let mut able = self.able(role, requires);
        match (able.next(), able.next()) {
            (None, _) => Who::Nobody,
            (Some(candidate), None) => Who::One(candidate.worker.clone()),
            (Some(_), Some(_)) => Who::Several,
        }
    }
}

/// Who can do a task.
pub(super) enum Who {
    One(WorkerName),
    Several,
    Nobody,
}
