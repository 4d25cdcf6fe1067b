//! Who becomes a parent.
//!
//! Selection sees costs in their one order (constraints first, failures last) and nothing else, or, under fitness sharing, the
//! shared fitness. Whatever needs a table makes it once a generation, in memory that is kept.

use orchestrator_core::FastStream;
use serde::{Deserialize, Serialize};

use super::config::POPULATION_MAX;
use crate::cost::{Cost, Costs};
use crate::error::GaError;

/// How parents are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Selection {
    /// The best of `size` candidates drawn with replacement (Goldberg and Deb, "A comparative analysis of selection schemes used
    /// in genetic algorithms", 1991). `size` is 1 (no selection) to the population; the expected copies of the best are about `size`.
    Tournament {
        /// How many compete.
        size: usize,
    },
    /// In proportion to fitness (Holland, "Adaptation in natural and artificial systems", 1975), counted from the worst candidate
    /// of the generation (windowing: Grefenstette, "Optimization of control parameters for genetic algorithms", 1986), so that it
    /// does not depend on what is added to all fitnesses. The worst is not chosen, nor is one that breaks constraints while another
    /// breaks none.
    Roulette,
    /// Linear ranking (Baker, "Adaptive selection methods for genetic algorithms", 1985): of `n` parents the best has `pressure`
    /// expected copies, the worst `2 - pressure`, and between them it is linear in the rank. 1 (no selection) to 2.
    Rank {
        /// The expected copies of the best.
        pressure: f64,
    },
    /// Stochastic universal sampling (Baker, "Reducing bias and inefficiency in the selection algorithm", 1987): the shares of
    /// [`Selection::Roulette`], but all parents of a generation by one turn of evenly spaced pointers, so that the copies of each
    /// candidate differ from what is expected by less than one.
    StochasticUniversal,
    /// Any of the best, with equal chances (Mühlenbein and Schlierkamp-Voosen, "Predictive models for the breeder genetic
    /// algorithm", 1993).
    Truncation {
        /// The share of the population that may be a parent, above 0 to 1. The source uses 0.1 to 0.5.
        share: f64,
    },
}

impl Selection {
    pub(super) fn check(&self, population: usize) -> Result<(), GaError> {
        let (setting, value, min, max) = match *self {
            Selection::Tournament { size } => {
                ("selection.tournament.size", size as f64, 1.0, population as f64)
            }
            Selection::Rank { pressure } => ("selection.rank.pressure", pressure, 1.0, 2.0),
            Selection::Truncation { share } => {
                ("selection.truncation.share", share, f64::MIN_POSITIVE, 1.0)
            }
            Selection::Roulette | Selection::StochasticUniversal => return Ok(()),
        };
        GaError::check_setting(setting, value, min, max)
    }
}

/// What a kind of selection needs to know of a generation. Its memory is used again.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool {
    /// From best to worst.
    order: Vec<usize>,
    /// Of each candidate, its place in the order; empty when costs are compared directly.
    places: Vec<usize>,
    /// Of each candidate, its share of fitness, not negative.
    weights: Vec<f64>,
    /// The sums of the weights up to each candidate (roulette), or up to each rank (ranking).
    sums: Vec<f64>,
    /// Parents chosen in advance, and how many of them were given out.
    chosen: Vec<usize>,
    given: usize,
    tournament: Tournament,
}

impl Pool {
    /// Prepares the choice of `parents` parents. `niches` is the niche count of each candidate when fitness is shared.
    pub(super) fn prepare(
        &mut self,
        selection: Selection,
        costs: &Costs,
        niches: Option<&[f64]>,
        parents: usize,
        stream: &mut FastStream,
    ) {
        self.places.clear();
        let proportional =
            matches!(selection, Selection::Roulette | Selection::StochasticUniversal);
        if proportional || niches.is_some() {
            weigh(costs, &mut self.weights);
        }
        if let Some(niches) = niches {
            for (weight, niche) in self.weights.iter_mut().zip(niches) {
                *weight /= niche;
            }
        }
        match selection {
            Selection::Tournament { size } => {
                self.tournament = Tournament::new(size, costs.len());
                if niches.is_some() {
                    self.rank(costs, true);
                    self.places.resize(costs.len(), 0);
                    for (place, &candidate) in self.order.iter().enumerate() {
                        self.places[candidate] = place;
                    }
                }
            }
            Selection::Roulette => self.add_up(),
            Selection::Rank { pressure } => {
                self.rank(costs, niches.is_some());
                let steps = (costs.len().max(2) - 1) as f64;
                self.weights.clear();
                self.weights.extend(
                    (0..costs.len())
                        .map(|place| pressure - 2.0 * (pressure - 1.0) * place as f64 / steps),
                );
                self.add_up();
            }
            Selection::StochasticUniversal => {
                self.add_up();
                self.spin(parents, stream);
            }
            Selection::Truncation { .. } => self.rank(costs, niches.is_some()),
        }
    }

    /// A parent.
    #[inline]
    pub(super) fn choose(
        &mut self,
        selection: Selection,
        costs: &Costs,
        stream: &mut FastStream,
    ) -> usize {
        match selection {
            Selection::Tournament { .. } if self.places.is_empty() => {
                self.tournament.winner(costs, stream)
            }
            Selection::Tournament { .. } => {
                let places = &self.places;
                self.tournament.winner_by(|one, other| places[one] < places[other], stream)
            }
            Selection::Roulette => self.throw(stream),
            Selection::Rank { .. } => self.order[self.throw(stream)],
            Selection::StochasticUniversal => {
                if self.given == self.chosen.len() {
                    // More parents than were foreseen: children that were known already were bred again.
                    return self.throw(stream);
                }
                self.given += 1;
                self.chosen[self.given - 1]
            }
            Selection::Truncation { share } => {
                let count = (share * self.order.len() as f64).ceil() as usize;
                self.order[stream.below(count.clamp(1, self.order.len()))]
            }
        }
    }

    /// From best to worst, by shared fitness or by cost; equals by cost, then by place.
    fn rank(&mut self, costs: &Costs, shared: bool) {
        costs.ranking(&mut self.order);
        if shared {
            let weights = &self.weights;
            self.order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
        }
    }

    fn add_up(&mut self) {
        self.sums.clear();
        let mut sum = 0.0;
        self.sums.extend(self.weights.iter().map(|weight| {
            sum += weight;
            sum
        }));
    }

    /// The place in the sums of a uniformly random number: the first sum above it.
    fn throw(&self, stream: &mut FastStream) -> usize {
        let total = self.sums[self.sums.len() - 1];
        let number = total * stream.unit();
        // Rounding may bring the number up to the total, where nothing is above it.
        self.sums.partition_point(|&sum| sum <= number).min(self.last_weighed())
    }

    fn last_weighed(&self) -> usize {
        self.weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0)
    }

    /// Evenly spaced pointers, and then in random order: neighbours would mate with their own copies.
    fn spin(&mut self, count: usize, stream: &mut FastStream) {
        self.given = 0;
        self.chosen.clear();
        let distance = self.sums[self.sums.len() - 1] / count as f64;
        let start = stream.unit();
        let (mut at, last) = (0, self.last_weighed());
        for pointer in 0..count {
            let number = (start + pointer as f64) * distance;
            while at < last && self.sums[at] <= number {
                at += 1;
            }
            self.chosen.push(at);
        }
        stream.shuffle(&mut self.chosen);
    }
}

/// See [`Selection::Tournament`].
#[derive(Debug, Clone, Default)]
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

    /// The place of a winner by cost.
    #[inline]
    pub(super) fn winner(&mut self, costs: &Costs, stream: &mut FastStream) -> usize {
        self.winner_by(|one, other| costs.cost(one).is_better(&costs.cost(other)), stream)
    }

    #[inline]
    fn winner_by(
        &mut self,
        is_better: impl Fn(usize, usize) -> bool,
        stream: &mut FastStream,
    ) -> usize {
        let mut winner = self.place(stream);
        for _ in 1..self.size {
            let rival = self.place(stream);
            if is_better(rival, winner) {
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

/// What each candidate is better than the worst, among those without a violation; among the violations when there are no such.
/// All are 1 when none is better than another.
fn weigh(costs: &Costs, weights: &mut Vec<f64>) {
    let all = || (0..costs.len()).map(|at| costs.cost(at));
    let feasible = |cost: &Cost| cost.is_feasible() && cost.value.is_finite();
    let by_value = all().any(|cost| feasible(&cost));
    // Halves, so that the distance of two finite numbers is finite.
    let measure = |cost: Cost| match by_value {
        true => feasible(&cost).then_some(0.5 * cost.value),
        false => cost.is_known().then_some(0.5 * cost.violation),
    };
    let worst = all().filter_map(measure).fold(f64::NEG_INFINITY, f64::max);
    let best = all().filter_map(measure).fold(f64::INFINITY, f64::min);
    let range = worst - best;
    weights.clear();
    weights.extend(all().map(|cost| match measure(cost) {
        // As shares of the range, so that no sum of them overflows or vanishes.
        Some(value) if range > 0.0 => (worst - value) / range,
        Some(_) => 1.0,
        None => 0.0,
    }));
    if weights.iter().all(|&weight| weight == 0.0) {
        weights.fill(1.0);
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::*;

    fn costs(values: &[f64]) -> Costs {
        let mut costs = Costs::new(1);
        values.iter().for_each(|&value| costs.push(Cost::feasible(value)));
        costs
    }

    /// The share of each candidate among the parents must be the given one, to 4.5 standard errors.
    #[track_caller]
    fn check(selection: Selection, costs: &Costs, niches: Option<&[f64]>, shares: &[f64]) {
        const ROUNDS: usize = 2000;
        const PARENTS: usize = 20;
        let mut stream = Seed(3).fast_stream();
        let mut pool = Pool::default();
        let mut counts = vec![0; costs.len()];
        for _ in 0..ROUNDS {
            pool.prepare(selection, costs, niches, PARENTS, &mut stream);
            for _ in 0..PARENTS {
                counts[pool.choose(selection, costs, &mut stream)] += 1;
            }
        }
        let all = (ROUNDS * PARENTS) as f64;
        for (&count, &share) in counts.iter().zip(shares) {
            let error = (share * (1.0 - share) / all).sqrt();
            let found = f64::from(count) / all;
            assert!((found - share).abs() <= 4.5 * error, "{selection:?}: {counts:?}, {shares:?}");
        }
    }

    #[test]
    fn every_selection_has_the_shares_of_its_formula() {
        // In no order, so that places and ranks differ: the ranks are 3, 0, 4, 1, 2.
        let five = costs(&[6.0, 0.0, 10.0, 1.0, 3.0]);
        let ranks = [3, 0, 4, 1, 2];
        let by_rank = |share: &dyn Fn(i32) -> f64| ranks.map(share);
        for size in [1, 2, 5] {
            // The chance that the best of `size` draws has this rank.
            let share = |rank: i32| {
                (f64::from(5 - rank) / 5.0).powi(size) - (f64::from(4 - rank) / 5.0).powi(size)
            };
            let size = size as usize;
            check(Selection::Tournament { size }, &five, None, &by_rank(&share));
        }
        let proportional = [4.0, 10.0, 0.0, 9.0, 7.0].map(|weight: f64| weight / 30.0);
        check(Selection::Roulette, &five, None, &proportional);
        check(Selection::StochasticUniversal, &five, None, &proportional);
        for pressure in [1.0, 1.5, 2.0] {
            let share = |rank| (pressure - 2.0 * (pressure - 1.0) * f64::from(rank) / 4.0) / 5.0;
            check(Selection::Rank { pressure }, &five, None, &by_rank(&share));
        }
        let share = |rank| if rank < 2 { 0.5 } else { 0.0 };
        check(Selection::Truncation { share: 0.4 }, &five, None, &by_rank(&share));
        check(Selection::Truncation { share: 0.21 }, &five, None, &by_rank(&share));
        check(
            Selection::Truncation { share: 1e-9 },
            &five,
            None,
            &by_rank(&|rank| f64::from(rank == 0)),
        );
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
    fn shared_fitness_moves_the_shares() {
        let four = costs(&[0.0, 1.0, 2.0, 4.0]); // weights 1, 3/4, 1/2, 0
        let niches = [4.0, 1.0, 2.0, 1.0]; // shared 1/4, 3/4, 1/4, 0
        let shares = [0.2, 0.6, 0.2, 0.0];
        check(Selection::Roulette, &four, Some(&niches), &shares);
        check(Selection::StochasticUniversal, &four, Some(&niches), &shares);
        // The order is 1, 0, 2, 3.
        let two = [5.0 / 16.0, 7.0 / 16.0, 3.0 / 16.0, 1.0 / 16.0];
        check(Selection::Tournament { size: 2 }, &four, Some(&niches), &two);
        check(Selection::Truncation { share: 0.25 }, &four, Some(&niches), &[0.0, 1.0, 0.0, 0.0]);
        check(
            Selection::Rank { pressure: 2.0 },
            &four,
            Some(&niches),
            &[2.0, 3.0, 1.0, 0.0].map(|w: f64| w / 6.0),
        );
    }

    #[test]
    fn universal_sampling_gives_each_its_expected_copies_but_for_less_than_one() {
        let mut stream = Seed(4).fast_stream();
        let costs = costs(&(0..40).map(|_| stream.normal()).collect::<Vec<_>>());
        let mut pool = Pool::default();
        for _ in 0..100 {
            pool.prepare(Selection::StochasticUniversal, &costs, None, 60, &mut stream);
            let total: f64 = pool.weights.iter().sum();
            for (at, weight) in pool.weights.iter().enumerate() {
                let copies = pool.chosen.iter().filter(|&&chosen| chosen == at).count() as f64;
                assert!((copies - 60.0 * weight / total).abs() < 1.0 + 1e-9);
            }
        }
    }

    #[test]
    fn violations_and_failures_have_no_share_while_there_is_better() {
        let mut mixed = costs(&[2.0, 1.0]);
        mixed.push(Cost { violation: 1.0, value: -5.0 });
        mixed.push(Cost::FAILED);
        check(Selection::Roulette, &mixed, None, &[0.0, 1.0, 0.0, 0.0]);
        let mut none = Costs::new(1);
        for violation in [3.0, 1.0, f64::INFINITY] {
            none.push(Cost { violation, value: f64::INFINITY });
        }
        check(Selection::StochasticUniversal, &none, None, &[0.0, 1.0, 0.0]);
        let mut failed = Costs::new(1);
        (0..2).for_each(|_| failed.push(Cost::FAILED));
        check(Selection::Roulette, &failed, None, &[0.5, 0.5]);
        check(Selection::Roulette, &costs(&[7.0; 4]), None, &[0.25; 4]);
        check(
            Selection::Roulette,
            &costs(&[f64::MAX, -f64::MAX, 0.0]),
            None,
            &[0.0, 2.0 / 3.0, 1.0 / 3.0],
        );
    }
}
