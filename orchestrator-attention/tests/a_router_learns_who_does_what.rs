//! The attention router: predicts from similar tasks, tries strangers, forgets, and says why.

mod routing;

use orchestrator_attention::{AttentionRouter, Memory, Router, RouterConfig, RouterConfigError};
use orchestrator_core::{
    Outcome, Path, Payload, Request, Role, RunId, Seed, TaskError, WorkerName,
};
use routing::{candidates, outcome};

fn request(text: &str, seed: u64) -> Request {
    Request {
        run: RunId::parse(format!("run{seed}")).unwrap(),
        path: Path::parse("work").unwrap(),
        role: Role::CODER,
        attempt: 1,
        tried: Vec::new(),
        input: Payload::text(text),
        goal: String::new(),
        seed: Seed(seed),
    }
}

const TEXTS: [&str; 2] = ["parse the csv table of orders", "draw a round logo in blue"];

/// `left` is good at the first kind of task, `right` at the second.
fn train(router: &AttentionRouter, steps: u64) -> Vec<bool> {
    let both = candidates(&["left", "right"]);
    let step = |step: u64| {
        let kind = (step % 2) as usize;
        let request = request(&format!("{} number {step}", TEXTS[kind]), step);
        let decision = router.route(&request, &both).unwrap();
        let right = decision.worker.as_str() == ["left", "right"][kind];
        router.observe(&outcome(&request, &decision.worker, right, 0.01));
        right
    };
    (0..steps).map(step).collect()
}

#[test]
fn each_kind_of_task_goes_to_who_is_good_at_it() {
    let router = AttentionRouter::new(RouterConfig::default()).unwrap();
    let right = train(&router, 200);
    let late = right[100..].iter().filter(|right| **right).count();
    assert!(late >= 95, "{late} of the last 100");

    let decision = router
        .route(&request("parse the csv table of flights", 999), &candidates(&["left", "right"]));
    let decision = decision.unwrap();
    assert_eq!(decision.worker.as_str(), "left");
    assert!(decision.confidence > 0.5 && decision.confidence < 1.0);
    assert_eq!(decision.propensity, 1.0);
    assert!(decision.rationale.contains("weighed most: run"), "{}", decision.rationale);
}

#[test]
fn the_same_history_gives_the_same_choices() {
    let runs = [(); 2].map(|()| {
        let router = AttentionRouter::new(RouterConfig::default()).unwrap();
        train(&router, 60);
        serde_json::to_string(&router.memory()).unwrap()
    });
    assert_eq!(runs[0], runs[1]);
}

#[test]
fn strangers_are_tried_and_ties_are_drawn_from_the_seed() {
    let router = AttentionRouter::new(RouterConfig::default()).unwrap();
    let three = candidates(&["a", "b", "c"]);
    let mut seen = std::collections::BTreeMap::new();
    for seed in 0..300 {
        let decision = router.route(&request("x", seed), &three).unwrap();
        assert_eq!(decision.propensity, 1.0 / 3.0);
        assert_eq!(decision.confidence, 0.0);
        *seen.entry(decision.worker.to_string()).or_insert(0) += 1;
        assert_eq!(router.route(&request("x", seed), &three).unwrap(), decision);
    }
    assert!(seen.len() == 3 && seen.values().all(|&n| n > 70), "{seen:?}");

    // One that is known to fail gives way to a stranger.
    let a = &three[0].worker;
    for seed in 0..5 {
        router.observe(&outcome(&request("x", seed), a, false, 0.0));
    }
    for seed in 0..20 {
        assert_ne!(&router.route(&request("x", seed), &three).unwrap().worker, a);
    }
}

#[test]
fn even_a_perfect_record_lets_a_stranger_be_tried() {
    let both = candidates(&["perfect", "stranger"]);
    for known in [1, 3, 10, 100, 1_000] {
        let router = AttentionRouter::new(RouterConfig::default()).unwrap();
        for seed in 0..known {
            router.observe(&outcome(&request("x", seed), &both[0].worker, true, 0.0));
        }
        let chosen = router.route(&request("x", 0), &both).unwrap().worker;
        assert_eq!(chosen, both[1].worker, "after {known} successes of the other");
    }
}

#[test]
fn a_cheaper_one_wins_among_equals_and_a_retry_goes_to_another() {
    let router = AttentionRouter::new(RouterConfig::default()).unwrap();
    let both = candidates(&["dear", "cheap"]);
    for seed in 0..20 {
        for (candidate, usd) in both.iter().zip([0.10, 0.01]) {
            router.observe(&outcome(&request("x", seed), &candidate.worker, true, usd));
        }
    }
    let mut again = request("x", 77);
    assert_eq!(router.route(&again, &both).unwrap().worker.as_str(), "cheap");
    again.tried = vec![both[1].worker.clone()];
    assert_eq!(router.route(&again, &both).unwrap().worker.as_str(), "dear");
}

#[test]
fn memory_is_bounded_and_survives_being_written_down() {
    let config = RouterConfig { memory_max: 10, ..RouterConfig::default() };
    let router = AttentionRouter::new(config.clone()).unwrap();
    train(&router, 40);
    assert_eq!(router.memory().len(), 10);
    let text = serde_json::to_string(&router.memory()).unwrap();
    let memory: Memory = serde_json::from_str(&text).unwrap();
    let other = AttentionRouter::with_memory(config.clone(), memory.clone()).unwrap();
    let both = candidates(&["left", "right"]);
    for seed in 0..10 {
        let asked = request(TEXTS[0], seed);
        // A memory is not all that was learned: the same choice, and with the rest of it the same decision.
        let decision = router.route(&asked, &both).unwrap();
        assert_eq!(other.route(&asked, &both).unwrap().worker, decision.worker);
        let again = AttentionRouter::load(router.save()).unwrap();
        assert_eq!(again.route(&asked, &both).unwrap(), decision);
    }
    let wider = RouterConfig { dimensions: 65, ..config.clone() };
    assert!(matches!(
        AttentionRouter::with_memory(wider, memory),
        Err(RouterConfigError::Features { found: 128, wanted: 131 })
    ));
    let future = text.replace("\"version\":2", "\"version\":9");
    let error = serde_json::from_str::<Memory>(&future).unwrap_err().to_string();
    assert!(error.contains("the memory has version 9, this router reads version 2"), "{error}");
    let torn = text.replace("\"width\":128", "\"width\":127");
    let error = serde_json::from_str::<Memory>(&torn).unwrap_err().to_string();
    assert!(error.contains("the memory is not whole: 1280 features"), "{error}");
}

#[test]
fn what_was_cancelled_or_cannot_be_is_not_remembered() {
    let router = AttentionRouter::new(RouterConfig::default()).unwrap();
    let asked = request("x", 1);
    let a = WorkerName::parse("a").unwrap();
    let cancelled =
        Outcome { error: Some(TaskError::cancelled()), ..outcome(&asked, &a, true, 0.0) };
    router.observe(&cancelled);
    assert!(router.memory().is_empty());
    router.observe(&outcome(&asked, &a, true, f64::NAN));
    assert_eq!(router.memory().tasks().next().unwrap().usd, 0.0);
    assert!(router.route(&asked, &[]).is_err());
    let error = AttentionRouter::new(RouterConfig { temperature: 0.0, ..RouterConfig::default() });
    assert_eq!(error.unwrap_err().to_string(), "temperature is 0, it must be finite and above 0");
}

#[test]
fn numbers_in_the_input_tell_tasks_apart() {
    let router = AttentionRouter::new(RouterConfig::default()).unwrap();
    let features = |json: &str| {
        router.features(&Request { input: Payload::parse(json).unwrap(), ..request("", 1) })
    };
    let dot =
        |a: &[f32], b: &[f32]| -> f32 { a[96..].iter().zip(&b[96..]).map(|(x, y)| x * y).sum() };
    let low = features(r#"{"complexity": 0.1, "name": "t"}"#);
    let near = features(r#"{"complexity": 0.2, "name": "t"}"#);
    let far = features(r#"{"complexity": 0.9, "name": "t"}"#);
    assert!(dot(&low, &near) > dot(&low, &far));
}
