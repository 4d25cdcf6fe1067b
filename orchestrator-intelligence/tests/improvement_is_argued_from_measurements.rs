//! The four mechanisms: their triggers, their steps, and their silence without evidence.

use std::collections::BTreeMap;

use orchestrator_intelligence::{
    FailureCase, Improver, Knowledge, Mechanism, RunMetrics, RunSummary, failure_patterns,
    troubleshoot,
};

fn settings(pairs: &[(&str, f64)]) -> BTreeMap<String, f64> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
}

fn run(project_type: &str, strategy: &str, pairs: &[(&str, f64)], quality: f64) -> RunSummary {
    RunSummary {
        project: "p".to_owned(),
        project_type: project_type.to_owned(),
        strategy: strategy.to_owned(),
        hyperparameters: settings(pairs),
        final_fitness: quality,
        quality,
        generations_to_converge: 10,
        episodes_to_converge: 5,
        succeeded: true,
    }
}

fn metrics(pairs: &[(&str, f64)]) -> RunMetrics {
    RunMetrics {
        project_type: "etl".to_owned(),
        hyperparameters: settings(pairs),
        ..RunMetrics::default()
    }
}

fn mechanisms(knowledge: &Knowledge, metrics: &RunMetrics) -> Vec<Mechanism> {
    Improver::suggest(knowledge, metrics).into_iter().map(|s| s.mechanism).collect()
}

#[test]
fn tuning_comes_every_tenth_run_and_follows_what_went_with_quality() {
    let mut knowledge = Knowledge::default();
    let now = metrics(&[("mutation_rate", 0.1), ("epsilon", 0.2)]);
    for at in 1..=20 {
        // Quality grows with the mutation rate, and has nothing to do with epsilon.
        let rate = 0.05 * f64::from(at % 5);
        let noise = f64::from(at % 2);
        knowledge
            .record_run(run(
                "etl",
                "default",
                &[("mutation_rate", rate), ("epsilon", noise)],
                1.0 + rate,
            ))
            .unwrap();
        let due = Improver::suggest(&knowledge, &now);
        assert_eq!(due.len(), usize::from(at % 10 == 0), "run {at}: {due:?}");
    }
    let [step] = &Improver::suggest(&knowledge, &now)[..] else { panic!("one") };
    assert_eq!((step.parameter.as_str(), step.current), ("mutation_rate", 0.1));
    assert_eq!(step.learning_rate, 0.05);
    // The best five of twenty averaged 0.19: four at 0.20, one at 0.15.
    assert!((step.proposed - (0.1 + 0.05 * (0.19 - 0.1))).abs() < 1e-12, "{step:?}");
    assert!(
        step.reason.contains("over 20 runs its correlation with quality is 1.00"),
        "{}",
        step.reason
    );
}

fn failing(code: &str, epsilon: f64) -> FailureCase {
    FailureCase {
        stage: "rl".to_owned(),
        code: code.to_owned(),
        message: String::new(),
        run: 3,
        hyperparameters: settings(&[("epsilon", epsilon)]),
    }
}

#[test]
fn failures_are_recognised_from_the_sixth_and_steered_away_from() {
    let mut knowledge = Knowledge::default();
    for epsilon in [0.08, 0.10, 0.12, 0.10] {
        knowledge.record_run(run("etl", "default", &[("epsilon", epsilon)], 1.0)).unwrap();
    }
    let risky = metrics(&[("epsilon", 0.45)]);
    for (at, epsilon) in [0.5, 0.45, 0.55, 0.5, 0.5, 0.5].into_iter().enumerate() {
        assert!(Improver::suggest(&knowledge, &risky).is_empty(), "after {at} failures");
        knowledge.record_failure(failing("diverged", epsilon)).unwrap();
    }
    let [step] = &Improver::suggest(&knowledge, &risky)[..] else { panic!("one") };
    assert_eq!(step.mechanism, Mechanism::FailurePatternRecognition);
    assert!((step.proposed - (0.45 + 0.10 * (0.10 - 0.45))).abs() < 1e-12, "{step:?}");
    assert!(
        step.reason.starts_with("\"diverged\" in stage \"rl\" is 6 of 6 failures"),
        "{}",
        step.reason
    );
    // On the good side already: nothing to do.
    assert!(Improver::suggest(&knowledge, &metrics(&[("epsilon", 0.11)])).is_empty());

    knowledge.record_failure(failing("late", 0.1)).unwrap();
    let patterns = failure_patterns(&knowledge);
    let counts: Vec<(&str, usize)> = patterns.iter().map(|p| (p.code.as_str(), p.count)).collect();
    assert_eq!(counts, [("diverged", 6), ("late", 1)]);
    assert!((patterns[0].share - 6.0 / 7.0).abs() < 1e-12);
}

#[test]
fn failures_that_look_like_successes_teach_nothing() {
    let mut knowledge = Knowledge::default();
    for epsilon in [0.1, 0.3, 0.5, 0.2, 0.4, 0.3] {
        knowledge.record_run(run("etl", "default", &[("epsilon", epsilon)], 1.0)).unwrap();
        knowledge.record_failure(failing("chance", epsilon)).unwrap();
    }
    assert!(Improver::suggest(&knowledge, &metrics(&[("epsilon", 0.9)])).is_empty());
}

#[test]
fn transfer_is_always_active_and_never_takes_more_than_half() {
    let mut knowledge = Knowledge::default();
    assert!(Improver::suggest(&knowledge, &metrics(&[])).is_empty());
    for (at, fitness) in [2.0, 2.8, 2.4].into_iter().enumerate() {
        knowledge.record_best("etl", settings(&[("a", at as f64)]), fitness).unwrap();
    }
    let mut share = 0.0;
    for _ in 0..20 {
        let now = metrics(&[("seeded_share", share)]);
        let Some(step) = Improver::suggest(&knowledge, &now).pop() else {
            break;
        };
        assert_eq!(step.mechanism, Mechanism::CrossRunTransfer);
        assert!(step.proposed > share);
        share = step.proposed;
    }
    assert_eq!(share, 0.5);
    let seeds = Improver::seeds(&knowledge, "etl", 20, 0.15);
    assert_eq!(seeds.iter().map(|seed| seed["a"]).collect::<Vec<_>>(), [1.0, 2.0, 0.0]);
    assert_eq!(Improver::seeds(&knowledge, "etl", 20, 0.05).len(), 1);
    assert!(Improver::seeds(&knowledge, "site", 20, 1.0).is_empty());
}

#[test]
fn meta_learning_waits_for_twenty_diverse_runs() {
    let mut knowledge = Knowledge::default();
    for at in 1..=24 {
        let (strategy, quality) = if at % 2 == 0 { ("quality", 3.0) } else { ("speed", 2.0) };
        let project_type = if at <= 21 { "etl" } else { "site" };
        knowledge.record_run(run(project_type, strategy, &[], quality)).unwrap();
        let expected = if at >= 22 { vec![Mechanism::MetaLearning] } else { vec![] };
        assert_eq!(mechanisms(&knowledge, &metrics(&[])), expected, "run {at}");
    }
    let step = Improver::suggest(&knowledge, &metrics(&[])).pop().unwrap();
    assert_eq!((step.parameter.as_str(), step.current), ("strategy_weight.quality", 0.5));
    assert!((step.proposed - 0.54).abs() < 1e-12);
    // Too few runs of that type: nothing is said about it.
    let other = RunMetrics { project_type: "site".to_owned(), ..RunMetrics::default() };
    assert!(Improver::suggest(&knowledge, &other).is_empty());
}

#[test]
fn troubles_are_named_only_where_they_were_measured() {
    let check = |metrics: RunMetrics, wanted: &[(&str, Option<f64>)]| {
        let found = troubleshoot(&metrics);
        let found: Vec<(&str, Option<f64>)> = found
            .iter()
            .map(|r| (r.issue.as_str(), r.setting.as_ref().map(|(_, value)| *value)))
            .collect();
        assert_eq!(found, wanted);
    };
    let flat = |rate: f64| RunMetrics {
        fitness_history: vec![1.0; 10],
        diversity_history: vec![1.0, 0.05],
        ..metrics(&[("mutation_rate", rate)])
    };
    check(flat(0.15), &[("the fitness is not improving", Some(0.20))]);
    check(flat(0.20), &[("the fitness is not improving", Some(0.25))]);
    check(RunMetrics { diversity_history: vec![1.0, 0.9], ..flat(0.15) }, &[]);
    check(RunMetrics { fitness_history: vec![1.0, 2.0], ..flat(0.15) }, &[]);

    let shaky = |epsilon: f64| RunMetrics {
        reward_history: (0..20).map(|at| f64::from(at % 2)).collect(),
        reward_exploring: Some(-0.1),
        reward_greedy: Some(0.2),
        ..metrics(&[("epsilon", epsilon)])
    };
    check(shaky(0.2), &[("the rewards are fluctuating", Some(0.15))]);
    check(shaky(0.1), &[]);
    check(RunMetrics { reward_exploring: Some(0.3), ..shaky(0.2) }, &[]);
    check(RunMetrics { reward_greedy: None, ..shaky(0.2) }, &[]);
    check(RunMetrics { reward_history: vec![1.0; 20], ..shaky(0.2) }, &[]);

    let even = |dim: f64| RunMetrics {
        attention_entropy_share: Some(0.995),
        ..metrics(&[("embed_dim", dim)])
    };
    check(even(16.0), &[("the attention weights are uniform", Some(32.0))]);
    check(even(32.0), &[]);
    check(
        RunMetrics { syntax_errors: 1, ..metrics(&[]) },
        &[("generated code has syntax errors", None)],
    );
}
