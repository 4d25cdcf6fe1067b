//! What attention refuses, with the place.

use nalgebra::DMatrix;

use crate::real::Real;

/// Why attention could not be computed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AttentionError {
    /// Give at least one head and one dimension.
    #[error("attention needs at least one {what}")]
    Zero {
        /// What there was none of.
        what: &'static str,
    },
    /// Choose `embed_dim` as a multiple of `heads`; nothing is rounded.
    #[error(
        "embed_dim {embed_dim} is not a multiple of {heads} heads; the nearest that are: {below} and {above}"
    )]
    HeadsDoNotDivide {
        /// The width of a row.
        embed_dim: usize,
        /// The number of heads.
        heads: usize,
        /// The next smaller multiple (never zero).
        below: usize,
        /// The next larger multiple.
        above: usize,
    },
    /// Matrices that go together must fit together.
    #[error("{matrix} has {found} {axis}, {wanted} are needed to fit {fits}")]
    Shape {
        /// The matrix that does not fit.
        matrix: &'static str,
        /// `rows` or `columns`.
        axis: &'static str,
        /// What is needed.
        wanted: usize,
        /// What was given.
        found: usize,
        /// What it has to fit.
        fits: &'static str,
    },
    /// Clean the input: attention over NaN or an infinity has no answer.
    #[error(
        "{matrix} has {value} at row {row}, column {column}; only finite numbers can be attended"
    )]
    NotFinite {
        /// The matrix.
        matrix: &'static str,
        /// The row, counted from 0.
        row: usize,
        /// The column, counted from 0.
        column: usize,
        /// What stands there.
        value: f64,
    },
    /// A mask adds to logits: finite numbers, or minus infinity to hide a key.
    #[error(
        "the mask has {value} at row {row}, column {column}; it may hold finite numbers and -inf"
    )]
    MaskValue {
        /// The row, counted from 0.
        row: usize,
        /// The column, counted from 0.
        column: usize,
        /// What stands there.
        value: f64,
    },
    /// The scale must be a finite number.
    #[error("the scale is {scale}; it must be finite")]
    Scale {
        /// The scale as given.
        scale: f64,
    },
    /// Rotary positions turn pairs of columns: give every head an even width.
    #[error("{columns} columns over {heads} heads give no even width, which rotary positions need")]
    OddHead {
        /// The columns to turn.
        columns: usize,
        /// The heads that share them.
        heads: usize,
    },
    /// The base of rotary positions is a finite number above 0, mostly 10,000.
    #[error("the rotary base is {base}; it must be finite and above 0")]
    RotaryBase {
        /// The base as given.
        base: f64,
    },
    /// The saved state is of another version of the format.
    #[error("the saved {what} has format {found}; this version reads format {known}")]
    Version {
        /// What was saved.
        what: &'static str,
        /// The version of the saved state.
        found: u32,
        /// The version that can be read.
        known: u32,
    },
    /// Finite inputs whose product is too large for the type of number: scale them down.
    #[error("the logit of query {query} and key {key} overflows; scale the inputs down")]
    Overflow {
        /// The query's row.
        query: usize,
        /// The key's row.
        key: usize,
    },
    /// A feature's value must lie in [0, 1].
    #[error("feature {name:?} has the value {value}; scale it into [0, 1]")]
    FeatureValue {
        /// The feature.
        name: String,
        /// Its value as given.
        value: f64,
    },
    /// Every feature needs a name of its own.
    #[error("feature {name:?} occurs twice")]
    DuplicateFeature {
        /// The name that occurs twice.
        name: String,
    },
    /// An interest must be finite and name a feature that is there.
    #[error("layer {layer:?} is interested in {feature:?} by {weight}, which is {problem}")]
    Interest {
        /// The layer.
        layer: String,
        /// The feature that it names.
        feature: String,
        /// The weight as given.
        weight: f64,
        /// What is wrong.
        problem: &'static str,
    },
}

/// Refuses the first entry, row by row, that is not finite.
pub(crate) fn check_finite<T: Real>(
    matrix: &'static str,
    m: &DMatrix<T>,
) -> Result<(), AttentionError> {
    // Storage is by column: look first, and only on trouble search in reading order.
    if m.iter().all(|value| value.is_finite()) {
        return Ok(());
    }
    for row in 0..m.nrows() {
        for column in 0..m.ncols() {
            let value = m[(row, column)];
            if !value.is_finite() {
                let value = value.double();
                return Err(AttentionError::NotFinite { matrix, row, column, value });
            }
        }
    }
    Ok(())
}

/// Refuses a matrix with another number of columns.
pub(crate) fn check_columns<T: Real>(
    matrix: &'static str,
    m: &DMatrix<T>,
    wanted: usize,
    fits: &'static str,
) -> Result<(), AttentionError> {
    shape(matrix, "columns", m.ncols(), wanted, fits)
}

/// Refuses a matrix with another number of rows.
pub(crate) fn check_rows<T: Real>(
    matrix: &'static str,
    m: &DMatrix<T>,
    wanted: usize,
    fits: &'static str,
) -> Result<(), AttentionError> {
    shape(matrix, "rows", m.nrows(), wanted, fits)
}

fn shape(
    matrix: &'static str,
    axis: &'static str,
    found: usize,
    wanted: usize,
    fits: &'static str,
) -> Result<(), AttentionError> {
    if found == wanted {
        return Ok(());
    }
    Err(AttentionError::Shape { matrix, axis, wanted, found, fits })
}
