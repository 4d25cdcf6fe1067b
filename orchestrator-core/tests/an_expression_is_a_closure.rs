//! A CEL expression stands wherever a condition or a transformer does: deterministic, bounded, and told with its place when it is wrong.
#![cfg(feature = "cel")]

use std::time::{Duration, Instant};

use orchestrator_core::{
    Closures, Condition, Context, DefinitionError, Item, Orchestrator, Payload, Role, Round, Step,
    Transformer, Workflow, cel_condition, cel_transform, typed_worker,
};

fn payload(json: &str) -> Payload {
    Payload::parse(json).unwrap()
}

fn context() -> Context {
    Context::detached("a page")
        .with_output(
            "measure",
            payload(r#"{"score": 0.7, "tags": ["b", "a"], "n": 3, "big": 18446744073709551615}"#),
        )
        .with_output("a-b", payload("[1, 2, 3]"))
}

#[track_caller]
fn gives(expression: &str, input: &str, want: &str) {
    let made = cel_transform(expression).transform(&payload(input), &context());
    assert_eq!(made.unwrap().as_json(), want, "{expression}");
}

#[track_caller]
fn fails(expression: &str, input: &str, want: &str) {
    let made = cel_transform(expression).transform(&payload(input), &context());
    assert_eq!(made.unwrap_err().reason, want, "{expression}");
}

#[track_caller]
fn unusable(expression: &str, want: &str) {
    assert_eq!(cel_transform(expression).unusable().as_deref(), Some(want), "{expression}");
}

#[test]
fn an_expression_sees_what_a_closure_sees() {
    gives("goal + '!'", "null", r#""a page!""#);
    gives("input.x + 1", r#"{"x": 2}"#, "3");
    gives("input", r#"{"x": [1.5, null, true, "ü\n"]}"#, r#"{"x":[1.5,null,true,"ü\n"]}"#);
    gives("outputs.measure.score > 0.5 && outputs['a-b'][1] == 2", "0", "true");
    gives("outputs.measure.big", "0", "18446744073709551615");
    gives("has(outputs.ghost)", "0", "false");
    gives("size(outputs)", "0", "2");
    gives("'measure' in outputs", "0", "true");
    gives("round == null", "0", "true");
    gives(
        "{'title': input.title, 'by': [goal]}",
        r#"{"title": "T"}"#,
        r#"{"by":["a page"],"title":"T"}"#,
    );
    gives("input.filter(x, x > 1).map(x, x * 10)", "[1, 2, 3]", "[20,30]");
    gives(
        "input.exists_one(x, x == 2) && input.all(x, x > 0) && input.exists(x, x == 3)",
        "[1, 2, 3]",
        "true",
    );
    gives("input.map(outputs, outputs.x)", r#"[{"x": 1}]"#, "[1]");
    gives(
        "string(input.n) + ' of ' + string(size(input.of))",
        r#"{"n": 1, "of": "größer"}"#,
        r#""1 of 6""#,
    );
    gives("double(input) * 1.5", "3", "4.5");
    gives(
        "input.size() == 3 && input.startsWith('a') && input.endsWith('c') && input.contains('b')",
        r#""abc""#,
        "true",
    );
    let in_loop = context().with_round(Round { index: 2, carried: payload(r#"{"left": 1}"#) });
    let in_map = context().with_item(Item { index: 1, value: payload(r#"{"id": 7}"#) });
    assert!(cel_condition("item.index == 1 && item.value.id == 7").holds(&in_map).unwrap());
    assert!(cel_condition("item == null").holds(&in_loop).unwrap());
    assert!(cel_condition("round.index == 2 && round.carried.left == 1").holds(&in_loop).unwrap());
}

#[test]
fn what_cannot_be_said_is_an_error() {
    fails("outputs.ghost", "0", "there is nothing called \"ghost\"");
    fails("input.x", "{}", "there is nothing called \"x\"");
    fails("input[7]", "[1]", "an index is beyond the end of its list");
    fails("input / 0", "1", "a division by zero");
    fails("input + 1", "9223372036854775807", "`add` overflows");
    fails("1.0 / 0.0", "0", "it gives a number that is not finite");
    fails("{1: 2}", "0", "it gives a map with a key that is not a string");
    fails("b'x'", "0", "it gives a bytes, which JSON has not");
    fails("int(input)", r#""x""#, "`int`: string parse error: invalid digit found in string");
    // No value stands in an error: the entries of a map come in any order.
    fails("input + 1", r#"{"a": 1, "b": 2}"#, "`add` does not take a map and a int");
    let context = context();
    assert_eq!(
        cel_condition("outputs.measure.score").holds(&context).unwrap_err().reason,
        "it gives a float, and not a bool"
    );
}

#[test]
fn an_expression_that_does_not_compile_is_told_with_its_place() {
    unusable(
        "input.x > limit",
        "1:11: unknown name `limit`; there are: goal, input, item, outputs, round",
    );
    unusable(
        "input +\n  itme",
        "2:3: unknown name `itme`; there are: goal, input, item, outputs, round",
    );
    unusable(
        "[1].map(x, y)",
        "1:12: unknown name `y`; there are: goal, input, item, outputs, round",
    );
    unusable(
        "now()",
        "1:4: unknown function `now`; there are: size, contains, startsWith, endsWith, string, int, uint, double, bool",
    );
    unusable("Point{x: 1}", "1:6: there are no types to make; write a map");
    let broken = cel_transform("input.x >").unusable().unwrap();
    assert!(broken.starts_with("1:10: "), "{broken}");
    assert!(cel_transform("").unusable().is_some());
    assert!(cel_transform("@work(1)").unusable().is_some());
    assert!(cel_transform("\u{0}").unusable().is_some());
    let long = format!("'{}'", "x".repeat(4095));
    unusable(&long, "it has 4097 bytes, and may have 4096");
}

#[test]
fn a_fault_names_the_step_the_expression_and_the_place() {
    let faults = Workflow::builder("w")
        .step(Step::task("a", Role::CODER).input(cel_transform("inptu.x")))
        .step(Step::branch("b").after("a").case(cel_condition("goal =="), "c").otherwise("c"))
        .step(Step::task("c", Role::CODER).output(cel_transform("goal(")))
        .build()
        .unwrap_err();
    let said: Vec<String> = faults.faults.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 3);
    assert_eq!(
        said[0],
        "step \"a\": the transformer \"inptu.x\" cannot be used: 1:1: unknown name `inptu`; there are: goal, input, item, outputs, round"
    );
    assert!(
        said[1].starts_with("step \"b\": the condition \"goal ==\" cannot be used: 1:8: "),
        "{}",
        said[1]
    );
    assert!(
        said[2].starts_with("step \"c\": the transformer \"goal(\" cannot be used: 1:6: "),
        "{}",
        said[2]
    );

    let text = r#"{ "v": 1, "name": "w", "steps": [
        { "id": "a", "kind": "task", "role": "coder", "input": { "cel": "inptu.x" } }] }"#;
    let DefinitionError::Faults(again) = Workflow::from_json(text, &Closures::new()).unwrap_err()
    else {
        panic!("not a fault")
    };
    assert_eq!(again.faults[0], faults.faults[0]);
}

#[test]
fn going_through_a_map_has_one_order() {
    let keys: Vec<String> = (0..50).map(|at| format!("k{:02}", (at * 37) % 50)).collect();
    let entries: Vec<String> = keys.iter().map(|key| format!("{key:?}: 1")).collect();
    let input = format!("{{{}}}", entries.join(", "));
    let mut sorted = keys.clone();
    sorted.sort();
    let want = serde_json::to_string(&sorted).unwrap();
    for _ in 0..20 {
        gives("input.map(key, key)", &input, &want);
        gives("input.filter(key, input[key] == 1)", &input, &want);
    }
    // Which of several errors is told does not depend on the order either.
    for _ in 0..20 {
        fails(
            "input.map(key, int(key))",
            r#"{"b": 1, "a": 2}"#,
            "`int`: string parse error: invalid digit found in string",
        );
        fails(
            "input.map(key, outputs[key])",
            r#"{"zz": 1, "y": 2, "x": 3}"#,
            "there is nothing called \"x\"",
        );
    }
}

/// Each of these would take ages, or all memory, if nothing stopped it.
#[test]
fn an_expression_ends_soon() {
    let items = format!("[{}0]", "0,".repeat(20_000));
    let text = format!("\"{}\"", "x".repeat(1_000_000));
    let doubled = format!("['ab']{}", ".map(x, x + x + x + x + x + x)".repeat(10));
    let nested = format!("[[1]]{}", ".map(x, [x, x, x, x, x, x, x, x])".repeat(10));
    for (expression, input) in [
        ("input.all(a, input.all(b, input.all(c, a + b + c == 0)))", &items),
        ("input.map(a, input)", &items),
        ("input.map(a, input.map(b, input.map(c, [a, b, c])))", &items),
        (
            "[1, 2, 3, 4, 5, 6, 7, 8].map(a, [input, input, input, input, input, input, input])",
            &text,
        ),
        (
            "[1, 2, 3].exists(a, input + input + input + input + input + input + input + input + input == input) || \
          [1, 2, 3, 4, 5, 6, 7].exists(b, input + input + input == input + input + input)",
            &text,
        ),
        (doubled.as_str(), &text),
        (nested.as_str(), &text),
    ] {
        let transformer = cel_transform(expression);
        if let Some(why) = transformer.unusable() {
            panic!("{expression}: {why}");
        }
        let began = Instant::now();
        let made = transformer.transform(&payload(input), &context());
        // Two million units of work are seconds in a debug build, and whatever else the machine is doing no ten minutes. Unstopped, the
        // first of these expressions makes 8·10¹² sums: hours, at a nanosecond each.
        assert!(began.elapsed() < Duration::from_secs(600), "{expression}: {:?}", began.elapsed());
        assert_eq!(
            made.unwrap_err().reason,
            "it takes more than 2000000 units of work; look at less of the data",
            "{expression}"
        );
    }
}

#[test]
fn an_expression_of_any_shape_is_answered() {
    let shapes: [fn(usize) -> String; 18] = [
        |n| "1+".repeat(n) + "1",
        |n| "'a'+".repeat(n) + "'b'",
        |n| "!".repeat(n) + "true",
        |n| "-".repeat(n) + "1",
        |n| "(".repeat(n) + "1" + &")".repeat(n),
        |n| "[".repeat(n) + &"]".repeat(n),
        |n| "[".repeat(n),
        |n| "{'a':".repeat(n) + "1" + &"}".repeat(n),
        |n| "goal".to_owned() + &".x".repeat(n),
        |n| "goal".to_owned() + &"[0]".repeat(n),
        |n| "goal".to_owned() + &".size()".repeat(n),
        |n| "true?1:".repeat(n) + "1",
        |n| "true||".repeat(n) + "true",
        |n| "size(".repeat(n) + "'a'" + &")".repeat(n),
        |n| "1 in ".repeat(n) + "[1]",
        |n| "[1].map(x,".repeat(n) + "1" + &")".repeat(n),
        |n| "[1]".to_owned() + &".map(x, x)".repeat(n),
        |n| "'\\".repeat(n),
    ];
    // As large as it may be, and far too large, on a thread of 2 MiB like those that run tests.
    for (shape, repeat) in
        shapes.iter().flat_map(|shape| (1..60).chain([500, 1_000]).map(move |n| (shape, n)))
    {
        let expression = shape(repeat);
        let transformer = cel_transform(expression.clone());
        if transformer.unusable().is_none() {
            let _ = transformer.transform(&Payload::null(), &context());
        }
    }
}

#[test]
fn a_definition_with_expressions_runs_from_data() {
    let text = r#"{
        "v": 1,
        "name": "sort",
        "steps": [
            { "id": "measure", "kind": "task", "role": "analyst" },
            { "id": "split", "kind": "task", "role": "coder",
              "input": { "cel": "{'half': input.size / 2, 'for': goal}" },
              "after": [{ "step": "measure", "when": { "cel": "outputs.measure.size > 100" } }] }
        ]
    }"#;
    let workflow = Workflow::from_json(text, &Closures::new()).unwrap();
    let again = Workflow::from_json(&workflow.to_json(), &Closures::new()).unwrap();
    assert_eq!(again.digest(), workflow.digest());
    assert!(workflow.to_json().contains(r#""cel": "outputs.measure.size > 100""#));
    // Code that is named like an expression is not that expression.
    let code =
        orchestrator_core::condition_fn("outputs.measure.size > 100", 1, |_: &Context| Ok(true));
    let with = |condition: Step| {
        let builder = Workflow::builder("w").step(Step::task("measure", Role::ANALYST));
        builder.step(condition).build().unwrap().digest().to_owned()
    };
    assert_ne!(
        with(Step::task("b", Role::CODER).after_when("measure", code)),
        with(
            Step::task("b", Role::CODER)
                .after_when("measure", cel_condition("outputs.measure.size > 100"))
        )
    );

    let mut hub = Orchestrator::new();
    hub.register_worker(
        "ada",
        Role::ANALYST,
        typed_worker(async |goal: String, _| {
            Ok(std::collections::BTreeMap::from([("size", goal.len() * 100)]))
        }),
    )
    .unwrap();
    hub.register_worker(
        "grace",
        Role::CODER,
        typed_worker(async |spec: serde_json::Value, _| Ok(spec)),
    )
    .unwrap();
    hub.register_workflow(workflow).unwrap();
    let report = futures::executor::block_on(hub.execute("sort", "page")).unwrap();
    assert_eq!(report.output().unwrap().as_json(), r#"{"for":"page","half":200}"#);
}
