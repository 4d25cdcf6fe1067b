//! Mermaid and DOT show a definition, and a run with its states, whatever its author wrote into it.

#[allow(dead_code, reason = "other tests name closures")]
mod common;

use std::time::Duration;

use common::Dice;
use orchestrator_core::{
    Command, Context, Input, Join, On, Payload, Role, Run, RunOptions, Step, TaskError, TaskOutput,
    Timestamp, Workflow, build_website, condition_fn,
};
use proptest::prelude::*;

fn everything() -> Workflow {
    let large = || condition_fn("large", 1, |_: &Context| Ok(true));
    let body = Workflow::builder("body").step(Step::task("inner", Role::CODER)).build().unwrap();
    Workflow::builder("everything")
        .step(Step::task("work", Role::CODER).describe("does \"it\" <now>\n& here"))
        .step(Step::branch("choose").after("work").case(large(), "each").otherwise("part"))
        .step(Step::map("each", body.clone(), 4))
        .step(Step::sub_workflow("part", body.clone()))
        .step(Step::repeat_until("again", body, 3, large()).after_when("work", large()))
        .step(
            Step::decision("ask", "ship \\ #1?", ["yes", "no"])
                .after("each")
                .after_end("again", On::Failure)
                .after_end("part", On::Always)
                .join(Join::AtLeast(2)),
        )
        .step(
            Step::wait_for_signal("go", "go")
                .after("ask")
                .after_end("work", On::Failure)
                .join(Join::Any),
        )
        .step(Step::wait_for("rest", Duration::from_millis(250)).after("ask"))
        .build()
        .unwrap()
}

#[test]
fn mermaid_shows_every_kind_of_step_and_edge() {
    assert_eq!(
        everything().to_mermaid(),
        r##"flowchart TD
  %% everything
  s0["work<br/>coder<br/><i>does #quot;it#quot; #lt;now#gt;<br/>#amp; here</i>"]
  s1{"choose<br/>branch"}
  subgraph s2["each<br/>for every item (4 at a time)"]
    s2_s0["inner<br/>coder"]
  end
  subgraph s3["part<br/>runs body"]
    s3_s0["inner<br/>coder"]
  end
  subgraph s4["again<br/>until large (at most 3 rounds)"]
    s4_s0["inner<br/>coder"]
  end
  s5[/"ask<br/>ship #92; #35;1?<br/>yes / no<br/>2 of 3"/]
  s6(["go<br/>waits for go<br/>any"])
  s7(["rest<br/>waits 250 ms"])
  s0 --> s1
  s0 -->|"large"| s4
  s0 -.->|"on failure"| s6
  s1 -->|"large"| s2
  s1 -->|"otherwise"| s3
  s2 --> s5
  s3 -->|"always"| s5
  s4 -.->|"on failure"| s5
  s5 --> s6
  s5 --> s7
"##
    );
}

#[test]
fn dot_shows_the_same() {
    assert_eq!(
        everything().to_dot(),
        r##"digraph "everything" {
  node [style=filled, fillcolor="#ffffff"];
  s0 [shape=box, label="work\ncoder\ndoes \"it\" <now>\n&amp; here"];
  s1 [shape=diamond, label="choose\nbranch"];
  subgraph cluster_s2 {
    label="body";
    s2 [shape=folder, label="each\nfor every item (4 at a time)"];
    s2_s0 [shape=box, label="inner\ncoder"];
    s2 -> s2_s0 [style=dotted, arrowhead=none];
  }
  subgraph cluster_s3 {
    label="body";
    s3 [shape=folder, label="part\nruns body"];
    s3_s0 [shape=box, label="inner\ncoder"];
    s3 -> s3_s0 [style=dotted, arrowhead=none];
  }
  subgraph cluster_s4 {
    label="body";
    s4 [shape=folder, label="again\nuntil large (at most 3 rounds)"];
    s4_s0 [shape=box, label="inner\ncoder"];
    s4 -> s4_s0 [style=dotted, arrowhead=none];
  }
  s5 [shape=invhouse, label="ask\nship \\ #1?\nyes / no\n2 of 3"];
  s6 [shape=ellipse, label="go\nwaits for go\nany"];
  s7 [shape=ellipse, label="rest\nwaits 250 ms"];
  s0 -> s1;
  s0 -> s4 [label="large"];
  s0 -> s6 [label="on failure", style=dashed];
  s1 -> s2 [label="large"];
  s1 -> s3 [label="otherwise"];
  s2 -> s5;
  s3 -> s5 [label="always"];
  s4 -> s5 [label="on failure", style=dashed];
  s5 -> s6;
  s5 -> s7;
}
"##
    );
}

/// Carries a run on: `answer` says what each attempt gives, or `None` to leave it at work.
fn drive(run: &mut Run, answer: impl Fn(&str) -> Option<Result<TaskOutput, TaskError>>) {
    run.handle(Timestamp(0), Input::Started).unwrap();
    loop {
        while run.poll_event().is_some() {}
        run.commit_polled();
        let Some(command) = run.poll_command() else { return };
        if let Command::Execute { attempt, .. } = command
            && let Some(result) = answer(&attempt.path.to_string())
        {
            run.handle(Timestamp(1), Input::Answered { attempt, result }).unwrap();
        }
    }
}

fn done() -> Option<Result<TaskOutput, TaskError>> {
    Some(Ok(Payload::parse("[1, 2, 3]").unwrap().into()))
}

#[test]
fn a_run_shows_the_last_round_of_a_loop() {
    let workflow = build_website(3).unwrap();
    let mut run = Run::new(workflow.clone(), RunOptions::new("run-1", "").unwrap());
    drive(&mut run, |path| match path {
        "draft[0]/review_code" => Some(Err(TaskError::terminal("rejected", "once more"))),
        "draft[1]/implement_code" => None,
        _ => done(),
    });
    let chart = run.view().to_mermaid(&workflow);
    for line in [
        "s0[\"create_specs<br/>product_manager<br/>succeeded<br/><i>turns the goal into a specification</i>\"]",
        "subgraph s1[\"draft<br/>until review_code accepts (at most 3 rounds)<br/>running<br/>",
        "s1_s0[\"implement_code<br/>coder<br/>running<br/>",
        "s1_s1[\"review_code<br/>reviewer<br/>waiting<br/>",
        "  classDef running fill:#bbdefb,stroke:#616161,color:#212121\n  class s1,s1_s0 running\n",
        "  class s1_s1 waiting\n",
        "  class s0 succeeded\n",
    ] {
        assert!(chart.contains(line), "{line}\n{chart}");
    }
    let dot = run.view().to_dot(&workflow);
    dot_reads(&dot).unwrap();
    assert!(dot.contains("s1_s0 [shape=box, label=\"implement_code\\ncoder\\nrunning\\nwrites the files of the site\", fillcolor=\"#bbdefb\"];"), "{dot}");
    // Without a run there are no states.
    assert!(!workflow.to_mermaid().contains("class"));
}

#[test]
fn a_run_shows_all_items_of_a_map() {
    let body = Workflow::builder("body")
        .step(Step::task("first", Role::CODER))
        .step(Step::task("then", Role::CODER).after("first"))
        .build()
        .unwrap();
    let workflow = Workflow::builder("w")
        .step(Step::task("list", Role::CODER))
        .step(Step::map("each", body, 2).after("list"))
        .build()
        .unwrap();
    let mut run = Run::new(workflow.clone(), RunOptions::new("run-1", "").unwrap());
    drive(&mut run, |path| match path {
        "each[0]/then" | "each[2]/first" => None,
        _ => done(),
    });
    let chart = run.view().to_mermaid(&workflow);
    assert!(chart.contains("s1_s0[\"first<br/>coder<br/>1 running, 2 succeeded\"]"), "{chart}");
    assert!(
        chart.contains("s1_s1[\"then<br/>coder<br/>1 running, 1 waiting, 1 succeeded\"]"),
        "{chart}"
    );
}

/// The grammar of DOT as far as it is written here: statements, clusters, quoted texts.
fn dot_reads(text: &str) -> Result<(), String> {
    let mut depth = 0;
    let mut rest = text;
    let mut words: Vec<String> = Vec::new();
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match c {
            '"' => {
                let mut escaped = false;
                let inside = rest[1..].char_indices().find(|(_, c)| {
                    let ends = *c == '"' && !escaped;
                    escaped = *c == '\\' && !escaped;
                    ends
                });
                let (end, _) = inside.ok_or("a quote is not closed")?;
                let quoted = &rest[1..=end];
                if quoted.chars().any(char::is_control) {
                    return Err(format!("a control character in {quoted:?}"));
                }
                taken = end + 2;
                words.push("text".to_owned());
            }
            '{' | ';' | '}' => {
                let statement = words.join(" ");
                let word = |word: &&String| {
                    word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !word.is_empty()
                };
                let sound = match (c, words.as_slice()) {
                    ('{', [kind, name]) => {
                        (kind == "digraph" && name == "text")
                            || (kind == "subgraph" && name.starts_with("cluster_s"))
                    }
                    ('}', []) => true,
                    (';', [key, equals, value]) if equals == "=" => {
                        key == "label" && value == "text"
                    }
                    (';', [from, arrow, to, settings @ ..]) if arrow == "->" => {
                        word(&from) && word(&to) && list(settings)
                    }
                    (';', [node, settings @ ..]) => {
                        word(&node) && !settings.is_empty() && list(settings)
                    }
                    _ => false,
                };
                if !sound {
                    return Err(format!("no statement: {statement} {c}"));
                }
                words.clear();
                depth += match c {
                    '{' => 1,
                    '}' => -1,
                    _ => 0,
                };
            }
            '[' | ']' | ',' | '=' => words.push(c.to_string()),
            '-' if rest.starts_with("->") => {
                taken = 2;
                words.push("->".to_owned());
            }
            c if c.is_whitespace() => {}
            c if c.is_ascii_alphanumeric() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
                taken = end.unwrap_or(rest.len());
                words.push(rest[..taken].to_owned());
            }
            other => return Err(format!("{other:?} outside of a text")),
        }
        rest = &rest[taken..];
    }
    if depth == 0 && words.is_empty() { Ok(()) } else { Err("it ends too early".to_owned()) }
}

/// `[key = value, ...]`, or nothing.
fn list(words: &[String]) -> bool {
    let [open, inside @ .., close] = words else { return words.is_empty() };
    let pairs = inside.split(|word| word == ",");
    open == "["
        && close == "]"
        && pairs.into_iter().all(|pair| matches!(pair, [_, equals, _] if equals == "="))
}

/// A flowchart as far as it is written here, line by line.
fn mermaid_reads(text: &str) -> Result<(), String> {
    let mut open = 0;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let quoted: Vec<&str> = line.split('"').collect();
        let sound = match (at, quoted.as_slice()) {
            (0, _) => line == "flowchart TD",
            (1, _) => line.starts_with("%% "),
            (_, ["end"]) => {
                open -= 1;
                open >= 0
            }
            (_, [edge]) => {
                edge.starts_with("class")
                    || edge.split_once(" --> ").is_some_and(|(from, to)| key(from) && key(to))
            }
            (_, [before, label, after]) => {
                if let Some(frame) = before.strip_prefix("subgraph ") {
                    open += 1;
                    frame.strip_suffix('[').is_some_and(key) && *after == "]" && plain(label)
                } else if let Some((from, _)) = before.split_once(' ') {
                    (before.ends_with(" -->|") || before.ends_with(" -.->|"))
                        && key(from)
                        && after.strip_prefix("| ").is_some_and(key)
                        && plain(label)
                } else {
                    let shapes = [("[", "]"), ("{", "}"), ("[/", "/]"), ("([", "])")];
                    plain(label)
                        && shapes.iter().any(|(begin, end)| {
                            before.strip_suffix(begin).is_some_and(key) && after == end
                        })
                }
            }
            _ => false,
        };
        if !sound {
            return Err(format!("line {at}: {line}"));
        }
    }
    if open == 0 { Ok(()) } else { Err("a subgraph is not closed".to_owned()) }
}

fn key(text: &str) -> bool {
    text.starts_with('s') && text.chars().all(|c| c.is_ascii_digit() || c == 's' || c == '_')
}

/// Nothing that Mermaid would read as more than text, but for what is written on purpose.
fn plain(label: &str) -> bool {
    let mut label = label.to_owned();
    for meant in ["<br/>", "<i>", "</i>", "#quot;", "#lt;", "#gt;", "#amp;", "#35;", "#96;", "#92;"]
    {
        label = label.replace(meant, "");
    }
    !label.contains(['<', '>', '&', '#', '`', '\\']) && !label.chars().any(char::is_control)
}

#[test]
fn the_checks_of_this_file_see_what_is_wrong() {
    assert!(dot_reads("digraph \"a\" { s0 [label=\"x\"]; }").is_ok());
    for wrong in [
        "digraph \"a\" {",
        "digraph \"a\" { s0 [label=\"x\"y\"]; }",
        "digraph \"a\" { s0 -> ; }",
        "digraph \"a\" { s0 [label=\"x\\\"]; }",
    ] {
        assert!(dot_reads(wrong).is_err(), "{wrong}");
    }
    assert!(mermaid_reads("flowchart TD\n  %% a\n  s0[\"x\"]\n  s0 --> s0").is_ok());
    for wrong in ["  s0[\"x\"y\"]", "  s0[\"<b>\"]", "  subgraph s0[\"x\"]", "  end", "  a --> b"] {
        assert!(mermaid_reads(&format!("flowchart TD\n  %% a\n{wrong}")).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn whatever_an_author_writes_is_drawn(seed: u64, words in "(?s).{0,40}") {
        let mut workflow = common::workflow(&mut Dice(seed), 2);
        let named = condition_fn(&words, 1, |_: &Context| Ok(true));
        workflow = Workflow::builder("outer")
            .step(Step::sub_workflow("inner", workflow).describe(words.as_str()))
            .step(Step::decision("ask", words.as_str(), ["yes"]).after_when("inner", named))
            .build()
            .unwrap();
        if let Err(why) = mermaid_reads(&workflow.to_mermaid()) {
            panic!("{why}");
        }
        if let Err(why) = dot_reads(&workflow.to_dot()) {
            panic!("{why}");
        }
    }
}
