//! The ETL in Bash and SQL finds the same rows, nulls and types as the one in Python.

#![cfg(all(feature = "shell", feature = "sql"))]

#[path = "support/families.rs"]
mod families;
#[path = "support/python_tools.rs"]
mod python_tools;
mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

use families::{check_equal, results, scripts_for};
use orchestrator_codegen::{Profile, Template};
use serde_json::Value;
use support::{clean_all, nasty_files};

const BLOCKS: [&str; 4] =
    ["imputation", "outlier_clipping", "column_statistics", "quarantine_summary"];

/// Where the scripts for files like this one are; made once for each dialect, since nothing else in them differs that matters here.
fn scripts_in(profile: &Profile, on: &[&str]) -> PathBuf {
    type Made = Mutex<BTreeMap<(String, bool, String), PathBuf>>;
    static MADE: LazyLock<Made> = LazyLock::new(Made::default);
    let key = (profile.delimiter.clone(), profile.header, on.join(" "));
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let number = made.len();
    let make = || {
        let name = format!("bash-and-sql-{number}");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let scripts = scripts_for("etl-bash-sql", profile, on);
        assert!(scripts.is_whole() && scripts.attempts.is_empty(), "{:#?}", scripts.refused);
        scripts.write_to(&folder).unwrap();
        folder
    };
    made.entry(key).or_insert_with(make).clone()
}

fn clean(name: &str, bytes: &[u8], on: &[&str]) -> Value {
    // What has no profile is a fault for the script, too, whatever it was made for.
    let profile = Profile::of_bytes(name, bytes)
        .unwrap_or_else(|_| Profile::of_bytes("t.csv", b"a,b\n1,x\n").unwrap());
    let script = scripts_in(&profile, on).join("layer_0.sh");
    let folder = tempfile::tempdir().unwrap();
    // Its name says how a file holds its records.
    std::fs::write(folder.path().join(name), bytes).unwrap();
    let arguments = [name, "--out", "out"];
    let bash = Command::new("bash").arg(script).args(arguments).current_dir(folder.path()).output();
    let output = bash.expect("these tests need bash and sqlite3 in the PATH");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let blamed = told.starts_with(&format!("error: {name}"));
    assert!(output.status.success() || blamed, "{name}: {told}");
    assert!(output.status.success() || told.lines().count() == 1, "{name}: {told}");
    results(&output, folder.path())
}

fn check(files: &[(String, Vec<u8>)], on: &[&str]) {
    let wanted = clean_all(&support::scripts(on), files);
    let pairs: Vec<_> = files.iter().zip(&wanted).collect();
    // Each run is several processes, which wait for each other.
    std::thread::scope(|scope| {
        for part in pairs.chunks(pairs.len().div_ceil(4)) {
            scope.spawn(move || {
                for ((name, bytes), wanted) in part {
                    check_equal(name, wanted, &clean(name, bytes, on));
                }
            });
        }
    });
}

#[test]
fn what_people_have_is_cleaned_alike() {
    check(&nasty_files(), &[]);
}

#[test]
fn the_penguins_are_cleaned_alike_with_all_blocks() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data/penguins-raw.csv");
    let bytes = std::fs::read(path).unwrap();
    let mut text = String::from("k,n,x,w,f\n");
    for at in 0..60 {
        let x = if at == 7 { "5000".to_owned() } else { format!("{}.5", at % 11) };
        let n = if at == 9 { "-900".to_owned() } else { ((at * 7) % 13).to_string() };
        let w = ["red", "blue", "NA"][at % 3];
        let f = if at % 20 == 3 { "?".to_owned() } else { (at % 2 == 0).to_string() };
        text += &format!("{},{n},{x},{w},{f}\n", (at * 37) % 60);
    }
    text += "oops,1,2.5,red,true\n,,2.5,,\n";
    let files = [("penguins.csv".to_owned(), bytes), ("made.csv".to_owned(), text.into_bytes())];
    check(&files, &BLOCKS);
    for block in BLOCKS {
        check(&files[1..], &[block]);
    }
    check(&files, &[]);
}

#[test]
fn json_is_cleaned_alike() {
    let pretty = "[\n  {\n    \"id\": 1,\n    \"when\": \"2024-01-02\",\n    \"place\": {\"city\": \"Köln\", \"at\": {\"x\": 1.50, \"y\": -0}}\n  },\n  {\n    \"id\": 2,\n    \"place\": {\"at\": {\"y\": 2e-3, \"z\": []}, \"city\": null},\n    \"when\": \"2024-01-03\"\n  },\n  {\"id\": 3, \"place\": \"nowhere\"},\n  {\"id\": 4, \"when\": \"2024-01-04\"}, {\"id\": 5, \"when\": \"2024-01-05\"},\n  {\"id\": 6, \"when\": \"soon\"}\n]\n";
    let files = [
        ("pretty.json", pretty),
        (
            "member.json",
            "{\"meta\": {\"n\": 1},\r\n\"rows\": [{\"a\": 1}, {\"a\": \"x\"},\r\n{\"a\": 3}, {\"a\": 4},\r\n\r\n{\"a\": 5}]}",
        ),
        ("wrapped.json", "\u{feff}{\"a\": {\"b\": [{\"c\": 1}]}, \"d\": \"x, y\"}"),
        (
            "spelling.json",
            "[{\"a\": \"\\u00e9\\/\\\"\\\\\\n\\t\\ud83d\\ude00\\udc00x\", \"b\\\"\\u0041\": 1}, {\"a\": [\"\\u0041\\\"\\/\", {\"k\\u00fc\": 1E+2, \"n\": [null, true]}]}]",
        ),
        (
            "numbers.json",
            "[{\"a\": NaN, \"b\": Infinity, \"c\": 12345678901234567890, \"d\": 1.10}, {\"a\": 1, \"b\": -Infinity, \"c\": 5, \"d\": [1.10, NaN, -0.0]}]",
        ),
        (
            "twice.json",
            "[{\"a\": {\"b\": 1}, \"c\": 2, \"a\": {\"d\": 3}}, {\"c\": 4, \"c\": null}]",
        ),
        (
            "names.json",
            "[{\"\": 1, \" a  b \": 2, \"a\\tb\": 3, \"column_1\": 4, \"x.y\": 5, \"x\": {\"y\": 6}}]",
        ),
        (
            "strings.json",
            "[{\"a\": \"1,234\", \"b\": \" NA \", \"c\": \"yes\"}, {\"a\": \"2.5\", \"b\": \"-\", \"c\": false}]",
        ),
        (
            "mixed.json",
            "[1, {\"value\": \"x\", \"b\": []}, [2, {\"c\": \"d\"}], null, \"text\", true]",
        ),
        (
            "titles.json",
            "[[\"A title\"], [\"n\", \"x\"], [1, \"a\"], [2, \"b\"], [3, \"a, b\"], [4, null]]",
        ),
        ("empty_arrays.json", "[[], [1, 2], [3, 4], [\"\", \" \"]]"),
        ("lone.json", "{\"a\": 1}"),
        ("scalar.json", "5"),
        (
            "many.jsonl",
            "{\"id\": 1, \"t\": {\"u\": \"a\"}}\r\n \r\n{\"id\": 2}\r\n{\"id\": }\r\n{\"id\": 3, \"v\": [1, 2]} \r\n5\r\n{\"id\": 3, \"v\": [1, 2]}\r\n",
        ),
        (
            "numbered_names.jsonl",
            "{\"a\": 1}\n{1: 2}\n{\"a\": 01}\n{\"a\": +1}\n{\"a\": .5}\n{\"a\": 1.}\n{\"a\": 1,}\n{'a': 1}\n{\"a\": \"\\x\"}\n{\"a\": \"\t\"}\n",
        ),
        ("objects", "{\"a\": 1}"),
        ("cut_string.json", "[{\"a\": \"x\n\"}]"),
        ("two.json", "[1] [2]"),
        ("comment.json", "[1, /* two */ 3]"),
        ("nested.json", &format!("[\n{}1{}]", "{\"a\":".repeat(64), "}".repeat(64))),
        ("too_nested.json", &format!("[\n{}1{}]", "{\"a\":".repeat(65), "}".repeat(65))),
        ("table.csv", "[1,2\n3,4\n5,6\n"),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
    check(&files, &[]);
    check(&files[..4], &BLOCKS);
}

#[test]
fn what_sqlite_cannot_hold_of_json_is_refused_by_name() {
    for (text, line, reason) in [
        // A text in SQLite ends there, in Python it does not.
        ("[{\"a\": 1},\n{\"a\": \"x\\u0000y\"}]", 2, "the character \\u0000"),
        // What is within an array is copied as it is written, so that both values would stay.
        ("[{\"a\": 1},\n{\"a\": [{\"k\": 1, \"k\": 2}]}]", 2, "the name 'k' twice"),
    ] {
        let report = clean("t.json", text.as_bytes(), &[]);
        let error = report["error"].as_str().unwrap_or_else(|| panic!("{report}"));
        assert!(error.contains(&format!("line {line}: ")) && error.contains(reason), "{error}");
    }
}

/// The cleaned table, the quarantine, and what the report counts; for a file that both scripts take.
fn with_options(program: &[&str], folder: &Path, options: &[&str]) -> (String, String, Value) {
    let out = folder.join("out");
    let (program, first) = program.split_first().unwrap();
    let done = Command::new(program)
        .args(first)
        .args(options)
        .args(["--out", "out"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(done.status.success(), "{options:?}: {}", String::from_utf8_lossy(&done.stderr));
    let read = |name: &str| std::fs::read_to_string(out.join(name));
    let report: Value = serde_json::from_str(&read("quality_report.json").unwrap()).unwrap();
    let counts = ["rows_in", "rows_out", "duplicates", "header", "identifiers", "preamble"];
    let counts: Vec<Value> = counts.iter().map(|key| report[*key].clone()).collect();
    let cleaned = read("cleaned.csv").or_else(|_| read("cleaned.jsonl")).unwrap();
    let quarantine = read("quarantine.csv").unwrap();
    std::fs::remove_dir_all(out).unwrap();
    (cleaned, quarantine, counts.into())
}

#[test]
fn options_mean_the_same() {
    let profile = Profile::of_bytes("t.csv", b"a,b\n1,x\n").unwrap();
    let folder = tempfile::tempdir().unwrap();
    scripts_for("etl-bash-sql", &profile, &[]).write_to(folder.path()).unwrap();
    support::scripts(&[]).write_to(folder.path()).unwrap();
    let table = "A title\nname,n,ok,\"a \"\"b\"\"\"\nx,1,true,2.50\ny,2,no,-inf\ny,2,no,-inf\n\"p, \"\"q\"\"\",,,NA\n";
    std::fs::write(folder.path().join("t.csv"), table).unwrap();
    let blanks = "a  b\n1\t2\n3 \"4 5\"\n";
    std::fs::write(folder.path().join("t.txt"), blanks).unwrap();
    let json = "{\"one\": [{\"a\": 1}], \"two\": [{\"b\": \"x\"}, {\"b\": \"y\"}]}";
    std::fs::write(folder.path().join("t.json"), json).unwrap();
    let cases: [&[&str]; 11] = [
        &["t.csv"],
        &["t.csv", "--format", "jsonl"],
        &["t.csv", "--duplicates", "keep"],
        &["t.csv", "--duplicates", "drop", "--skip", "0"],
        &["t.csv", "--skip", "1", "--header"],
        &["t.csv", "--skip", "2", "--no-header"],
        &["t.csv", "--no-header"],
        &["t.csv", "--delimiter", "none"],
        &["t.txt", "--delimiter", "blanks", "--header"],
        &["t.json", "--records", "two", "--format", "jsonl"],
        &["t.json", "--records", "one"],
    ];
    for options in cases {
        let wanted = with_options(&["python3", "layer_2.py"], folder.path(), options);
        let found = with_options(&["bash", "layer_0.sh"], folder.path(), options);
        assert_eq!(wanted, found, "{options:?}");
    }
    for options in [
        &["t.json"][..],
        &["t.json", "--records", "three"],
        &["t.csv", "--skip", "-1"],
        &["t.csv", "--format", "xml"],
        &["t.csv", "--duplicates"],
    ] {
        let mut bash = Command::new("bash");
        let done = bash.arg("layer_0.sh").args(options).args(["--out", "out"]);
        let done = done.current_dir(folder.path()).output().unwrap();
        let told = String::from_utf8_lossy(&done.stderr);
        assert_eq!((done.status.code(), told.lines().count()), (Some(2), 1), "{options:?}: {told}");
        assert!(!folder.path().join("out").exists());
    }
}

#[test]
fn nearly_equal_rows_are_dropped() {
    let text = b"name,x\nAda,1.50\n ADA ,1.5\nBob,2\nada  l,3\nAda L,3.0\n";
    let report = clean("t.csv", text, &["near_deduplication"]);
    assert_eq!((&report["rows_out"], &report["near_duplicates"]), (&3.into(), &2.into()));
    assert_eq!(clean("t.csv", text, &[])["rows_out"], 5);
}

#[test]
fn shfmt_has_nothing_to_add() {
    let Some(shfmt) = python_tools::program_of("shfmt-py==4.2.0", "shfmt") else { return };
    let profile = Profile::of_bytes("t.csv", b"a\tb\n1\tx\n2\ty\n").unwrap();
    for name in ["etl-bash-sql", "etl-bash-sql-standard", "etl-bash-sql-simple"] {
        let template = Template::builtin(name).unwrap();
        let all: Vec<&str> = template.blocks().iter().map(|block| block.name.as_str()).collect();
        for on in [&all[..], &[]] {
            let folder = tempfile::tempdir().unwrap();
            scripts_for(name, &profile, on).write_to(folder.path()).unwrap();
            let path = folder.path().join("layer_0.sh");
            let output = Command::new(&shfmt).args(["-d", "-i", "2"]).arg(&path).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
            let checked = Command::new("bash").arg("-n").arg(&path).output().unwrap();
            assert!(checked.status.success());
        }
    }
}
