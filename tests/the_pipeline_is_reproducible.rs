//! The same seed, data and snapshot give the same bytes, on any number of threads; the layers reproduce each other.
#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;

use orchestrator_ai::core::Seed;
use support::{orchestrate, penguins, quick, timeless};

/// Every file of a run by name, the report without its timings.
fn files(out: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(out).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            let text = fs::read_to_string(entry.path()).unwrap();
            let text = match name.as_str() {
                "orchestration_report.json" => timeless(&text).to_string(),
                _ => text,
            };
            (name, text)
        })
        .collect()
}

fn run(threads: usize, seed: u64) -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let mut context = quick(&penguins());
    context.out = Some(folder.path().join("out"));
    context.seed = Seed(seed);
    context.settings.budget.workers = NonZeroUsize::new(threads).unwrap();
    orchestrate(context).unwrap();
    let entries: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(entries.len(), 1, "nothing is left beside the results: {entries:?}");
    files(&folder.path().join("out"))
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_one_thread_and_on_many() {
    let one = run(1, 7);
    let names: Vec<&str> = one.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "cleaned.csv",
            "codegen.lock.json",
            "layer_0.py",
            "layer_1.py",
            "layer_2.py",
            "optimization_suggestions.json",
            "orchestration_report.json",
            "quality_report.json",
            "quarantine.csv",
            "workflow.mmd",
        ]
    );
    // The number of workers is a setting, and the report says so; all else is equal.
    let settings = |files: &BTreeMap<String, String>| {
        let mut report: serde_json::Value =
            serde_json::from_str(&files["orchestration_report.json"]).unwrap();
        for part in ["/settings/budget/workers", "/ledger/budget/workers"] {
            *report.pointer_mut(part).unwrap() = 0.into();
        }
        let mut files = files.clone();
        files.insert("orchestration_report.json".into(), report.to_string());
        files
    };
    for threads in [1, 2, 16] {
        assert_eq!(settings(&run(threads, 7)), settings(&one), "{threads} threads");
    }
    let other = run(1, 8);
    assert_ne!(other["orchestration_report.json"], one["orchestration_report.json"]);
}

#[test]
fn layer_0_reproduces_the_chain_in_an_empty_directory() {
    let folder = tempfile::tempdir().unwrap();
    let mut context = quick(&penguins());
    context.project = "a \"\"\" ''' \\ {{ }} <% 🐧 \u{2028} project".to_owned();
    context.objective = "line one\nline two '''\\".to_owned();
    let report = orchestrate(context).unwrap();
    let shipped = &report.code_generation.code_samples;
    fs::write(folder.path().join("layer_0.py"), &shipped["layer_0.py"]).unwrap();
    let python = |arguments: &[&str]| {
        let done = Command::new("python3")
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("python3 is on this machine");
        let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "{arguments:?}: {stderr}");
    };
    for layer in ["layer_0.py", "layer_1.py"] {
        python(&[layer]);
    }
    for layer in ["layer_1.py", "layer_2.py"] {
        let written = fs::read_to_string(folder.path().join(layer)).unwrap();
        assert_eq!(written, shipped[layer], "{layer}");
        python(&["-m", "py_compile", layer]);
    }
}
