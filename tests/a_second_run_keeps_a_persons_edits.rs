//! A run writes its scripts beside those of an earlier run, and never over what a person has made of them.
#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use orchestrator_ai::codegen::{Edits, LOCK_FILE, OutputError, OutputFolder, Reason};
use orchestrator_ai::core::Seed;
use orchestrator_ai::{OrchestrateError, OrchestrationContext, Report};
use support::{orchestrate, penguins, quick};

const OWN: &str = "print('mine')\n";

fn run(out: &Path, project: &str, edits: Edits) -> Result<Report, OrchestrateError> {
    orchestrate(OrchestrationContext {
        project: project.to_owned(),
        out: Some(out.to_owned()),
        edits,
        seed: Seed(3),
        ..quick(&penguins())
    })
}

fn files(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(out).unwrap().map(|entry| entry.unwrap());
    let read = |entry: fs::DirEntry| {
        (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
    };
    entries.map(read).collect()
}

#[track_caller]
fn refused(out: &Path, wanted: &Reason) {
    let before = files(out);
    let error = run(out, "two", Edits::Keep).unwrap_err();
    let OrchestrateError::Scripts(OutputError::Edits { files: edited }) = &error else {
        panic!("edits are in danger: {error}");
    };
    assert_eq!(edited, &[("layer_2.py".to_owned(), wanted.clone())]);
    assert_eq!(files(out), before, "nothing was written, no report either");
}

#[test]
fn an_edited_script_refuses_the_run_until_it_is_forced() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    run(out, "one", Edits::Keep).unwrap();
    let report = run(out, "two", Edits::Keep).unwrap();
    let text = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    for (name, shipped) in &report.code_generation.code_samples {
        assert_eq!(&text(name), shipped, "what nobody has edited is replaced");
    }

    fs::write(out.join("layer_2.py"), OWN).unwrap();
    refused(out, &Reason::Edited);
    assert_eq!(text("layer_2.py"), OWN);
    let report = run(out, "three", Edits::Overwrite).unwrap();
    assert_eq!(text("layer_2.py"), report.code_generation.code_samples["layer_2.py"]);
}

#[test]
fn somebody_elses_script_is_not_replaced_either() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("layer_2.py"), OWN).unwrap();
    refused(folder.path(), &Reason::NotGenerated);
}

#[test]
fn an_ejected_script_is_left_alone_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    run(out, "one", Edits::Keep).unwrap();
    OutputFolder::new(out).eject("layer_2.py").unwrap();
    fs::write(out.join("layer_2.py"), OWN).unwrap();
    let report = run(out, "two", Edits::Keep).unwrap();
    assert_eq!(fs::read_to_string(out.join("layer_2.py")).unwrap(), OWN);
    let layer_1 = fs::read_to_string(out.join("layer_1.py")).unwrap();
    assert_eq!(layer_1, report.code_generation.code_samples["layer_1.py"]);
    assert!(layer_1.contains("\"two\""), "it is of the second run");
    assert!(out.join(LOCK_FILE).exists());
}
