//! Mutation of orders: one move of the kind that the problem is made of.

use orchestrator_core::FastStream;
use serde::{Deserialize, Serialize};

/// How an order is mutated: one move, at random places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum OrderMutation {
    /// Two things change places (Banzhaf, "The 'molecular' traveling salesman", 1990). Two places change: for assignments.
    Swap,
    /// One thing is taken out and put in elsewhere (Fogel, "An evolutionary approach to the traveling salesman problem", 1988). For
    /// sequences.
    Insertion,
    /// A piece is turned round (Holland, "Adaptation in natural and artificial systems", 1975). Two neighbourhoods change: for
    /// routes that cost the same both ways, where it is the 2-opt move.
    Inversion,
}

impl OrderMutation {
    /// Makes one move, which changes the order unless there is but one thing.
    pub(super) fn mutate(self, order: &mut [f64], stream: &mut FastStream) {
        if order.len() < 2 {
            return;
        }
        let one = stream.below(order.len());
        // Another place: the places but `one`, counted on.
        let other = stream.below(order.len() - 1);
        let other = if other < one { other } else { other + 1 };
        match self {
            OrderMutation::Swap => order.swap(one, other),
            OrderMutation::Insertion if one < other => order[one..=other].rotate_left(1),
            OrderMutation::Insertion => order[other..=one].rotate_right(1),
            OrderMutation::Inversion => order[one.min(other)..=one.max(other)].reverse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use orchestrator_core::Seed;

    use super::*;

    /// How often each outcome of one move on 0, 1, 2, 3 is seen.
    fn outcomes(kind: OrderMutation) -> BTreeMap<[u8; 4], u32> {
        let mut stream = Seed(9).fast_stream();
        let mut counts = BTreeMap::new();
        for _ in 0..12_000 {
            let mut order = [0.0, 1.0, 2.0, 3.0];
            kind.mutate(&mut order, &mut stream);
            *counts.entry(order.map(|thing| thing as u8)).or_insert(0) += 1;
        }
        counts
    }

    #[test]
    fn each_move_of_a_kind_is_as_likely_and_none_is_idle() {
        // Six pairs of places; an insertion by one place is the same from both sides, so its three are twice as likely as six others.
        for (kind, kinds) in [(OrderMutation::Swap, 6), (OrderMutation::Inversion, 6)] {
            let counts = outcomes(kind);
            assert_eq!(counts.len(), kinds);
            assert!(counts.values().all(|count| (1800..2200).contains(count)), "{counts:?}");
        }
        let counts = outcomes(OrderMutation::Insertion);
        assert_eq!(counts.len(), 9);
        let twice = [[1, 0, 2, 3], [0, 2, 1, 3], [0, 1, 3, 2]];
        for (order, count) in &counts {
            let wanted = if twice.contains(order) { 1800..2200 } else { 850..1150 };
            assert!(wanted.contains(count), "{order:?}: {count}");
        }
        assert!(outcomes(OrderMutation::Swap).contains_key(&[3, 1, 2, 0]));
        assert!(outcomes(OrderMutation::Inversion).contains_key(&[3, 2, 1, 0]));
        assert!(counts.contains_key(&[1, 2, 3, 0]));
        let mut one = [0.0];
        OrderMutation::Swap.mutate(&mut one, &mut Seed(1).fast_stream());
        assert_eq!(one, [0.0]);
    }
}
