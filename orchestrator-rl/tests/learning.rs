//! Learning step by step: choices, refusals, ends of episodes, ends of trainings.

use orchestrator_core::{FastStream, Seed};
use orchestrator_rl::worlds::{Ice, LAKE_4X4, frozen_lake};
use orchestrator_rl::{
    Environment, Exploration, Method, Motive, QTable, Rewarded, RlConfig, RlError, Schedule, Step,
    StopReason, Training, Transition, reward_fn,
};

/// What is never a value: always the same number of actions, and one state.
struct Payout;

impl Environment for Payout {
    type State = ();

    fn actions(&self) -> usize {
        1
    }

    fn reset(&mut self, _: &mut FastStream) {}

    fn step(&mut self, _: usize, _: &mut FastStream) -> Step<()> {
        Step { next: (), reward: 1.0, terminal: true }
    }
}

fn q_learning(exploration: Exploration, alpha: f64, gamma: f64) -> RlConfig {
    RlConfig {
        method: Method::QLearning,
        alpha: alpha.into(),
        gamma,
        exploration,
        ..RlConfig::default()
    }
}

#[test]
fn ties_are_broken_at_random_and_by_the_seed() {
    let draw = |seed| -> Vec<usize> {
        let config = q_learning(Exploration::Greedy, 0.1, 0.95);
        let mut training = Training::hashed(config, 4, Seed(seed)).unwrap();
        (0..400).map(|_| training.choose(&0_u8).unwrap().action).collect()
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
    let mut table = QTable::hashed(3);
    table.record(&0_u8, 1, 1.0).unwrap();
    let config = q_learning(Exploration::epsilon(0.2), 0.1, 0.95);
    let mut training = Training::from_table(config, table, Seed(8)).unwrap();
    let choices: Vec<_> = (0..5000).map(|_| training.choose(&0).unwrap()).collect();
    let exploring = choices.iter().filter(|c| c.motive == Motive::Exploring).count();
    assert!((900..=1100).contains(&exploring), "{exploring} of 5000");
    assert!(choices.iter().all(|c| c.motive == Motive::Exploring || c.action == 1));
}

#[test]
fn softmax_draws_in_proportion_and_ucb_tries_what_it_knows_least() {
    let table = || {
        let mut table = QTable::hashed(3);
        for (action, value) in [(0, 0.0), (1, 2.0_f64.ln()), (1, 2.0_f64.ln())] {
            table.record(&0_u8, action, value).unwrap();
        }
        table
    };
    let softmax = Exploration::Softmax { temperature: 1.0.into() };
    let mut training =
        Training::from_table(q_learning(softmax, 0.1, 0.9), table(), Seed(3)).unwrap();
    let drawn: Vec<usize> = (0..8000).map(|_| training.choose(&0).unwrap().action).collect();
    // Weights 1, 2 and 1.
    for (action, wanted) in [(0, 2000), (1, 4000), (2, 2000)] {
        let count = drawn.iter().filter(|&&a| a == action).count();
        assert!(count.abs_diff(wanted) < 200, "action {action}: {count}");
    }
    let ucb = Exploration::Ucb1 { c: 0.1 };
    let mut training = Training::from_table(q_learning(ucb, 0.1, 0.9), table(), Seed(3)).unwrap();
    let choice = training.choose(&0).unwrap();
    assert_eq!((choice.action, choice.motive), (2, Motive::Exploring), "never tried");
    training.learn(&0, 2, -50.0, None).unwrap();
    let choice = training.choose(&0).unwrap();
    assert_eq!((choice.action, choice.motive), (1, Motive::Greedy));
}

#[test]
fn an_optimistic_start_makes_a_greedy_agent_try_everything() {
    let tried = |initial| {
        let config = RlConfig { initial, ..q_learning(Exploration::Greedy, 0.5, 0.9) };
        let mut training = Training::hashed(config, 10, Seed(5)).unwrap();
        for _ in 0..40 {
            let action = training.choose(&()).unwrap().action;
            training.learn(&(), action, 0.5, None).unwrap();
        }
        (0..10).filter(|&action| training.table().visits(&(), action) > 0).count()
    };
    assert_eq!((tried(0.0), tried(5.0)), (1, 10));
}

#[test]
fn the_end_of_an_episode_promises_nothing_whatever_the_method() {
    let methods = [
        Method::QLearning,
        Method::Sarsa,
        Method::ExpectedSarsa,
        Method::DoubleQ,
        Method::NStep { n: 1 },
        Method::QLambda { lambda: 0.5, trace: Default::default() },
        Method::MonteCarlo { visit: Default::default() },
        Method::DynaQ { planning: 0 },
        Method::PrioritizedSweeping { backups: 5, threshold: 0.0, optimism: 0.0 },
    ];
    for method in methods {
        let config = RlConfig { method, ..q_learning(Exploration::Greedy, 1.0, 0.9) };
        // Double Q has two tables to fill.
        let config = RlConfig { initial: 0.0, ..config };
        let mut training = Training::hashed(config, 1, Seed(1)).unwrap();
        for _ in 0..30 {
            training.learn(&"end", 0, 100.0, None).unwrap();
        }
        assert_eq!(training.table().value(&"end", 0), 100.0, "{method:?}");
        for _ in 0..30 {
            training.learn(&"before", 0, 1.0, None).unwrap();
        }
        assert_eq!(training.table().value(&"before", 0), 1.0, "{method:?}");
        if !matches!(method, Method::MonteCarlo { .. } | Method::PrioritizedSweeping { .. }) {
            for _ in 0..30 {
                training.learn(&"before", 0, 1.0, Some(&"end")).unwrap();
                training.end_episode();
            }
            assert_eq!(training.table().value(&"before", 0), 91.0, "{method:?}");
        }
    }
}

#[test]
fn a_reward_that_is_no_number_is_refused_and_not_learned() {
    for method in [
        Method::QLearning,
        Method::DoubleQ,
        Method::NStep { n: 3 },
        Method::QLambda { lambda: 0.9, trace: Default::default() },
        Method::MonteCarlo { visit: Default::default() },
        Method::DynaQ { planning: 3 },
        Method::default(),
    ] {
        let config = RlConfig { method, ..RlConfig::default() };
        let mut training = Training::hashed(config, 2, Seed(1)).unwrap();
        for reward in [f64::NAN, f64::INFINITY] {
            let error = training.learn(&0_u8, 0, reward, Some(&1)).unwrap_err();
            assert!(matches!(error, RlError::Reward { action: 0, .. }), "{method:?}: {error}");
        }
        let error = training.learn(&0, 2, 1.0, Some(&1)).unwrap_err();
        assert_eq!(error, RlError::NoAction { action: 2, count: 2 });
        assert!(training.table().is_empty());
        assert_eq!(training.steps(), 0);
    }
}

#[test]
fn a_reward_function_replaces_the_environments_own() {
    let mdp = frozen_lake(&LAKE_4X4, Ice::Slippery);
    let punished = reward_fn(|step: &Transition<'_, usize>| {
        step.context.own - if step.terminal && step.context.own == 0.0 { 1.0 } else { 0.0 }
    });
    let mut lake = Rewarded::new(mdp.environment(), punished);
    let config = RlConfig { steps: 100, converged_td: None, ..RlConfig::documents() };
    let mut training = Training::dense(config, 16, 4, Seed(1)).unwrap();
    training.run(&mut lake).unwrap();
    assert!(training.episodes().iter().any(|row| row.reward == -1.0));
}

#[test]
fn a_training_goes_on_while_it_has_not_converged_and_stops_when_it_has() {
    let config = RlConfig::documents();
    let mut training = Training::hashed(config.clone(), 1, Seed(1)).unwrap();
    assert_eq!(training.run(&mut Payout).unwrap(), StopReason::Converged);
    assert!((16..100).contains(&training.episodes().len()), "{}", training.episodes().len());
    assert_eq!(training.episode(&mut Payout).unwrap_err(), RlError::Ended);

    let slow = RlConfig { alpha: 0.001.into(), ..config };
    let mut training = Training::hashed(slow, 1, Seed(1)).unwrap();
    assert_eq!(training.run(&mut Payout).unwrap(), StopReason::EpisodesUsedUp);
    assert_eq!(training.episodes().len(), 100);
}

#[test]
fn settings_out_of_range_and_foreign_tables_are_refused() {
    let documents = RlConfig::documents;
    let epsilon = Schedule::Linear { from: 1.0, to: 1.5, steps: 10 };
    for (config, name) in [
        (RlConfig { alpha: 0.0.into(), ..documents() }, "alpha"),
        (RlConfig { gamma: 1.1, ..documents() }, "gamma"),
        (RlConfig { exploration: Exploration::epsilon(f64::NAN), ..documents() }, "epsilon"),
        (
            RlConfig { exploration: Exploration::EpsilonGreedy { epsilon }, ..documents() },
            "epsilon",
        ),
        (
            RlConfig {
                exploration: Exploration::Softmax { temperature: 0.0.into() },
                ..documents()
            },
            "temperature",
        ),
        (RlConfig { method: Method::NStep { n: 0 }, ..documents() }, "n "),
        (RlConfig { initial: f64::INFINITY, ..documents() }, "initial"),
        (RlConfig { episodes_min: 101, ..documents() }, "episodes_min"),
        (RlConfig { steps: 0, ..documents() }, "steps"),
    ] {
        let error = Training::dense(config, 2, 2, Seed(1)).unwrap_err().to_string();
        assert!(error.starts_with(name), "{error}");
    }
    assert!(Training::dense(documents(), 2, 0, Seed(1)).is_err());
    assert!(Training::dense(documents(), 0, 2, Seed(1)).is_err());
    let mdp = frozen_lake(&LAKE_4X4, Ice::Slippery);
    let mut training = Training::dense(documents(), 16, 3, Seed(1)).unwrap();
    let error = training.episode(&mut mdp.environment()).unwrap_err();
    assert_eq!(error, RlError::Actions { wanted: 3, found: 4 });
    let mut small = Training::dense(documents(), 2, 4, Seed(1)).unwrap();
    let error = small.run_steps(&mut mdp.environment(), 10_000).unwrap_err();
    assert!(matches!(error, RlError::NoState { count: 2, .. }), "{error}");
}
