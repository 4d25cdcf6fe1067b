//! What cannot be attended is refused, and the error says where it stands.

use orchestrator_attention::{AttentionError, Mask, Real, ScaledDotProduct, nalgebra::DMatrix};

fn with_mask<T: Real>(mask: Mask<T>) -> ScaledDotProduct<T> {
    ScaledDotProduct { heads: 1, scale: Some(T::one()), mask, ..Default::default() }
}

fn refused<T: Real>(
    attention: &ScaledDotProduct<T>,
    [q, k, v]: &[DMatrix<T>; 3],
) -> AttentionError {
    attention.attend(q, k, v).unwrap_err()
}

fn ones<T: Real>(rows: usize, columns: usize) -> DMatrix<T> {
    DMatrix::from_element(rows, columns, T::one())
}

/// NaN and both infinities, in every matrix, in the first, the last and some places between, far from and near the borders of blocks.
fn a_bad_number_is_named<T: Real>() {
    let attention = ScaledDotProduct { heads: 2, ..ScaledDotProduct::<T>::default() };
    let good: [DMatrix<T>; 3] = [ones(5, 6), ones(130, 6), ones(130, 10)];
    for (at, name) in ["q", "k", "v"].into_iter().enumerate() {
        let (rows, columns) = good[at].shape();
        for row in [0, 1, rows / 2, rows - 1] {
            for column in [0, columns / 2, columns - 1] {
                for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                    let mut matrices = good.clone();
                    matrices[at][(row, column)] = T::of(bad);
                    let AttentionError::NotFinite { matrix, row: r, column: c, value } =
                        refused(&attention, &matrices)
                    else {
                        panic!("{bad} in {name} at {row}, {column} was refused for another reason");
                    };
                    assert_eq!((matrix, r, c), (name, row, column));
                    assert!(value == bad || (value.is_nan() && bad.is_nan()));
                }
            }
        }
    }
}

#[test]
fn a_number_that_is_not_finite_is_named_with_matrix_row_and_column() {
    a_bad_number_is_named::<f64>();
    a_bad_number_is_named::<f32>();
    let mut matrices = [ones::<f64>(2, 3), ones(2, 3), ones(2, 3)];
    matrices[1][(1, 2)] = f64::NAN;
    assert_eq!(
        refused(&with_mask(Mask::None), &matrices).to_string(),
        "k has NaN at row 1, column 2; only finite numbers can be attended"
    );
}

#[test]
fn the_first_bad_number_in_reading_order_is_named() {
    let mut q = ones::<f32>(70, 9);
    for at in [(69, 0), (3, 7), (3, 8), (50, 1)] {
        q[at] = f32::NAN;
    }
    let error = refused(&with_mask(Mask::None), &[q, ones(2, 9), ones(2, 1)]);
    assert!(
        matches!(error, AttentionError::NotFinite { matrix: "q", row: 3, column: 7, .. }),
        "{error}"
    );
}

#[test]
fn a_bad_number_is_refused_even_where_the_mask_hides_it() {
    let mut matrices = [ones::<f64>(2, 3), ones(3, 3), ones(3, 3)];
    matrices[2][(1, 0)] = f64::INFINITY;
    let hide = Mask::Padding(vec![true, false, true]);
    let error = refused(&with_mask(hide), &matrices);
    assert!(matches!(error, AttentionError::NotFinite { matrix: "v", row: 1, column: 0, .. }));
}

fn a_logit_overflows<T: Real>(huge: f64) {
    let attention = with_mask(Mask::None);
    // In the first block of keys and queries and far beyond it; in the sum and in a single product; upwards and downwards.
    for (queries, keys) in [(2, 3), (70, 300), (3, 4100)] {
        for width in [1, 3, 16, 70] {
            for sign in [1.0, -1.0] {
                let (query, key) = (queries - 1, keys - 2);
                let (mut q, mut k) = (ones(queries, width), ones(keys, width));
                q.row_mut(query).fill(T::of(huge));
                k.row_mut(key).fill(T::of(sign * huge));
                let error = refused(&attention, &[q.clone(), k.clone(), ones(keys, 2)]);
                assert_eq!(error, AttentionError::Overflow { query, key });
                // What the mask hides may overflow.
                let keep = (0..keys).map(|at| at != key).collect();
                let attended =
                    with_mask(Mask::Padding(keep)).attend(&q, &k, &ones(keys, 2)).unwrap();
                assert!(attended.output.iter().all(|x| (x.double() - 1.0).abs() < 1e-5));
            }
        }
    }
}

#[test]
fn a_logit_that_overflows_is_named_with_query_and_key() {
    a_logit_overflows::<f64>(1e200);
    a_logit_overflows::<f32>(1e30);
}

#[test]
fn a_product_that_overflows_is_refused_though_the_scale_would_bring_it_back() {
    let huge = DMatrix::<f64>::from_element(2, 3, 1e200);
    let attention = ScaledDotProduct::<f64> { scale: Some(1e-300), ..Default::default() };
    match attention.attend(&huge, &huge, &ones(2, 1)) {
        // Or it is computed: then it is right.
        Ok(attended) => assert!(attended.output.iter().all(|x| (x - 1.0_f64).abs() < 1e-12)),
        Err(error) => assert_eq!(error, AttentionError::Overflow { query: 0, key: 0 }),
    }
}

#[test]
fn a_bias_that_overflows_is_refused() {
    let attention = with_mask(Mask::Additive(DMatrix::from_element(2, 2, f64::MAX)));
    let matrices =
        [DMatrix::from_element(2, 1, 1e160), DMatrix::from_element(2, 1, 1e147), ones(2, 1)];
    // 1e307 and the largest number are too much.
    assert_eq!(refused(&attention, &matrices), AttentionError::Overflow { query: 0, key: 0 });
}

#[test]
fn a_query_whose_keys_all_overflow_behind_a_mask_sees_nothing() {
    let huge = DMatrix::<f64>::from_element(2, 3, 1e200);
    let hide = Mask::Padding(vec![false, false]);
    let attended = with_mask(hide).attend(&huge, &huge, &ones(2, 3)).unwrap();
    assert_eq!(attended.output, DMatrix::zeros(2, 3));
}

#[test]
fn a_mask_that_does_not_fit_or_holds_what_it_may_not_is_refused() {
    let matrices = [ones::<f64>(2, 3), ones(2, 3), ones(2, 3)];
    let of = |value: f64| {
        let mut bias = DMatrix::zeros(2, 2);
        bias[(1, 0)] = value;
        Mask::Additive(bias)
    };
    for (mask, message) in [
        (Mask::Padding(vec![true]), "the padding mask has 1 entries, 2 are needed to fit the keys"),
        (
            Mask::Additive(DMatrix::zeros(3, 2)),
            "the additive mask has 3 rows, 2 are needed to fit the queries",
        ),
        (
            Mask::Additive(DMatrix::zeros(2, 1)),
            "the additive mask has 1 columns, 2 are needed to fit the keys",
        ),
        (
            of(f64::INFINITY),
            "the mask has inf at row 1, column 0; it may hold finite numbers and -inf",
        ),
        (of(f64::NAN), "the mask has NaN at row 1, column 0; it may hold finite numbers and -inf"),
        (
            Mask::Causal.and(Mask::Padding(vec![true; 3])),
            "the padding mask has 3 entries, 2 are needed to fit the keys",
        ),
        (
            of(f64::INFINITY).and(Mask::Causal),
            "the mask has inf at row 1, column 0; it may hold finite numbers and -inf",
        ),
    ] {
        assert_eq!(refused(&with_mask(mask), &matrices).to_string(), message);
    }
}

#[test]
fn matrices_that_do_not_fit_are_refused() {
    let attention = with_mask(Mask::<f64>::None);
    let two = ScaledDotProduct::<f64> { heads: 2, ..Default::default() };
    let none = ScaledDotProduct::<f64> { heads: 0, ..Default::default() };
    for (attention, shapes, message) in [
        (&attention, [(2, 3), (2, 2), (2, 3)], "k has 2 columns, 3 are needed to fit q"),
        (&attention, [(2, 3), (2, 3), (4, 3)], "v has 4 rows, 2 are needed to fit k"),
        (&two, [(2, 3), (2, 3), (2, 4)], "q has 3 columns, 4 are needed to fit the heads"),
        (&two, [(2, 4), (2, 4), (2, 5)], "v has 5 columns, 6 are needed to fit the heads"),
        (&none, [(2, 4), (2, 4), (2, 4)], "attention needs at least one head"),
    ] {
        let matrices = shapes.map(|(rows, columns)| ones(rows, columns));
        assert_eq!(refused(attention, &matrices).to_string(), message);
    }
}

#[test]
fn a_scale_must_be_finite() {
    for scale in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let attention = ScaledDotProduct { scale: Some(scale), ..Default::default() };
        let error = refused(&attention, &[ones(1, 1), ones(1, 1), ones(1, 1)]);
        assert_eq!(error.to_string(), format!("the scale is {scale}; it must be finite"));
    }
}

#[test]
fn nothing_to_attend_to_is_an_answer() {
    let attention = ScaledDotProduct::<f32>::default();
    // No keys: nothing is seen. No queries: no rows. No columns of values: no columns.
    let no_keys = attention.attend(&ones(3, 2), &ones(0, 2), &ones(0, 4)).unwrap();
    assert_eq!(no_keys.output, DMatrix::zeros(3, 4));
    let no_queries = attention.attend(&ones(0, 2), &ones(3, 2), &ones(3, 4)).unwrap();
    assert_eq!(no_queries.output.shape(), (0, 4));
    let no_values = attention.attend(&ones(2, 2), &ones(3, 2), &ones(3, 0)).unwrap();
    assert_eq!(no_values.output.shape(), (2, 0));
}
