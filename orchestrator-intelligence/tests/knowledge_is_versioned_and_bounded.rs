//! The snapshot: bounded, canonical, atomic, and clear about what it cannot read.

use std::collections::BTreeMap;
use std::fs;

use orchestrator_core::Payload;
use orchestrator_intelligence::{
    FailureCase, KNOWLEDGE_FILE, Knowledge, KnowledgeError, RunSummary,
};

fn summary(run: u32) -> RunSummary {
    RunSummary {
        project: format!("p{run}"),
        project_type: "etl".to_owned(),
        strategy: "default".to_owned(),
        hyperparameters: [("epsilon".to_owned(), 0.2)].into(),
        final_fitness: f64::from(run),
        quality: f64::from(run),
        generations_to_converge: 10,
        episodes_to_converge: 5,
        succeeded: true,
    }
}

fn failure(run: u64) -> FailureCase {
    FailureCase {
        stage: "rl".to_owned(),
        code: "diverged".to_owned(),
        message: String::new(),
        run,
        hyperparameters: BTreeMap::new(),
    }
}

fn filled() -> Knowledge {
    let mut knowledge = Knowledge::default();
    knowledge.record_run(summary(1)).unwrap();
    knowledge.record_failure(failure(0)).unwrap();
    knowledge.record_best("etl", [("a".to_owned(), 0.1 + 0.2)].into(), 2.5).unwrap();
    knowledge.record_q_table(Payload::parse(r#"{"s0": [0.1, -0.0]}"#).unwrap());
    knowledge
}

#[test]
fn it_is_the_same_after_a_round_trip() {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("a/b");
    assert!(Knowledge::load(&inside).unwrap().is_none());
    let knowledge = filled();
    knowledge.save(&inside).unwrap();
    knowledge.save(&inside).unwrap();
    let loaded = Knowledge::load(&inside).unwrap().unwrap();
    assert_eq!(loaded, knowledge);
    assert_eq!(loaded.hash(), knowledge.hash());
    assert!(loaded.hash().starts_with("fnv1a128:") && loaded.hash().len() == 9 + 32);
    assert_eq!(fs::read_dir(&inside).unwrap().count(), 1, "nothing is left beside it");
    let mut other = loaded;
    other.record_failure(failure(1)).unwrap();
    assert_ne!(other.hash(), knowledge.hash());
}

#[test]
fn the_hash_is_pinned() {
    // Another value here means that snapshots of earlier versions hash differently now.
    assert_eq!(Knowledge::default().hash(), "fnv1a128:6c51b65a9af1697a3bf949378949a928");
}

#[test]
fn everything_is_bounded_and_the_best_stay() {
    let mut knowledge = Knowledge::default();
    for run in 0..500 {
        knowledge.record_run(summary(run)).unwrap();
        knowledge.record_failure(failure(u64::from(run))).unwrap();
        let parameters = BTreeMap::from([("a".to_owned(), f64::from(run % 50))]);
        knowledge.record_best("etl", parameters, f64::from(run % 50)).unwrap();
        knowledge.record_best(&format!("type{run}"), BTreeMap::new(), 1.0).unwrap();
    }
    assert_eq!(knowledge.runs(), 500);
    assert_eq!((knowledge.summaries().len(), knowledge.failures().len()), (200, 200));
    assert_eq!(knowledge.summaries().next().unwrap().project, "p300");
    let fitness: Vec<f64> = knowledge.best("etl").iter().map(|best| best.fitness).collect();
    assert_eq!(fitness, [49.0, 48.0, 47.0, 46.0, 45.0]);
    assert_eq!(knowledge.project_types().count(), 64);
    assert!(knowledge.best("type0").is_empty() && !knowledge.best("type499").is_empty());
}

#[test]
fn what_is_not_finite_is_refused_and_changes_nothing() {
    let mut knowledge = filled();
    let before = knowledge.hash();
    let bad = RunSummary { quality: f64::NAN, ..summary(2) };
    assert_eq!(
        knowledge.record_run(bad).unwrap_err().to_string(),
        "quality is NaN; only finite numbers can be remembered"
    );
    assert!(knowledge.record_best("x", [("a".to_owned(), f64::INFINITY)].into(), 1.0).is_err());
    assert_eq!(knowledge.hash(), before);
}

#[test]
fn a_file_it_cannot_read_is_a_clear_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(KNOWLEDGE_FILE);
    let refuse = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        Knowledge::load(dir.path()).unwrap_err()
    };
    filled().save(dir.path()).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    for cut in [0, 1, good.len() / 2, good.len() - 2] {
        let error = refuse(&good.as_bytes()[..cut]);
        assert!(matches!(error, KnowledgeError::Corrupt { line: 1, .. }), "cut at {cut}: {error}");
    }
    let message = refuse(b"{\n\"version\": 1,\n\"runs\": \"many\"}").to_string();
    assert!(message.contains("knowledge.json line 3: "), "{message}");
    assert!(message.ends_with("or remove it to start without knowledge"), "{message}");
    assert!(matches!(refuse(b"\xff\xfe"), KnowledgeError::Corrupt { .. }));
    let message = refuse(good.replace("\"version\":1", "\"version\":2").as_bytes()).to_string();
    assert!(message.contains("knowledge.json: version 2, this version reads 1"), "{message}");
}
