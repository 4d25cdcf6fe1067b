//! The generated tests pass on the scripts of the other families, and fail on broken ones.

#[path = "support/families.rs"]
mod families;
#[path = "support/python_tools.rs"]
mod python_tools;
mod support;

use std::path::Path;
use std::process::Command;

#[cfg(all(feature = "shell", feature = "sql"))]
use families::scripts_for;
use orchestrator_codegen::{GenerateRequest, GeneratedScripts, Generator, Profile, Template};

const FAMILY: [&str; 3] = ["tests-python", "tests-python-standard", "tests-python-simple"];
const ALL: [&str; 4] = ["types", "faults", "idempotence", "refusals"];

fn profile() -> Profile {
    let text = "id;it's \"x\";ok;day;at;none\n1;2,5;yes;2024-01-02;2024-01-02 10:00;\n2;3,5;no;2024-01-03;2024-01-03 11:00;NA\n";
    Profile::of_bytes("t.csv", text.as_bytes()).unwrap()
}

/// One column, runs of blanks, JSON, and columns that identify nothing.
fn other_profiles() -> [Profile; 4] {
    [
        ("one.csv", "city\nParis\nRome\nBerlin\n"),
        ("blanks.txt", "days weight id\n0.5 1 1\n2.5 1 2\n3.5 7 3\n"),
        ("records.json", "[{\"a\": 1, \"b\": \"x\"}, {\"a\": 2, \"b\": \"y\"}]"),
        ("dice.csv", "eyes,won\n1,true\n2,false\n1,false\n"),
    ]
    .map(|(name, text)| Profile::of_bytes(name, text.as_bytes()).unwrap())
}

fn tests_for(
    name: &str,
    profile: &Profile,
    script: &str,
    interpreter: &[&str],
) -> GeneratedScripts {
    let template = Template::builtin(name).unwrap();
    let interpreter: Vec<String> = interpreter.iter().map(|word| (*word).to_owned()).collect();
    let mut request = GenerateRequest::for_template(&template, profile)
        .with("script", script)
        .with("interpreter", interpreter);
    for value in request.features.values_mut() {
        *value = 1.0;
    }
    Generator::new().generate(&request).unwrap()
}

/// Whether the tests pass, up to the first one that does not, and what they said.
fn outcome(folder: &Path) -> (bool, String) {
    let arguments = ["test_etl.py", "--failfast"];
    let output = Command::new("python3").args(arguments).current_dir(folder).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn they_pass_on_the_python_script_with_and_without_its_blocks() {
    let everything = support::everything();
    let cases = [(support::scripts(&[]), profile()), (everything.clone(), profile())];
    let others = other_profiles().map(|profile| (everything.clone(), profile));
    for (scripts, profile) in cases.into_iter().chain(others) {
        let folder = tempfile::tempdir().unwrap();
        scripts.write_to(folder.path()).unwrap();
        let name = if profile.columns.len() > 2 { "tests-python" } else { "tests-python-simple" };
        tests_for(name, &profile, "layer_2.py", &[]).write_to(folder.path()).unwrap();
        let (passed, said) = outcome(folder.path());
        assert!(passed, "{}: {said}", profile.file);
    }
}

#[cfg(all(feature = "shell", feature = "sql"))]
#[test]
fn they_pass_on_the_script_in_bash_and_sql() {
    let others = other_profiles().map(|profile| ("tests-python-simple", profile));
    for (name, profile) in [("tests-python", profile())].into_iter().chain(others) {
        let folder = tempfile::tempdir().unwrap();
        scripts_for("etl-bash-sql", &profile, &["imputation"]).write_to(folder.path()).unwrap();
        tests_for(name, &profile, "layer_0.sh", &["bash"]).write_to(folder.path()).unwrap();
        let (passed, said) = outcome(folder.path());
        assert!(passed, "{}: {said}", profile.file);
    }
}

#[test]
fn they_fail_on_broken_scripts() {
    let profile = profile();
    let scripts = support::scripts(&[]);
    let source = scripts.source("layer_2.py").unwrap();
    let broken = [
        // A row is lost.
        (
            "tests-python-simple",
            "kept.writerow(row.cells)",
            "row.line == 9 or kept.writerow(row.cells)",
        ),
        // Duplicates are kept, where a column identifies the rows.
        ("tests-python-simple", "verdict = DUPLICATE if key in seen else KEPT", "verdict = KEPT"),
        // Integers are taken for text.
        ("tests-python-standard", "if INTEGER.fullmatch(text):", "if False:"),
        // A missing value keeps its word.
        (
            "tests-python-standard",
            "if kind == \"missing\":\n            return \"\"",
            "if kind == \"missing\":\n            return text",
        ),
        // What does not fit is kept as it is.
        (
            "tests-python-standard",
            "if kind not in accepted(self.type, self.habits):\n            return None",
            "if kind not in accepted(self.type, self.habits):\n            return text",
        ),
        // The second cleaning gives something else.
        (
            "tests-python",
            "str(int(text.replace(\",\", \"\")))",
            "str(int(text.replace(\",\", \"\")) + 1)",
        ),
        // Half a result is left behind.
        (
            "tests-python",
            "    source = open_source(path, wishes)\n",
            "    os.makedirs(out, exist_ok=True)\n    source = open_source(path, wishes)\n",
        ),
    ];
    for (name, from, to) in broken {
        assert!(source.contains(from), "{from}");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("layer_2.py"), source.replacen(from, to, 1)).unwrap();
        tests_for(name, &profile, "layer_2.py", &[]).write_to(folder.path()).unwrap();
        let (passed, said) = outcome(folder.path());
        assert!(!passed && said.contains("FAILED (failures="), "{name}: {to}\n{said}");
    }
}

#[test]
fn ruff_has_nothing_to_add() {
    let Some(ruff) = python_tools::program_of("ruff==0.17.6", "ruff") else { return };
    for name in FAMILY {
        for on in [&ALL[..], &ALL[..1], &ALL[1..2], &ALL[2..3], &ALL[3..], &[]] {
            let template = Template::builtin(name).unwrap();
            let mut request = GenerateRequest::for_template(&template, &profile());
            for value in request.features.values_mut() {
                *value = 0.0;
            }
            for block in template.blocks().iter().filter(|block| on.contains(&block.name.as_str()))
            {
                request.features.insert(block.feature.clone(), 1.0);
            }
            let folder = tempfile::tempdir().unwrap();
            Generator::new().generate(&request).unwrap().write_to(folder.path()).unwrap();
            let output = Command::new(&ruff)
                .args(["format", "--diff", "--isolated", "--no-cache", "test_etl.py"])
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
    }
}
