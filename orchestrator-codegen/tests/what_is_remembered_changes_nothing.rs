//! A generator that has made scripts before makes the same ones as a fresh one, and finds the same in them as who reads them whole.

mod support;

use std::collections::BTreeSet;

use orchestrator_codegen::{
    GenerateRequest, Generator, Profile, PythonQuality, PythonValidator, QualityAnalyzer, Validator,
};
use orchestrator_core::Seed;
use support::{nasty_files, template};

/// θ drawn evenly, for a few files, with texts of all kinds.
fn requests() -> Vec<GenerateRequest> {
    let files = nasty_files();
    let template = template();
    let profiles = files.iter().filter_map(|(name, data)| Profile::of_bytes(name, data).ok());
    let profiles: Vec<Profile> = profiles.filter(|profile| profile.columns.len() < 20).collect();
    let projects = ["", "it's \"so\"", "line\nline # {}[]", "😀 \\"];
    let request = |at: u64| {
        let mut stream = Seed(11).index(at).fast_stream();
        let mut theta = template.neutral_parameters();
        theta.weights.values_mut().for_each(|weight| *weight = stream.between(0.1, 2.0));
        theta.biases.values_mut().for_each(|bias| *bias = stream.between(-0.5, 0.5));
        // Some that are one number in two places, so that lines repeat.
        if at.is_multiple_of(3) {
            theta.weights.values_mut().for_each(|weight| *weight = 1.234_567_890_123);
        }
        theta.temperature = stream.between(0.5, 2.0);
        let profile = &profiles[(at as usize / 4) % profiles.len()];
        let mut request = GenerateRequest::for_profile("etl-python", profile, theta)
            .with("project", projects[at as usize % projects.len()]);
        let all = [0.0, 0.4, 1.0];
        request.features.values_mut().for_each(|value| *value = all[stream.below(3)]);
        request
    };
    (0..24).map(request).collect()
}

#[test]
fn a_generator_gives_the_same_again_and_what_a_fresh_one_gives() {
    let generator = Generator::new();
    let requests = requests();
    let mut sets = BTreeSet::new();
    for (at, request) in requests.iter().enumerate() {
        let scripts = generator.generate(request).unwrap();
        assert_eq!(generator.generate(request).unwrap(), scripts, "request {at}");
        assert_eq!(Generator::new().generate(request).unwrap(), scripts, "request {at}");
        sets.insert(scripts.blocks.iter().map(|block| block.kept).collect::<Vec<bool>>());
    }
    assert!(sets.len() > 12, "{}", sets.len());
}

#[test]
fn what_is_found_in_a_layer_is_what_a_look_at_its_whole_text_finds() {
    let generator = Generator::new();
    for (at, request) in requests().iter().enumerate() {
        let scripts = generator.generate(request).unwrap();
        for (file, source) in &scripts.code_samples {
            assert_eq!(
                scripts.quality[file],
                PythonQuality.analyze(source),
                "request {at}: {file}"
            );
            assert_eq!(scripts.diagnostics[file], PythonValidator.validate(source), "{at}: {file}");
        }
    }
}

#[test]
fn zero_and_minus_zero_are_two_inputs() {
    let generator = Generator::new();
    let request = |value: f64| {
        let mut request = support::request(&[]);
        request.features.insert("unheard".into(), value);
        request
    };
    let scripts = [0.0, -0.0].map(|value| generator.generate(&request(value)).unwrap());
    assert_ne!(scripts[0].code_samples["layer_0.py"], scripts[1].code_samples["layer_0.py"]);
}
