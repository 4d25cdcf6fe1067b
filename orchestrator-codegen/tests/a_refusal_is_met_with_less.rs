//! What a validator refuses is tried again with adjusted parameters, then as the simpler template, and handed out in part, which says so.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use orchestrator_codegen::{
    CodegenOutput, CodegenWorker, Completeness, Diagnostic, GenerateRequest, GeneratedScripts,
    Generator, Incomplete, Language, PythonValidator, RETRIES_MAX, Severity, Template, Validator,
    check_scripts,
};
use orchestrator_core::{Failure, Payload, Seed, Task, TaskError, Worker};
use support::{request, template};

/// Refuses the innermost layer so many times, whatever it holds.
struct RefusesFirst {
    refusals: usize,
    asked: Arc<AtomicUsize>,
}

impl Validator for RefusesFirst {
    fn validate(&self, source: &str) -> Vec<Diagnostic> {
        let mut found = PythonValidator.validate(source);
        if source.contains("\ndef clean(")
            && self.asked.fetch_add(1, Ordering::Relaxed) < self.refusals
        {
            let message = "not yet".to_owned();
            found.push(Diagnostic { line: 3, column: 5, message, severity: Severity::Error });
        }
        found
    }
}

/// A request of which two retries each drop a block: both reach the threshold of 0.25, one by less than a step of the bias, the other by
/// less than two.
fn fading() -> GenerateRequest {
    let mut request = request(&[]);
    request.features.insert("nulls".to_owned(), 0.4);
    request.features.insert("outliers".to_owned(), 0.7);
    request
}

fn generator(refusals: usize) -> (Generator, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let validator = RefusesFirst { refusals, asked: asked.clone() };
    (Generator::new().with_validator(Language::Python, validator), asked)
}

/// The result after so many refusals, which was asked for one time more.
#[track_caller]
fn after(refusals: usize) -> GeneratedScripts {
    let (generator, asked) = generator(refusals);
    let scripts = generator.generate(&fading()).unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), refusals + 1);
    assert_eq!(scripts.attempts.len(), refusals);
    for attempt in &scripts.attempts {
        assert_eq!(attempt.diagnostics["layer_2.py"][0].message, "not yet");
        assert_eq!(attempt.diagnostics.len(), 1, "the other layers were fine");
    }
    scripts
}

fn kept(scripts: &GeneratedScripts) -> Vec<&str> {
    let kept = scripts.blocks.iter().filter(|block| block.kept && block.layer == "layer_2");
    kept.map(|block| block.block.as_str()).collect()
}

fn biases(scripts: &GeneratedScripts) -> Vec<(f64, f64)> {
    let of = |attempt: &orchestrator_codegen::Attempt| {
        (attempt.parameters.biases["layer_1"], attempt.parameters.biases["layer_2"])
    };
    scripts.attempts.iter().map(of).collect()
}

#[test]
fn nothing_is_adjusted_where_nothing_is_refused() {
    let scripts = after(0);
    assert_eq!(scripts.completeness, Completeness::Complete);
    assert_eq!(kept(&scripts), ["imputation", "outlier_clipping"]);
    assert!(scripts.refused.is_empty());
}

#[test]
fn first_the_parameters_of_the_layer_are_adjusted_step_by_step() {
    let once = after(1);
    assert_eq!(
        (once.completeness, once.template.as_str()),
        (Completeness::Simplified, "etl-python")
    );
    assert_eq!(kept(&once), ["outlier_clipping"]);
    assert_eq!(biases(&once), [(0.0, 0.0)]);
    assert!(once.is_whole());

    let twice = after(2);
    assert_eq!(
        (twice.completeness, twice.template.as_str()),
        (Completeness::Simplified, "etl-python")
    );
    assert!(kept(&twice).is_empty());
    assert_eq!(biases(&twice), [(0.0, 0.0), (0.0, -0.25)], "only that of the layer concerned");
    assert_eq!(RETRIES_MAX, 2);
}

#[test]
fn then_the_simpler_template_is_taken_and_then_the_next() {
    let third = after(3);
    assert_eq!(third.template, "etl-python-standard");
    assert_eq!(third.completeness, Completeness::Simplified);
    assert_eq!(biases(&third)[2], (0.0, -0.5));
    assert_eq!(
        kept(&third),
        ["imputation", "outlier_clipping"],
        "it starts with θ as it was given"
    );
    let sixth = after(6);
    assert_eq!(sixth.template, "etl-python-simple");
    assert!(sixth.is_whole() && kept(&sixth).is_empty());
    let templates: Vec<&str> =
        sixth.attempts.iter().map(|attempt| attempt.template.as_str()).collect();
    assert_eq!(templates[..3], ["etl-python"; 3]);
    assert_eq!(templates[3..], ["etl-python-standard"; 3]);
}

#[test]
fn at_last_what_is_valid_is_handed_out_and_says_that_it_is_a_part() {
    let (generator, asked) = generator(usize::MAX);
    let scripts = generator.generate(&fading()).unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 7, "the simplest has nothing to take away");
    assert_eq!(scripts.completeness, Completeness::Partial);
    assert_eq!(scripts.template, "etl-python-simple");
    assert_eq!(scripts.code_samples.keys().collect::<Vec<_>>(), ["layer_0.py", "layer_1.py"]);
    assert_eq!(scripts.layers, ["layer_0.py", "layer_1.py", "layer_2.py"], "what should be there");
    assert_eq!(scripts.diagnostics["layer_2.py"][0].line, 3);
    let failed: Vec<String> = check_scripts(&scripts)
        .into_iter()
        .filter(|check| !check.passed)
        .map(|check| format!("{}: {}", check.name, check.detail))
        .collect();
    assert_eq!(
        failed,
        [
            "layer_2.py parses: line 3, column 5: not yet",
            "no fallback was needed: layers are missing",
        ]
    );
}

fn work(worker: &CodegenWorker, input: serde_json::Value) -> Result<CodegenOutput, TaskError> {
    let task = Task::detached(Payload::of(&input).unwrap(), Seed(1));
    Ok(futures::executor::block_on(worker.execute(task))?.payload.to()?)
}

#[test]
fn a_worker_hands_out_a_part_or_refuses_it() {
    let input = serde_json::to_value(fading()).unwrap();
    let part = work(&CodegenWorker::new(generator(usize::MAX).0), input.clone()).unwrap();
    assert_eq!(part.scripts.completeness, Completeness::Partial);
    assert!(part.checks.iter().any(|check| !check.passed));

    let strict = CodegenWorker::new(generator(usize::MAX).0).with_incomplete(Incomplete::Refuse);
    let error = work(&strict, input.clone()).unwrap_err();
    assert_eq!((error.failure, error.code.as_str()), (Failure::Terminal, "codegen_incomplete"));
    let found: Vec<Diagnostic> = error.details.at("/diagnostics/layer_2.py").unwrap();
    assert_eq!(found[0].message, "not yet");
    let strict = CodegenWorker::new(generator(3).0).with_incomplete(Incomplete::Refuse);
    assert_eq!(work(&strict, input).unwrap().scripts.template, "etl-python-standard");
}

#[test]
fn a_worker_takes_any_template_and_says_by_its_code_what_is_wrong() {
    let theta = serde_json::to_value(template().neutral_parameters()).unwrap();
    let worker = || CodegenWorker::default().with_template("tests-python-simple");
    let columns = serde_json::json!([{ "name": "a", "type": "text" }]);
    let input = serde_json::json!({ "inputs": { "columns": columns } });
    let made = work(&worker(), input).unwrap();
    assert_eq!(made.scripts.template, "tests-python-simple");
    assert_eq!(
        Template::builtin("tests-python-simple").unwrap().layers().len(),
        made.scripts.layers.len()
    );

    let cases = [
        (serde_json::json!({ "template": "etl-cobol" }), "codegen_template", "/faults/0/remedy"),
        (serde_json::json!({ "inputs": {} }), "codegen_inputs", "/faults/0/input"),
        (serde_json::json!({ "template": "etl-python" }), "codegen_features", ""),
        (
            serde_json::json!({ "template": "etl-python", "features": { "nulls": 2 } }),
            "codegen_features",
            "",
        ),
        (
            serde_json::json!({ "template": "etl-python", "features": { "types": 1 }, "parameters": { "weights": {}, "biases": {}, "temperature": 1.0 } }),
            "codegen_parameters",
            "",
        ),
        (
            serde_json::json!({ "template": "etl-python", "parameters": { "weights": theta["weights"], "biases": theta["biases"], "temperature": 9.0 } }),
            "codegen_parameters",
            "",
        ),
        (serde_json::json!({ "templates": "etl-python" }), "payload", ""),
        (serde_json::json!("etl-python"), "payload", ""),
    ];
    for (input, code, detail) in cases {
        let error = work(&worker(), input.clone()).unwrap_err();
        assert_eq!(
            (error.failure, error.code.as_str()),
            (Failure::Terminal, code),
            "{input}: {error}"
        );
        if !detail.is_empty() {
            assert!(error.details.at::<String>(detail).is_ok(), "{input}: {:?}", error.details);
        }
        if code == "codegen_template" {
            assert_eq!(error.details.at::<Option<usize>>("/faults/0/line").unwrap(), None);
        }
    }
}
