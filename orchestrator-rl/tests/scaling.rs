//! A run goes on while it finds something, stops when it does not, and never spends more than its budget or leaves its region.

use std::cell::Cell;

use orchestrator_core::{ParameterSpace, Parameters, Payload, Seed};
use orchestrator_rl::{
    Environment, Grid, Pace, QTable, RlConfig, RlError, Scaling, StopReason, Tiles, Training,
    TuneConfig, TuneEnvironment, TuneResult, tune_scaled,
};
use proptest::prelude::*;

fn space() -> ParameterSpace {
    Parameters::space(["complexity", "nulls", "size"], ["layer_0", "layer_1"])
}

/// Greatest (0) where all weights are 0.7 and the temperature is 1.
fn objective(x: &[f64]) -> f64 {
    -x[..3].iter().map(|w| (w - 0.7).abs()).sum::<f64>() - (x[5] - 1.0).abs()
}

const NEAR: [f64; 6] = [0.75, 0.66, 0.8, 0.0, 0.1, 1.1];
const FAR: [f64; 6] = [1.5, 1.9, 0.2, 0.0, 0.1, 1.8];

/// The documents' settings with this budget, without the end by small errors.
fn budget(episodes_max: u32) -> RlConfig {
    RlConfig { episodes_max, converged_td: None, ..RlConfig::documents() }
}

fn scaled(config: RlConfig, scaling: Scaling, start: &[f64], seed: u64) -> TuneResult {
    let mut environment = TuneEnvironment::new(&space(), &space(), start, objective).unwrap();
    let mut training = Training::hashed(config, environment.action_count(), Seed(seed)).unwrap();
    tune_scaled(&mut environment, &mut training, scaling).unwrap()
}

#[test]
fn a_run_is_as_long_as_its_way_and_stops_when_it_has_arrived() {
    let (mut near, mut far, mut short) = (0, 0, 0.0);
    for seed in 0..20 {
        let close = scaled(budget(1000), Scaling::default(), &NEAR, seed);
        let distant = scaled(budget(1000), Scaling::default(), &FAR, seed);
        for result in [&close, &distant] {
            assert_eq!(result.stop, StopReason::Settled, "seed {seed}");
            assert!(result.objective_end > -0.05, "seed {seed}: {}", result.objective_end);
        }
        near += close.episodes;
        far += distant.episodes;
        short += scaled(budget(100), Scaling::default(), &FAR, seed).objective_end
            - distant.objective_end;
    }
    // Medians of 140 and 300 episodes.
    assert!(near / 20 < 180 && far / 20 > 240 && far / 20 < 400, "{near} {far}");
    assert!(short / 20.0 < -0.4, "a hundred episodes are too few from afar: {short}");
}

#[test]
fn the_budget_and_the_least_number_of_episodes_hold() {
    let result = scaled(budget(35), Scaling::default(), &FAR, 1);
    assert_eq!((result.episodes, result.stop), (35, StopReason::EpisodesUsedUp));
    // The last round is the shorter one.
    let ends: Vec<u32> = result.rounds.iter().map(|round| round.episodes).collect();
    assert_eq!(ends, [10, 20, 30, 35]);
    let patient = RlConfig { episodes_min: 300, ..budget(1000) };
    assert!(scaled(patient, Scaling::default(), &NEAR, 1).episodes >= 300);
}

#[test]
fn small_errors_end_it_first_where_that_is_asked_for() {
    let config = RlConfig { converged_td: Some(1.0), episodes_max: 1000, ..RlConfig::documents() };
    let result = scaled(config, Scaling::default(), &FAR, 1);
    assert_eq!(result.stop, StopReason::Converged);
    assert!(result.episodes < 30);
}

#[test]
fn the_rounds_say_why_it_stopped() {
    let scaling = Scaling { round: 8, calm_rounds: 2, churn_max: 0.05 };
    for seed in 0..10 {
        let result = scaled(budget(1000), scaling, &NEAR, seed);
        assert_eq!(result.stop, StopReason::Settled);
        let rounds = &result.rounds;
        assert_eq!(rounds.last().unwrap().episodes, result.episodes);
        assert!(rounds.windows(2).all(|pair| pair[0].episodes + 8 == pair[1].episodes));
        assert_eq!(rounds[0].churn, None);
        assert!(rounds[rounds.len() - 2..].iter().all(|round| round.churn <= Some(0.05)));
        // Nothing better in the last two rounds: the best point is older than they are.
        let calm = 2 * 8;
        let late = &result.objective_history[result.objective_history.len() - calm..];
        assert!(late.iter().all(|value| *value <= result.objective_end));
        let total: f64 = rounds.iter().map(|round| 8.0 * round.reward).sum();
        assert!((total - result.reward_history.iter().sum::<f64>()).abs() < 1e-9);
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_a_result_without_rounds_is_still_read() {
    let bytes = || Payload::of(&scaled(budget(400), Scaling::default(), &FAR, 9)).unwrap();
    assert_eq!(bytes(), bytes());
    let result: TuneResult = bytes().to().unwrap();
    let mut old = serde_json::to_value(&result).unwrap();
    old.as_object_mut().unwrap().retain(|key, _| key != "rounds" && key != "parameters_at_edge");
    let read: TuneResult = serde_json::from_value(old).unwrap();
    assert_eq!(read, TuneResult { rounds: vec![], parameters_at_edge: vec![], ..result });
}

#[test]
fn settings_out_of_range_are_refused() {
    let good = Scaling::default();
    for (bad, name) in [
        (Scaling { round: 0, ..good }, "round"),
        (Scaling { calm_rounds: 0, ..good }, "calm_rounds"),
        (Scaling { churn_max: 1.5, ..good }, "churn_max"),
        (Scaling { churn_max: f64::NAN, ..good }, "churn_max"),
    ] {
        let error = Pace::new(bad, 0.0).unwrap_err();
        assert!(matches!(error, RlError::Setting { setting, .. } if setting == name), "{error}");
    }
    assert!(serde_json::from_str::<Scaling>(r#"{"rounds": 3}"#).is_err());
}

#[test]
fn a_parameter_that_is_pressed_against_the_region_is_named() {
    let space = ParameterSpace::uniform(2, 0.0, 1.0).unwrap();
    let rising = |x: &[f64]| x[0] - (x[1] - 0.52).abs();
    let region = space.around(&[0.5, 0.5], 0.2).unwrap();
    for seed in 0..10 {
        let mut environment = TuneEnvironment::new(&space, &region, &[0.5, 0.5], rising).unwrap();
        let mut training =
            Training::hashed(budget(500), environment.action_count(), Seed(seed)).unwrap();
        let result = tune_scaled(&mut environment, &mut training, Scaling::default()).unwrap();
        assert_eq!(result.best[0], 0.6, "seed {seed}");
        assert_eq!(result.parameters_at_edge, ["x0"], "seed {seed}");
    }
    // Where the region is the whole space nothing lies beyond.
    assert_eq!(scaled(budget(1000), Scaling::default(), &FAR, 1).parameters_at_edge, [""; 0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever the grid, the moves, the scaling, the corner it begins in and the table it brings along.
    #[test]
    fn a_warm_run_within_a_region_moves_by_its_deltas_and_never_leaves_it(
        seed: u64,
        share in 0.01..0.6_f64,
        delta_share in 0.001..0.7_f64,
        corner in 0..3_usize,
        kind in 0..3_usize,
        round in 1..12_u32,
    ) {
        let space = space();
        let found = space.sample(&mut Seed(seed).stream());
        let region = space.around(&found, share).unwrap();
        let start: Vec<f64> = region.bounds().iter().zip(&found).map(|(bounds, value)| {
            [bounds.min, *value, bounds.max][corner]
        }).collect();
        let table = Cell::new(None);
        for run in 0..2 {
            let watched = |x: &[f64]| {
                assert!(region.check(x).is_ok(), "{x:?} is outside");
                objective(x)
            };
            let tuning = TuneConfig { delta_share, context: seed % 3, ..TuneConfig::default() };
            let mut environment =
                TuneEnvironment::new(&space, &region, &start, watched).unwrap().with_config(tuning).unwrap();
            environment = match kind {
                0 => environment,
                1 => environment.discretised_by(Grid::uniform(&space, 9).unwrap()).unwrap(),
                _ => {
                    let tiles = Tiles::new(&space, 4, 3).unwrap();
                    environment.discretised_by(tiles.crossing().clone()).unwrap()
                }
            };
            let actions = environment.actions();
            let warm = table.take().unwrap_or_else(|| QTable::hashed(actions));
            let mut training = Training::from_table(budget(60), warm, Seed(seed ^ run)).unwrap();
            let scaling = Scaling { round, ..Scaling::default() };
            let result = tune_scaled(&mut environment, &mut training, scaling).unwrap();
            prop_assert!(result.episodes <= 60);
            prop_assert!(region.check(&result.best).is_ok());
            prop_assert!(result.objective_end >= result.objective_start);
            prop_assert_eq!(objective(&result.best), result.objective_end);
            table.set(Some(training.into_table()));
        }
        // Every action moves what it names by the delta or to the region's end, and nothing else.
        let stream = &mut Seed(seed).fast_stream();
        let mut environment = TuneEnvironment::new(&space, &region, &start, |_: &[f64]| 0.0)
            .unwrap()
            .rewarded_by(|step: &orchestrator_rl::Transition<'_, [f64]>| {
                for (at, (from, to)) in step.state.iter().zip(step.next).enumerate() {
                    let delta = 0.01 * space.bounds()[at].width();
                    assert!((to - from).abs() <= delta * (1.0 + 1e-9), "{at}: {from} to {to}");
                }
                0.0
            });
        for action in 0..environment.actions() {
            environment.reset(stream);
            environment.step(action, stream);
        }
    }
}
