//! Knowledge is read and written only when asked; it warm-starts the next run, and its hash says which it was.
#![allow(missing_docs)]

mod support;

use std::fs;

use orchestrator_ai::{OrchestrateError, Preset, Settings};
use support::{orchestrate, penguins, quick, timeless};

#[test]
fn a_second_run_starts_from_what_the_first_one_found() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let run = || {
        let mut context = quick(&penguins());
        context.state = Some(state.clone());
        orchestrate(context).unwrap()
    };
    let first = run();
    assert_eq!((first.knowledge.runs_before, first.ga_optimization.warm_starts), (0, 0));
    let snapshot = fs::read(state.join("knowledge.json")).unwrap();
    let second = run();
    assert_eq!((second.knowledge.runs_before, second.ga_optimization.warm_starts), (1, 1));
    assert_eq!(second.knowledge.hash_before, first.knowledge.hash_after);
    assert_ne!(second.knowledge.hash_after, second.knowledge.hash_before);
    let start = second.ga_optimization.fitness_history[0];
    assert!(start >= first.rl_optimization.fitness_end, "{start}");
    assert!(second.rl_optimization.fitness_end >= first.rl_optimization.fitness_end);

    // The same snapshot again: the same bytes again.
    fs::write(state.join("knowledge.json"), snapshot).unwrap();
    assert_eq!(timeless(&run().to_json()), timeless(&second.to_json()));
}

#[test]
fn without_a_state_nothing_is_kept_and_nothing_is_known() {
    let report = orchestrate(quick(&penguins())).unwrap();
    assert!(!report.knowledge.used);
    assert_eq!(report.knowledge.runs_before, 0);
}

#[test]
fn a_damaged_snapshot_is_an_error_that_names_file_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("knowledge.json"), "{\"version\": 1,\n oops").unwrap();
    let mut context = quick(&penguins());
    context.state = Some(folder.path().to_owned());
    match orchestrate(context) {
        Err(OrchestrateError::Knowledge(error)) => {
            let said = error.to_string();
            assert!(said.contains("knowledge.json line 2") && said.contains("remove it"), "{said}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn efficiency_takes_the_scripts_that_were_made_before() {
    let folder = tempfile::tempdir().unwrap();
    let run = || {
        let mut context = quick(&penguins());
        context.settings = Settings { generations: 5, episodes: 5, ..Preset::Efficiency.into() };
        context.state = Some(folder.path().to_owned());
        orchestrate(context).unwrap()
    };
    let first = run();
    let kept = fs::read_to_string(folder.path().join("scripts.json")).unwrap();
    assert!(kept.contains("layer_0.py"));
    assert!(first.rl_optimization.q_table_size <= 256);
    // The same knowledge again makes the same request again; the mark shows whether what was kept is what is taken.
    let again = |kept: &str| {
        fs::remove_file(folder.path().join("knowledge.json")).unwrap();
        fs::write(folder.path().join("scripts.json"), kept).unwrap();
        run().code_generation
    };
    let made = &first.code_generation;
    let mark = |kept: &str, version: &str| {
        let mut kept: serde_json::Value = serde_json::from_str(kept).unwrap();
        *kept.pointer_mut("/scripts/quality_score").unwrap() = 0.125.into();
        *kept.pointer_mut("/version").unwrap() = version.into();
        kept.to_string()
    };
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(again(&mark(&kept, version)).quality_score, 0.125);
    // Scripts of another version, of another request, or of no sense at all are made again.
    assert_eq!(again(&mark(&kept, "0.0.0")), *made);
    assert_eq!(again(&mark(&kept, version).replace("\"request\":\"", "\"request\":\"0")), *made);
    assert_eq!(again("{\"version\": 1}"), *made);
}
