//! The ETL in Bash and SQL finds the same rows, nulls and types as the one in Python.

#![cfg(all(feature = "shell", feature = "sql"))]

#[path = "support/families.rs"]
mod families;
#[path = "support/python_tools.rs"]
mod python_tools;
mod support;

use std::path::Path;
use std::process::Command;

use families::{check_equal, results, scripts_for};
use orchestrator_codegen::{Profile, Template};
use serde_json::Value;
use support::{clean_all, nasty_files};

const BLOCKS: [&str; 4] =
    ["imputation", "outlier_clipping", "column_statistics", "quarantine_summary"];

fn clean(name: &str, bytes: &[u8], on: &[&str]) -> Value {
    // What has no profile is a fault for the script, too, whatever it was made for.
    let profile = Profile::of_bytes(name, bytes)
        .unwrap_or_else(|_| Profile::of_bytes("t.csv", b"a,b\n1,x\n").unwrap());
    let scripts = scripts_for("etl-bash-sql", &profile, on);
    let folder = tempfile::tempdir().unwrap();
    scripts.write_to(folder.path()).unwrap();
    // Its name says how a file holds its records.
    std::fs::write(folder.path().join(name), bytes).unwrap();
    let arguments = ["layer_0.sh", name, "--out", "out"];
    let output = Command::new("bash").args(arguments).current_dir(folder.path()).output().unwrap();
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
