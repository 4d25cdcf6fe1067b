//! States as numbers: the tables and learners know nothing else of them.
//!
//! [`Dense`] is for states that are numbers already, [`Hashed`] for any other, numbered in the order in which they are met; so no order of
//! a hash map shows anywhere.

mod hash;
mod hashed;

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::error::RlError;

pub use hash::FoldHasher;
pub use hashed::Hashed;

/// The most states that a table can know: their numbers are kept in 32 bits.
pub const STATES_MAX: usize = 1 << 31;

/// Numbers for states, from 0 without gaps.
///
/// ```
/// use orchestrator_rl::{Hashed, StateIndex};
/// let mut index = Hashed::default();
/// assert_eq!(index.intern(&"here")?, 0);
/// assert_eq!(index.intern(&"there")?, 1);
/// assert_eq!((index.intern(&"here")?, index.len()), (0, 2));
/// assert_eq!(index.find(&"nowhere"), None);
/// # Ok::<(), orchestrator_rl::RlError>(())
/// ```
pub trait StateIndex: Clone {
    /// What is numbered.
    type State: Clone + PartialEq + Debug;

    /// How many numbers there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of a state, if it has one.
    fn find(&self, state: &Self::State) -> Option<usize>;

    /// The number of a state, which gets one if it has none.
    ///
    /// # Errors
    /// When there is no number left for it.
    fn intern(&mut self, state: &Self::State) -> Result<usize, RlError>;

    /// The state of a number below [`StateIndex::len`].
    fn state(&self, number: usize) -> Self::State;

    /// The same kind of index over some of these states, in their order.
    #[must_use]
    fn retain(&self, keep: &dyn Fn(usize) -> bool) -> Self;

    /// Whether [`StateIndex::retain`] leaves out what is not kept; where numbers are given beforehand, every state stays.
    fn shrinks(&self) -> bool;
}

/// States that are the numbers below a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dense {
    states: usize,
}

impl Dense {
    /// The numbers below `states`.
    ///
    /// # Errors
    /// When there is none, or more than [`STATES_MAX`].
    pub fn new(states: usize) -> Result<Dense, RlError> {
        crate::error::check_ranges(&[("states", states as f64, 1.0, STATES_MAX as f64)])?;
        Ok(Dense { states })
    }
}

impl StateIndex for Dense {
    type State = usize;

    fn len(&self) -> usize {
        self.states
    }

    #[inline]
    fn find(&self, state: &usize) -> Option<usize> {
        (*state < self.states).then_some(*state)
    }

    #[inline]
    fn intern(&mut self, state: &usize) -> Result<usize, RlError> {
        if *state < self.states {
            Ok(*state)
        } else {
            Err(RlError::NoState { state: *state, count: self.states })
        }
    }

    fn state(&self, number: usize) -> usize {
        number
    }

    fn retain(&self, _: &dyn Fn(usize) -> bool) -> Self {
        *self
    }

    fn shrinks(&self) -> bool {
        false
    }
}
