//! The checklist and the advice follow what was measured, the bad side too.

use orchestrator_core::{ParameterSpace, Parameters, Seed};
use orchestrator_ga::{
    Crossover, Finding, Ga, GaConfig, Mutation, Search, SearchResult, Stop, constrained, diagnose,
    fallible, fitness_fn, verify,
};

fn run(config: &GaConfig, fitness: impl Fn(&[f64]) -> f64) -> SearchResult {
    let space = Parameters::space(["a", "b"], ["layer_0"]);
    Ga::search(space, config.clone(), Seed(11)).unwrap().run(&fitness).unwrap()
}

#[track_caller]
fn fails(result: &SearchResult, name: &str) {
    let space = Parameters::space(["a", "b"], ["layer_0"]);
    let failed: Vec<String> =
        verify(result, &space).into_iter().filter(|c| !c.passed).map(|c| c.name).collect();
    assert_eq!(failed, [name]);
}

#[test]
fn each_line_of_the_checklist_can_fail() {
    let good = run(&GaConfig::default(), |x| -x[0]);
    let space = Parameters::space(["a", "b"], ["layer_0"]);
    assert!(verify(&good, &space).iter().all(|check| check.passed));
    for (at, value, name) in [
        (0, 2.1, "weights within bounds"),
        (2, f64::NAN, "biases within bounds"),
        (3, 0.4, "temperature within bounds"),
    ] {
        let mut bad = good.clone();
        bad.best[at] = value;
        fails(&bad, name);
    }
    fails(&run(&GaConfig::default(), |_| 1.0), "fitness improved over generations");
    let frozen = GaConfig {
        mutation_rate: 0.0,
        crossover: Crossover::Blend { alpha: 0.0 },
        ..GaConfig::default()
    };
    fails(&run(&frozen, |x| -x[0] - x[3]), "population diversity maintained");
}

#[test]
fn a_homogeneous_population_is_told_to_mutate_more() {
    let frozen = GaConfig {
        mutation_rate: 0.0,
        crossover: Crossover::Blend { alpha: 0.0 },
        ..GaConfig::default()
    };
    let findings = diagnose(&run(&frozen, |x| -x[0] - x[3]), &frozen);
    let advice = findings[0].to_string();
    assert!(matches!(findings[0], Finding::Homogeneous { .. }), "{advice}");
    assert!(advice.ends_with("raise the mutation rate from 0 to 0.20 to 0.25"), "{advice}");
}

#[test]
fn a_search_that_still_rises_is_told_to_go_on_and_a_good_one_is_told_nothing() {
    let mutation = Mutation::Gaussian { step: 0.1, final_step: 0.1 };
    let short = GaConfig { generations: 12, mutation, ..GaConfig::default() };
    let space = ParameterSpace::uniform(60, -5.0, 5.0).unwrap();
    let sphere = fitness_fn(|x| -x.iter().map(|v| v * v).sum::<f64>());
    let result = Ga::search(space, short.clone(), Seed(2)).unwrap().run(&sphere).unwrap();
    let findings = diagnose(&result, &short);
    assert!(matches!(findings[..], [Finding::StillRising { .. }]), "{findings:?}");

    let space = Parameters::space(["a", "b"], ["layer_0"]);
    let done = Ga::new(space, GaConfig::default(), Seed(11)).unwrap();
    let stop = Stop::Generations(30).or(Stop::Target(-0.3));
    let result = Search::new(done, stop).unwrap().run(&fitness_fn(|x| -x[0])).unwrap();
    assert_eq!(diagnose(&result, &GaConfig::default()), []);
}

#[test]
fn what_was_spent_after_the_last_improvement_is_told() {
    let frozen = GaConfig {
        mutation_rate: 0.0,
        crossover: Crossover::Blend { alpha: 0.0 },
        ..GaConfig::default()
    };
    // The best there is has been met in the first generation, and can only be met again.
    let result = run(&frozen, |x| -x[0].max(0.9));
    let findings = diagnose(&result, &frozen);
    let Some(Finding::Premature { improved_at, evaluations }) = findings.last() else {
        panic!("{findings:?}");
    };
    assert_eq!((*improved_at, *evaluations), (result.improved_at, result.evaluations));
    assert!(2 * improved_at < *evaluations);
    // It is no matter of mutation, and so also told of methods that have none.
    assert_eq!(diagnose(&result, None), findings[1..]);
}

#[test]
fn a_fitness_that_does_not_look_at_its_candidate_is_told_so() {
    let config = GaConfig::default();
    let findings = diagnose(&run(&config, |_| 2.5), &config);
    assert!(matches!(findings[..], [Finding::Flat { fitness: 2.5, .. }]), "{findings:?}");
}

#[test]
fn a_scattered_population_is_told_to_mutate_less() {
    let wild = GaConfig {
        mutation_rate: 1.0,
        mutation: Mutation::Gaussian { step: 1.0, final_step: 1.0 },
        ..GaConfig::default()
    };
    let findings = diagnose(&run(&wild, |x| -(x[0] - 1.0).abs() - (x[1] - 1.0).abs()), &wild);
    let advice = findings.first().map(ToString::to_string).unwrap_or_default();
    assert!(matches!(findings.first(), Some(Finding::Scattered { .. })), "{findings:?}");
    assert!(advice.contains("lower the mutation rate"), "{advice}");
}

#[test]
fn a_population_that_walks_in_small_steps_is_told_to_run() {
    let tiny = GaConfig {
        mutation: Mutation::Gaussian { step: 1e-4, final_step: 1e-4 },
        crossover: Crossover::Blend { alpha: 0.0 },
        generations: 100,
        ..GaConfig::default()
    };
    // Far from the best point when it has become one: then it walks.
    let mut ga = Search::new(
        Ga::new(ParameterSpace::uniform(2, -1.0, 1.0).unwrap(), tiny.clone(), Seed(11)).unwrap(),
        Stop::Generations(100),
    )
    .unwrap();
    ga.start_from(&vec![vec![-0.9, -0.9]; 20]).unwrap();
    let result = ga.run(&fitness_fn(|x| x[0] + x[1])).unwrap();
    let findings = diagnose(&result, &tiny);
    assert!(matches!(findings.first(), Some(Finding::SmallSteps { .. })), "{findings:?}");
    assert!(findings[0].to_string().ends_with("raise the final mutation step from 0.0001"));
}

#[test]
fn a_space_of_which_hardly_anything_is_feasible_is_told_so() {
    let config = GaConfig::default();
    let space = ParameterSpace::uniform(2, -1.0, 1.0).unwrap();
    // What is found feasible at last is a corner, since the rest is not.
    let corner = constrained(fitness_fn(|x| x[0]), |x| 1.97 - x[0] - x[1]);
    let mut ga = Ga::search(space, config.clone(), Seed(2)).unwrap();
    let step = |ga: &mut Search<Ga>| ga.step(&corner).unwrap();
    while ga.best().is_none() && !ga.finished() {
        step(&mut ga);
    }
    let findings = ga.diagnose(&config);
    assert!(matches!(findings.first(), Some(Finding::MostlyInfeasible { .. })), "{findings:?}");
}

#[test]
fn many_failures_are_worth_a_word() {
    let half = fallible(|x: &[f64], _| Ok(if x[0] < 0.5 { f64::NAN } else { -x[0] }));
    let space = ParameterSpace::uniform(1, 0.0, 1.0).unwrap();
    let config = GaConfig::default();
    let result = Ga::search(space, config.clone(), Seed(2)).unwrap().run(&half).unwrap();
    let findings = diagnose(&result, &config);
    assert!(findings.iter().any(|f| matches!(f, Finding::Failing { .. })), "{findings:?}");
}
