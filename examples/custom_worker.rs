//! Your own workers, router, retries and transformer: a support desk sorts a ticket and answers it.
//! Run it with `cargo run --release --example custom_worker`.

use std::collections::BTreeMap;
use std::sync::Mutex;

use orchestrator_ai::core::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Ticket {
    topic: String,
    text: String,
}

/// A worker as a type of your own: it may hold a client, a pool, a model.
struct Template(&'static str);

#[async_trait]
impl Worker for Template {
    async fn execute(&self, task: Task) -> Result<TaskOutput, TaskError> {
        let topic: String = task.input().to()?;
        Ok(Payload::text(&self.0.replace("{topic}", &topic)).into())
    }
}

/// A router that learns: who has failed least goes first.
#[derive(Default)]
struct FewestFailures(Mutex<BTreeMap<WorkerName, u32>>);

impl Router for FewestFailures {
    fn route(&self, _: &Request, candidates: &[Candidate]) -> Result<Decision, RouteError> {
        let failures = self.0.lock().expect("no holder panics");
        let count = |c: &&Candidate| failures.get(&c.worker).copied().unwrap_or(0);
        let chosen = candidates.iter().min_by_key(count);
        Ok(Decision {
            worker: chosen.expect("there is at least one").worker.clone(),
            rationale: "fewest failures so far".to_owned(),
            confidence: 1.0,
            propensity: 1.0,
        })
    }

    fn observe(&self, outcome: &Outcome) {
        let mut failures = self.0.lock().expect("no holder panics");
        *failures.entry(outcome.worker.clone()).or_default() += u32::from(outcome.error.is_some());
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A closure over your own serde types.
    let sorter = typed_worker(async |text: String, _| {
        let billing = text.contains("invoice");
        let topic = if billing { "billing" } else { "other" }.to_owned();
        Ok(Ticket { topic, text })
    });
    // A closure over tasks. This model is busy, and says that another attempt may succeed.
    let model = worker_fn(async |_| Err(TaskError::retryable("busy", "the model is overloaded")));
    let template = Template("A person from {topic} will write to you.");

    let mut hub = Orchestrator::new().with_router(FewestFailures::default());
    hub.register_worker("sorter", Role::ANALYST, sorter)?;
    hub.register_worker("model", Role::GENERIC, model)?;
    hub.register_worker("template", Role::GENERIC, template)?;

    // The second step sees of the first one's output what it needs, and is tried up to three times.
    let topic = |ticket: &Payload, _: &Context| Ok(Payload::of(&ticket.to::<Ticket>()?.topic)?);
    let answer = Step::task("answer", Role::GENERIC)
        .after("sort")
        .input(transform_fn("topic", 1, topic))
        .retry(RetryPolicy::attempts(3).at_once());
    let workflow = Workflow::builder("support")
        .step(Step::task("sort", Role::ANALYST))
        .step(answer)
        .build()?;
    hub.register_workflow(workflow)?;

    let report = futures::executor::block_on(hub.execute("support", "my invoice is wrong"))?;
    for recorded in &report.history {
        println!("{:>2} {}", recorded.seq, serde_json::to_string(&recorded.event)?);
    }
    println!("answer: {}", report.output()?.to::<String>()?);
    Ok(())
}
