//! Counts, their parts of the score, and statement coverage of a run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use orchestrator_codegen::{
    COVERAGE_RUNNER, Coverage, PythonQuality, PythonSource, PythonValidator, Quality,
    QualityAnalyzer, QualityWeights, Validator,
};

fn quality(source: &str) -> Quality {
    PythonQuality.analyze(source)
}

#[track_caller]
fn check(source: &str, cyclomatic: usize, cognitive: usize) {
    let quality = quality(source);
    let function = &quality.per_function[0];
    assert_eq!((function.cyclomatic, function.cognitive), (cyclomatic, cognitive), "{source}");
}

#[test]
fn a_function_has_two_complexities() {
    check("def f(): pass\n", 1, 0);
    check("def f(a):\n    if a: pass\n    elif b: pass\n    else: pass\n", 3, 3);
    check("def f(a):\n    for x in a:\n        if x:\n            break\n    else: pass\n", 4, 4);
    check(
        "def f(a):\n    while a:\n        try: pass\n        except A: pass\n        except B: pass\n",
        4,
        5,
    );
    check("def f(a, b, c): return a and b and c\n", 3, 1);
    check("def f(a, b, c, d): return a or b and c or d\n", 4, 3);
    check("def f(a, b, c, d): return a or (b and c) or d\n", 4, 2);
    check("def f(a, b): return a and not (a and b)\n", 3, 2);
    check("def f(a): return 1 if a else 2 if b else 3\n", 3, 3);
    check("def f(a): return [x for x in a if x]\n", 3, 0);
    check("def f(a): return lambda x: 1 if x else 2\n", 2, 2);
    check("def f(a): return f(a - 1)\n", 1, 1);
    check("class A:\n    def f(self): return self.f()\n", 1, 1);
    check(
        "def f(a):\n    match a:\n        case 1: pass\n        case 2 if a: pass\n        case _: pass\n",
        3,
        1,
    );
    // What wraps does not nest; what else defines a function does.
    check("def f(a):\n    def g():\n        if a: pass\n    return g\n", 1, 1);
    check("def f(a):\n    b = 1\n    def g():\n        if a: pass\n    return g\n", 1, 2);
    check("def f(a):\n    assert a and b\n", 2, 1);
}

#[test]
fn functions_are_named_by_where_they_are() {
    let source = "import x\n\n\nclass A:\n    @x\n    def f(self, a):\n        \"\"\"Doc.\"\"\"\n        with a:\n            if a:\n                pass\n\n    class B:\n        async def g(self):\n            def h(): pass\n";
    let quality = quality(source);
    let seen: Vec<_> = quality
        .per_function
        .iter()
        .map(|f| (f.name.as_str(), f.line, f.lines, f.parameters, f.nesting, f.documented))
        .collect();
    assert_eq!(
        seen,
        [("A.f", 6, 5, 2, 2, true), ("A.B.g", 13, 2, 1, 0, false), ("A.B.g.h", 14, 1, 0, 0, false),]
    );
    // Three functions and two classes, one documented.
    assert_eq!((quality.functions, quality.documented), (3, 0.2));
    assert_eq!((quality.function_lines_max, quality.nesting_max), (5, 2));
}

#[test]
fn each_part_lowers_the_score_alone() {
    let good = "def f(x):\n    \"\"\"Doc.\"\"\"\n    return x\n";
    assert_eq!(quality(good).score, 1.0);
    let branches = "    if x: x\n".repeat(20);
    let nested: String = (1..9).map(|at| format!("{}if x:\n", "    ".repeat(at))).collect();
    let long = "    x\n".repeat(100);
    let repeated = "    a_long_name_that_is_repeated = 1\n".repeat(5);
    let document = |body: &str| format!("def f(x):\n    \"\"\"Doc.\"\"\"\n{body}");
    let cases: [(&str, String, QualityWeights); 5] = [
        (
            "complexity",
            document(&branches),
            QualityWeights { complexity: 0.0, cognitive: 0.0, ..Default::default() },
        ),
        (
            "nesting",
            document(&(nested + &"    ".repeat(9) + "pass\n")),
            QualityWeights { nesting: 0.0, cognitive: 0.0, complexity: 0.0, ..Default::default() },
        ),
        ("length", document(&long), QualityWeights { length: 0.0, ..Default::default() }),
        (
            "duplication",
            document(&repeated),
            QualityWeights { duplication: 0.0, ..Default::default() },
        ),
        (
            "documentation",
            "def f(x):\n    return x\n".into(),
            QualityWeights { documentation: 0.0, ..Default::default() },
        ),
    ];
    for (what, source, without) in cases {
        let quality = quality(&source);
        assert!(quality.score < 1.0, "{what}: {quality:?}");
        assert_eq!(quality.weighed(&without), 1.0, "{what}: {quality:?}");
        assert_eq!(quality.weighed(&QualityWeights::default()), quality.score);
    }
    let half = quality(good).with_coverage(0.5);
    assert!((half.score - (1.0 + 0.2 * 0.5) / 1.2).abs() < 1e-12, "{}", half.score);
}

#[test]
fn one_parse_gives_what_validator_and_analyzer_give() {
    for source in [
        "",
        "x = 1\n",
        "def f(a, a): return\n",
        "def f(:\n    pass\n",
        "match x:\n    case 1: pass\n",
    ] {
        let parsed = PythonSource::parse(source);
        assert_eq!(parsed.diagnostics(), PythonValidator.validate(source));
        assert_eq!(*parsed.quality(), quality(source));
    }
}

#[test]
fn quality_is_kept_as_data() {
    let quality = quality("def f(x):\n    return x + 1\n").with_coverage(0.25);
    let json = serde_json::to_string(&quality).unwrap();
    assert_eq!(serde_json::from_str::<Quality>(&json).unwrap(), quality);
    // What an earlier version wrote.
    let before: Quality = serde_json::from_str(r#"{"lines": 3, "score": 0.5}"#).unwrap();
    assert_eq!((before.lines, before.score, before.covered), (3, 0.5, None));
}

fn covered(python: &Path, script: &str, arguments: &[&str]) -> (Coverage, std::process::Output) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("script.py"), script).unwrap();
    let output = Command::new(python)
        .args(["-I", "-c", COVERAGE_RUNNER, "coverage.json", "script.py"])
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .expect("an interpreter that ran before");
    let written = std::fs::read(folder.path().join("coverage.json"));
    let written = written.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (Coverage::from_json(&written).unwrap(), output)
}

/// The interpreters of this machine, each minor version once: what is called `python3.N` in the path, and those of pyenv.
fn interpreters() -> BTreeMap<u32, PathBuf> {
    let home = std::env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv"));
    let pyenv = std::env::var_os("PYENV_ROOT").map(PathBuf::from).or(home);
    let versions = pyenv.and_then(|root| std::fs::read_dir(root.join("versions")).ok());
    let versions = versions.into_iter().flatten().flatten();
    let ours = versions.map(|version| version.path().join("bin/python3"));
    let named = (8..30).map(|minor| PathBuf::from(format!("python3.{minor}")));
    let mut found = BTreeMap::new();
    for python in [PathBuf::from("python3")].into_iter().chain(named).chain(ours) {
        let probe = "import sys; print(sys.version_info[1] if sys.version_info[0] == 3 else 0)";
        let Ok(output) = Command::new(&python).args(["-I", "-c", probe]).output() else { continue };
        match String::from_utf8_lossy(&output.stdout).trim().parse() {
            Ok(minor) if output.status.success() && minor >= 8 => {
                found.entry(minor).or_insert(python);
            }
            _ => {}
        }
    }
    assert!(!found.is_empty(), "these tests need python3 in the PATH");
    found
}

/// From Python 3.12 on by `sys.monitoring`, before by `sys.settrace`: both must tell the same.
#[test]
fn a_run_tells_which_statements_it_executed_in_every_python_of_the_machine() {
    let interpreters = interpreters();
    for (minor, python) in &interpreters {
        println!("Python 3.{minor}: {}", python.display());
        check_coverage(python);
    }
    for (way, there) in [
        ("sys.settrace", interpreters.keys().any(|minor| *minor < 12)),
        ("sys.monitoring", interpreters.keys().any(|minor| *minor >= 12)),
    ] {
        if !there {
            println!("skipped: no Python here measures by {way}");
        }
    }
}

fn check_coverage(python: &Path) {
    let script = "\"\"\"Doc.\"\"\"\nimport sys, threading\n\ndef used(\n    x,\n):\n    \"\"\"Doc.\"\"\"\n    if x > 1:\n        return (\n            x\n        )\n    else:\n        y = 1\n    return y\n\ndef unused():\n    global z\n    z = 1\n\nthread = threading.Thread(target=used, args=(2,))\nthread.start()\nthread.join()\nif __name__ == \"__main__\":\n    print(sys.argv[1:], __file__)\n    sys.exit(3)\n";
    let (coverage, output) = covered(python, script, &["a", "b"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "['a', 'b'] script.py");
    assert_eq!(coverage.statements, [2, 4, 8, 9, 13, 14, 16, 18, 20, 21, 22, 23, 24, 25]);
    assert_eq!(coverage.missed(), [13, 14, 18]);
    assert!((coverage.share() - 11.0 / 14.0).abs() < 1e-12);
    // An exception ends the script as it would without the runner.
    let (coverage, output) = covered(python, "x = 1\nraise ValueError(x)\ny = 2\n", &[]);
    assert_eq!((coverage.executed, output.status.code()), (vec![1, 2], Some(1)));
    assert!(String::from_utf8_lossy(&output.stderr).contains("ValueError: 1"));
}

#[test]
fn what_is_no_coverage_is_refused() {
    for (text, reason) in [
        ("{", "EOF"),
        (r#"{"version": 2, "statements": [], "executed": []}"#, "version 2"),
        (r#"{"version": 1, "statements": [2, 1], "executed": []}"#, "ascend"),
        (r#"{"version": 1, "statements": [1], "executed": [2]}"#, "line 2"),
    ] {
        let error = Coverage::from_json(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
    assert_eq!(Coverage::default().share(), 1.0);
}

#[cfg(feature = "rust")]
#[test]
fn rust_has_its_counts_by_function() {
    use orchestrator_codegen::{QualityAnalyzer, RustQuality};
    let source = "/// A.\nstruct A;\n\nimpl A {\n    fn f(&self, x: Option<u8>) -> Option<u8> {\n        let y = x?;\n        for i in 0..y {\n            if i > 1 && i < 3 || y == 2 {\n                return None;\n            } else if i == 7 {\n                continue;\n            }\n        }\n        match y {\n            0 => Some(1),\n            1 => self.f(None),\n            _ => None,\n        }\n    }\n}\n";
    let quality = RustQuality.analyze(source);
    let f = &quality.per_function[0];
    assert_eq!((f.name.as_str(), f.line, f.lines, f.nesting), ("A::f", 5, 15, 2));
    // 1, ?, for, if, &&, ||, else if, two of three arms.
    assert_eq!(f.cyclomatic, 9);
    // for 1, if 2, && 1, || 1, else if 1, match 1.
    assert_eq!(f.cognitive, 7);
    assert_eq!(quality.documented, 0.5);
    assert!(quality.parsed && quality.score > 0.5 && quality.score < 1.0);
    assert!(!RustQuality.analyze("fn f( {}").parsed);
}
