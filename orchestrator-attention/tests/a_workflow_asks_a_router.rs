//! A router's choice as a step: what it is asked, what it answers, what is checked of it.
#![allow(missing_docs)]

use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use orchestrator_attention::{AttentionRouter, RouterConfig, RouterOutput, RouterWorker};
use orchestrator_core::{
    Candidate, Context, Decision, DeclaredOrder, Failure, Outcome, Payload, Request, Role,
    RouteError, Router, Seed, Task, TaskError, Worker, WorkerName,
};

fn ask(router: Arc<dyn Router>, json: &str, seed: u64) -> Result<RouterOutput, TaskError> {
    let task = Task::detached(Payload::parse(json).unwrap(), Seed(seed))
        .with_context(Context::detached("the goal of the run"));
    Ok(block_on(RouterWorker::new(router).execute(task))?.payload.to()?)
}

/// Says what it is told to say, and keeps what it hears.
struct Puppet {
    decision: Result<Decision, RouteError>,
    asked: Mutex<Vec<Request>>,
    told: Mutex<Vec<Outcome>>,
}

impl Puppet {
    fn new(worker: &str, confidence: f64, propensity: f64, rationale: &str) -> Arc<Puppet> {
        let worker = WorkerName::parse(worker).unwrap();
        let rationale = rationale.to_owned();
        Puppet::of(Ok(Decision { worker, rationale, confidence, propensity }))
    }

    fn of(decision: Result<Decision, RouteError>) -> Arc<Puppet> {
        let (asked, told) = (Mutex::default(), Mutex::default());
        Arc::new(Puppet { decision, asked, told })
    }
}

impl Router for Puppet {
    fn route(&self, request: &Request, _: &[Candidate]) -> Result<Decision, RouteError> {
        self.asked.lock().unwrap().push(request.clone());
        self.decision.clone()
    }
    fn observe(&self, outcome: &Outcome) {
        self.told.lock().unwrap().push(outcome.clone());
    }
}

const TWO: &str =
    r#"[{"worker": "ada", "capabilities": []}, {"worker": "bob", "capabilities": ["sql"]}]"#;

#[test]
fn the_router_is_asked_what_the_step_is_about() {
    let puppet = Puppet::new("bob", 0.5, 1.0, "why not");
    let json = format!(
        r#"{{"candidates": {TWO}, "input": {{"x": 1}}, "tried": ["ada"], "role": "coder"}}"#
    );
    let output = ask(puppet.clone(), &json, 4).unwrap();
    assert_eq!(output.decision, puppet.decision.clone().ok());
    assert!(output.checks.iter().all(|check| check.passed), "{:?}", output.checks);
    let asked = puppet.asked.lock().unwrap();
    assert_eq!((asked[0].role.clone(), asked[0].attempt), (Role::CODER, 1));
    assert_eq!((asked[0].goal.as_str(), asked[0].seed), ("the goal of the run", Seed(4)));
    assert_eq!((asked[0].input.as_json(), asked[0].tried.len()), (r#"{"x":1}"#, 1));
}

#[test]
fn a_number_out_of_its_range_is_a_failed_check() {
    #[track_caller]
    fn failed(puppet: Arc<Puppet>, tried: &str, wanted: &[&str]) {
        let json = format!(r#"{{"candidates": {TWO}, "tried": {tried}}}"#);
        let output = ask(puppet, &json, 1).unwrap();
        let failed: Vec<&str> =
            output.checks.iter().filter(|c| !c.passed).map(|c| c.name.as_str()).collect();
        assert_eq!(failed, wanted);
    }
    failed(Puppet::new("ada", 1.0, 1.0, "fine"), "[]", &[]);
    failed(Puppet::new("ada", 1.5, 1.0, "fine"), "[]", &["confidence within [0, 1]"]);
    failed(Puppet::new("ada", 0.5, 0.0, "fine"), "[]", &["propensity within (0, 1]"]);
    failed(Puppet::new("ada", 0.5, 1.0, " "), "[]", &["the choice is argued"]);
    failed(
        Puppet::new("ada", 0.5, 1.0, "fine"),
        r#"["ada"]"#,
        &["nobody repeats what others have not tried"],
    );
}

#[test]
fn what_nobody_can_act_upon_is_a_terminal_failure() {
    #[track_caller]
    fn refused(router: Arc<dyn Router>, json: &str, message: &str) {
        let error = ask(router, json, 1).unwrap_err();
        assert_eq!(error.failure, Failure::Terminal);
        assert_eq!(error.to_string(), message);
    }
    let declared = || Arc::new(DeclaredOrder);
    refused(declared(), "{}", "route: `candidates` is empty; name at least one to choose from");
    refused(
        declared(),
        r#"{"candidates": [{"worker": "a", "capabilities": []}, {"worker": "a", "capabilities": []}]}"#,
        "route: candidate a occurs twice; name each once",
    );
    refused(
        declared(),
        &format!(r#"{{"candidates": {TWO}, "outcome": {{"worker": "ada"}}}}"#),
        "route: give either `candidates`, to ask, or `outcome`, to tell",
    );
    refused(
        Puppet::new("eve", 1.0, 1.0, "fine"),
        &format!(r#"{{"candidates": {TWO}}}"#),
        "route: the router chose eve, who is no candidate; correct the router",
    );
    refused(
        Puppet::of(Err(RouteError { reason: "all are asleep".to_owned() })),
        &format!(r#"{{"candidates": {TWO}}}"#),
        "route: all are asleep",
    );
    let error = ask(declared(), r#"{"candidate": []}"#, 1).unwrap_err();
    assert_eq!(error.code, "payload");
}

#[test]
fn a_router_learns_from_the_outcomes_that_it_is_told() {
    let router = Arc::new(AttentionRouter::new(RouterConfig::default()).unwrap());
    for round in 0..12 {
        for (worker, kind, succeeds) in [
            ("ada", "poem", false),
            ("bob", "poem", true),
            ("ada", "query", true),
            ("bob", "query", false),
        ] {
            let error = if succeeds {
                "null"
            } else {
                r#"{"failure": "terminal", "code": "bad", "message": "bad"}"#
            };
            let json = format!(
                r#"{{"input": "write a {kind} number {round}", "outcome": {{"worker": "{worker}", "error": {error}}}}}"#
            );
            let told = ask(router.clone(), &json, round).unwrap();
            assert_eq!((told.decision, told.checks.len()), (None, 0));
        }
    }
    let chosen = |kind: &str| {
        let json = format!(r#"{{"candidates": {TWO}, "input": "write a {kind} number 99"}}"#);
        let output = ask(router.clone(), &json, 1).unwrap();
        assert!(output.checks.iter().all(|check| check.passed), "{:?}", output.checks);
        output.decision.unwrap().worker.to_string()
    };
    assert_eq!((chosen("poem").as_str(), chosen("query").as_str()), ("bob", "ada"));
}
