//! Where a row stands, told to attention, which by itself knows no order.
//!
//! Two ways, both without anything to learn. [`sinusoidal`] rows are added to what comes in (Vaswani et al., "Attention is all you
//! need", 2017, section 3.5). [`rotate`] turns the projected queries and keys instead (Su et al., "RoFormer: enhanced transformer with
//! rotary position embedding", 2021, section 3.2.2): the product of a query and a key then depends on how far apart they stand, not on
//! where, and lengths stay as they are. Angles are computed in double precision and rounded once.

use std::ops::Range;

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use crate::error::AttentionError;
use crate::real::Real;

/// The base of the angles that both papers use: the slowest pair turns once in about 2π · 10,000 positions.
pub const POSITIONS_BASE: f64 = 10_000.0;

/// How a layer tells its rows where they stand.
///
/// With as many queries as keys both are counted from 0. With fewer, the queries are the last ones, as in [`Mask::Causal`](crate::Mask::Causal),
/// so that one new query attends as it would among all; with more, the keys are. Where that does not fit, use [`sinusoidal`] on
/// the rows before they come in.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Positions {
    /// Not at all: attention does not know the order of its keys.
    #[default]
    None,
    /// Adds [`sinusoidal`] rows to the queries, keys and values that come in.
    Sinusoidal,
    /// Turns the projected queries and keys by [`rotate`], head by head; their heads must have an even width.
    Rotary {
        /// The base of the angles; [`POSITIONS_BASE`] is the paper's.
        base: f64,
    },
}

impl Positions {
    /// [`Positions::Rotary`] with the paper's base.
    pub fn rotary() -> Positions {
        Positions::Rotary { base: POSITIONS_BASE }
    }
}

/// Sinusoidal rows for these positions, to be added to rows of this width: column 2i holds sin(position / 10,000^(2i / width)), column
/// 2i + 1 the cosine.
///
/// ```
/// let rows = orchestrator_attention::sinusoidal::<f64>(3..5, 6);
/// assert_eq!(rows.shape(), (2, 6));
/// assert_eq!(rows[(0, 0)], 3_f64.sin());
/// ```
pub fn sinusoidal<T: Real>(positions: Range<usize>, width: usize) -> DMatrix<T> {
    let rates = rates(width, POSITIONS_BASE);
    let mut rows = DMatrix::zeros(positions.len(), width);
    for (column, mut entries) in rows.column_iter_mut().enumerate() {
        for (entry, position) in entries.iter_mut().zip(positions.clone()) {
            let angle = position as f64 * rates[column / 2];
            *entry = T::of(if column % 2 == 0 { angle.sin() } else { angle.cos() });
        }
    }
    rows
}

/// Sinusoidal rows for the positions from 0 on: [`sinusoidal`] in double precision.
pub fn positions(rows: usize, embed_dim: usize) -> DMatrix<f64> {
    sinusoidal(0..rows, embed_dim)
}

/// Turns rows in place: the first row stands at position `first`, the next ones follow. In every head, the pair of columns 2i and 2i + 1
/// is turned by the angle position / base^(2i / width), so that the product of two rows depends on their distance alone.
///
/// Pairs are neighbours, as in the paper; libraries that pair column i with i + width / 2 order the columns differently.
///
/// ```
/// use orchestrator_attention::{nalgebra::dmatrix, rotate};
/// let (mut query, mut key) = (dmatrix![1.0, 0.0], dmatrix![1.0, 0.0]);
/// rotate(&mut query, 1, 7, 10_000.0)?;
/// rotate(&mut key, 1, 5, 10_000.0)?;
/// assert!((query.dot(&key) - 2_f64.cos()).abs() < 1e-15); // two positions apart
/// # Ok::<(), orchestrator_attention::AttentionError>(())
/// ```
///
/// # Errors
/// When there is no head, the heads do not share the columns evenly, a head's width is odd, or the base is not a finite number above 0.
pub fn rotate<T: Real>(
    rows: &mut DMatrix<T>,
    heads: usize,
    first: usize,
    base: f64,
) -> Result<(), AttentionError> {
    let width = rotary_width(rows.ncols(), heads, base)?;
    turn(rows, width, first, base, 1.0);
    Ok(())
}

/// Turns rows back: the inverse of [`rotate`] after its checks, and so, as it is a rotation, its transpose.
pub(crate) fn rotate_back<T: Real>(rows: &mut DMatrix<T>, width: usize, first: usize, base: f64) {
    turn(rows, width, first, base, -1.0);
}

/// The width of a head whose rows can be turned.
pub(crate) fn rotary_width(
    columns: usize,
    heads: usize,
    base: f64,
) -> Result<usize, AttentionError> {
    if heads == 0 {
        return Err(AttentionError::Zero { what: "head" });
    }
    if !(base.is_finite() && base > 0.0) {
        return Err(AttentionError::RotaryBase { base });
    }
    if !columns.is_multiple_of(2 * heads) {
        return Err(AttentionError::OddHead { columns, heads });
    }
    Ok(columns / heads)
}

fn turn<T: Real>(rows: &mut DMatrix<T>, width: usize, first: usize, base: f64, sign: f64) {
    let rates = rates(width, base);
    let count = rows.nrows();
    // Every head turns alike: the angles of a pair of columns are computed once for all of them.
    for (pair, rate) in rates.iter().enumerate() {
        let angles: Vec<(T, T)> = (first..first + count)
            .map(|position| (position as f64 * rate).sin_cos())
            .map(|(sin, cos)| (T::of(sign * sin), T::of(cos)))
            .collect();
        for head in 0..rows.ncols() / width {
            let left = head * width + 2 * pair;
            let (mut left, mut right) = rows.columns_range_pair_mut(left, left + 1);
            for ((x, y), &(sin, cos)) in left.iter_mut().zip(right.iter_mut()).zip(&angles) {
                (*x, *y) = (*x * cos - *y * sin, *x * sin + *y * cos);
            }
        }
    }
}

/// 1 / base^(2i / width) for every pair of columns i; the last pair may be half.
fn rates(width: usize, base: f64) -> Vec<f64> {
    (0..width.div_ceil(2)).map(|pair| base.powf(-((2 * pair) as f64) / width as f64)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use orchestrator_core::Seed;

    fn random(rows: usize, columns: usize, seed: u64) -> DMatrix<f64> {
        let mut stream = Seed(seed).fast_stream();
        DMatrix::from_fn(rows, columns, |_, _| stream.normal())
    }

    proptest! {
        #[test]
        fn a_product_depends_on_the_distance_alone(
            seed: u64, heads in 1..4_usize, half in 1..5_usize, query in 0..500_usize, key in 0..500_usize,
            shift in 0..500_usize, base in 2.0..20_000.0_f64,
        ) {
            let width = 2 * half * heads;
            let product = |by: usize| {
                let (mut q, mut k) = (random(1, width, seed), random(1, width, !seed));
                rotate(&mut q, heads, query + by, base).unwrap();
                rotate(&mut k, heads, key + by, base).unwrap();
                (0..heads)
                    .map(|h| q.columns(2 * half * h, 2 * half).dot(&k.columns(2 * half * h, 2 * half)))
                    .collect::<Vec<f64>>()
            };
            for (here, there) in product(0).into_iter().zip(product(shift)) {
                prop_assert!((here - there).abs() < 1e-11, "{here} {there}");
            }
        }

        #[test]
        fn lengths_stay_and_turning_back_undoes(seed: u64, rows in 0..6_usize, half in 1..5_usize, first in 0..1000_usize) {
            let plain = random(rows, 4 * half, seed);
            let mut turned = plain.clone();
            rotate(&mut turned, 2, first, POSITIONS_BASE).unwrap();
            for (a, b) in plain.row_iter().zip(turned.row_iter()) {
                prop_assert!((a.norm() - b.norm()).abs() < 1e-13 * (1.0 + a.norm()));
            }
            rotate_back(&mut turned, 2 * half, first, POSITIONS_BASE);
            prop_assert!(rows == 0 || (turned - plain).amax() < 1e-13);
        }

        #[test]
        fn sinusoidal_rows_go_on_where_others_end(from in 0..40_usize, rows in 0..9_usize, width in 1..9_usize) {
            let all = sinusoidal::<f64>(0..from + rows, width);
            let part = sinusoidal::<f64>(from..from + rows, width);
            prop_assert_eq!(all.rows(from, rows).into_owned(), part);
        }
    }

    #[test]
    fn the_first_position_is_not_turned_and_another_is() {
        let plain = random(2, 6, 1);
        let mut turned = plain.clone();
        rotate(&mut turned, 3, 0, POSITIONS_BASE).unwrap();
        assert_eq!(turned.row(0), plain.row(0));
        assert_ne!(turned.row(1), plain.row(1));
    }

    #[test]
    fn what_cannot_be_turned_is_refused() {
        let refuse = |columns, heads, base| {
            rotate(&mut DMatrix::<f32>::zeros(1, columns), heads, 0, base).unwrap_err().to_string()
        };
        assert!(refuse(6, 2, 10.0).contains("6 columns"), "{}", refuse(6, 2, 10.0));
        assert!(refuse(4, 2, 0.0).contains("base is 0"), "{}", refuse(4, 2, 0.0));
        assert!(refuse(4, 2, f64::NAN).contains("NaN"));
        assert_eq!(refuse(4, 0, 10.0), "attention needs at least one head");
    }

    #[test]
    fn single_precision_is_double_precision_rounded() {
        let (single, double) = (sinusoidal::<f32>(90..99, 5), sinusoidal::<f64>(90..99, 5));
        assert_eq!(single, double.map(|x| x as f32));
    }
}
