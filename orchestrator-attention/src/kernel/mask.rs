//! Which keys a query may see, and with what bias.

use nalgebra::DMatrix;

use crate::error::{AttentionError, check_columns, check_rows};
use crate::real::Real;

/// Added to the logits before the softmax; minus infinity hides a key.
///
/// ```
/// use orchestrator_attention::Mask;
/// let mask: Mask = Mask::Causal.and(Mask::Padding(vec![true, true, false]));
/// assert_eq!(mask.bias(1, 0, 3, 3), 0.0);
/// assert_eq!(mask.bias(1, 2, 3, 3), f64::NEG_INFINITY); // the future
/// assert_eq!(mask.bias(2, 2, 3, 3), f64::NEG_INFINITY); // padding
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Mask<T: Real = f64> {
    /// Every query sees every key.
    #[default]
    None,
    /// A query sees the keys up to its own position. With fewer queries than keys they are the last ones (aligned bottom
    /// right), so that the last query always sees every key.
    Causal,
    /// One entry a key: `false` hides it from every query.
    Padding(Vec<bool>),
    /// One entry a query and key, added to the logit: finite, or minus infinity.
    Additive(DMatrix<T>),
    /// Both at once.
    Both(Box<Mask<T>>, Box<Mask<T>>),
}

impl<T: Real> Mask<T> {
    /// This mask and another one.
    #[must_use]
    pub fn and(self, other: Mask<T>) -> Mask<T> {
        Mask::Both(Box::new(self), Box::new(other))
    }

    /// What is added to the logit of `query` and `key`, among `queries` and `keys`; the mask must fit them.
    pub fn bias(&self, query: usize, key: usize, queries: usize, keys: usize) -> T {
        let hidden = |hide: bool| if hide { T::HIDDEN } else { T::zero() };
        match self {
            Mask::None => T::zero(),
            Mask::Causal => hidden(key + queries > query + keys),
            Mask::Padding(keep) => hidden(!keep[key]),
            Mask::Additive(bias) => bias[(query, key)],
            Mask::Both(a, b) => {
                a.bias(query, key, queries, keys) + b.bias(query, key, queries, keys)
            }
        }
    }

    /// Whether the mask fits so many queries and keys and holds only what a mask may.
    ///
    /// # Errors
    /// When its size is another, or it holds NaN or plus infinity.
    pub fn check(&self, queries: usize, keys: usize) -> Result<(), AttentionError> {
        match self {
            Mask::None | Mask::Causal => Ok(()),
            Mask::Padding(keep) if keep.len() == keys => Ok(()),
            Mask::Padding(keep) => Err(AttentionError::Shape {
                matrix: "the padding mask",
                axis: "entries",
                wanted: keys,
                found: keep.len(),
                fits: "the keys",
            }),
            Mask::Additive(bias) => {
                check_rows("the additive mask", bias, queries, "the queries")?;
                check_columns("the additive mask", bias, keys, "the keys")?;
                for row in 0..queries {
                    for column in 0..keys {
                        let value = bias[(row, column)];
                        if !value.is_finite() && value != T::HIDDEN {
                            let value = value.double();
                            return Err(AttentionError::MaskValue { row, column, value });
                        }
                    }
                }
                Ok(())
            }
            Mask::Both(a, b) => {
                a.check(queries, keys)?;
                b.check(queries, keys)
            }
        }
    }
}
