//! Memory that a method keeps for the next generation, and that is no part of its state.

use std::ops::{Deref, DerefMut};

/// Reused memory: all of it is equal, a copy of it is empty, and it is never written down. Whoever uses it fills it first.
#[derive(Debug, Default)]
pub(super) struct Scratch<T>(T);

impl<T: Default> Clone for Scratch<T> {
    fn clone(&self) -> Self {
        Scratch::default()
    }
}

impl<T> PartialEq for Scratch<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Deref for Scratch<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}
