//! Equal to golden vectors, in f64 and in f32, through every door.
//!
//! Those of our own were computed with 80 digits (`data/golden.py`). Those of torch are read from `ATTENTION_GOLDEN_DIR`, or from
//! `../shared/data/attention` beside the workspace, and reported as skipped where they are not there. Every JSON file of the directory is
//! taken: a case with `q` is attention, one with `x` a softmax. What a case leaves out is taken from its shapes (sizes, heads), has its usual
//! value (scale, mask), or is not compared (any result).

use std::path::{Path, PathBuf};

use orchestrator_attention::{
    Attended, AttentionError, Mask, Real, Returns, ScaledDotProduct, Workspace, nalgebra::DMatrix,
    softmax,
};
use serde_json::Value;

#[test]
fn attention_equals_the_golden_vectors_of_our_own() {
    let cases = attention_cases(&files(&own()));
    assert!(cases.len() >= 20, "only {} cases", cases.len());
    cases.iter().for_each(check_attention);
}

#[test]
fn softmax_equals_the_golden_vectors_of_our_own() {
    assert!(check_softmax_cases(&files(&own())) >= 9);
}

#[test]
fn attention_equals_the_golden_vectors_of_torch() {
    if let Some(dir) = golden_dir() {
        let cases = attention_cases(&files(&dir));
        assert!(!cases.is_empty(), "no case of attention in {}", dir.display());
        cases.iter().for_each(check_attention);
        eprintln!("{} cases of attention", cases.len());
    }
}

#[test]
fn softmax_equals_the_golden_vectors_of_torch() {
    if let Some(dir) = golden_dir() {
        eprintln!("{} cases of softmax", check_softmax_cases(&files(&dir)));
    }
}

fn own() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn golden_dir() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("ATTENTION_GOLDEN_DIR") {
        return Some(PathBuf::from(named));
    }
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let beside = ["../..", "../../.."].map(|up| workspace.join(up).join("shared/data/attention"));
    let found = beside.iter().find(|dir| dir.is_dir()).cloned();
    if found.is_none() {
        eprintln!("skipped: there is none of {beside:?}");
    }
    found
}

/// The files of a directory with cases in them, by name.
fn files(dir: &Path) -> Vec<Value> {
    let entries =
        std::fs::read_dir(dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    assert!(!paths.is_empty(), "no JSON file in {}", dir.display());
    paths
        .iter()
        .map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        })
        .collect()
}

/// The cases with this key, each with whether its results were computed in f32.
fn cases<'a>(files: &'a [Value], key: &'a str) -> impl Iterator<Item = (&'a Value, bool)> {
    files.iter().flat_map(move |file| {
        let cases = file["cases"].as_array().or(file.as_array()).map_or(&[][..], Vec::as_slice);
        cases.iter().filter(move |case| !case[key].is_null()).map(move |case| {
            let single = |value: &Value| value["dtype"].as_str().is_some_and(|t| t.contains("32"));
            (case, single(case) || (case["dtype"].is_null() && single(file)))
        })
    })
}

// Reading.

fn number(value: &Value) -> f64 {
    match value {
        Value::Null => f64::NAN,
        // torch's masks of booleans say who is seen.
        Value::Bool(seen) => {
            if *seen {
                0.0
            } else {
                f64::NEG_INFINITY
            }
        }
        Value::String(text) => text.parse().unwrap_or_else(|_| panic!("{text:?} is no number")),
        value => value.as_f64().unwrap_or_else(|| panic!("{value} is no number")),
    }
}

/// Numbers with their shape; a list of lists, to any depth, is flattened.
struct Tensor {
    shape: Vec<usize>,
    data: Vec<f64>,
}

impl Tensor {
    fn read(value: &Value) -> Option<Tensor> {
        match value {
            Value::Null => None,
            Value::Object(object) => {
                let data: Vec<f64> = object["data"].as_array()?.iter().map(number).collect();
                let shape = object.get("shape").and_then(Value::as_array).map(|shape| {
                    shape.iter().map(|size| size.as_u64().unwrap() as usize).collect()
                });
                Some(Tensor { shape: shape.unwrap_or_else(|| vec![data.len()]), data })
            }
            Value::Array(rows) if rows.iter().any(Value::is_array) => {
                let rows: Vec<Tensor> = rows.iter().filter_map(Tensor::read).collect();
                let mut shape = vec![rows.len()];
                shape.extend(&rows[0].shape);
                Some(Tensor { shape, data: rows.into_iter().flat_map(|row| row.data).collect() })
            }
            Value::Array(row) => {
                Some(Tensor { shape: vec![row.len()], data: row.iter().map(number).collect() })
            }
            scalar => Some(Tensor { shape: Vec::new(), data: vec![number(scalar)] }),
        }
    }

    /// The size of an axis, counted from the last.
    fn size(&self, from_last: usize) -> usize {
        self.shape.len().checked_sub(from_last + 1).map_or(1, |axis| self.shape[axis])
    }

    /// One matrix for each of the axes before the last two.
    fn matrices(&self, rows: usize, columns: usize) -> Vec<DMatrix<f64>> {
        assert_eq!(self.data.len() % (rows * columns), 0, "{:?}", self.shape);
        let parts = self.data.chunks(rows * columns);
        parts.map(|part| DMatrix::from_row_slice(rows, columns, part)).collect()
    }
}

/// A case, whatever type it will be computed in. Every list has an entry a head.
struct Case {
    name: String,
    q: Vec<DMatrix<f64>>,
    k: Vec<DMatrix<f64>>,
    v: Vec<DMatrix<f64>>,
    scale: f64,
    /// One for all heads, or one for each; empty is none.
    masks: Vec<DMatrix<f64>>,
    weights: Option<Vec<DMatrix<f64>>>,
    out: Option<Vec<DMatrix<f64>>>,
    entropy: Option<Vec<DMatrix<f64>>>,
    lse: Option<Vec<DMatrix<f64>>>,
    logit_max: f64,
    /// The golden results were computed in f32.
    single: bool,
    /// Beyond f32.
    double_only: bool,
}

fn attention_cases(files: &[Value]) -> Vec<Case> {
    cases(files, "q").map(|(case, single)| Case::read(case, single)).collect()
}

impl Case {
    fn read(case: &Value, single: bool) -> Case {
        let name = case["name"].as_str().unwrap_or("a case without a name").to_owned();
        let tensor = |key: &str| Tensor::read(&case[key]);
        let [q, k, v] =
            ["q", "k", "v"].map(|key| tensor(key).unwrap_or_else(|| panic!("{name}: no {key}")));
        let size = |key: &str, else_: usize| case[key].as_u64().map_or(else_, |size| size as usize);
        let (n, m) = (size("n", q.size(1)), size("m", k.size(1)));
        let (width, value_width) = (size("dh", q.size(0)), size("dv", v.size(0)));
        let [q, k, v] = [(q, n, width), (k, m, width), (v, m, value_width)]
            .map(|(tensor, rows, columns)| tensor.matrices(rows, columns));
        let mut masks = ["mask", "attn_mask"]
            .iter()
            .find_map(|key| tensor(key))
            .map_or(Vec::new(), |mask| mask.matrices(n, m));
        if ["causal", "is_causal"].iter().any(|key| case[key] == Value::Bool(true))
            && masks.is_empty()
        {
            masks.push(causal(n, m));
        }
        let scale = case["scale"].as_f64().unwrap_or_else(|| 1.0 / (width as f64).sqrt());
        let of_rows = |keys: &[&str], columns: usize| {
            let found = keys.iter().find_map(|key| tensor(key))?;
            Some(found.matrices(n, columns))
        };
        let logit_max = case["max_abs_logit"].as_f64().unwrap_or_else(|| {
            let logits = q.iter().zip(&k).map(|(q, k)| (q * k.transpose() * scale).amax());
            logits.fold(0.0, f64::max)
        });
        let all = || q.iter().chain(&k).chain(&v).chain(&masks).flat_map(DMatrix::iter);
        let beyond_f32 = |value: &f64| value.is_finite() && !(*value as f32).is_finite();
        Case {
            double_only: all().any(beyond_f32) || logit_max > f64::from(f32::MAX) / 16.0,
            weights: of_rows(&["weights", "attn", "attn_weights"], m),
            out: of_rows(&["out", "output"], value_width),
            entropy: of_rows(&["entropy"], 1),
            lse: of_rows(&["lse", "log_sum_exp", "logsumexp"], 1),
            name,
            q,
            k,
            v,
            scale,
            masks,
            logit_max,
            single,
        }
    }

    fn heads(&self) -> usize {
        self.q.len()
    }
}

/// Aligned bottom right.
fn causal(queries: usize, keys: usize) -> DMatrix<f64> {
    DMatrix::from_fn(queries, keys, |query, key| {
        if key + queries > query + keys { f64::NEG_INFINITY } else { 0.0 }
    })
}

/// The same mask in all the ways it can be said.
fn masks_of<T: Real>(bias: Option<&DMatrix<f64>>) -> Vec<(&'static str, Mask<T>)> {
    let Some(bias) = bias else {
        return vec![("no mask", Mask::None)];
    };
    let (queries, keys) = bias.shape();
    let mut masks = vec![("additive", Mask::Additive(bias.map(T::of)))];
    let keep: Vec<bool> =
        bias.column_iter().map(|column| column.iter().any(|b| *b == 0.0)).collect();
    let padding =
        DMatrix::from_fn(queries, keys, |_, key| if keep[key] { 0.0 } else { f64::NEG_INFINITY });
    if *bias == causal(queries, keys) {
        masks.push(("Causal", Mask::Causal));
        masks.push(("Causal twice", Mask::Causal.and(Mask::Causal)));
    } else if *bias == padding {
        masks.push(("Padding", Mask::Padding(keep)));
    } else if *bias == &padding + causal(queries, keys) {
        masks.push(("Padding and Causal", Mask::Padding(keep.clone()).and(Mask::Causal)));
        masks.push(("Causal and Padding", Mask::Causal.and(Mask::Padding(keep))));
    }
    let nothing = Mask::Additive(DMatrix::zeros(queries, keys));
    masks.push(("additive and zeros", masks[0].1.clone().and(nothing)));
    masks
}

// Comparing.

/// How far a result may be off, relatively and absolutely.
#[derive(Clone, Copy)]
struct Tolerance {
    relative: f64,
    absolute: f64,
}

/// In f64 as promised: max(1e-12, 16·ε·max|logit|) relative, 1e-15 absolute. In f32 the same form with that ε: the floor is what a logit of 1
/// gives, 16 ε, because 1e-12 is 4500 ε of f64 and so many of f32 would let everything pass (one ε is the exponential's, some are the sums' and
/// the rounding of inputs that were drawn in f64); the absolute part is the same multiple of ε. From 1e15 on the relative part is larger than
/// any result, and rounding decides nothing in cases that are fit to be golden: there the floor is taken.
fn tolerance<T: Real>(logit_max: f64, single: bool) -> Tolerance {
    let double = T::EPSILON.double() < f64::from(f32::EPSILON) && !single;
    let epsilon = if double { f64::EPSILON } else { f64::from(f32::EPSILON) };
    let floor = if double { 1e-12 } else { 16.0 * epsilon };
    let of_logits = if double && logit_max >= 1e15 { 0.0 } else { 16.0 * epsilon * logit_max };
    Tolerance { relative: floor.max(of_logits), absolute: 1e-15 / f64::EPSILON * epsilon }
}

#[track_caller]
fn near<T: Real>(what: impl Fn() -> String, ours: T, golden: f64, tolerance: Tolerance) {
    let ours = ours.double();
    // Where torch has no answer for a row that sees nothing, the documented one is zero.
    let golden = if golden.is_nan() { 0.0 } else { golden };
    let Tolerance { relative, absolute } = tolerance;
    let close = (ours - golden).abs() <= relative * golden.abs() + absolute;
    assert!(
        ours == golden || close,
        "{}: {ours:e} is not {golden:e} within {relative:e} and {absolute:e}",
        what()
    );
}

fn check_attention(case: &Case) {
    check_attention_in::<f64>(case, "f64");
    // "Where the logits are representable": beyond that, f32 can only refuse or be arbitrary.
    if !case.double_only {
        check_attention_in::<f32>(case, "f32");
    }
}

fn check_attention_in<T: Real>(case: &Case, kind: &str) {
    let tolerance = tolerance::<T>(case.logit_max, case.single);
    if tolerance.relative >= 1.0 {
        eprintln!(
            "{kind}: {} has logits up to {:e}, which tell nothing in it",
            case.name, case.logit_max
        );
    }
    let to = |matrices: &[DMatrix<f64>]| -> Vec<DMatrix<T>> {
        matrices.iter().map(|matrix| matrix.map(T::of)).collect()
    };
    let (q, k, v) = (to(&case.q), to(&case.k), to(&case.v));
    let mut workspace = Workspace::new();
    for returns in [Returns::Output, Returns::Statistics, Returns::Weights] {
        // One head at a time.
        for head in 0..case.heads() {
            let bias = case.masks.get(head).or(case.masks.first());
            for (said, mask) in masks_of(bias) {
                let scale = Some(T::of(case.scale));
                let attention = ScaledDotProduct { heads: 1, scale, mask, returns, threads: 1 };
                let door = format!("{kind}, {}, head {head}, {said}, {returns:?}", case.name);
                let matrices = [&q[head], &k[head], &v[head]];
                let attended = attend_through_every_door(&attention, matrices, &mut workspace);
                compare(case, &door, head, 1, returns, attended, tolerance);
            }
        }
        // All heads at once, which share one mask.
        if case.masks.len() <= 1 {
            let [q, k, v] = [&q, &k, &v].map(|heads| side_by_side(heads));
            for (said, mask) in masks_of(case.masks.first()) {
                let (heads, scale) = (case.heads(), Some(T::of(case.scale)));
                let attention = ScaledDotProduct { heads, scale, mask, returns, threads: 1 };
                let door = format!("{kind}, {}, all heads, {said}, {returns:?}", case.name);
                let attended = attend_through_every_door(&attention, [&q, &k, &v], &mut workspace);
                compare(case, &door, 0, heads, returns, attended, tolerance);
            }
        }
    }
}

/// The answer, which is the same to the last bit on several threads, and in memory that was used before.
#[track_caller]
fn attend_through_every_door<T: Real>(
    attention: &ScaledDotProduct<T>,
    [q, k, v]: [&DMatrix<T>; 3],
    workspace: &mut Workspace<T>,
) -> Result<Attended<T>, AttentionError> {
    let answer = attention.attend(q, k, v);
    let several = ScaledDotProduct { threads: 3, ..attention.clone() };
    assert_eq!(several.attend(q, k, v), answer);
    let mut attended = Attended::default();
    let into = attention.attend_into(q, k, v, workspace, &mut attended);
    assert_eq!(into.map(|()| attended), answer);
    answer
}

fn side_by_side<T: Real>(heads: &[DMatrix<T>]) -> DMatrix<T> {
    let columns: Vec<_> = heads.iter().flat_map(|head| head.column_iter()).collect();
    DMatrix::from_columns(&columns)
}

/// Whether the heads from `first` on came out as the golden ones.
#[track_caller]
fn compare<T: Real>(
    case: &Case,
    door: &str,
    first: usize,
    heads: usize,
    returns: Returns,
    attended: Result<Attended<T>, AttentionError>,
    tolerance: Tolerance,
) {
    let attended = match attended {
        Ok(attended) => attended,
        // Where torch overflows to infinity or NaN, we say so.
        Err(AttentionError::Overflow { .. } | AttentionError::NotFinite { .. })
            if has_no_answer(case) =>
        {
            return;
        }
        Err(error) => panic!("{door}: {error}"),
    };
    assert_eq!(attended.statistics.is_some(), returns >= Returns::Statistics, "{door}");
    assert_eq!(attended.weights.is_some(), returns >= Returns::Weights, "{door}");
    let part = |matrix: &DMatrix<T>, at: usize| {
        let width = matrix.ncols() / heads;
        matrix.columns(at * width, width).into_owned()
    };
    let statistics = attended.statistics.as_ref();
    for at in 0..heads {
        let head = first + at;
        let pairs = [
            ("out", Some(part(&attended.output, at)), &case.out),
            (
                "weights",
                attended.weights.as_ref().map(|weights| weights[at].clone()),
                &case.weights,
            ),
            ("entropy", statistics.map(|s| part(&s.entropy, at)), &case.entropy),
            ("lse", statistics.map(|s| part(&s.log_sum_exp, at)), &case.lse),
        ];
        for (what, ours, golden) in pairs {
            let (Some(ours), Some(golden)) = (ours, golden) else {
                continue;
            };
            let golden = &golden[head];
            assert_eq!(ours.shape(), golden.shape(), "{door}: {what}");
            for row in 0..golden.nrows() {
                for column in 0..golden.ncols() {
                    let place = || format!("{door}: {what} of head {head} at {row}, {column}");
                    near(place, ours[(row, column)], golden[(row, column)], tolerance);
                }
            }
        }
    }
}

/// Whether the inputs are not finite, or torch itself gave no finite log-sum-exp for a row that sees something.
fn has_no_answer(case: &Case) -> bool {
    let inputs = || case.q.iter().chain(&case.k).chain(&case.v).flat_map(DMatrix::iter);
    let lse = || case.lse.iter().flatten().flat_map(DMatrix::iter);
    inputs().any(|x| !x.is_finite())
        || lse().any(|x| x.is_nan() || *x == f64::INFINITY)
        || !case.logit_max.is_finite()
}

fn check_softmax_cases(files: &[Value]) -> usize {
    let mut count = 0;
    for (case, single) in cases(files, "x") {
        check_softmax::<f64>(case, single);
        let x = Tensor::read(&case["x"]).unwrap().data;
        // As finite in f32 as in f64, and no nearer to each other.
        let all = x.iter().all(|x| x.is_finite() == (*x as f32).is_finite());
        let seen = |round: fn(f64) -> f64| {
            x.iter().filter(|x| x.is_finite()).map(|x| round(*x)).collect::<Vec<_>>()
        };
        let apart =
            |x: Vec<f64>| x.windows(2).filter(|pair| (pair[0] - pair[1]).abs() > 0.0).count();
        if all && apart(seen(|x| x)) == apart(seen(|x| f64::from(x as f32))) {
            check_softmax::<f32>(case, single);
        }
        count += 1;
    }
    count
}

fn check_softmax<T: Real>(case: &Value, single: bool) {
    let name = case["name"].as_str().unwrap_or("a row without a name");
    let mut row: Vec<T> = Tensor::read(&case["x"]).unwrap().data.into_iter().map(T::of).collect();
    let refused = row.iter().any(|x| !x.is_finite() && *x != T::HIDDEN);
    let hidden = row.iter().filter(|x| **x == T::HIDDEN).count();
    // Only what came before the subtraction of the largest can be off by more than its own size.
    let tolerance = tolerance::<T>(0.0, single);
    let sum = softmax(&mut row);
    if refused {
        assert!(row.iter().all(|weight| !weight.is_finite()), "{name}");
        assert!(!sum.entropy.is_finite(), "{name}");
        return;
    }
    assert_eq!(sum.visible, row.len() - hidden, "{name}");
    for (key, ours) in
        [("softmax", row), ("entropy", vec![sum.entropy]), ("lse", vec![sum.log_sum_exp])]
    {
        let Some(golden) = Tensor::read(&case[key]) else {
            continue;
        };
        assert_eq!(ours.len(), golden.data.len(), "{name}: {key}");
        for (at, (&ours, golden)) in ours.iter().zip(golden.data).enumerate() {
            near(|| format!("{name}: {key} {at}"), ours, golden, tolerance);
        }
    }
}
