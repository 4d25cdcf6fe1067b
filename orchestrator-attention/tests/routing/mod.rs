//! Who is there, and how it ended: what the tests of the router share.

use orchestrator_core::{Candidate, Outcome, Request, TaskError, Usage, WorkerName};

pub(crate) fn candidates(names: &[&str]) -> Vec<Candidate> {
    let candidate = |name: &&str| Candidate {
        worker: WorkerName::parse(name).unwrap(),
        capabilities: Vec::new(),
    };
    names.iter().map(candidate).collect()
}

pub(crate) fn outcome(request: &Request, worker: &WorkerName, success: bool, usd: f64) -> Outcome {
    Outcome {
        request: request.clone(),
        worker: worker.clone(),
        usage: Usage { usd, ..Usage::default() },
        duration_ms: 10,
        error: (!success).then(|| TaskError::terminal("bad", "no")),
    }
}
