//! Attention learns associative recall: by gradient, and by a genetic search that knows nothing of layers.
//!
//! ```text
//! cargo run --release --example attention_learns
//! ```
//!
//! Every example draws six keys and six values anew; a query asks, in a language of its own, for the value of one key. Nothing can be
//! learned by heart: the projections must learn the language, so that each query attends to its key. Both ways move the same
//! numbers, which the search knows as points of a `ParameterSpace` with names such as `query.3.1`.

use orchestrator_ai::attention::nalgebra::DMatrix;
use orchestrator_ai::attention::{
    Adam, AdamSettings, AttentionConfig, AttentionError, Mask, MultiHeadAttention, Projections,
    Returns,
};
use orchestrator_ai::core::{Bounds, FastStream, Seed};
use orchestrator_ai::ga::minimize;

const WIDTH: usize = 4;
const PAIRS: usize = 6;
const STEPS: usize = 600;
/// Examples of which a step takes the mean gradient, and a search the mean loss.
const BATCH: usize = 8;
const EVALUATIONS: u64 = 4_000;

type Fault = Box<dyn std::error::Error>;

struct Example {
    queries: DMatrix<f64>,
    keys: DMatrix<f64>,
    values: DMatrix<f64>,
    wanted: DMatrix<f64>,
}

impl Example {
    fn draw(dice: &mut FastStream) -> Example {
        let mut normal = |rows| DMatrix::from_fn(rows, WIDTH, |_, _| dice.normal());
        let (mut keys, values) = (normal(PAIRS), normal(PAIRS));
        // Of length 1, so that no other key is as much like a key as itself.
        keys.row_iter_mut().for_each(|mut key| key /= key.norm());
        let mut order: Vec<usize> = (0..PAIRS).collect();
        dice.shuffle(&mut order);
        let queries = keys.select_rows(&order) * language();
        Example { queries, wanted: values.select_rows(&order), keys, values }
    }

    fn batch(dice: &mut FastStream, count: usize) -> Vec<Example> {
        (0..count).map(|_| Example::draw(dice)).collect()
    }
}

/// A query is its key, turned by this rotation.
fn language() -> DMatrix<f64> {
    let mut dice = Seed(99).fast_stream();
    DMatrix::from_fn(WIDTH, WIDTH, |_, _| dice.normal()).qr().q()
}

/// The mean squared error of the answers; always answering 0 gives about 1.
fn loss(layer: &MultiHeadAttention, examples: &[Example]) -> Result<f64, AttentionError> {
    let mut sum = 0.0;
    for Example { queries, keys, values, wanted } in examples {
        let answers = layer.attend(queries, keys, values, &Mask::None)?.output;
        sum += (answers - wanted).norm_squared();
    }
    Ok(sum / (examples.len() * PAIRS * WIDTH) as f64)
}

/// So many steps of Adam, each on examples drawn anew.
fn learn(mut layer: MultiHeadAttention, steps: usize) -> Result<MultiHeadAttention, Fault> {
    let settings =
        AdamSettings { learning_rate: 0.03, clip_norm: Some(1.0), ..AdamSettings::default() };
    let mut adam = Adam::of_layer(settings, &layer)?;
    let mut dice = Seed(3).fast_stream();
    for _ in 0..steps {
        let mut sum: Option<Projections> = None;
        for Example { queries, keys, values, wanted } in Example::batch(&mut dice, BATCH) {
            let trace = layer.trace(&queries, &keys, &values, &Mask::None)?;
            let error = (trace.output() - wanted) / (BATCH * PAIRS) as f64;
            let one = trace.backward(&error)?.projections;
            match &mut sum {
                None => sum = Some(one),
                Some(sum) => sum.accumulate(&one)?,
            }
        }
        layer.update(&mut adam, &sum.expect("a batch is not empty"))?;
    }
    Ok(layer)
}

/// The best layer within so many evaluations, all of the same examples.
fn search(layer: &MultiHeadAttention) -> Result<MultiHeadAttention, Fault> {
    let examples = Example::batch(&mut Seed(4).fast_stream(), 4 * BATCH);
    let space = layer.parameter_space(Bounds { min: -3.0, max: 3.0 })?;
    let cost = |point: &[f64]| {
        let layer = layer.with_point(point).expect("a point of the space is finite");
        loss(&layer, &examples).expect("numbers within the bounds do not overflow")
    };
    let found = minimize(space, EVALUATIONS, Seed(5), &cost)?;
    Ok(layer.with_point(&found.best)?)
}

fn main() -> Result<(), Fault> {
    let config = AttentionConfig { embed_dim: WIDTH, heads: 1 };
    let seeded = MultiHeadAttention::seeded(config, Seed(1))?;
    let fresh = Example::batch(&mut Seed(6).fast_stream(), 200);
    println!(
        "{} numbers to learn; mean squared error on 200 fresh examples\n",
        seeded.to_point().len()
    );

    let searched = search(&seeded)?;
    let learned = learn(seeded.clone(), STEPS)?;
    let refined = learn(searched.clone(), STEPS)?;
    for (name, layer) in [
        ("seeded", &seeded),
        (&*format!("searched, {EVALUATIONS} evaluations"), &searched),
        (&*format!("learned, {STEPS} steps"), &learned),
        ("searched, then learned", &refined),
    ] {
        println!("{name:30} {:.4}", loss(layer, &fresh)?);
    }

    let text = serde_json::to_string(&learned)?;
    let read: MultiHeadAttention = serde_json::from_str(&text)?;
    assert_eq!(read, learned);
    println!("\nsaved and read back: the same layer, {} bytes", text.len());

    // What it does with a query: most of the weight is on the key that was meant.
    let Example { queries, keys, values, .. } = &fresh[0];
    let read = read.with_returns(Returns::Weights);
    let attended = read.attend(queries, keys, values, &Mask::None)?;
    for check in read.verify(&attended, PAIRS) {
        println!("{} {}: {}", if check.passed { "ok  " } else { "FAIL" }, check.name, check.detail);
    }
    for finding in read.diagnose(&attended) {
        println!("advice: {finding}");
    }
    Ok(())
}
