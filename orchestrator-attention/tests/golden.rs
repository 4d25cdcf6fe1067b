//! Equal to torch in float64: golden vectors, read where they are present and reported as skipped where they are not.
//!
//! Set `ATTENTION_GOLDEN_DIR`, or keep them in `../shared/data/attention` beside the workspace.

use std::path::PathBuf;

use orchestrator_attention::{
    Attended, AttentionError, Mask, Returns, ScaledDotProduct, nalgebra::DMatrix, softmax,
};
use serde_json::Value;

/// One head, with everything that attention can give back.
fn scaled_dot_product(
    q: &DMatrix<f64>,
    k: &DMatrix<f64>,
    v: &DMatrix<f64>,
    scale: f64,
    mask: &Mask,
) -> Result<Attended, AttentionError> {
    let (scale, mask, returns) = (Some(scale), mask.clone(), Returns::Weights);
    ScaledDotProduct { scale, mask, returns, ..Default::default() }.attend(q, k, v)
}

fn golden(file: &str) -> Option<Value> {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let dirs = std::env::var_os("ATTENTION_GOLDEN_DIR")
        .map(|dir| vec![PathBuf::from(dir)])
        .unwrap_or_else(|| {
            let beside = |up: &str| workspace.join(up).join("shared/data/attention");
            vec![beside("../.."), beside("../../..")]
        });
    let Some(text) = dirs.iter().find_map(|dir| std::fs::read_to_string(dir.join(file)).ok())
    else {
        eprintln!("skipped: {file} is in none of {dirs:?}");
        return None;
    };
    Some(serde_json::from_str(&text).unwrap())
}

fn number(value: &Value) -> f64 {
    match value.as_str() {
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        Some("nan") => f64::NAN,
        Some(other) => panic!("{other:?} is no number"),
        None => value.as_f64().unwrap(),
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value["data"].as_array().unwrap().iter().map(number).collect()
}

/// The matrix of one head; `None` when the case has no such tensor.
fn head(value: &Value, head: usize, rows: usize, columns: usize) -> DMatrix<f64> {
    let data = numbers(value);
    let part = &data[head * rows * columns..(head + 1) * rows * columns];
    DMatrix::from_row_slice(rows, columns, part)
}

#[track_caller]
fn near(what: &str, ours: f64, golden: f64, relative: f64) {
    // Where torch has no answer for a row that sees nothing, the documented one is zero.
    let golden = if golden.is_nan() { 0.0 } else { golden };
    let close = (ours - golden).abs() <= relative * golden.abs() + 1e-15;
    assert!(ours == golden || close, "{what}: {ours:e} is not {golden:e} within {relative:e}");
}

fn tolerance(logit_max: f64) -> f64 {
    (16.0 * f64::EPSILON * logit_max).max(1e-12)
}

#[test]
fn attention_equals_the_golden_vectors() {
    let Some(file) = golden("sdpa_golden.json") else {
        return;
    };
    let cases = file["cases"].as_array().unwrap();
    assert!(cases.len() >= 19);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let size = |key: &str| case[key].as_u64().unwrap() as usize;
        let (n, m, d, dv) = (size("n"), size("m"), size("dh"), size("dv"));
        let mask = match &case["mask"] {
            Value::Null => Mask::None,
            mask => Mask::Additive(head(mask, 0, n, m)),
        };
        let logit_max = case["max_abs_logit"].as_f64().unwrap();
        let relative = if logit_max < 1e15 { tolerance(logit_max) } else { 1e-12 };
        for h in 0..size("heads") {
            let [q, k, v] = [("q", n, d), ("k", m, d), ("v", m, dv)]
                .map(|(key, rows, columns)| head(&case[key], h, rows, columns));
            let scale = case["scale"].as_f64().unwrap();
            let ours = scaled_dot_product(&q, &k, &v, scale, &mask).unwrap();
            let statistics = ours.statistics.as_ref().unwrap();
            let pairs = [
                ("weights", &ours.weights.as_ref().unwrap()[0], m),
                ("out", &ours.output, dv),
                ("entropy", &statistics.entropy, 1),
                ("lse", &statistics.log_sum_exp, 1),
            ];
            for (key, matrix, columns) in pairs {
                let wanted = head(&case[key], h, n, columns);
                for (at, (&ours, &golden)) in matrix.iter().zip(wanted.iter()).enumerate() {
                    near(&format!("{name}, head {h}, {key} {at}"), ours, golden, relative);
                }
            }
            if name.starts_with("causal") || name.starts_with("cross_causal") {
                let causal = scaled_dot_product(&q, &k, &v, scale, &Mask::Causal).unwrap();
                assert_eq!(causal, ours, "{name}: Mask::Causal is the same mask");
            }
        }
    }
}

#[test]
fn softmax_equals_the_golden_vectors() {
    let Some(file) = golden("softmax_golden.json") else {
        return;
    };
    for case in file["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let mut row = numbers(&case["x"]);
        let refused = row.iter().any(|x| x.is_nan() || *x == f64::INFINITY);
        let hidden = row.iter().all(|x| *x == f64::NEG_INFINITY);
        let sum = softmax(&mut row);
        if refused {
            assert!(row.iter().all(|w| w.is_nan()) && sum.entropy.is_nan(), "{name}");
            continue;
        }
        assert_eq!(sum.visible == 0, hidden, "{name}");
        for (ours, golden) in row.iter().zip(numbers(&case["softmax"])) {
            near(name, *ours, golden, 1e-12);
        }
        near(name, sum.entropy, numbers(&case["entropy"])[0], 1e-12);
        near(name, sum.log_sum_exp, numbers(&case["lse"])[0], 1e-12);
    }
}

#[test]
fn what_is_not_finite_is_refused_with_its_place() {
    let ok = DMatrix::from_element(2, 3, 1.0);
    let mut bad = ok.clone();
    bad[(1, 2)] = f64::NAN;
    let error = scaled_dot_product(&ok, &bad, &ok, 1.0, &Mask::None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "k has NaN at row 1, column 2; only finite numbers can be attended"
    );
    let huge = DMatrix::from_element(2, 3, 1e200);
    assert_eq!(
        scaled_dot_product(&huge, &huge, &ok, 1.0, &Mask::None).unwrap_err(),
        AttentionError::Overflow { query: 0, key: 0 }
    );
    // What the mask hides may overflow.
    let hide = Mask::Padding(vec![false, false]);
    let hidden = scaled_dot_product(&huge, &huge, &ok, 1.0, &hide).unwrap();
    assert_eq!(hidden.output, DMatrix::zeros(2, 3));
    assert_eq!(hidden.statistics.unwrap().visible, [0, 0]);
    for (mask, message) in [
        (Mask::Padding(vec![true]), "the padding mask has 1 entries, 2 are needed to fit the keys"),
        (
            Mask::Additive(DMatrix::from_element(2, 2, f64::INFINITY)),
            "the mask has inf at row 0, column 0; it may hold finite numbers and -inf",
        ),
    ] {
        let error = scaled_dot_product(&ok, &ok, &ok, 1.0, &mask).unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    let narrow = DMatrix::from_element(2, 2, 1.0);
    let error = scaled_dot_product(&ok, &narrow, &ok, 1.0, &Mask::None).unwrap_err();
    assert_eq!(error.to_string(), "k has 2 columns, 3 are needed to fit q");
}
