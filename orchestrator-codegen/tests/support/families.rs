//! What the tests of the families beside the Python ETL share.
#![allow(dead_code, unreachable_pub)]

use std::path::Path;
use std::process::{Command, Output};

use orchestrator_codegen::{GenerateRequest, GeneratedScripts, Generator, Profile, Template};
use serde_json::Value;

/// The scripts of a template for a file, with exactly these blocks on.
pub fn scripts_for(template: &str, profile: &Profile, on: &[&str]) -> GeneratedScripts {
    let template = Template::builtin(template).unwrap();
    let mut request = GenerateRequest::for_template(&template, profile)
        .with("project", "it's \"so\"\n😀")
        .with("objective", "$(touch x); `y` \\");
    for value in request.features.values_mut() {
        *value = 0.0;
    }
    for block in template.blocks().iter().filter(|block| on.contains(&block.name.as_str())) {
        request.features.insert(block.feature.clone(), 1.0);
    }
    let scripts = Generator::new().generate(&request).unwrap();
    for block in template.blocks().iter().filter(|block| on.contains(&block.name.as_str())) {
        assert!(scripts.blocks.iter().any(|known| known.block == block.name && known.kept));
    }
    scripts
}

/// Runs a program with the arguments that every ETL takes, in a folder that holds `input.csv`; the results are in `out`.
pub fn run_etl(program: &mut Command, folder: &Path) -> Output {
    let arguments = ["input.csv", "--out", "out"];
    program.args(arguments).current_dir(folder).output().expect("the program starts")
}

/// The report with `cleaned` and `quarantine` added, as records; or `{"error": …}`.
pub fn results(output: &Output, folder: &Path) -> Value {
    let out = folder.join("out");
    if !output.status.success() {
        assert!(!out.exists(), "nothing is left of a failure");
        return serde_json::json!({ "error": String::from_utf8_lossy(&output.stderr) });
    }
    let mut names: Vec<_> =
        std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["cleaned.csv", "quality_report.json", "quarantine.csv"]);
    let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
    let mut report: Value = serde_json::from_str(&read("quality_report.json")).unwrap();
    report["cleaned"] = read("cleaned.csv").into();
    report["quarantine"] = read("quarantine.csv").into();
    report
}

/// Whether two results say the same: the same rows with the same cells (numbers as numbers), the same lines quarantined, the
/// same counts, and the same columns. Wording is free.
#[track_caller]
pub fn check_equal(case: &str, wanted: &Value, found: &Value) {
    if wanted.get("error").is_some() || found.get("error").is_some() {
        let both = wanted.get("error").is_some() && found.get("error").is_some();
        assert!(both, "{case}: {wanted:#}\n{found:#}");
        return;
    }
    let counts = ["rows_in", "rows_out", "rows_dropped", "rows_quarantined", "blank_lines"];
    let more = ["duplicates", "empty_rows", "renamed", "quarantine_reasons"];
    for key in counts.iter().chain(&more) {
        if *key != "quarantine_reasons" || wanted.get(key).is_some() {
            let sum = |value: &Value| value.as_object().map(|all| all.values().cloned().collect());
            let [wanted, found]: [Option<Vec<Value>>; 2] = [sum(&wanted[key]), sum(&found[key])];
            assert_eq!(wanted.map(sorted), found.map(sorted), "{case}: {key}");
        }
        if *key != "quarantine_reasons" {
            assert_eq!(wanted[key], found[key], "{case}: {key}");
        }
    }
    let columns = |value: &Value| value["columns"].as_array().unwrap().clone();
    let (wanted_columns, found_columns) = (columns(wanted), columns(found));
    assert_eq!(wanted_columns.len(), found_columns.len(), "{case}");
    for (wanted, found) in wanted_columns.iter().zip(&found_columns) {
        for (key, value) in wanted.as_object().unwrap() {
            assert!(is_close(value, &found[key]), "{case}: {key}: {wanted} {found}");
        }
    }
    let numeric: Vec<bool> =
        wanted_columns.iter().map(|column| column["type"] == "float").collect();
    let (left, right) = (records(&wanted["cleaned"]), records(&found["cleaned"]));
    assert_eq!(left.len(), right.len(), "{case}");
    for (left, right) in left.iter().zip(&right) {
        assert_eq!(left.len(), right.len(), "{case}: {left:?} {right:?}");
        for (at, (left, right)) in left.iter().zip(right).enumerate() {
            let number = |text: &str| text.parse::<f64>().ok().map(Value::from);
            let close = numeric[at]
                && number(left).zip(number(right)).is_some_and(|(l, r)| is_close(&l, &r));
            assert!(left == right || close, "{case}: {left:?} {right:?}");
        }
    }
    let lines = |value: &Value| {
        let bad = records(&value["quarantine"]);
        let shown = |bad: &Vec<String>| {
            let row: Value = serde_json::from_str(&bad[2]).unwrap_or_default();
            (bad[0].clone(), row)
        };
        bad.iter().map(shown).collect::<Vec<_>>()
    };
    assert_eq!(lines(wanted), lines(found), "{case}");
}

fn sorted(mut values: Vec<Value>) -> Vec<Value> {
    values.sort_by_key(Value::to_string);
    values
}

fn is_close(left: &Value, right: &Value) -> bool {
    match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => (left - right).abs() <= 1e-9 * left.abs().max(right.abs()),
        _ => left == right,
    }
}

fn records(text: &Value) -> Vec<Vec<String>> {
    let text = text.as_str().unwrap();
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let owned = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
    reader.records().map(|record| owned(record.unwrap())).collect()
}
