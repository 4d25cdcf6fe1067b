//! Which keys a query may see, and with what bias.

use nalgebra::DMatrix;

use super::limits::largest_bias;
use super::simd::Level;
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
        self.check_largest(Level::here(), queries, keys).map(|_| ())
    }

    /// As [`Mask::check`]; tells what no finite bias exceeds in magnitude.
    pub(super) fn check_largest(
        &self,
        level: Level,
        queries: usize,
        keys: usize,
    ) -> Result<T, AttentionError> {
        match self {
            Mask::None | Mask::Causal => Ok(T::ZERO),
            Mask::Padding(keep) if keep.len() == keys => Ok(T::ZERO),
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
                if let Some(largest) = largest_bias(level, bias.as_slice()) {
                    return Ok(largest);
                }
                for row in 0..queries {
                    for column in 0..keys {
                        let value = bias[(row, column)];
                        if !value.is_finite() && value != T::HIDDEN {
                            let value = value.double();
                            return Err(AttentionError::MaskValue { row, column, value });
                        }
                    }
                }
                unreachable!("a bias is neither finite nor hides, and the search found none")
            }
            Mask::Both(a, b) => {
                Ok(a.check_largest(level, queries, keys)?
                    + b.check_largest(level, queries, keys)?)
            }
        }
    }

    /// Whether `query` does not see `key`. Other than by the bias, of which a sum of two may overflow.
    pub(super) fn hides(&self, query: usize, key: usize, queries: usize, keys: usize) -> bool {
        match self {
            Mask::None => false,
            Mask::Causal => key + queries > query + keys,
            Mask::Padding(keep) => !keep[key],
            Mask::Additive(bias) => bias[(query, key)] == T::HIDDEN,
            Mask::Both(a, b) => {
                a.hides(query, key, queries, keys) || b.hides(query, key, queries, keys)
            }
        }
    }

    /// How many keys each query sees.
    pub(super) fn count_visible(&self, queries: usize, keys: usize, visible: &mut Vec<usize>) {
        visible.clear();
        match self {
            Mask::None => visible.resize(queries, keys),
            Mask::Causal => {
                visible.extend((0..queries).map(|query| (query + 1 + keys).saturating_sub(queries)))
            }
            Mask::Padding(keep) => {
                visible.resize(queries, keep.iter().filter(|keep| **keep).count())
            }
            Mask::Additive(_) | Mask::Both(..) => {
                visible.resize(queries, 0);
                for key in 0..keys {
                    for (query, count) in visible.iter_mut().enumerate() {
                        *count += usize::from(!self.hides(query, key, queries, keys));
                    }
                }
            }
        }
    }

    /// The masks that this one consists of, counted from 0; none of them is `Both`.
    pub(super) fn part(&self, mut index: usize) -> Option<&Mask<T>> {
        self.nth(&mut index)
    }

    /// Whether some keys are hidden from a query for their position.
    pub(super) fn is_causal(&self) -> bool {
        match self {
            Mask::Causal => true,
            Mask::None | Mask::Padding(_) | Mask::Additive(_) => false,
            Mask::Both(a, b) => a.is_causal() || b.is_causal(),
        }
    }

    fn nth(&self, index: &mut usize) -> Option<&Mask<T>> {
        match self {
            Mask::Both(a, b) => a.nth(index).or_else(|| b.nth(index)),
            part if *index == 0 => Some(part),
            Mask::None | Mask::Causal | Mask::Padding(_) | Mask::Additive(_) => {
                *index -= 1;
                None
            }
        }
    }
}
