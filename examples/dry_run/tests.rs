//! What traces are taken, what is made of them, and what is said of those that are not.

use clap::Parser;
use serde_json::{Value, json};

use crate::{Arguments, answer};

/// A task that has these children, and ran so long.
type Task<'a> = (&'a str, &'a [&'a str], f64);

/// A trace in the form of 1.5, both sides of every edge written.
fn trace(tasks: &[Task<'_>]) -> Value {
    let parents = |id: &str| -> Vec<&str> {
        tasks.iter().filter(|(_, children, _)| children.contains(&id)).map(|task| task.0).collect()
    };
    let specified = tasks.iter().map(|(id, children, _)| {
        json!({ "id": id, "name": "any", "parents": parents(id), "children": children })
    });
    let ran = tasks.iter().map(|(id, _, seconds)| json!({ "id": id, "runtimeInSeconds": seconds }));
    json!({ "workflow": {
        "specification": { "tasks": specified.collect::<Vec<_>>() },
        "execution": { "tasks": ran.collect::<Vec<_>>() },
    } })
}

const TASKS: [Task<'static>; 4] =
    [("a b", &["c/d", "é"], 0.1), ("c/d", &["z"], 0.2), ("é", &["z"], 0.3), ("z", &[], 0.0)];

/// What is printed for a file with this text.
fn dry_run(text: &str, arguments: &[&str]) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.json");
    std::fs::write(&file, text).unwrap();
    let words = ["dry_run", file.to_str().unwrap()].into_iter().chain(arguments.iter().copied());
    let arguments = Arguments::try_parse_from(words).map_err(|error| error.to_string())?;
    answer(&arguments).map_err(|error| {
        let error = error.to_string();
        let why = error.strip_prefix(&format!("{}: ", file.display()));
        why.unwrap_or_else(|| panic!("no file is named: {error}")).to_owned()
    })
}

fn report(trace: &Value, workers: &str) -> Value {
    let printed = dry_run(&trace.to_string(), &["--workers", workers, "--json"]).unwrap();
    serde_json::from_str(&printed).unwrap()
}

#[test]
fn a_trace_is_told_by_the_ids_that_it_has() {
    let expected = json!({
        "steps": 4, "edges": 4, "depth": 3, "makespan_s": 0.4, "critical_path_s": 0.4,
        "critical_path": ["a b", "é", "z"], "utilisation": 0.75,
    });
    assert_eq!(report(&trace(&TASKS), "2"), expected);
    let text = dry_run(&trace(&TASKS).to_string(), &["--workers", "1"]).unwrap();
    assert_eq!(
        text,
        "steps 4, edges 4, depth 3\nmakespan with 1 at a time: 0.6 s, utilisation 100.0 %\n  \
         2 at a time would take 0.400 s, utilisation 75.0 %\ncritical path: 0.4 s\n  a b\n  é\n  z"
    );
}

#[test]
fn either_side_of_an_edge_may_be_left_out() {
    for side in ["parents", "children"] {
        let mut trace = trace(&TASKS);
        for task in trace["workflow"]["specification"]["tasks"].as_array_mut().unwrap() {
            task.as_object_mut().unwrap().remove(side);
        }
        assert_eq!(report(&trace, "2")["edges"], 4, "without {side}");
    }
}

#[test]
fn an_edge_that_is_told_again_is_one() {
    let mut trace = trace(&TASKS);
    trace["workflow"]["specification"]["tasks"][3]["parents"] = json!(["é", "c/d", "é"]);
    assert_eq!(report(&trace, "2")["edges"], 4);
}

#[test]
fn the_older_forms_are_read_by_name() {
    for time in ["runtime", "runtimeInSeconds"] {
        let task = |name, id, parents: &[&str], children: &[&str]| json!({ "name": name, "id": id, "parents": parents, "children": children, time: 2 });
        let tasks = [task("a", "1", &[], &["b"]), task("b", "2", &["a"], &[])];
        let report = report(&json!({ "workflow": { "tasks": tasks } }), "2");
        assert_eq!(
            (&report["makespan_s"], &report["critical_path"]),
            (&json!(4.0), &json!(["a", "b"]))
        );
    }
}

#[test]
fn a_broken_trace_is_refused_with_the_tasks_concerned() {
    #[track_caller]
    fn check(change: impl Fn(&mut Value), expected: &str) {
        let mut trace = trace(&TASKS);
        change(&mut trace["workflow"]);
        assert_eq!(dry_run(&trace.to_string(), &["--json"]).unwrap_err(), expected);
    }
    let task = |workflow: &mut Value, at: usize, list: &str, ids: Value| {
        workflow["specification"]["tasks"][at][list] = ids;
    };
    let ran = |workflow: &mut Value, at: usize, what: &str, value: Value| {
        workflow["execution"]["tasks"][at][what] = value;
    };
    check(|w| task(w, 1, "id", json!("a b")), "task \"a b\" is there twice");
    check(
        |w| task(w, 1, "parents", json!(["a b", "x\ny"])),
        "task \"c/d\" names \"x\\ny\" among its parents, which is not there",
    );
    check(
        |w| task(w, 1, "children", json!(["q"])),
        "task \"c/d\" names \"q\" among its children, which is not there",
    );
    check(
        |w| task(w, 3, "parents", json!(["é"])),
        "task \"c/d\" names \"z\" as a child, which does not name it as a parent",
    );
    check(
        |w| task(w, 2, "children", json!([])),
        "task \"z\" names \"é\" as a parent, which does not name it as a child",
    );
    check(|w| ran(w, 2, "runtimeInSeconds", Value::Null), "task \"é\" has no recorded run time");
    check(
        |w| ran(w, 2, "runtimeInSeconds", json!(-0.5)),
        "task \"é\" has the run time -0.5 s, which no task can have",
    );
    check(
        |w| ran(w, 2, "runtimeInSeconds", json!(1e300)),
        "task \"é\" has the run time 1e300 s, which no task can have",
    );
    check(|w| ran(w, 2, "id", json!("z")), "task \"z\" has two recorded run times");
    check(|w| ran(w, 2, "id", json!("y")), "there is a run time of task \"y\", which is not there");
    check(
        |w| drop(w["execution"]["tasks"].as_array_mut().unwrap().pop()),
        "task \"z\" has no recorded run time",
    );
    check(|w| w["specification"]["tasks"] = json!([]), "the trace has no tasks");
    check(
        |w| drop(w.as_object_mut().unwrap().remove("execution")),
        "the trace has no workflow.execution.tasks",
    );
    check(
        |w| drop(w.as_object_mut().unwrap().remove("specification")),
        "the trace has no workflow.specification.tasks",
    );
}

#[test]
fn a_circle_is_shown_from_its_first_task_to_its_first() {
    let circle: [Task<'_>; 4] =
        [("in", &["a"], 1.0), ("a", &["b"], 1.0), ("b", &["c"], 1.0), ("c", &["a"], 1.0)];
    assert_eq!(
        dry_run(&trace(&circle).to_string(), &[]).unwrap_err(),
        "tasks wait for each other in a circle: \"a\" -> \"b\" -> \"c\" -> \"a\""
    );
    assert_eq!(
        dry_run(&trace(&[("a", &["a"], 1.0)]).to_string(), &[]).unwrap_err(),
        "tasks wait for each other in a circle: \"a\" -> \"a\""
    );
    let names: Vec<String> = (0..60).map(|at| format!("t{at}")).collect();
    let children: Vec<[&str; 1]> = (0..60).map(|at| [names[(at + 1) % 60].as_str()]).collect();
    let long: Vec<Task<'_>> =
        names.iter().zip(&children).map(|(name, child)| (name.as_str(), &child[..], 1.0)).collect();
    let error = dry_run(&trace(&long).to_string(), &[]).unwrap_err();
    assert!(error.ends_with("\"t49\" -> and 11 more"), "{error}");
}

#[test]
fn what_is_no_trace_is_said_to_be_none() {
    for text in
        ["", "no", "[]", "{}", "{\"workflow\": 3}", "\u{0}", "{\"workflow\": {\"tasks\": [{}]}}"]
    {
        let error = dry_run(text, &[]).unwrap_err();
        let expected = ["this is no WfFormat trace: ", "the trace has no id of one of its tasks"];
        assert!(expected.iter().any(|start| error.starts_with(start)), "{text:?}: {error}");
    }
    let not_finite = trace(&TASKS).to_string().replace("0.2", "NaN");
    assert!(dry_run(&not_finite, &[]).unwrap_err().starts_with("this is no WfFormat trace: "));
}

#[test]
fn wrong_arguments_are_refused() {
    for (arguments, part) in [
        (["--workers", "0"], "'0' for '--workers <N>'"),
        (["--workers", "-1"], "'-1' for '--workers <N>'"),
        (["--workers", "many"], "'many' for '--workers <N>'"),
        (["--jsn", "--json"], "'--jsn'"),
        (["second", "--json"], "'second'"),
    ] {
        let error = dry_run(&trace(&TASKS).to_string(), &arguments).unwrap_err();
        assert!(error.contains(part), "{error}");
    }
    let missing = Arguments::parse_from(["dry_run", "not/there.json"]);
    let error = answer(&missing).unwrap_err().to_string();
    assert!(error.starts_with("not/there.json: "), "{error}");
}

#[test]
fn without_a_file_there_is_an_example() {
    let printed = answer(&Arguments::parse_from(["dry_run"])).unwrap();
    assert!(
        printed.contains("critical path: 8.875 s\n  fetch data\n  part/2\n  join"),
        "{printed}"
    );
}

#[test]
fn a_definition_of_our_own_says_how_long_its_tasks_take() {
    let mut form = json!({ "v": 1, "name": "ours", "steps": [
        { "id": "first", "kind": "task", "role": "coder", "expected_ms": 1500 },
        { "id": "each", "kind": "sub_workflow", "after": [{ "step": "first" }], "body": {
            "name": "inside", "steps": [
                { "id": "long", "kind": "task", "role": "coder", "expected_ms": 2000 },
                { "id": "short", "kind": "task", "role": "coder", "expected_ms": 250 },
            ],
        } },
    ] });
    let printed = dry_run(&form.to_string(), &["--workers", "2", "--json"]).unwrap();
    let report: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(report["makespan_s"], 3.5);
    assert_eq!(report["critical_path"], json!(["first", "each[0]/long"]));
    assert_eq!(report["steps"], 3);
    form["steps"][0]["kind"] = json!("taks");
    let refused = dry_run(&form.to_string(), &[]).unwrap_err();
    assert!(refused.contains("unknown variant `taks`"), "{refused}");
    let slow = form.to_string().replace("taks", "task").replace("\"expected_ms\":1500,", "");
    let refused = dry_run(&slow, &[]).unwrap_err();
    assert!(refused.contains("how long attempt 1 of step first takes"), "{refused}");
}
