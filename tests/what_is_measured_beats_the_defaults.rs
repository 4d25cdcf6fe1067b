//! `--fitness measured`: scripts are chosen by what they do to a sample of the data, and are better than the defaults on the rest.
#![allow(missing_docs)]

mod support;

use std::fmt::Write;
use std::num::NonZeroUsize;
use std::path::Path;

use orchestrator_ai::codegen::FitnessWeights;
use orchestrator_ai::core::Seed;
use orchestrator_ai::{FitnessKind, Kept, OrchestrateError, Report, Settings};
use support::{orchestrate, penguins, quick, timeless};

fn measured(data: &Path, seed: u64, workers: usize) -> Result<Report, OrchestrateError> {
    let mut context = quick(data);
    context.seed = Seed(seed);
    context.settings = Settings {
        population: 8,
        generations: 4,
        episodes: 2,
        fitness: FitnessKind::Measured(FitnessWeights::default()),
        ..context.settings
    };
    context.settings.budget.workers = NonZeroUsize::new(workers).unwrap();
    orchestrate(context)
}

/// A table of 120 rows with troubles that differ from kind to kind, and its name: delimited with a title or without, a document, lines.
fn table(kind: usize, seed: u64) -> (&'static str, String) {
    let mut stream = Seed(seed).index(kind as u64).fast_stream();
    let (mut csv, mut json) = (String::new(), Vec::new());
    for row in 0..120 {
        // One cell in eighty of kinds 0 and 3: the defaults fill gaps from one in sixty on.
        let gap =
            if kind.is_multiple_of(3) { row % 20 == 7 } else { stream.chance(0.1 * kind as f64) };
        let amount = match gap {
            true => String::new(),
            false if kind >= 3 && stream.chance(0.03) => "1e6".to_owned(),
            false => format!("{:.2}", 50.0 + 10.0 * stream.normal()),
        };
        let city = ["Oslo", "Bergen", " bergen", "Troms\u{f8}"][stream.below(4)];
        let day = format!("2024-01-{:02}", 1 + stream.below(28));
        writeln!(csv, "{row},{amount},{city},{day}").unwrap();
        let amount = if gap { "null".to_owned() } else { amount };
        json.push(format!(
            r#"{{"id": {row}, "amount": {amount}, "city": "{city}", "day": "{day}"}}"#
        ));
    }
    match kind {
        3 => ("table.json", format!("{{\"rows\": [\n{}\n], \"next\": null}}\n", json.join(",\n"))),
        4 => ("table.jsonl", json.join("\n")),
        5 => ("titled.csv", format!("Sales of January,,,\n\nid,amount,city,day\n{csv}")),
        _ => ("table.csv", format!("id,amount,city,day\n{csv}")),
    }
}

#[test]
fn on_rows_that_had_no_part_in_the_search() {
    let folder = tempfile::tempdir().unwrap();
    let (mut better, mut worse) = (0, 0);
    for kind in 0..6 {
        let (name, text) = table(kind, 11);
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let report = measured(&path, 20 + kind as u64, 2).unwrap();
        let found = report.rl_optimization.measured.as_ref().unwrap();
        let rows = (found.tuning_rows, found.validation_rows, found.held_out_rows);
        assert_eq!(rows, (48, 36, 36), "{name}");
        let (ours, theirs) = (&found.found_held_out, &found.default_held_out);
        println!("{kind} {name}: {:.5}, default {:.5}, {:?}", ours.score, theirs.score, found.kept);
        assert!(found.found_tuning.score >= found.default_tuning.score);
        assert!(found.found_validation.score >= found.default_validation.score);
        if kind.is_multiple_of(3) {
            // So few gaps that the defaults leave them; the search finds that they are worth filling.
            assert!(theirs.measurement.nulls_left > 0 && ours.measurement.nulls_left == 0);
        }
        better += usize::from(ours.score > theirs.score);
        worse += usize::from(ours.score < theirs.score);
    }
    // The sign test: six of six by chance is one in 64.
    assert_eq!((better, worse), (6, 0));
}

#[test]
fn what_was_measured_is_what_is_shipped_on_any_number_of_threads() {
    let reports = [1, 3].map(|workers| measured(&penguins(), 7, workers).unwrap());
    let json = |report: &Report| {
        let mut json = timeless(&report.to_json());
        // How many threads were allowed is part of the settings, and of the ledger.
        for place in ["/settings/budget/workers", "/ledger/budget/workers"] {
            if let Some(workers) = json.pointer_mut(place) {
                *workers = 0.into();
            }
        }
        json
    };
    assert_eq!(json(&reports[0]), json(&reports[1]));
    let report = &reports[0];
    let found = report.rl_optimization.measured.as_ref().unwrap();
    assert_eq!(found.kept, Kept::Found);
    let covered = report.code_generation.quality["layer_2.py"].covered;
    assert!(covered == found.covered && covered.unwrap() > 0.3, "{covered:?}");
    let shipped = &report.code_generation.sample_metadata["layer_2.py"];
    assert_eq!(shipped.sha256, found.script_sha256);
    assert_eq!(shipped.bytes, found.found_held_out.measurement.size_bytes);
    assert!(found.found_held_out.score > found.default_held_out.score);
    let name = "not worse than the defaults on data that was held out";
    assert!(report.checks().iter().any(|(_, check)| check.name == name && check.passed));
    assert!(report.outcome.failed.is_empty(), "{:?}", report.outcome.failed);
}

#[test]
fn data_that_cannot_be_parted_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("short.csv");
    std::fs::write(&path, "a,b\n1,2\n").unwrap();
    let error = measured(&path, 1, 1).unwrap_err();
    assert!(
        matches!(&error, OrchestrateError::Data(said) if said.contains("short.csv has 1;")),
        "{error}"
    );
}
