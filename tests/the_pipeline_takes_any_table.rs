//! Tables that nobody tuned it for are cleaned without losing a row; what is no table gets one clear error and leaves nothing.
#![allow(missing_docs)]

mod support;

use std::fs;

use orchestrator_ai::core::Seed;
use orchestrator_ai::{OrchestrateError, OrchestrationContext, Preset, Stages, Verdict};
use support::{orchestrate, penguins, quick};

/// Rows in, out, dropped, quarantined; and the columns.
#[track_caller]
fn check(name: &str, table: impl AsRef<[u8]>, rows: [u64; 4], columns: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join(format!("{name}.csv"));
    fs::write(&data, table).unwrap();
    let report = orchestrate(quick(&data)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(report.outcome.verdict, Verdict::Verified, "{name}: {:?}", report.outcome.failed);
    let found = report.verification.rows.expect("the script ran");
    let counted = [found.rows_in, found.rows_out, found.rows_dropped, found.rows_quarantined];
    assert_eq!(counted, rows, "{name}");
    let names: Vec<&str> = found.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, columns, "{name}");
}

#[test]
fn tables_of_every_kind_are_cleaned() {
    check(
        "quoted",
        "\"id, no\",\"the \"\"name\"\"\"\n1,\"Smith, J\"\n2,\"a\nb\"\n",
        [2, 2, 0, 0],
        &["id, no", "the \"name\""],
    );
    check("bom", b"\xef\xbb\xbfid,name\n1,a\n2,b\n", [2, 2, 0, 0], &["id", "name"]);
    check("semicolons", "id;price\n1;1,50\n2;2,75\n2;2,75\n", [3, 2, 1, 0], &["id", "price"]);
    check("tabs", "id\tname\n1\ta, b\n2\tc\n", [2, 2, 0, 0], &["id", "name"]);
    check("crlf", "a,b\r\n1,2\r\n3,4\r\n", [2, 2, 0, 0], &["a", "b"]);
    check(
        "no_header",
        "1,foo,2.5\n2,bar,3.5\n3,baz,4.5\n",
        [3, 3, 0, 0],
        &["column_1", "column_2", "column_3"],
    );
    check("ragged", "a,b,c\n1,2,3\n4,5\n6,7,8,9\n\n10,11,12\n", [4, 2, 0, 2], &["a", "b", "c"]);
    check("single", "name\nalice\nbob\ncarol\n", [3, 3, 0, 0], &["name"]);
    check("prose", "text\nHello, world\nGoodbye, all\nNo commas\n", [3, 3, 0, 0], &["text"]);
    check("header_only", "a,b,c\n", [0, 0, 0, 0], &["a", "b", "c"]);
    check("all_missing", "a,b\n,\nNA,NA\n", [2, 0, 2, 0], &["a", "b"]);
}

#[test]
fn blanks_in_every_row_cost_no_row() {
    let rows =
        (0..200).map(|i| if i % 2 == 0 { format!("{i},,x{i}\n") } else { format!(",{i},\n") });
    let table = "a,b,c\n".to_owned() + &rows.collect::<String>();
    check("blanks", table, [200, 200, 0, 0], &["a", "b", "c"]);
}

#[test]
fn fifty_thousand_rows_are_cleaned() {
    let rows = (0..50_000).map(|i| format!("{i},{},2024-01-{:02}\n", i % 7, 1 + i % 28));
    let table = "id,kind,day\n".to_owned() + &rows.collect::<String>();
    check("large", table, [50_000, 50_000, 0, 0], &["id", "kind", "day"]);
}

#[test]
fn two_different_files_give_different_scripts() {
    let folder = tempfile::tempdir().unwrap();
    let tidy = folder.path().join("tidy.csv");
    let rows: String = (0..400).map(|i| format!("{i},{}\n", i * 7 % 13)).collect();
    fs::write(&tidy, "id,v\n".to_owned() + &rows).unwrap();
    let kept = |data: &std::path::Path| {
        let report = orchestrate(quick(data)).unwrap();
        report.code_generation.kept().iter().map(|&block| block.to_owned()).collect::<Vec<_>>()
    };
    let (tidy, penguins) = (kept(&tidy), kept(&penguins()));
    assert!(!tidy.contains(&"imputation".to_owned()), "nothing is missing: {tidy:?}");
    assert!(penguins.contains(&"imputation".to_owned()), "much is missing: {penguins:?}");
}

#[track_caller]
fn refused(name: &str, bytes: Option<&[u8]>, message: &str) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join(name);
    if let Some(bytes) = bytes {
        fs::write(&data, bytes).unwrap();
    }
    let before = fs::read_dir(folder.path()).unwrap().count();
    let mut context = quick(&data);
    context.out = Some(folder.path().join("deep/er/out"));
    context.state = Some(folder.path().join("state"));
    match orchestrate(context) {
        Err(OrchestrateError::Data(said)) => {
            assert!(said.contains(name) && said.contains(message), "{said}");
            assert!(!said.contains('\n'), "one line: {said}");
        }
        other => panic!("{name}: {other:?}"),
    }
    let after: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(after.len(), before, "nothing is left behind: {after:?}");
}

#[test]
fn what_is_no_table_gets_one_clear_error_and_leaves_nothing() {
    refused("missing.csv", None, "there is no such file");
    refused("empty.csv", Some(b""), "line 1: the file is empty");
    refused("blank.csv", Some(b" \n\n"), "line 1: the file is empty");
    refused("latin.csv", Some(b"a,b\n1,x\n2,Zo\xeb\n"), "line 3");
    refused("utf16.csv", Some(b"\xff\xfea\0,\0b\0\n\0"), "UTF-16");
    if cfg!(unix) {
        refused("/dev/null", None, "a pipe or a device");
    }
    refused("quote.csv", Some(b"a,b\n1,2\n3,\"open\n5,6\n"), "line 3: a quote is opened");
}

#[test]
fn the_results_never_replace_the_data_nor_come_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("cleaned.csv");
    let taken = folder.path().join("taken");
    fs::write(&data, "a,b\n1,2\n").unwrap();
    fs::create_dir_all(taken.join("workflow.mmd")).unwrap();
    for (out, message) in [(folder.path(), "it is the input"), (&taken, "a folder is in the way")] {
        let error = orchestrate(OrchestrationContext { out: Some(out.into()), ..quick(&data) });
        let said = error.unwrap_err().to_string();
        assert!(said.contains(message) && said.ends_with("name another folder"), "{said}");
    }
    assert_eq!(fs::read_to_string(&data).unwrap(), "a,b\n1,2\n");
    assert_eq!(fs::read_dir(&taken).unwrap().count(), 1);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_small_tidy_table_passes_every_check_under_every_preset_and_seed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("small.csv");
    fs::write(&data, "a,b\n1,2\n3,4\n").unwrap();
    for seed in [1, 2, 42] {
        for preset in [Preset::Speed, Preset::Efficiency] {
            let settings = preset.into();
            let context = OrchestrationContext { seed: Seed(seed), settings, ..quick(&data) };
            let report = orchestrate(context).unwrap();
            let failed = &report.outcome.failed;
            assert_eq!(report.outcome.verdict, Verdict::Verified, "{seed} {preset:?} {failed:?}");
            let features = report.data.features;
            assert!(features.values().all(|value| value.is_sign_positive()), "{features:?}");
        }
    }
}

#[test]
fn rows_that_filling_makes_equal_are_kept_and_are_no_fault() {
    // The gap is filled with the median, which makes one row equal to another. Then `g` identifies the rows, and equal ones are duplicates.
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("gaps.csv");
    let rows: String = ["k,x,2\n", "l,y,2\n", "m,x,2\n", "m,x,\n", "n,y,7\n"].concat();
    fs::write(&data, "g,h,v\n".to_owned() + &rows).unwrap();
    let mut context = quick(&data);
    context.settings.stages = Stages::Two;
    let report = orchestrate(context).unwrap();
    assert!(
        report.code_generation.kept().contains(&"imputation"),
        "{:?}",
        report.code_generation.blocks
    );
    assert_eq!(report.outcome.verdict, Verdict::Verified, "{:?}", report.outcome.failed);
    assert_eq!(report.verification.rows.unwrap().rows_out, 5);
    let clean =
        report.verification.checks.iter().find(|check| check.name.contains("clean")).unwrap();
    assert!(clean.detail.contains("1 dropped (at most 1"), "{}", clean.detail);
}
