//! Rust and Python read a file by the same rules: rows, columns, types, delimiter, header, and the faults.

mod support;

use orchestrator_codegen::Profile;
use orchestrator_core::{Seed, Stream};
use serde_json::{Value, json};
use support::{clean_all, everything, nasty_files, scripts};

fn profile(name: &str, bytes: &[u8]) -> Value {
    match Profile::of_bytes(name, bytes) {
        Ok(profile) => json!({
            "rows": profile.rows,
            "blank_lines": profile.blank_lines,
            "delimiter": profile.delimiter,
            "header": profile.header,
            "format": profile.format,
            "assumed": profile.assumed,
            "columns": profile.columns.iter().map(|column| json!([column.name, column.column_type, column.absent])).collect::<Vec<_>>(),
        }),
        Err(error) => json!({ "error": error.to_string() }),
    }
}

fn report(report: &Value) -> Value {
    if report.get("error").is_some() {
        return report.clone();
    }
    let columns = report["columns"].as_array().unwrap().iter();
    json!({
        "rows": report["rows_in"],
        "blank_lines": report["blank_lines"],
        "delimiter": report["delimiter"],
        "header": report["header"],
        "format": report["format"],
        "assumed": report["assumed"],
        "columns": columns.map(|column| json!([column["name"], column["type"], column.get("absent")])).collect::<Vec<_>>(),
    })
}

fn compare(files: &[(String, Vec<u8>)]) {
    let mut differences = Vec::new();
    for ((name, bytes), found) in files.iter().zip(clean_all(&scripts(&[]), files)) {
        let (rust, python) = (profile(name, bytes), report(&found));
        if rust != python {
            let text = String::from_utf8_lossy(bytes);
            differences.push(format!("{name} {text:?}\n  rust   {rust}\n  python {python}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn on_files_that_people_have() {
    compare(&nasty_files());
}

#[test]
fn on_a_field_without_end() {
    let field = "x".repeat(orchestrator_codegen::rules::FIELD_CHARS_MAX);
    let bytes = format!("a,b\n\n1,x\n2,{field}!\n3,y\n").into_bytes();
    let said = profile("t.csv", &bytes)["error"].to_string();
    assert!(said.contains("t.csv, line 4: a field is longer than 16777216 characters"), "{said}");
    compare(&[("t.csv".into(), bytes)]);
}

/// Cells that are close to the borders between types, put together at random.
fn random_file(stream: &mut Stream) -> Vec<u8> {
    const CELLS: &[&str] = &[
        "",
        " ",
        "NA",
        "Na",
        "1",
        "-1",
        "+5",
        "007",
        "0",
        "1.5",
        "1,5",
        ".5",
        "5.",
        "1e3",
        "1e",
        "e5",
        "inf",
        "nan",
        "true",
        "No",
        "yes",
        "2020-01-02",
        "2021-02-29",
        "1/2/2020",
        "13/2/2020",
        "2/13/2020",
        "1.2.2020",
        "1.2.20",
        "2020-01-02T10:11",
        "2020-01-02 10:11:12.5+01:00",
        "1/2/2020 9:05 Z",
        "2020-1-2T25:00",
        "x",
        "a b",
        "a, b",
        "x;y",
        "\"q, r\"",
        "\"q\"\"r\"",
        "\"l1\nl2\"",
        "\"",
        "\"a\"b",
        "é",
        "😀",
        "2019",
        "2020",
        "2021",
        "name",
        "id",
        "\u{a0}",
        "\"1,234\"",
        "\"1,234,567\"",
        "\"-1,234.5\"",
        "Jun 12 1998",
        "1-Mar-2001",
        "-Inf",
        "#",
        "# x",
        "'q'",
        "+4912345678",
        "9223372036854775808",
        "-9223372036854775808",
        "00.5",
        "0.50",
        "-0",
        "1_000",
        "0x10",
        "٣",
        "²",
        "--",
        "well, I said so.",
    ];
    let marks = [",", ",", ";", "\t", "|", " ", "  "];
    let mark = marks[stream.below(marks.len())];
    let ends = ["\n", "\r\n", "\r"];
    let end = ends[stream.below(ends.len())];
    let width = 1 + stream.below(4);
    // Columns draw from few cells, so that they have a type.
    let menus: Vec<Vec<&str>> = (0..width)
        .map(|_| (0..1 + stream.below(4)).map(|_| CELLS[stream.below(CELLS.len())]).collect())
        .collect();
    let mut text = String::new();
    for _ in 0..stream.below(6).saturating_sub(3) {
        text += &[CELLS[stream.below(CELLS.len())], end].concat();
    }
    for _ in 0..1 + stream.below(12) {
        let row: Vec<&str> = menus
            .iter()
            .map(|menu| match stream.below(12) {
                0 => CELLS[stream.below(CELLS.len())],
                _ => menu[stream.below(menu.len())],
            })
            .collect();
        text += &row.join(mark);
        match stream.below(15) {
            0 => text += mark,
            1 => text += end,
            _ => {}
        }
        text += end;
    }
    if stream.chance(0.2) {
        text.truncate(text.trim_end_matches(end).len());
    }
    text.into_bytes()
}

#[test]
fn on_files_that_nobody_has() {
    let seed = Seed(20_240_607);
    let mut stream = seed.stream();
    let files: Vec<(String, Vec<u8>)> =
        (0..250).map(|number| (format!("{number}.csv"), random_file(&mut stream))).collect();
    compare(&files);
}

/// Text that is JSON, or nearly: as an array, in a member, or a value a line.
fn random_json(stream: &mut Stream) -> Vec<u8> {
    const VALUES: &[&str] = &[
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1",
        "2",
        "1.50",
        "1e3",
        "1E400",
        "NaN",
        "-Infinity",
        "123456789012345678901",
        "\"\"",
        "\"NA\"",
        "\"x\"",
        "\"y \"",
        "\"007\"",
        "\"1,234,567\"",
        "\"2020-01-02\"",
        "\"Jun 12 1998\"",
        "\"\\u00e9\\ud83d\"",
        "\"a\\nb\"",
        "[]",
        "{}",
        "[1, \"x\"]",
        "{\"c\": 1}",
        "{\"c\": {\"d\": [2]}}",
        "{\"b\": null, \"c\": \"z\"}",
        "[{\"a\": 1}]",
        "01",
        "nul",
        "'x'",
    ];
    const KEYS: &[&str] = &["a", "b", "c", "a.c", "", "value", "a"];
    const GAPS: &[&str] = &["", "", " ", "\n", "\r\n", "\t"];
    let sound = VALUES.len() - if stream.chance(0.8) { 3 } else { 0 };
    let mut record = || {
        let gap = GAPS[stream.below(GAPS.len())];
        let mut value = || VALUES[stream.below(sound)];
        let (first, second) = (value(), value());
        let mut key = || KEYS[stream.below(KEYS.len())];
        let (left, right) = (key(), key());
        match stream.below(12) {
            0 => first.to_owned(),
            1 => format!("[{first},{gap}{second}]"),
            2 => format!("{{\"{left}\": {first}}}"),
            _ => format!("{{\"{left}\":{gap}{first},\"{right}\": {second}{gap}}}"),
        }
    };
    let records: Vec<String> = (0..7).map(|_| record()).collect();
    let records = &records[..stream.below(8)];
    let text = match stream.below(5) {
        0 | 1 => format!("[{}]", records.join(", \n")),
        2 => format!("{{\"n\": 1,\n\"data\": [{}]}}", records.join(",")),
        _ => records.join("\n") + "\n",
    };
    text.into_bytes()
}

#[test]
fn on_json_that_is_sound_or_nearly_so() {
    let mut stream = Seed(7).stream();
    let files: Vec<(String, Vec<u8>)> = (0..300)
        .map(|number| {
            let suffix = ["json", "jsonl", "data"][stream.below(3)];
            (format!("{number}.{suffix}"), random_json(&mut stream))
        })
        .collect();
    compare(&files);
}

/// Files that people have, with bytes changed, taken out and put in.
#[test]
fn on_files_that_were_damaged_and_no_block_stumbles_over_them() {
    const BYTES: &[u8] = b"\"\",;\t|\n\r 0159.-+eE/:TZ\xc3\xa9\xff\0#";
    let mut stream = Seed(12).stream();
    let whole = nasty_files();
    let files: Vec<(String, Vec<u8>)> = (0..240)
        .map(|number| {
            let (name, bytes) = &whole[stream.below(whole.len())];
            let suffix = name.rsplit('.').next().unwrap_or("data");
            let mut bytes = bytes.clone();
            bytes.truncate(400);
            for _ in 0..1 + stream.below(6) {
                let at = stream.below(bytes.len() + 1);
                let byte = BYTES[stream.below(BYTES.len())];
                match stream.below(3) {
                    0 => bytes.insert(at, byte),
                    _ if at == bytes.len() => bytes.push(byte),
                    1 => bytes[at] = byte,
                    _ => drop(bytes.drain(at..(at + 1 + stream.below(9)).min(bytes.len()))),
                }
            }
            (format!("{number}.{suffix}"), bytes)
        })
        .collect();
    compare(&files);
    for ((name, _), report) in files.iter().zip(clean_all(&everything(), &files)) {
        if report.get("error").is_none() {
            let count = |key: &str| report[key].as_u64().unwrap();
            let sum = count("rows_out") + count("rows_dropped") + count("rows_quarantined");
            assert_eq!(count("rows_in"), sum, "{name}");
        }
    }
}
