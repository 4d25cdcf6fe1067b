//! Whether a population may hold a candidate twice.

use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::error::GaError;

/// What happens to a child that the population, or its generation, has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Duplicates {
    /// Nothing. (A child that is one of its own parents is not evaluated again in any case.)
    Allow,
    /// One more of its parameters is mutated (Davis, "Handbook of genetic algorithms", 1991, replaces duplicates), at most `attempts`
    /// times, and a random point that is there already is drawn again as often; a small space may be exhausted, and then the
    /// duplicate stays.
    Redraw {
        /// How often, 1 to 1000.
        attempts: u32,
    },
}

impl Duplicates {
    pub(super) fn check(&self) -> Result<(), GaError> {
        match *self {
            Duplicates::Allow => Ok(()),
            Duplicates::Redraw { attempts } => GaError::check_setting(
                "duplicates.redraw.attempts",
                f64::from(attempts),
                1.0,
                1000.0,
            ),
        }
    }
}

/// Which points of a population and of a batch there are: a hash table with open addresses, which only answers whether and where.
/// Its memory is used again.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Places of points, the population's before the batch's; [`FREE`] when there is none. A power of two of them.
    slots: Vec<u32>,
}

const FREE: u32 = u32::MAX;

impl Seen {
    /// Forgets all, and takes in the population; there will be room for `more` points beside it.
    pub(super) fn start(&mut self, population: &Batch, more: usize) {
        // At most half full, so that few addresses are tried.
        let slots = (2 * (population.len() + more)).next_power_of_two();
        self.slots.clear();
        self.slots.resize(slots, FREE);
        for (place, point) in population.points().enumerate() {
            self.insert(point, place);
        }
    }

    /// Takes in a point of the batch.
    pub(super) fn insert(&mut self, point: &[f64], place: usize) {
        let mask = self.slots.len() - 1;
        let mut slot = hash(point) as usize & mask;
        while self.slots[slot] != FREE {
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = place as u32;
    }

    /// The place of an equal point, the batch's counted behind the population's.
    pub(super) fn find(&self, point: &[f64], population: &Batch, batch: &Batch) -> Option<usize> {
        let known = |place: usize| match place.checked_sub(population.len()) {
            None => population.point(place) == point,
            Some(child) => batch.point(child) == point,
        };
        self.first(point, known)
    }

    /// The place of an equal point of the population.
    pub(super) fn find_known(&self, point: &[f64], population: &Batch) -> Option<usize> {
        self.first(point, |place| place < population.len() && population.point(place) == point)
    }

    fn first(&self, point: &[f64], is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash(point) as usize & mask;
        while self.slots[slot] != FREE {
            let place = self.slots[slot] as usize;
            if is_it(place) {
                return Some(place);
            }
            slot = (slot + 1) & mask;
        }
        None
    }
}

/// FNV-1a over the words of the values (both zeros being one), mixed at the end because the slot is taken from the low bits.
fn hash(point: &[f64]) -> u64 {
    let word = point.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, value| {
        let word = (hash ^ (value + 0.0).to_bits()).wrapping_mul(0x0000_0100_0000_01b3);
        word ^ (word >> 32)
    });
    (word ^ (word >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_what_was_put_in_and_nothing_else() {
        let (mut population, mut batch) = (Batch::new(2), Batch::new(2));
        for at in 0..50 {
            population.push(&[f64::from(at), 0.0]);
            batch.push(&[0.5, f64::from(at)]);
        }
        let mut seen = Seen::default();
        for _ in 0..2 {
            seen.start(&population, 50);
            assert_eq!(seen.find(batch.point(3), &population, &batch), None);
            for at in 0..50 {
                seen.insert(batch.point(at), 50 + at);
            }
            for at in 0..50 {
                assert_eq!(seen.find(population.point(at), &population, &batch), Some(at));
                assert_eq!(seen.find(batch.point(at), &population, &batch), Some(50 + at));
            }
            assert_eq!(seen.find(&[3.0, -0.0], &population, &batch), Some(3));
            assert_eq!(seen.find(&[3.0, 1.0], &population, &batch), None);
        }
    }
}
