//! Q-learning solves a slippery lake, breaks its ties at random, and never expects anything of an end.

use orchestrator_core::{Seed, Stream};
use orchestrator_rl::{
    Environment, Motive, QConfig, QLearning, QTable, Rewarded, RlError, Step, StopReason, Training,
    Transition, reward_fn,
};
use proptest::prelude::*;

/// The 4 by 4 frozen lake of Gymnasium: an action goes its way or to either side of it, a third each.
const LAKE: [&[u8]; 4] = [b"SFFF", b"FHFH", b"FFFH", b"HFFG"];
const GAMMA: f64 = 0.95;
const SEEDS: u64 = 5;

fn tile(state: usize) -> u8 {
    LAKE[state / 4][state % 4]
}

fn moved(state: usize, way: usize) -> usize {
    let (row, column) = (state / 4, state % 4);
    match way % 4 {
        0 => row * 4 + column.saturating_sub(1),
        1 => (row + 1).min(3) * 4 + column,
        2 => row * 4 + (column + 1).min(3),
        _ => row.saturating_sub(1) * 4 + column,
    }
}

struct FrozenLake {
    at: usize,
}

impl Environment for FrozenLake {
    type State = usize;

    fn actions(&self) -> usize {
        4
    }

    fn reset(&mut self, _: &mut Stream) -> usize {
        self.at = 0;
        0
    }

    fn step(&mut self, action: usize, stream: &mut Stream) -> Step<usize> {
        self.at = moved(self.at, action + 3 + stream.below(3));
        let reward = if tile(self.at) == b'G' { 1.0 } else { 0.0 };
        Step { next: self.at, reward, terminal: b"GH".contains(&tile(self.at)) }
    }
}

/// The expected value of an action, given the values of the states.
fn expected(values: &[f64; 16], state: usize, action: usize) -> f64 {
    (0..3)
        .map(|slip| {
            let next = moved(state, action + 3 + slip);
            match tile(next) {
                b'G' => 1.0 / 3.0,
                b'H' => 0.0,
                _ => GAMMA * values[next] / 3.0,
            }
        })
        .sum()
}

/// The value of the start under a choice of action values: the maximum for the optimum, the mean over a policy's actions.
fn value_of_start(backup: impl Fn(&[f64; 16], usize) -> f64) -> f64 {
    let mut values = [0.0; 16];
    for _ in 0..2000 {
        for state in (0..16).filter(|&state| !b"GH".contains(&tile(state))) {
            values[state] = backup(&values, state);
        }
    }
    values[0]
}

#[test]
fn it_comes_near_the_optimum_of_a_slippery_lake() {
    let optimum = value_of_start(|values, state| {
        (0..4).map(|action| expected(values, state, action)).fold(0.0, f64::max)
    });
    assert!((optimum - 0.180_471_578_4).abs() < 1e-9, "{optimum}");
    let config = QConfig {
        alpha: 0.02,
        epsilon: 0.5,
        episodes_max: 10000,
        steps: 100,
        converged_td: None,
        ..QConfig::documents()
    };
    let mut values: Vec<f64> = (0..SEEDS)
        .map(|seed| {
            let mut training = Training::new(config.clone(), 4, Seed(seed)).unwrap();
            training.run(&mut FrozenLake { at: 0 }).unwrap();
            let table = training.into_table();
            value_of_start(|values, state| {
                let greedy = table.greedy(&state);
                let sum: f64 = greedy.iter().map(|&action| expected(values, state, action)).sum();
                sum / greedy.len() as f64
            })
        })
        .collect();
    values.sort_by(f64::total_cmp);
    assert!(values[SEEDS as usize / 2] >= 0.995 * optimum, "{values:?} of {optimum}");
    assert!(values[0] >= 0.95 * optimum, "{values:?} of {optimum}");
}

#[test]
fn ties_are_broken_at_random_and_by_the_seed() {
    let rule = QLearning { alpha: 0.1, gamma: GAMMA, epsilon: 0.0 };
    let table = QTable::new(4);
    let draw = |seed| -> Vec<usize> {
        let mut stream = Seed(seed).stream();
        (0..400).map(|_| rule.choose(&table, &0_u8, &mut stream).action).collect()
    };
    for action in 0..4 {
        let count = draw(1).iter().filter(|&&drawn| drawn == action).count();
        assert!((70..=130).contains(&count), "action {action}: {count} of 400");
    }
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn exploration_has_the_share_it_was_given() {
    let rule = QLearning { alpha: 0.1, gamma: GAMMA, epsilon: 0.2 };
    let mut table = QTable::new(3);
    table.record(&0_u8, 1, 1.0);
    let mut stream = Seed(8).stream();
    let choices: Vec<_> = (0..5000).map(|_| rule.choose(&table, &0, &mut stream)).collect();
    let exploring = choices.iter().filter(|c| c.motive == Motive::Exploring).count();
    assert!((900..=1100).contains(&exploring), "{exploring} of 5000");
    assert!(choices.iter().all(|c| c.motive == Motive::Exploring || c.action == 1));
}

#[test]
fn the_end_of_an_episode_promises_nothing() {
    let rule = QLearning { alpha: 1.0, gamma: 0.9, epsilon: 0.0 };
    let mut table = QTable::new(1);
    table.record(&"end", 0, 100.0);
    rule.learn(&mut table, &"before", 0, 1.0, None).unwrap();
    assert_eq!(table.value(&"before", 0), 1.0);
    rule.learn(&mut table, &"before", 0, 1.0, Some(&"end")).unwrap();
    assert_eq!(table.value(&"before", 0), 91.0);
}

#[test]
fn a_reward_that_is_no_number_is_refused_and_not_learned() {
    let rule = QLearning { alpha: 0.5, gamma: 0.9, epsilon: 0.0 };
    let mut table = QTable::new(2);
    for reward in [f64::NAN, f64::INFINITY] {
        let error = rule.learn(&mut table, &0_u8, 0, reward, Some(&1)).unwrap_err();
        assert!(matches!(error, RlError::Reward { action: 0, .. }), "{error}");
    }
    let error = rule.learn(&mut table, &0, 2, 1.0, Some(&1)).unwrap_err();
    assert_eq!(error, RlError::NoAction { action: 2, count: 2 });
    assert!(table.is_empty());
}

#[test]
fn a_reward_function_replaces_the_environments_own() {
    let punished = reward_fn(|step: &Transition<'_, usize>| {
        step.context.own - if step.terminal && step.context.own == 0.0 { 1.0 } else { 0.0 }
    });
    let mut lake = Rewarded::new(FrozenLake { at: 0 }, punished);
    let config = QConfig { steps: 100, converged_td: None, ..QConfig::documents() };
    let mut training = Training::new(config, 4, Seed(1)).unwrap();
    training.run(&mut lake).unwrap();
    assert!(training.episodes().iter().any(|row| row.reward == -1.0));
}

#[test]
fn a_training_goes_on_while_it_has_not_converged_and_stops_when_it_has() {
    struct Payout;
    impl Environment for Payout {
        type State = ();
        fn actions(&self) -> usize {
            1
        }
        fn reset(&mut self, _: &mut Stream) {}
        fn step(&mut self, _: usize, _: &mut Stream) -> Step<()> {
            Step { next: (), reward: 1.0, terminal: true }
        }
    }
    let config = QConfig::documents();
    let mut training = Training::new(config.clone(), 1, Seed(1)).unwrap();
    assert_eq!(training.run(&mut Payout).unwrap(), StopReason::Converged);
    assert!((16..100).contains(&training.episodes().len()), "{}", training.episodes().len());
    assert_eq!(training.episode(&mut Payout).unwrap_err(), RlError::Ended);

    let slow = QConfig { alpha: 0.001, ..config };
    let mut training = Training::new(slow, 1, Seed(1)).unwrap();
    assert_eq!(training.run(&mut Payout).unwrap(), StopReason::EpisodesUsedUp);
    assert_eq!(training.episodes().len(), 100);
}

#[test]
fn settings_out_of_range_and_foreign_tables_are_refused() {
    for (config, name) in [
        (QConfig { alpha: 0.0, ..QConfig::documents() }, "alpha"),
        (QConfig { gamma: 1.1, ..QConfig::documents() }, "gamma"),
        (QConfig { epsilon: f64::NAN, ..QConfig::documents() }, "epsilon"),
        (QConfig { episodes_min: 101, ..QConfig::documents() }, "episodes_min"),
        (QConfig { steps: 0, ..QConfig::documents() }, "steps"),
    ] {
        let error = Training::<u8>::new(config, 2, Seed(1)).unwrap_err().to_string();
        assert!(error.starts_with(name), "{error}");
    }
    assert!(Training::<u8>::new(QConfig::documents(), 0, Seed(1)).is_err());
    let mut training = Training::new(QConfig::documents(), 3, Seed(1)).unwrap();
    let error = training.episode(&mut FrozenLake { at: 0 }).unwrap_err();
    assert_eq!(error, RlError::Actions { wanted: 3, found: 4 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn values_stay_within_what_rewards_allow_and_the_seed_decides(seed: u64) {
        let run = |seed| {
            let config = QConfig { steps: 30, episodes_max: 60, ..QConfig::documents() };
            let mut training = Training::new(config, 4, Seed(seed)).unwrap();
            training.run(&mut FrozenLake { at: 0 }).unwrap();
            training.into_table()
        };
        let table = run(seed);
        for state in table.states() {
            for action in 0..4 {
                prop_assert!((0.0..=1.0).contains(&table.value(state, action)));
            }
            prop_assert!(!b"GH".contains(&tile(*state)));
        }
        prop_assert_eq!(run(seed), table);
    }
}
