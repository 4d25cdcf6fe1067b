//! Layers over named features.

use orchestrator_attention::{
    AttentionConfig, Feature, LayerQuery, Mask, MultiHeadAttention, Preset, Returns, embed,
    embed_layers, positions,
};
use orchestrator_core::Seed;

const NAMES: [&str; 6] = ["nulls", "duplicates", "outliers", "size", "types", "complexity"];

fn features(value: f64) -> Vec<Feature> {
    NAMES.iter().map(|name| Feature::new(*name, value)).collect()
}

#[test]
fn a_layer_attends_most_to_what_it_is_interested_in() {
    for preset in [Preset::Speed, Preset::Default, Preset::Quality] {
        let config = AttentionConfig::preset(preset);
        let attention =
            MultiHeadAttention::identity(config).unwrap().with_returns(Returns::Weights);
        let (mut hits, mut tries) = (0, 0);
        for seed in 0..20 {
            let keys = embed(&features(0.5), config.embed_dim, Seed(seed)).unwrap();
            for (at, name) in NAMES.iter().enumerate() {
                let layer = [LayerQuery::new("l").interested_in(*name, 1.0)];
                let query =
                    embed_layers(&layer, &features(0.5), config.embed_dim, Seed(seed)).unwrap();
                let attended = attention.attend(&query, &keys, &keys, &Mask::None).unwrap();
                tries += 1;
                hits +=
                    usize::from(attended.mean_weights().unwrap().row(0).transpose().imax() == at);
            }
        }
        let wanted = if preset == Preset::Speed { 0.85 } else { 0.97 };
        let share = f64::from(hits as u32) / f64::from(tries);
        assert!(share >= wanted, "{preset:?}: found in {hits} of {tries}");
    }
}

#[test]
fn a_stronger_feature_gets_more_weight() {
    let config = AttentionConfig::default();
    let attention = MultiHeadAttention::identity(config).unwrap().with_returns(Returns::Weights);
    let layer = [LayerQuery::new("l").interested_in("nulls", 1.0)];
    let weight = |value: f64| {
        let mut features = features(0.5);
        features[0].value = value;
        let keys = embed(&features, config.embed_dim, Seed(4)).unwrap();
        let query = embed_layers(&layer, &features, config.embed_dim, Seed(4)).unwrap();
        attention.attend(&query, &keys, &keys, &Mask::None).unwrap().mean_weights().unwrap()[(0, 0)]
    };
    assert!(weight(0.0) < weight(0.5) && weight(0.5) < weight(1.0));
}

#[test]
fn what_is_no_feature_is_refused_by_name() {
    let refuse = |features: &[Feature]| embed(features, 16, Seed(1)).unwrap_err().to_string();
    assert_eq!(
        refuse(&[Feature::new("a", 1.5)]),
        "feature \"a\" has the value 1.5; scale it into [0, 1]"
    );
    assert!(refuse(&[Feature::new("a", f64::NAN)]).contains("NaN"));
    assert_eq!(
        refuse(&[Feature::new("a", 0.0), Feature::new("a", 1.0)]),
        "feature \"a\" occurs twice"
    );
    let layer = [LayerQuery::new("l").interested_in("b", 1.0)];
    let error = embed_layers(&layer, &[Feature::new("a", 0.0)], 16, Seed(1)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "layer \"l\" is interested in \"b\" by 1, which is no feature that was given"
    );
}

#[test]
fn positions_differ_and_start_as_the_paper_says() {
    let rows = positions(50, 6);
    assert_eq!(rows.row(0).iter().copied().collect::<Vec<_>>(), [0.0, 1.0, 0.0, 1.0, 0.0, 1.0]);
    for a in 0..50 {
        for b in 0..a {
            assert!((rows.row(a) - rows.row(b)).norm() > 1e-3);
        }
    }
}
