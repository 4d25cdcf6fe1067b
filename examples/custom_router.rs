//! Your own router through the hub, beside two of the library: who is chosen, why, and what it comes to.
//!
//! ```text
//! cargo run --release --example custom_router -- --tasks 200 --seed 7
//! ```
//!
//! Three models answer questions of three kinds, and each is good at one. `ByKind` counts for every kind of question who answered it well; it
//! knows that the first word says the kind. `AttentionRouter` is not told: it compares words. `DeclaredOrder` does not learn at all.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Mutex;

use clap::Parser;
use futures::executor::block_on;
use orchestrator_ai::attention::{AttentionRouter, RouterConfig};
use orchestrator_ai::core::*;

/// Three routers on the same questions.
#[derive(Parser)]
struct Arguments {
    /// How many questions are asked.
    #[arg(long, default_value_t = 150, value_parser = clap::value_parser!(u32).range(3..=10_000))]
    tasks: u32,
    /// Where questions and luck come from.
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

/// Successes and attempts of each worker, for each kind of question.
#[derive(Default)]
struct ByKind(Mutex<BTreeMap<(String, WorkerName), [u32; 2]>>);

/// The first word.
fn kind(goal: &str) -> String {
    goal.split(' ').next().unwrap_or_default().to_owned()
}

impl Router for ByKind {
    fn route(&self, request: &Request, candidates: &[Candidate]) -> Result<Decision, RouteError> {
        let seen = self.0.lock().expect("no holder panics");
        let count = |worker: &WorkerName| {
            let key = (kind(&request.goal), worker.clone());
            seen.get(&key).copied().unwrap_or_default()
        };
        // As if each had answered one well already (Laplace): whoever is new is tried.
        let promise = |worker: &WorkerName| {
            let [good, all] = count(worker);
            f64::from(good + 1) / f64::from(all + 1)
        };
        let best = candidates.iter().max_by(|a, b| {
            promise(&a.worker).total_cmp(&promise(&b.worker)).then(b.worker.cmp(&a.worker))
        });
        let worker = &best.ok_or(RouteError { reason: "nobody is there".to_owned() })?.worker;
        let [good, all] = count(worker);
        Ok(Decision {
            worker: worker.clone(),
            rationale: format!("{good} of {all} answers to \"{}\" were good", kind(&request.goal)),
            confidence: f64::from(all) / f64::from(all + 1),
            propensity: 1.0,
        })
    }

    fn observe(&self, outcome: &Outcome) {
        let mut seen = self.0.lock().expect("no holder panics");
        let key = (kind(&outcome.request.goal), outcome.worker.clone());
        let [good, all] = seen.entry(key).or_default();
        *good += u32::from(outcome.error.is_none());
        *all += 1;
    }
}

const KINDS: [&str; 3] = ["poem", "sum", "query"];
const MODELS: [&str; 3] = ["bard", "abacus", "librarian"];
const ABOUT: [&str; 4] = ["the sea", "old maps", "seven bridges", "a winter's day"];

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if error.use_stderr() => {
            eprintln!("{}", error.to_string().lines().next().unwrap_or_default());
            return ExitCode::from(2);
        }
        Err(help) => help.exit(),
    };
    let attention = AttentionRouter::new(RouterConfig::default()).expect("defaults are in range");
    let ran = ask("DeclaredOrder", DeclaredOrder, &arguments)
        .and_then(|()| ask("AttentionRouter", attention, &arguments))
        .and_then(|()| ask("ByKind", ByKind::default(), &arguments));
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A model that is good at one kind of question: nine answers in ten are right, of the others three.
fn model(at: usize) -> impl Worker {
    worker_fn(move |task: Task| async move {
        let good = if kind(task.context().goal()) == KINDS[at] { 0.9 } else { 0.3 };
        if task.seed().fast_stream().chance(good) {
            return Ok(Payload::text("a good answer").into());
        }
        Err(TaskError::terminal("wrong", "the answer was wrong"))
    })
}

fn ask(
    name: &str,
    router: impl Router + 'static,
    arguments: &Arguments,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut hub = Orchestrator::new().with_router(router);
    for (at, name) in MODELS.iter().enumerate() {
        hub.register_worker(name, Role::GENERIC, model(at))?;
    }
    let answer = Step::task("answer", Role::GENERIC);
    hub.register_workflow(Workflow::builder("question").step(answer).build()?)?;

    let mut good = [0, 0];
    let mut last = BTreeMap::new();
    for at in 0..arguments.tasks {
        let seed = Seed(arguments.seed).index(u64::from(at));
        let mut dice = seed.derive("question").fast_stream();
        let kind = KINDS[dice.below(KINDS.len())];
        let goal = format!("{kind} about {}", ABOUT[dice.below(ABOUT.len())]);
        let report = block_on(hub.execute_with("question", Start { seed, ..Start::goal(goal) }))?;
        good[usize::from(2 * at >= arguments.tasks)] += u32::from(report.output().is_ok());
        let decided = report.history.iter().find_map(|recorded| match &recorded.event {
            Event::RouteDecided { decision, .. } => Some(decision.clone()),
            _ => None,
        });
        last.extend(decided.map(|decision| (kind, decision)));
    }
    let second = arguments.tasks / 2;
    let shares = [arguments.tasks - second, second].map(f64::from);
    println!(
        "{name}: {:.0} % good in the first half, {:.0} % in the second",
        100.0 * f64::from(good[0]) / shares[0],
        100.0 * f64::from(good[1]) / shares[1]
    );
    for (kind, Decision { worker, rationale, confidence, .. }) in last {
        println!("  {kind:6} {worker:10} confidence {confidence:.2}: {rationale}");
    }
    Ok(())
}
