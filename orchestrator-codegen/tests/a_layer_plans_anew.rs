//! The generator layers do work of their own: for another sample they write other layers, the very ones that the library makes.

mod support;

use std::path::Path;
use std::process::{Command, Output};

use orchestrator_codegen::{
    ColumnType, GenerateRequest, GeneratedScripts, Generator, Profile, PythonValidator, Validator,
};
use support::{python, template};

fn request(profile: &Profile) -> GenerateRequest {
    let mut theta = template().neutral_parameters();
    theta.biases.insert("layer_2".into(), 0.05);
    theta.temperature = 0.9;
    let mut request = GenerateRequest::for_profile("etl-python", profile, theta)
        .with("project", "quotes \" and ' and \\ and 😀")
        .with(
            "objective",
            "a line that is so long that a formatter would like to break it, but cannot",
        );
    request.emphasis.insert("layer_1".into(), [("types".to_owned(), 1.2)].into());
    request
}

fn scripts(name: &str, data: &[u8]) -> GeneratedScripts {
    let profile = Profile::of_bytes(name, data).unwrap();
    Generator::new().generate(&request(&profile)).unwrap()
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("python3");
    command
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("these tests need python3 in the PATH")
}

/// Nothing is wrong with these.
fn clean() -> Vec<u8> {
    let rows = (0..40).map(|at| format!("{at},{}.5\n", at % 7));
    ("id,v\n".to_owned() + &rows.collect::<String>()).into_bytes()
}

/// Everything is.
fn troubled() -> Vec<u8> {
    let row = |at: usize| match at % 8 {
        0 => format!("{at},,n  {at},true,2020-01-02,\n"),
        1 => format!("{at},900{at}.5,N,yes,2020-02-03,x\n"),
        2 => "1,1.5,name,no,2020-03-04,y\n1,1.5,NAME,no,2020-03-04,y\n".to_owned(),
        3 => format!("{at},oops,q{at},true,2020-05-06\n"),
        _ => format!("{at},{}.5,r{at},false,2020-06-07 10:11,z\n", at % 5),
    };
    let rows: String = (0..400).map(row).collect();
    ("id,value,name,flag,when,rest\n".to_owned() + &rows).into_bytes()
}

#[test]
fn layer_0_writes_for_another_sample_what_the_library_would() {
    let files: [(&str, Vec<u8>); 6] = [
        ("clean.csv", clean()),
        ("troubled.csv", troubled()),
        ("semicolons.csv", b"a;b;c\n1,5;x;2020-01-02\n2,5;;2020-01-03\n;y  z;\n".to_vec()),
        ("headless.csv", b"1,2,x\n3,4,y\n5,6,z\n5,6,z\n".to_vec()),
        ("names.csv", "naïve \"name\",😀,it's\n1,2,3\n4,5,6\n".as_bytes().to_vec()),
        ("one.csv", b"city\nParis\nRome\n\nBerlin\n".to_vec()),
    ];
    let shipped = scripts("clean.csv", &clean());
    let folder = tempfile::tempdir().unwrap();
    let written = |file: &str| std::fs::read_to_string(folder.path().join(file)).unwrap();
    for (name, data) in &files {
        shipped.write_to(folder.path()).unwrap();
        std::fs::write(folder.path().join(name), data).unwrap();
        let wanted = scripts(name, data);
        let output = run(folder.path(), &["layer_0.py", "--sample", name]);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(written("layer_1.py"), wanted.code_samples["layer_1.py"], "{name}");
        // What was written is whole in itself: it writes its layer 2, and checks the digest.
        let output = run(folder.path(), &["layer_1.py"]);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(written("layer_2.py"), wanted.code_samples["layer_2.py"], "{name}");
        assert!(PythonValidator.validate(&written("layer_1.py")).is_empty());
        // And so does the shipped layer 1, if it is given the sample itself.
        shipped.write_to(folder.path()).unwrap();
        let output = run(folder.path(), &["layer_1.py", "--sample", name]);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(written("layer_2.py"), wanted.code_samples["layer_2.py"], "{name}");
    }
    assert_ne!(scripts("troubled.csv", &troubled()).code_samples, shipped.code_samples);
}

#[test]
fn without_a_sample_it_is_the_shipped_layer_byte_for_byte() {
    for data in [clean(), troubled()] {
        assert!(python().reproduces_chain(&scripts("t.csv", &data)).unwrap());
    }
}

#[test]
fn the_adaptive_block_is_in_where_the_complexity_exceeds_its_bound() {
    let shipped = scripts("clean.csv", &clean());
    let profile = Profile::of_bytes("troubled.csv", &troubled()).unwrap();
    assert!(profile.complexity() > 0.7, "{:?}", profile.features);
    let folder = tempfile::tempdir().unwrap();
    shipped.write_to(folder.path()).unwrap();
    std::fs::write(folder.path().join("troubled.csv"), troubled()).unwrap();
    assert!(!shipped.code_samples["layer_2.py"].contains("def adapt_columns("));
    assert!(run(folder.path(), &["layer_0.py", "--sample", "troubled.csv"]).status.success());
    assert!(run(folder.path(), &["layer_1.py"]).status.success());
    let written = std::fs::read_to_string(folder.path().join("layer_2.py")).unwrap();
    assert!(written.contains("def adapt_columns("));
}

#[test]
fn the_columns_of_the_sample_are_written_down_and_drift_is_told() {
    let folder = tempfile::tempdir().unwrap();
    scripts("t.csv", b"id,v,w\n1,1.5,x\n2,2.5,y\n").write_to(folder.path()).unwrap();
    std::fs::write(folder.path().join("other.csv"), "id,v,new\n1,x,3\n2,y,4\n").unwrap();
    let output = run(folder.path(), &["layer_2.py", "other.csv", "--out", "o", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let drift =
        ["column 'w' is missing", "column 'new' is new", "column 'v' is text instead of float"];
    assert_eq!(report["schema_drift"], serde_json::json!(drift));
    assert_eq!(ColumnType::Float.name(), "float");
}

#[test]
fn a_sample_that_cannot_be_read_is_one_line_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let shipped = scripts("clean.csv", &clean());
    std::fs::write(folder.path().join("layer_0.py"), &shipped.code_samples["layer_0.py"]).unwrap();
    std::fs::write(folder.path().join("bad.csv"), b"a,b\n1,\xff\n").unwrap();
    for (file, wanted) in [
        ("nowhere.csv", "there is no such file"),
        ("bad.csv", "line 2: the byte 0xFF is not UTF-8"),
    ] {
        let output = run(folder.path(), &["layer_0.py", "--sample", file]);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.lines().count()), (Some(2), 1), "{stderr}");
        assert!(stderr.contains(wanted), "{stderr}");
        assert!(!folder.path().join("layer_1.py").exists());
    }
}

/// What a `build.rs` does: it has a sample of the data and a folder, and no orchestrator.
#[test]
fn a_build_script_gets_the_same_by_a_library_call() {
    fn build(sample: &Path, out: &Path) -> Result<(), Box<dyn std::error::Error>> {
        let profile = Profile::of_path(sample)?;
        let scripts = Generator::new().generate(&request(&profile))?;
        scripts.write_to(out)?;
        println!("cargo::rerun-if-changed={}", sample.display());
        Ok(())
    }
    let folder = tempfile::tempdir().unwrap();
    let sample = folder.path().join("troubled.csv");
    std::fs::write(&sample, troubled()).unwrap();
    build(&sample, &folder.path().join("out")).unwrap();
    scripts("clean.csv", &clean()).write_to(folder.path()).unwrap();
    assert!(run(folder.path(), &["layer_0.py", "--sample", "troubled.csv"]).status.success());
    let read = |file: &str| std::fs::read(folder.path().join(file)).unwrap();
    assert_eq!(read("layer_1.py"), read("out/layer_1.py"));
}
