//! The measured fitness of scripts that are really run, on data that the test knows.

mod support;

use std::num::NonZeroUsize;

use orchestrator_codegen::{
    DataParts, FitnessWeights, GenerateRequest, Generator, Kept, Limits, MeasuredFitness, Measurer,
    Profile, PythonQuality, QualityAnalyzer, Sampling, ScriptData, Template,
};
use orchestrator_core::{Parameters, Seed};

/// Ten rows: a gap in `b` in two of them, one row with a text among numbers.
const HOLES: &str = "a,b\n1,1.5\n2,\n3,2.5\n4,NA\n5,3.5\n6,4.5\n7,5.5\n8,6.5\n9,7.5\nx,8.5\n";

fn data(text: &str) -> ScriptData {
    ScriptData { name: "some.csv".into(), bytes: text.as_bytes().to_vec() }
}

/// With more time than any script here takes on a loaded machine.
fn measurer() -> Measurer {
    let limits = Limits { time: std::time::Duration::from_secs(100), ..Limits::default() };
    Measurer::new(&support::python(), limits)
}

fn script(on: &[&str]) -> String {
    support::scripts(on).source("layer_2.py").unwrap().to_owned()
}

fn theta(weight: f64, bias: f64) -> Parameters {
    let mut theta = Template::builtin("etl-python").unwrap().neutral_parameters();
    theta.weights.values_mut().for_each(|value| *value = weight);
    theta.biases.values_mut().for_each(|value| *value = bias);
    theta
}

fn fitness() -> (MeasuredFitness, DataParts) {
    let rows: String = (0..60)
        .map(|at| format!("{at},{}\n", if at % 4 == 0 { String::new() } else { format!("{at}.5") }))
        .collect();
    let csv = format!("id,value\n{rows}");
    let profile = Profile::of_bytes("t.csv", csv.as_bytes()).unwrap();
    let request = GenerateRequest::for_profile("etl-python", &profile, theta(1.0, 0.0));
    let parts = Sampling::default().split("t.csv", csv.as_bytes(), Seed(5)).unwrap();
    (MeasuredFitness::new(Generator::new(), measurer(), request), parts)
}

#[test]
fn counts_are_those_of_the_data() {
    let measurer = measurer();
    let bare = measurer.measure(&script(&[]), &data(HOLES)).unwrap();
    assert!(bare.succeeded, "{bare:?}");
    assert_eq!((bare.rows_in, bare.rows_out, bare.rows_quarantined), (10, 9, 1));
    assert_eq!((bare.cells, bare.nulls_left), (18, 2));
    assert_eq!((bare.columns, bare.typed_columns), (2, 2));
    let filled = measurer.measure(&script(&["imputation"]), &data(HOLES)).unwrap();
    assert_eq!((filled.rows_out, filled.nulls_left), (9, 0));
    assert!(filled.size_bytes > bare.size_bytes && filled.complexity > bare.complexity);
    assert_eq!(bare.complexity, PythonQuality.analyze(&script(&[])).mccabe as u64);
    let weights = FitnessWeights::default();
    assert!(weights.score(&filled).unwrap() > weights.score(&bare).unwrap());
    // Where nothing is missing the same block is only longer.
    let whole = data("a,b\n1,1.5\n2,2.5\n3,3.5\n");
    let bare = measurer.measure(&script(&[]), &whole).unwrap();
    let filled = measurer.measure(&script(&["imputation"]), &whole).unwrap();
    assert!(weights.score(&filled).unwrap() < weights.score(&bare).unwrap());
}

#[test]
fn whatever_goes_wrong_is_measured_and_scores_nothing() {
    let limits = Limits { time: std::time::Duration::from_secs(1), ..Limits::default() };
    let hasty = Measurer::new(&support::python(), limits);
    let measurer = measurer();
    let lossy = r#"
import json, os
os.mkdir("out")
report = dict(rows_in=3, rows_out=1, rows_dropped=0, rows_quarantined=0, blank_lines=0, duplicates=0,
              delimiter=",", header=True, blocks=[], columns=[])
json.dump(report, open("out/quality_report.json", "w"))
"#;
    let cases = [
        ("raise ValueError('a\\nfault')", "exit code 1: fault"),
        ("import os; os.kill(os.getpid(), 9)", "signal 9: it said nothing"),
        ("while True: pass", "ended for the limit \"time\""),
        ("pass", "there is no out/quality_report.json"),
        ("import os; os.mkdir('out'); open('out/quality_report.json', 'w').write('{')", "EOF"),
        (lossy, "the report has lost rows"),
        ("def f(:", "SyntaxError"),
    ];
    for (script, wanted) in cases {
        // Only what never ends by itself is ended: how long the others take on a loaded machine nobody knows.
        let measurer = if script.starts_with("while") { &hasty } else { &measurer };
        let measured = measurer.measure(script, &data(HOLES)).unwrap();
        assert!(!measured.succeeded && measured.fault.contains(wanted), "{script}: {measured:?}");
        assert!(!measured.fault.contains('\n'));
        assert_eq!(FitnessWeights::default().score(&measured).unwrap(), 0.0);
    }
}

#[test]
fn equal_scripts_run_once() {
    let measurer = measurer();
    let (bare, filled) = (script(&[]), script(&["imputation"]));
    let scripts: Vec<&str> = vec![&bare, &filled, &bare, &bare, &filled];
    let two = NonZeroUsize::new(2).unwrap();
    let many = measurer.measure_all(&scripts, &data(HOLES), two).unwrap();
    assert_eq!(measurer.runs(), 2);
    assert_eq!(many[0], many[2]);
    assert_eq!((many[0].nulls_left, many[1].nulls_left, many[4].nulls_left), (2, 0, 0));
    measurer.measure(&bare, &data(HOLES)).unwrap();
    assert_eq!(measurer.runs(), 2);
    // Other data, another measurement.
    measurer.measure(&bare, &data("a\n1\n")).unwrap();
    assert_eq!(measurer.runs(), 3);
    assert!(measurer.measure_all(&[], &data(HOLES), two).unwrap().is_empty());
}

#[test]
fn scores_do_not_depend_on_threads_or_on_the_run() {
    let thetas = [theta(1.0, 0.0), theta(2.0, 0.5), theta(0.1, -0.5), theta(2.0, 0.5)];
    let scores = |threads: usize| -> Vec<u64> {
        let (fitness, parts) = fitness();
        let fitness = fitness.with_threads(NonZeroUsize::new(threads).unwrap());
        let scores = fitness.scores(&thetas, &parts.tuning).unwrap();
        assert!(fitness.measurer().runs() <= 3, "equal scripts run once");
        scores.into_iter().map(|score| score.unwrap().to_bits()).collect()
    };
    let one = scores(1);
    assert_eq!(one, scores(1));
    assert_eq!(one, scores(3));
    assert_ne!(one[0], one[1]);
    let json = |measured| serde_json::to_string(&measured).unwrap();
    let measured = || {
        let (fitness, parts) = fitness();
        json(fitness.measure(&thetas[0], &parts.held_out).unwrap())
    };
    assert_eq!(measured(), measured());
}

#[test]
fn a_theta_that_makes_no_script_is_told() {
    let (fitness, parts) = fitness();
    let mut lacking = theta(1.0, 0.0);
    lacking.weights.remove("nulls");
    let scores = fitness.scores(&[theta(1.0, 0.0), lacking], &parts.tuning).unwrap();
    assert!(scores[0].is_ok());
    let said = scores[1].as_ref().unwrap_err().to_string();
    assert!(said.contains("nulls"), "{said}");
    let weights = FitnessWeights { nulls: -1.0, ..FitnessWeights::default() };
    assert!(fitness.with_weights(weights).is_err());
}

#[test]
fn what_the_data_become_comes_before_what_the_script_is() {
    let measurer = measurer();
    let weights = FitnessWeights::default();
    let score = |on: &[&str], table: &str| {
        weights.score(&measurer.measure(&script(on), &data(table)).unwrap()).unwrap()
    };
    let rows = |gap: usize| -> String {
        let cell = |at: usize| if at == gap { String::new() } else { format!("{at}.5") };
        (0..500).map(|at| format!("{at},{}\n", cell(at))).collect()
    };
    let (whole, gap) = (format!("id,value\n{}", rows(500)), format!("id,value\n{}", rows(250)));
    // One cell in a thousand is worth the lines that fill it; where there is none to fill, the shorter script is better.
    assert!(score(&["imputation"], &gap) > score(&[], &gap));
    assert!(score(&["imputation"], &whole) < score(&[], &whole));
    // All that the script could be is less than one row in fifty.
    let spread = score(&[], &whole) - score(&["imputation", "outlier_clipping", "logging"], &whole);
    assert!(spread > 0.0 && spread < weights.rows_kept / 10.1 / 50.0, "{spread}");
}

#[test]
fn what_was_found_stands_only_where_it_is_better_on_other_rows_too() {
    let (fitness, _) = fitness();
    let table = |gap: usize, rows: usize| {
        let cell = |at: usize| if at % gap == 1 { String::new() } else { format!("{at}.5") };
        let rows: String = (0..rows).map(|at| format!("{at},{}\n", cell(at))).collect();
        data(&format!("id,value\n{rows}"))
    };
    let (holes, whole) = (|rows| table(4, rows), |rows| table(1, rows));
    let (bare, filling) = (theta(0.1, -0.5), theta(2.0, 0.5));
    let judge = |candidates: &[_], tuning: ScriptData, validation: ScriptData| {
        let (tuning_rows, validation_rows, held_out_rows) = (20, 21, 22);
        let held_out = holes(22);
        let parts =
            DataParts { tuning, tuning_rows, validation, validation_rows, held_out, held_out_rows };
        fitness.judge(candidates, &bare, &parts).unwrap()
    };
    let candidates = std::slice::from_ref(&filling);
    let (stands, judged) = judge(candidates, holes(20), holes(21));
    assert_eq!((stands, judged.kept), (filling.clone(), Kept::Found));
    assert!(judged.found_held_out.score > judged.default_held_out.score);
    assert_eq!(judged.found_held_out.measurement.nulls_left, 0);
    assert_eq!(judged.searched_validation, judged.found_validation.score);
    // Better where it was tuned, and longer for nothing elsewhere: that was chance.
    for (tuning, validation) in [(holes(20), whole(21)), (whole(20), holes(21))] {
        let (stands, judged) = judge(candidates, tuning, validation);
        assert_eq!((stands, judged.kept), (bare.clone(), Kept::Defaults));
        assert_eq!(judged.found_held_out, judged.default_held_out);
        assert_eq!(judged.found_tuning, judged.default_tuning);
        assert_ne!(judged.searched_validation, judged.default_validation.score);
    }
    // So few gaps that filling them pays, but hardly: chance again, where rows with as few gaps may have none.
    let few = |rows| table(rows / 4, rows);
    let (tuning, validation) = (few(600), few(601));
    let scores = [&bare, &filling].map(|theta| fitness.score(theta, &tuning).unwrap());
    assert!(scores[1] > scores[0], "{scores:?}");
    assert_eq!(judge(candidates, tuning, validation).1.kept, Kept::Defaults);
    // The first that is better stands; the defaults are not better than themselves.
    let (stands, _) = judge(&[bare.clone(), filling.clone()], holes(20), holes(21));
    assert_eq!(stands, filling);
    for candidates in [&[][..], std::slice::from_ref(&bare)] {
        assert_eq!(judge(candidates, holes(20), holes(21)).1.kept, Kept::Defaults);
    }
}

#[test]
fn a_tracing_measurer_tells_how_much_of_a_script_was_executed() {
    let measurer = measurer();
    let (source, table) = (script(&["imputation"]), data(HOLES));
    let plain = measurer.measure(&source, &table).unwrap();
    let traced = measurer.tracing().measure(&source, &table).unwrap();
    assert_eq!(plain.covered, None);
    let covered = traced.covered.unwrap();
    assert!(covered > 0.4 && covered < 0.95, "{covered}");
    assert_eq!(
        traced,
        orchestrator_codegen::Measurement {
            covered: traced.covered,
            run_time: traced.run_time,
            ..plain
        }
    );
    // A table without gaps executes less of what fills them.
    let whole = measurer.tracing().measure(&source, &data("a,b\n1,1.5\n2,2.5\n3,3.5\n")).unwrap();
    assert!(whole.covered.unwrap() < covered);
    let failed = measurer.tracing().measure("x = 1\nraise ValueError(x)\ny = 2\n", &table).unwrap();
    assert_eq!((failed.succeeded, failed.fault.as_str()), (false, "exit code 1: ValueError: 1"));
    assert_eq!(failed.covered, None, "of a script that failed nothing is known");
}

#[test]
fn a_search_begins_with_the_defaults_and_what_differs_from_them() {
    let (fitness, _) = fitness();
    let defaults = Template::builtin("etl-python").unwrap().neutral_parameters();
    let starts = fitness.starts(&defaults).unwrap();
    assert_eq!(starts[0], defaults);
    let scripts: Vec<String> = starts.iter().map(|theta| fitness.script(theta).unwrap()).collect();
    for (at, (theta, script)) in starts.iter().zip(&scripts).enumerate().skip(1) {
        let changed =
            theta.weights.iter().filter(|(name, weight)| defaults.weights[*name] != **weight);
        assert_eq!(changed.count(), 1);
        assert!(!scripts[..at].contains(script), "each makes a script of its own");
    }
    // A quarter of the cells of a column is missing: the defaults fill them, and one start does not.
    assert!(scripts[0].contains("def impute("));
    assert!(scripts[1..].iter().any(|script| !script.contains("def impute(")));
    let (fitness, parts) = self::fitness();
    let ranked = fitness.best_first(starts.clone(), &parts.tuning).unwrap();
    let score = |theta: &Parameters| fitness.score(theta, &parts.tuning).unwrap();
    assert!(ranked.iter().map(score).is_sorted_by(|one, other| one >= other));
    assert_eq!(ranked.len(), starts.len());
}
