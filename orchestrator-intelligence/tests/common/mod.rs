//! Builders that the tests share.
#![allow(dead_code, unreachable_pub)] // Every test file uses its own part.

use orchestrator_core::{
    Candidate, Outcome, Path, Payload, Request, Role, RunId, Seed, TaskError, Usage, WorkerName,
};
use orchestrator_intelligence::{ExecutionOutcome, ExecutionRecord};

pub fn name(text: &str) -> WorkerName {
    WorkerName::parse(text).unwrap()
}

pub fn record(worker: &str, success: bool, usd: f64) -> ExecutionRecord {
    let outcome = if success { ExecutionOutcome::Success } else { ExecutionOutcome::Failed };
    ExecutionRecord {
        area: "core".to_owned(),
        usd,
        duration_ms: (usd * 1_000.0) as u64,
        ..ExecutionRecord::new("t", Role::CODER, name(worker), outcome)
    }
}

/// `successes` of `tasks`, each at `usd`.
pub fn records(worker: &str, successes: usize, tasks: usize, usd: f64) -> Vec<ExecutionRecord> {
    (0..tasks).map(|at| record(worker, at < successes, usd)).collect()
}

pub fn request(seed: u64) -> Request {
    Request {
        run: RunId::parse("run").unwrap(),
        path: Path::parse("work").unwrap(),
        role: Role::CODER,
        attempt: 1,
        tried: Vec::new(),
        input: Payload::parse(r#"{"area": "core"}"#).unwrap(),
        goal: String::new(),
        seed: Seed(seed),
    }
}

pub fn candidates(names: &[&str]) -> Vec<Candidate> {
    let candidate = |text: &&str| Candidate { worker: name(text), capabilities: Vec::new() };
    names.iter().map(candidate).collect()
}

pub fn outcome(request: &Request, worker: &WorkerName, success: bool, usd: f64) -> Outcome {
    Outcome {
        request: request.clone(),
        worker: worker.clone(),
        usage: Usage { usd, ..Usage::default() },
        duration_ms: 10,
        error: (!success).then(|| TaskError::terminal("bad", "no")),
    }
}
