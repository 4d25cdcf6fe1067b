//! From a population to the next batch: who mates, what their children are, and which children are new.

use orchestrator_core::{FastStream, ParameterSpace};

use super::vary::Operators;
use crate::batch::Batch;
use crate::error::GaError;
use crate::start::check_start_points;

/// How often pairs are bred for each child that is wanted, before a generation stays smaller because nothing new is left.
const PAIRS_PER_CHILD_MAX: usize = 50;

/// The start population: the given points, then uniformly random ones.
///
/// # Errors
/// When a point is not in the space, or there are more points than the population holds.
pub(super) fn start(
    space: &ParameterSpace,
    population: usize,
    points: &[Vec<f64>],
    stream: &mut FastStream,
) -> Result<Batch, GaError> {
    check_start_points(space, points, population)?;
    let mut start = Batch::with_capacity(space.len(), population);
    for point in points {
        start.push(point);
    }
    let middle = space.middle();
    while start.len() < population {
        space.sample_into(start.push(&middle), stream);
    }
    Ok(start)
}

/// The memory of breeding, kept from one generation to the next. None of it is state: an empty one gives the same children.
#[derive(Debug, Clone, Default)]
pub(super) struct Breeder {
    mating: Mating,
    known: Known,
    pair: [Vec<f64>; 2],
}

impl Breeder {
    /// Adds `count` children to the batch, none of which is a member of the population or of the batch; fewer when hardly any is
    /// new. Parents are the winners of tournaments of two by `better`; without a winner either wins.
    pub(super) fn breed(
        &mut self,
        batch: &mut Batch,
        population: &Batch,
        count: usize,
        (operators, space): (&Operators, &ParameterSpace),
        stream: &mut FastStream,
        better: impl Fn(usize, usize) -> bool,
    ) {
        let Breeder { mating, known, pair: [a, b] } = self;
        mating.start(population.len());
        known.start(population.len() + count);
        for at in 0..population.len() {
            known.add(population, at, population, population.point(at));
        }
        for _ in 0..PAIRS_PER_CHILD_MAX * count {
            for child in [&mut *a, &mut *b] {
                let parent = mating.winner(stream, &better);
                child.clear();
                child.extend_from_slice(population.point(parent));
            }
            operators.vary(a, b, space, stream);
            for child in [&*a, &*b] {
                if batch.len() < count
                    && known.add(population, population.len() + batch.len(), batch, child)
                {
                    batch.push(child);
                }
            }
            if batch.len() == count {
                return;
            }
        }
    }
}

/// Tournaments of two in which everybody takes part equally often: the population in a random order, pair by pair.
#[derive(Debug, Clone, Default)]
struct Mating {
    order: Vec<u32>,
    next: usize,
}

impl Mating {
    fn start(&mut self, population: usize) {
        self.order.clear();
        self.order.extend(0..population as u32);
        self.next = population;
    }

    fn winner(&mut self, stream: &mut FastStream, better: impl Fn(usize, usize) -> bool) -> usize {
        if self.next + 2 > self.order.len() {
            stream.shuffle(&mut self.order);
            self.next = 0;
        }
        // A population of one meets itself.
        let last = self.order.len() - 1;
        let pair = [self.next, (self.next + 1).min(last)].map(|at| self.order[at] as usize);
        self.next += 2;
        if better(pair[1], pair[0]) { pair[1] } else { pair[0] }
    }
}

/// The points that are known already: a hash table with open addressing, cleared for every generation.
#[derive(Debug, Clone, Default)]
struct Known {
    /// The place of a point and a part of its hash; empty places are [`EMPTY`].
    slots: Vec<(u32, u32)>,
}

const EMPTY: (u32, u32) = (u32::MAX, 0);

impl Known {
    /// Forgets all, and makes room for so many.
    fn start(&mut self, count: usize) {
        // A quarter full, so that nearly every look-up ends at its first slot.
        let slots = (4 * count.max(1)).next_power_of_two();
        self.slots.clear();
        self.slots.resize(slots, EMPTY);
    }

    /// Remembers a point at this place (those of the population come first, then those of the batch) unless it is known; says
    /// whether it was new.
    fn add(&mut self, population: &Batch, place: usize, batch: &Batch, point: &[f64]) -> bool {
        let mask = self.slots.len() - 1;
        let hash = hash(point);
        let (mut slot, part) = (hash as usize & mask, (hash >> 32) as u32);
        loop {
            let (known, known_part) = self.slots[slot];
            if (known, known_part) == EMPTY {
                self.slots[slot] = (place as u32, part);
                return true;
            }
            if known_part == part {
                let known = known as usize;
                let twin = match known.checked_sub(population.len()) {
                    None => population.point(known),
                    Some(at) => batch.point(at),
                };
                if twin == point {
                    return false;
                }
            }
            slot = (slot + 1) & mask;
        }
    }
}

/// Mixes the values of a point; equal points have equal hashes, both zeros being one.
fn hash(point: &[f64]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    // Four chains, so that the multiplications do not wait for each other.
    let mut chains = [ODD, ODD.rotate_left(16), ODD.rotate_left(32), ODD.rotate_left(48)];
    let mut quads = point.chunks_exact(4);
    let mut mix = |at: usize, value: f64| {
        chains[at] = (chains[at] ^ (value + 0.0).to_bits()).wrapping_mul(ODD).rotate_left(29);
    };
    for quad in &mut quads {
        for (at, &value) in quad.iter().enumerate() {
            mix(at, value);
        }
    }
    for (at, &value) in quads.remainder().iter().enumerate() {
        mix(at, value);
    }
    let joined = chains
        .into_iter()
        .fold(0_u64, |joined, chain| (joined ^ chain).wrapping_mul(ODD).rotate_left(31));
    joined ^ (joined >> 32)
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::*;
    use crate::pareto::vary::Variation;

    fn batch(points: &[[f64; 2]]) -> Batch {
        let mut batch = Batch::new(2);
        points.iter().for_each(|point| {
            batch.push(point);
        });
        batch
    }

    #[test]
    fn everybody_takes_part_in_two_tournaments_a_generation() {
        let mut mating = Mating::default();
        mating.start(10);
        let mut stream = Seed(1).fast_stream();
        let mut wins = [0; 10];
        for _ in 0..10 {
            wins[mating.winner(&mut stream, |a, b| a < b)] += 1;
        }
        assert_eq!((wins[0], wins[9], wins.iter().sum::<i32>()), (2, 0, 10));
    }

    #[test]
    fn a_known_point_is_not_new() {
        let population = batch(&[[0.0, 1.0], [1.0, 0.0]]);
        let bred = batch(&[[0.5, 0.5]]);
        let mut known = Known::default();
        known.start(4);
        for at in 0..2 {
            assert!(known.add(&population, at, &population, population.point(at)));
        }
        assert!(known.add(&population, 2, &Batch::new(2), bred.point(0)));
        for (point, new) in [([1.0, -0.0], false), ([0.5, 0.5], false), ([0.5, 0.6], true)] {
            assert_eq!(known.add(&population, 3, &bred, &point), new, "{point:?}");
        }
    }

    #[test]
    fn breeding_ends_where_nothing_new_is_left() {
        let space = ParameterSpace::uniform(2, 1.0, 1.0).unwrap();
        let mut stream = Seed(1).fast_stream();
        let population = start(&space, 4, &[], &mut stream).unwrap();
        let operators = Operators::of(&Variation::default(), &space);
        let mut bred = Batch::new(2);
        Breeder::default().breed(
            &mut bred,
            &population,
            4,
            (&operators, &space),
            &mut stream,
            |_, _| false,
        );
        assert!(bred.is_empty());
    }
}
