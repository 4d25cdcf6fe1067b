//! What the templates of the example render, and what is refused.

use std::fs;

use orchestrator_ai::codegen::{
    Completeness, Generator, Language, PythonValidator, Severity, Templates, Validator,
};

use crate::ini::IniValidator;
use crate::{TEMPLATES, generator, kept, made, request, show};

#[test]
fn blocks_follow_the_features_and_each_other() {
    let generator = generator().unwrap();
    let flaky = generator.generate(&request("job", 0.9).unwrap()).unwrap();
    assert_eq!(kept(&flaky), ["retry", "retry", "alarm"]);
    assert!(flaky.source("job.ini").unwrap().contains("\ntries = 3\n"));
    assert!(flaky.source("bin/run.sh").unwrap().contains("for try in 1 2 3"));
    let steady = generator.generate(&request("job", 0.0).unwrap()).unwrap();
    assert!(kept(&steady).is_empty());
    assert!(steady.source("job.ini").unwrap().contains("\ntries = 1\n"));
}

#[test]
fn the_own_validator_has_its_say() {
    let found = |text: &str| -> Vec<(usize, String)> {
        let found = IniValidator.validate(text).into_iter();
        found.map(|found| (found.line, found.message)).collect()
    };
    assert!(found("; a comment\n[job]\nname = x\n").is_empty());
    let faults = found("a = 1\n[job]\nb = 1\nb = 2\nnonsense\n");
    let lines: Vec<usize> = faults.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [1, 4, 5], "{faults:?}");

    // With a stricter one the settings are not handed out, and the result says so.
    struct Strict;
    impl Validator for Strict {
        fn validate(&self, source: &str) -> Vec<orchestrator_ai::codegen::Diagnostic> {
            let mut found = IniValidator.validate(source);
            if !source.contains("owner = ") {
                found.extend([orchestrator_ai::codegen::Diagnostic {
                    line: 1,
                    column: 1,
                    message: "no owner is named".to_owned(),
                    severity: Severity::Error,
                }]);
            }
            found
        }
    }
    let templates = Templates::with_folder(TEMPLATES).unwrap();
    let strict = Generator::new().with_templates(templates).with_validator(Language::Text, Strict);
    let scripts = strict.generate(&request("job", 0.9).unwrap()).unwrap();
    assert_eq!(scripts.completeness, Completeness::Partial);
    assert_eq!((scripts.source("job.ini"), scripts.source("bin/run.sh").is_some()), (None, true));
    assert_eq!(scripts.template, "nightly-job-simple", "the simpler one was tried too");
}

#[test]
fn the_produced_template_is_one() {
    let place = tempfile::tempdir().unwrap();
    let questions =
        ["it's \"so\"?", "{{ what }} <% of %> {~ this ~} {^ and ^} {; that ;}", "\\ 😀\nline"];
    let made = made::template(&generator().unwrap(), place.path(), "checks", &questions).unwrap();
    let script = made::render(&made, "'''\"\"\"\\").unwrap();
    assert!(PythonValidator.validate(&script).is_empty());
    assert!(script.contains("points are open"));
}

#[test]
fn a_second_run_keeps_what_a_person_wrote_into_the_region() {
    let place = tempfile::tempdir().unwrap();
    show(place.path()).unwrap();
    let script = place.path().join("job/bin/run.sh");
    let text = fs::read_to_string(&script).unwrap();
    let own = "# protected: afterwards\necho mine\n# end protected: afterwards\n";
    let (head, _) = text.split_once("# protected: afterwards\n").unwrap();
    fs::write(&script, format!("{head}{own}")).unwrap();
    show(place.path()).unwrap();
    assert!(fs::read_to_string(&script).unwrap().ends_with(own));
    assert!(place.path().join("build/bin/run.sh").exists());
}
