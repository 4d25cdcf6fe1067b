//! A table is saved, pruned and merged without changing what it stands for.

use orchestrator_core::Payload;
use orchestrator_rl::{HashedTable, Prune, QTable, RlError, TABLE_ENTRIES_MAX};
use proptest::prelude::*;

fn table() -> impl Strategy<Value = HashedTable<(u8, i16)>> {
    let value = prop_oneof![-1.0..1.0_f64, Just(0.0), Just(0.5)];
    let record = (0..12_u8, 0..3_usize, value);
    prop::collection::vec(record, 0..80).prop_map(|records| {
        let mut table = QTable::hashed(3);
        for (state, action, value) in records {
            table.record(&(state, -i16::from(state)), action, value).unwrap();
        }
        table
    })
}

proptest! {
    #[test]
    fn what_is_saved_is_loaded(table in table()) {
        let saved = Payload::of(&table).unwrap();
        let loaded: HashedTable<(u8, i16)> = saved.to().unwrap();
        prop_assert_eq!(Payload::of(&loaded).unwrap(), saved);
        prop_assert_eq!(loaded, table);
    }

    #[test]
    fn pruning_keeps_the_bound_and_the_greedy_actions_of_what_stays(
        table in table(), visits_min in 0..5_u64, value_min in 0.0..0.8_f64, entries_max in 0..40_usize,
    ) {
        let mut pruned = table.clone();
        let done = pruned.prune(&Prune { visits_min, value_min, entries_max });
        prop_assert!(pruned.len() <= entries_max);
        prop_assert_eq!(done.entries, table.len() - pruned.len());
        prop_assert_eq!(done.states, table.states().count() - pruned.states().count());
        for state in pruned.states() {
            prop_assert_eq!(pruned.greedy(&state), table.greedy(&state));
        }
    }

    #[test]
    fn merging_is_associative_up_to_rounding(a in table(), b in table(), c in table()) {
        let merged = |x: &HashedTable<_>, y: &HashedTable<_>| {
            let mut x = x.clone();
            x.merge(y).unwrap();
            x
        };
        let (left, right) = (merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        prop_assert!(left.states().eq(right.states()));
        for state in left.states() {
            for action in 0..3 {
                prop_assert_eq!(left.visits(&state, action), right.visits(&state, action));
                let difference = left.value(&state, action) - right.value(&state, action);
                prop_assert!(difference.abs() < 1e-9);
            }
        }
    }
}

#[test]
fn slight_entries_go_and_those_that_decide_stay() {
    let mut table = QTable::hashed(3);
    for (action, value) in [(0, -0.9), (1, -0.01), (2, -0.02)] {
        table.record(&'a', action, value).unwrap();
        table.record(&'b', action, -value).unwrap();
    }
    let rule = Prune { value_min: 0.1, ..Prune::default() };
    let done = table.prune(&rule);
    // In `a` all are negative: forgetting any would make it look best. In `b` the two slight ones decide nothing.
    assert_eq!((done.entries, done.states), (2, 0));
    assert_eq!(table.greedy(&'a'), [1]);
    assert_eq!((table.value(&'b', 0), table.value(&'b', 1)), (0.9, 0.0));
    assert_eq!(table.prune(&Prune::default()).entries, 0);
    assert_eq!(Prune::default().entries_max, TABLE_ENTRIES_MAX);
}

#[test]
fn the_least_visited_states_go_first() {
    let mut table = QTable::hashed(1);
    for state in 0..5_u8 {
        for _ in 0..=state {
            table.record(&state, 0, 1.0).unwrap();
        }
    }
    table.prune(&Prune { entries_max: 2, ..Prune::default() });
    assert!(table.states().eq([3, 4]));
}

#[test]
fn foreign_newer_and_damaged_tables_are_refused() {
    let mut table = QTable::hashed(2);
    table.record(&1_u8, 1, 0.5).unwrap();
    let before = table.clone();
    let error = table.merge(&QTable::hashed(3)).unwrap_err();
    assert_eq!((error, table), (RlError::Actions { wanted: 2, found: 3 }, before.clone()));

    let text = Payload::of(&before).unwrap().to_string();
    for (from, to, part) in [
        ("\"version\":1", "\"version\":9", "format 9"),
        ("\"action\":1", "\"action\":2", "no such action"),
        ("\"visits\":1", "\"visits\":0", "no visit"),
        ("\"actions\":2", "\"actions\":0", "number of actions"),
        ("\"actions\":2", "\"actions\":99999999999", "number of actions"),
    ] {
        assert!(text.contains(from), "{text}");
        let changed = Payload::parse(&text.replace(from, to)).unwrap();
        let error = changed.to::<HashedTable<u8>>().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
