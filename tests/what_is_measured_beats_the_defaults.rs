//! `--fitness measured`: scripts are chosen by what they do to a sample of the data, and are better than the defaults on the rest.
#![allow(missing_docs)]

mod support;

use std::fmt::Write;
use std::num::NonZeroUsize;
use std::path::Path;

use orchestrator_ai::codegen::FitnessWeights;
use orchestrator_ai::core::Seed;
use orchestrator_ai::{FitnessKind, OrchestrateError, Report, Settings};
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

/// A table of 120 rows with troubles that differ from kind to kind.
fn table(kind: usize, seed: u64) -> String {
    let mut stream = Seed(seed).index(kind as u64).fast_stream();
    let mut csv = String::from("id,amount,city,day\n");
    for row in 0..120 {
        let gap = stream.chance([0.02, 0.1, 0.3][kind % 3]);
        let amount = match gap {
            true => String::new(),
            false if kind >= 3 && stream.chance(0.03) => "1e6".to_owned(),
            false => format!("{:.2}", 50.0 + 10.0 * stream.normal()),
        };
        let city = ["Oslo", "Bergen", " bergen", "Troms\u{f8}"][stream.below(4)];
        writeln!(csv, "{row},{amount},{city},2024-01-{:02}", 1 + stream.below(28)).unwrap();
    }
    csv
}

#[test]
fn on_rows_that_it_was_not_tuned_on() {
    let folder = tempfile::tempdir().unwrap();
    let (mut better, mut worse) = (0, 0);
    for kind in 0..6 {
        let path = folder.path().join(format!("table{kind}.csv"));
        std::fs::write(&path, table(kind, 11)).unwrap();
        let report = measured(&path, 20 + kind as u64, 2).unwrap();
        let found = report.rl_optimization.measured.as_ref().unwrap();
        assert_eq!((found.tuning_rows, found.validation_rows, found.held_out_rows), (48, 36, 36));
        assert!(found.found_tuning.score >= found.default_tuning.score);
        let (ours, theirs) = (found.found_held_out.score, found.default_held_out.score);
        println!("table {kind}: found {ours:.4}, default {theirs:.4}, {} runs", found.scripts_run);
        better += usize::from(ours > theirs);
        worse += usize::from(ours < theirs);
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
    let shipped = &report.code_generation.sample_metadata["layer_2.py"];
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
