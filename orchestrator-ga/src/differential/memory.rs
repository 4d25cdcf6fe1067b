//! What has worked: the history from which F and CR of the next trials are drawn.

use orchestrator_core::FastStream;
use serde::{Deserialize, Serialize};

/// How a trial is made.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Trial {
    /// The scale factor F, in (0, 1].
    pub(super) scale: f64,
    /// The crossover rate CR, in [0, 1].
    pub(super) rate: f64,
}

/// The spread of both draws.
const SPREAD: f64 = 0.1;
/// How often a scale factor that is not positive is drawn again; then the least one is taken.
const DRAWS_MAX: usize = 32;
/// The least scale factor that is taken.
const SCALE_MIN: f64 = 0.01;
/// Where the history starts: as jSO has it, except that F starts at SHADE's 0.5.
const START: Trial = Trial { scale: 0.5, rate: 0.8 };

/// The success history of SHADE (Tanabe and Fukunaga, 2013): a ring of weighted means of what has worked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Memory {
    entries: Vec<Trial>,
    next: usize,
}

impl Memory {
    pub(super) fn new(entries: usize) -> Memory {
        Memory { entries: vec![START; entries], next: 0 }
    }

    /// Whether it could have been written by a method with so many entries.
    pub(super) fn is_sound(&self, entries: usize) -> bool {
        let within = |trial: &Trial| {
            (0.0..=1.0).contains(&trial.rate) && trial.scale > 0.0 && trial.scale <= 1.0
        };
        self.entries.len() == entries && self.next < entries && self.entries.iter().all(within)
    }

    /// F from a Cauchy and CR from a normal distribution around an entry.
    pub(super) fn draw(&self, stream: &mut FastStream) -> Trial {
        let entry = self.entries[stream.below(self.entries.len())];
        let rate = (entry.rate + SPREAD * stream.normal()).clamp(0.0, 1.0);
        for _ in 0..DRAWS_MAX {
            let turn = std::f64::consts::PI * (stream.unit() - 0.5);
            let scale = entry.scale + SPREAD * turn.tan();
            if scale > 0.0 {
                return Trial { scale: scale.clamp(SCALE_MIN, 1.0), rate };
            }
        }
        Trial { scale: SCALE_MIN, rate }
    }

    /// Replaces the oldest entry by the weighted Lehmer means of the trials that worked; half of it stays (jSO).
    pub(super) fn learn(&mut self, worked: impl Iterator<Item = (Trial, f64)>) {
        let mut sums = [0.0; 4];
        for (Trial { scale, rate }, weight) in worked {
            let parts = [scale * scale, scale, rate * rate, rate];
            sums.iter_mut().zip(parts).for_each(|(sum, part)| *sum += weight * part);
        }
        let [scale_squares, scales, rate_squares, rates] = sums;
        if !(scales > 0.0 && scales.is_finite()) {
            return;
        }
        let entry = &mut self.entries[self.next];
        entry.scale = (0.5 * (entry.scale + scale_squares / scales)).clamp(SCALE_MIN, 1.0);
        let rate = if rates > 0.0 { rate_squares / rates } else { 0.0 };
        entry.rate = (0.5 * (entry.rate + rate)).clamp(0.0, 1.0);
        self.next = (self.next + 1) % self.entries.len();
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::*;

    #[test]
    fn what_works_is_drawn_more_often() {
        let mut memory = Memory::new(5);
        let worked = Trial { scale: 0.9, rate: 0.1 };
        (0..40).for_each(|_| memory.learn([(worked, 2.0)].into_iter()));
        let mut stream = Seed(1).fast_stream();
        let drawn: Vec<Trial> = (0..999).map(|_| memory.draw(&mut stream)).collect();
        let mut rates: Vec<f64> = drawn.iter().map(|trial| trial.rate).collect();
        rates.sort_by(f64::total_cmp);
        assert!((rates[499] - 0.1).abs() < 0.02, "{}", rates[499]);
        assert!(drawn.iter().all(|trial| trial.scale > 0.0 && trial.scale <= 1.0));
        assert!(memory.is_sound(5) && !memory.is_sound(4));
    }

    #[test]
    fn nothing_is_learned_from_nothing() {
        let mut memory = Memory::new(3);
        memory.learn(std::iter::empty());
        memory.learn([(START, f64::INFINITY)].into_iter());
        assert_eq!(memory, Memory::new(3));
    }
}
