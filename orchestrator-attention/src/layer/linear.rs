//! One affine map of rows, x·W + b.

use nalgebra::{DMatrix, DVector};
use orchestrator_core::Seed;
use serde::{Deserialize, Serialize};

use crate::error::{AttentionError, check_finite};
use crate::real::Real;

/// Maps a row x of as many columns as the weight has rows to x·W + b.
///
/// torch's `nn.Linear` keeps W transposed (outputs × inputs) and computes x·Wᵀ + b: take its weight's transpose. Its
/// `nn.MultiheadAttention` stacks the three input projections above one another in `in_proj_weight`:
///
/// ```
/// use orchestrator_attention::{Linear, nalgebra::{DMatrix, DVector}};
/// let in_proj_weight = DMatrix::from_fn(3 * 4, 4, |row, column| (row * 4 + column) as f64);
/// let in_proj_bias = DVector::from_element(3 * 4, 0.5);
/// let [query, key, value] = [0, 1, 2].map(|part| Linear {
///     weight: in_proj_weight.rows(part * 4, 4).transpose(),
///     bias: Some(in_proj_bias.rows(part * 4, 4).into_owned()),
/// });
/// assert_eq!(query.weight[(3, 0)], 3.0); // from input 3 to output 0
/// assert_eq!(value.apply(&DMatrix::zeros(1, 4))[(0, 0)], 0.5);
/// # let _ = key;
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "T: Real", try_from = "SavedLinear<T>", into = "SavedLinear<T>")]
pub struct Linear<T: Real = f64> {
    /// W, inputs × outputs.
    pub weight: DMatrix<T>,
    /// b, one entry an output; `None` adds nothing and has nothing to learn.
    pub bias: Option<DVector<T>>,
}

impl<T: Real> Linear<T> {
    /// The rows as they are.
    pub fn identity(width: usize) -> Self {
        Linear { weight: DMatrix::identity(width, width), bias: None }
    }

    /// Uniform in ±√(6 / (inputs + outputs)) (Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural
    /// networks", 2010), without a bias.
    pub fn seeded(inputs: usize, outputs: usize, seed: Seed) -> Self {
        let mut stream = seed.stream();
        let reach = (6.0 / (inputs + outputs) as f64).sqrt();
        let weight = DMatrix::from_fn(inputs, outputs, |_, _| T::of(stream.between(-reach, reach)));
        Linear { weight, bias: None }
    }

    /// The same map with a bias of zeros where there was none: one more thing to learn.
    #[must_use]
    pub fn with_bias(self) -> Self {
        let outputs = self.weight.ncols();
        Linear { bias: self.bias.or_else(|| Some(DVector::zeros(outputs))), ..self }
    }

    /// How wide the rows are that it maps.
    pub fn inputs(&self) -> usize {
        self.weight.nrows()
    }

    /// How wide the rows are that it gives.
    pub fn outputs(&self) -> usize {
        self.weight.ncols()
    }

    /// How many numbers it has: those of W, and of b.
    pub fn parameters(&self) -> usize {
        self.weight.len() + self.bias.as_ref().map_or(0, DVector::len)
    }

    /// A row for each row.
    ///
    /// # Panics
    /// When the rows have another width than [`Linear::inputs`]; [`MultiHeadAttention`](crate::MultiHeadAttention) checks that before.
    pub fn apply(&self, rows: &DMatrix<T>) -> DMatrix<T> {
        let mut mapped = rows * &self.weight;
        if let Some(bias) = &self.bias {
            for (mut column, &add) in mapped.column_iter_mut().zip(bias) {
                column.add_scalar_mut(add);
            }
        }
        mapped
    }

    /// Refuses what is not finite, or a bias of another length; both are named.
    pub(crate) fn check(
        &self,
        weight: &'static str,
        bias: &'static str,
    ) -> Result<(), AttentionError> {
        check_finite(weight, &self.weight)?;
        let Some(entries) = &self.bias else { return Ok(()) };
        if entries.len() != self.outputs() {
            let (wanted, found) = (self.outputs(), entries.len());
            return Err(AttentionError::Shape {
                matrix: bias,
                axis: "entries",
                wanted,
                found,
                fits: weight,
            });
        }
        match entries.iter().position(|entry| !entry.is_finite()) {
            None => Ok(()),
            Some(column) => Err(AttentionError::NotFinite {
                matrix: bias,
                row: 0,
                column,
                value: entries[column].double(),
            }),
        }
    }
}

/// As it is written down: W row by row.
#[derive(Serialize, Deserialize)]
#[serde(bound = "T: Real", deny_unknown_fields)]
struct SavedLinear<T: Real> {
    inputs: usize,
    outputs: usize,
    weight: Vec<T>,
    bias: Option<Vec<T>>,
}

impl<T: Real> From<Linear<T>> for SavedLinear<T> {
    fn from(linear: Linear<T>) -> Self {
        SavedLinear {
            inputs: linear.inputs(),
            outputs: linear.outputs(),
            weight: linear.weight.transpose().data.into(),
            bias: linear.bias.map(|bias| bias.data.into()),
        }
    }
}

impl<T: Real> TryFrom<SavedLinear<T>> for Linear<T> {
    type Error = AttentionError;
    fn try_from(saved: SavedLinear<T>) -> Result<Self, AttentionError> {
        let SavedLinear { inputs, outputs, weight, bias } = saved;
        // A size whose product overflows is larger than any list.
        let wanted = inputs.saturating_mul(outputs);
        if weight.len() != wanted {
            return Err(AttentionError::Shape {
                matrix: "the saved weight",
                axis: "entries",
                wanted,
                found: weight.len(),
                fits: "its inputs and outputs",
            });
        }
        let weight = DMatrix::from_row_iterator(inputs, outputs, weight);
        let linear = Linear { weight, bias: bias.map(DVector::from_vec) };
        linear.check("the saved weight", "the saved bias")?;
        Ok(linear)
    }
}
