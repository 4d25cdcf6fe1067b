//! The gradients of a whole layer, exact, and without a matrix of queries × keys.
//!
//! With P = softmax(Z), Z = QKᵀ·scale + mask and O = PV of one head, and dO the gradient at O, the gradients are dV = Pᵀ·dO, dP = dO·Vᵀ,
//! dZ = P ∘ (dP − the row sums of P ∘ dP), dQ = dZ·K·scale and dK = dZᵀ·Q·scale (Dao et al., "FlashAttention: fast and memory-efficient
//! exact attention with IO-awareness", 2022, appendix B). As there, P is computed anew from Q and K rather than kept, here for
//! [`BLOCK`] queries at a time. What is hidden has weight 0, and with it gradient 0.

use std::borrow::Cow;

use nalgebra::{DMatrix, DVector};

use crate::embed::{Positions, rotate_back};
use crate::error::{AttentionError, check_columns, check_finite, check_rows};
use crate::kernel::{Attended, Mask, Returns, softmax};
use crate::layer::{Linear, MultiHeadAttention, Projections, firsts};
use crate::real::Real;

/// How many queries are looked at together: enough for the matrix products to be fast, and few enough that two blocks of weights stay small.
const BLOCK: usize = 64;

/// What a layer gave back, with all that its gradients need; made by [`MultiHeadAttention::trace`].
///
/// It holds the rows that came in (borrowed, unless positions were added), the projected queries, keys and values, what the heads
/// gave and the output: for n queries and m keys of width e about (3n + 2m)·e numbers, no weights.
#[derive(Debug, Clone)]
pub struct Trace<'a, T: Real = f64> {
    layer: &'a MultiHeadAttention<T>,
    mask: &'a Mask<T>,
    placed: [Cow<'a, DMatrix<T>>; 3],
    projected: [DMatrix<T>; 3],
    joined: DMatrix<T>,
    output: DMatrix<T>,
}

/// How a loss changes with everything that went into a layer: each matrix has the shape of what it is the gradient of.
#[derive(Debug, Clone, PartialEq)]
pub struct Gradients<T: Real = f64> {
    /// Of the projections; biases where the layer has some.
    pub projections: Projections<T>,
    /// Of the queries that came in.
    pub queries: DMatrix<T>,
    /// Of the keys that came in.
    pub keys: DMatrix<T>,
    /// Of the values that came in.
    pub values: DMatrix<T>,
}

impl<T: Real> MultiHeadAttention<T> {
    /// As [`MultiHeadAttention::attend`], remembering what the gradients need. See [`Trace`] for the memory.
    ///
    /// # Errors
    /// As [`MultiHeadAttention::attend`].
    pub fn trace<'a>(
        &'a self,
        queries: &'a DMatrix<T>,
        keys: &'a DMatrix<T>,
        values: &'a DMatrix<T>,
        mask: &'a Mask<T>,
    ) -> Result<Trace<'a, T>, AttentionError> {
        let placed = self.placed(queries, keys, values)?;
        let projected = self.project(&placed);
        let [q, k, v] = &projected;
        let Attended { output: joined, .. } = self.kernel(mask, Returns::Output).attend(q, k, v)?;
        let output = self.projections().output.apply(&joined);
        check_finite("the output", &output)?;
        Ok(Trace { layer: self, mask, placed, projected, joined, output })
    }
}

impl<T: Real> Trace<'_, T> {
    /// A row for each query, as [`MultiHeadAttention::attend`] gives it.
    pub fn output(&self) -> &DMatrix<T> {
        &self.output
    }

    /// The gradients of a loss, from its gradient with respect to every number of the output. Beside what it gives back it needs, one
    /// head after the other, two blocks of keys × 64 weights and copies of the head's columns.
    ///
    /// # Errors
    /// When the gradient has another shape than the output or is not finite, or a gradient overflows.
    pub fn backward(&self, output_gradient: &DMatrix<T>) -> Result<Gradients<T>, AttentionError> {
        let name = "the output's gradient";
        check_rows(name, output_gradient, self.output.nrows(), "the output")?;
        check_columns(name, output_gradient, self.output.ncols(), "the output")?;
        check_finite(name, output_gradient)?;

        let Projections { query, key, value, output } = self.layer.projections();
        let [queries, keys, values] = &self.placed;
        let (output, joined) = back(output, &self.joined, output_gradient);
        let [mut q, mut k, v] = self.heads_back(&joined);
        if let Positions::Rotary { base } = self.layer.positions() {
            // A rotation's transpose turns the other way.
            let (width, (first_query, first_key)) =
                (self.layer.dimensions().head, firsts(q.nrows(), k.nrows()));
            rotate_back(&mut q, width, first_query, base);
            rotate_back(&mut k, width, first_key, base);
        }
        let (query, queries) = back(query, queries, &q);
        let (key, keys) = back(key, keys, &k);
        let (value, values) = back(value, values, &v);
        let projections = Projections { query, key, value, output };
        let gradients = Gradients { projections, queries, keys, values };
        gradients.check()?;
        Ok(gradients)
    }

    /// The gradients of the projected queries, keys and values, from that of what the heads gave.
    fn heads_back(&self, joined: &DMatrix<T>) -> [DMatrix<T>; 3] {
        let dimensions = self.layer.dimensions();
        let (width, value_width) = (dimensions.head, dimensions.value_head);
        let [q, k, v] = &self.projected;
        let queries = q.nrows();
        let scale = self.layer.scale();
        let [mut dq, mut dk, mut dv] = [q, k, v].map(|m| DMatrix::zeros(m.nrows(), m.ncols()));
        for head in 0..dimensions.heads {
            let (at, value_at) = (head * width, head * value_width);
            let (k, v) = (k.columns(at, width), v.columns(value_at, value_width));
            let k_transposed = k.transpose();
            for first in (0..queries).step_by(BLOCK) {
                let count = BLOCK.min(queries - first);
                let q = q.view((first, at), (count, width));
                let d_joined = joined.view((first, value_at), (count, value_width));
                // Transposed, so that the weights of a query are one slice.
                let mut weights = k * q.transpose();
                self.weigh(&mut weights, first, queries, scale);
                let mut d_logits = v * d_joined.transpose();
                for (mut d, p) in d_logits.column_iter_mut().zip(weights.column_iter()) {
                    let mean = d.dot(&p);
                    d.zip_apply(&p, |d, p| *d = p * (*d - mean) * scale);
                }
                dv.columns_mut(value_at, value_width).gemm(T::one(), &weights, &d_joined, T::one());
                dk.columns_mut(at, width).gemm(T::one(), &d_logits, &q, T::one());
                let dq_transposed = &k_transposed * &d_logits;
                dq.view_mut((first, at), (count, width)).tr_copy_from(&dq_transposed);
            }
        }
        [dq, dk, dv]
    }

    /// Products to weights: a column for each query from `first` on.
    fn weigh(&self, products: &mut DMatrix<T>, first: usize, queries: usize, scale: T) {
        let keys = products.nrows();
        for at in 0..products.ncols() {
            let row = &mut products.as_mut_slice()[at * keys..(at + 1) * keys];
            for (key, logit) in row.iter_mut().enumerate() {
                let bias = self.mask.bias(first + at, key, queries, keys);
                // Hidden, even where the product overflowed.
                *logit = if bias == T::HIDDEN { bias } else { *logit * scale + bias };
            }
            softmax(row);
        }
    }
}

impl<T: Real> Gradients<T> {
    /// The gradient of rows that came in as queries, keys and values alike: the sum of the three.
    ///
    /// # Errors
    /// When the three differ in shape, so that they cannot have been the same rows.
    pub fn rows(&self) -> Result<DMatrix<T>, AttentionError> {
        for (name, matrix) in [("keys", &self.keys), ("values", &self.values)] {
            check_rows(name, matrix, self.queries.nrows(), "the queries")?;
            check_columns(name, matrix, self.queries.ncols(), "the queries")?;
        }
        Ok(&self.queries + &self.keys + &self.values)
    }

    fn check(&self) -> Result<(), AttentionError> {
        let Projections { query, key, value, output } = &self.projections;
        for (name, linear) in [
            ("the gradient of W^Q", query),
            ("the gradient of W^K", key),
            ("the gradient of W^V", value),
            ("the gradient of W^O", output),
        ] {
            linear.check(name, name)?;
        }
        check_finite("the gradient of the queries", &self.queries)?;
        check_finite("the gradient of the keys", &self.keys)?;
        check_finite("the gradient of the values", &self.values)
    }
}

impl<T: Real> Projections<T> {
    /// Adds other projections, number by number: gradients of several examples make the gradient of their summed loss.
    ///
    /// # Errors
    /// When they have other shapes, or a bias where these have none; then nothing is added.
    pub fn accumulate(&mut self, other: &Projections<T>) -> Result<(), AttentionError> {
        self.check_alike(other)?;
        for (ours, theirs) in self.stored_mut().zip(other.stored()) {
            for (sum, add) in ours.iter_mut().zip(theirs) {
                *sum += *add;
            }
        }
        Ok(())
    }

    /// Refuses projections of other shapes.
    pub(super) fn check_alike(&self, other: &Projections<T>) -> Result<(), AttentionError> {
        let names = [("W^Q", "b^Q"), ("W^K", "b^K"), ("W^V", "b^V"), ("W^O", "b^O")];
        for (((_, ours), (_, theirs)), (weight, bias)) in
            self.named().iter().zip(other.named()).zip(names)
        {
            check_rows(weight, &theirs.weight, ours.inputs(), "the layer")?;
            check_columns(weight, &theirs.weight, ours.outputs(), "the layer")?;
            let entries = |linear: &Linear<T>| linear.bias.as_ref().map_or(0, DVector::len);
            let (wanted, found) = (entries(ours), entries(theirs));
            if wanted != found {
                let (axis, fits) = ("entries", "the layer");
                return Err(AttentionError::Shape { matrix: bias, axis, wanted, found, fits });
            }
        }
        Ok(())
    }
}

/// The gradients of an affine map and of the rows that it mapped, from that of what it gave.
fn back<T: Real>(
    linear: &Linear<T>,
    rows: &DMatrix<T>,
    gradient: &DMatrix<T>,
) -> (Linear<T>, DMatrix<T>) {
    let weight = rows.transpose() * gradient;
    let bias = linear.bias.as_ref().map(|_| gradient.row_sum_tr());
    (Linear { weight, bias }, gradient * linear.weight.transpose())
}
