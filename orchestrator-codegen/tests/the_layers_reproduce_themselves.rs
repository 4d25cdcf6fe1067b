//! `layer_0.py` writes `layer_1.py` writes `layer_2.py`, whatever texts they carry.

mod support;

use orchestrator_codegen::{
    Completeness, Diagnostic, GeneratedScripts, Generator, Interpreter, InterpreterError, Language,
    PythonValidator, Severity, Validator, check_by_running, check_scripts,
};
use orchestrator_core::{Check, Seed};
use support::{everything, python, request, run, scripts};

#[test]
fn byte_for_byte_in_an_empty_folder() {
    for scripts in [scripts(&[]), everything()] {
        assert!(python().reproduces_chain(&scripts).unwrap());
    }
}

#[test]
fn a_layer_that_was_tampered_with_does_not() {
    let mut scripts = scripts(&[]);
    let layer = scripts.code_samples.get_mut("layer_0.py").unwrap();
    *layer = layer.replacen("Cleans one CSV file", "Soils one CSV file", 1);
    let error = python().reproduces_chain(&scripts).unwrap_err();
    assert!(
        matches!(&error, InterpreterError::Failed { code: Some(2), stderr, .. } if stderr.contains("that was shipped")),
        "{error}"
    );
}

#[test]
fn decisions_can_be_overruled_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    scripts(&["imputation"]).write_to(folder.path()).unwrap();
    // What listens to the complexity comes in together.
    let with = scripts(&["imputation", "logging", "outlier_clipping"]);
    let program = "import runpy, sys; sys.argv = ['layer_1.py', '--with', 'logging', '--with', 'adaptive', '--with', 'outlier_clipping']; runpy.run_path('layer_1.py', run_name='__main__')";
    run(program, &[], folder.path());
    let written = std::fs::read_to_string(folder.path().join("layer_2.py")).unwrap();
    assert_eq!(Some(written.as_str()), with.source("layer_2.py"));
}

#[test]
fn no_text_of_the_user_breaks_the_nesting() {
    const PIECES: &[&str] = &[
        "\"",
        "'",
        "\"\"\"",
        "'''",
        "\\",
        "\\n",
        "\n",
        "\r",
        "\r\n",
        "\t",
        "{",
        "}",
        "{{",
        "}}",
        "<%",
        "%>",
        "<<",
        ">>",
        "<#",
        "#>",
        "{%",
        "%(prog)s",
        "%",
        "$",
        "`",
        "#",
        "😀",
        "é",
        "\u{2028}",
        "\u{2029}",
        "\u{85}",
        "\u{0}",
        "\u{1}",
        "\u{2}",
        "\u{3}",
        "\u{feff}",
        "\u{7f}",
        "\u{e000}",
        "\u{10ffff}",
        "\u{301}",
        "\u{202e}",
        "N{DASH}",
        "\\N{DASH}",
        "\\u0041",
        "\\x",
        "f\"{x}\"",
        "import os",
        " ",
        "end",
        ")",
        "]",
        ";",
    ];
    let mut stream = Seed(7).stream();
    let mut cases = Vec::new();
    for _ in 0..8 {
        let mut text = || -> String {
            let length = stream.below(9);
            (0..length).map(|_| PIECES[stream.below(PIECES.len())]).collect()
        };
        let mut request = request(&["imputation"]);
        let (project, objective) = (text(), text());
        request = request.with("project", project.as_str()).with("objective", objective.as_str());
        let scripts = Generator::new().generate(&request).unwrap();
        assert_eq!(scripts.completeness, Completeness::Complete);
        cases.push(serde_json::json!({
            "project": project,
            "objective": objective,
            "layers": scripts.code_samples,
        }));
    }
    // One process for all cases: each layer is executed as a module of its own and asked for what it would write.
    let program = r#"
import ast, json, sys
with open("cases.json", encoding="utf-8") as file:
    cases = json.load(file)
for case in cases:
    layers = case["layers"]
    for name, following in (("layer_0.py", "layer_1.py"), ("layer_1.py", "layer_2.py"), ("layer_2.py", None)):
        scope = {"__name__": name[:-3]}
        sys.modules[name[:-3]] = type(sys)(name[:-3])
        ast.parse(layers[name], feature_version=(3, 8))
        exec(compile(layers[name], name, "exec"), scope)
        assert scope["PROJECT"] == case["project"], (name, case["project"])
        assert scope["OBJECTIVE"] == case["objective"], (name, case["objective"])
        assert layers[name].isascii() or name == "layer_2.py"
        if following:
            text = scope["build"](scope["PLAN"], scope["decide"](scope["PLAN"]))
            scope["verify"](text)
            assert text == layers[following], following
print(len(cases))
"#;
    let folder = tempfile::tempdir().unwrap();
    let cases = serde_json::to_string(&cases).unwrap();
    std::fs::write(folder.path().join("cases.json"), cases).unwrap();
    assert_eq!(run(program, &[], folder.path()).trim(), "8");
}

/// Refuses a source that has a certain text.
struct Refuses {
    text: &'static str,
}

impl Validator for Refuses {
    fn validate(&self, source: &str) -> Vec<Diagnostic> {
        let mut found = PythonValidator.validate(source);
        found.extend(source.contains(self.text).then(|| Diagnostic {
            line: 1,
            column: 1,
            message: "it is there".into(),
            severity: Severity::Error,
        }));
        found
    }
}

#[test]
fn what_does_not_validate_is_replaced_by_something_simpler_and_then_left_out() {
    let generate = |text| {
        let generator = Generator::new().with_validator(Language::Python, Refuses { text });
        generator.generate(&request(&["imputation"])).unwrap()
    };
    let failed = |scripts: &GeneratedScripts| -> Vec<String> {
        let checks: Vec<Check> = check_scripts(scripts);
        checks.into_iter().filter(|check| !check.passed).map(|check| check.name).collect()
    };
    let simpler = generate("\ndef impute(");
    assert_eq!(simpler.completeness, Completeness::Simplified);
    assert_eq!(simpler.code_samples.len(), 3);
    assert!(simpler.blocks.iter().all(|decision| !decision.kept));
    assert_eq!(simpler.refused["layer_2.py"].len(), 1);
    assert_eq!(failed(&simpler), ["no fallback was needed"]);

    let partial = generate("\ndef assemble(");
    assert_eq!(partial.completeness, Completeness::Partial);
    assert_eq!(partial.code_samples.keys().collect::<Vec<_>>(), ["layer_2.py"]);
    assert_eq!(
        failed(&partial),
        ["layer_0.py parses", "layer_1.py parses", "no fallback was needed"]
    );
    assert!(matches!(python().reproduces_chain(&partial), Err(InterpreterError::NoScript { .. })));
}

#[test]
fn the_checklist_runs_on_the_users_file() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in put.csv");
    std::fs::write(&input, "a,b\n1,x\n1,x\n,\n2\n3,y\n").unwrap();
    let out = folder.path().join("out");
    let (checks, report) = check_by_running(&python(), &everything(), &input, &out);
    assert!(checks.iter().all(|check| check.passed), "{checks:?}");
    let report = report.unwrap();
    assert_eq!(
        (report.rows_in, report.rows_out, report.rows_dropped, report.rows_quarantined),
        (5, 2, 2, 1)
    );
    let (checks, report) =
        check_by_running(&python(), &everything(), folder.path().join("no.csv"), &out);
    assert!(report.is_none());
    assert!(checks[1].detail.contains("there is no such file"), "{checks:?}");
}

#[test]
fn a_script_that_hangs_is_ended() {
    let mut scripts = scripts(&[]);
    scripts.code_samples.insert("layer_2.py".into(), "while True: pass\n".into());
    let hasty = python().with_time_limit(std::time::Duration::from_millis(50));
    let error = hasty.run_etl(&scripts, "in.csv", "out").unwrap_err();
    assert!(matches!(error, InterpreterError::TimedOut { .. }), "{error}");
}

#[test]
fn a_program_that_is_no_python_is_named_with_the_remedy() {
    let said = Interpreter::named("no-such-python").unwrap_err().to_string();
    assert!(said.starts_with("no-such-python does not run"), "{said}");
    if cfg!(unix) {
        let said = Interpreter::named("false").unwrap_err().to_string();
        let wanted =
            "false is no Python 3.8 or newer (a probe ended with exit code 1: it said nothing)";
        assert!(said.starts_with(wanted), "{said}");
    }
}

#[test]
fn scripts_are_written_all_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("a/b");
    assert_eq!(scripts(&[]).write_to(&deep).unwrap().len(), 3);
    assert_eq!(std::fs::read_dir(&deep).unwrap().count(), 3);
    let taken = folder.path().join("taken");
    std::fs::create_dir_all(taken.join("layer_2.py")).unwrap();
    assert!(scripts(&[]).write_to(&taken).is_err());
    assert_eq!(std::fs::read_dir(&taken).unwrap().count(), 1);
    std::fs::write(folder.path().join("file"), "").unwrap();
    assert!(scripts(&[]).write_to(folder.path().join("file/x")).is_err());
}
