//! Layers and optimisers as data, and as points of a space; and what is refused of either.

use orchestrator_attention::{
    Adam, AdamSettings, AttentionConfig, Dimensions, Linear, Mask, MultiHeadAttention, Positions,
    Projections,
    nalgebra::{DMatrix, DVector},
};
use orchestrator_core::{Bounds, Seed};
use proptest::prelude::*;
use serde_json::{Value, json};

fn layer() -> MultiHeadAttention {
    let config = AttentionConfig { embed_dim: 4, heads: 2 };
    let dimensions = Dimensions { key: 3, value: 5, value_head: 1, ..config.dimensions().unwrap() };
    let projections = Projections::of_dimensions(&dimensions, Seed(1)).with_biases();
    let layer = MultiHeadAttention::new(config, projections).unwrap();
    layer.with_positions(Positions::rotary()).unwrap().with_scale(0.3).unwrap()
}

proptest! {
    #[test]
    fn what_is_read_is_what_was_written(seed: u64, heads in 1..4_usize, width in 1..4_usize, bias: bool) {
        let config = AttentionConfig { embed_dim: heads * width, heads };
        let projections = Projections::<f64>::seeded(config.embed_dim, Seed(seed));
        let projections = if bias { projections.with_biases() } else { projections };
        let layer = MultiHeadAttention::new(config, projections).unwrap();
        let text = serde_json::to_string(&layer).unwrap();
        prop_assert_eq!(&serde_json::from_str::<MultiHeadAttention>(&text).unwrap(), &layer);

        let single: MultiHeadAttention<f32> = MultiHeadAttention::seeded(config, Seed(seed)).unwrap();
        let text = serde_json::to_string(&single).unwrap();
        prop_assert_eq!(serde_json::from_str::<MultiHeadAttention<f32>>(&text).unwrap(), single);
    }
}

#[test]
fn scale_positions_and_widths_are_written_too() {
    let text = serde_json::to_string(&layer()).unwrap();
    let read: MultiHeadAttention = serde_json::from_str(&text).unwrap();
    assert_eq!(read, layer());
    assert!(text.starts_with(r#"{"version":1,"config":{"embed_dim":4,"heads":2},"scale":0.3,"positions":{"rotary":{"base":10000.0}},"#), "{text}");
}

#[test]
fn what_was_damaged_is_refused_in_one_line() {
    #[track_caller]
    fn refused(change: impl Fn(&mut Value), message: &str) {
        let mut saved = serde_json::to_value(layer()).unwrap();
        change(&mut saved);
        let error = serde_json::from_value::<MultiHeadAttention>(saved).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    refused(
        |saved| saved["version"] = json!(2),
        "the saved attention layer has format 2; this version reads format 1",
    );
    refused(
        |saved| saved["projections"]["query"]["inputs"] = json!(7),
        "the saved weight has 16 entries, 28 are needed to fit its inputs and outputs",
    );
    refused(
        |saved| saved["projections"]["query"]["inputs"] = json!(u64::MAX),
        "the saved weight has 16 entries, 18446744073709551615 are needed",
    );
    refused(
        |saved| saved["projections"]["key"]["bias"] = json!([0.0]),
        "the saved bias has 1 entries, 4 are needed to fit the saved weight",
    );
    refused(
        |saved| saved["config"]["heads"] = json!(3),
        "W^Q has 4 columns, 6 are needed to fit the heads",
    );
    refused(|saved| saved["config"]["heads"] = json!(0), "attention needs at least one head");
    refused(
        |saved| saved["config"]["embed_dim"] = json!(8),
        "W^Q has 4 rows, 8 are needed to fit embed_dim",
    );
    refused(
        |saved| saved["positions"] = json!({"rotary": {"base": -1.0}}),
        "the rotary base is -1; it must be finite and above 0",
    );
    refused(|saved| saved["extra"] = json!(1), "unknown field `extra`");
    refused(|saved| saved["projections"]["value"]["weight"][2] = Value::Null, "invalid type: null");

    // What is finite in double precision may not be in single.
    let mut saved = serde_json::to_value(layer()).unwrap();
    saved["projections"]["value"]["weight"][2] = json!(1e300);
    let error = serde_json::from_value::<MultiHeadAttention<f32>>(saved).unwrap_err().to_string();
    assert!(error.starts_with("the saved weight has inf at row 1, column 0"), "{error}");
}

#[test]
fn an_optimiser_is_checked_when_read() {
    let adam: Adam = Adam::of_layer(AdamSettings::default(), &layer()).unwrap();
    let text = serde_json::to_string(&adam).unwrap();
    assert_eq!(serde_json::from_str::<Adam>(&text).unwrap(), adam);
    #[track_caller]
    fn refused(adam: &Adam, key: &str, value: Value, message: &str) {
        let mut saved = serde_json::to_value(adam).unwrap();
        saved[key] = value;
        let error = serde_json::from_value::<Adam>(saved).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    refused(
        &adam,
        "version",
        json!(9),
        "the saved state of Adam has format 9; this version reads format 1",
    );
    refused(&adam, "square", json!([0.0]), "1 mean squares for");
    refused(&adam, "square", json!(vec![-1.0; adam_len(&adam)]), "the saved mean square 0 is -1");
    refused(
        &adam,
        "settings",
        json!({"beta_1": 1.0}),
        "beta_1 is 1, and must be from 0 to below 1",
    );
    refused(&adam, "settings", json!({"momentum": 1.0}), "unknown field `momentum`");
}

fn adam_len(adam: &Adam) -> usize {
    serde_json::to_value(adam).unwrap()["mean"].as_array().unwrap().len()
}

#[test]
fn a_step_that_cannot_be_taken_changes_nothing() {
    let settings = AdamSettings { learning_rate: 1e300, ..Default::default() };
    let mut adam: Adam<f32> = Adam::new(settings, 2).unwrap();
    let (before, mut point) = (adam.clone(), [1.0_f32, 2.0]);
    for (gradient, message) in [
        (&[1.0][..], "1 gradients for 2 numbers to learn"),
        (&[1.0, f32::NAN], "gradient 1 is NaN; only finite numbers can be learned from"),
        (&[1e30, 0.0], "the square of gradient 0 is inf"),
        (&[1.0, 0.0], "after the step, number 0 is -inf"),
    ] {
        let error = adam.step(&mut point, gradient).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
        assert_eq!((&adam, point), (&before, [1.0, 2.0]));
    }
    let mut other = layer();
    let mut adam = Adam::of_layer(AdamSettings::default(), &other).unwrap();
    let gradient = Projections::seeded(4, Seed(1));
    let error = other.update(&mut adam, &gradient).unwrap_err().to_string();
    assert_eq!(error, "b^Q has 0 entries, 4 are needed to fit the layer");
    assert_eq!((other, adam.steps()), (layer(), 0));
}

#[test]
fn every_number_has_a_name_and_its_place() {
    let layer = layer();
    let space = layer.parameter_space(Bounds { min: -1.0, max: 1.0 }).unwrap();
    let point = layer.to_point();
    assert_eq!((space.len(), point.len()), (layer.projections().parameters(), space.len()));
    let Projections { query, key, value, output } = layer.projections();
    for (name, wanted) in [
        ("query.3.1", query.weight[(3, 1)]),
        ("query.bias.2", 0.0),
        ("key.2.0", key.weight[(2, 0)]),
        ("value.4.1", value.weight[(4, 1)]),
        ("output.1.3", output.weight[(1, 3)]),
    ] {
        assert_eq!(point[space.position(name).unwrap()], wanted, "{name}");
    }
    let mut other = point.clone();
    other[space.position("key.bias.1").unwrap()] = 0.25;
    let other = layer.with_point(&other).unwrap();
    assert_eq!(other.projections().key.bias, Some(DVector::from_vec(vec![0.0, 0.25, 0.0, 0.0])));
    assert_eq!((other.positions(), other.scale()), (layer.positions(), 0.3));

    let error = layer.with_point(&point[1..]).unwrap_err().to_string();
    assert!(error.starts_with("the point has"), "{error}");
    let mut bad = point.clone();
    bad[5] = f64::NAN;
    let error = layer.with_point(&bad).unwrap_err().to_string();
    assert_eq!(error, "W^Q has NaN at row 1, column 1; only finite numbers can be attended");
}

#[test]
fn maps_that_do_not_fit_are_refused_by_name() {
    let config = AttentionConfig { embed_dim: 4, heads: 2 };
    let linear = |inputs, outputs| Linear { weight: DMatrix::zeros(inputs, outputs), bias: None };
    let refuse = |query, key, value, output| {
        let projections: Projections = Projections { query, key, value, output };
        MultiHeadAttention::new(config, projections).unwrap_err().to_string()
    };
    for (error, message) in [
        (
            refuse(linear(3, 4), linear(4, 4), linear(4, 4), linear(4, 4)),
            "W^Q has 3 rows, 4 are needed to fit embed_dim",
        ),
        (
            refuse(linear(4, 5), linear(4, 5), linear(4, 4), linear(4, 4)),
            "W^Q has 5 columns, 6 are needed to fit the heads",
        ),
        (
            refuse(linear(4, 4), linear(4, 2), linear(4, 4), linear(4, 4)),
            "W^K has 2 columns, 4 are needed to fit W^Q",
        ),
        (
            refuse(linear(4, 0), linear(4, 0), linear(4, 4), linear(4, 4)),
            "W^Q has 0 columns, 2 are needed to fit the heads",
        ),
        (
            refuse(linear(4, 4), linear(4, 4), linear(4, 3), linear(3, 4)),
            "W^V has 3 columns, 4 are needed to fit the heads",
        ),
        (
            refuse(linear(4, 4), linear(4, 4), linear(4, 2), linear(4, 4)),
            "W^O has 4 rows, 2 are needed to fit W^V",
        ),
    ] {
        assert_eq!(error, message);
    }
    let rows = DMatrix::zeros(2, 4);
    let refuse = |keys: &DMatrix<f64>, values: &DMatrix<f64>| {
        layer().attend(&rows, keys, values, &Mask::None).unwrap_err().to_string()
    };
    assert_eq!(refuse(&rows, &rows), "keys has 4 columns, 3 are needed to fit W^K");
    let keys = DMatrix::zeros(2, 3);
    assert_eq!(refuse(&keys, &rows), "values has 4 columns, 5 are needed to fit W^V");
    assert_eq!(
        refuse(&keys, &DMatrix::zeros(1, 5)),
        "values has 1 rows, 2 are needed to fit the keys"
    );
}
