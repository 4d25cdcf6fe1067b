//! θ and the data decide what the scripts contain, and every decision can be followed.

mod support;

use std::collections::BTreeMap;

use orchestrator_codegen::{
    Activation, CodegenOutput, CodegenWorker, FEATURES, GenerateError, GenerateRequest,
    GeneratedScripts, Generator, Profile, SCORE_THRESHOLD, TokenKind,
};
use orchestrator_core::{Cancellation, Failure, Parameters, Payload, Seed, Task, Worker};
use support::{request, scripts, template};

fn kept(scripts: &GeneratedScripts, layer: &str) -> Vec<String> {
    let kept = scripts.blocks.iter().filter(|block| block.kept && block.layer == layer);
    kept.map(|block| block.block.clone()).collect()
}

/// θ as the optimiser wants it: every weight as great as its feature, within its bounds.
fn matching(profile: &Profile) -> Parameters {
    let mut theta = template().neutral_parameters();
    for (feature, weight) in &mut theta.weights {
        *weight = profile.features[feature].max(0.1);
    }
    theta
}

#[track_caller]
fn check(text: &str, wanted: &[&str], unwanted: &[&str]) {
    let profile = Profile::of_bytes("t.csv", text.as_bytes()).unwrap();
    let mut request = GenerateRequest::for_profile("etl-python", &profile, matching(&profile));
    // One function for each file: that all three decide alike is a property of their own.
    {
        request.activation = Activation::ALL[text.len() % Activation::ALL.len()];
        let kept = kept(&Generator::new().generate(&request).unwrap(), "layer_2");
        for block in wanted {
            assert!(
                kept.iter().any(|name| name == block),
                "{block} is not in {kept:?}: {:?}",
                profile.features
            );
        }
        for block in unwanted {
            assert!(
                !kept.iter().any(|name| name == block),
                "{block} is in {kept:?}: {:?}",
                profile.features
            );
        }
    }
}

#[test]
fn data_with_a_need_gets_the_block_and_data_without_does_not() {
    let optional = [
        "imputation",
        "outlier_clipping",
        "near_deduplication",
        "text_normalisation",
        "quarantine_summary",
        "chunked_streaming",
        "adaptive",
    ];
    let table = |row: fn(usize) -> String| -> String {
        "id,v,s\n".to_owned() + &(0..100).map(row).collect::<String>()
    };
    check(&table(|at| format!("{at},{}.5,n{at}\n", at % 7)), &[], &optional);
    check(
        &table(|at| format!("{at},{},n{at}\n", if at % 5 == 0 { "" } else { "1.5" })),
        &["imputation"],
        &["outlier_clipping", "near_deduplication", "chunked_streaming"],
    );
    check(
        &table(|at| format!("{at},{}.5,n{at}\n", if at % 25 == 0 { 900 } else { at % 7 })),
        &["outlier_clipping"],
        &["imputation", "near_deduplication"],
    );
    check(
        &table(|at| format!("{},1.5,{}\n", at / 2, if at % 2 == 0 { "x" } else { "X" })),
        &["near_deduplication"],
        &["imputation", "outlier_clipping"],
    );
    check(
        &table(|at| if at % 10 == 0 { format!("{at}\n") } else { format!("{at},1.5,n{at}\n") }),
        &["quarantine_summary"],
        &["imputation"],
    );
    let large: String = (0..110_000).map(|at| format!("{at},1\n")).collect();
    check(&format!("id,v\n{large}"), &["chunked_streaming"], &["imputation"]);
}

#[test]
fn features_are_shares_and_each_decision_is_reported() {
    let profile = Profile::of_bytes("t.csv", b"a,b\n1,\n2,x\n").unwrap();
    assert_eq!(profile.features.keys().map(String::as_str).collect::<Vec<_>>(), FEATURES);
    assert!(profile.features.values().all(|value| (0.0..=1.0).contains(value)));
    let nulls = 0.25 / (0.25 + 0.05);
    assert!((profile.features["nulls"] - nulls).abs() < 1e-12);

    let theta = template().neutral_parameters();
    let mut request = GenerateRequest::for_profile("etl-python", &profile, theta);
    request.parameters.weights.insert("nulls".into(), 0.5);
    request.parameters.biases.insert("layer_2".into(), -0.1);
    request.parameters.temperature = 2.0;
    let scripts = Generator::new().generate(&request).unwrap();
    let decision = scripts.blocks.iter().find(|block| block.block == "imputation").unwrap();
    assert!((decision.score - (0.5 * nulls - 0.1) / 2.0).abs() < 1e-12);
    assert_eq!(decision.threshold, SCORE_THRESHOLD);
    assert!(!decision.kept);
    let decisions: usize = template().blocks().iter().map(|block| block.layers.len()).sum();
    assert_eq!(scripts.blocks.len(), decisions);
    assert_eq!(scripts.layers, ["layer_0.py", "layer_1.py", "layer_2.py"]);
    assert!(scripts.layers.iter().all(|file| scripts.quality.contains_key(file)));
    assert!(scripts.script_tokens > 1000);
}

#[test]
fn a_script_without_a_block_has_none_of_its_code() {
    let bare = scripts(&[]);
    let bare = bare.source("layer_2.py").unwrap();
    for trace in [
        "import logging",
        "blake2b",
        "unicodedata",
        "class Survey",
        "def fences",
        "near_form",
        "adapt",
        "deviation",
        "\"quarantine_reasons\"",
    ] {
        assert!(!bare.contains(trace), "{trace}");
    }
    for block in template().blocks().iter().filter(|block| block.layers == ["layer_2"]) {
        let with = scripts(&[&block.name]);
        let source = with.source("layer_2.py").unwrap();
        assert!(source.len() > bare.len() || block.name == "chunked_streaming");
        assert!(source.contains(&format!("BLOCKS.append(\"{}\")\n", block.name)));
        assert!(!source.contains("\n\n\n\n") && !source.lines().any(|line| line.ends_with(' ')));
        assert!(source.lines().all(|line| line.chars().count() <= 130), "{}", block.name);
    }
}

#[test]
fn emphasis_and_bias_work_layer_by_layer() {
    let mut request = request(&[]);
    request.features.insert("nulls".into(), 0.3);
    assert_eq!(kept(&Generator::new().generate(&request).unwrap(), "layer_2"), ["imputation"]);
    let weaker = BTreeMap::from([("nulls".to_owned(), 0.5)]);
    request.emphasis.insert("layer_2".into(), weaker);
    assert!(kept(&Generator::new().generate(&request).unwrap(), "layer_2").is_empty());
    request.parameters.biases.insert("layer_1".into(), 0.5);
    let scripts = Generator::new().generate(&request).unwrap();
    assert_eq!(kept(&scripts, "layer_1"), ["explain", "compile_check"]);
    assert!(kept(&scripts, "layer_0").is_empty());
}

#[test]
fn a_request_that_lacks_something_says_what() {
    let fails = |change: &dyn Fn(&mut GenerateRequest)| {
        let mut request = request(&[]);
        change(&mut request);
        Generator::new().generate(&request).unwrap_err().to_string()
    };
    assert_eq!(
        fails(&|request| {
            request.features.remove("types");
        }),
        "block explain listens to the feature \"types\", which the request lacks"
    );
    assert_eq!(
        fails(&|request| {
            request.features.insert("types".into(), 1.5);
        }),
        "feature \"types\" is 1.5, which is outside [0, 1]"
    );
    assert_eq!(
        fails(&|request| {
            request.parameters.weights.remove("nulls");
        }),
        "the parameters have no weight for the feature \"nulls\""
    );
    assert_eq!(
        fails(&|request| {
            request.parameters.biases.remove("layer_1");
        }),
        "the parameters have no bias for layer_1"
    );
    let error = fails(&|request| request.parameters.temperature = 0.0);
    assert!(error.starts_with("the parameters are outside their bounds"), "{error}");
    let emphasis = |request: &mut GenerateRequest| {
        let factor = BTreeMap::from([("nulls".to_owned(), f64::NAN)]);
        request.emphasis.insert("layer_2".into(), factor);
    };
    assert_eq!(
        fails(&emphasis),
        "the emphasis of \"nulls\" for layer_2 is NaN, which is no factor"
    );
    assert!(matches!(
        Generator::new().generate(&{
            let mut request = request(&[]);
            request.features.clear();
            request
        }),
        Err(GenerateError::MissingFeature { .. })
    ));
}

#[test]
fn the_worker_gives_the_documents_keys_and_can_be_cancelled() {
    let input = Payload::of(&request(&["imputation"])).unwrap();
    let worker = CodegenWorker::default();
    let task = || Task::detached(input.clone(), Seed(1));
    let output = futures::executor::block_on(worker.execute(task())).unwrap();
    for key in [
        "code_samples",
        "blocks",
        "quality",
        "script_tokens",
        "sample_metadata",
        "checks",
        "quality_score",
    ] {
        assert!(output.payload.at::<serde_json::Value>(&format!("/{key}")).is_ok(), "{key}");
    }
    let read: CodegenOutput = output.payload.to().unwrap();
    assert_eq!(read.scripts, Generator::new().generate(&request(&["imputation"])).unwrap());

    let (canceller, cancellation) = Cancellation::new();
    canceller.cancel();
    let error = futures::executor::block_on(worker.execute(task().with_cancellation(cancellation)));
    assert_eq!(error.unwrap_err().failure, Failure::Cancelled);
    let nonsense = Task::detached(Payload::from("x"), Seed(1));
    assert!(futures::executor::block_on(worker.execute(nonsense)).is_err());
}

#[test]
fn a_file_that_cannot_be_read_is_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = |path: &std::path::Path| Profile::of_path(path).unwrap_err().to_string();
    assert!(error(folder.path()).ends_with(": this is a directory; name a CSV file"));
    let missing = folder.path().join("no.csv");
    assert_eq!(
        error(&missing),
        format!("{}: there is no such file; check the path", missing.display())
    );
}

#[test]
fn the_tokens_that_stay_are_the_script() {
    let mut request = request(&["imputation"]);
    request.parameters.weights.insert("nulls".into(), 0.75);
    let scripts = Generator::new().generate(&request).unwrap();
    for (file, tokens) in Generator::new().tokens(&request).unwrap() {
        let kept: Vec<&str> =
            scripts.sample_metadata[&file].blocks.iter().map(String::as_str).collect();
        let stays =
            tokens.iter().filter(|token| token.guards.iter().all(|guard| guard.holds(&kept)));
        let text: String = stays.map(|token| token.text.as_str()).collect();
        assert_eq!(Some(text.as_str()), scripts.source(&file));
        let listening =
            |block: &str| tokens.iter().find(|token| token.block.as_deref() == Some(block));
        if let Some(token) = listening("imputation") {
            assert_eq!((token.feature.as_deref(), token.weight), (Some("nulls"), 0.75));
        }
        assert!(tokens.iter().any(|token| token.kind == TokenKind::Core && token.block.is_none()));
    }
}
