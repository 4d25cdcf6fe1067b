//! Gradients of a layer against finite differences, in double precision.

use orchestrator_attention::{
    AttentionConfig, Dimensions, Gradients, Mask, MultiHeadAttention, Positions, Projections,
    nalgebra::{DMatrix, DVector},
};
use orchestrator_core::Seed;
use proptest::prelude::*;

/// Of the differences: the rounding of the loss, divided by it, stays below 1e-12 of the loss.
const STEP: f64 = 3e-4;

fn matrix(rows: usize, columns: usize, seed: Seed) -> DMatrix<f64> {
    let mut stream = seed.fast_stream();
    DMatrix::from_fn(rows, columns, |_, _| stream.normal())
}

#[derive(Debug, Clone)]
struct Case {
    dimensions: Dimensions,
    queries: usize,
    keys: usize,
    mask: usize,
    bias: bool,
    positions: usize,
    scale: Option<f64>,
    seed: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let widths =
        (1..4_usize, 1..7_usize, 1..6_usize, 1..6_usize, 1..4_usize, 1..4_usize, 1..6_usize);
    let scale = prop_oneof![Just(None), (0.1..1.5_f64).prop_map(Some)];
    let rest = (1..7_usize, 1..7_usize, 0..5_usize, any::<bool>(), 0..3_usize, scale, any::<u64>());
    (widths, rest).prop_map(|(widths, (queries, keys, mask, bias, positions, scale, seed))| {
        let (heads, query, key, value, head, value_head, output) = widths;
        // Rotary positions need an even width.
        let head = if positions == 2 { 2 * head } else { head };
        let dimensions = Dimensions { heads, query, key, value, head, value_head, output };
        Case { dimensions, queries, keys, mask, bias, positions, scale, seed }
    })
}

impl Case {
    fn seed(&self, part: &str) -> Seed {
        Seed(self.seed).derive(part)
    }

    fn layer(&self) -> MultiHeadAttention {
        let Dimensions { heads, query, .. } = self.dimensions;
        let mut projections = Projections::of_dimensions(&self.dimensions, self.seed("layer"));
        if self.bias {
            projections = projections.with_biases();
            let mut stream = self.seed("bias").fast_stream();
            let Projections { query, key, value, output } = &mut projections;
            for linear in [query, key, value, output] {
                linear.bias.as_mut().unwrap().apply(|x: &mut f64| *x = stream.normal());
            }
        }
        let layer =
            MultiHeadAttention::new(AttentionConfig { embed_dim: query, heads }, projections);
        let positions = match self.positions {
            0 => Positions::None,
            1 => Positions::Sinusoidal,
            _ => Positions::Rotary { base: 50.0 },
        };
        let layer = layer.unwrap().with_positions(positions).unwrap();
        match self.scale {
            None => layer,
            Some(scale) => layer.with_scale(scale).unwrap(),
        }
    }

    fn rows(&self) -> [DMatrix<f64>; 3] {
        let Dimensions { query, key, value, .. } = self.dimensions;
        [
            matrix(self.queries, query, self.seed("queries")),
            matrix(self.keys, key, self.seed("keys")),
            matrix(self.keys, value, self.seed("values")),
        ]
    }

    fn mask(&self) -> Mask {
        let mut stream = self.seed("mask").fast_stream();
        let mut additive = || {
            let (queries, keys) = (self.queries, self.keys);
            let bias = |stream: &mut orchestrator_core::FastStream| {
                if stream.chance(0.4) { f64::NEG_INFINITY } else { stream.normal() }
            };
            Mask::Additive(DMatrix::from_fn(queries, keys, |_, _| bias(&mut stream)))
        };
        match self.mask {
            0 => Mask::None,
            1 => Mask::Causal,
            2 => additive(), // Now and then a query, or a key, is hidden altogether.
            3 => Mask::Padding((0..self.keys).map(|key| key % 2 == 0).collect()),
            _ => additive().and(Mask::Causal),
        }
    }

    fn direction(&self) -> DMatrix<f64> {
        matrix(self.queries, self.dimensions.output, self.seed("direction"))
    }

    /// A loss whose gradient at the output is the direction.
    fn loss(&self, layer: &MultiHeadAttention, [q, k, v]: &[DMatrix<f64>; 3]) -> f64 {
        layer.attend(q, k, v, &self.mask()).unwrap().output.dot(&self.direction())
    }

    fn gradients(&self) -> Gradients {
        let (layer, [q, k, v], mask) = (self.layer(), self.rows(), self.mask());
        let trace = layer.trace(&q, &k, &v, &mask).unwrap();
        assert_eq!(trace.output(), &layer.attend(&q, &k, &v, &mask).unwrap().output);
        trace.backward(&self.direction()).unwrap()
    }
}

/// All numbers of projections, in the order of `MultiHeadAttention::to_point`.
fn flat(projections: &Projections) -> Vec<f64> {
    let Projections { query, key, value, output } = projections;
    let mut flat = Vec::new();
    for linear in [query, key, value, output] {
        flat.extend(linear.weight.transpose().iter());
        flat.extend(linear.bias.iter().flat_map(DVector::iter));
    }
    flat
}

/// The derivative of `f` at 0 by the five-point formula, whose error is of the fourth order of the step; by two points it is of the second,
/// and no step makes that and the rounding small at once.
fn derivative(f: impl Fn(f64) -> f64) -> f64 {
    (8.0 * (f(STEP) - f(-STEP)) - (f(2.0 * STEP) - f(-2.0 * STEP))) / (12.0 * STEP)
}

#[track_caller]
fn close(what: &str, exact: &[f64], differences: &[f64]) -> Result<(), TestCaseError> {
    let size = exact.iter().chain(differences).fold(1e-3_f64, |size, x| size.max(x.abs()));
    for (at, (exact, difference)) in exact.iter().zip(differences).enumerate() {
        let off = (exact - difference).abs() / size;
        prop_assert!(off < 1e-7, "{what} {at}: {exact} {difference}, off by {off:e}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn of_the_projections(case in cases()) {
        let (layer, rows) = (case.layer(), case.rows());
        let exact = flat(&case.gradients().projections);
        let point = layer.to_point();
        let differences: Vec<f64> = (0..point.len()).map(|at| {
            derivative(|by| {
                let mut point = point.clone();
                point[at] += by;
                case.loss(&layer.with_point(&point).unwrap(), &rows)
            })
        }).collect();
        prop_assert_eq!(exact.len(), differences.len());
        close("parameter", &exact, &differences)?;
    }

    #[test]
    fn of_the_rows_that_came_in(case in cases()) {
        let (layer, rows) = (case.layer(), case.rows());
        let gradients = case.gradients();
        for (which, exact) in [&gradients.queries, &gradients.keys, &gradients.values].into_iter().enumerate() {
            prop_assert_eq!(exact.shape(), rows[which].shape());
            let differences: Vec<f64> = (0..exact.len()).map(|at| {
                derivative(|by| {
                    let mut rows = rows.clone();
                    rows[which][at] += by;
                    case.loss(&layer, &rows)
                })
            }).collect();
            close("entry", exact.as_slice(), &differences)?;
        }
    }

    #[test]
    fn single_precision_comes_near_double(case in cases()) {
        let (layer, [q, k, v], mask) = (case.layer(), case.rows(), case.mask());
        let single = |m: &DMatrix<f64>| m.map(|x| x as f32);
        let narrow = narrowed(&layer).with_point(&layer.to_point()).unwrap();
        let mask_single = narrow_mask(&mask);
        let (q_single, k_single, v_single) = (single(&q), single(&k), single(&v));
        let trace = narrow.trace(&q_single, &k_single, &v_single, &mask_single).unwrap();
        let ours = trace.backward(&single(&case.direction())).unwrap();
        let wide = case.gradients();
        for (ours, wide) in [(ours.queries, wide.queries), (ours.keys, wide.keys), (ours.values, wide.values)] {
            let off = (ours.map(f64::from) - &wide).amax() / wide.amax().max(1.0);
            prop_assert!(off < 1e-4, "{off:e}");
        }
    }
}

/// A layer of the same shape in single precision.
fn narrowed(layer: &MultiHeadAttention) -> MultiHeadAttention<f32> {
    serde_json::from_value(serde_json::to_value(layer).unwrap()).unwrap()
}

fn narrow_mask(mask: &Mask) -> Mask<f32> {
    match mask {
        Mask::None => Mask::None,
        Mask::Causal => Mask::Causal,
        Mask::Padding(keep) => Mask::Padding(keep.clone()),
        Mask::Additive(bias) => Mask::Additive(bias.map(|x| x as f32)),
        Mask::Both(a, b) => narrow_mask(a).and(narrow_mask(b)),
    }
}

#[test]
fn what_is_hidden_has_no_gradient() {
    let config = AttentionConfig::default();
    let layer: MultiHeadAttention = MultiHeadAttention::seeded(config, Seed(2)).unwrap();
    let rows = matrix(5, 16, Seed(3));
    let mut bias = DMatrix::zeros(5, 5);
    bias.row_mut(1).fill(f64::NEG_INFINITY); // A query that sees nothing,
    bias.column_mut(4).fill(f64::NEG_INFINITY); // and a key that nobody sees.
    let mask = Mask::Additive(bias);
    let trace = layer.trace(&rows, &rows, &rows, &mask).unwrap();
    let gradients = trace.backward(&matrix(5, 16, Seed(4))).unwrap();
    assert!(gradients.queries.row(1).iter().all(|x| *x == 0.0));
    assert!(gradients.keys.row(4).iter().all(|x| *x == 0.0));
    assert!(gradients.values.row(4).iter().all(|x| *x == 0.0));
    assert!(gradients.queries.row(0).norm() > 0.0 && gradients.values.row(1).norm() > 0.0);
}

#[test]
fn blocks_of_queries_add_up() {
    // More than two blocks: each example alone must give the summed gradient.
    let layer = MultiHeadAttention::seeded(AttentionConfig::default(), Seed(5)).unwrap();
    let (queries, keys) = (matrix(150, 16, Seed(6)), matrix(9, 16, Seed(7)));
    let direction = matrix(150, 16, Seed(8));
    let whole = layer.trace(&queries, &keys, &keys, &Mask::None).unwrap();
    let whole = whole.backward(&direction).unwrap();
    let mut sum: Option<Projections> = None;
    for at in 0..150 {
        let query = queries.rows(at, 1).into_owned();
        let one = layer.trace(&query, &keys, &keys, &Mask::None).unwrap();
        let one = one.backward(&direction.rows(at, 1).into_owned()).unwrap();
        assert!((one.queries.row(0) - whole.queries.row(at)).amax() < 1e-12);
        match &mut sum {
            None => sum = Some(one.projections),
            Some(sum) => sum.accumulate(&one.projections).unwrap(),
        }
    }
    let (sum, whole) = (flat(&sum.unwrap()), flat(&whole.projections));
    assert!(sum.iter().zip(&whole).all(|(a, b)| (a - b).abs() < 1e-10));
}

#[test]
fn gradients_that_do_not_fit_are_refused() {
    let config = AttentionConfig::default();
    let layer: MultiHeadAttention = MultiHeadAttention::seeded(config, Seed(1)).unwrap();
    let rows = matrix(3, 16, Seed(1));
    let trace = layer.trace(&rows, &rows, &rows, &Mask::None).unwrap();
    let refuse = |gradient: DMatrix<f64>| trace.backward(&gradient).unwrap_err().to_string();
    assert_eq!(
        refuse(DMatrix::zeros(2, 16)),
        "the output's gradient has 2 rows, 3 are needed to fit the output"
    );
    assert!(refuse(DMatrix::from_element(3, 16, f64::NAN)).contains("NaN at row 0, column 0"));

    let mut ours: Projections = Projections::seeded(16, Seed(1));
    let theirs = Projections::seeded(16, Seed(2)).with_biases();
    let before = ours.clone();
    let error = ours.accumulate(&theirs).unwrap_err().to_string();
    assert_eq!(error, "b^Q has 16 entries, 0 are needed to fit the layer");
    assert_eq!(ours, before);
}
