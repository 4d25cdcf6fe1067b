//! A failed check changes the outcome and goes into the feedback loop; a wrong setting is refused before anything runs.
#![allow(missing_docs)]

mod support;

use orchestrator_ai::ga::Selection;
use orchestrator_ai::intelligence::Knowledge;
use orchestrator_ai::rl::{Exploration, Schedule};
use orchestrator_ai::{
    Budget, FailureCase, OrchestrateError, Preset, Report, Settings, Verdict, WHOLE, step, workflow,
};
use support::{orchestrate, penguins, quick, timeless};

#[test]
fn a_run_over_its_budget_says_so_in_its_outcome() {
    let folder = tempfile::tempdir().unwrap();
    let mut context = quick(&penguins());
    context.state = Some(folder.path().to_owned());
    context.settings.budget.memory_bytes = 1_000;
    context.feedback_loop.resource_usage.insert("evaluations".into(), 1_000.0);
    context.feedback_loop.failure_cases.push(FailureCase {
        stage: "verification".into(),
        code: "an earlier one".into(),
        detail: "of another run".into(),
    });
    let report = orchestrate(context).unwrap();
    assert_eq!(report.outcome.verdict, Verdict::ChecksFailed);
    let failed: Vec<&str> = report.outcome.failed.iter().map(|f| f.check.name.as_str()).collect();
    assert_eq!(failed, ["memory within budget"]);
    let cases: Vec<&str> =
        report.feedback_loop.failure_cases.iter().map(|case| case.code.as_str()).collect();
    assert_eq!(cases, ["an earlier one", "memory within budget"]);
    assert!(report.summary().contains("failed    whole: memory within budget"));
    assert!(report.checks().iter().any(|(stage, check)| *stage == WHOLE && !check.passed));

    // What was used up adds up, and what failed at the very end is known to the next run.
    let usage = &report.feedback_loop.resource_usage;
    assert_eq!(usage["evaluations"], 1_000.0 + report.ledger.evaluations as f64);
    let knowledge = Knowledge::load(folder.path()).unwrap().unwrap();
    assert_eq!(knowledge.hash(), report.knowledge.hash_after);
    let known: Vec<&str> = knowledge.failures().map(|failure| failure.code.as_str()).collect();
    assert_eq!(known, ["an earlier one", "memory within budget"]);
}

#[test]
fn the_report_has_the_documents_keys_and_comes_back_from_json() {
    let report = orchestrate(quick(&penguins())).unwrap();
    assert_eq!(report.outcome.verdict, Verdict::Verified, "{:?}", report.outcome.failed);
    let json = report.to_json();
    let value = timeless(&json);
    for pointer in [
        "/ga_optimization/final_fitness",
        "/ga_optimization/fitness_history/0",
        "/ga_optimization/optimized_params/weights/complexity",
        "/rl_optimization/final_reward",
        "/rl_optimization/reward_history/0",
        "/rl_optimization/q_table_size",
        "/attention_routing/attended_output/0",
        "/attention_routing/attention_weights/0",
        "/attention_routing/attention_entropy/0",
        "/code_generation/code_samples/layer_0.py",
        "/self_optimization/suggestions",
        "/data_checks/0/name",
        "/whole_checks/0/name",
        "/feedback_loop/resource_usage",
        "/feedback_loop/failure_cases",
        "/ledger/script_tokens",
    ] {
        assert!(value.pointer(pointer).is_some(), "{pointer}");
    }
    let back: Report = serde_json::from_str(&json).unwrap();
    assert_eq!(back, report);
    assert!(report.rl_optimization.fitness_end >= report.ga_optimization.final_fitness);
    // Every stage has a checklist, and the outcome counts all of them.
    let mut stages: Vec<&str> = report.checks().iter().map(|(stage, _)| *stage).collect();
    assert_eq!(stages.len(), report.outcome.checks);
    stages.dedup();
    assert_eq!(
        stages,
        [
            step::INITIALISE,
            step::GENETIC_SEARCH,
            step::ATTENTION,
            step::REINFORCEMENT_LEARNING,
            step::CODE_GENERATION,
            step::VERIFICATION,
            step::SELF_IMPROVEMENT,
            WHOLE
        ]
    );
    // A step that stays where it is costs no evaluation; the start and the result cost one each.
    let learning = &report.rl_optimization;
    assert!(learning.evaluations <= learning.steps + 2, "{learning:?}");
    let search = &report.ga_optimization;
    assert_eq!(report.ledger.evaluations, search.evaluations + learning.evaluations);
    // What was optimised is what decided the scripts.
    let theta = &report.rl_optimization.optimized_params;
    for block in &report.code_generation.blocks {
        assert_eq!(block.weight, theta.weights[&block.feature], "{}", block.block);
        let score = (block.weight * block.value + theta.biases[&block.layer]) / theta.temperature;
        assert!((block.score - score).abs() < 1e-12, "{}", block.block);
    }
}

#[test]
fn a_wrong_setting_is_refused_by_name() {
    #[track_caller]
    fn refused(settings: Settings, message: &str) {
        let mut context = quick(&penguins());
        context.settings = settings;
        match orchestrate(context) {
            Err(OrchestrateError::Settings(error)) => assert_eq!(error.to_string(), message),
            other => panic!("{other:?}"),
        }
    }
    let standard = Settings::default();
    refused(Settings { heads: Some(0), ..standard }, "heads is 0, and must be from 1 to 64");
    refused(
        Settings { generations: 0, ..standard },
        "generations is 0, and must be from 1 to 1000",
    );
    refused(
        Settings { attention_above: f64::NAN, ..standard },
        "attention_above is NaN, and must be from 0 to 1",
    );
    let budget = Budget { tokens: 10, ..Budget::default() };
    refused(
        Settings { budget, ..standard },
        "budget.tokens is 10, and must be from 45000 to 1000000000000",
    );
}

#[test]
fn an_objective_too_long_to_travel_is_an_error_and_no_panic() {
    let mut context = quick(&penguins());
    context.objective = "x".repeat(2 << 20);
    match orchestrate(context) {
        Err(OrchestrateError::Failed(failure)) => {
            let said = failure.to_string();
            assert!(said.contains("code_generation") && said.len() < 1_000, "{said}");
        }
        other => panic!("{:?}", other.map(|report| report.outcome)),
    }
}

#[test]
fn presets_are_what_the_documents_say() {
    let of = |preset: Preset| Settings::from(preset);
    assert!((5..=10).contains(&of(Preset::Speed).generations));
    assert!((3..=5).contains(&of(Preset::Speed).episodes));
    assert_eq!(of(Preset::Speed).attention(3).heads, 2);
    assert!((30..=50).contains(&of(Preset::Quality).population));
    assert!((50..=100).contains(&of(Preset::Quality).episodes));
    assert!((6..=8).contains(&of(Preset::Quality).attention(3).heads));
    assert_eq!(of(Preset::Efficiency).attention_above, 0.7);
    for preset in [Preset::Standard, Preset::Speed, Preset::Quality, Preset::Efficiency] {
        let (ga, rl) = (of(preset).ga(), of(preset).rl());
        assert_eq!(ga.selection, Selection::Tournament { size: 3 });
        assert_eq!((ga.crossover_rate, ga.mutation_rate), (0.7, 0.15));
        assert_eq!((rl.alpha, rl.gamma, rl.steps), (Schedule::Constant(0.1), 0.95, 3));
        assert_eq!(rl.exploration, Exploration::epsilon(0.2));
        assert_eq!(of(preset).attention(3).head_dim().unwrap(), 4);
    }
    let standard = Settings::default();
    let attention = standard.attention(3);
    assert_eq!((standard.population, attention.embed_dim, attention.heads), (20, 16, 4));
    assert!((10..=50).contains(&standard.generations) && (5..=100).contains(&standard.episodes));
    for preset in [Preset::Standard, Preset::Speed, Preset::Quality, Preset::Efficiency] {
        let mut context = quick(&penguins());
        context.settings = Settings { generations: 5, episodes: 5, ..preset.into() };
        let report = orchestrate(context).unwrap();
        assert_eq!(
            report.outcome.verdict,
            Verdict::Verified,
            "{preset:?}: {:?}",
            report.outcome.failed
        );
        let attended = !report.attention_routing.attention_weights.is_empty();
        assert_eq!(attended, preset != Preset::Efficiency, "{}", report.attention_routing.decision);
        let heads = report.attention_routing.heads;
        assert_eq!(report.attention_routing.embed_dim, 4 * heads);
    }
}

#[test]
fn the_pipeline_is_a_workflow_like_any_other() {
    let workflow = workflow().unwrap();
    let chart = workflow.to_mermaid();
    assert!(chart.starts_with("flowchart TD"));
    assert_eq!(chart.matches("-->").count(), 7);
    assert_eq!(workflow.roles().len(), 7);
}
