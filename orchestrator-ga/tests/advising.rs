//! The checklist and the advice follow what was measured, the bad side too.

use orchestrator_core::{ParameterSpace, Parameters, Seed};
use orchestrator_ga::{
    Crossover, Finding, Ga, GaConfig, Mutation, Search, SearchResult, Stop, diagnose, fallible,
    fitness_fn, verify,
};

fn run(config: &GaConfig, fitness: impl Fn(&[f64]) -> f64) -> SearchResult {
    let space = Parameters::space(["a", "b"], ["layer_0"]);
    Ga::search(space, config.clone(), Seed(11)).unwrap().run(&fitness).unwrap()
}

/// Children lie between their parents, and nothing else moves them.
fn frozen() -> GaConfig {
    let crossover = Crossover::Blend { alpha: 0.0 };
    GaConfig { mutation_rate: 0.0, crossover, ..GaConfig::default() }
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
    let frozen = frozen();
    // An optimum inside the hull of the start population, which children between parents come near to.
    let inner = |x: &[f64]| -(x[0] - 1.0).powi(2) - (x[3] - 1.2).powi(2);
    fails(&run(&frozen, inner), "population diversity maintained");
}

#[test]
fn a_homogeneous_population_is_told_to_mutate_more() {
    let frozen = frozen();
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
fn many_failures_are_worth_a_word() {
    let half = fallible(|x: &[f64], _| Ok(if x[0] < 0.5 { f64::NAN } else { -x[0] }));
    let space = ParameterSpace::uniform(1, 0.0, 1.0).unwrap();
    let config = GaConfig::default();
    let result = Ga::search(space, config.clone(), Seed(2)).unwrap().run(&half).unwrap();
    let findings = diagnose(&result, &config);
    assert!(findings.iter().any(|f| matches!(f, Finding::Failing { .. })), "{findings:?}");
}
