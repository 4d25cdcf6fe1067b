//! What positions mean to a whole layer.

use orchestrator_attention::{
    AttentionConfig, Mask, MultiHeadAttention, Positions, Projections, nalgebra::DMatrix,
    sinusoidal,
};
use orchestrator_core::Seed;
use proptest::prelude::*;

fn rows(count: usize, seed: u64) -> DMatrix<f64> {
    let mut stream = Seed(seed).fast_stream();
    DMatrix::from_fn(count, 16, |_, _| stream.normal())
}

fn layer(positions: Positions, seed: u64) -> MultiHeadAttention {
    let projections = Projections::seeded(16, Seed(seed)).with_biases();
    let layer = MultiHeadAttention::new(AttentionConfig::default(), projections).unwrap();
    layer.with_positions(positions).unwrap()
}

proptest! {
    #[test]
    fn the_last_queries_alone_attend_as_among_all(seed: u64, n in 1..9_usize, last in 1..9_usize, kind in 0..3_usize) {
        let last = last.min(n);
        let positions = [Positions::None, Positions::Sinusoidal, Positions::rotary()][kind];
        let (layer, all) = (layer(positions, seed), rows(n, !seed));
        let tail = all.rows(n - last, last).into_owned();
        let whole = layer.attend_self(&all, &Mask::Causal).unwrap().output;
        let part = layer.attend(&tail, &all, &all, &Mask::Causal).unwrap().output;
        prop_assert!((whole.rows(n - last, last) - part).amax() < 1e-12);
    }

    #[test]
    fn rotary_attention_does_not_know_where_a_text_begins(seed: u64, n in 1..7_usize, before in 0..7_usize) {
        let (layer, text) = (layer(Positions::rotary(), seed), rows(before + n, !seed));
        let part = text.rows(before, n).into_owned();
        let seen = Mask::Padding((0..before + n).map(|key| key >= before).collect());
        let later = layer.attend_self(&text, &seen).unwrap().output;
        let first = layer.attend_self(&part, &Mask::None).unwrap().output;
        prop_assert!((later.rows(before, n) - first).amax() < 1e-12);
    }

    #[test]
    fn sinusoidal_rows_are_added_to_what_comes_in(seed: u64, n in 1..7_usize) {
        let text = rows(n, !seed);
        let placed = &text + sinusoidal(0..n, 16);
        let ours = layer(Positions::Sinusoidal, seed).attend_self(&text, &Mask::None).unwrap();
        let plain = layer(Positions::None, seed).attend_self(&placed, &Mask::None).unwrap();
        prop_assert_eq!(ours, plain);
    }
}

#[test]
fn only_positions_tell_equal_rows_apart() {
    let mut alike = DMatrix::zeros(5, 16);
    let row = rows(1, 3);
    alike.row_iter_mut().for_each(|mut entry| entry.copy_from(&row));
    alike.row_mut(0).fill(0.25); // One row differs, and the others stand at different distances from it.
    let spread = |positions| {
        let output = layer(positions, 4).attend_self(&alike, &Mask::None).unwrap().output;
        (output.row(1) - output.row(4)).norm()
    };
    assert!(spread(Positions::None) < 1e-12);
    assert!(spread(Positions::Sinusoidal) > 1e-3);
    assert!(spread(Positions::rotary()) > 1e-3);
}

#[test]
fn an_odd_head_cannot_be_turned() {
    let config = AttentionConfig { embed_dim: 6, heads: 2 };
    let layer: MultiHeadAttention = MultiHeadAttention::seeded(config, Seed(1)).unwrap();
    let error = layer.with_positions(Positions::rotary()).unwrap_err().to_string();
    assert_eq!(error, "6 columns over 2 heads give no even width, which rotary positions need");
}
