//! Crossover of orders: what comes before what is inherited, and every child is an order again.

use std::ops::Range;

use orchestrator_core::FastStream;
use serde::{Deserialize, Serialize};

/// How two orders are combined. Both copy a random piece of one parent and take the rest from the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum OrderCrossover {
    /// Order crossover, OX (Davis, "Applying adaptive algorithms to epistatic domains", 1985): behind the piece, the rest follows in
    /// the other parent's order, round the end. Keeps who comes after whom: for routes and sequences.
    Ordered,
    /// Partially mapped crossover, PMX (Goldberg and Lingle, "Alleles, loci, and the traveling salesman problem", 1985): the rest
    /// stands where the other parent has it, exchanged where the piece has taken it. Keeps places: for assignments.
    PartiallyMapped,
}

/// Memory for the crossover of orders, used again.
#[derive(Debug, Clone, Default)]
pub(in crate::genetic) struct OrderScratch {
    a: Vec<f64>,
    b: Vec<f64>,
    /// Of each thing, whether the piece has it, or where in the piece it stands.
    places: Vec<usize>,
}

/// Of a thing that the piece does not have.
const ELSEWHERE: usize = usize::MAX;

impl OrderCrossover {
    /// Turns copies of two parents' orders into those of two children.
    pub(in crate::genetic) fn cross(
        self,
        a: &mut [f64],
        b: &mut [f64],
        scratch: &mut OrderScratch,
        stream: &mut FastStream,
    ) {
        if a.len() < 2 {
            return;
        }
        let OrderScratch { a: first, b: second, places } = scratch;
        for (copy, order) in [(&mut *first, &*a), (&mut *second, &*b)] {
            copy.clear();
            copy.extend_from_slice(order);
        }
        let piece = piece(a.len(), stream);
        let combine = match self {
            OrderCrossover::Ordered => ordered,
            OrderCrossover::PartiallyMapped => partially_mapped,
        };
        combine(a, second, piece.clone(), places);
        combine(b, first, piece, places);
    }
}

/// A random piece of at least one and less than all: two different ones of the ends 0 to `count`, but not both extremes.
fn piece(count: usize, stream: &mut FastStream) -> Range<usize> {
    loop {
        let (one, other) = (stream.below(count + 1), stream.below(count + 1));
        // At least four of nine pairs are pieces, so that this ends.
        if one != other && one.abs_diff(other) < count {
            return one.min(other)..one.max(other);
        }
    }
}

fn mark(child: &[f64], piece: Range<usize>, places: &mut Vec<usize>) {
    places.clear();
    places.resize(child.len(), ELSEWHERE);
    for at in piece {
        places[child[at] as usize] = at;
    }
}

/// Keeps the piece of `child`, and fills what is behind it, round the end, in the order of `other` from the same place on.
fn ordered(child: &mut [f64], other: &[f64], piece: Range<usize>, places: &mut Vec<usize>) {
    mark(child, piece.clone(), places);
    let count = child.len();
    let mut at = piece.end % count;
    for offset in 0..count {
        let thing = other[(piece.end + offset) % count];
        if places[thing as usize] == ELSEWHERE {
            child[at] = thing;
            at = (at + 1) % count;
        }
    }
}

/// Keeps the piece of `child`, and takes the other places from `other`; a thing that the piece has gives way to the one it stands for.
fn partially_mapped(
    child: &mut [f64],
    other: &[f64],
    piece: Range<usize>,
    places: &mut Vec<usize>,
) {
    mark(child, piece.clone(), places);
    for at in (0..piece.start).chain(piece.end..child.len()) {
        let mut thing = other[at];
        // Each step leads to another place of the piece, so that it ends after at most as many as the piece has.
        while places[thing as usize] != ELSEWHERE {
            thing = other[places[thing as usize]];
        }
        child[at] = thing;
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_core::Seed;

    use super::*;

    type Combine = fn(&mut [f64], &[f64], Range<usize>, &mut Vec<usize>);

    #[track_caller]
    fn check(combine: Combine, a: &[u8], b: &[u8], piece: Range<usize>, child: &[u8]) {
        let floats = |order: &[u8]| order.iter().map(|&at| f64::from(at)).collect::<Vec<_>>();
        let mut found = floats(a);
        combine(&mut found, &floats(b), piece, &mut Vec::new());
        assert_eq!(found, floats(child));
    }

    #[test]
    fn the_worked_examples_come_out() {
        // The usual nine cities, counted from 0; both children of each.
        let (a, b) = ([0, 1, 2, 3, 4, 5, 6, 7, 8], [3, 4, 1, 0, 7, 6, 5, 8, 2]);
        check(ordered, &a, &b, 3..7, &[1, 0, 7, 3, 4, 5, 6, 8, 2]);
        check(ordered, &b, &a, 3..7, &[2, 3, 4, 0, 7, 6, 5, 8, 1]);
        check(partially_mapped, &a, &b, 3..7, &[0, 7, 1, 3, 4, 5, 6, 8, 2]);
        check(partially_mapped, &b, &a, 3..7, &[3, 1, 2, 0, 7, 6, 5, 4, 8]);
        check(ordered, &[0, 1], &[1, 0], 0..1, &[0, 1]);
        check(partially_mapped, &[2, 0, 1], &[0, 1, 2], 2..3, &[0, 2, 1]);
    }

    #[test]
    fn children_are_orders_and_equal_parents_have_equal_children() {
        let mut stream = Seed(10).fast_stream();
        let mut scratch = OrderScratch::default();
        for round in 0..2000 {
            let count = 1 + round % 12;
            let mut a: Vec<f64> = (0..count).map(f64::from).collect();
            let mut b = a.clone();
            stream.shuffle(&mut a);
            stream.shuffle(&mut b);
            for kind in [OrderCrossover::Ordered, OrderCrossover::PartiallyMapped] {
                let (mut one, mut other) = (a.clone(), b.clone());
                kind.cross(&mut one, &mut other, &mut scratch, &mut stream);
                for child in [&one, &other] {
                    let mut sorted = child.clone();
                    sorted.sort_by(f64::total_cmp);
                    assert!(sorted.iter().enumerate().all(|(at, &v)| v == at as f64), "{child:?}");
                }
                let (mut one, mut other) = (a.clone(), a.clone());
                kind.cross(&mut one, &mut other, &mut scratch, &mut stream);
                assert_eq!((&one, &other), (&a, &a));
            }
        }
    }
}
