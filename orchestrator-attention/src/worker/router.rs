//! A router's choice as a step of a workflow: for whatever is chosen among that is no worker of the hub (models, tools, data sets).

use std::collections::BTreeSet;
use std::sync::Arc;

use orchestrator_core::{
    Candidate, Check, Decision, Outcome, Payload, Request, Role, Router, Task, TaskError,
    TaskOutput, Usage, Worker, WorkerName, async_trait,
};
use serde::{Deserialize, Serialize};

/// The code of every failure that is the input's or the router's.
const CODE: &str = "route";

/// Either `candidates`, to ask for a choice, or `outcome`, to tell how one ended; with the request that it is about.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RouterInput {
    /// Among whom to choose; each name once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<Candidate>,
    /// How an earlier choice ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<OutcomeInput>,
    /// The part that the chosen one shall play. Left out: the role of the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What the chosen one shall work on.
    #[serde(skip_serializing_if = "Payload::is_null")]
    pub input: Payload,
    /// What it is for. Left out: the goal of the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goal: Option<String>,
    /// Who has tried it already, first to last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<WorkerName>,
}

/// How a choice ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutcomeInput {
    /// Who did it.
    pub worker: WorkerName,
    /// What it cost; nothing if left out.
    #[serde(default)]
    pub usage: Usage,
    /// Milliseconds that it took.
    #[serde(default)]
    pub duration_ms: u64,
    /// The failure; left out or null if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<TaskError>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RouterOutput {
    /// The choice with its rationale, confidence and propensity; absent when an outcome was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The verification checklist of the choice.
    #[serde(default)]
    pub checks: Vec<Check>,
}

/// Asks a router, or tells it how its choice ended.
///
/// Its input is a [`RouterInput`], its output a [`RouterOutput`]. Run, path, attempt and seed of the request are those of the task, so that a
/// choice is drawn anew on a retry, and alike on a replay. A choice that nobody could act upon (no candidate, one that was not offered) and a
/// router that refuses are terminal failures with the code `route`; a number out of its range is a failed check.
///
/// ```
/// use std::sync::Arc;
/// use orchestrator_attention::{RouterOutput, RouterWorker};
/// use orchestrator_core::{DeclaredOrder, Payload, Seed, Task, Worker};
/// let worker = RouterWorker::new(Arc::new(DeclaredOrder));
/// let input = Payload::parse(r#"{
///     "candidates": [{"worker": "small", "capabilities": []}, {"worker": "large", "capabilities": []}],
///     "input": {"prompt": "2 + 2"}, "tried": ["small"]
/// }"#)?;
/// let output = futures::executor::block_on(worker.execute(Task::detached(input, Seed(7)))).unwrap();
/// let output: RouterOutput = output.payload.to()?;
/// assert_eq!(output.decision.unwrap().worker.to_string(), "large");
/// assert!(output.checks.iter().all(|check| check.passed));
/// # Ok::<(), orchestrator_core::PayloadError>(())
/// ```
#[derive(Clone)]
pub struct RouterWorker {
    router: Arc<dyn Router>,
}

impl RouterWorker {
    /// A worker that asks this router. Keep a clone to look at what it learns.
    pub fn new(router: Arc<dyn Router>) -> Self {
        RouterWorker { router }
    }

    fn choose(&self, request: &Request, candidates: &[Candidate]) -> Result<RouterOutput, String> {
        let mut seen = BTreeSet::new();
        if let Some(twice) = candidates.iter().find(|c| !seen.insert(&c.worker)) {
            return Err(format!("candidate {} occurs twice; name each once", twice.worker));
        }
        let decision = self.router.route(request, candidates).map_err(|error| error.reason)?;
        if !seen.contains(&decision.worker) {
            return Err(format!(
                "the router chose {}, who is no candidate; correct the router",
                decision.worker
            ));
        }
        let checks = verify(&decision, request, candidates);
        Ok(RouterOutput { decision: Some(decision), checks })
    }
}

/// The checklist of a choice.
fn verify(decision: &Decision, request: &Request, candidates: &[Candidate]) -> Vec<Check> {
    let Decision { worker, rationale, confidence, propensity } = decision;
    let tries = |worker: &WorkerName| request.tried.iter().filter(|tried| *tried == worker).count();
    let least = candidates.iter().map(|candidate| tries(&candidate.worker)).min().unwrap_or(0);
    vec![
        Check::new(
            "confidence within [0, 1]",
            (0.0..=1.0).contains(confidence),
            format!("confidence {confidence}"),
        ),
        Check::new(
            "propensity within (0, 1]",
            *propensity > 0.0 && *propensity <= 1.0,
            format!("propensity {propensity}"),
        ),
        Check::new("the choice is argued", !rationale.trim().is_empty(), rationale.clone()),
        Check::new(
            "nobody repeats what others have not tried",
            tries(worker) == least,
            format!("{worker} has tried {} times, the least of all is {least}", tries(worker)),
        ),
    ]
}

#[async_trait]
impl Worker for RouterWorker {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let input: RouterInput = task.input().to()?;
        let RouterInput { candidates, outcome, role, input, goal, tried } = input;
        let refuse = |message: String| TaskError::terminal(CODE, message);
        if task.cancellation().is_cancelled() {
            return Err(TaskError::cancelled());
        }
        let request = Request {
            run: task.run().clone(),
            path: task.path().clone(),
            role: role.unwrap_or_else(|| task.role().clone()),
            attempt: task.attempt(),
            tried,
            input,
            goal: goal.unwrap_or_else(|| task.context().goal().to_owned()),
            seed: task.seed(),
        };
        let output = match outcome {
            None if candidates.is_empty() => {
                let message = "`candidates` is empty; name at least one to choose from";
                return Err(refuse(message.to_owned()));
            }
            None => self.choose(&request, &candidates).map_err(refuse)?,
            Some(_) if !candidates.is_empty() => {
                let message = "give either `candidates`, to ask, or `outcome`, to tell";
                return Err(refuse(message.to_owned()));
            }
            Some(OutcomeInput { worker, usage, duration_ms, error }) => {
                self.router.observe(&Outcome { request, worker, usage, duration_ms, error });
                RouterOutput { decision: None, checks: Vec::new() }
            }
        };
        let what = output.decision.as_ref().map_or("told".to_owned(), |d| d.rationale.clone());
        task.progress(1.0, what);
        Ok(Payload::of(&output)?.into())
    }
}
