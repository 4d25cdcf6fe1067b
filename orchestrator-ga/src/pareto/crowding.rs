//! How lonely a candidate is in its front.
//!
//! The crowding distance (Deb, Pratap, Agarwal and Meyarivan, 2002) is the sum over the objectives of the gap between a candidate's
//! neighbours, as a share of the front's range; the ends of an objective are infinitely far. Of candidates with equal rows the first
//! stands for all, and the others have a distance of 0: they add nothing to the front. An objective whose range is nothing or not
//! finite adds nothing.
//!
//! A front that has to shrink loses its most crowded member one at a time, and the distances of the neighbours are measured again
//! (Kukkonen and Deb, "Improved pruning of non-dominated solutions based on crowding distance for bi-objective optimization
//! problems", 2006): taking all at once leaves holes where several neighbours were crowded together.

use super::fronts::{Fronts, ordered};
use crate::cost::Costs;

/// The crowding distances of a population. Its memory is kept from one use to the next.
///
/// ```
/// use orchestrator_ga::Costs;
/// use orchestrator_ga::pareto::{Crowding, Fronts};
/// let mut costs = Costs::new(2);
/// for row in [[0.0, 4.0], [1.0, 1.0], [4.0, 0.0]] {
///     costs.push_row(&row, 0.0);
/// }
/// let mut fronts = Fronts::default();
/// fronts.sort(&costs);
/// let mut crowding = Crowding::default();
/// crowding.measure(&costs, &fronts);
/// assert_eq!(crowding.distances(), [f64::INFINITY, 2.0, f64::INFINITY]);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Crowding {
    distances: Vec<f64>,
    line: Line,
    kept: Vec<u32>,
}

/// The members of one front that differ from each other, each objective a doubly linked list.
#[derive(Debug, Clone, Default)]
struct Line {
    /// Which candidates, in the lexicographic order of their rows.
    members: Vec<u32>,
    /// One objective after the other: the members' values, their neighbours below and above, and what a gap is multiplied by.
    values: Vec<f64>,
    below: Vec<u32>,
    above: Vec<u32>,
    shares: Vec<f64>,
    distances: Vec<f64>,
    order: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Crowding {
    /// Measures every candidate in its front.
    ///
    /// # Panics
    /// When the fronts are those of other costs.
    pub fn measure(&mut self, costs: &Costs, fronts: &Fronts) {
        self.start(costs.len());
        for rank in 0..fronts.len() {
            self.measure_front(costs, fronts.front(rank));
        }
    }

    /// Makes room for so many candidates.
    pub(super) fn start(&mut self, count: usize) {
        self.distances.clear();
        self.distances.resize(count, 0.0);
    }

    /// Measures the members of a front, which is in the order of [`Fronts::front`].
    pub(super) fn measure_front(&mut self, costs: &Costs, front: &[u32]) {
        self.line.fill(costs, front);
        for (&member, &distance) in self.line.members.iter().zip(&self.line.distances) {
            self.distances[member as usize] = distance;
        }
    }

    /// The distance of every candidate, 0 or more; infinite at the ends.
    pub fn distances(&self) -> &[f64] {
        &self.distances
    }

    /// The `keep` members of a front that are left when the most crowded is taken away again and again; of equally crowded ones the
    /// first. They stay in the order of the front, which is that of [`Fronts::front`].
    ///
    /// # Panics
    /// When the front is none of these costs.
    pub fn prune(&mut self, costs: &Costs, front: &[u32], keep: usize) -> &[u32] {
        self.kept.clear();
        self.kept.reserve(costs.len());
        self.line.fill(costs, front);
        let line = &mut self.line;
        if keep <= line.members.len() {
            for _ in keep..line.members.len() {
                let most_crowded = line.most_crowded();
                line.remove(most_crowded);
            }
            let left = line.members.iter().zip(&line.distances);
            self.kept.extend(left.filter(|(_, d)| **d >= 0.0).map(|(&member, _)| member));
        } else {
            // The doubles that there is room for, the first ones first.
            let (mut room, mut next) = (keep - line.members.len(), 0);
            for &member in front {
                if line.members.get(next) == Some(&member) {
                    next += 1;
                    self.kept.push(member);
                } else if room > 0 {
                    room -= 1;
                    self.kept.push(member);
                }
            }
        }
        &self.kept
    }
}

/// What the distance of a member that was taken away is: less than any.
const REMOVED: f64 = -1.0;

impl Line {
    /// Makes room for the largest front that there can be, so that no later one asks for memory.
    fn reserve(&mut self, count: usize, objectives: usize) {
        if self.members.capacity() < count {
            self.members = Vec::with_capacity(count);
            self.order = Vec::with_capacity(count);
            self.distances = Vec::with_capacity(count);
            self.values = Vec::with_capacity(count * objectives);
            self.below = Vec::with_capacity(count * objectives);
            self.above = Vec::with_capacity(count * objectives);
        }
    }

    /// Takes the members of a front and measures them. `front` is in lexicographic order, so that equals are adjacent.
    fn fill(&mut self, costs: &Costs, front: &[u32]) {
        let objectives = costs.objectives();
        self.reserve(costs.len(), objectives);
        self.members.clear();
        for &member in front {
            let twin = self.members.last().copied();
            if twin.is_none_or(|twin| costs.row(twin as usize) != costs.row(member as usize)) {
                self.members.push(member);
            }
        }
        let count = self.members.len();
        self.values.clear();
        for objective in 0..objectives {
            let value = |&member: &u32| costs.row(member as usize)[objective];
            self.values.extend(self.members.iter().map(value));
        }
        self.below.clear();
        self.below.resize(count * objectives, NONE);
        self.above.clear();
        self.above.resize(count * objectives, NONE);
        self.shares.clear();
        for objective in 0..objectives {
            self.link(objective, objectives);
        }
        self.distances.clear();
        for at in 0..count {
            let distance = self.distance(at);
            self.distances.push(distance);
        }
    }

    /// Sorts the members by an objective and links the neighbours.
    fn link(&mut self, objective: usize, objectives: usize) {
        let count = self.members.len();
        let start = objective * count;
        let values = &self.values[start..start + count];
        self.order.clear();
        self.order.extend(0..count as u32);
        match (objective, objectives) {
            (0, _) => {} // The lexicographic order is that of the first objective,
            (_, 2) => self.order.reverse(), // and in a front of two objectives the second falls as the first rises.
            _ => self.order.sort_unstable_by(|&a, &b| {
                ordered(values[a as usize]).cmp(&ordered(values[b as usize])).then(a.cmp(&b))
            }),
        }
        for pair in self.order.windows(2) {
            self.above[start + pair[0] as usize] = pair[1];
            self.below[start + pair[1] as usize] = pair[0];
        }
        let range = match (self.order.first(), self.order.last()) {
            (Some(&low), Some(&high)) => values[high as usize] - values[low as usize],
            _ => 0.0,
        };
        self.shares.push(if range > 0.0 && range.is_finite() { 1.0 / range } else { 0.0 });
    }

    /// The distance of a member between its present neighbours.
    fn distance(&self, at: usize) -> f64 {
        let count = self.members.len();
        let mut sum = 0.0;
        for (objective, &share) in self.shares.iter().enumerate() {
            let start = objective * count;
            let (below, above) = (self.below[start + at], self.above[start + at]);
            if below == NONE || above == NONE {
                return f64::INFINITY;
            }
            if share > 0.0 {
                let gap = self.values[start + above as usize] - self.values[start + below as usize];
                sum += gap * share;
            }
        }
        sum
    }

    /// The member with the least distance that is still there, the first of equals.
    fn most_crowded(&self) -> usize {
        let (mut least, mut place) = (f64::INFINITY, None);
        for (at, &distance) in self.distances.iter().enumerate() {
            if distance >= 0.0 && (distance < least || place.is_none()) {
                (least, place) = (distance, Some(at));
            }
        }
        place.expect("it is asked for only while more are left than are kept")
    }

    fn remove(&mut self, at: usize) {
        let count = self.members.len();
        self.distances[at] = REMOVED;
        for objective in 0..self.shares.len() {
            let start = objective * count;
            let (below, above) = (self.below[start + at], self.above[start + at]);
            if below != NONE {
                self.above[start + below as usize] = above;
            }
            if above != NONE {
                self.below[start + above as usize] = below;
            }
        }
        for objective in 0..self.shares.len() {
            let start = objective * count;
            for neighbour in [self.below[start + at], self.above[start + at]] {
                if neighbour != NONE {
                    self.distances[neighbour as usize] = self.distance(neighbour as usize);
                }
            }
        }
    }
}
