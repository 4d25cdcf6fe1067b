//! A decision among 24 candidates over 1,000 remembered tasks, as the hub asks for it.

use orchestrator_attention::{AttentionRouter, RouterConfig};
use orchestrator_core::{
    Candidate, FastStream, Outcome, Path, Payload, Request, Role, Router, RunId, Seed, Usage,
    WorkerName,
};

pub(crate) const TASKS: usize = 1_000;
pub(crate) const CANDIDATES: usize = 24;

const VERBS: [&str; 8] =
    ["fix", "write", "review", "translate", "test", "draw", "measure", "explain"];
const THINGS: [&str; 8] = [
    "the parser",
    "a login page",
    "the invoice table",
    "the release notes",
    "a logo",
    "the index",
    "a cache",
    "the schema",
];
const ADVERBS: [&str; 4] = ["carefully", "as short as possible", "for the customer", "before noon"];

/// A router that knows the candidates, and requests that it has not seen.
pub(crate) fn scene() -> (AttentionRouter, Vec<Candidate>, Vec<Request>) {
    let config = RouterConfig {
        memory_max: TASKS,
        dimensions: std::env::var("DIMS").map_or(64, |d| d.parse().unwrap()),
        ..RouterConfig::default()
    };
    let router = AttentionRouter::new(config).expect("settings in their ranges");
    let candidate = |at: usize| Candidate {
        worker: WorkerName::parse(format!("worker{at}")).expect("a valid name"),
        capabilities: Vec::new(),
    };
    let candidates: Vec<Candidate> = (0..CANDIDATES).map(candidate).collect();
    let mut stream = Seed(1).fast_stream();
    for step in 0..TASKS as u64 {
        let request = request(&mut stream, step);
        let worker = candidates[stream.below(CANDIDATES)].worker.clone();
        let usage = Usage { usd: 0.01 * stream.unit(), ..Usage::default() };
        router.observe(&Outcome { request, worker, usage, duration_ms: 100, error: None });
    }
    let asked = (0..64).map(|step| request(&mut stream, TASKS as u64 + step)).collect();
    (router, candidates, asked)
}

/// A goal of a line, and an input of two labels, two numbers and a sentence.
fn request(stream: &mut FastStream, step: u64) -> Request {
    let mut pick = |from: &[&'static str]| from[stream.below(from.len())];
    let (verb, thing, how) = (pick(&VERBS), pick(&THINGS), pick(&ADVERBS));
    let goal = format!("{verb} {thing} {how} and say what was done");
    let input = format!(
        r#"{{"area":"{thing}","complexity":0.{},"kind":"{verb}","lines":{},"remarks":"please {verb} {thing} {how}; the customer waits for it"}}"#,
        step % 10,
        10 + step % 500
    );
    Request {
        run: RunId::parse(format!("run{step}")).expect("a valid name"),
        path: Path::parse("work").expect("a valid path"),
        role: Role::CODER,
        attempt: 1,
        tried: Vec::new(),
        input: Payload::parse(&input).expect("an object"),
        goal,
        seed: Seed(step),
    }
}
