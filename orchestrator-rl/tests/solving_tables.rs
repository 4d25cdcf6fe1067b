//! Tables are checked before they are used, solved exactly, and never hang.

use orchestrator_core::Seed;
use orchestrator_rl::Environment;
use orchestrator_rl::mdp::{MdpError, Policy, Row, TableMdp};
use orchestrator_rl::worlds::{
    Ice, LAKE_4X4, LAKE_8X8, Wind, cliff_walking, frozen_lake, taxi, windy_gridworld,
};
use proptest::prelude::*;

fn row(state: usize, action: usize, probability: f64, next: usize, reward: f64) -> Row {
    Row { state, action, probability, next, reward, terminal: false }
}

#[test]
fn the_worlds_have_their_published_optima() {
    for (mdp, gamma, optimum) in [
        (frozen_lake(&LAKE_4X4, Ice::Slippery), 0.95, 0.180_471_578_4),
        (frozen_lake(&LAKE_4X4, Ice::Slippery), 1.0, 0.823_529_411_8),
        (frozen_lake(&LAKE_8X8, Ice::Slippery), 0.95, 0.048_250_204_1),
        (frozen_lake(&LAKE_8X8, Ice::Rough), 1.0, 1.0),
        (cliff_walking(), 0.95, -9.733_158_334_4),
        (cliff_walking(), 1.0, -13.0),
        (taxi(), 0.95, 1.729_930_016_8),
        (windy_gridworld(Wind::Steady), 1.0, -15.0),
    ] {
        let solution = mdp.solve(gamma).unwrap();
        assert!((solution.start_value - optimum).abs() < 1e-10, "{}", solution.start_value);
        let found = mdp.evaluate(&solution.policy(), gamma).unwrap().start_value;
        assert!((found - optimum).abs() < 1e-10, "the policy is worth {found}");
    }
}

#[track_caller]
fn broken(rows: Vec<Row>, part: &str) {
    let error = TableMdp::new(2, 2, [(0, 1.0)], rows).unwrap_err().to_string();
    assert!(error.contains(part), "{error}");
}

#[test]
fn every_fault_of_a_table_is_told_with_its_place() {
    let good = || {
        vec![
            row(0, 0, 1.0, 1, 0.0),
            row(0, 1, 1.0, 0, 0.0),
            row(1, 0, 1.0, 1, 0.0),
            row(1, 1, 1.0, 1, 1.0),
        ]
    };
    assert!(TableMdp::new(2, 2, [(0, 1.0)], good()).is_ok());
    let changed = |at: usize, to: Row| {
        let mut rows = good();
        rows[at] = to;
        rows
    };
    broken(changed(1, row(0, 1, 0.9, 0, 0.0)), "state 0, action 1: the probabilities sum to 0.9");
    broken(changed(2, row(2, 0, 1.0, 1, 0.0)), "row 2 (state 2, action 0): state 2 of 2");
    broken(changed(2, row(1, 2, 1.0, 1, 0.0)), "action 2 of 2");
    broken(changed(2, row(1, 0, 1.0, 7, 0.0)), "next state 7 of 2");
    broken(
        changed(3, row(1, 1, -0.5, 1, 0.0)),
        "row 3 (state 1, action 1): -0.5 is no probability",
    );
    broken(changed(3, row(1, 1, f64::NAN, 1, 0.0)), "NaN is no probability");
    broken(changed(3, row(1, 1, 1.0, 1, f64::INFINITY)), "the reward inf is no finite number");
    broken(good()[..3].to_vec(), "state 1, action 1: there is no row");
    let twice =
        TableMdp::new(2, 2, [(0, 1.0)], vec![row(0, 0, 0.5, 9, 0.0), row(9, 0, 1.0, 0, 0.0)]);
    assert!(twice.unwrap_err().to_string().starts_with("the table has 2 faults"));
    for (initial, part) in [
        (vec![(0, 0.5)], "initial states sum to 0.5"),
        (vec![(5, 1.0)], "initial state \"5\""),
        (vec![(0, f64::NAN)], "NaN is no probability"),
        (vec![], "sum to 0"),
    ] {
        let error = TableMdp::new(2, 2, initial, good()).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    assert!(TableMdp::new(0, 2, [], []).is_err());
    assert!(TableMdp::new(usize::MAX, usize::MAX, [], []).is_err());
}

#[test]
fn json_is_read_strictly_and_written_back() {
    let lake = frozen_lake(&LAKE_4X4, Ice::Slippery);
    let text = lake.to_json();
    assert_eq!(TableMdp::from_json(&text).unwrap(), lake);
    for (from, to, part) in [
        ("\"n_states\":16", "\"n_states\":-1", "line 1 column"),
        ("\"n_actions\":4", "\"n_actions\":5", "state 0, action 4: there is no row"),
        ("\"prob\"", "\"chance\"", "transition_columns"),
        ("[0,0,", "[0,", "row 0: it has 5 cells"),
        ("[0,0,", "[0,0.5,", "row 0: a is 0.5, where a whole number from 0 is wanted"),
        ("\"0\":1.0", "\"zero\":1.0", "initial state \"zero\""),
        (",\"transitions\"", ",\"Transitions\"", "missing field `transitions`"),
        ("0.3333333333333333", "0.4", "the probabilities sum to"),
    ] {
        assert!(text.contains(from), "{text}");
        let error = TableMdp::from_json(&text.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(part), "{from} → {to}: {error}");
    }
    assert!(matches!(TableMdp::from_json("{"), Err(MdpError::Json { .. })));
}

#[test]
fn a_policy_that_never_ends_has_a_value_or_a_clear_error_at_gamma_1() {
    let cliff = cliff_walking();
    let up = Policy::of_actions(4, &[0; 48]).unwrap();
    assert_eq!(cliff.evaluate(&up, 1.0).unwrap().start_value, f64::NEG_INFINITY);
    let value = cliff.evaluate(&up, 0.5).unwrap().start_value;
    assert!((value + 2.0).abs() < 1e-12, "{value}");
    let lake = frozen_lake(&LAKE_4X4, Ice::Rough);
    assert_eq!(
        lake.evaluate(&Policy::of_actions(4, &[0; 16]).unwrap(), 1.0).unwrap().start_value,
        0.0
    );

    let swing = vec![row(0, 0, 1.0, 1, 1.0), row(1, 0, 1.0, 0, -1.0)];
    let swing = TableMdp::new(2, 1, [(0, 1.0)], swing).unwrap();
    let policy = Policy::of_actions(1, &[0, 0]).unwrap();
    assert!(matches!(swing.evaluate(&policy, 1.0), Err(MdpError::Undefined { .. })));
    let purse = TableMdp::new(1, 1, [(0, 1.0)], [row(0, 0, 1.0, 0, 1.0)]).unwrap();
    assert!(matches!(purse.solve(1.0), Err(MdpError::Unsettled { .. })));
    assert!((purse.solve(0.9).unwrap().start_value - 10.0).abs() < 1e-9);
    assert!(matches!(purse.solve(1.1), Err(MdpError::Gamma { .. })));
    assert!(purse.evaluate(&up, 0.9).is_err());
}

#[test]
fn a_walk_draws_by_the_probabilities_of_the_table() {
    let shares = [0.5, 0.2, 0.1, 0.05, 0.05, 0.03, 0.03, 0.02, 0.01, 0.01];
    let rows = shares.iter().enumerate().flat_map(|(next, &share)| {
        [
            row(0, 0, share, next, 0.0),
            row(next.max(1), 0, if next == 0 { 0.0 } else { 1.0 }, 0, 0.0),
        ]
    });
    let mdp = TableMdp::new(10, 1, [(0, 1.0)], rows).unwrap();
    let mut stream = Seed(1).fast_stream();
    let mut counts = [0_u32; 10];
    let draws = 100_000;
    for _ in 0..draws {
        counts[mdp.environment().step(0, &mut stream).next] += 1;
    }
    for (count, share) in counts.iter().zip(shares) {
        let found = f64::from(*count) / f64::from(draws);
        assert!((found - share).abs() < 5.0 * (share / f64::from(draws)).sqrt(), "{counts:?}");
    }
}

#[test]
fn actions_that_count_as_equally_good_cost_their_difference() {
    // At 0.99 the state is worth 200, and 1.5e-9 is less than 1e-11 of that.
    let rows = vec![row(0, 0, 1.0, 0, 2.0), row(0, 1, 1.0, 0, 2.0 - 1.5e-9)];
    let mdp = TableMdp::new(1, 2, [(0, 1.0)], rows).unwrap();
    let solution = mdp.solve(0.99).unwrap();
    assert_eq!(solution.best_actions(0), [0, 1]);
    let found = mdp.evaluate(&solution.policy(), 0.99).unwrap().start_value;
    // Half of the steps lose it, and a hundred steps count.
    let lost = solution.start_value - found;
    assert!((lost - 0.75e-7).abs() < 1e-9, "{lost:e}");
}

/// The size of the greatest reward of a [`table`].
const REWARD_MAX: f64 = 2.0;

/// Small tables with ends, losses and gains.
fn table() -> impl Strategy<Value = TableMdp> {
    (2..7_usize, 1..4_usize, any::<u64>()).prop_map(|(states, actions, seed)| {
        let mut stream = Seed(seed).fast_stream();
        let mut rows = Vec::new();
        for state in 0..states {
            for action in 0..actions {
                let share = stream.unit();
                for probability in [share, 1.0 - share] {
                    rows.push(Row {
                        state,
                        action,
                        probability,
                        next: stream.below(states),
                        reward: stream.between(-1.0, REWARD_MAX),
                        terminal: stream.chance(0.2),
                    });
                }
            }
        }
        TableMdp::new(states, actions, [(0, 1.0)], rows).unwrap()
    })
}

proptest! {
    #[test]
    fn no_policy_beats_the_solution_and_its_own_policy_reaches_it(
        mdp in table(), gamma in 0.0..0.99_f64, seed: u64,
    ) {
        let solution = mdp.solve(gamma).unwrap();
        // So many steps count, and no value is larger than that many rewards. Sweeps end at 1e-14 of the greatest value, a sum or an
        // elimination over six states rounds by some units of 1.1e-16, and each step adds as much again: together less than 1e-13.
        let steps = 1.0 / (1.0 - gamma);
        let rounding = 1e-13 * REWARD_MAX * steps * steps;
        // Actions within 1e-11 of the greatest value count as equally good: a step of the policy may lose that much.
        let greatest = solution.values.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
        let ties = 1e-11 * greatest * steps;
        let found = mdp.evaluate(&solution.policy(), gamma).unwrap();
        let lost = solution.start_value - found.start_value;
        prop_assert!((-rounding..=ties + rounding).contains(&lost), "{lost:e}");
        let mut stream = Seed(seed).fast_stream();
        let chosen: Vec<usize> = (0..mdp.states()).map(|_| stream.below(mdp.actions())).collect();
        let other = mdp.evaluate(&Policy::of_actions(mdp.actions(), &chosen).unwrap(), gamma).unwrap();
        for (other, best) in other.values.iter().zip(&solution.values) {
            prop_assert!(*other <= best + rounding);
        }
    }

    #[test]
    fn a_table_is_read_as_it_was_written(mdp in table()) {
        prop_assert_eq!(TableMdp::from_json(&mdp.to_json()).unwrap(), mdp);
    }
}
