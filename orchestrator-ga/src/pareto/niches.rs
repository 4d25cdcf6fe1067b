//! What NSGA-III chooses by: objectives brought to one scale, and how many candidates each direction has already.

use orchestrator_core::FastStream;
use serde::{Deserialize, Serialize};

use super::directions::Directions;
use crate::cost::Costs;

/// The weight of the other objectives when the extreme point of one is sought: one over Deb and Jain's 1e-6.
const OTHERS_WEIGHT: f64 = 1e6;
/// An intercept less than this share of the front's range is none: the plane is nearly parallel to an axis.
const INTERCEPT_MIN: f64 = 1e-6;

/// What is known of the scale of the objectives: the best and the worst values ever seen, and the point that is extreme in each.
/// All empty before the first feasible candidate.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Scale {
    ideal: Vec<f64>,
    worst: Vec<f64>,
    /// Row by row, one row for each objective.
    extremes: Vec<f64>,
}

/// The memory of normalising, kept from one generation to the next.
#[derive(Debug, Default)]
pub(super) struct ScaleMemory {
    candidates: Vec<f64>,
    matrix: Vec<f64>,
    /// What a value above the ideal is multiplied by.
    shares: Vec<f64>,
}

impl Scale {
    /// Whether what was read can be what was written.
    pub(super) fn check(&self, objectives: usize) -> Result<(), &'static str> {
        let Scale { ideal, worst, extremes } = self;
        let lengths = [ideal.len(), worst.len(), extremes.len()];
        let known = [objectives, objectives, objectives * objectives];
        if (lengths != known && lengths != [0; 3])
            || ideal.iter().chain(worst).chain(extremes).any(|value| !value.is_finite())
        {
            return Err("the method is damaged: its scale does not fit its objectives");
        }
        Ok(())
    }

    /// Learns from a population and its feasible first front; fills `memory` with the scale by now.
    pub(super) fn learn(&mut self, costs: &Costs, front: &[u32], memory: &mut ScaleMemory) {
        let objectives = costs.objectives();
        let feasible =
            || (0..costs.len()).filter(|&at| costs.violation(at) == 0.0).map(|at| costs.row(at));
        if self.ideal.is_empty() {
            self.ideal.resize(objectives, f64::INFINITY);
            self.worst.resize(objectives, f64::NEG_INFINITY);
        }
        for row in feasible() {
            for (objective, &value) in row.iter().enumerate() {
                self.ideal[objective] = self.ideal[objective].min(value);
                self.worst[objective] = self.worst[objective].max(value);
            }
        }
        self.find_extremes(costs, front, memory);
        let nadir = self.intercepts(memory);
        memory.shares.clear();
        for objective in 0..objectives {
            let of_front = front
                .iter()
                .map(|&place| costs.row(place as usize)[objective])
                .fold(f64::NEG_INFINITY, f64::max)
                - self.ideal[objective];
            let whole = self.worst[objective] - self.ideal[objective];
            let range = if nadir {
                // The plane's intercept, unless it lies where nothing has ever been.
                memory.candidates[objective].min(whole)
            } else if of_front > 0.0 {
                of_front
            } else {
                feasible().map(|row| row[objective]).fold(f64::NEG_INFINITY, f64::max)
                    - self.ideal[objective]
            };
            memory.shares.push(if range > 0.0 && range.is_finite() { 1.0 / range } else { 1.0 });
        }
    }

    /// Finds for each objective the point that is nearest to its axis, among the front and the extreme points so far.
    fn find_extremes(&mut self, costs: &Costs, front: &[u32], memory: &mut ScaleMemory) {
        let objectives = costs.objectives();
        let Scale { ideal, extremes, .. } = self;
        memory.candidates.clear();
        // As many as the front can ever have.
        memory.candidates.reserve((costs.len() + objectives) * objectives);
        memory.candidates.extend_from_slice(extremes);
        for &place in front {
            memory.candidates.extend_from_slice(costs.row(place as usize));
        }
        extremes.clear();
        for axis in 0..objectives {
            let off_axis = |row: &[f64]| {
                let parts = row.iter().zip(ideal.iter()).enumerate();
                parts.fold(0.0_f64, |most, (objective, (value, ideal))| {
                    let weight = if objective == axis { 1.0 } else { OTHERS_WEIGHT };
                    most.max((value - ideal) * weight)
                })
            };
            let mut best: Option<(f64, &[f64])> = None;
            for row in memory.candidates.chunks_exact(objectives) {
                let off = off_axis(row);
                if best.is_none_or(|(least, _)| off < least) {
                    best = Some((off, row));
                }
            }
            let (_, row) = best.expect("a first front is never empty");
            extremes.extend_from_slice(row);
        }
    }

    /// Leaves in `memory.candidates` where the plane through the extreme points meets the axes, above the ideal; false when there is
    /// no such plane.
    fn intercepts(&self, memory: &mut ScaleMemory) -> bool {
        let objectives = self.ideal.len();
        let ScaleMemory { candidates, matrix, .. } = memory;
        matrix.clear();
        for row in self.extremes.chunks_exact(objectives) {
            matrix.extend(row.iter().zip(&self.ideal).map(|(value, ideal)| value - ideal));
        }
        candidates.clear();
        candidates.resize(objectives, 1.0);
        if !solve(matrix, candidates) {
            return false;
        }
        for (objective, value) in candidates.iter_mut().enumerate() {
            *value = 1.0 / *value;
            let least = INTERCEPT_MIN * (self.worst[objective] - self.ideal[objective]);
            if !(*value > least && value.is_finite()) {
                return false;
            }
        }
        true
    }
}

/// Solves a system of linear equations in place, by elimination with partial pivoting; false when it has no single solution.
fn solve(matrix: &mut [f64], right: &mut [f64]) -> bool {
    let size = right.len();
    for column in 0..size {
        let pivot = (column..size)
            .max_by(|&a, &b| {
                matrix[a * size + column].abs().total_cmp(&matrix[b * size + column].abs())
            })
            .expect("there is a row left for every column");
        let head = matrix[pivot * size + column];
        if !(head.abs() > 0.0 && head.is_finite()) {
            return false;
        }
        if pivot != column {
            for at in 0..size {
                matrix.swap(pivot * size + at, column * size + at);
            }
            right.swap(pivot, column);
        }
        for row in column + 1..size {
            let factor = matrix[row * size + column] / head;
            for at in column..size {
                matrix[row * size + at] -= factor * matrix[column * size + at];
            }
            right[row] -= factor * right[column];
        }
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|at| matrix[row * size + at] * right[at]).sum();
        right[row] = (right[row] - known) / matrix[row * size + row];
    }
    right.iter().all(|value| value.is_finite())
}

/// Candidates by direction. Its memory is kept from one generation to the next.
#[derive(Debug, Default)]
pub(super) struct Niches {
    /// The directions at length 1, row by row.
    units: Vec<f64>,
    normal: Vec<f64>,
    /// Of each direction: how many are chosen, and the first candidate of its list.
    counts: Vec<u32>,
    heads: Vec<u32>,
    /// Of each candidate of the last front: the next in its list, and how far from the direction it is.
    next: Vec<u32>,
    distances: Vec<f64>,
    lowest: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Niches {
    /// Adds `room` members of the last front to the chosen: always one of a direction that has the fewest; the nearest to a
    /// direction that has none, any of the others.
    #[allow(clippy::too_many_arguments)] // They are two populations, a scale and a choice; a struct would only rename them.
    pub(super) fn choose(
        &mut self,
        costs: &Costs,
        (scale, memory): (&Scale, &ScaleMemory),
        directions: &Directions,
        chosen: &mut Vec<u32>,
        last: &[u32],
        room: usize,
        stream: &mut FastStream,
    ) {
        if self.units.is_empty() {
            for direction in directions.iter() {
                let length = direction.iter().map(|part| part * part).sum::<f64>().sqrt();
                self.units.extend(direction.iter().map(|part| part / length));
            }
        }
        self.counts.clear();
        self.counts.resize(directions.len(), 0);
        self.heads.clear();
        self.heads.resize(directions.len(), NONE);
        for &place in chosen.iter() {
            let (direction, _) = self.nearest(costs.row(place as usize), scale, memory);
            self.counts[direction] += 1;
        }
        // Room for the most that there can be, so that no later population of this size asks for memory.
        self.next.clear();
        self.next.reserve(costs.len());
        self.distances.clear();
        self.distances.reserve(costs.len());
        self.lowest.clear();
        self.lowest.reserve(directions.len());
        for (at, &place) in last.iter().enumerate() {
            let (direction, distance) = self.nearest(costs.row(place as usize), scale, memory);
            self.next.push(self.heads[direction]);
            self.distances.push(distance);
            self.heads[direction] = at as u32;
        }
        for _ in 0..room.min(last.len()) {
            let direction = self.emptiest(stream);
            let picked = self.pick(direction, stream);
            self.counts[direction] += 1;
            chosen.push(last[picked as usize]);
        }
    }

    /// The direction whose line passes nearest to a row, and the square of the distance to it.
    fn nearest(&mut self, row: &[f64], scale: &Scale, memory: &ScaleMemory) -> (usize, f64) {
        self.normal.clear();
        let parts = row.iter().zip(&scale.ideal).zip(&memory.shares);
        self.normal.extend(parts.map(|((value, ideal), share)| (value - ideal) * share));
        let square: f64 = self.normal.iter().map(|part| part * part).sum();
        let (mut best, mut most) = (0, f64::NEG_INFINITY);
        for (at, unit) in self.units.chunks_exact(row.len()).enumerate() {
            // Nothing is negative here, so the longest projection is the shortest distance.
            let along: f64 = unit.iter().zip(&self.normal).map(|(a, b)| a * b).sum();
            if along > most {
                (best, most) = (at, along);
            }
        }
        (best, square - most * most)
    }

    /// One of the directions with the fewest chosen that have a candidate left.
    fn emptiest(&mut self, stream: &mut FastStream) -> usize {
        let mut least = u32::MAX;
        self.lowest.clear();
        for (direction, (&count, &head)) in self.counts.iter().zip(&self.heads).enumerate() {
            if head == NONE || count > least {
                continue;
            }
            if count < least {
                least = count;
                self.lowest.clear();
            }
            self.lowest.push(direction as u32);
        }
        self.lowest[stream.below(self.lowest.len())] as usize
    }

    /// Takes a candidate out of the list of a direction.
    fn pick(&mut self, direction: usize, stream: &mut FastStream) -> u32 {
        let Niches { counts, heads, next, distances, .. } = self;
        let list = |first: u32| {
            std::iter::successors(Some(first), |&at| {
                Some(next[at as usize]).filter(|&next| next != NONE)
            })
        };
        let head = heads[direction];
        let picked = if counts[direction] == 0 {
            list(head)
                .min_by(|&a, &b| distances[a as usize].total_cmp(&distances[b as usize]))
                .expect("the list has a head")
        } else {
            let nth = stream.below(list(head).count());
            list(head).nth(nth).expect("it is below the length")
        };
        if picked == head {
            heads[direction] = next[picked as usize];
        } else {
            let before = list(head)
                .find(|&at| next[at as usize] == picked)
                .expect("who is in the list but not its head has one before it");
            next[before as usize] = next[picked as usize];
        }
        picked
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::*;

    #[test]
    fn a_system_is_solved_and_one_without_a_single_solution_is_refused() {
        let (mut matrix, mut right) = ([0.0, 2.0, 1.0, 1.0], [4.0, 5.0]);
        assert!(solve(&mut matrix, &mut right));
        assert_eq!(right, [3.0, 2.0]);
        assert!(!solve(&mut [1.0, 2.0, 2.0, 4.0], &mut [1.0, 1.0]));
        assert!(!solve(&mut [f64::NAN, 2.0, 2.0, 4.0], &mut [1.0, 1.0]));
    }

    fn costs(rows: &[[f64; 2]]) -> Costs {
        let mut costs = Costs::new(2);
        rows.iter().for_each(|row| costs.push_row(row, 0.0));
        costs
    }

    #[test]
    fn objectives_of_different_scale_are_brought_to_one() {
        let costs = costs(&[[0.0, 1000.0], [1.0, 400.0], [4.0, 0.0], [9.0, 900.0]]);
        let (mut scale, mut memory) = (Scale::default(), ScaleMemory::default());
        scale.learn(&costs, &[0, 1, 2], &mut memory);
        assert_eq!(scale.ideal, [0.0, 0.0]);
        assert_eq!(scale.worst, [9.0, 1000.0]);
        assert_eq!(scale.extremes, [4.0, 0.0, 0.0, 1000.0]);
        assert!((memory.shares[0] - 0.25).abs() < 1e-12, "{:?}", memory.shares);
        assert!((memory.shares[1] - 0.001).abs() < 1e-12, "{:?}", memory.shares);
        assert!(scale.check(2).is_ok() && scale.check(3).is_err());
    }

    #[test]
    fn without_a_plane_the_front_is_the_scale() {
        let costs = costs(&[[1.0, 2.0], [3.0, 5.0]]);
        let (mut scale, mut memory) = (Scale::default(), ScaleMemory::default());
        scale.learn(&costs, &[0], &mut memory);
        // One point is its own ideal: the population's range it is.
        assert_eq!(memory.shares, [0.5, 1.0 / 3.0]);
    }

    #[test]
    fn empty_directions_come_first_with_the_nearest_candidate() {
        let costs =
            costs(&[[0.0, 1.0], [1.0, 0.0], [0.45, 0.5], [0.5, 0.5], [0.9, 0.11], [0.8, 0.2]]);
        let (mut scale, mut memory) = (Scale::default(), ScaleMemory::default());
        scale.learn(&costs, &[0, 1, 2, 3, 4, 5], &mut memory);
        let directions = Directions::das_dennis(2, 2).unwrap();
        let mut chosen = vec![0, 1];
        let mut niches = Niches::default();
        let mut stream = Seed(1).fast_stream();
        let mut choose = |chosen: &mut Vec<u32>, room| {
            let all = [2, 3, 4, 5];
            niches.choose(&costs, (&scale, &memory), &directions, chosen, &all, room, &mut stream);
        };
        choose(&mut chosen, 1);
        assert_eq!(chosen, [0, 1, 3]);
        chosen.truncate(2);
        choose(&mut chosen, 4);
        let mut all = chosen.clone();
        all.sort_unstable();
        assert_eq!((chosen[2], all), (3, vec![0, 1, 2, 3, 4, 5]));
    }
}
