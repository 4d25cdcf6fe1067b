//! Tuning raises its objective inside its region, never lowers it, and says truly what happened.

use orchestrator_core::{Bounds, ParameterSpace, Parameters, Seed};
use orchestrator_rl::{
    DocumentReward, Environment, Exploration, Finding, RlConfig, RlError, StopReason, Training,
    TuneConfig, TuneEnvironment, TuneResult, diagnose, tune, verify,
};
use proptest::prelude::*;

fn space() -> ParameterSpace {
    Parameters::space(["complexity", "nulls", "size"], ["layer_0", "layer_1"])
}

/// Greatest (0) where all weights are 0.7 and the temperature is 1.
fn objective(x: &[f64]) -> f64 {
    -x[..3].iter().map(|w| (w - 0.7).abs()).sum::<f64>() - (x[5] - 1.0).abs()
}

const START: [f64; 6] = [0.75, 0.66, 0.8, 0.0, 0.1, 1.1];

fn tuned(config: &RlConfig, seed: u64) -> (TuneResult, ParameterSpace) {
    let region = space().around(&START, 0.2).unwrap();
    let mut environment = TuneEnvironment::new(&space(), &region, &START, objective).unwrap();
    let mut training =
        Training::hashed(config.clone(), environment.action_count(), Seed(seed)).unwrap();
    (tune(&mut environment, &mut training).unwrap(), region)
}

#[test]
fn the_documents_preset_raises_the_objective_and_passes_its_checklist_on_every_seed() {
    for seed in 0..20 {
        let (result, region) = tuned(&RlConfig::documents(), seed);
        assert!(
            result.objective_end > 0.5 * result.objective_start,
            "seed {seed}: from {} to {}",
            result.objective_start,
            result.objective_end
        );
        assert_eq!(objective(&result.best), result.objective_end);
        assert!(result.episodes <= 100 && result.steps == 3 * u64::from(result.episodes));
        assert_eq!(result.reward_history.len(), result.episodes as usize);
        let best = result.reward_history.iter().copied().fold(f64::MIN, f64::max);
        assert_eq!(result.final_reward, best);
        let checks = verify(&result, &region);
        assert_eq!(checks.len(), 5);
        assert!(checks.iter().all(|check| check.passed), "seed {seed}: {checks:?}");
    }
}

#[test]
fn at_the_optimum_it_changes_nothing() {
    let top = [0.7, 0.7, 0.7, 0.0, 0.0, 1.0];
    let region = space().around(&top, 0.1).unwrap();
    let mut environment = TuneEnvironment::new(&space(), &region, &top, objective).unwrap();
    let count = environment.action_count();
    let mut training = Training::hashed(RlConfig::documents(), count, Seed(4)).unwrap();
    let result = tune(&mut environment, &mut training).unwrap();
    assert_eq!((result.objective_start, result.objective_end), (0.0, 0.0));
    assert!(result.optimized_params["weight.size"] == 0.7 && result.best[5] == 1.0);
    assert!(verify(&result, &region).iter().all(|check| check.passed));
}

#[test]
fn another_reward_steers_the_agent_and_the_objective_still_judges() {
    let region = space().around(&START, 0.2).unwrap();
    let reward = DocumentReward::over(&space()).unwrap();
    let mut environment =
        TuneEnvironment::new(&space(), &region, &START, objective).unwrap().rewarded_by(reward);
    let count = environment.action_count();
    let mut training = Training::hashed(RlConfig::documents(), count, Seed(4)).unwrap();
    let result = tune(&mut environment, &mut training).unwrap();
    // Three steps of nearly 2 each.
    assert!((5.0..=6.0).contains(&result.final_reward), "{}", result.final_reward);
    assert!(result.objective_end >= result.objective_start);
}

#[test]
fn what_was_learned_serves_the_next_run() {
    let region = space().around(&START, 0.2).unwrap();
    let run = |table: Option<_>, episodes_max, seed| {
        let mut environment = TuneEnvironment::new(&space(), &region, &START, objective).unwrap();
        let config = RlConfig { episodes_max, converged_td: None, ..RlConfig::documents() };
        let table = table.unwrap_or_else(|| orchestrator_rl::QTable::hashed(environment.actions()));
        let mut training = Training::from_table(config, table, Seed(seed)).unwrap();
        let result = tune(&mut environment, &mut training).unwrap();
        (result.objective_end, training.into_table())
    };
    let (mut cold, mut warm) = (0.0, 0.0);
    for earlier in 0..8 {
        let (_, learned) = run(None, 100, earlier);
        for seed in 100..120 {
            cold += run(None, 10, 1000 * earlier + seed).0 / 160.0;
            warm += run(Some(learned.clone()), 10, 1000 * earlier + seed).0 / 160.0;
        }
    }
    assert!(warm > cold + 0.01, "mean of 8 tables, 20 seeds each: warm {warm}, cold {cold}");
}

#[test]
fn moves_are_named_and_move_what_they_say() {
    let region = space();
    let mut environment = TuneEnvironment::new(&space(), &region, &START, objective).unwrap();
    let names: Vec<_> =
        (0..environment.action_count()).map(|a| environment.action_name(a).unwrap()).collect();
    assert_eq!(names.len(), 1 + 2 * (6 + 2));
    assert_eq!(environment.action_name(names.len()), None);
    let stream = &mut Seed(1).fast_stream();
    let all_down =
        names.iter().position(|name| name == "weight.complexity, weight.nulls, weight.size down");
    environment.reset(stream);
    let taken = environment.step(all_down.unwrap(), stream);
    // One step of 0.019 each: nearer for two weights, further for one.
    assert!((taken.reward - 0.019).abs() < 1e-12, "{}", taken.reward);
    environment.reset(stream);
    assert_eq!(environment.step(0, stream).reward, 0.0);
}

#[test]
fn contexts_and_cells_tell_states_apart() {
    let region = space();
    let environment = TuneEnvironment::new(&space(), &region, &START, objective).unwrap();
    let mut other = START;
    let here = environment.encode(&START);
    other[4] += 0.05;
    assert_ne!(environment.encode(&other), here);
    let elsewhere =
        environment.with_config(TuneConfig { context: 3, ..TuneConfig::default() }).unwrap();
    assert_ne!(elsewhere.encode(&START), here);
    assert!(
        elsewhere.with_config(TuneConfig { delta_share: 0.0, ..TuneConfig::default() }).is_err()
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let region = space().around(&START, 0.1).unwrap();
    let refused = |region: &ParameterSpace, start: &[f64], objective: fn(&[f64]) -> f64| {
        TuneEnvironment::new(&space(), region, start, objective).map(|_| ()).unwrap_err()
    };
    assert!(matches!(refused(&region, &[0.1; 6], objective), RlError::Start(_)));
    assert!(matches!(refused(&region, &START, |_| f64::NAN), RlError::Objective { .. }));
    let foreign = ParameterSpace::uniform(6, 0.0, 1.0).unwrap();
    assert!(matches!(refused(&foreign, &START, objective), RlError::Region { .. }));
    let wide = space().names().to_vec().into_iter().map(|n| (n, Bounds { min: -9.0, max: 9.0 }));
    let wide = ParameterSpace::new(wide).unwrap();
    let mixed = ParameterSpace::builder().real("x", 0.0, 1.0).integer("n", 0, 3).build().unwrap();
    let error = TuneEnvironment::new(&mixed, &mixed, &[0.5, 2.0], |_: &[f64]| 0.0).map(|_| ());
    assert_eq!(
        error.unwrap_err().to_string(),
        "parameter \"n\" is integer; only real ones can be tuned"
    );
    assert!(matches!(refused(&wide, &START, objective), RlError::Region { .. }));
}

#[test]
fn a_point_without_a_value_is_not_entered() {
    let region = space();
    let patchy = |x: &[f64]| if x[0] > 0.75 { f64::NAN } else { x[0] };
    let mut environment = TuneEnvironment::new(&space(), &region, &START, patchy).unwrap();
    let count = environment.action_count();
    let mut training = Training::hashed(RlConfig::documents(), count, Seed(4)).unwrap();
    let result = tune(&mut environment, &mut training).unwrap();
    assert_eq!((result.best[0], result.objective_end), (0.75, 0.75));
    assert!(result.failures > 0);
}

#[test]
fn few_episodes_prove_nothing_against_a_training() {
    let top = [0.7, 0.7, 0.7, 0.0, 0.0, 1.0];
    for (seed, episodes_max) in (0..60).map(|seed| (seed, 1 + seed as u32 % 6)) {
        for start in [START, top] {
            let config = RlConfig { episodes_min: 1, episodes_max, ..RlConfig::documents() };
            let region = space().around(&start, 0.1).unwrap();
            let mut environment =
                TuneEnvironment::new(&space(), &region, &start, objective).unwrap();
            let count = environment.action_count();
            let mut training = Training::hashed(config, count, Seed(seed)).unwrap();
            let result = tune(&mut environment, &mut training).unwrap();
            let failed: Vec<_> =
                verify(&result, &region).into_iter().filter(|check| !check.passed).collect();
            assert!(failed.is_empty(), "seed {seed}, {episodes_max} episodes: {failed:?}");
        }
    }
}

#[test]
fn an_agent_that_stays_where_nothing_is_better_breaks_no_check() {
    let (good, region) = tuned(&RlConfig::documents(), 1);
    let settled = TuneResult { states_visited: 1, ..good };
    assert!(verify(&settled, &region).iter().all(|check| check.passed));
}

#[test]
fn each_line_of_the_checklist_can_fail() {
    let (good, region) = tuned(&RlConfig::documents(), 1);
    let fails = |name: &str, change: &dyn Fn(&mut TuneResult)| {
        let mut bad = good.clone();
        change(&mut bad);
        let failed: Vec<_> = verify(&bad, &region).into_iter().filter(|c| !c.passed).collect();
        assert_eq!(failed.len(), 1, "{name}: {failed:?}");
        assert!(failed[0].name.contains(name), "{name}: {failed:?}");
    };
    fails("converging", &|bad| {
        bad.stop = StopReason::EpisodesUsedUp;
        // Each below the greatest reward: in so many episodes first visits are no excuse.
        bad.td_error_history = (0..30).map(|at| bad.reward_scale * f64::from(at) / 30.0).collect();
    });
    fails("rewards", &|bad| {
        bad.reward_history = (0..30).map(|at| -f64::from(at)).collect();
        bad.objective_end = bad.objective_start;
    });
    fails("bounds", &|bad| bad.best[0] = 1.9);
    fails("balanced", &|bad| bad.exploration_share = 0.9);
    fails("encoding", &|bad| bad.parameters_unseen = vec!["weight.size".to_owned()]);

    let greedy = RlConfig {
        exploration: Exploration::epsilon(0.0),
        converged_td: None,
        ..RlConfig::documents()
    };
    let (result, region) = tuned(&greedy, 1);
    assert!(
        verify(&result, &region).iter().any(|c| !c.passed && c.name.starts_with("exploration"))
    );
}

#[test]
fn advice_follows_what_was_measured() {
    let wild = RlConfig {
        exploration: Exploration::epsilon(0.9),
        converged_td: None,
        ..RlConfig::documents()
    };
    let top = [0.7, 0.7, 0.7, 0.0, 0.0, 1.0];
    let region = space();
    let mut environment = TuneEnvironment::new(&space(), &region, &top, objective).unwrap();
    let count = environment.action_count();
    let mut training = Training::hashed(wild.clone(), count, Seed(4)).unwrap();
    let findings = diagnose(&tune(&mut environment, &mut training).unwrap(), &wild);
    assert!(matches!(findings[0], Finding::ExplorationTooHigh { .. }), "{findings:?}");
    assert!(findings[0].to_string().ends_with("lower epsilon to 0.10 to 0.15"));

    let calm = RlConfig { exploration: Exploration::epsilon(0.1), ..wild.clone() };
    let (result, _) = tuned(&calm, 1);
    assert_eq!(diagnose(&result, &calm), []);

    let short = RlConfig { episodes_max: 5, ..RlConfig::documents() };
    let (result, _) = tuned(&short, 1);
    assert!(diagnose(&result, &short).iter().any(|f| matches!(f, Finding::NotConverged { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn it_never_leaves_the_region_and_never_ends_below_its_start(
        seed: u64, share in 0.0..0.5_f64, delta_share in 0.001..0.5_f64,
    ) {
        let mut stream = Seed(seed).stream();
        let start = space().sample(&mut stream);
        let region = space().around(&start, share).unwrap();
        let watched = |x: &[f64]| {
            assert!(region.check(x).is_ok(), "{x:?} is outside");
            objective(x)
        };
        let mut environment = TuneEnvironment::new(&space(), &region, &start, watched)
            .unwrap()
            .with_config(TuneConfig { delta_share, ..TuneConfig::default() })
            .unwrap();
        let config = RlConfig { episodes_max: 20, ..RlConfig::documents() };
        let mut training = Training::hashed(config, environment.action_count(), Seed(seed)).unwrap();
        let result = tune(&mut environment, &mut training).unwrap();
        prop_assert!(result.objective_end >= result.objective_start);
        prop_assert_eq!(objective(&result.best), result.objective_end);
    }
}
