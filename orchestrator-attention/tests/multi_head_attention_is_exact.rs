//! Multi-head attention against a naive oracle and its own symmetries.

use orchestrator_attention::{
    AttentionConfig, Mask, MultiHeadAttention, Returns, nalgebra::DMatrix, verify,
};
use orchestrator_core::Seed;
use proptest::prelude::*;

fn matrix(rows: usize, columns: usize, seed: u64, size: f64) -> DMatrix<f64> {
    let mut stream = Seed(seed).stream();
    DMatrix::from_fn(rows, columns, |_, _| size * stream.normal())
}

/// Attention as the paper writes it, in plain loops: no shared code, no shifting by the maximum.
fn oracle(
    attention: &MultiHeadAttention,
    x: &DMatrix<f64>,
    y: &DMatrix<f64>,
    causal: bool,
) -> DMatrix<f64> {
    let config = attention.config();
    let d = config.embed_dim / config.heads;
    let p = attention.projections();
    let product = |a: &DMatrix<f64>, b: &DMatrix<f64>| {
        DMatrix::from_fn(a.nrows(), b.ncols(), |i, j| {
            (0..a.ncols()).map(|l| a[(i, l)] * b[(l, j)]).sum::<f64>()
        })
    };
    let (q, k, v) =
        (product(x, &p.query.weight), product(y, &p.key.weight), product(y, &p.value.weight));
    let mut joined = DMatrix::zeros(x.nrows(), config.embed_dim);
    for head in 0..config.heads {
        for i in 0..x.nrows() {
            let seen = |j: usize| !causal || j + x.nrows() <= i + y.nrows();
            let exp = |j: usize| {
                let dot: f64 = (0..d).map(|l| q[(i, head * d + l)] * k[(j, head * d + l)]).sum();
                if seen(j) { (dot / (d as f64).sqrt()).exp() } else { 0.0 }
            };
            let sum: f64 = (0..y.nrows()).map(exp).sum();
            for l in 0..d {
                let mixed: f64 = (0..y.nrows()).map(|j| exp(j) * v[(j, head * d + l)]).sum();
                joined[(i, head * d + l)] = if sum > 0.0 { mixed / sum } else { 0.0 };
            }
        }
    }
    product(&joined, &p.output.weight)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_equals_a_naive_oracle(
        seed: u64, heads in 1..5_usize, width in 1..6_usize, n in 1..9_usize, m in 1..9_usize, causal: bool,
    ) {
        let config = AttentionConfig { embed_dim: heads * width, heads };
        let attention = MultiHeadAttention::seeded(config, Seed(seed)).unwrap().with_returns(Returns::Weights);
        let x = matrix(n, config.embed_dim, seed ^ 1, 1.0);
        let y = matrix(m, config.embed_dim, seed ^ 2, 1.0);
        let mask = if causal { Mask::Causal } else { Mask::None };
        let ours = attention.attend(&x, &y, &y, &mask).unwrap().output;
        let theirs = oracle(&attention, &x, &y, causal);
        prop_assert!((&ours - &theirs).amax() < 1e-12, "{ours} {theirs}");
    }

    #[test]
    fn rows_sum_to_one_at_any_size(seed: u64, exponent in -30..60_i32, n in 1..12_usize) {
        let config = AttentionConfig::default();
        let attention = MultiHeadAttention::seeded(config, Seed(seed)).unwrap().with_returns(Returns::Weights);
        let x = matrix(n, config.embed_dim, seed, 10_f64.powi(exponent));
        let attended = attention.attend_self(&x, &Mask::None).unwrap();
        for weights in attended.weights.iter().flatten() {
            for row in weights.row_iter() {
                prop_assert!((row.sum() - 1.0).abs() < 1e-12);
            }
        }
        let max = (n as f64).ln() + 1e-12;
        prop_assert!(attended.statistics.as_ref().unwrap().entropy.iter().all(|h| (-1e-12..=max).contains(h)));
        let checks = verify(&attended, &config, n);
        let stable = checks.iter().filter(|check| check.name != "focuses on relevant layers");
        for check in stable {
            prop_assert!(check.passed, "{check:?}");
        }
    }

    #[test]
    fn the_order_of_rows_carries_over(seed: u64, n in 2..9_usize) {
        let attention = MultiHeadAttention::seeded(AttentionConfig::default(), Seed(seed)).unwrap();
        let x = matrix(n, 16, seed, 1.0);
        let mut order: Vec<usize> = (0..n).collect();
        Seed(seed).derive("order").stream().shuffle(&mut order);
        let plain = attention.attend_self(&x, &Mask::None).unwrap().output;
        let turned = attention.attend_self(&x.select_rows(&order), &Mask::None).unwrap().output;
        prop_assert!((plain.select_rows(&order) - turned).amax() < 1e-12);
    }

    #[test]
    fn causal_output_does_not_know_the_future(seed: u64, n in 2..9_usize, cut in 1..8_usize) {
        let cut = cut.min(n - 1);
        let attention = MultiHeadAttention::seeded(AttentionConfig::default(), Seed(seed)).unwrap();
        let x = matrix(n, 16, seed, 1.0);
        let mut other = x.clone();
        other.rows_mut(cut, n - cut).copy_from(&matrix(n - cut, 16, !seed, 3.0));
        let a = attention.attend_self(&x, &Mask::Causal).unwrap();
        let b = attention.attend_self(&other, &Mask::Causal).unwrap();
        prop_assert_eq!(a.output.rows(0, cut), b.output.rows(0, cut));
        prop_assert_ne!(a.output.row(cut), b.output.row(cut));
    }
}

#[test]
fn a_query_that_sees_nothing_gets_zero() {
    let attention = MultiHeadAttention::seeded(AttentionConfig::default(), Seed(3))
        .unwrap()
        .with_returns(Returns::Weights);
    let x = matrix(3, 16, 3, 1.0);
    let mut bias = DMatrix::zeros(3, 3);
    bias.row_mut(1).fill(f64::NEG_INFINITY);
    let attended = attention.attend_self(&x, &Mask::Additive(bias)).unwrap();
    let statistics = attended.statistics.as_ref().unwrap();
    assert_eq!(statistics.visible, [3, 0, 3]);
    assert!(attended.output.row(1).iter().all(|x| *x == 0.0));
    assert!(attended.weights.iter().flatten().all(|w| w.row(1).sum() == 0.0));
    assert!(statistics.entropy.row(1).iter().all(|h| *h == 0.0));
    assert!(verify(&attended, &attention.config(), 3).iter().all(|c| c.passed));
}

#[test]
fn broken_results_fail_their_checks() {
    let config = AttentionConfig::default();
    let attention = MultiHeadAttention::identity(config).unwrap().with_returns(Returns::Weights);
    let good = attention.attend_self(&matrix(4, 16, 1, 1.0), &Mask::None).unwrap();
    let failed = |attended| -> Vec<String> {
        let checks = verify(&attended, &config, 4);
        checks.into_iter().filter(|c| !c.passed).map(|c| c.name).collect()
    };
    assert!(failed(good.clone()).is_empty());

    let mut bad = good.clone();
    bad.weights.as_mut().unwrap()[2][(0, 0)] += 1e-6;
    assert_eq!(failed(bad), ["weights sum to 1"]);
    let mut bad = good.clone();
    bad.weights.as_mut().unwrap()[1][(3, 0)] = f64::NAN;
    assert_eq!(failed(bad), ["weights sum to 1", "all heads valid"]);
    let mut bad = good.clone();
    bad.output = bad.output.remove_row(0);
    assert_eq!(failed(bad), ["output dimension matches input"]);
    let mut bad = good.clone();
    bad.output[(0, 0)] = f64::INFINITY;
    assert_eq!(failed(bad), ["numerically stable"]);
    let mut bad = good.clone();
    bad.statistics.as_mut().unwrap().entropy[(0, 0)] = 2.0; // above ln 4
    assert!(failed(bad).contains(&"numerically stable".to_owned()));

    let even = attention.attend_self(&DMatrix::zeros(4, 16), &Mask::None).unwrap();
    assert_eq!(failed(even.clone()), ["focuses on relevant layers"]);
    let findings = orchestrator_attention::diagnose(even.statistics.as_ref().unwrap(), &config);
    let advice = findings[0].to_string();
    assert!(advice.ends_with("raise the embedding dimension from 16 to 32"), "{advice}");
    assert!(
        orchestrator_attention::diagnose(good.statistics.as_ref().unwrap(), &config).is_empty()
    );
}
