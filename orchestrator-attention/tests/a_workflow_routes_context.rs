//! Attention as a step: what it reads of the steps before it, what it hands on, what it refuses.
#![allow(missing_docs)]

use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use orchestrator_attention::{
    AttentionConfig, ContextEntry, ContextInput, ContextOutput, ContextWorker, Dimensions, Flow,
    MultiHeadAttention, Projections, WEIGHTS_MAX,
};
use orchestrator_core::{
    Cancellation, Context, Failure, Note, Notes, Orchestrator, Payload, Role, Seed, Step, Task,
    TaskError, Worker, Workflow, transform_fn, worker_fn,
};

fn worker() -> ContextWorker {
    ContextWorker::new(AttentionConfig::default()).unwrap()
}

fn payload(json: &str) -> Payload {
    Payload::parse(json).unwrap()
}

fn execute(worker: &ContextWorker, task: Task) -> Result<ContextOutput, TaskError> {
    Ok(block_on(worker.execute(task))?.payload.to()?)
}

fn attend(input: &ContextInput) -> ContextOutput {
    execute(&worker(), Task::detached(Payload::of(input).unwrap(), Seed(1))).unwrap()
}

fn names(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|at| format!("n{at}"))
}

/// Layers that look for every feature, chained.
fn chain(layers: usize, features: usize) -> ContextInput {
    let layer = |at| ContextEntry::interests(format!("layer_{at}"), [(format!("n{at}"), 1.0)]);
    let feature = |name| ContextEntry::value(name, 0.5);
    ContextInput {
        layers: (0..layers).map(layer).collect(),
        previous: Some(names(features).map(feature).collect()),
        flow: Flow::Chained,
    }
}

#[test]
fn the_output_has_the_keys_of_the_document_and_passes_its_checklist() {
    let output =
        block_on(worker().execute(Task::detached(Payload::of(&chain(3, 6)).unwrap(), Seed(3))));
    let output = output.unwrap().payload;
    for key in ["attended_output", "attention_weights", "attention_entropy", "checks", "diagnosis"]
    {
        assert!(output.at::<serde_json::Value>(&format!("/{key}")).is_ok(), "{key}");
    }
    let output: ContextOutput = output.to().unwrap();
    let checks: Vec<&str> = output.checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(
        checks,
        [
            "weights sum to 1",
            "all heads valid",
            "output dimension matches input",
            "numerically stable",
            "focuses on relevant layers"
        ]
    );
    assert!(output.checks.iter().all(|check| check.passed), "{:?}", output.checks);
    assert_eq!(output.attended_output.len(), 3);
    assert!(output.attended_output.iter().all(|row| row.len() == 16));
    assert_eq!((output.attention_weights.len(), output.attention_weights[0].len()), (4, 3));
    assert_eq!((output.attention_entropy.len(), output.attention_entropy[0].len()), (3, 4));
}

#[test]
fn a_chained_layer_sees_those_before_it_and_no_later_one() {
    let output = attend(&chain(3, 4));
    assert_eq!(output.sources, ["n0", "n1", "n2", "n3", "layer_0", "layer_1", "layer_2"]);
    for head in &output.attention_weights {
        assert_eq!(head[0][4..], [0.0, 0.0, 0.0]);
        assert!(head[1][4] > 0.0 && head[1][5..] == [0.0, 0.0]);
        assert!(head[2][4] > 0.0 && head[2][5] > 0.0 && head[2][6] == 0.0);
    }
    assert!(!output.routes["layer_0"].contains_key("layer_0"));
    // What layer_0 attends to does not depend on who comes after it.
    let alone = attend(&chain(1, 4));
    assert_eq!(alone.attended_output[0], output.attended_output[0]);
    assert_eq!(alone.routes["layer_0"], output.routes["layer_0"]);
}

#[test]
fn what_reaches_a_layer_through_others_comes_from_the_same_sources() {
    let output = attend(&chain(4, 6));
    for (at, layer) in output.layers.iter().enumerate() {
        let (routes, origins) = (&output.routes[layer], &output.origins[layer]);
        assert_eq!(origins.len(), 6);
        assert!((origins.values().sum::<f64>() - 1.0).abs() < 1e-12);
        for (name, origin) in origins {
            let through = output.layers[..at].iter().map(|l| routes[l] * output.origins[l][name]);
            assert!((origin - routes[name] - through.sum::<f64>()).abs() < 1e-12, "{layer} {name}");
        }
    }
    let apart = attend(&ContextInput { flow: Flow::Apart, ..chain(4, 6) });
    assert_eq!(apart.routes, apart.origins);
}

#[test]
fn a_layer_attends_to_the_step_that_is_about_the_same() {
    let layer = ContextEntry::text("deploy", "ship the release to the servers");
    let worker = ContextWorker::of_layer(AttentionConfig::default(), layer).unwrap();
    let context = Context::detached("release")
        .with_output("design", Payload::from("choose the colours of the logo"))
        .with_output("build", payload(r#"{"artifact": "the release", "for": "servers"}"#))
        .with_output("nothing", Payload::null());
    let output = execute(&worker, Task::detached(Payload::null(), Seed(1)).with_context(context));
    let output = output.unwrap();
    assert_eq!(output.sources, ["build", "design"], "what is null was not given");
    assert!(output.routes["deploy"]["build"] > output.routes["deploy"]["design"]);
}

#[test]
fn context_travels_from_step_to_step_of_a_workflow() {
    // Two layers as steps of a workflow, beside the same two in one call: a context means the same wherever it was made.
    let chained = chain(2, 5);
    let give = |layer: usize, flow| {
        let given = ContextInput { layers: vec![chain(2, 5).layers[layer].clone()], ..chain(2, 5) };
        ContextInput { flow, ..given }
    };
    let first = Payload::of(&give(0, Flow::Apart)).unwrap();
    let second = move |_: &Payload, context: &Context| {
        let mut input = give(1, Flow::Apart);
        let earlier: ContextOutput = context.output("outer")?;
        let entry = ContextEntry::vector("layer_0", earlier.attended_output[0].clone());
        input.previous.as_mut().unwrap().push(entry);
        Ok(Payload::of(&input)?)
    };
    let mut hub = Orchestrator::new();
    hub.register_worker("attention", Role::GENERIC, worker()).unwrap();
    let outer = Step::task("outer", Role::GENERIC).input(transform_fn(
        "first",
        1,
        move |_: &Payload, _: &Context| Ok(first.clone()),
    ));
    let inner =
        Step::task("inner", Role::GENERIC).after("outer").input(transform_fn("second", 1, second));
    let workflow = Workflow::builder("layers").step(outer).step(inner).build().unwrap();
    hub.register_workflow(workflow).unwrap();
    let report = block_on(hub.execute("layers", "")).unwrap();
    let inner: ContextOutput = report.output().unwrap().to().unwrap();
    let whole = attend(&chained);
    assert_eq!(inner.attended_output[0], whole.attended_output[1]);
    assert_eq!(inner.routes["layer_1"], whole.routes["layer_1"]);
}

#[test]
fn the_contexts_of_a_step_before_are_read_as_the_vectors_of_its_layers() {
    let features = names(5).map(|name| ContextEntry::value(name, 0.5)).collect();
    let layers =
        [0, 1].map(|at| ContextEntry::interests(format!("l{at}"), [(format!("n{at}"), 1.0)]));
    let input =
        ContextInput { layers: layers.to_vec(), previous: Some(features), flow: Flow::Apart };
    let several = attend(&input);
    let one = attend(&ContextInput { layers: vec![layers[0].clone()], ..input });
    let next = ContextEntry::vector("next", several.attended_output[1].clone());
    let worker = ContextWorker::of_layer(AttentionConfig::default(), next).unwrap();
    let context = Context::detached("")
        .with_output("several", Payload::of(&several).unwrap())
        .with_output("one", Payload::of(&one).unwrap());
    let output = execute(&worker, Task::detached(Payload::null(), Seed(1)).with_context(context));
    let output = output.unwrap();
    assert_eq!(output.sources, ["one", "several.l0", "several.l1"]);
    let routes = &output.routes["next"];
    assert_eq!(routes["one"], routes["several.l0"], "they are the same context");
    assert!(routes["several.l1"] > routes["one"]);
}

#[test]
fn uniform_weights_fail_the_check_and_are_advised_upon() {
    let alike = |name| ContextEntry::text(name, "the same words");
    let output = attend(&ContextInput {
        layers: vec![ContextEntry::text("layer", "something else")],
        previous: Some(names(4).map(alike).collect()),
        flow: Flow::Apart,
    });
    let failed: Vec<&str> =
        output.checks.iter().filter(|c| !c.passed).map(|c| c.name.as_str()).collect();
    assert_eq!(failed, ["focuses on relevant layers"]);
    assert!((output.entropy_share.unwrap() - 1.0).abs() < 1e-12);
    assert!(output.diagnosis[0].contains("from 16 to 32"), "{:?}", output.diagnosis);
    // One source leaves no choice, and that is no failure.
    let only = attend(&ContextInput {
        layers: vec![ContextEntry::text("layer", "something else")],
        previous: Some(vec![alike("n0".to_owned())]),
        flow: Flow::Apart,
    });
    assert!(only.checks.iter().all(|check| check.passed));
    assert_eq!(only.entropy_share, None);
}

#[test]
fn other_projections_give_other_weights_and_the_same_bytes_again() {
    let input = Payload::of(&chain(2, 6)).unwrap();
    let drawn = |seed| {
        let attention = MultiHeadAttention::seeded(AttentionConfig::default(), Seed(seed)).unwrap();
        let worker = ContextWorker::with_attention(attention).unwrap();
        block_on(worker.execute(Task::detached(input.clone(), Seed(9)))).unwrap().payload
    };
    assert_eq!(drawn(1), drawn(1));
    assert_ne!(drawn(1), drawn(2));
    // The seed of the task has no part in it: contexts of different steps understand each other.
    let at = |seed| {
        block_on(worker().execute(Task::detached(input.clone(), Seed(seed)))).unwrap().payload
    };
    assert_eq!(at(1), at(2));
    let renamed =
        execute(&worker().with_names_seed(Seed(5)), Task::detached(input.clone(), Seed(1)));
    assert_ne!(Payload::of(&renamed.unwrap()).unwrap(), at(1));
}

#[test]
fn what_cannot_be_attended_is_a_terminal_failure_that_names_the_place_and_the_remedy() {
    #[track_caller]
    fn refused(json: &str, message: &str) {
        let error = execute(&worker(), Task::detached(payload(json), Seed(1))).unwrap_err();
        assert_eq!(error.failure, Failure::Terminal);
        assert_eq!(error.to_string(), message);
    }
    let value = r#"{"name": "a", "value": 1}"#;
    refused(
        r#"{"layers": []}"#,
        "attention: `layers` is empty; name at least one layer that shall attend",
    );
    refused(
        &format!(r#"{{"layers": [{value}]}}"#),
        "attention: there is nothing to attend to: give entries in `previous`, or draw an edge from a step that has an output",
    );
    refused(
        &format!(r#"{{"layers": [{value}], "previous": [{value}, {value}]}}"#),
        "attention: `previous` has two entries named \"a\"; give each a name of its own",
    );
    refused(
        &format!(r#"{{"layers": [{value}], "previous": [{value}], "flow": "chained"}}"#),
        "attention: `layers` with `previous` has two entries named \"a\"; give each a name of its own",
    );
    refused(
        &format!(r#"{{"layers": [{value}], "previous": [{{"name": "b", "vector": [1, 2]}}]}}"#),
        "attention: the vector of \"b\" in previous has 2 numbers; give 16 (embed_dim)",
    );
    refused(
        &format!(
            r#"{{"layers": [{{"name": "l", "interests": {{"b": 1}}}}], "previous": [{value}]}}"#
        ),
        "attention: layer \"l\" is interested in \"b\" by 1, which is no feature that was given",
    );
    refused(
        r#"{"layers": [{"name": "l", "value": 2}], "previous": [{"name": "a", "value": 1}]}"#,
        "attention: feature \"l\" has the value 2; scale it into [0, 1]",
    );
    let huge = format!(r#"{{"name": "h", "vector": [{}]}}"#, ["1e200"; 16].join(", "));
    refused(
        &format!(r#"{{"layers": [{huge}], "previous": [{huge}]}}"#),
        "attention: the logit of query 0 and key 0 overflows; scale the inputs down",
    );
    let error = execute(&worker(), Task::detached(payload(r#"{"layer": []}"#), Seed(1)));
    assert_eq!(error.unwrap_err().code, "payload");
    let error = execute(
        &worker(),
        Task::detached(payload(r#"{"layers": [{"name": "x", "text": "a", "value": 1}]}"#), Seed(1)),
    );
    let said = error.unwrap_err().message;
    assert!(
        said.contains("\"x\" must have one of `vector`, `text`, `value` and `interests`"),
        "{said}"
    );
    assert!(ContextWorker::new(AttentionConfig { embed_dim: 16, heads: 5 }).is_err());
}

#[test]
fn a_context_that_could_not_travel_on_is_refused() {
    let config = AttentionConfig::default();
    let same = MultiHeadAttention::<f64>::seeded(config, Seed(1)).unwrap().dimensions();
    let narrow = Projections::of_dimensions(&Dimensions { output: 8, ..same }, Seed(1));
    let error = ContextWorker::with_attention(MultiHeadAttention::new(config, narrow).unwrap());
    assert_eq!(
        error.unwrap_err().to_string(),
        "W^O has 8 columns, 16 are needed to fit embed_dim, as a context that travels from layer to layer"
    );
}

#[test]
fn no_more_weights_than_an_output_holds() {
    let input = |count: usize| ContextInput {
        layers: names(64).map(|name| ContextEntry::text(name, "x")).collect(),
        previous: Some(names(count).map(|name| ContextEntry::text(name, "y")).collect()),
        flow: Flow::Apart,
    };
    let most = WEIGHTS_MAX / 64 / 4;
    let output = Payload::of(&attend(&input(most))).unwrap();
    assert!(output.bytes() <= orchestrator_core::PAYLOAD_BYTES_MAX, "{}", output.bytes());
    let task = Task::detached(Payload::of(&input(most + 1)).unwrap(), Seed(1));
    let error = execute(&worker(), task).unwrap_err();
    assert!(
        error.message.contains("more than the 32768 of one output; attend in parts"),
        "{error}"
    );
}

#[test]
fn it_says_its_progress_and_stops_when_cancelled() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (cancel, cancellation) = Cancellation::new();
    let cancel = Mutex::new(Some(cancel));
    let (keep, input) = (seen.clone(), Payload::of(&chain(3, 4)).unwrap());
    let notes = Notes::to(move |_, note| {
        let Note::Progress { done, message } = note else { return };
        if message == "layer_1: head 2 of 4" {
            cancel.lock().unwrap().take().unwrap().cancel();
        }
        keep.lock().unwrap().push(done);
    });
    let task = Task::detached(input.clone(), Seed(1)).with_notes(notes);
    let error = execute(&worker(), task.clone().with_cancellation(cancellation)).unwrap_err();
    assert_eq!(error.failure, Failure::Cancelled);
    assert_eq!(
        std::mem::take(&mut *seen.lock().unwrap()).len(),
        6,
        "it stops before the next head"
    );
    let keep = seen.clone();
    let notes = Notes::to(move |_, note| {
        if let Note::Progress { done, .. } = note {
            keep.lock().unwrap().push(done);
        }
    });
    execute(&worker(), task.with_notes(notes)).unwrap();
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3 * 4 + 1);
    assert!(seen.is_sorted() && seen.last() == Some(&1.0));
}

#[test]
fn a_failure_of_the_step_before_leaves_the_layer_unasked() {
    let mut hub = Orchestrator::new();
    let fails = worker_fn(async |_| Err(TaskError::terminal("broken", "no draft")));
    hub.register_worker("writer", Role::CODER, fails).unwrap();
    let layer = ContextEntry::text("next", "anything");
    let of_layer = ContextWorker::of_layer(AttentionConfig::default(), layer).unwrap();
    hub.register_worker("attention", Role::GENERIC, of_layer).unwrap();
    let workflow = Workflow::builder("broken")
        .step(Step::task("draft", Role::CODER))
        .step(Step::task("context", Role::GENERIC).after("draft"))
        .build()
        .unwrap();
    hub.register_workflow(workflow).unwrap();
    let report = block_on(hub.execute("broken", "")).unwrap();
    assert!(report.output().unwrap_err().to_string().contains("no draft"));
}
