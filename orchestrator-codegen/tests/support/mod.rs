//! What the behaviour tests share.
#![allow(dead_code, unreachable_pub)]

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use orchestrator_codegen::{
    GenerateRequest, GeneratedScripts, Generator, Interpreter, Profile, Template,
};

/// The template that these tests are about.
pub fn template() -> Template {
    Template::builtin("etl-python").unwrap()
}

pub fn python() -> Interpreter {
    Interpreter::find().expect("these tests need python3 in the PATH")
}

/// A request in which exactly these blocks of the script are on.
pub fn request(on: &[&str]) -> GenerateRequest {
    let profile = Profile::of_bytes("t.csv", b"a,b\n1,x\n").unwrap();
    let template = template();
    let mut request =
        GenerateRequest::for_profile("etl-python", &profile, template.neutral_parameters())
            .with("project", "test")
            .with("objective", "to test");
    for value in request.features.values_mut() {
        *value = 0.0;
    }
    for block in template.blocks().iter().filter(|block| on.contains(&block.name.as_str())) {
        request.features.insert(block.feature.clone(), 1.0);
    }
    request
}

pub fn scripts(on: &[&str]) -> GeneratedScripts {
    static BARE: LazyLock<GeneratedScripts> =
        LazyLock::new(|| Generator::new().generate(&request(&[])).unwrap());
    if on.is_empty() {
        return BARE.clone();
    }
    Generator::new().generate(&request(on)).unwrap()
}

/// Every optional block there is.
pub fn everything() -> GeneratedScripts {
    let template = template();
    let names: Vec<&str> = template.blocks().iter().map(|block| block.name.as_str()).collect();
    let scripts = scripts(&names);
    assert!(scripts.blocks.iter().all(|decision| decision.kept));
    assert_eq!(scripts.code_samples.len(), template.layers().len());
    scripts
}

/// Runs a Python program that is given as text, with arguments, in a folder; panics with its stderr if it fails.
pub fn run(program: &str, arguments: &[&str], folder: &Path) -> String {
    let output = Command::new("python3")
        .args(["-I", "-c", program])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("these tests need python3 in the PATH");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Runs `layer_2.py` of these scripts in one process over many files, each given as name and bytes. For each, in order:
/// the report with `cleaned` and `quarantine` added, or `{"error": …}`.
pub fn clean_all(
    scripts: &GeneratedScripts,
    files: &[(String, Vec<u8>)],
) -> Vec<serde_json::Value> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("layer_2.py"), scripts.source("layer_2.py").unwrap())
        .unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let driver = r#"
import csv, json, sys, os, shutil
sys.path.insert(0, os.getcwd())
sys.dont_write_bytecode = True
import layer_2
csv.field_size_limit(layer_2.FIELD_CHARS_MAX)
for name in json.loads(sys.argv[1]):
    try:
        report = layer_2.clean(name, "out", None, None)
        for key in ("cleaned", "quarantine"):
            with open("out/" + key + ".csv", encoding="utf-8", newline="") as file:
                report[key] = file.read()
        assert sorted(os.listdir("out")) == ["cleaned.csv", "quality_report.json", "quarantine.csv"]
        shutil.rmtree("out")
    except layer_2.Problem as problem:
        report = {"error": str(problem)}
        assert not os.path.exists("out")
    print(json.dumps(report))
"#;
    let printed = run(driver, &[&serde_json::to_string(&names).unwrap()], folder.path());
    let reports: Vec<serde_json::Value> =
        printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(reports.len(), files.len());
    reports
}

/// The same for one file.
#[track_caller]
pub fn clean(scripts: &GeneratedScripts, text: &str) -> serde_json::Value {
    let report = clean_all(scripts, &[("t.csv".into(), text.into())]).remove(0);
    assert!(report.get("error").is_none(), "{report}");
    report
}

/// Files that people really have.
pub fn nasty_files() -> Vec<(String, Vec<u8>)> {
    let text = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let wide: String = {
        let names: Vec<String> = (0..500).map(|at| format!("c{at}")).collect();
        let row: Vec<String> = (0..500).map(|at| at.to_string()).collect();
        format!("{}\n{}\n{}\n", names.join(","), row.join(","), row.join(","))
    };
    vec![
        text("plain.csv", "name,age\nAda,36\nBob,41\n"),
        text("quoted_header.csv", "\"last, first\",\"a \"\"b\"\"\"\n\"x, y\",1\n\"p\nq\",2\n"),
        text("newline_in_header.csv", "\"first\nname\",age\nx,1\ny,2\n"),
        text("bom.csv", "\u{feff}id,v\n1,2.5\n2,3.5\n"),
        text("semicolons.csv", "id;v\n1;2,5\n2;3,5\n"),
        text("semicolons_no_header.csv", "1,5;2,5\n3,5;4,5\n"),
        text("tabs.csv", "a\tb\tc\n1\tx, y\t2\n2\tz\t3\n"),
        text("pipes.csv", "a|b\n1|2\n3|4\n"),
        text("blanks_everywhere.csv", "a,b,c\n1,,3\n,2,3\n1,2,\n"),
        text("missing_words.csv", "a,b\n1,NA\nN/A,x\n-,null\n?,None\n5,y\n"),
        text("no_header.csv", "1,2,x\n3,4,y\n5,6,z\n"),
        text("no_header_text.csv", "x,y\nz,w\nx,q\n"),
        text("ragged.csv", "a,b,c\n1,2,3\n4,5\n6,7,8,9\n1,2,4\n7,8,9,\n"),
        text("short_header.csv", "a,b\n1,2,x\n3,4,y\n5,6,z\n"),
        text("long_header.csv", "a,b,c,d\n1,2,x\n3,4,y\n5,6,z\n"),
        text("one_column.csv", "city\nParis\nRome\n\nBerlin\n"),
        text("one_column_numbers.csv", "1\n2\n3\n"),
        text(
            "one_column_prose.csv",
            "comment\nwell, I said, no\nfine\nyes, of course\nno, never, ever\n",
        ),
        text(
            "one_column_prose_no_header.csv",
            "Well, I said, no and went home.\nFine by me, she said to him.\nYes, of course it is, you know.\n",
        ),
        text("one_column_quoted_empty.csv", "v\n\"\"\n1\n\"\"\n2\n"),
        text("crlf.csv", "a,b\r\n1,2\r\n\r\n3,4\r\n"),
        text("cr_only.csv", "a,b\r1,2\r3,4\r"),
        text("only_header.csv", "a,b,c\n"),
        text("only_row.csv", "1,2,3\n"),
        text("one_row.csv", "a,b\n1,2"),
        text("duplicates.csv", "a,b\n1,x\n1, x \n1,X\n2,y\n"),
        text("empty_column.csv", "a,b\n1,\n2,NA\n3,\n"),
        text("empty_rows.csv", "a,b\n,\n1,2\nNA,\n,,,\n"),
        text("years.csv", "country,2019,2020,2021\nA,1.5,2,3\nB,4,5,6.5\n"),
        text("years_as_values.csv", "from,to\n2019,2020\n2020,2021\n"),
        text("years_no_header.csv", "2019,2020\n2020,2021\n2018,2022\n"),
        text("pandas_index.csv", ",a,b\n0,1,x\n1,2,y\n"),
        text("mixed.csv", "a\n1\n2.5\n2020-01-01\ntrue\nx\nNA\n"),
        text("tolerated.csv", "a,b\n1,x\n2,x\n3,y\n4,y\noops,z\n"),
        text("emoji.csv", "name,😀\nAda,🎉\nBob,é\u{2028}x\n"),
        text("wide.csv", &wide),
        text("trailing.csv", "a,b,\n1,2,\n3,4,\n"),
        text("trailing_rows.csv", "a,b\n1,2,\n3,4,\n"),
        text("trailing_no_header.csv", "1,2,\n3,4,\n"),
        text("duplicate_names.csv", "a,a,,a_2\n1,2,3,4\n5,6,7,8\n"),
        text(
            "codes.csv",
            "zip,phone,big\n01234,+4912345678,99999999999999999999\n12345,+4912345679,5\n",
        ),
        text(
            "dates.csv",
            "a,b,c,d\n2020-01-02,1.2.2020,13/2/2020,2020-01-02 03:04\n2020/3/4,3.4.2021,1/2/2020,2020-01-03T03:04:05Z\n",
        ),
        text("ambiguous_dates.csv", "a\n1/2/2020\n3/4/2020\n"),
        text("numbers.csv", "a,b,c\n+5,1e5,-0\n 7 ,.5,0\n-3,-1.,1\n"),
        text("vanishing.csv", "a,b\n1.5,2e-400\n1e-400,0.0e-400\n2.5,1e-5\n"),
        text("infinite.csv", "a\n1.5\ninf\n2.5\n1e999\n3.5\n"),
        text("booleans.csv", "a,b\nTrue,yes\nFALSE,No\n"),
        text("sneaky_quotes.csv", "a,b\n\"x\"y,1\nx\"y\",2\n \"z\",3\n"),
        text("spaces.csv", "   \na, b\n1, 2\n  \n3, 4\n"),
        text("scikit.csv", "150,4,setosa,versicolor\n5.1,3.5,1.4,0\n4.9,3.0,1.4,1\n"),
        text("delimiters_only.csv", ",,,\n,,,\n"),
        text("nothing_but_quotes.csv", "\"\"\n"),
        text("blank.csv", " \n\t\n\r\n"),
        text("empty.csv", ""),
        text("only_bom.csv", "\u{feff}"),
        text("open_quote.csv", "a,b\n1,x\n2,\"y\n3,z\n"),
        text("open_quote_later.csv", "a,b\n\n\"1\n1\",\"x\ny\n"),
        ("latin1.csv".into(), b"a,b\n1,x\n2,caf\xe9\n".to_vec()),
        ("latin1_cr.csv".into(), b"a,b\r1,x\r2,caf\xe9\r".to_vec()),
        ("nul.csv".into(), b"a,b\n1,\0\n".to_vec()),
        ("utf16.csv".into(), b"\xff\xfea\0,\0b\0\n\0".to_vec()),
        ("cut.csv".into(), b"a,b\n1,\xf0\x9f".to_vec()),
    ]
}
