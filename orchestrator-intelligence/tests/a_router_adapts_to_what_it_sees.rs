//! The five strategies, the fallback, exploration with true propensities, and replay.

mod common;

use common::{candidates, name, outcome, record, records, request};
use orchestrator_core::{Request, Seed, TaskError};
use orchestrator_intelligence::{
    AdaptiveRouter, BanditKind, ExecutionOutcome, ExecutionRecord, LearningConfig, Router,
    RoutingStrategy,
};

const STRATEGIES: [RoutingStrategy; 5] = [
    RoutingStrategy::Baseline,
    RoutingStrategy::Performance,
    RoutingStrategy::Cost,
    RoutingStrategy::Balanced,
    RoutingStrategy::Learning,
];

fn router(strategy: RoutingStrategy, seen: Vec<ExecutionRecord>) -> AdaptiveRouter {
    AdaptiveRouter::new(strategy, LearningConfig::default()).unwrap().with_records(seen)
}

/// best: 98 % at 1.00; fair: 85 % at 0.20; poor: 30 % at 0.01.
fn history() -> Vec<ExecutionRecord> {
    [records("best", 98, 100, 1.00), records("fair", 85, 100, 0.20), records("poor", 30, 100, 0.01)]
        .concat()
}

#[test]
fn each_strategy_chooses_by_its_own_measure() {
    let three = candidates(&["poor", "fair", "best"]);
    for (strategy, wanted) in [
        (RoutingStrategy::Baseline, "poor"),
        (RoutingStrategy::Performance, "best"),
        (RoutingStrategy::Cost, "fair"),
        (RoutingStrategy::Balanced, "fair"),
    ] {
        let decision = router(strategy, history()).route(&request(1), &three).unwrap();
        assert_eq!(decision.worker.as_str(), wanted, "{strategy:?}: {}", decision.rationale);
        assert_eq!(decision.propensity, 1.0);
    }
    let decision = router(RoutingStrategy::Cost, history()).route(&request(1), &three).unwrap();
    assert_eq!(
        decision.rationale,
        "the cheapest with at least 80 % success: 85 of 100 succeeded at 0.2000 USD in this area, risk and complexity"
    );
    assert!(decision.confidence > 0.8 && decision.confidence < 0.9);
}

#[test]
fn too_few_samples_fall_back_to_the_declared_order() {
    let two = candidates(&["a", "b"]);
    for strategy in [RoutingStrategy::Performance, RoutingStrategy::Cost, RoutingStrategy::Balanced]
    {
        let seen = [records("a", 0, 4, 1.0), records("b", 4, 4, 0.1)].concat();
        let decision = router(strategy, seen).route(&request(1), &two).unwrap();
        assert_eq!(decision.worker, name("a"), "{strategy:?}");
        assert_eq!(decision.confidence, 0.0);
        assert!(
            decision.rationale.ends_with("fewer than 2 have 5 records"),
            "{}",
            decision.rationale
        );
    }
    let seen = [records("a", 2, 9, 1.0), records("b", 3, 9, 0.1)].concat();
    let decision = router(RoutingStrategy::Cost, seen).route(&request(1), &two).unwrap();
    assert_eq!(decision.worker, name("a"));
    assert!(decision.rationale.ends_with("nobody reaches 80 % success"));
}

#[test]
fn the_narrowest_group_that_is_known_decides() {
    let elsewhere = |records: Vec<ExecutionRecord>| -> Vec<ExecutionRecord> {
        let moved = |record| ExecutionRecord { area: "docs".to_owned(), ..record };
        records.into_iter().map(moved).collect()
    };
    // Everywhere else a is better; in the area of the request it is b.
    let mut seen = elsewhere([records("a", 50, 50, 1.0), records("b", 5, 50, 1.0)].concat());
    let two = candidates(&["a", "b"]);
    let far = router(RoutingStrategy::Performance, seen.clone());
    let decision = far.route(&request(1), &two).unwrap();
    assert_eq!(decision.worker, name("a"));
    assert!(decision.rationale.ends_with("in this role"), "{}", decision.rationale);
    seen.extend([records("a", 1, 8, 1.0), records("b", 7, 8, 1.0)].concat());
    let near = router(RoutingStrategy::Performance, seen);
    assert_eq!(near.route(&request(1), &two).unwrap().worker, name("b"));
}

#[test]
fn learning_explores_with_the_propensity_it_states() {
    let three = candidates(&["poor", "fair", "best"]);
    for bandit in [BanditKind::Thompson, BanditKind::Ucb1] {
        let config = LearningConfig { bandit, ..LearningConfig::default() };
        let router = AdaptiveRouter::new(RoutingStrategy::Learning, config).unwrap();
        let router = router.with_records(history());
        // Horvitz and Thompson: the mean of 1/propensity over the choices of one arm estimates 1 for every arm.
        let mut inverse = [0.0; 3];
        let steps = 4_000;
        for seed in 0..steps {
            let decision = router.route(&request(seed), &three).unwrap();
            assert!(decision.propensity >= 0.1 / 3.0 - 1e-12);
            let at = three.iter().position(|c| c.worker == decision.worker).unwrap();
            inverse[at] += 1.0 / decision.propensity / steps as f64;
        }
        assert!(inverse.iter().all(|mean| (mean - 1.0).abs() < 0.35), "{bandit:?}: {inverse:?}");
    }
}

#[test]
fn learning_finds_the_better_worker_on_its_own() {
    let both = candidates(&["bad", "good"]);
    for bandit in [BanditKind::Thompson, BanditKind::Ucb1] {
        let config = LearningConfig { bandit, ..LearningConfig::default() };
        let router = AdaptiveRouter::new(RoutingStrategy::Learning, config).unwrap();
        let mut world = Seed(3).stream();
        let mut good = 0;
        for seed in 0..400 {
            let asked = request(seed);
            let decision = router.route(&asked, &both).unwrap();
            let is_good = decision.worker == name("good");
            good += usize::from(is_good && seed >= 200);
            let success = world.chance(if is_good { 0.9 } else { 0.2 });
            router.observe(&outcome(&asked, &decision.worker, success, 0.1));
        }
        assert!(good > 160, "{bandit:?}: {good} of the last 200");
    }
}

#[test]
fn the_same_history_and_seeds_give_the_same_decisions() {
    for strategy in STRATEGIES {
        let run = || {
            let router = router(strategy, Vec::new());
            let three = candidates(&["a", "b", "c"]);
            let mut trace = Vec::new();
            for seed in 0..60 {
                let asked = request(seed);
                let decision = router.route(&asked, &three).unwrap();
                router.observe(&outcome(&asked, &decision.worker, seed % 3 == 0, 0.1));
                trace.push(decision);
            }
            trace
        };
        assert_eq!(run(), run(), "{strategy:?}");
    }
}

#[test]
fn a_retry_goes_to_somebody_else_under_every_strategy() {
    let three = candidates(&["poor", "fair", "best"]);
    for strategy in STRATEGIES {
        for seed in 0..20 {
            let tried = vec![name("best"), name("poor")];
            let asked = Request { tried, attempt: 3, ..request(seed) };
            let decision = router(strategy, history()).route(&asked, &three).unwrap();
            assert_eq!(decision.worker, name("fair"), "{strategy:?}");
        }
        assert!(router(strategy, Vec::new()).route(&request(1), &[]).is_err());
    }
}

#[test]
fn what_it_is_told_is_remembered_within_its_bound() {
    let config = LearningConfig { records_max: 3, ..LearningConfig::default() };
    let router = AdaptiveRouter::new(RoutingStrategy::Balanced, config)
        .unwrap()
        .with_provider(name("a"), "claude");
    for seed in 0..9 {
        router.observe(&outcome(&request(seed), &name("a"), false, f64::INFINITY));
    }
    let cancelled = orchestrator_core::Outcome {
        error: Some(TaskError::cancelled()),
        ..outcome(&request(9), &name("a"), true, 0.5)
    };
    router.observe(&cancelled);
    let records = router.records();
    assert_eq!(records.len(), 3);
    assert_eq!((records[0].usd, records[0].provider.as_deref()), (0.0, Some("claude")));
    assert_eq!(records[0].error.as_ref().unwrap().kind, "bad");
    assert_eq!(records[2].outcome, ExecutionOutcome::Cancelled);
    assert_eq!(router.summary().overall.tasks, 2);
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let check = |config: LearningConfig| config.check().unwrap_err().to_string();
    let default = LearningConfig::default;
    assert_eq!(
        check(LearningConfig { exploration_rate: 1.5, ..default() }),
        "exploration_rate is 1.5, it must be from 0 to 1"
    );
    assert_eq!(
        check(LearningConfig { min_samples: 0, ..default() }),
        "min_samples is 0, it must be at least 1"
    );
    assert!(check(LearningConfig { cost_weight: f64::NAN, ..default() }).contains("cost_weight"));
    let zero = LearningConfig { success_weight: 0.0, cost_weight: 0.0, ..default() };
    assert!(check(zero).contains("finite and above 0"));
    // Free workers divide nothing by zero.
    let free = [records("a", 9, 9, 0.0), records("b", 2, 9, 0.0)].concat();
    let decision =
        router(RoutingStrategy::Balanced, free).route(&request(1), &candidates(&["b", "a"]));
    assert_eq!(decision.unwrap().worker, record("a", true, 0.0).worker);
}
