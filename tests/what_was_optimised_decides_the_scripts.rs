//! Search, learning and attention are no ornament: with another θ, or without attention, the scripts are others.
#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use orchestrator_ai::codegen::{
    Activation, GenerateRequest, GeneratedScripts, Generator, Template,
};
use orchestrator_ai::core::{Parameters, Seed};
use orchestrator_ai::{EMPHASIS_REACH, OrchestrationContext, Report};
use support::{orchestrate, quick};

/// The scripts of the same run, but for θ and the emphasis.
fn scripts(
    report: &Report,
    theta: Parameters,
    emphasis: &BTreeMap<String, BTreeMap<String, f64>>,
) -> GeneratedScripts {
    let request = GenerateRequest {
        activation: Activation::Relu,
        emphasis: emphasis.clone(),
        ..GenerateRequest::for_profile("etl-python", &report.data, theta)
            .with("project", report.project.as_str())
            .with("objective", report.objective.as_str())
    };
    Generator::new().generate(&request).unwrap()
}

fn kept(scripts: &GeneratedScripts) -> Vec<(&str, &str)> {
    let kept = scripts.blocks.iter().filter(|block| block.kept);
    kept.map(|block| (block.layer.as_str(), block.block.as_str())).collect()
}

/// Three columns, of which one lacks a value in one row out of `every`.
fn gaps(folder: &Path, every: usize) -> PathBuf {
    let row = |at: usize| match at % every {
        0 => format!("{at},,n{at}\n"),
        _ => format!("{at},{at},n{at}\n"),
    };
    let data = folder.join("gaps.csv");
    fs::write(&data, "id,v,s\n".to_owned() + &(0..400).map(row).collect::<String>()).unwrap();
    data
}

#[test]
fn another_theta_gives_another_script() {
    // A twentieth of one column in three is missing: a little, which θ may find worth a block or not.
    let folder = tempfile::tempdir().unwrap();
    let data = gaps(folder.path(), 20);
    let mut context = quick(&data);
    context.settings.generations = 30;
    let report = orchestrate(context).unwrap();
    let theta = &report.rl_optimization.optimized_params;
    let emphasis = &report.attention_routing.emphasis;
    let shipped = scripts(&report, theta.clone(), emphasis);
    assert_eq!(shipped.code_samples, report.code_generation.code_samples);
    assert!(!kept(&shipped).contains(&("layer_2", "imputation")), "{:?}", shipped.blocks);

    // The θ that optimises nothing takes every feature at its word.
    let neutral = Template::builtin("etl-python").unwrap().neutral_parameters();
    let neutral = scripts(&report, neutral, emphasis);
    assert!(kept(&neutral).contains(&("layer_2", "imputation")), "{:?}", neutral.blocks);
    assert_ne!(neutral.code_samples["layer_2.py"], shipped.code_samples["layer_2.py"]);
    // And the least θ that there is keeps nothing.
    let mut least = theta.clone();
    least.weights.values_mut().for_each(|weight| *weight = 0.1);
    least.biases.values_mut().for_each(|bias| *bias = -0.5);
    assert_eq!(kept(&scripts(&report, least, emphasis)), []);
}

#[test]
fn attention_tips_decisions_within_its_reach() {
    // So much is missing that θ leaves imputation near the threshold, one way or the other by seed.
    let folder = tempfile::tempdir().unwrap();
    let data = gaps(folder.path(), 13);
    let mut tipped = Vec::new();
    for seed in 1..=8 {
        let report = orchestrate(OrchestrationContext { seed: Seed(seed), ..quick(&data) });
        let report = report.unwrap();
        let theta = &report.rl_optimization.optimized_params;
        let with = scripts(&report, theta.clone(), &report.attention_routing.emphasis);
        assert_eq!(with.code_samples, report.code_generation.code_samples);
        let without = scripts(&report, theta.clone(), &BTreeMap::new());
        for (with, without) in with.blocks.iter().zip(&without.blocks) {
            let reach = EMPHASIS_REACH * without.value + 1e-12;
            assert!((with.value - without.value).abs() <= reach, "{with:?} {without:?}");
            if with.kept != without.kept {
                tipped.push((seed, with.layer.clone(), with.block.clone()));
            }
        }
    }
    assert!(!tipped.is_empty(), "attention decided nothing");
}
