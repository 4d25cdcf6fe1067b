//! Uniform heads and heads that do the same are found from what was measured, under masks and in both types of number.

use orchestrator_attention::{
    AttentionConfig, Finding, Mask, MultiHeadAttention, Projections, Real, Returns, diagnose,
    nalgebra::DMatrix, verify,
};
use orchestrator_core::Seed;

fn rows<T: Real>(count: usize, seed: u64) -> DMatrix<T> {
    let mut stream = Seed(seed).fast_stream();
    DMatrix::from_fn(count, 16, |_, _| T::of(stream.normal()))
}

/// Four heads over random projections, sharpened so that none is uniform, and then changed.
fn layer<T: Real>(change: impl FnOnce(&mut Projections<T>)) -> MultiHeadAttention<T> {
    let mut projections = Projections::seeded(16, Seed(1));
    projections.query.weight *= T::of(3.0);
    change(&mut projections);
    let layer = MultiHeadAttention::new(AttentionConfig::default(), projections).unwrap();
    layer.with_returns(Returns::Weights)
}

fn findings<T: Real>(layer: &MultiHeadAttention<T>, mask: &Mask<T>) -> Vec<String> {
    let attended = layer.attend_self(&rows(12, 2), mask).unwrap();
    layer.diagnose(&attended).iter().map(ToString::to_string).collect()
}

/// Makes a head's queries zero, so that every product is.
fn blind<T: Real>(projections: &mut Projections<T>, head: usize) {
    projections.query.weight.columns_mut(4 * head, 4).fill(T::zero());
}

/// Makes a head compare as another does.
fn copy<T: Real>(projections: &mut Projections<T>, from: usize, to: usize) {
    for weight in [&mut projections.query.weight, &mut projections.key.weight] {
        let columns = weight.columns(4 * from, 4).into_owned();
        weight.columns_mut(4 * to, 4).copy_from(&columns);
    }
}

fn check<T: Real>() {
    let causal = Mask::Causal;
    let padding = Mask::Padding((0..12).map(|key| key != 3).collect());
    for mask in [Mask::None, causal.clone(), padding.and(causal)] {
        assert_eq!(findings(&layer::<T>(|_| ()), &mask), Vec::<String>::new());
        assert_eq!(
            findings(&layer::<T>(|p| blind(p, 2)), &mask),
            [
                "the attention weights of head 2 (of 4) are uniform (mean entropy 100.0 % of the ln of the keys seen), because these \
              heads tell nothing apart: train or seed their projections anew, or use fewer heads"
            ]
        );
        let all = layer::<T>(|p| (0..4).for_each(|head| blind(p, head)));
        assert_eq!(
            findings(&all, &mask),
            [
                "the attention weights are uniform (mean entropy 100.0 % of the ln of the keys seen), because the embeddings are not \
              differentiated: raise the embedding dimension from 16 to 32"
            ]
        );
        let twins = layer::<T>(|p| {
            copy(p, 0, 3);
            blind(p, 1);
        });
        let found = findings(&twins, &mask);
        assert_eq!(found.len(), 2);
        assert!(found[0].contains("of head 1 (of 4)"), "{}", found[0]);
        assert!(found[1].starts_with("heads 0 and 3 attend alike: "), "{}", found[1]);
        let triplets = layer::<T>(|p| [1, 2].into_iter().for_each(|head| copy(p, 0, head)));
        assert!(findings(&triplets, &mask)[0].starts_with("heads 0, 1 and 2 attend alike: "));
    }
}

#[test]
fn in_double_precision() {
    check::<f64>();
}

#[test]
fn in_single_precision() {
    check::<f32>();
}

#[test]
fn queries_without_a_choice_say_nothing() {
    let layer = layer::<f64>(|p| blind(p, 0));
    let attended = layer.attend_self(&rows(1, 2), &Mask::None).unwrap();
    assert!(layer.diagnose(&attended).is_empty());
    let hidden = Mask::Padding(vec![false; 12]);
    let attended = layer.attend_self(&rows(12, 2), &hidden).unwrap();
    assert!(layer.diagnose(&attended).is_empty());
}

#[test]
fn a_finding_names_the_share_of_its_own_heads() {
    let layer = layer::<f64>(|p| blind(p, 2));
    let attended = layer.attend_self(&rows(12, 2), &Mask::Causal).unwrap();
    let statistics = attended.statistics.as_ref().unwrap();
    let found = diagnose(statistics, &layer.config());
    let [Finding::Uniform { heads, of, entropy_share, embed_dim }] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((&heads[..], *of, *embed_dim), (&[2][..], 4, 16));
    // Every query is even over what it sees, not over all keys.
    assert!((entropy_share - 1.0).abs() < 1e-12);
    // The mean over all heads would have hidden it.
    assert!(statistics.mean_relative_entropy().unwrap() < 0.9);
}

#[test]
fn single_precision_passes_its_own_checklist_and_a_fault_does_not() {
    let layer = layer::<f32>(|_| ());
    for (count, seed) in [(1, 1), (7, 2), (300, 3)] {
        let attended = layer.attend_self(&rows(count, seed), &Mask::None).unwrap();
        let checks = verify(&attended, &layer.config(), count);
        assert!(checks.iter().all(|check| check.passed), "{checks:?}");
    }
    let mut bad = layer.attend_self(&rows(7, 2), &Mask::None).unwrap();
    bad.weights.as_mut().unwrap()[2][(0, 0)] += 1e-4;
    let failed = |attended| {
        let checks = verify(attended, &layer.config(), 7).into_iter().filter(|c| !c.passed);
        checks.map(|check| check.name).collect::<Vec<_>>()
    };
    assert_eq!(failed(&bad), ["weights sum to 1"]);
}

#[test]
fn an_output_of_another_width_is_no_fault_of_its_layer() {
    let mut projections: Projections = Projections::seeded(16, Seed(1));
    projections.query.weight *= 3.0;
    projections.output.weight = projections.output.weight.columns(0, 5).into_owned();
    let layer = MultiHeadAttention::new(AttentionConfig::default(), projections).unwrap();
    let layer = layer.with_returns(Returns::Weights);
    let attended = layer.attend_self(&rows(7, 2), &Mask::None).unwrap();
    assert!(layer.verify(&attended, 7).iter().all(|check| check.passed));
    let plain = verify(&attended, &layer.config(), 7);
    assert!(plain.iter().any(|check| !check.passed));
}
