//! A definition is written as JSON and read again; the schema says what the reader takes, and the reader says all that is wrong.

mod common;

use common::Dice;
use orchestrator_core::{Closures, DefinitionError, Fault, Role, Step, Workflow, build_website};
use proptest::prelude::*;
use serde_json::{Value, json};

struct Schema(boon::Schemas, boon::SchemaIndex);

fn schema() -> Schema {
    let mut compiler = boon::Compiler::new();
    let text: Value = serde_json::from_str(Workflow::json_schema()).unwrap();
    let id = text["$id"].as_str().unwrap().to_owned();
    compiler.add_resource(&id, text).unwrap();
    let mut schemas = boon::Schemas::new();
    let index = compiler.compile(&id, &mut schemas).expect("the schema is one");
    Schema(schemas, index)
}

impl Schema {
    fn accepts(&self, form: &Value) -> Result<(), String> {
        self.0.validate(form, self.1).map_err(|error| error.to_string())
    }
}

/// One step of every kind with every setting that it has.
fn everything() -> Value {
    let closure = json!({ "name": "title", "version": 1 });
    let condition = json!({ "name": "large", "version": 2 });
    let body =
        json!({ "name": "body", "steps": [{ "id": "inner", "kind": "task", "role": "coder" }] });
    json!({
        "v": 1,
        "name": "everything",
        "description": "one of each",
        "steps": [
            {
                "id": "work",
                "kind": "task",
                "description": "does it",
                "role": "coder",
                "requires": ["gpu"],
                "priority": -3,
                "expected_ms": 1500,
                "retry": { "attempts_max": 3, "delay_ms": 5, "growth_percent": 150, "delay_ms_max": 50,
                           "jitter_percent": 0, "never_on": ["bad"], "repeat_unknown": true },
                "compensation": { "role": "deployer", "retry": { "attempts_max": 2 } },
                "attempt_timeout_ms": 1000,
                "step_timeout_ms": 5000,
                "heartbeat_timeout_ms": 100,
                "input": closure,
                "output": closure,
            },
            { "id": "choose", "kind": "branch", "cases": [{ "when": condition, "step": "each" }],
              "otherwise": "again", "after": [{ "step": "work" }], "input": closure },
            { "id": "each", "kind": "map", "body": body, "concurrency_max": 4, "items_max": 9,
              "on_item_failure": { "tolerate": 2 }, "step_timeout_ms": 7, "output": closure },
            { "id": "again", "kind": "loop", "body": body, "rounds_max": 3, "rounds_kept": 2,
              "until": { "condition": condition }, "step_timeout_ms": 7 },
            { "id": "judge", "kind": "loop", "body": body, "rounds_max": 3, "until": { "accepted_by": "inner" } },
            { "id": "ask", "kind": "decision", "question": "ship?", "choices": ["yes", "no"],
              "default_choice": { "choice": "no", "after_ms": 60000 },
              "after": [{ "step": "each", "on": "always" }, { "step": "again", "when": condition },
                        { "step": "work", "on": "failure" }],
              "join": { "at_least": 2 } },
            { "id": "signal", "kind": "wait", "signal": "go", "after": [{ "step": "ask" }], "join": "any" },
            { "id": "pause", "kind": "wait", "delay_ms": 250, "after": [{ "step": "ask" }] },
            { "id": "part", "kind": "sub_workflow", "body": body, "after": [{ "step": "pause", "on": "success" }],
              "join": "all" },
        ],
    })
}

fn closures() -> Closures {
    common::closures()
}

#[test]
fn a_form_with_everything_is_read_and_written_again() {
    let form = everything();
    schema().accepts(&form).unwrap();
    let workflow = Workflow::from_json(&form.to_string(), &closures()).unwrap();
    let written = workflow.to_json();
    let again = Workflow::from_json(&written, &closures()).unwrap();
    assert_eq!(again.digest(), workflow.digest());
    assert_eq!(again.to_json(), written);
    // Nothing that was said is lost: whatever the form has, the written one has at the same place.
    let back: Value = serde_json::from_str(&written).unwrap();
    schema().accepts(&back).unwrap();
    let mut edges = form.clone();
    edges["steps"][8]["after"][0].as_object_mut().unwrap().remove("on");
    edges["steps"][8].as_object_mut().unwrap().remove("join");
    // Edges are written in definition order.
    edges["steps"][5]["after"].as_array_mut().unwrap().rotate_right(1);
    contains(&back, &edges, "");
}

#[track_caller]
fn contains(whole: &Value, part: &Value, at: &str) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (key, part) in part {
                let Some(whole) = whole.get(key) else { panic!("nothing at {at}/{key}") };
                contains(whole, part, &format!("{at}/{key}"));
            }
        }
        (Value::Array(whole), Value::Array(part)) => {
            assert_eq!(whole.len(), part.len(), "{at}");
            for (index, (whole, part)) in whole.iter().zip(part).enumerate() {
                contains(whole, part, &format!("{at}/{index}"));
            }
        }
        _ => assert_eq!(whole, part, "{at}"),
    }
}

#[test]
fn a_written_definition_looks_like_this() {
    let workflow = build_website(3).unwrap();
    let form: Value = serde_json::from_str(&workflow.to_json()).unwrap();
    assert_eq!(
        form,
        json!({
            "v": 1,
            "name": "build_website",
            "description": "build a website from a goal",
            "steps": [
                { "id": "create_specs", "kind": "task", "role": "product_manager",
                  "description": "turns the goal into a specification" },
                { "id": "draft", "kind": "loop", "description": "drafts until the reviewer accepts",
                  "rounds_max": 3, "rounds_kept": 16, "until": { "accepted_by": "review_code" },
                  "after": [{ "step": "create_specs" }],
                  "body": {
                    "name": "draft_website",
                    "description": "one draft and its review",
                    "steps": [
                        { "id": "implement_code", "kind": "task", "role": "coder",
                          "description": "writes the files of the site",
                          "retry": { "attempts_max": 2, "delay_ms": 1000, "growth_percent": 200,
                                     "delay_ms_max": 60000, "jitter_percent": 20, "repeat_unknown": false } },
                        { "id": "review_code", "kind": "task", "role": "reviewer",
                          "description": "accepts the draft, or fails with what must change",
                          "after": [{ "step": "implement_code" }] },
                    ],
                  } },
            ],
        })
    );
    assert!(workflow.to_json().starts_with("{\n  \"v\": 1,\n  \"name\": \"build_website\",\n"));
}

#[test]
fn a_way_back_is_written_as_the_loop_that_it_became() {
    let workflow = Workflow::builder("site")
        .step(Step::task("write", Role::CODER))
        .step(Step::task("review", Role::REVIEWER).after("write").on_failure_back_to("write", 3))
        .build()
        .unwrap();
    let again = Workflow::from_json(&workflow.to_json(), &Closures::new()).unwrap();
    assert_eq!(again.digest(), workflow.digest());
    assert_eq!(again.steps().next().unwrap().as_str(), "until_review");
}

/// What is wrong with everything after `change`, and whether the schema sees it too.
#[track_caller]
fn check(change: impl FnOnce(&mut Value), want: &[&str], schema_refuses: bool) {
    let mut form = everything();
    change(&mut form);
    let said = match Workflow::from_json(&form.to_string(), &closures()) {
        Ok(_) => Vec::new(),
        Err(DefinitionError::Faults(faults)) => {
            faults.faults.iter().map(Fault::to_string).collect()
        }
        Err(error) => vec![error.to_string()],
    };
    assert_eq!(said, want);
    assert_eq!(schema().accepts(&form).is_err(), schema_refuses, "{:?}", schema().accepts(&form));
}

#[test]
fn what_a_step_lacks_or_has_too_much_is_said_all_at_once() {
    check(
        |form| {
            let steps = form["steps"].as_array_mut().unwrap();
            for step in steps.iter_mut() {
                let kept: &[&str] = &["id", "kind", "after", "cases", "join"];
                step.as_object_mut().unwrap().retain(|key, _| kept.contains(&key.as_str()));
            }
        },
        &[
            "step \"work\" is a task, and needs `role`",
            "step \"each\" is a map, and needs `body`",
            "step \"each\" is a map, and needs `concurrency_max`",
            "step \"again\" is a loop, and needs `until`",
            "step \"again\" is a loop, and needs `body`",
            "step \"again\" is a loop, and needs `rounds_max`",
            "step \"judge\" is a loop, and needs `until`",
            "step \"judge\" is a loop, and needs `body`",
            "step \"judge\" is a loop, and needs `rounds_max`",
            "step \"ask\" is a decision, and needs `question`",
            "step \"signal\" is a wait, and needs `signal` or `delay_ms`",
            "step \"pause\" is a wait, and needs `signal` or `delay_ms`",
            "step \"part\" is a sub_workflow, and needs `body`",
            "branch \"choose\" has no `otherwise`; say where it goes on when no case holds",
            "decision \"ask\" has no choices; give at least one",
        ],
        true,
    );
    check(
        |form| {
            form["steps"][6]["delay_ms"] = json!(3);
            form["steps"][7]["role"] = json!("coder");
            form["steps"][7]["retry"] = json!({ "attempts_max": 2 });
            form["steps"][7]["body"] = json!({ "name": "b", "steps": [] });
        },
        &[
            "step \"signal\" is a wait, which has no `delay_ms`; a wait has one of `signal` and `delay_ms`, other kinds have neither",
            "step \"pause\" is a wait, which has no `role`; only tasks have workers",
            "step \"pause\" is a wait, which has no `body`; only loops, maps and sub-workflows have a workflow inside",
            "step \"pause\" is a wait, which has no `retry`; give it to the tasks inside, or try again with `on_failure_back_to`",
        ],
        true,
    );
}

#[test]
fn faults_of_names_closures_and_inner_workflows_say_where_they_are() {
    check(
        |form| {
            form["steps"][0]["role"] = json!("two words");
            form["steps"][0]["requires"] = json!(["", "gpu"]);
            form["steps"][0]["compensation"]["role"] = json!("a/b");
        },
        &[
            "step \"work\": role name \"two words\" has ' ' at character 4; letters, digits, `_`, `-` and `.` are allowed",
            "step \"work\": a capability name is empty",
            "step \"work\": role name \"a/b\" has '/' at character 2; letters, digits, `_`, `-` and `.` are allowed",
        ],
        true,
    );
    let known = "large@0, large@1, large@2, näher@0, näher@1, näher@2, ready \"now\"@0, ready \"now\"@1, ready \"now\"@2";
    let missing = |step: &str, name: &str, version: u32| {
        format!(
            "step {step:?} names the condition {name:?} of version {version}, which is not registered; there are: {known}"
        )
    };
    check(
        |form| {
            form["steps"][0]["input"] = json!({ "name": "large" });
            form["steps"][1]["cases"][0]["when"] = json!({ "name": "large", "version": 7 });
            form["steps"][3]["until"]["condition"] = json!({ "name": "ghost" });
            form["steps"][5]["after"][1]["when"] = json!({ "name": "title" });
        },
        &[
            "step \"work\" names the transformer \"large\" of version 1, which is not registered; there are: title@0, title@1, title@2, two words@0, two words@1, two words@2",
            &missing("choose", "large", 7),
            &missing("again", "ghost", 1),
            &missing("ask", "title", 1),
        ],
        false,
    );
    check(
        |form| {
            form["steps"][4]["body"]["steps"][0]["after"] = json!([{ "step": "ghost" }]);
            form["steps"][4]["body"]["steps"][0]["retry"] = json!({ "attempts_max": 0 });
            form["steps"][8]["after"][0]["step"] = json!("nobody");
        },
        &[
            "inside \"judge\": step \"inner\" has an edge to or from \"ghost\", which is not defined",
            "inside \"judge\": step \"inner\": attempts_max is 0, and must be from 1 to 1000",
            "step \"part\" has an edge to or from \"nobody\", which is not defined",
        ],
        true,
    );
    check(
        |form| form["steps"][5]["after"][1]["on"] = json!("failure"),
        &[
            "step \"ask\": the edge from \"again\" has a condition, and so fires on success only; take its `on` away",
        ],
        true,
    );
}

#[test]
fn a_text_that_is_not_of_the_form_is_told_with_its_place() {
    let read = |text: &str| Workflow::from_json(text, &Closures::new()).unwrap_err();
    assert_eq!(
        read("{").to_string(),
        "the definition cannot be read: EOF while parsing an object at line 1 column 1"
    );
    assert_eq!(read("{}"), DefinitionError::NoVersion);
    assert_eq!(
        read(r#"{ "v": 2, "news": true }"#).to_string(),
        "the definition has version 2; this library reads version 1"
    );
    let unknown = read(
        "{ \"v\": 1, \"name\": \"w\",\n  \"steps\": [{ \"id\": \"a\", \"kind\": \"task\", \"rôle\": 1 }] }",
    );
    let DefinitionError::Json { line, column, ref reason } = unknown else { panic!("{unknown}") };
    assert_eq!((line, column), (2, 48));
    assert!(reason.starts_with("unknown field `rôle`, expected one of `id`, `kind`"), "{reason}");
    for (form, want) in [
        (
            json!({ "cel": "x", "name": "y" }),
            "a closure is {\"name\": TEXT, \"version\": NUMBER} or {\"cel\": TEXT}",
        ),
        (json!("x"), "a closure is"),
    ] {
        let mut whole = everything();
        whole["steps"][0]["input"] = form;
        assert!(read(&whole.to_string()).to_string().contains(want));
        assert!(schema().accepts(&whole).is_err());
    }
    let twice = r#"{ "v": 1, "name": "w", "name": "x", "steps": [] }"#;
    assert!(read(twice).to_string().contains("duplicate field `name` at line 1 column 29"));
    // Deeper than any definition may be; the stack holds.
    let deep =
        r#"{"v":1,"name":"w","steps":[{"id":"a","kind":"sub_workflow","body":"#.repeat(10_000);
    assert!(matches!(read(&deep), DefinitionError::Json { .. }));
}

#[cfg(not(feature = "cel"))]
#[test]
fn an_expression_without_the_feature_says_which_one_to_turn_on() {
    check(
        |form| {
            form["steps"][0]["input"] = json!({ "cel": "input.title" });
            form["steps"][5]["after"][1]["when"] = json!({ "cel": "goal == 'x'" });
        },
        &[
            "step \"work\" has the expression \"input.title\", which this build cannot evaluate; turn on the feature `cel`",
            "step \"ask\" has the expression \"goal == 'x'\", which this build cannot evaluate; turn on the feature `cel`",
        ],
        false,
    );
}

/// Where the schema is as strict as the reader: every one of these is refused by both.
#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let schema = schema();
    let changes: &[(&str, Value)] = &[
        ("/v", json!(2)),
        ("/name", json!("two words")),
        ("/name", json!("")),
        ("/steps", json!([])),
        ("/steps/0/id", json!("a b")),
        ("/steps/0/kind", json!("person")),
        ("/steps/0/priority", json!(1.5)),
        ("/steps/0/retry/attempts_max", json!(0)),
        ("/steps/0/retry/attempts_max", json!(1001)),
        ("/steps/0/retry/growth_percent", json!(99)),
        ("/steps/0/retry/jitter_percent", json!(101)),
        ("/steps/0/retry/jitter_percent", json!("20")),
        ("/steps/0/compensation/retry", json!({ "attempts_max": 0 })),
        ("/steps/0/compensation", json!({ "rôle": "x" })),
        ("/steps/0/attempt_timeout_ms", json!(0)),
        ("/steps/0/step_timeout_ms", json!(-1)),
        ("/steps/0/heartbeat_timeout_ms", json!(0)),
        ("/steps/1/cases", json!([])),
        ("/steps/1/cases/0", json!({ "step": "each" })),
        ("/steps/2/concurrency_max", json!(0)),
        ("/steps/2/items_max", json!(0)),
        ("/steps/2/on_item_failure", json!("sometimes")),
        ("/steps/2/on_item_failure", json!({ "tolerate": -1 })),
        ("/steps/3/rounds_max", json!(0)),
        ("/steps/3/rounds_kept", json!(0)),
        ("/steps/3/until", json!("done")),
        (
            "/steps/4/body",
            json!({ "v": 1, "name": "b", "steps": [{ "id": "inner", "kind": "wait", "delay_ms": 1 }] }),
        ),
        ("/steps/5/choices", json!([])),
        ("/steps/5/choices", json!(["no", "no"])),
        ("/steps/5/choices", json!(["no", ""])),
        ("/steps/5/default_choice/after_ms", json!(0)),
        ("/steps/5/join", json!({ "at_least": 0 })),
        ("/steps/5/join", json!("some")),
        ("/steps/5/after/0/on", json!("when")),
        ("/steps/6/signal", json!("a b")),
    ];
    for (pointer, value) in changes {
        let mut form = everything();
        *form.pointer_mut(pointer).unwrap() = value.clone();
        assert!(schema.accepts(&form).is_err(), "the schema takes {pointer} = {value}");
        let read = Workflow::from_json(&form.to_string(), &closures());
        assert!(read.is_err(), "the reader takes {pointer} = {value}");
    }
}

/// Each default that the schema names is the one that the reader has.
#[test]
fn the_defaults_in_the_schema_are_those_of_the_reader() {
    let schema: Value = serde_json::from_str(Workflow::json_schema()).unwrap();
    let default = |pointer: &str| {
        schema.pointer(pointer).unwrap_or_else(|| panic!("{pointer}"))["default"].clone()
    };
    let task = Step::task("a", Role::CODER).retry(orchestrator_core::RetryPolicy::attempts(2));
    let written = Workflow::builder("w").step(task).build().unwrap().to_json();
    let written: Value = serde_json::from_str(&written).unwrap();
    for (key, value) in written["steps"][0]["retry"].as_object().unwrap() {
        if key != "attempts_max" {
            assert_eq!(default(&format!("/$defs/retry/properties/{key}")), *value, "{key}");
        }
    }
    let mut form = everything();
    for (step, key) in [(2, "items_max"), (2, "on_item_failure"), (3, "rounds_kept")] {
        let kind = if step == 2 { 3 } else { 2 };
        form["steps"][step].as_object_mut().unwrap().remove(key);
        let read = Workflow::from_json(&form.to_string(), &closures()).unwrap();
        let written: Value = serde_json::from_str(&read.to_json()).unwrap();
        let said = default(&format!("/$defs/step/oneOf/{kind}/properties/{key}"));
        assert_eq!(written["steps"][step][key], said, "{key}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn every_definition_survives_being_written(seed: u64) {
        let workflow = common::workflow(&mut Dice(seed), 2);
        let text = workflow.to_json();
        let form: Value = serde_json::from_str(&text).unwrap();
        if let Err(why) = SCHEMA.with(|schema| schema.accepts(&form)) {
            panic!("{why}\n{text}");
        }
        let again = Workflow::from_json(&text, &closures()).unwrap();
        prop_assert_eq!(again.digest(), workflow.digest(), "{}", text);
        prop_assert_eq!(again.to_json(), text);
    }

    /// Whatever is cut out or put in, the reader answers; it never panics.
    #[test]
    fn a_torn_text_is_refused_or_read(seed: u64, at: prop::sample::Index, with in "[\\[\\]{}\":,0-9a-z]{0,3}") {
        let mut text: Vec<char> = common::workflow(&mut Dice(seed), 1).to_json().chars().collect();
        let at = at.index(text.len());
        text.splice(at..(at + 1), with.chars());
        let text: String = text.into_iter().collect();
        let _ = Workflow::from_json(&text, &closures());
    }
}

thread_local! {
    static SCHEMA: Schema = schema();
}
