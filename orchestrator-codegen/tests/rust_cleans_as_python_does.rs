//! The ETL in Rust compiles without a warning, is formatted, and finds the same table as the one in Python.
#![cfg(feature = "rust")]

#[path = "support/families.rs"]
mod families;
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use families::{check_equal, results, scripts_for};
use orchestrator_codegen::{
    GenerateRequest, Generator, InputValue, Profile, RustValidator, Template, Validator,
};
use serde_json::Value;
use support::{clean_all, nasty_files};
use tempfile::TempDir;

fn blocks_of(name: &str) -> Vec<String> {
    let template = Template::builtin(name).unwrap();
    template.blocks().iter().map(|block| block.name.clone()).collect()
}

/// A program, and the folder that it lies in.
struct Program {
    path: PathBuf,
    _folder: TempDir,
}

impl Program {
    fn source(&self) -> PathBuf {
        self.path.with_extension("rs")
    }
}

/// Compiles the program of a template with these blocks, any warning being an error.
fn build(template: &str, on: &[&str], emit: &str) -> Program {
    let profile = Profile::of_bytes("t.csv", b"a,b\n1,x\n").unwrap();
    let folder = tempfile::tempdir().unwrap();
    scripts_for(template, &profile, on).write_to(folder.path()).unwrap();
    let source = std::fs::read_to_string(folder.path().join("layer_2.rs")).unwrap();
    assert!(RustValidator.validate(&source).is_empty());
    let built = Command::new("rustc")
        .args(["--edition", "2024", "-D", "warnings", "-C", "debuginfo=0", emit])
        .args(["layer_2.rs", "-o", "layer_2"])
        .current_dir(folder.path())
        .output()
        .expect("rustc is in the PATH");
    assert!(built.status.success(), "{on:?}: {}", String::from_utf8_lossy(&built.stderr));
    Program { path: folder.path().join("layer_2"), _folder: folder }
}

/// With no block, and with all of them.
static BARE: LazyLock<Program> = LazyLock::new(|| build("etl-rust", &[], "--emit=link"));
static FULL: LazyLock<Program> = LazyLock::new(|| {
    let blocks = blocks_of("etl-rust");
    build("etl-rust", &blocks.iter().map(String::as_str).collect::<Vec<_>>(), "--emit=link")
});

/// The report of a program on a file, with `cleaned` and `quarantine` added; or `{"error": …}`.
fn clean(program: &Program, name: &str, bytes: &[u8]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), bytes).unwrap();
    let output = Command::new(&program.path)
        .args([name, "--out", "out"])
        .current_dir(folder.path())
        .output()
        .expect("the program starts");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let refused = told.starts_with(&format!("error: {name}")) && told.lines().count() == 1;
    assert!(output.status.success() || refused, "{name}: {told}");
    assert!(output.status.success() || output.status.code() == Some(2), "{name}: {told}");
    results(&output, folder.path())
}

#[track_caller]
fn check(files: &[(String, Vec<u8>)], program: &Program, on: &[&str]) {
    for ((name, bytes), wanted) in files.iter().zip(&clean_all(&support::scripts(on), files)) {
        let found = clean(program, name, bytes);
        check_equal(name, wanted, &found);
        for key in ["cleaned", "format", "delimiter", "header", "assumed", "identifiers"] {
            assert_eq!(wanted[key], found[key], "{name}: {key}");
        }
        // Which line a fault is on is no question of wording, and neither are those of the reader.
        if let (Some(wanted), Some(found)) = (wanted["error"].as_str(), found["error"].as_str()) {
            assert_eq!(found, format!("error: {wanted}\n"));
        }
    }
}

#[test]
fn what_people_have_is_cleaned_alike() {
    check(&nasty_files(), &BARE, &[]);
}

#[test]
fn what_people_have_is_cleaned_alike_with_all_blocks() {
    let blocks = blocks_of("etl-rust");
    let on: Vec<&str> = blocks.iter().map(String::as_str).collect();
    check(&nasty_files(), &FULL, &on);
}

fn table() -> String {
    let mut text = String::from("k,n,x,w,f,when\n");
    for at in 0..80 {
        let x = if at == 7 { "5000".to_owned() } else { format!("{}.50", at % 11) };
        let n = if at == 9 { "-900".to_owned() } else { ((at * 7) % 13).to_string() };
        let w = ["red", "blue  sky", "NA", "e\u{301}te\u{301}"][at % 4];
        let f = if at % 20 == 3 { "?".to_owned() } else { (at % 2 == 0).to_string() };
        text +=
            &format!("{},{n},{x},{w},{f},{}/2/2020 10:0{}\n", (at * 37) % 80, 13 + at % 9, at % 7);
    }
    text + "oops,1,2.5,red,true,\n,,2.5,,,\n81,1,2.5,RED,true,\n81,1,2.50,red,true,\n"
}

#[test]
fn tables_are_cleaned_alike_with_all_blocks_and_with_none() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data/penguins-raw.csv");
    let lines: String = (0..300)
        .map(|at| {
            let extra = if at % 3 == 0 { ", \"b\": {\"c\": null}" } else { "" };
            format!("{{\"id\": {at}, \"v\": {}e{}, \"s\": \"\\u00e9\"{extra}}}\n", at % 7, at % 25)
        })
        .collect();
    let files = [
        ("penguins.csv".to_owned(), std::fs::read(data).unwrap()),
        ("made.csv".to_owned(), table().into_bytes()),
        ("lines.jsonl".to_owned(), lines.clone().into_bytes()),
        ("document.json".to_owned(), format!("[{}]", lines.trim().replace('\n', ",")).into_bytes()),
    ];
    let blocks = blocks_of("etl-rust");
    check(&files, &FULL, &blocks.iter().map(String::as_str).collect::<Vec<_>>());
    check(&files, &BARE, &[]);
}

#[test]
fn each_complexity_and_each_block_compiles_and_is_formatted() {
    for name in ["etl-rust-standard", "etl-rust-simple"] {
        let blocks = blocks_of(name);
        let on: Vec<&str> = blocks.iter().map(String::as_str).collect();
        let program = build(name, &on, "--emit=link");
        assert_formatted(&[program.source()], name);
        check(&[("made.csv".to_owned(), table().into_bytes())], &program, &on);
    }
    for block in blocks_of("etl-rust") {
        let program = build("etl-rust", &[&block], "--emit=metadata");
        assert_formatted(&[program.source()], &block);
    }
    assert_formatted(&[BARE.source(), FULL.source()], "all and none");
}

#[track_caller]
fn assert_formatted(paths: &[PathBuf], case: &str) {
    let checked = Command::new("rustfmt")
        .args(["--check", "--edition", "2024"])
        .args(paths)
        .output()
        .expect("rustfmt is in the PATH");
    let told = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{case}: {told}{}", String::from_utf8_lossy(&checked.stderr));
}

#[test]
fn texts_of_any_length_leave_it_formatted() {
    let template = Template::builtin("etl-rust-simple").unwrap();
    let profile = Profile::of_bytes("t.csv", b"a,b\n1,x\n").unwrap();
    let column = |name: String, kind: &str| {
        let fields = [("name", InputValue::from(name)), ("type", kind.into())];
        InputValue::Record(fields.map(|(key, value)| (key.to_owned(), value)).into())
    };
    let lengths = [0, 1, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 60, 80];
    let quoted = |length: usize| format!("{}\"\n", "n".repeat(length));
    let columns: Vec<InputValue> = lengths.map(|at| column(quoted(at), "integer")).into();
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for length in [0, 76, 78, 80, 82, 84, 90, 92, 94, 96, 140] {
        let few = if length == 0 { Vec::new() } else { columns.clone() };
        let request = GenerateRequest::for_template(&template, &profile)
            .with("columns", InputValue::List(few))
            .with("project", "p".repeat(length))
            .with("objective", format!("*/ \"# {{~ \u{1} 😀{}", "p".repeat(length)));
        let scripts = Generator::new().generate(&request).unwrap();
        let path = folder.path().join(format!("of_{length}.rs"));
        std::fs::write(&path, scripts.source("layer_2.rs").unwrap()).unwrap();
        paths.push(path);
    }
    assert_formatted(&paths, "texts");
}

fn run(program: &Program, folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(&program.path).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn options_decide_what_would_be_found_out() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), "title\na;b\n1;x\n1;x\n").unwrap();
    std::fs::write(folder.path().join("t.json"), r#"{"a": [{"x": 1}], "b": [{"y": null}]}"#)
        .unwrap();
    let cleaned = |arguments: &[&str], file: &str| {
        let (code, told, fault) = run(&FULL, folder.path(), arguments);
        assert_eq!(code, Some(0), "{told}{fault}");
        std::fs::read_to_string(folder.path().join("o").join(file)).unwrap()
    };
    let skip = ["t.csv", "--out", "o", "--delimiter=semicolon", "--skip", "1", "--header"];
    let keep = [&skip[..], &["--duplicates", "keep"]].concat();
    assert_eq!(cleaned(&keep, "cleaned.csv"), "a,b\n1,x\n1,x\n");
    let drop = [&skip[..], &["--duplicates", "drop", "--verbose"]].concat();
    assert_eq!(cleaned(&drop, "cleaned.csv"), "a,b\n1,x\n");
    let lines = ["t.json", "--out", "o", "--records", "b", "--format", "jsonl"];
    assert_eq!(cleaned(&lines, "cleaned.jsonl"), "");
    let (_, told, _) = run(&FULL, folder.path(), &[&lines[..], &["--json"]].concat());
    let report: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&report["rows_in"], &report["empty_rows"]), (&1.into(), &1.into()));
    assert_eq!(report["project"], "it's \"so\"\n😀");
}

#[test]
fn what_cannot_be_used_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("t.csv"), "a,b\n1,2\n").unwrap();
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    std::fs::create_dir_all(folder.path().join("taken/cleaned.csv")).unwrap();
    std::fs::write(folder.path().join("cleaned.csv"), "a,b\n1,2\n").unwrap();
    for (arguments, part) in [
        (&["t.csv"][..], "--out"),
        (&["--out", "o"], "input"),
        (&["t.csv", "t.csv", "--out", "o"], "input"),
        (&["t.csv", "--out"], "--out needs a value"),
        (&["t.csv", "--out", "o", "--what"], "--what"),
        (&["t.csv", "--out", "o", "--delimiter", "ab"], "no delimiter"),
        (&["t.csv", "--out", "o", "--skip", "x"], "--skip"),
        (&["t.csv", "--out", "o", "--format", "x"], "--format"),
        (&["t.csv", "--out", "o", "--duplicates", "x"], "--duplicates"),
        (&["none.csv", "--out", "o"], "none.csv: there is no such file"),
        (&["folder", "--out", "o"], "folder: this is a directory"),
        (&["cleaned.csv", "--out", "."], "would replace its own input"),
        (&["t.csv", "--out", "t.csv"], "cannot be written"),
        (&["t.csv", "--out", "taken"], "a directory is in the way"),
        (&["t.csv", "--out", "o/p", "--skip", "9"], "the file is empty"),
    ] {
        let (code, told, fault) = run(&BARE, folder.path(), arguments);
        assert_eq!((code, told.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(fault.starts_with("error: ") && fault.lines().count() == 1, "{fault}");
        assert!(fault.contains(part), "{arguments:?}: {fault}");
    }
    let mut left: Vec<_> = std::fs::read_dir(folder.path().join("taken")).unwrap().collect();
    assert_eq!(left.pop().unwrap().unwrap().file_name(), "cleaned.csv");
    assert!(left.is_empty() && !folder.path().join("o").exists(), "nothing is left of a failure");
}
