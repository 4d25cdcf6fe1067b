//! Fronts and crowding distances are those of their definitions, whatever ties, doubles, violations and failures there are.

use orchestrator_ga::Costs;
use orchestrator_ga::pareto::{Crowding, Fronts, dominates};
use proptest::prelude::*;

/// Few values, so that ties and doubles abound; and some that are not finite.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        6 => (-2..4_i8).prop_map(f64::from),
        3 => -1.0..1.0_f64,
        1 => prop_oneof![Just(f64::INFINITY), Just(-0.0), Just(f64::MAX), Just(f64::MIN)],
    ]
}

fn violation() -> impl Strategy<Value = f64> {
    prop_oneof![6 => Just(0.0), 1 => Just(0.5), 1 => Just(2.0), 1 => Just(f64::INFINITY)]
}

fn population(objectives: usize) -> impl Strategy<Value = Costs> {
    let member = (prop::collection::vec(value(), objectives), violation());
    prop::collection::vec(member, 1..40).prop_map(move |members| {
        let mut costs = Costs::new(objectives);
        for (row, violation) in members {
            if violation == f64::INFINITY {
                costs.push_row(&vec![f64::INFINITY; objectives], violation);
            } else {
                costs.push_row(&row, violation);
            }
        }
        costs
    })
}

fn costs() -> impl Strategy<Value = Costs> {
    (2..6_usize).prop_flat_map(population)
}

fn sorted(costs: &Costs) -> Fronts {
    let mut fronts = Fronts::default();
    fronts.sort(costs);
    fronts
}

/// Takes away the candidates that nobody dominates, again and again.
fn naive_ranks(costs: &Costs) -> Vec<u32> {
    let mut ranks = vec![u32::MAX; costs.len()];
    for rank in 0.. {
        let left: Vec<usize> = (0..costs.len()).filter(|&at| ranks[at] == u32::MAX).collect();
        if left.is_empty() {
            break;
        }
        for &at in &left {
            if !left.iter().any(|&other| costs.dominates(other, at)) {
                ranks[at] = rank;
            }
        }
    }
    ranks
}

/// The definition: for each candidate and objective the neighbours are looked for among all of its front.
fn naive_distance(costs: &Costs, ranks: &[u32], at: usize) -> f64 {
    let row = costs.row(at);
    if (0..at).any(|other| {
        ranks[other] == ranks[at]
            && costs.row(other) == row
            && costs.violation(other) == costs.violation(at)
    }) {
        return 0.0; // The first of its like stands for it.
    }
    let mut front: Vec<&[f64]> =
        (0..costs.len()).filter(|&o| ranks[o] == ranks[at]).map(|o| costs.row(o)).collect();
    front.sort_by(|a, b| a.partial_cmp(b).unwrap());
    front.dedup();
    let mut sum = 0.0;
    for objective in 0..row.len() {
        // Ties by the whole row.
        let key = |row: &[f64]| (row[objective], row.to_vec());
        let below = front.iter().filter(|other| key(other) < key(row));
        let above = front.iter().filter(|other| key(other) > key(row));
        let below = below.map(|other| other[objective]).fold(f64::NEG_INFINITY, f64::max);
        let above_value = above.clone().map(|other| other[objective]).fold(f64::INFINITY, f64::min);
        let is_first = !front.iter().any(|other| key(other) < key(row));
        if is_first || above.count() == 0 {
            return f64::INFINITY;
        }
        let lowest = front.iter().map(|other| other[objective]).fold(f64::INFINITY, f64::min);
        let highest = front.iter().map(|other| other[objective]).fold(f64::NEG_INFINITY, f64::max);
        let range = highest - lowest;
        if range > 0.0 && range.is_finite() {
            sum += (above_value - below) / range;
        }
    }
    sum
}

proptest! {
    #[test]
    fn dominance_is_a_strict_partial_order(costs in costs()) {
        for a in 0..costs.len() {
            prop_assert!(!costs.dominates(a, a));
            for b in 0..costs.len() {
                prop_assert!(!(costs.dominates(a, b) && costs.dominates(b, a)));
                for c in 0..costs.len() {
                    prop_assert!(!(costs.dominates(a, b) && costs.dominates(b, c)) || costs.dominates(a, c));
                }
            }
        }
    }

    #[test]
    fn dominance_is_what_it_says(a in prop::collection::vec(value(), 4), b in prop::collection::vec(value(), 4)) {
        let no_worse = a.iter().zip(&b).all(|(a, b)| a <= b);
        let better = a.iter().zip(&b).any(|(a, b)| a < b);
        prop_assert_eq!(dominates(&a, &b), no_worse && better);
    }

    #[test]
    fn ranks_are_those_of_peeling(costs in costs()) {
        let fronts = sorted(&costs);
        prop_assert_eq!(fronts.ranks(), naive_ranks(&costs));
        let mut seen: Vec<u32> = Vec::new();
        for rank in 0..fronts.len() {
            prop_assert!(!fronts.front(rank).is_empty());
            for pair in fronts.front(rank).windows(2) {
                let [a, b] = [pair[0] as usize, pair[1] as usize];
                prop_assert!((costs.row(a), a) < (costs.row(b), b));
            }
            for &member in fronts.front(rank) {
                prop_assert_eq!(fronts.ranks()[member as usize] as usize, rank);
                seen.push(member);
            }
        }
        seen.sort_unstable();
        prop_assert!(seen.iter().copied().eq(0..costs.len() as u32));
    }

    #[test]
    fn crowding_distances_are_those_of_the_definition(costs in costs()) {
        let fronts = sorted(&costs);
        let mut crowding = Crowding::default();
        crowding.measure(&costs, &fronts);
        for at in 0..costs.len() {
            let (found, wanted) = (crowding.distances()[at], naive_distance(&costs, fronts.ranks(), at));
            prop_assert!(
                found == wanted || (found - wanted).abs() <= 1e-9 * wanted.abs(),
                "candidate {} {:?}: {} is not {}", at, costs.row(at), found, wanted
            );
        }
    }

    #[test]
    fn pruning_takes_the_most_crowded_away_one_at_a_time(costs in (2..4_usize).prop_flat_map(population), keep in 6..30_usize) {
        let fronts = sorted(&costs);
        let front = fronts.front(0);
        let mut left = front.to_vec();
        while left.len() > keep {
            let mut alone = Costs::new(costs.objectives());
            left.iter().for_each(|&at| alone.push_row(costs.row(at as usize), 0.0));
            let mut crowding = Crowding::default();
            crowding.measure(&alone, &sorted(&alone));
            let distances = crowding.distances();
            // Of doubles the last goes first; of others that are equally crowded the first.
            let doubles: Vec<usize> = (1..left.len()).filter(|&at| alone.row(at) == alone.row(at - 1)).collect();
            let goes = doubles.last().copied().unwrap_or_else(|| {
                (1..left.len()).fold(0, |least, at| if distances[at] < distances[least] { at } else { least })
            });
            left.remove(goes);
        }
        let mut crowding = Crowding::default();
        prop_assert_eq!(crowding.prune(&costs, front, keep), left);
    }
}

#[test]
fn memory_of_a_larger_population_leaves_no_trace() {
    let mut fronts = Fronts::default();
    let mut large = Costs::new(3);
    (0..50).for_each(|at| large.push_row(&[f64::from(at % 7), f64::from(at % 5), 1.0], 0.0));
    fronts.sort(&large);
    let mut small = Costs::new(2);
    small.push_row(&[1.0, 1.0], 0.0);
    small.push_row(&[0.0, 0.0], 0.0);
    fronts.sort(&small);
    assert_eq!((fronts.ranks(), fronts.len()), (&[1, 0][..], 2));
    fronts.sort(&Costs::new(2));
    assert!(fronts.is_empty() && fronts.ranks().is_empty());
}
