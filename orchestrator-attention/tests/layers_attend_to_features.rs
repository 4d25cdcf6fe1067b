//! Layers over named features, alone and through the worker.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use orchestrator_attention::{
    AttentionConfig, AttentionOutput, AttentionWorker, Feature, LayerQuery, Mask,
    MultiHeadAttention, Preset, ProjectionKind, Returns, embed, embed_layers, positions,
};
use orchestrator_core::{Cancellation, Failure, Note, Notes, Payload, Seed, Task, Worker};

const NAMES: [&str; 6] = ["nulls", "duplicates", "outliers", "size", "types", "complexity"];

fn features(value: f64) -> Vec<Feature> {
    NAMES.iter().map(|name| Feature::new(*name, value)).collect()
}

#[test]
fn a_layer_attends_most_to_what_it_is_interested_in() {
    for preset in [Preset::Speed, Preset::Default, Preset::Quality] {
        let config = AttentionConfig::preset(preset);
        let attention =
            MultiHeadAttention::identity(config).unwrap().with_returns(Returns::Weights);
        let (mut hits, mut tries) = (0, 0);
        for seed in 0..20 {
            let keys = embed(&features(0.5), config.embed_dim, Seed(seed)).unwrap();
            for (at, name) in NAMES.iter().enumerate() {
                let layer = [LayerQuery::new("l").interested_in(*name, 1.0)];
                let query =
                    embed_layers(&layer, &features(0.5), config.embed_dim, Seed(seed)).unwrap();
                let attended = attention.attend(&query, &keys, &keys, &Mask::None).unwrap();
                tries += 1;
                hits +=
                    usize::from(attended.mean_weights().unwrap().row(0).transpose().imax() == at);
            }
        }
        let wanted = if preset == Preset::Speed { 0.85 } else { 0.97 };
        let share = f64::from(hits as u32) / f64::from(tries);
        assert!(share >= wanted, "{preset:?}: found in {hits} of {tries}");
    }
}

#[test]
fn a_stronger_feature_gets_more_weight() {
    let config = AttentionConfig::default();
    let attention = MultiHeadAttention::identity(config).unwrap().with_returns(Returns::Weights);
    let layer = [LayerQuery::new("l").interested_in("nulls", 1.0)];
    let weight = |value: f64| {
        let mut features = features(0.5);
        features[0].value = value;
        let keys = embed(&features, config.embed_dim, Seed(4)).unwrap();
        let query = embed_layers(&layer, &features, config.embed_dim, Seed(4)).unwrap();
        attention.attend(&query, &keys, &keys, &Mask::None).unwrap().mean_weights().unwrap()[(0, 0)]
    };
    assert!(weight(0.0) < weight(0.5) && weight(0.5) < weight(1.0));
}

#[test]
fn what_is_no_feature_is_refused_by_name() {
    let refuse = |features: &[Feature]| embed(features, 16, Seed(1)).unwrap_err().to_string();
    assert_eq!(
        refuse(&[Feature::new("a", 1.5)]),
        "feature \"a\" has the value 1.5; scale it into [0, 1]"
    );
    assert!(refuse(&[Feature::new("a", f64::NAN)]).contains("NaN"));
    assert_eq!(
        refuse(&[Feature::new("a", 0.0), Feature::new("a", 1.0)]),
        "feature \"a\" occurs twice"
    );
    let layer = [LayerQuery::new("l").interested_in("b", 1.0)];
    let error = embed_layers(&layer, &[Feature::new("a", 0.0)], 16, Seed(1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "layer \"l\" is interested in \"b\" by 1, which is no feature that was given"
    );
}

#[test]
fn positions_differ_and_start_as_the_paper_says() {
    let rows = positions(50, 6);
    assert_eq!(rows.row(0).iter().copied().collect::<Vec<_>>(), [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    for a in 0..50 {
        for b in 0..a {
            assert!((rows.row(a) - rows.row(b)).norm() > 1e-3);
        }
    }
}

fn run(worker: &AttentionWorker, json: &str, seed: u64) -> Result<Payload, String> {
    let task = Task::detached(Payload::parse(json).unwrap(), Seed(seed));
    let output = block_on(worker.execute(task));
    output.map(|output| output.payload).map_err(|error| error.to_string())
}

#[test]
fn the_worker_gives_the_documented_keys_and_the_same_bytes_again() {
    let worker = AttentionWorker::new(AttentionConfig::default())
        .unwrap()
        .with_projections(ProjectionKind::Seeded);
    let rows: Vec<Vec<f64>> = (0..3).map(|r| (0..16).map(|c| f64::from(r * c)).collect()).collect();
    let json = format!(r#"{{"rows": {}, "causal": true}}"#, serde_json::to_string(&rows).unwrap());
    let output = run(&worker, &json, 5).unwrap();
    assert_eq!(run(&worker, &json, 5).unwrap(), output);
    assert_ne!(run(&worker, &json, 6).unwrap(), output);
    let keys: BTreeMap<String, serde_json::Value> = output.to().unwrap();
    for key in ["attended_output", "attention_weights", "attention_entropy", "checks"] {
        assert!(keys.contains_key(key), "{key}");
    }
    let output: AttentionOutput = output.to().unwrap();
    assert_eq!(output.attention_weights.len(), 4);
    assert_eq!(output.attention_weights[0][0], [1.0, 0.0, 0.0]);
}

#[test]
fn the_worker_refuses_what_it_cannot_attend() {
    let worker = AttentionWorker::new(AttentionConfig::default()).unwrap();
    for (json, message) in [
        ("{}", "attention: attention needs at least one query"),
        (r#"{"rows": [[1, 2]]}"#, "attention: rows has 2 columns, 16 are needed to fit embed_dim"),
        (
            r#"{"rows": [[1]], "features": [{"name": "a", "value": 1}]}"#,
            "attention: give either `rows` (with `causal` if wanted) or `features` and `layers`",
        ),
    ] {
        assert_eq!(run(&worker, json, 1).unwrap_err(), message);
    }
    assert!(run(&worker, r#"{"row": []}"#, 1).unwrap_err().starts_with("payload: "));
    assert!(AttentionWorker::new(AttentionConfig { embed_dim: 16, heads: 5 }).is_err());
}

#[test]
fn the_worker_reports_progress_and_stops_when_cancelled() {
    let json = r#"{"features": [{"name": "a", "value": 1}], "layers": [{"name": "l"}]}"#;
    let worker = AttentionWorker::new(AttentionConfig::default()).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keep = seen.clone();
    let notes = Notes::to(move |_, note| keep.lock().unwrap().push(note));
    let task = Task::detached(Payload::parse(json).unwrap(), Seed(1)).with_notes(notes);
    block_on(worker.execute(task.clone())).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 5);
    assert!(matches!(seen[4], Note::Progress { done: 1.0, .. }));

    let (cancel, cancellation) = Cancellation::new();
    cancel.cancel();
    let cancelled = Task::detached(task.input().clone(), Seed(1)).with_cancellation(cancellation);
    let error = block_on(worker.execute(cancelled)).unwrap_err();
    assert_eq!(error.failure, Failure::Cancelled);
}
