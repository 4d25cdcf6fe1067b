//! What was measured of a training says whether it is well, and what ails it; of a healthy one it says nothing.

use orchestrator_core::{ParameterSpace, Seed};
use orchestrator_rl::mdp::{Row, TableMdp};
use orchestrator_rl::worlds::{Ice, LAKE_4X4, LAKE_8X8, cliff_walking, frozen_lake};
use orchestrator_rl::{
    Check, Dense, Exploration, Finding, Method, Monitor, RlConfig, Round, Scaling, Schedule, Trace,
    Training, TuneEnvironment, diagnose, diagnose_training, tune_scaled, verify_training,
};

/// A training over so many rounds of so many steps, and what was measured of it.
fn watched(
    world: &TableMdp,
    config: &RlConfig,
    (rounds, steps): (usize, u64),
    seed: u64,
) -> (Training<Dense>, Vec<Round>) {
    let mut training =
        Training::dense(config.clone(), world.states(), world.actions(), Seed(seed)).unwrap();
    let (mut environment, mut monitor) = (world.environment(), Monitor::new());
    for _ in 0..rounds {
        training.run_steps(&mut environment, steps).unwrap();
        monitor.look(&training);
    }
    (training, monitor.into_rounds())
}

fn textbook() -> RlConfig {
    RlConfig::textbook(Method::QLearning, 0.5, 0.1, 1.0)
}

fn failed(checks: Vec<Check>) -> Vec<Check> {
    checks.into_iter().filter(|check| !check.passed).collect()
}

#[test]
fn a_healthy_training_passes_every_line_and_gets_no_advice() {
    for seed in 0..10 {
        let (training, rounds) = watched(&cliff_walking(), &textbook(), (20, 5_000), seed);
        assert_eq!(failed(verify_training(&training, &rounds)), [], "seed {seed}");
        assert_eq!(diagnose_training(&training, &rounds), [], "seed {seed}");
    }
}

#[test]
fn each_line_can_fail_by_itself() {
    let (training, good) = watched(&cliff_walking(), &textbook(), (20, 5_000), 1);
    let fails = |name: &str, change: &dyn Fn(usize, &mut Round)| {
        let mut bad = good.clone();
        bad.iter_mut().enumerate().for_each(|(at, round)| change(at, round));
        let failed = failed(verify_training(&training, &bad));
        assert_eq!(failed.len(), 1, "{name}: {failed:?}");
        assert!(failed[0].name.contains(name), "{name}: {failed:?}");
    };
    fails("converging", &|at, round| round.td_error = at as f64);
    fails("rewards", &|at, round| round.reward = -(at as f64));
    fails("balanced", &|_, round| round.explored = 0.9);
    fails("balanced", &|_, round| round.explored = 0.001);
    fails("policy settled", &|_, round| round.churn = Some(0.3));
    fails("visits cover", &|_, round| round.coverage = 0.4);
    // One look is none to compare with, and none proves nothing.
    let first = failed(verify_training(&training, &good[..1]));
    assert!(first.iter().any(|check| check.name == "policy settled"), "{first:?}");
    let none: Vec<String> =
        failed(verify_training(&training, &[])).into_iter().map(|check| check.name).collect();
    assert_eq!(none.len(), 3, "{none:?}");
}

#[test]
fn a_monitor_measures_what_the_episodes_were() {
    let cliff = cliff_walking();
    let mut training =
        Training::dense(textbook(), cliff.states(), cliff.actions(), Seed(4)).unwrap();
    let mut monitor = Monitor::new();
    assert_eq!(monitor.look(&training), None);
    let mut environment = cliff.environment();
    for _ in 0..3 {
        training.episode(&mut environment).unwrap();
    }
    let first = monitor.look(&training).unwrap();
    // No episode has ended since.
    assert_eq!(monitor.look(&training), None);
    for _ in 0..5 {
        training.episode(&mut environment).unwrap();
    }
    let second = monitor.look(&training).unwrap();
    let rows = &training.episodes()[3..];
    let steps: u32 = rows.iter().map(|row| row.steps).sum();
    assert_eq!((first.episodes, second.episodes), (3, 8));
    assert_eq!(second.steps - first.steps, u64::from(steps));
    let mean =
        |of: &dyn Fn(&orchestrator_rl::Episode) -> f64| rows.iter().map(of).sum::<f64>() / 5.0;
    assert!((second.reward - mean(&|row| row.reward)).abs() < 1e-9);
    assert!((second.td_error - mean(&|row| row.td_error)).abs() < 1e-12);
    let explored: u32 = rows.iter().map(|row| row.explored).sum();
    assert_eq!(second.explored, f64::from(explored) / f64::from(steps));
    let known: Vec<usize> = training.table().states().collect();
    let tried = known.iter().flat_map(|state| (0..4).map(move |action| (state, action)));
    let tried = tried.filter(|(state, action)| training.table().visits(state, *action) > 0).count();
    assert_eq!(second.coverage, tried as f64 / (4 * known.len()) as f64);
    assert_eq!(first.churn, None);
    assert!(second.churn.is_some());
    assert_eq!(monitor.rounds(), [first, second]);
}

#[test]
fn steps_that_overwrite_what_was_learned_are_found_and_smaller_ones_mend_it() {
    let lake = frozen_lake(&LAKE_4X4, Ice::Slippery);
    let rough = RlConfig { gamma: 0.95, exploration: Exploration::epsilon(0.3), ..textbook() };
    let alpha = |alpha| RlConfig { alpha, ..rough.clone() };
    let calm = Schedule::Visits { scale: 1.0, omega: 0.77, least: 0.0 };
    for seed in 0..10 {
        let (training, rounds) = watched(&lake, &alpha(1.0.into()), (20, 5_000), seed);
        let findings = diagnose_training(&training, &rounds);
        assert!(
            matches!(findings[..], [Finding::Churning { alpha: 1.0, .. }]),
            "seed {seed}: {findings:?}, {:?}",
            rounds.last()
        );
        assert!(findings[0].to_string().contains("lower alpha to 0.1"), "{}", findings[0]);
        let (training, rounds) = watched(&lake, &alpha(calm), (20, 20_000), seed);
        assert_eq!(diagnose_training(&training, &rounds), [], "seed {seed} {:?}", rounds.last());
        assert!(rounds[19].churn <= Some(0.1), "seed {seed}: {:?}", rounds[19]);
    }
}

#[test]
fn values_that_run_away_are_found() {
    // Nine in ten steps stay where they are: a trace that only adds gets long, and with it a step goes too far.
    let row = |probability, next, terminal| Row {
        state: 0,
        action: 0,
        probability,
        next,
        reward: -1.0,
        terminal,
    };
    let end = Row { state: 1, reward: 0.0, ..row(1.0, 1, true) };
    let rows = [row(0.9, 0, false), row(0.1, 1, true), end];
    let waiting = TableMdp::new(2, 1, [(0, 1.0)], rows).unwrap();
    let config = |trace| RlConfig::textbook(Method::QLambda { lambda: 1.0, trace }, 1.0, 0.0, 0.9);
    // The value swings, and is within what can be had at times: so it is looked at often.
    let found = |trace, seed| {
        let mut training = Training::dense(config(trace), 2, 1, Seed(seed)).unwrap();
        let mut environment = waiting.environment();
        let looks = (0..60).filter(|_| {
            training.run_steps(&mut environment, 10).unwrap();
            let findings = diagnose_training(&training, &[]);
            if let Some(Finding::Overshooting { value, bound }) = findings.first() {
                assert!((bound - 10.0).abs() < 1e-9 && value.abs() > *bound, "seed {seed}");
            }
            !findings.is_empty()
        });
        looks.count()
    };
    for seed in 0..10 {
        assert!(found(Trace::Accumulating, seed) > 10, "seed {seed}");
        assert_eq!(found(Trace::Replacing, seed), 0, "seed {seed}");
    }
}

#[test]
fn errors_that_grow_beyond_every_reward_are_found() {
    let (training, good) = watched(&cliff_walking(), &textbook(), (20, 5_000), 1);
    let grown = |scale: f64| {
        let mut rounds = good.clone();
        rounds.iter_mut().enumerate().for_each(|(at, round)| round.td_error = scale * at as f64);
        diagnose_training(&training, &rounds)
    };
    let findings = grown(20.0);
    assert!(matches!(findings[..], [Finding::Diverging { .. }]), "{findings:?}");
    assert!(
        findings[0].to_string().contains("the values run away: lower alpha"),
        "{}",
        findings[0]
    );
    // Growth within the greatest reward, 100 here, is what a first fall into the cliff does.
    assert_eq!(grown(2.0), []);
}

#[test]
fn an_agent_that_tries_nothing_new_is_told_to() {
    // Whatever is not known is feared, so that the first thing tried is done for ever.
    let shy = RlConfig {
        initial: -1e4,
        exploration: Exploration::epsilon(0.001),
        steps: 100,
        gamma: 0.95,
        ..textbook()
    };
    let (training, rounds) = watched(&cliff_walking(), &shy, (20, 1_000), 1);
    let findings = diagnose_training(&training, &rounds);
    assert!(matches!(findings[..], [Finding::ExplorationTooLow { .. }]), "{findings:?}");
    assert!(failed(verify_training(&training, &rounds)).iter().any(|c| c.name.contains("cover")));
}

#[test]
fn where_nothing_is_paid_that_is_said() {
    let lake = frozen_lake(&LAKE_8X8, Ice::Slippery);
    let (training, rounds) = watched(&lake, &textbook(), (4, 50), 1);
    let findings = diagnose_training(&training, &rounds);
    assert_eq!(findings, [Finding::NoReward { steps: 200 }]);

    let space = ParameterSpace::uniform(2, 0.0, 1.0).unwrap();
    let tuned = |objective: fn(&[f64]) -> f64, share| {
        let region = space.around(&[0.5, 0.5], share).unwrap();
        let config = RlConfig { converged_td: None, ..RlConfig::documents() };
        let mut environment =
            TuneEnvironment::new(&space, &region, &[0.5, 0.5], objective).unwrap();
        let count = environment.action_count();
        let mut training = Training::hashed(config.clone(), count, Seed(2)).unwrap();
        let result = tune_scaled(&mut environment, &mut training, Scaling::default()).unwrap();
        diagnose(&result, &config)
    };
    let flat = tuned(|_| 2.0, 0.5);
    assert!(matches!(flat[..], [Finding::NoReward { .. }]), "{flat:?}");
    let cut = tuned(|x| x[0], 0.2);
    let named = |finding: &Finding| matches!(finding, Finding::AtTheEdge { parameters } if parameters == &["x0"]);
    assert!(cut.iter().any(named), "{cut:?}");
    let free = tuned(|x| -(x[0] - 0.55).abs(), 0.5);
    assert!(!free.iter().any(|finding| matches!(finding, Finding::AtTheEdge { .. })), "{free:?}");
}
