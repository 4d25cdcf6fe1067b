//! `layer_2.py` on real-life troubles: what it writes, what it says, how it fails.

mod support;

use std::process::{Command, Output};

use serde_json::{Value, json};
use support::{clean, clean_all, everything, nasty_files, scripts};

/// Name, type and missing cells of each column.
fn columns(report: &Value) -> Vec<String> {
    let columns = report["columns"].as_array().unwrap().iter();
    let line = |column: &Value| {
        let [name, kind] = ["name", "type"].map(|key| column[key].as_str().unwrap());
        format!("{name} {kind} {}", column["nulls"])
    };
    columns.map(line).collect()
}

#[track_caller]
fn check(text: &str, wanted_columns: &[&str], cleaned: &str, quarantine: &str) -> Value {
    let report = clean(&scripts(&[]), text);
    assert_eq!(columns(&report), wanted_columns);
    assert_eq!(report["cleaned"], cleaned);
    assert_eq!(report["quarantine"], quarantine);
    report
}

const NO_QUARANTINE: &str = "line,reason,row\n";

#[test]
fn a_missing_cell_never_costs_a_row() {
    let report = check(
        "a,b,c\n1,NA,3\n,2,3\n1,2,null\n",
        &["a integer 1", "b integer 1", "c integer 1"],
        "a,b,c\n1,,3\n,2,3\n1,2,\n",
        NO_QUARANTINE,
    );
    assert_eq!((&report["rows_in"], &report["rows_out"]), (&json!(3), &json!(3)));
}

#[test]
fn values_get_one_form() {
    check(
        "i;f;b;d;t\n +5 ;1,50;YES;31.12.2020;007\n-0;-,5;no;1.2.2021;1\n",
        &["i integer 0", "f float 0", "b boolean 0", "d date 0", "t text 0"],
        "i,f,b,d,t\n5,1.50,true,2020-12-31,007\n0,-0.5,false,2021-02-01,1\n",
        NO_QUARANTINE,
    );
    check(
        "when,us\n2020-01-02 3:04,1/13/2020\n2020-01-03T05:06:07.5+0100,1/2/2020\n2020-01-04,2/2/2020\n",
        &["when datetime 0", "us date 0"],
        "when,us\n2020-01-02T03:04:00,2020-01-13\n2020-01-03T05:06:07.5+01:00,2020-01-02\n2020-01-04T00:00:00,2020-02-02\n",
        NO_QUARANTINE,
    );
}

#[test]
fn a_number_keeps_its_value_whatever_a_float_can_hold() {
    check(
        "small,long,zero\n1e-400,123456.789012345678901234567E3,0e-400\n1.5,1e5,1.0\n2.5,0.10000000000000000001,2.0\n",
        &["small text 0", "long float 0", "zero float 0"],
        "small,long,zero\n1e-400,123456.789012345678901234567e3,0.0\n1.5,100000.0,1.0\n2.5,0.10000000000000000001,2.0\n",
        NO_QUARANTINE,
    );
}

#[test]
fn bad_rows_are_kept_apart_with_line_and_reason() {
    let report = check(
        "a,b\n1,x\n2,\"p\nq\"\n3\n4,y,z\noops,y\n5,y\n6,y\n",
        &["a integer 0", "b text 0"],
        "a,b\n1,x\n2,\"p\nq\"\n5,y\n6,y\n",
        "line,reason,row\n\
         5,the row has 1 fields instead of 2,\"[\"\"3\"\"]\"\n\
         6,the row has 3 fields instead of 2,\"[\"\"4\"\", \"\"y\"\", \"\"z\"\"]\"\n\
         7,column 'a': 'oops' is no integer,\"[\"\"oops\"\", \"\"y\"\"]\"\n",
    );
    assert_eq!(report["rows_quarantined"], 3);
}

#[test]
fn empty_and_duplicate_rows_are_dropped_and_blank_lines_are_no_rows() {
    let report = check(
        "a,b\n1,x\n\n,\n1, x \n  \nNA,?\n2,y\n",
        &["a integer 0", "b text 0"],
        "a,b\n1,x\n2,y\n",
        NO_QUARANTINE,
    );
    assert_eq!(report["rows_in"], 5);
    assert_eq!(report["rows_dropped"], 3);
    assert_eq!(report["duplicates"], 1);
    assert_eq!(report["blank_lines"], 2);
}

#[test]
fn headers_and_delimiters_are_found() {
    let files = nasty_files();
    let reports = clean_all(&scripts(&[]), &files);
    let report = |name: &str| {
        let at = files.iter().position(|(file, _)| file == name).unwrap();
        &reports[at]
    };
    for (name, delimiter, header, names) in [
        ("quoted_header.csv", ",", true, "last, first|a \"b\""),
        ("newline_in_header.csv", ",", true, "first name|age"),
        ("bom.csv", ",", true, "id|v"),
        ("semicolons.csv", ";", true, "id|v"),
        ("semicolons_no_header.csv", ";", false, "column_1|column_2"),
        ("tabs.csv", "\t", true, "a|b|c"),
        ("pipes.csv", "|", true, "a|b"),
        ("no_header.csv", ",", false, "column_1|column_2|column_3"),
        ("no_header_text.csv", ",", false, "column_1|column_2"),
        ("short_header.csv", ",", true, "column_1|a|b"),
        ("long_header.csv", ",", true, "a|b|c"),
        ("one_column.csv", "", true, "city"),
        ("one_column_numbers.csv", "", false, "column_1"),
        ("one_column_prose.csv", "", true, "comment"),
        ("one_column_prose_no_header.csv", "", false, "column_1"),
        ("only_header.csv", ",", true, "a|b|c"),
        ("only_row.csv", ",", false, "column_1|column_2|column_3"),
        ("years.csv", ",", true, "country|2019|2020|2021"),
        ("years_no_header.csv", ",", false, "column_1|column_2"),
        ("pandas_index.csv", ",", true, "column_1|a|b"),
        ("trailing.csv", ",", true, "a|b"),
        ("trailing_rows.csv", ",", true, "a|b"),
        ("trailing_no_header.csv", ",", false, "column_1|column_2"),
        ("duplicate_names.csv", ",", true, "a|a_3|column_3|a_2"),
        ("scikit.csv", ",", false, "column_1|column_2|column_3|column_4"),
        ("emoji.csv", ",", true, "name|😀"),
    ] {
        let report = report(name);
        let found = report["columns"].as_array().unwrap().iter();
        let found: Vec<&str> = found.map(|column| column["name"].as_str().unwrap()).collect();
        assert_eq!(
            (&report["delimiter"], &report["header"], found.join("|").as_str()),
            (&json!(delimiter), &json!(header), names),
            "{name}"
        );
    }
    assert_eq!(report("wide.csv")["columns"].as_array().unwrap().len(), 500);
    assert_eq!(report("only_header.csv")["cleaned"], "a,b,c\n");
    assert_eq!(columns(report("codes.csv")), ["zip text 0", "phone text 0", "big text 0"]);
    assert_eq!(columns(report("ambiguous_dates.csv")), ["a text 0"]);
    assert_eq!(report("ragged.csv")["rows_quarantined"], 2);
    assert_eq!(columns(report("infinite.csv")), ["a float 0"]);
    assert_eq!(report("infinite.csv")["rows_quarantined"], 1, "1e999 is no float, inf is");
    assert_eq!(report("infinite.csv")["columns"][0]["max"], "inf");
    for (name, rows, cleaned) in [
        ("identified.csv", 4, "id,v\n1,x\n2,x\n3,x\n"),
        ("dice.csv", 4, "eyes,hand\n1,left\n2,left\n1,left\n1,right\n"),
        ("titled.csv", 4, "city,n,v\nRome,1,2\nBonn,3,4\nKiel,3,4\nOslo,5,6\n"),
        ("commented.csv", 2, "a,b,c\n1,2,x\n3,4,y\n"),
        ("commented_header.csv", 2, "a,b,c\n1,2,x\n3,4,y\n"),
        ("short_rows.csv", 4, "a,b,c,d\n1,2,3,\n4,5,6,\n7,8,9,\n1,3,4,5\n"),
        ("row_names.csv", 3, "column_1,weight,pig\n1,26.5,1\n2,27.6,1\n3,36.5,1\n"),
        ("blanks.txt", 3, "Days,Weight,ID\n0.0,1,1\n2.5,1,2\n,7,3\n"),
        ("single_quotes.csv", 2, "a b,c\n1,2\n3,4\n"),
        ("grouped.csv", 2, "a,b,c\n\"1,234\",1234,1234567\n\"2,345\",5.5,-1234.5\n"),
        (
            "named_dates.csv",
            2,
            "a,b,c\n1998-06-12,2001-03-01,\"Sept. 3, 2001\"\n2000-05-01,2002-04-12,\"Feb 30, 2001\"\n",
        ),
        (
            "records.json",
            4,
            "a,b.c,b.d,b,e,value\n1,x,\"[1,2.50]\",,,\n,,,{},,\n,\u{fffd} y,,,true,\n,,,,,5\n",
        ),
        (
            "big.json",
            2,
            "id,n,f\n123456789012345678901,9223372036854775807,100.0\n5,-1,0.10000000000000000001\n",
        ),
        ("member.json", 2, "a\n1\n3\n"),
        ("lines.jsonl", 4, "a,b\n1,x\n2,\n,z\n"),
        ("arrays.json", 3, "name,n\nx,1\ny,2\n"),
    ] {
        let report = report(name);
        assert_eq!((&report["rows_in"], &report["cleaned"]), (&json!(rows), &json!(cleaned)));
    }
    for (name, error) in [
        ("cut.json", "line 3: the JSON that begins here is damaged; mend it or cut it out"),
        (
            "missing_comma.json",
            "line 2: the JSON that begins here is damaged; mend it or cut it out",
        ),
        ("deep.json", "line 1: the JSON is nested more than 64 levels deep; make it flatter"),
        (
            "members.json",
            "line 1: more than one member holds records (nodes, links); name one by --records",
        ),
        ("blank.csv", "line 1: the file is empty; give a file with at least one row"),
        ("empty.csv", "line 1: the file is empty; give a file with at least one row"),
        ("open_quote.csv", "line 3: a quote is opened and never closed; close it or remove it"),
        (
            "open_quote_later.csv",
            "line 4: a quote is opened and never closed; close it or remove it",
        ),
        ("latin1.csv", "line 3: the byte 0xE9 is not UTF-8 text; save the file as UTF-8"),
        ("utf16.csv", "line 1: the text is UTF-16; save the file as UTF-8"),
    ] {
        assert_eq!(report(name)["error"], format!("{name}, {error}"));
    }
}

#[test]
fn every_block_at_once_loses_no_row_either() {
    let files = nasty_files();
    let plain = clean_all(&scripts(&[]), &files);
    for ((name, _), (with, without)) in
        files.iter().zip(clean_all(&everything(), &files).iter().zip(&plain))
    {
        assert_eq!(with.get("error"), without.get("error"), "{name}");
        if with.get("error").is_none() {
            let count = |key: &str| with[key].as_u64().unwrap();
            assert_eq!(
                count("rows_in"),
                count("rows_out") + count("rows_dropped") + count("rows_quarantined"),
                "{name}"
            );
            assert_eq!(with["rows_in"], without["rows_in"], "{name}");
        }
    }
}

#[test]
fn streaming_changes_nothing_in_the_result() {
    let files = nasty_files();
    let whole = clean_all(&scripts(&[]), &files);
    for ((name, _), (mut streamed, mut whole)) in
        files.iter().zip(clean_all(&scripts(&["chunked_streaming"]), &files).into_iter().zip(whole))
    {
        if whole.get("error").is_none() {
            streamed["blocks"].take();
            whole["blocks"].take();
        }
        assert_eq!(streamed, whole, "{name}");
    }
}

#[test]
fn each_block_does_what_it_says() {
    let imputed = clean(
        &scripts(&["imputation"]),
        "id,n,s,free,d\n1,1,x,one,2020-01-01\n2,,x,two,\n3,3,,,2020-01-03\n4,9,y,four,\n5,3,x,,2020-01-05\n,5,x,six,2020-01-06\n",
    );
    assert_eq!(
        imputed["cleaned"],
        "id,n,s,free,d\n1,1,x,one,2020-01-01\n2,3,x,two,\n3,3,x,,2020-01-03\n4,9,y,four,\n5,3,x,,2020-01-05\n,5,x,six,2020-01-06\n"
    );
    let filled: Vec<&Value> =
        imputed["columns"].as_array().unwrap().iter().map(|column| &column["imputed"]).collect();
    assert_eq!(filled, [&json!(0), &json!(1), &json!(1), &json!(0), &json!(0)]);

    let numbers: String = (1..=20).map(|at| format!("{at},{}\n", (at * 7) % 5)).collect();
    let clipped = clean(&scripts(&["outlier_clipping"]), &format!("id,v\n{numbers}21,900\n"));
    assert_eq!(clipped["columns"][0]["clipped"], 0, "a running number has no outliers");
    assert_eq!(clipped["columns"][1]["clipped"], 1);
    assert_eq!(clipped["columns"][1]["max"], 9, "third quartile 3, range 2: 3 + 3 * 2");

    let near = clean(
        &scripts(&["near_deduplication"]),
        "id,a,b\n1,Ada  Byron,1.5\n1,ada byron,1.50\n2,Ada Byron,1.6\n1,ada byron,1.5\n",
    );
    assert_eq!(near["cleaned"], "id,a,b\n1,Ada  Byron,1.5\n2,Ada Byron,1.6\n");
    assert_eq!(near["near_duplicates"], 2);

    let tidy = clean(&scripts(&["text_normalisation"]), "a,b\nx  y,e\u{301}\nz,w\n");
    assert_eq!(tidy["cleaned"], "a,b\nx y,é\nz,w\n");

    // `types` switches on `explain` too, in the generator layers.
    let described = clean(&scripts(&["column_statistics"]), "a,b\n1,x\n3,yyy\n");
    assert_eq!(described["columns"][0]["mean"], 2.0);
    assert_eq!(described["columns"][0]["deviation"], 1.0);
    assert_eq!(described["columns"][1]["longest"], 3);

    let summary = clean(&scripts(&["quarantine_summary"]), "a,b\n1,x\n3,y\n1\n2\n4,z\n");
    assert_eq!(summary["quarantine_reasons"], json!({"the row has 1 fields instead of 2": 2}));

    // Six columns, each with its own stranger: a third of the rows would go.
    let rows: String = (0..18)
        .map(|row| {
            let cells: Vec<String> = (0..6)
                .map(|column| if row == column { "x".into() } else { (row + column).to_string() })
                .collect();
            cells.join(",") + "\n"
        })
        .collect();
    let text = format!("a,b,c,d,e,f\n{rows}");
    assert_eq!(clean(&scripts(&[]), &text)["rows_quarantined"], 6);
    let adapted = clean(&scripts(&["adaptive"]), &text);
    assert_eq!(adapted["adapted"].as_array().unwrap().len(), 5);
    assert_eq!(adapted["rows_quarantined"], 1);
}

struct Shell {
    folder: tempfile::TempDir,
}

impl Shell {
    fn new(on: &[&str]) -> Shell {
        let folder = tempfile::tempdir().unwrap();
        scripts(on).write_to(folder.path()).unwrap();
        Shell { folder }
    }

    fn file(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join(name), bytes).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new("python3")
            .arg("layer_2.py")
            .args(arguments)
            .current_dir(&self.folder)
            .output()
            .expect("these tests need python3 in the PATH")
    }

    #[track_caller]
    fn refuses(&self, arguments: &[&str], wanted: &str) {
        let names = || {
            let mut names: Vec<_> = std::fs::read_dir(&self.folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name())
                .collect();
            names.sort();
            names
        };
        let before = names();
        let output = self.run(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.contains(wanted), "{stderr}");
        assert_eq!(names(), before, "something was left behind");
    }
}

#[test]
fn a_fault_is_one_line_with_exit_code_2_and_leaves_nothing() {
    let shell = Shell::new(&["logging"]);
    shell.file("ok.csv", b"a,b\n1,x\n2,y\n");
    shell.file("empty.csv", b"");
    shell.file("latin1.csv", b"a\nb\nc\xe9\n");
    shell.refuses(&["nowhere.csv", "--out", "o"], "nowhere.csv: there is no such file");
    shell.refuses(&[".", "--out", "o"], ".: this is a directory");
    shell.refuses(&["/dev/null", "--out", "o"], "a pipe or a device");
    shell.refuses(&["empty.csv", "--out", "o/p"], "empty.csv, line 1: the file is empty");
    shell.refuses(&["latin1.csv", "--out", "o"], "latin1.csv, line 3: the byte 0xE9");
    shell.refuses(&["ok.csv", "--out", "ok.csv"], "the output cannot be written");
    shell.refuses(&["ok.csv", "--out", "ok.csv/deeper"], "the output cannot be written");
    std::fs::create_dir_all(shell.folder.path().join("taken/cleaned.csv")).unwrap();
    shell.refuses(&["ok.csv", "--out", "taken"], "a directory is in the way");
    assert_eq!(std::fs::read_dir(shell.folder.path().join("taken")).unwrap().count(), 1);
    shell.file("cleaned.csv", b"a,b\n1,x\n");
    shell.refuses(&["cleaned.csv", "--out", "."], "would replace its own input");
}

#[test]
fn options_overrule_what_is_found_out() {
    let shell = Shell::new(&["logging"]);
    shell.file("t.csv", b"a,b\n1;2,x\n");
    let output = shell.run(&["t.csv", "--out", "o", "--delimiter", ";", "--no-header", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["delimiter"], ";");
    assert_eq!(report["header"], false);
    assert_eq!(report["rows_in"], 2);
    shell.file("u.csv", b"id,v\n1,x\n1,x\n2,\n");
    shell.run(&["u.csv", "--out", "p", "--format", "jsonl", "--duplicates", "keep"]);
    let lines = std::fs::read_to_string(shell.folder.path().join("p/cleaned.jsonl")).unwrap();
    let row = "{\"id\": 1, \"v\": \"x\"}\n";
    assert_eq!(lines, format!("{row}{row}{{\"id\": 2, \"v\": null}}\n"));
    shell.file("m.json", b"{\"x\": [{\"a\": 1}], \"y\": [{\"b\": 0.5}, {\"b\": 2}]}");
    shell.run(&["m.json", "--out", "q", "--records", "y"]);
    let text = std::fs::read_to_string(shell.folder.path().join("q/cleaned.csv")).unwrap();
    assert_eq!(text, "b\n0.5\n2\n");
    shell.file("s.csv", b"x,y\na,b\n1,2\n3,4\n");
    shell.run(&["s.csv", "--out", "r", "--skip", "1"]);
    let text = std::fs::read_to_string(shell.folder.path().join("r/cleaned.csv")).unwrap();
    assert_eq!(text, "a,b\n1,2\n3,4\n");
    let again = shell.run(&["t.csv", "--out", "o", "--delimiter", "tab", "--verbose"]);
    assert!(again.status.success());
    let log = String::from_utf8(again.stderr).unwrap();
    assert!(log.contains("level=INFO event=read rows="), "{log}");
    assert!(!shell.run(&["t.csv", "--out", "o", "--delimiter", "ab"]).status.success());
}

#[test]
fn fifty_thousand_rows_are_no_trouble() {
    let mut text = String::from("id,v,s,d\n");
    for row in 0..50_000_u32 {
        let value = row.wrapping_mul(2_654_435_761) % 1000;
        text += &format!("{row},{}.{},name {value},2020-01-{:02}\n", value, row % 10, row % 28 + 1);
    }
    let shell = Shell::new(&[]);
    shell.file("big.csv", text.as_bytes());
    let output = shell.run(&["big.csv", "--out", "o", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["rows_out"], 50_000);
    assert_eq!(columns(&report), ["id integer 0", "v float 0", "s text 0", "d date 0"]);
}
