//! Non-dominated sorting: the candidates in fronts, each dominated only by those before it.
//!
//! All are put in lexicographic order first, so that none is dominated by a later one; then each finds its front by binary search
//! (ENS-BS: Zhang, Tian, Cheng and Jin, "An efficient approach to nondominated sorting for evolutionary multiobjective
//! optimization", 2015). With two objectives the last member of a front decides for the whole of it, which makes O(n log n)
//! (Jensen, "Reducing the run-time complexity of multiobjective EAs", 2003).

use std::cmp::Ordering;

use super::dominance::dominates;
use crate::cost::Costs;

/// The fronts of a population. Its memory is kept from one [`sort`](Fronts::sort) to the next.
///
/// ```
/// use orchestrator_ga::Costs;
/// use orchestrator_ga::pareto::Fronts;
/// let mut costs = Costs::new(2);
/// for row in [[1.0, 1.0], [0.0, 3.0], [2.0, 2.0], [3.0, 0.0]] {
///     costs.push_row(&row, 0.0);
/// }
/// let mut fronts = Fronts::default();
/// fronts.sort(&costs);
/// assert_eq!(fronts.ranks(), [0, 0, 1, 0]);
/// assert_eq!(fronts.front(0), [1, 0, 3]); // by the first objective
/// ```
#[derive(Debug, Clone, Default)]
pub struct Fronts {
    ranks: Vec<u32>,
    /// The candidates by front; in a front in lexicographic order of their costs, equals by their place.
    members: Vec<u32>,
    /// Where each front begins in `members`, and the end of the last.
    starts: Vec<u32>,
    keys: Vec<Key>,
    /// Of each front under construction: its last member and that one's second objective.
    tails: Vec<Tail>,
    /// Of each candidate: the member of its front before it.
    before: Vec<u32>,
}

/// What candidates are sorted by, as whole numbers in the order of the values.
#[derive(Debug, Clone, Copy)]
struct Key {
    violation: u64,
    first: u64,
    second: u64,
    place: u32,
}

#[derive(Debug, Clone, Copy)]
struct Tail {
    member: u32,
    second: f64,
}

const NONE: u32 = u32::MAX;

impl Fronts {
    /// Sorts the candidates into fronts by [`Costs::dominates`].
    ///
    /// # Panics
    /// When there are 2³² − 1 candidates or more.
    pub fn sort(&mut self, costs: &Costs) {
        assert!(costs.len() < NONE as usize, "more candidates than places");
        self.arrange(costs);
        // Room for the most that there can be, so that no later population of this size asks for memory.
        self.tails.clear();
        self.tails.reserve(costs.len());
        self.starts.clear();
        self.starts.reserve(costs.len() + 1);
        self.ranks.clear();
        self.ranks.resize(costs.len(), 0);
        self.before.clear();
        self.before.resize(costs.len(), NONE);
        let (mut first_of_group, mut fronts) = (0, 0);
        while first_of_group < self.keys.len() {
            // Those of one violation: every one of them is dominated by all of a smaller one.
            let violation = self.keys[first_of_group].violation;
            let group = self.keys[first_of_group..]
                .iter()
                .take_while(|key| key.violation == violation)
                .count();
            fronts += self.rank_group(costs, first_of_group..first_of_group + group, fronts);
            first_of_group += group;
        }
        self.collect(fronts as usize);
    }

    /// The front of every candidate, counted from 0.
    pub fn ranks(&self) -> &[u32] {
        &self.ranks
    }

    /// How many fronts there are.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The candidates of a front in the lexicographic order of their costs, equals by their place.
    ///
    /// # Panics
    /// When `rank` is not below [`Fronts::len`].
    pub fn front(&self, rank: usize) -> &[u32] {
        &self.members[self.starts[rank] as usize..self.starts[rank + 1] as usize]
    }

    /// Puts the keys in lexicographic order.
    fn arrange(&mut self, costs: &Costs) {
        let objectives = costs.objectives();
        self.keys.clear();
        self.keys.extend((0..costs.len()).map(|place| {
            let row = costs.row(place);
            Key {
                violation: ordered(costs.violation(place)),
                first: ordered(row[0]),
                second: if objectives > 1 { ordered(row[1]) } else { 0 },
                place: place as u32,
            }
        }));
        let heads = |a: &Key, b: &Key| {
            (a.violation.cmp(&b.violation))
                .then(a.first.cmp(&b.first))
                .then(a.second.cmp(&b.second))
        };
        if objectives <= 2 {
            self.keys.sort_unstable_by(|a, b| heads(a, b).then(a.place.cmp(&b.place)));
        } else {
            self.keys.sort_unstable_by(|a, b| {
                heads(a, b)
                    .then_with(|| {
                        let rest = |key: &Key| &costs.row(key.place as usize)[2..];
                        rest(a)
                            .iter()
                            .zip(rest(b))
                            .map(|(a, b)| ordered(*a).cmp(&ordered(*b)))
                            .find(|order| order.is_ne())
                            .unwrap_or(Ordering::Equal)
                    })
                    .then(a.place.cmp(&b.place))
            });
        }
    }

    /// Ranks the candidates of one violation, from `base` on; gives the number of their fronts.
    fn rank_group(&mut self, costs: &Costs, group: std::ops::Range<usize>, base: u32) -> u32 {
        let Fronts { ranks, keys, tails, before, .. } = self;
        tails.clear();
        let mut previous: Option<(u32, usize)> = None;
        for key in &keys[group] {
            let place = key.place as usize;
            let row = costs.row(place);
            let rank = match previous {
                // Equals are adjacent, and do not dominate each other.
                Some((twin, rank)) if costs.row(twin as usize) == row => rank,
                _ if row.len() == 2 => tails.partition_point(|tail| tail.second <= row[1]),
                _ => tails.partition_point(|tail| {
                    let mut member = tail.member;
                    // The latest first: they are the likeliest to dominate.
                    while member != NONE {
                        if dominates(costs.row(member as usize), row) {
                            return true;
                        }
                        member = before[member as usize];
                    }
                    false
                }),
            };
            let tail = Tail { member: key.place, second: row.get(1).copied().unwrap_or(0.0) };
            if rank == tails.len() {
                tails.push(tail);
            } else {
                before[place] = tails[rank].member;
                tails[rank] = tail;
            }
            ranks[place] = base + rank as u32;
            previous = Some((key.place, rank));
        }
        tails.len() as u32
    }

    /// Gathers the members of the fronts: a counting sort that keeps the order of the keys.
    fn collect(&mut self, fronts: usize) {
        let Fronts { ranks, members, starts, keys, .. } = self;
        starts.clear();
        starts.resize(fronts + 1, 0);
        for &rank in ranks.iter() {
            starts[rank as usize + 1] += 1;
        }
        for rank in 0..fronts {
            starts[rank + 1] += starts[rank];
        }
        members.clear();
        members.resize(keys.len(), 0);
        for key in keys {
            let next = &mut starts[ranks[key.place as usize] as usize];
            members[*next as usize] = key.place;
            *next += 1;
        }
        // Every start stands at the end of its front now, which is the start of the next.
        for rank in (0..fronts).rev() {
            starts[rank + 1] = starts[rank];
        }
        starts[0] = 0;
    }
}

/// A whole number in the order of the values; both zeros are one.
#[inline]
pub(super) fn ordered(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}
