//! Selection, crossover and mutation of real vectors, each as its source has it.
//!
//! They draw from the stream they are given and keep nothing. The bounds are kept by clamping after mutation, so a child never
//! leaves the space.

use orchestrator_core::{Bounds, FastStream};

use super::config::POPULATION_MAX;
use crate::cost::Costs;

/// Tournament selection (Goldberg and Deb, "A comparative analysis of selection schemes used in genetic algorithms", 1991): the
/// best of `size` candidates drawn with replacement.
pub(super) struct Tournament {
    size: usize,
    count: u64,
    /// What Lemire's method leaves out, so that all places are equally likely.
    refused: u64,
    /// Bits that were drawn and not used yet, and how many places they make.
    word: u64,
    places: u32,
}

/// How many bits a place takes, so that a word has three.
const PLACE_BITS: u32 = 21;
const PLACE_MASK: u64 = (1 << PLACE_BITS) - 1;
const PLACES_OF_WORD: u32 = u64::BITS / PLACE_BITS;
const _: () = assert!((POPULATION_MAX as u64) < 1 << (PLACE_BITS - 1));

impl Tournament {
    /// Tournaments among so many candidates, at most [`POPULATION_MAX`].
    pub(super) fn new(size: usize, count: usize) -> Tournament {
        let count = count as u64;
        Tournament { size, count, refused: (1 << PLACE_BITS) % count, word: 0, places: 0 }
    }

    /// The place of a winner.
    #[inline]
    pub(super) fn winner(&mut self, costs: &Costs, stream: &mut FastStream) -> usize {
        let mut winner = self.place(stream);
        for _ in 1..self.size {
            let rival = self.place(stream);
            if costs.cost(rival).is_better(&costs.cost(winner)) {
                winner = rival;
            }
        }
        winner
    }

    /// Uniform in 0..count, without bias (Lemire, "Fast random integer generation in an interval", 2019).
    #[inline]
    fn place(&mut self, stream: &mut FastStream) -> usize {
        loop {
            if self.places == 0 {
                self.word = stream.word();
                self.places = PLACES_OF_WORD;
            }
            let product = (self.word & PLACE_MASK) * self.count;
            self.word >>= PLACE_BITS;
            self.places -= 1;
            if product & PLACE_MASK >= self.refused {
                return (product >> PLACE_BITS) as usize;
            }
        }
    }
}

/// Blend crossover, BLX-α (Eshelman and Schaffer, "Real-coded genetic algorithms and interval-schemata", 1993): each value is
/// uniform in the interval of the parents' values, extended by α times its length at both ends. What leaves the bounds is moved back to them.
#[inline]
pub(super) fn blend(
    parents: [&[f64]; 2],
    children: [&mut [f64]; 2],
    bounds: &[Bounds],
    alpha: f64,
    stream: &mut FastStream,
) {
    let [first, second] = children;
    for (at, bounds) in bounds.iter().enumerate() {
        let (one, other) = (parents[0][at], parents[1][at]);
        let (low, high) = (one.min(other), one.max(other));
        let reach = alpha * (high - low);
        let mut draw = || bounds.clamp(stream.between(low - reach, high + reach));
        (first[at], second[at]) = (draw(), draw());
    }
}

/// Uniform crossover (Syswerda, "Uniform crossover in genetic algorithms", 1989): of each value one child has the mother's and the other
/// the father's, by one bit of a word.
#[inline]
pub(super) fn uniform(parents: [&[f64]; 2], children: [&mut [f64]; 2], stream: &mut FastStream) {
    const BITS: usize = u64::BITS as usize;
    let [mother, father] = parents.map(|parent| parent.chunks(BITS));
    let [first, second] = children.map(|child| child.chunks_mut(BITS));
    for (((mother, father), first), second) in mother.zip(father).zip(first).zip(second) {
        let mut bits = stream.word();
        let genes = mother.iter().zip(father).zip(first.iter_mut().zip(second));
        for ((mother, father), (first, second)) in genes {
            // All the bits that differ, or none: no branch to be mistaken about.
            let (mother, father) = (mother.to_bits(), father.to_bits());
            let swapped = (mother ^ father) & (bits & 1).wrapping_neg();
            *first = f64::from_bits(mother ^ swapped);
            *second = f64::from_bits(father ^ swapped);
            bits >>= 1;
        }
    }
}

/// Gaussian mutation (Bäck and Schwefel, "An overview of evolutionary algorithms for parameter optimization", 1993): each value
/// moves with a probability, by a normal deviate.
pub(super) struct Gaussian {
    /// About how many values stay before one moves; infinite when none ever does.
    spacing: f64,
    /// The deviation, as a share of the parameter's width.
    step: f64,
}

impl Gaussian {
    pub(super) fn new(rate: f64, step: f64) -> Gaussian {
        Gaussian { spacing: -1.0 / (-rate).ln_1p(), step }
    }

    /// How many values stay before the next one moves: a geometric deviate, as the whole part of an exponential one (Devroye,
    /// "Non-uniform random variate generation", 1986, X.2). Whatever was skipped already, what is left has the same distribution, so one
    /// sequence of gaps goes on from child to child.
    #[inline]
    pub(super) fn gap(&self, stream: &mut FastStream) -> usize {
        if self.spacing == f64::INFINITY {
            return usize::MAX;
        }
        // No population has as many values as a u32 counts.
        (stream.exponential() * self.spacing) as u32 as usize
    }

    /// A value that moves, inside its bounds.
    #[inline]
    pub(super) fn moved(&self, value: f64, bounds: &Bounds, stream: &mut FastStream) -> f64 {
        bounds.clamp(value + self.step * bounds.width() * stream.normal())
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::*;
    use crate::cost::Cost;

    #[test]
    fn a_larger_tournament_selects_harder() {
        let mut costs = Costs::new(1);
        (0..20).for_each(|cost| costs.push(Cost::feasible(f64::from(cost))));
        let mean = |size| {
            let mut stream = Seed(3).fast_stream();
            let mut tournament = Tournament::new(size, costs.len());
            let winners = (0..2000).map(|_| tournament.winner(&costs, &mut stream) as f64);
            winners.sum::<f64>() / 2000.0
        };
        // The expected best of k out of n drawn with replacement is near n / (k + 1).
        assert!((mean(1) - 9.5).abs() < 0.5, "{}", mean(1));
        assert!((mean(3) - 4.5).abs() < 0.5, "{}", mean(3));
        assert!((mean(7) - 1.9).abs() < 0.3, "{}", mean(7));
    }

    #[test]
    fn every_candidate_is_drawn_equally_often() {
        for count in [1, 2, 7, 100] {
            let (mut stream, mut tournament) = (Seed(8).fast_stream(), Tournament::new(1, count));
            let mut drawn = vec![0.0; count];
            (0..1000 * count).for_each(|_| drawn[tournament.place(&mut stream)] += 1.0);
            let chi_square: f64 = drawn.iter().map(|n| (n - 1000.0_f64).powi(2) / 1000.0).sum();
            assert!(chi_square < count as f64 + 4.0 * (2.0 * count as f64).sqrt(), "{drawn:?}");
        }
    }

    #[test]
    fn blended_children_stay_within_reach_of_their_parents_and_inside_the_bounds() {
        let bounds = [Bounds { min: -0.4, max: 2.0 }, Bounds { min: 0.0, max: 9.0 }];
        let (mut stream, mut lowest, mut highest) = (Seed(4).fast_stream(), 1.0_f64, 0.0_f64);
        for _ in 0..500 {
            let (mut first, mut second) = ([0.0; 2], [0.0; 2]);
            let parents: [&[f64]; 2] = [&[0.0, 5.0], &[1.0, 5.0]];
            blend(parents, [&mut first, &mut second], &bounds, 0.5, &mut stream);
            assert_ne!(first[0], second[0]);
            for child in [first, second] {
                (lowest, highest) = (lowest.min(child[0]), highest.max(child[0]));
                assert_eq!(child[1], 5.0);
            }
        }
        assert_eq!(lowest, -0.4);
        assert!((1.4..=1.5).contains(&highest), "{highest}");
    }

    #[test]
    fn uniform_crossover_deals_every_value_to_one_child_and_its_rival_to_the_other() {
        // More values than a word has bits.
        let mother: Vec<f64> = (0..150).map(f64::from).collect();
        let father: Vec<f64> = (1000..1150).map(f64::from).collect();
        let (mut first, mut second) = (vec![0.0; 150], vec![0.0; 150]);
        let (mut stream, mut crossed) = (Seed(6).fast_stream(), vec![0; 150]);
        for _ in 0..400 {
            uniform([&mother, &father], [&mut first, &mut second], &mut stream);
            for at in 0..150 {
                let pair = (first[at], second[at]);
                let swapped = pair == (father[at], mother[at]);
                assert!(swapped || pair == (mother[at], father[at]), "{at}: {pair:?}");
                crossed[at] += i32::from(swapped);
            }
        }
        // Five standard deviations.
        assert!(crossed.iter().all(|n| (150..=250).contains(n)), "{crossed:?}");
    }

    #[test]
    fn mutation_moves_its_share_by_its_step() {
        let bounds = Bounds { min: 0.0, max: 2.0 };
        let (mut stream, gaussian) = (Seed(5).fast_stream(), Gaussian::new(0.15, 0.1));
        let (mut stayed, mut squares) = (0, 0.0);
        for _ in 0..5000 {
            stayed += gaussian.gap(&mut stream);
            squares += (gaussian.moved(1.0, &bounds, &mut stream) - 1.0).powi(2);
        }
        let share = 5000.0 / (5000.0 + stayed as f64);
        assert!((share - 0.15).abs() < 0.01, "{share}");
        let deviation = (squares / 5000.0).sqrt();
        assert!((deviation - 0.2).abs() < 0.01, "{deviation}");
        let edge = Bounds { min: 0.9, max: 1.0 };
        assert!((0..99).all(|_| edge.contains(Gaussian::new(1.0, 9.0).moved(
            1.0,
            &edge,
            &mut stream
        ))));
    }

    #[test]
    fn a_rate_of_one_moves_everything_and_a_rate_of_nothing_nothing() {
        let mut stream = Seed(5).fast_stream();
        assert!((0..100).all(|_| Gaussian::new(1.0, 0.1).gap(&mut stream) == 0));
        assert_eq!(Gaussian::new(0.0, 0.1).gap(&mut stream), usize::MAX);
    }
}
