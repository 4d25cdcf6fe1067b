//! A layer's numbers as one point, for a search that knows nothing of layers.

use nalgebra::{DMatrix, DVector};
use orchestrator_core::{Bounds, ParameterError, ParameterSpace};

use crate::error::AttentionError;
use crate::layer::linear::Linear;
use crate::layer::multi_head::MultiHeadAttention;
use crate::layer::projections::Projections;
use crate::real::Real;

impl<T: Real> MultiHeadAttention<T> {
    /// The space of this layer's projections, every number within the same bounds. `query.3.1` stands in row 3 and column 1 of W^Q,
    /// `query.bias.1` in b^Q; then come `key`, `value` and `output`.
    ///
    /// ```
    /// use orchestrator_attention::{AttentionConfig, MultiHeadAttention};
    /// use orchestrator_core::{Bounds, Seed};
    /// let layer: MultiHeadAttention = MultiHeadAttention::seeded(AttentionConfig::with_heads(1), Seed(1))?;
    /// let space = layer.parameter_space(Bounds { min: -2.0, max: 2.0 }).unwrap();
    /// assert_eq!(space.len(), 4 * 4 * 4);
    /// assert_eq!(space.names()[13], "query.3.1");
    /// assert!(space.check(&layer.to_point()).is_ok());
    ///
    /// let other = layer.with_point(&space.sample(&mut Seed(2).stream()))?;
    /// assert_ne!(other, layer);
    /// assert_eq!(other.with_point(&layer.to_point())?, layer);
    /// # Ok::<(), orchestrator_attention::AttentionError>(())
    /// ```
    ///
    /// # Errors
    /// When the bounds are no interval of finite width.
    pub fn parameter_space(&self, bounds: Bounds) -> Result<ParameterSpace, ParameterError> {
        let mut names = Vec::with_capacity(self.projections().parameters());
        for (map, linear) in self.projections().named() {
            for row in 0..linear.inputs() {
                names.extend((0..linear.outputs()).map(|column| format!("{map}.{row}.{column}")));
            }
            let biases = linear.bias.as_ref().map_or(0, DVector::len);
            names.extend((0..biases).map(|column| format!("{map}.bias.{column}")));
        }
        ParameterSpace::new(names.into_iter().map(|name| (name, bounds)))
    }

    /// The numbers of the projections, in the order of [`MultiHeadAttention::parameter_space`].
    pub fn to_point(&self) -> Vec<f64> {
        self.projections().flat().into_iter().map(T::double).collect()
    }

    /// The same layer with these numbers in its projections, rounded to its type of number.
    ///
    /// # Errors
    /// When the point has another length than [`MultiHeadAttention::to_point`], or a number is not finite.
    pub fn with_point(&self, point: &[f64]) -> Result<Self, AttentionError> {
        let (wanted, found) = (self.projections().parameters(), point.len());
        if found != wanted {
            return Err(AttentionError::Shape {
                matrix: "the point",
                axis: "entries",
                wanted,
                found,
                fits: "the projections",
            });
        }
        self.refilled(point.iter().map(|&x| T::of(x)).collect())
    }
}

impl<T: Real> Projections<T> {
    /// All numbers, map by map, each weight row by row before its bias.
    fn flat(&self) -> Vec<T> {
        let mut flat = Vec::with_capacity(self.parameters());
        for (_, linear) in self.named() {
            for row in linear.weight.row_iter() {
                flat.extend(row.iter().copied());
            }
            flat.extend(linear.bias.iter().flat_map(|bias| bias.iter().copied()));
        }
        flat
    }

    /// The same shapes with the numbers of such a list, of which there must be enough.
    pub(super) fn refilled(&self, flat: Vec<T>) -> Self {
        let mut flat = flat.into_iter();
        let mut refill = |linear: &Linear<T>| Linear {
            weight: DMatrix::from_row_iterator(
                linear.inputs(),
                linear.outputs(),
                flat.by_ref().take(linear.weight.len()),
            ),
            bias: linear
                .bias
                .as_ref()
                .map(|bias| DVector::from_iterator(bias.len(), flat.by_ref().take(bias.len()))),
        };
        Projections {
            query: refill(&self.query),
            key: refill(&self.key),
            value: refill(&self.value),
            output: refill(&self.output),
        }
    }
}
