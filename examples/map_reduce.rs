//! A map over a list that is known only at run time, and what is made of its results: the words of a text are counted line by line, at
//! most three lines at a time; a line that cannot be read fails alone.
//! Run it with `cargo run --release --example map_reduce`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use orchestrator_ai::core::*;
use serde::Deserialize;

const TEXT: &str = "the quick brown fox\njumps over the lazy dog\n\u{FFFD}\u{FFFD}\u{FFFD}\n\
    the dog sleeps\nthe fox is quick and the dog is lazy";

type Counts = BTreeMap<String, u32>;

/// What a map gives for an item if failed items are collected.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Output(Counts),
    Error(TaskError),
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let line = Workflow::builder("line").step(Step::task("count", Role::ANALYST)).build()?;
    let workflow = Workflow::builder("count_words")
        .step(Step::task("split", Role::GENERIC))
        .step(
            Step::map("each_line", line, 3)
                .after("split")
                .items_max(1_000)
                .on_item_failure(OnItemFailure::Collect),
        )
        .step(Step::task("merge", Role::INTEGRATOR).after("each_line"))
        .build()?;

    let split = typed_worker(async |text: String, _| {
        Ok(text.lines().map(str::to_owned).collect::<Vec<_>>())
    });
    // How many lines are counted at once, to show that the bound holds.
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = most.clone();
    let count = typed_worker(move |line: String, task: Task| {
        let (now, seen) = (now.clone(), seen.clone());
        async move {
            seen.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Longer lines take longer, so that they do not end in the order in which they began.
            for _ in 0..line.len() {
                yield_now().await;
            }
            now.fetch_sub(1, Ordering::SeqCst);
            if line.contains('\u{FFFD}') {
                let line = task.context().item()?.index + 1;
                return Err(TaskError::terminal("unreadable", format!("line {line} is no text")));
            }
            let mut counts = Counts::new();
            for word in line.split_whitespace() {
                *counts.entry(word.to_owned()).or_default() += 1;
            }
            Ok(counts)
        }
    });
    let merge = typed_worker(async |lines: Vec<Line>, _| {
        let mut total = Counts::new();
        for line in lines {
            match line {
                Line::Output(counts) => {
                    counts.into_iter().for_each(|(word, n)| *total.entry(word).or_default() += n);
                }
                Line::Error(error) => println!("left out: {}", error.message),
            }
        }
        Ok(total)
    });

    let mut hub = Orchestrator::new();
    hub.register_worker("splitter", Role::GENERIC, split)?;
    hub.register_worker("counter", Role::ANALYST, count)?;
    hub.register_worker("merger", Role::INTEGRATOR, merge)?;
    hub.register_workflow(workflow)?;
    let report = futures::executor::block_on(hub.execute("count_words", TEXT))?;

    for recorded in &report.history {
        match &recorded.event {
            Event::MapExpanded { len, .. } => println!("{len} lines"),
            Event::ItemStarted { item, .. } => println!("  line {} began", item + 1),
            Event::ItemEnded { item, error: None, .. } => println!("  line {} ended", item + 1),
            Event::ItemEnded { item, .. } => println!("  line {} failed", item + 1),
            _ => {}
        }
    }
    println!("at most {} at a time", most.load(Ordering::SeqCst));
    for (word, count) in report.output()?.to::<Counts>()?.iter().filter(|(_, count)| **count > 1) {
        println!("{count} × {word}");
    }
    Ok(())
}
