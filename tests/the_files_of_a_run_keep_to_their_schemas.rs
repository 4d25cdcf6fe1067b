//! The published JSON Schemas accept what a run really writes, and refuse it when anything in it is missing, added or of another kind.
#![allow(missing_docs)]

mod support;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use orchestrator_ai::codegen::FitnessWeights;
use orchestrator_ai::{
    FailureCase, FeedbackLoop, FitnessKind, OptimizationSuggestions, Preset, REPORT_SCHEMA, Report,
    SUGGESTIONS_SCHEMA, Settings,
};
use serde_json::{Value, json};
use support::{orchestrate, penguins, quick};

struct Schema(boon::Schemas, boon::SchemaIndex);

fn schema(text: &str) -> Schema {
    let text: Value = serde_json::from_str(text).unwrap();
    assert_eq!(text["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let id = text["$id"].as_str().unwrap().to_owned();
    let mut compiler = boon::Compiler::new();
    compiler.add_resource(&id, text).unwrap();
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile(&id, &mut schemas).expect("the schema is one");
    Schema(schemas, index)
}

impl Schema {
    fn accepts(&self, form: &Value) -> Result<(), String> {
        self.0.validate(form, self.1).map_err(|error| format!("{error:#}"))
    }
}

fn read(folder: &Path, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

/// The two files of runs that fill all their parts: measured, in two stages, with failures behind them and knowledge of earlier runs.
static WRITTEN: LazyLock<Vec<(Value, Value)>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let (out, state) = (folder.path().join("out"), folder.path().join("state"));
    let mut context = quick(&penguins());
    context.out = Some(out.clone());
    context.state = Some(state);
    context.feedback_loop = FeedbackLoop {
        failure_cases: vec![FailureCase {
            stage: "verification".to_owned(),
            code: "no row is lost".to_owned(),
            detail: "one is".to_owned(),
        }],
        ..FeedbackLoop::default()
    };
    let mut runs = vec![context.clone(), context.clone()];
    // A header and nothing else: no rows, no layer that attends, scripts that were not measured.
    let bare = folder.path().join("bare.csv");
    fs::write(&bare, "a,b\n1,x\n").unwrap();
    context.data = bare;
    context.settings = Settings { generations: 1, episodes: 1, ..Preset::Efficiency.into() };
    runs.push(context);
    runs[1].settings = Settings {
        generations: 2,
        population: 4,
        episodes: 2,
        fitness: FitnessKind::Measured(FitnessWeights::default()),
        ..Preset::Quality.into()
    };
    let files = runs.into_iter().map(|context| {
        orchestrate(context).unwrap();
        (read(&out, "orchestration_report.json"), read(&out, "optimization_suggestions.json"))
    });
    files.collect()
});

/// The places of all objects and leaves of a document, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(key, value)| places(value, &format!("{at}/{}", escaped(key)), found)),
        // All items are alike; the first stands for them.
        Value::Array(items) => items
            .iter()
            .enumerate()
            .take(1)
            .for_each(|(index, value)| places(value, &format!("{at}/{index}"), found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Names that the user or the template gives, of which any may be there: features, layers, files, resources, units.
const MAPS: [&str; 12] = [
    "biases",
    "code_samples",
    "emphasis",
    "features",
    "hyperparameters",
    "layer_complexity",
    "origins",
    "quality",
    "resource_usage",
    "sample_metadata",
    "unit_seconds",
    "weights",
];

/// Whether an object is a map by such names.
fn is_map(place: &str) -> bool {
    let mut steps = place.rsplit('/');
    let (last, before) = (steps.next().unwrap_or(""), steps.next().unwrap_or(""));
    MAPS.contains(&last) || ["emphasis", "origins"].contains(&before)
}

/// Every damage to the document at one of its places is refused. Gives how many were tried.
fn check_damages(schema: &Schema, document: &Value) -> usize {
    let mut found = Vec::new();
    places(document, "", &mut found);
    let mut tried = 0;
    let mut refused = |damaged: Value, what: String| {
        assert!(schema.accepts(&damaged).is_err(), "{what} is accepted");
        tried += 1;
    };
    for place in found {
        let here = document.pointer(&place).unwrap();
        let with = |value: Value| {
            let mut damaged = document.clone();
            *damaged.pointer_mut(&place).unwrap() = value;
            damaged
        };
        let wrong = match here {
            Value::String(_) => json!(1),
            _ => json!("nonsense"),
        };
        // What may be absent may be anything of its own kind only.
        refused(with(wrong), format!("another kind at {place}"));
        let Value::Object(fields) = here else { continue };
        if is_map(&place) {
            continue;
        }
        let mut more = fields.clone();
        more.insert("surplus".to_owned(), json!(1));
        refused(with(more.into()), format!("a surplus key at {place}"));
        for key in fields.keys().filter(|key| !OPTIONAL.contains(&key.as_str())) {
            let mut less = fields.clone();
            less.remove(key);
            refused(with(less.into()), format!("{place} without {key}"));
        }
    }
    tried
}

/// Keys that are written only where there is something to say.
const OPTIONAL: [&str; 3] = ["absent", "covered", "measured"];

#[test]
fn what_is_written_is_accepted_and_what_is_damaged_is_not() {
    let (report, suggestions) = (schema(REPORT_SCHEMA), schema(SUGGESTIONS_SCHEMA));
    let runs = &*WRITTEN;
    for (at, (written, suggested)) in runs.iter().enumerate() {
        report.accepts(written).unwrap_or_else(|error| panic!("report {at}: {error}"));
        suggestions.accepts(suggested).unwrap_or_else(|error| panic!("suggestions {at}: {error}"));
        let read: Report = serde_json::from_value(written.clone()).unwrap();
        let own: OptimizationSuggestions = serde_json::from_value(suggested.clone()).unwrap();
        assert_eq!(read.suggestions(), own);
    }
    let (measured, suggested) = &runs[1];
    assert!(measured.pointer("/rl_optimization/measured/isolation").is_some(), "it was measured");
    assert_ne!(suggested["suggestions"], json!([]));
    assert_ne!(suggested["failure_patterns"], json!([]));
    let tried = [check_damages(&report, measured), check_damages(&suggestions, suggested)];
    assert!(tried[0] > 500 && tried[1] > 20, "{tried:?}");
}

/// A schema that declares what is never written would promise too much.
#[test]
fn what_is_declared_is_written() {
    let runs = &*WRITTEN;
    for (schema, documents) in [
        (REPORT_SCHEMA, runs.iter().map(|(report, _)| report).collect::<Vec<_>>()),
        (SUGGESTIONS_SCHEMA, runs.iter().map(|(_, suggestions)| suggestions).collect()),
    ] {
        let schema: Value = serde_json::from_str(schema).unwrap();
        let mut keys = Vec::new();
        for document in documents {
            keys_of(document, &mut keys);
        }
        for definition in schema["$defs"].as_object().unwrap().values().chain([&schema]) {
            let Some(properties) = definition["properties"].as_object() else { continue };
            for key in properties.keys() {
                // JSON data only have absent members.
                assert!(keys.contains(key) || key == "absent", "{key} is never written");
            }
        }
    }
}

fn keys_of(value: &Value, keys: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if !keys.contains(key) {
                    keys.push(key.clone());
                }
                keys_of(value, keys);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys_of(item, keys)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
