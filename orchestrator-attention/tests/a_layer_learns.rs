//! Learning: from seeded projections to a task that can only be solved by attending to the right row.

use orchestrator_attention::{
    Adam, AdamSettings, AttentionConfig, Dimensions, Mask, MultiHeadAttention, Positions,
    Projections, nalgebra::DMatrix,
};
use orchestrator_core::{Bounds, FastStream, ParameterSpace, Seed};

const WIDTH: usize = 8;
const PAIRS: usize = 6;

/// Associative recall: every key has a value of its own, and a query asks, in a language of its own, for the value of one key.
struct Recall {
    queries: DMatrix<f64>,
    keys: DMatrix<f64>,
    values: DMatrix<f64>,
    wanted: DMatrix<f64>,
}

fn normal(rows: usize, columns: usize, stream: &mut FastStream) -> DMatrix<f64> {
    DMatrix::from_fn(rows, columns, |_, _| stream.normal())
}

/// What a query says instead of the key: a fixed mixture of its entries.
fn language() -> DMatrix<f64> {
    let mixed = normal(WIDTH, WIDTH, &mut Seed(99).fast_stream());
    mixed.qr().q()
}

impl Recall {
    fn draw(stream: &mut FastStream) -> Recall {
        // Of length 1, so that no other key has a larger product with a key than itself.
        let mut keys = normal(PAIRS, WIDTH, stream);
        keys.row_iter_mut().for_each(|mut key| key /= key.norm());
        let values = normal(PAIRS, WIDTH, stream);
        let mut order: Vec<usize> = (0..PAIRS).collect();
        stream.shuffle(&mut order);
        let queries = keys.select_rows(&order) * language();
        let wanted = values.select_rows(&order);
        Recall { queries, keys, values, wanted }
    }

    /// How many answers are nearer to the wanted value than to any other.
    fn found(&self, layer: &MultiHeadAttention) -> usize {
        let answers =
            layer.attend(&self.queries, &self.keys, &self.values, &Mask::None).unwrap().output;
        let nearest = |answer: usize| {
            let distance = |value: usize| (answers.row(answer) - self.values.row(value)).norm();
            (0..PAIRS).min_by(|a, b| distance(*a).total_cmp(&distance(*b))).unwrap()
        };
        (0..PAIRS).filter(|&at| self.values.row(nearest(at)) == self.wanted.row(at)).count()
    }

    fn loss(&self, layer: &MultiHeadAttention) -> f64 {
        let output =
            layer.attend(&self.queries, &self.keys, &self.values, &Mask::None).unwrap().output;
        (output - &self.wanted).norm_squared() / (PAIRS * WIDTH) as f64
    }
}

fn seeded(seed: u64) -> MultiHeadAttention {
    let config = AttentionConfig { embed_dim: WIDTH, heads: 1 };
    MultiHeadAttention::new(config, Projections::seeded(WIDTH, Seed(seed)).with_biases()).unwrap()
}

/// So many steps, each on four examples drawn anew.
fn learn(layer: &mut MultiHeadAttention, adam: &mut Adam, steps: usize, stream: &mut FastStream) {
    const BATCH: usize = 4;
    for _ in 0..steps {
        let mut sum: Option<Projections> = None;
        for _ in 0..BATCH {
            let Recall { queries, keys, values, wanted } = Recall::draw(stream);
            let trace = layer.trace(&queries, &keys, &values, &Mask::None).unwrap();
            let gradient = (trace.output() - wanted) / (BATCH * PAIRS) as f64;
            let one = trace.backward(&gradient).unwrap().projections;
            match &mut sum {
                None => sum = Some(one),
                Some(sum) => sum.accumulate(&one).unwrap(),
            }
        }
        layer.update(adam, &sum.unwrap()).unwrap();
    }
}

fn settings() -> AdamSettings {
    AdamSettings { learning_rate: 0.02, clip_norm: Some(1.0), ..Default::default() }
}

#[test]
fn it_learns_to_recall_and_does_so_on_fresh_data() {
    for seed in 1..=3 {
        let mut layer = seeded(seed);
        let found = |layer: &MultiHeadAttention| {
            let mut fresh = Seed(seed).derive("fresh").fast_stream();
            (0..50).map(|_| Recall::draw(&mut fresh).found(layer)).sum::<usize>()
        };
        let before = found(&layer);
        let mut adam = Adam::of_layer(settings(), &layer).unwrap();
        let mut stream = Seed(seed).derive("examples").fast_stream();
        learn(&mut layer, &mut adam, 400, &mut stream);
        let after = found(&layer);
        println!("seed {seed}: {before} before, {after} after, of {}", 50 * PAIRS);
        assert!(before < 100, "seed {seed}: {before} of 300 before any learning");
        assert!(after > 285, "seed {seed}: {after} of 300 after learning");
    }
}

#[test]
fn learning_goes_on_with_the_same_bytes_after_it_was_saved() {
    let run = |interrupt: bool| {
        let mut layer = seeded(7);
        let mut adam = Adam::of_layer(settings(), &layer).unwrap();
        let mut stream = Seed(7).fast_stream();
        learn(&mut layer, &mut adam, 20, &mut stream);
        if interrupt {
            let layer_text = serde_json::to_string(&layer).unwrap();
            let adam_text = serde_json::to_string(&adam).unwrap();
            layer = serde_json::from_str(&layer_text).unwrap();
            adam = serde_json::from_str(&adam_text).unwrap();
        }
        learn(&mut layer, &mut adam, 20, &mut stream);
        (serde_json::to_string(&layer).unwrap(), serde_json::to_string(&adam).unwrap())
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn with_rotary_positions_it_learns_to_look_at_the_row_before() {
    // What is asked for has nothing to do with the contents: only a layer that knows distances can give it.
    let n = 8;
    let dimensions =
        Dimensions { head: 8, ..AttentionConfig { embed_dim: 8, heads: 1 }.dimensions().unwrap() };
    let solve = |positions: Positions| {
        // A bias lets every query and key have something in common, which the rotation then turns.
        let projections = Projections::of_dimensions(&dimensions, Seed(3)).with_biases();
        let mut layer =
            MultiHeadAttention::new(AttentionConfig { embed_dim: 8, heads: 1 }, projections)
                .unwrap()
                .with_positions(positions)
                .unwrap();
        let mut adam = Adam::of_layer(settings(), &layer).unwrap();
        let mut stream = Seed(4).fast_stream();
        let mut loss = 0.0;
        for step in 0..500 {
            let rows = normal(n, 8, &mut stream);
            let mut wanted = rows.clone();
            wanted.rows_mut(1, n - 1).copy_from(&rows.rows(0, n - 1));
            let trace = layer.trace(&rows, &rows, &rows, &Mask::Causal).unwrap();
            let error = (trace.output() - wanted) / n as f64;
            if step >= 400 {
                loss += error.norm_squared() * n as f64 / 8.0 / 100.0;
            }
            let gradients = trace.backward(&error).unwrap();
            layer.update(&mut adam, &gradients.projections).unwrap();
        }
        loss
    };
    let (without, with) = (solve(Positions::None), solve(Positions::Rotary { base: 100.0 }));
    println!("mean squared error {without:.3} without positions, {with:.3} with");
    assert!(with < 0.1 && without > 0.4, "{with} {without}");
}

#[test]
fn a_search_that_knows_nothing_of_layers_makes_one_better() {
    // A (1 + 1) evolution over the parameter space: no gradient is asked for.
    let layer = seeded(1);
    let space: ParameterSpace = layer.parameter_space(Bounds { min: -3.0, max: 3.0 }).unwrap();
    let mut stream = Seed(5).fast_stream();
    let examples: Vec<Recall> = (0..8).map(|_| Recall::draw(&mut stream)).collect();
    let loss = |point: &[f64]| {
        let layer = layer.with_point(point).unwrap();
        examples.iter().map(|example| example.loss(&layer)).sum::<f64>() / 8.0
    };
    let mut best = layer.to_point();
    let start = loss(&best);
    let mut least = start;
    for _ in 0..600 {
        let mut next = best.clone();
        next.iter_mut().for_each(|x| *x += 0.05 * stream.normal());
        space.clamp(&mut next);
        let loss = loss(&next);
        if loss < least {
            (best, least) = (next, loss);
        }
    }
    assert!(space.check(&best).is_ok());
    assert!(least < 0.9 * start, "{start} {least}");
}
