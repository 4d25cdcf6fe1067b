//! States of any kind, numbered in the order in which they are met.

use std::fmt::Debug;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::{FoldHasher, STATES_MAX, StateIndex};
use crate::error::RlError;

/// States of any kind, numbered in the order in which they are met: a list of them, and an open-addressed table of their places.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(
    try_from = "Vec<S>",
    into = "Vec<S>",
    bound(
        serialize = "S: Clone + Serialize",
        deserialize = "S: Clone + Eq + Hash + Debug + Deserialize<'de>"
    )
)]
pub struct Hashed<S> {
    states: Vec<S>,
    /// 0 is free; else the upper half is of the state's hash and the lower half is its number and 1. A power of two of them, at most half
    /// of which are taken.
    slots: Vec<u64>,
}

const SLOTS_MIN: usize = 16;

impl<S> Default for Hashed<S> {
    fn default() -> Self {
        Hashed { states: Vec::new(), slots: vec![0; SLOTS_MIN] }
    }
}

impl<S: Clone + Eq + Hash> Hashed<S> {
    /// The states in the order of their numbers.
    pub fn states(&self) -> &[S] {
        &self.states
    }

    /// The slot that holds the state, or the free one where it belongs.
    #[inline(always)]
    fn slot(&self, state: &S, hash: u64) -> (usize, u64) {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = self.slots[at];
            let met =
                slot == 0 || (slot >> 32 == hash >> 32 && self.states[number_of(slot)] == *state);
            if met {
                return (at, slot);
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    #[inline(never)]
    fn add(&mut self, state: &S, hash: u64, mut at: usize) -> Result<usize, RlError> {
        let number = self.states.len();
        if number >= STATES_MAX {
            return Err(RlError::NoState { state: number, count: STATES_MAX });
        }
        if 2 * (number + 1) > self.slots.len() {
            let mut slots = vec![0; 2 * self.slots.len()];
            for slot in self.slots.iter().filter(|slot| **slot != 0) {
                let hash = hash_of(&self.states[number_of(*slot)]);
                place(&mut slots, hash, *slot);
            }
            self.slots = slots;
            at = self.slot(state, hash).0;
        }
        self.slots[at] = (hash >> 32 << 32) | (number as u64 + 1);
        self.states.push(state.clone());
        Ok(number)
    }
}

impl<S: Clone + Eq + Hash + Debug> StateIndex for Hashed<S> {
    type State = S;

    fn len(&self) -> usize {
        self.states.len()
    }

    #[inline]
    fn find(&self, state: &S) -> Option<usize> {
        let (_, slot) = self.slot(state, hash_of(state));
        (slot != 0).then(|| number_of(slot))
    }

    #[inline(always)]
    fn intern(&mut self, state: &S) -> Result<usize, RlError> {
        let hash = hash_of(state);
        let (at, slot) = self.slot(state, hash);
        if slot != 0 { Ok(number_of(slot)) } else { self.add(state, hash, at) }
    }

    fn state(&self, number: usize) -> S {
        self.states[number].clone()
    }

    fn retain(&self, keep: &dyn Fn(usize) -> bool) -> Self {
        let kept = self.states.iter().enumerate().filter(|(number, _)| keep(*number));
        let states: Vec<S> = kept.map(|(_, state)| state.clone()).collect();
        Hashed::try_from(states).expect("these states were told apart before")
    }

    fn shrinks(&self) -> bool {
        true
    }
}

/// Equal when they hold the same states in the same order.
impl<S: PartialEq> PartialEq for Hashed<S> {
    fn eq(&self, other: &Self) -> bool {
        self.states == other.states
    }
}

impl<S> From<Hashed<S>> for Vec<S> {
    fn from(index: Hashed<S>) -> Self {
        index.states
    }
}

impl<S: Clone + Eq + Hash + Debug> TryFrom<Vec<S>> for Hashed<S> {
    type Error = RlError;

    fn try_from(states: Vec<S>) -> Result<Self, RlError> {
        let mut index = Hashed::default();
        for (number, state) in states.iter().enumerate() {
            if index.intern(state)? != number {
                return Err(RlError::Damaged { what: "a state occurs twice" });
            }
        }
        Ok(index)
    }
}

#[inline(always)]
fn hash_of<S: Hash>(state: &S) -> u64 {
    let mut hasher = FoldHasher::default();
    state.hash(&mut hasher);
    hasher.finish()
}

#[inline]
fn number_of(slot: u64) -> usize {
    (slot as u32) as usize - 1
}

fn place(slots: &mut [u64], hash: u64, slot: u64) {
    let mask = slots.len() - 1;
    let mut at = hash as usize & mask;
    while slots[at] != 0 {
        at = (at + 1) & mask;
    }
    slots[at] = slot;
}
