//! A fast hasher that is the same in every process.

use std::hash::Hasher;

/// Folds each word into 64 bits by a multiplication of 128 (as wyhash by Wang Yi does). It is no defence against who chooses
/// states to collide: those who could are the environment's authors, and they would slow down themselves.
#[derive(Debug, Clone, Copy)]
pub struct FoldHasher {
    state: u64,
}

/// Digits of π, odd and with as many ones as zeros.
const MULTIPLIER: u64 = 0x243f_6a88_85a3_08d3;
const START: u64 = 0x1319_8a2e_0370_7344;

impl Default for FoldHasher {
    fn default() -> Self {
        FoldHasher { state: START }
    }
}

impl FoldHasher {
    #[inline]
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(MULTIPLIER);
        // Added and not only folded: a state equal to the word would lose all that came before.
        self.state = ((product as u64) ^ ((product >> 64) as u64)).wrapping_add(START);
    }
}

impl Hasher for FoldHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.state
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut last = [0; 8];
            last[..rest.len()].copy_from_slice(rest);
            self.fold(u64::from_le_bytes(last));
        }
    }

    #[inline]
    fn write_u8(&mut self, number: u8) {
        self.fold(u64::from(number));
    }

    #[inline]
    fn write_u16(&mut self, number: u16) {
        self.fold(u64::from(number));
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.fold(u64::from(number));
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.fold(number);
    }

    /// As 64 bits on every machine.
    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.fold(number as u64);
    }
}
