//! Threads, cancellation, memory and extremes of scaled dot-product attention.

use std::ops::ControlFlow;

use orchestrator_attention::{
    Attended, AttentionError, Mask, Real, Returns, ScaledDotProduct, Workspace, nalgebra::DMatrix,
};
use orchestrator_core::Seed;

fn matrix<T: Real>(rows: usize, columns: usize, seed: u64) -> DMatrix<T> {
    let mut stream = Seed(seed).stream();
    DMatrix::from_fn(rows, columns, |_, _| T::of(stream.normal()))
}

/// Some masks for so many queries and keys.
fn masks<T: Real>(queries: usize, keys: usize) -> Vec<Mask<T>> {
    let bias = matrix::<T>(queries, keys, 9).map(|x| if x > T::ONE { T::HIDDEN } else { x });
    let keep = (0..keys).map(|key| key % 5 != 2).collect::<Vec<_>>();
    vec![
        Mask::None,
        Mask::Causal,
        Mask::Padding(keep.clone()),
        Mask::Additive(bias.clone()),
        Mask::Causal.and(Mask::Padding(keep)).and(Mask::Additive(bias)),
    ]
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    let (queries, keys) = (300, 330);
    let (q, k) = (matrix::<f32>(queries, 64, 1), matrix(keys, 64, 2));
    let v = matrix(keys, 32, 3);
    // Without a mask, and with all of them at once.
    for mask in masks(queries, keys).into_iter().step_by(4) {
        for heads in [1, 4] {
            let on = |threads| {
                let (mask, returns) = (mask.clone(), Returns::Weights);
                let attention =
                    ScaledDotProduct { heads, mask, returns, threads, ..Default::default() };
                attention.attend(&q, &k, &v).unwrap()
            };
            let one = on(1);
            for threads in [2, 3] {
                assert_eq!(one, on(threads), "{threads} threads, {heads} heads, {mask:?}");
            }
        }
    }
}

#[test]
fn a_query_does_not_depend_on_who_stands_beside_it() {
    let (q, k, v) = (matrix::<f64>(67, 12, 1), matrix(90, 12, 2), matrix(90, 12, 3));
    let attention =
        ScaledDotProduct { heads: 3, returns: Returns::Statistics, ..Default::default() };
    let all = attention.attend(&q, &k, &v).unwrap();
    for query in [0, 15, 16, 40, 66] {
        let alone = attention.attend(&q.rows(query, 1).into_owned(), &k, &v).unwrap();
        assert_eq!(alone.output.row(0), all.output.row(query));
        let (alone, all) = (alone.statistics.unwrap(), all.statistics.as_ref().unwrap());
        assert_eq!(alone.entropy.row(0), all.entropy.row(query));
        assert_eq!(alone.log_sum_exp.row(0), all.log_sum_exp.row(query));
    }
}

#[test]
fn what_is_asked_for_beside_it_does_not_change_the_output() {
    let (q, k, v) = (matrix::<f32>(40, 12, 1), matrix(150, 12, 2), matrix(150, 12, 3));
    for mask in masks(40, 150) {
        let [output, statistics, weights] =
            [Returns::Output, Returns::Statistics, Returns::Weights].map(|returns| {
                let attention =
                    ScaledDotProduct { mask: mask.clone(), returns, ..Default::default() };
                attention.attend(&q, &k, &v).unwrap()
            });
        assert_eq!(output.output, weights.output);
        assert_eq!(statistics.output, weights.output);
        assert_eq!(statistics.statistics, weights.statistics);
        assert_eq!((output.statistics, output.weights), (None, None));
        assert_eq!(statistics.weights, None);
    }
}

#[test]
fn it_can_be_stopped_between_any_two_questions() {
    let (q, k, v) = (matrix::<f32>(300, 4, 1), matrix(5000, 4, 2), matrix(5000, 4, 3));
    for threads in [1, 2] {
        let attention = ScaledDotProduct { heads: 2, threads, ..Default::default() };
        let mut questions = 0;
        let stopped = attention.attend_while(&q, &k, &v, |head| {
            assert!(head < 2);
            questions += 1;
            if questions == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if threads == 1 {
            assert_eq!((stopped.unwrap(), questions), (None, 2));
        } else if let Some(attended) = stopped.unwrap() {
            // The other thread was so much faster that this one was asked but once.
            assert!(questions < 2 && attended.output.nrows() == 300);
        }
    }
    // 5 groups of 64 queries, 2 spans of keys, 2 heads.
    let mut questions = 0;
    let attention = ScaledDotProduct { heads: 2, ..Default::default() };
    let attended = attention.attend_while(&q, &k, &v, |_| {
        questions += 1;
        ControlFlow::Continue(())
    });
    assert!(attended.unwrap().is_some());
    assert_eq!(questions, 20);
}

#[test]
fn a_workspace_that_was_used_before_changes_nothing() {
    let (mut workspace, mut attended) = (Workspace::<f64>::new(), Attended::default());
    let shapes = [(70, 130, 16, 2), (3, 5, 4, 1), (1, 1, 8, 8), (70, 0, 6, 3), (0, 4, 4, 1)];
    for returns in [Returns::Weights, Returns::Output, Returns::Statistics] {
        for (queries, keys, width, heads) in shapes.into_iter().rev().chain(shapes) {
            for mask in masks(queries, keys) {
                let (q, k) = (matrix(queries, width, 1), matrix(keys, width, 2));
                let v = matrix(keys, heads * 3, 3);
                let attention = ScaledDotProduct { heads, mask, returns, ..Default::default() };
                attention.attend_into(&q, &k, &v, &mut workspace, &mut attended).unwrap();
                let fresh = attention.attend(&q, &k, &v).unwrap();
                assert_eq!(fresh, attended, "{queries} {keys} {width} {heads} {returns:?}");
            }
        }
    }
}

#[test]
fn a_kept_workspace_does_not_grow_and_is_small() {
    let x = matrix::<f32>(512, 16, 1);
    let attention = ScaledDotProduct { heads: 4, ..Default::default() };
    let (mut workspace, mut attended) = (Workspace::new(), Attended::default());
    assert_eq!(workspace.bytes(), 0);
    attention.attend_into(&x, &x, &x, &mut workspace, &mut attended).unwrap();
    let (bytes, place) = (workspace.bytes(), attended.output.as_ptr());
    attention.attend_into(&x, &x, &x, &mut workspace, &mut attended).unwrap();
    assert_eq!((workspace.bytes(), attended.output.as_ptr()), (bytes, place));
    // Keys and values of one head, four columns each, and a little for the logits.
    assert!(bytes < 2 * 512 * 4 * 4 + 32_000, "{bytes}");
}

/// One query and two keys, whose logits are `a` and `b`.
#[track_caller]
fn two_logits<T: Real>(a: f64, b: f64) -> Result<Attended<T>, AttentionError> {
    let q = DMatrix::from_element(1, 1, T::ONE);
    let k = DMatrix::from_column_slice(2, 1, &[T::of(a), T::of(b)]);
    let v = DMatrix::from_column_slice(2, 1, &[T::of(10.0), T::of(20.0)]);
    let (scale, returns) = (Some(T::ONE), Returns::Weights);
    ScaledDotProduct { scale, returns, ..Default::default() }.attend(&q, &k, &v)
}

#[test]
fn logits_as_far_apart_as_numbers_can_be_are_one_hot() {
    for huge in [1e300, f64::MAX] {
        let attended = two_logits::<f64>(-huge, huge).unwrap();
        assert_eq!(attended.output[0], 20.0);
        assert_eq!(attended.weights.unwrap()[0].as_slice(), [0.0, 1.0]);
        let statistics = attended.statistics.unwrap();
        assert_eq!((statistics.entropy[0], statistics.log_sum_exp[0]), (0.0, huge));
        let attended = two_logits::<f64>(-huge, -huge).unwrap();
        assert_eq!(attended.weights.unwrap()[0].as_slice(), [0.5, 0.5]);
        assert_eq!(attended.statistics.unwrap().entropy[0], 2_f64.ln());
    }
    let attended = two_logits::<f32>(f64::from(f32::MIN), f64::from(f32::MAX)).unwrap();
    assert_eq!(attended.weights.unwrap()[0].as_slice(), [0.0, 1.0]);
    let tiny = two_logits::<f64>(1e-30, -1e-30).unwrap();
    assert_eq!(tiny.weights.unwrap()[0].as_slice(), [0.5, 0.5]);
}

#[test]
fn a_logit_that_overflows_is_named_and_never_hidden() {
    let attention = ScaledDotProduct { heads: 2, scale: Some(1.0), ..Default::default() };
    let mut q = DMatrix::from_element(3, 4, 1.0);
    let mut k = DMatrix::from_element(5, 4, 1.0);
    let v = DMatrix::from_element(5, 2, 1.0);
    for sign in [1.0, -1.0] {
        q[(2, 3)] = sign * 1e200;
        k[(4, 3)] = 1e200;
        let overflow = AttentionError::Overflow { query: 2, key: 4 };
        assert_eq!(attention.attend(&q, &k, &v).unwrap_err(), overflow);
        // Not where it is hidden, be it by position, by key or by bias.
        let mut bias = DMatrix::zeros(3, 5);
        bias[(2, 4)] = f64::NEG_INFINITY;
        let padding = Mask::Padding(vec![true, true, true, true, false]);
        for mask in [padding, Mask::Additive(bias)] {
            let attended = ScaledDotProduct { mask, ..attention.clone() }.attend(&q, &k, &v);
            assert!(attended.unwrap().output.iter().all(|x| (x - 1.0).abs() < 1e-15));
        }
        let causal = ScaledDotProduct { mask: Mask::Causal, ..attention.clone() };
        assert_eq!(causal.attend(&q, &k, &v).unwrap_err(), overflow);
        q.swap_rows(1, 2);
        assert!(causal.attend(&q, &k, &v).unwrap().output.iter().all(|x| (x - 1.0).abs() < 1e-15));
        q.swap_rows(1, 2);
    }
    // Two finite biases that overflow together hide nothing either.
    let lowest = || Mask::Additive(DMatrix::from_element(3, 5, f64::MIN));
    let mask = lowest().and(lowest());
    let ones = DMatrix::from_element(3, 4, 1.0);
    let error = ScaledDotProduct { mask, ..attention }.attend(&ones, &k, &v).unwrap_err();
    assert_eq!(error, AttentionError::Overflow { query: 0, key: 0 });
}

#[test]
fn values_as_large_as_numbers_can_be_are_mixed_without_overflow() {
    let q = DMatrix::from_element(1, 1, 1.0_f32);
    let k = DMatrix::from_element(1000, 1, 1.0_f32);
    let v = DMatrix::from_fn(1000, 2, |_, column| if column == 0 { f32::MAX } else { 2.0 });
    let output = ScaledDotProduct::default().attend(&q, &k, &v).unwrap().output;
    assert!((output[0] / f32::MAX - 1.0).abs() < 1e-6, "{output}");
    assert_eq!(output[1], 2.0);
}

#[test]
fn no_columns_and_no_keys_have_an_answer() {
    let attention =
        ScaledDotProduct { scale: Some(1.0), returns: Returns::Weights, ..Default::default() };
    let [q, k, v] = [(2, 0), (3, 0), (3, 1)].map(|(r, c)| DMatrix::from_element(r, c, 1.0));
    let even = attention.attend(&q, &k, &v).unwrap();
    assert!(even.output.iter().all(|x: &f64| (x - 1.0).abs() < 1e-15));
    assert_eq!(even.statistics.unwrap().visible, [3, 3]);
    let nothing = attention.attend(&q, &k.rows(0, 0).into_owned(), &v.rows(0, 0).into_owned());
    let nothing = nothing.unwrap();
    assert_eq!(nothing.output, DMatrix::zeros(2, 1));
    let statistics = nothing.statistics.unwrap();
    assert_eq!(statistics.log_sum_exp, DMatrix::from_element(2, 1, f64::NEG_INFINITY));
    assert_eq!((statistics.entropy, statistics.visible), (DMatrix::zeros(2, 1), vec![0, 0]));
}
